import type { Matcher } from './matcher.ts';
import { arnParts, type Glob, matchArn } from './pattern.ts';
import * as ternary from './ternary.ts';

/**
 * One question about a request. Keys are lower-case; `name` is the key as the policy writes it.
 * `value` asks about the only value of a key, `stray` whether any of its values matches none of the matchers, `unknown` what
 * nobody can answer.
 */
export type Test =
  | { kind: 'present'; id: string; key: string; name: string }
  | { kind: 'value'; id: string; key: string; name: string; matcher: Matcher }
  | { kind: 'stray'; id: string; key: string; name: string; matchers: readonly Matcher[] }
  | { kind: 'resource'; id: string; glob: Glob }
  | { kind: 'unknown'; id: string; what: string };

/** A Boolean formula over tests. `id` is equal for formulas that are written the same, and for no others: what policies say is quoted in it. */
export type Condition = { id: string } & (
  | { kind: 'constant'; value: boolean }
  | { kind: 'test'; test: Test }
  | { kind: 'not'; of: Condition }
  | { kind: 'all' | 'any'; of: readonly Condition[] }
);

/** The condition that always holds. */
export const ALWAYS: Condition = { kind: 'constant', value: true, id: 'always' };

/** The condition that never holds. */
export const NEVER: Condition = { kind: 'constant', value: false, id: 'never' };

/** What a condition is evaluated on. */
export interface Facts {
  /** Values of a context key (lower-case name): none where the request lacks it, undefined where that is open. */
  values(key: string): readonly string[] | undefined;
  /** ARN of the resource, or `*`. In a question about many resources, a pattern. */
  resource: string;
}

/** Both hold, simplified as far as constants and repetition allow. */
export function all(parts: readonly Condition[]): Condition {
  return combine('all', parts, false);
}

/** At least one holds. */
export function any(parts: readonly Condition[]): Condition {
  return combine('any', parts, true);
}

/** The contrary. */
export function not(condition: Condition): Condition {
  if (condition.kind === 'constant') return condition.value ? NEVER : ALWAYS;
  return condition.kind === 'not' ? condition.of : { kind: 'not', of: condition, id: `not ${condition.id}` };
}

function combine(kind: 'all' | 'any', parts: readonly Condition[], decisive: boolean): Condition {
  const kept: Condition[] = [];
  for (const part of parts) {
    if (part.kind === 'constant') {
      if (part.value === decisive) return decisive ? ALWAYS : NEVER;
    } else if (part.kind === kind) kept.push(...part.of);
    else kept.push(part);
  }
  const [first] = kept;
  if (first === undefined) return decisive ? NEVER : ALWAYS;
  // Most are of one part.
  if (kept.every(({ id }) => id === first.id)) return first;
  const seen = new Set<string>();
  const of = kept.filter(({ id }) => !seen.has(id) && seen.add(id));
  const ids = [...seen].sort();
  return { kind, of, id: `${kind}(${ids.join(', ')})` };
}

const quoted = JSON.stringify;

const ask = (test: Test): Condition => ({ kind: 'test', test, id: test.id });

/** That the key is present. */
export function isPresent(name: string): Condition {
  const key = name.toLowerCase();
  return ask({ kind: 'present', id: `${quoted(key)} present`, key, name });
}

/** That the key's only value matches. */
export function hasValue(name: string, matcher: Matcher): Condition {
  const key = name.toLowerCase();
  return ask({ kind: 'value', id: `${quoted(key)} ${matcher.id}`, key, name, matcher });
}

/** That one of the key's values matches none of the matchers. */
export function hasStray(name: string, matchers: readonly Matcher[]): Condition {
  const key = name.toLowerCase();
  const ids = matchers.map((matcher) => matcher.id).sort();
  return ask({ kind: 'stray', id: `${quoted(key)} stray ${ids.join(' | ')}`, key, name, matchers });
}

/** That the resource is in this part of the resources asked about. */
export function isResource(glob: Glob): Condition {
  return ask({ kind: 'resource', id: `resource ${quoted(glob)}`, glob });
}

/** What nobody can answer: possibly true in the proof, never enough to allow in the local system. `of` tells two of the same words apart, such as their values. */
export function unknown(what: string, of = ''): Condition {
  return ask({ kind: 'unknown', id: `unknown ${quoted([what, of])}`, what });
}

/** Whether `condition` holds on a closed context; not known where a test can't be answered. */
export function evaluate(condition: Condition, facts: Facts): ternary.Truth {
  const reduced = reduce(condition, facts);
  return reduced.kind === 'constant' ? reduced.value : undefined;
}

/** `condition` with the tests replaced by the answer for which there is one. */
export function mapTests(condition: Condition, answer: (test: Test) => ternary.Truth): Condition {
  switch (condition.kind) {
    case 'constant':
      return condition;
    case 'test':
      return constantOf(answer(condition.test)) ?? condition;
    case 'not':
      return not(mapTests(condition.of, answer));
    default: {
      const join = condition.kind === 'all' ? all : any;
      return join(condition.of.map((part) => mapTests(part, answer)));
    }
  }
}

/** What an answer makes of a test in a condition; undefined, which leaves the test, where there is none. */
export function constantOf(truth: ternary.Truth): Condition | undefined {
  return truth === undefined ? undefined : truth ? ALWAYS : NEVER;
}

/** `condition` with every test that `facts` answer replaced by the answer. */
export function reduce(condition: Condition, facts: Facts): Condition {
  return mapTests(condition, (test) => answer(test, facts));
}

/** Every test of `condition`, once each. */
export function testsOf(condition: Condition, found: Map<string, Test> = new Map()): Map<string, Test> {
  if (condition.kind === 'test') found.set(condition.test.id, condition.test);
  else if (condition.kind === 'not') testsOf(condition.of, found);
  else if (condition.kind !== 'constant') for (const part of condition.of) testsOf(part, found);
  return found;
}

/** Not known too where `facts` leave open what `test` asks. */
function answer(test: Test, facts: Facts): ternary.Truth {
  const values = 'key' in test ? facts.values(test.key) : [];
  if (values === undefined) return undefined;
  switch (test.kind) {
    case 'present':
      return values.length > 0;
    case 'value':
      if (values.length > 1) return undefined;
      return values[0] === undefined ? false : test.matcher.test(values[0]);
    case 'stray':
      return ternary.fold(values, (value) => strays(value, test.matchers), false);
    case 'resource':
      return facts.resource.includes('*') ? undefined : matchArn(arnParts(test.glob), facts.resource);
    case 'unknown':
      return undefined;
  }
}

function strays(value: string, matchers: readonly Matcher[]): ternary.Truth {
  // AWS calls an empty string a "null data set", which ForAllValues accepts; what that covers is not said.
  if (value === '') return undefined;
  return ternary.not(ternary.fold(matchers, (matcher) => matcher.test(value), false));
}
