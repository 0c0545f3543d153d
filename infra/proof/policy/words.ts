import { showUnknown } from '../assembly/unknown.ts';
import type { Condition, Test } from './condition.ts';
import { showGlob } from './pattern.ts';

/** `condition` in words: `aws:SourceVpce is vpce-0ab and kms:MessageType is DIGEST`. Texts in it are shown as the policies write them. */
export function describeCondition(condition: Condition): string {
  return showUnknown(words(condition, false));
}

function words(condition: Condition, inside: boolean): string {
  switch (condition.kind) {
    case 'constant':
      return condition.value ? 'always' : 'never';
    case 'test':
      return testInWords(condition.test, true);
    case 'not':
      return condition.of.kind === 'test'
        ? testInWords(condition.of.test, false)
        : `not (${words(condition.of, false)})`;
    case 'all':
    case 'any': {
      const joined = condition.of
        .map((part) => words(part, true))
        .join(condition.kind === 'all' ? ' and ' : ' or ');
      return inside ? `(${joined})` : joined;
    }
  }
}

function testInWords(test: Test, holds: boolean): string {
  switch (test.kind) {
    case 'present':
      return `${test.name} is ${holds ? 'present' : 'absent'}`;
    case 'value':
      return `${test.name} ${holds ? test.matcher.words : contraryOf(test.matcher.words)}`;
    case 'stray': {
      const known = test.matchers.map((matcher) => matcher.words).join(' or ');
      return holds
        ? `a value of ${test.name} is beyond those that ${known}`
        : `every value of ${test.name} ${known}`;
    }
    case 'resource':
      return `the resource ${holds ? 'matches' : 'does not match'} ${showGlob(test.glob)}`;
    case 'unknown':
      return `it is unknown what comes of ${test.what}${holds ? '' : ' (the contrary)'}`;
  }
}

/** `is x` to `is not x`, `matches x` to `does not match x`. */
function contraryOf(matcherWords: string): string {
  if (matcherWords.startsWith('matches ')) return `does not match ${matcherWords.slice('matches '.length)}`;
  return matcherWords.replace(/^is /, 'is not ');
}
