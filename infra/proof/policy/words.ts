import { showUnknown } from '../assembly/unknown.ts';
import type { Condition, Test } from './condition.ts';

/** `condition` in words: `aws:SourceVpce is vpce-0ab and kms:MessageType is DIGEST`. Texts in it are shown as the policies write them. */
export function describeCondition(condition: Condition): string {
  return showUnknown(words(condition, false));
}

function words(condition: Condition, inside: boolean): string {
  switch (condition.kind) {
    case 'constant':
      return condition.value ? 'always' : 'never';
    case 'test':
      return testInWords(condition.test);
    case 'not':
      return condition.of.kind === 'test'
        ? contraryInWords(condition.of.test)
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

function testInWords(test: Test): string {
  switch (test.kind) {
    case 'present':
      return `${test.name} is present`;
    case 'value':
      return `${test.name} ${test.matcher.words}`;
    case 'some':
      return `a value of ${test.name} ${test.matcher.words}`;
    case 'stray':
      return test.matchers.length === 0
        ? `${test.name} is present`
        : `a value of ${test.name} is beyond those that ${test.matchers.map((matcher) => matcher.words).join(' or ')}`;
    case 'resource':
      return `the resource matches ${test.pattern.source}`;
    case 'session':
      return `the role session is named ${test.session}`;
    case 'unknown':
      return `it is unknown what comes of ${test.what}`;
  }
}

function contraryInWords(test: Test): string {
  switch (test.kind) {
    case 'present':
      return `${test.name} is absent`;
    case 'value':
      return `${test.name} ${contraryOf(test.matcher.words)}`;
    case 'some':
      return `no value of ${test.name} ${test.matcher.words}`;
    case 'stray':
      return test.matchers.length === 0
        ? `${test.name} is absent`
        : `every value of ${test.name} ${test.matchers.map((matcher) => matcher.words).join(' or ')}`;
    case 'resource':
      return `the resource does not match ${test.pattern.source}`;
    case 'session':
      return `the role session is not named ${test.session}`;
    case 'unknown':
      return `it is unknown what comes of ${test.what} (the contrary)`;
  }
}

/** `is x` to `is not x`, `matches x` to `does not match x`. */
function contraryOf(matcherWords: string): string {
  if (matcherWords.startsWith('matches ')) return `does not match ${matcherWords.slice('matches '.length)}`;
  return matcherWords.replace(/^is /, 'is not ');
}
