import { arnParts, matchArn } from './arn.ts';
import type { Matcher } from './matcher.ts';
import { fillPattern, matchGlob, type Pattern } from './pattern.ts';
import { both, either, opposite, type Truth } from './truth.ts';

/**
 * One question about a request. Keys are lower-case; `name` is the key as the policy writes it.
 * `value` asks about the only value of a key, `some` whether any of its values matches, `stray` whether any
 * of its values matches none of the matchers, `unknown` what nobody can answer.
 */
export type Test =
  | { kind: 'present'; id: string; key: string; name: string }
  | { kind: 'value' | 'some'; id: string; key: string; name: string; matcher: Matcher }
  | { kind: 'stray'; id: string; key: string; name: string; matchers: readonly Matcher[] }
  | { kind: 'resource'; id: string; pattern: Pattern }
  | { kind: 'session'; id: string; session: string }
  | { kind: 'unknown'; id: string; what: string };

/** A Boolean formula over tests. `id` is equal for formulas that are written the same. */
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
  /** Name of the caller's role session; undefined where it is open. */
  session: string | undefined;
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
  const [first, ...others] = [...new Map(kept.map((part) => [part.id, part])).values()];
  if (first === undefined) return decisive ? NEVER : ALWAYS;
  if (others.length === 0) return first;
  const of = [first, ...others];
  const ids = of.map(({ id }) => id).sort();
  return { kind, of, id: `${kind}(${ids.join(', ')})` };
}

function ask(test: Test): Condition {
  return { kind: 'test', test, id: test.id };
}

/** That the key is present. */
export function isPresent(name: string): Condition {
  const key = name.toLowerCase();
  return ask({ kind: 'present', id: `${key} is present`, key, name });
}

/** That the key's only value (`value`) or one of its values (`some`) matches. */
export function hasValue(name: string, matcher: Matcher, kind: 'value' | 'some' = 'value'): Condition {
  const key = name.toLowerCase();
  return ask({ kind, id: `${key} ${kind} ${matcher.id}`, key, name, matcher });
}

/** That one of the key's values matches none of the matchers. */
export function hasStray(name: string, matchers: readonly Matcher[]): Condition {
  const key = name.toLowerCase();
  const id = `${key} stray ${matchers
    .map((matcher) => matcher.id)
    .sort()
    .join(' | ')}`;
  return ask({ kind: 'stray', id, key, name, matchers });
}

/** That the resource matches a pattern with policy variables, or a part of the resources asked about. */
export function isResource(pattern: Pattern): Condition {
  return ask({ kind: 'resource', id: `resource ${pattern.source}`, pattern });
}

/** That the caller's role session has this name. */
export function isSession(session: string): Condition {
  return ask({ kind: 'session', id: `session ${session}`, session });
}

/** What nobody can answer: possibly true in the proof, never enough to allow in the local system. */
export function unknown(what: string): Condition {
  return ask({ kind: 'unknown', id: `unknown ${what}`, what });
}

/** Whether `condition` holds on a closed context; not known where a test can't be answered. */
export function evaluate(condition: Condition, facts: Facts): Truth {
  switch (condition.kind) {
    case 'constant':
      return condition.value;
    case 'test':
      return answer(condition.test, facts);
    case 'not':
      return opposite(evaluate(condition.of, facts));
    case 'all': {
      let result: Truth = true;
      for (const part of condition.of) {
        result = both(result, evaluate(part, facts));
        if (result === false) return false;
      }
      return result;
    }
    case 'any': {
      let result: Truth = false;
      for (const part of condition.of) {
        result = either(result, evaluate(part, facts));
        if (result === true) return true;
      }
      return result;
    }
  }
}

/** `condition` with every test that `facts` answer replaced by the answer. */
export function reduce(condition: Condition, facts: Facts): Condition {
  switch (condition.kind) {
    case 'constant':
      return condition;
    case 'test': {
      if (isOpen(condition.test, facts)) return condition;
      const truth = answer(condition.test, facts);
      return truth === undefined ? condition : truth ? ALWAYS : NEVER;
    }
    case 'not':
      return not(reduce(condition.of, facts));
    case 'all':
      return all(condition.of.map((part) => reduce(part, facts)));
    case 'any':
      return any(condition.of.map((part) => reduce(part, facts)));
  }
}

/** Every test of `condition`, once each. */
export function testsOf(condition: Condition, found: Map<string, Test> = new Map()): Map<string, Test> {
  if (condition.kind === 'test') found.set(condition.test.id, condition.test);
  else if (condition.kind === 'not') testsOf(condition.of, found);
  else if (condition.kind !== 'constant') for (const part of condition.of) testsOf(part, found);
  return found;
}

/** Whether the context leaves open what `test` asks. */
function isOpen(test: Test, facts: Facts): boolean {
  const open = (key: string) => facts.values(key) === undefined;
  switch (test.kind) {
    case 'present':
      return open(test.key);
    case 'value':
    case 'some':
      return open(test.key) || test.matcher.keys.some(open);
    case 'stray':
      return open(test.key) || test.matchers.some((matcher) => matcher.keys.some(open));
    case 'resource':
      return test.pattern.keys.some(open) || facts.resource.includes('*');
    case 'session':
      return facts.session === undefined;
    case 'unknown':
      return true;
  }
}

function answer(test: Test, facts: Facts): Truth {
  const read = (key: string) => {
    const values = facts.values(key) ?? [];
    return values.length === 1 ? values[0] : undefined;
  };
  switch (test.kind) {
    case 'present':
      return (facts.values(test.key) ?? []).length > 0;
    case 'value': {
      const values = facts.values(test.key) ?? [];
      if (values.length > 1) return undefined;
      return values[0] === undefined ? false : test.matcher.test(values[0], read);
    }
    case 'some':
      return (facts.values(test.key) ?? []).reduce<Truth>(
        (found, value) => either(found, test.matcher.test(value, read)),
        false,
      );
    case 'stray':
      return (facts.values(test.key) ?? []).reduce<Truth>(
        (found, value) => either(found, strays(value, test.matchers, read)),
        false,
      );
    case 'resource': {
      const glob = fillPattern(test.pattern, read);
      return glob === undefined ? false : matchArn(arnParts(glob), facts.resource);
    }
    case 'session':
      return facts.session === undefined ? undefined : matchGlob(test.session, facts.session);
    case 'unknown':
      return undefined;
  }
}

function strays(
  value: string,
  matchers: readonly Matcher[],
  read: (key: string) => string | undefined,
): Truth {
  // AWS calls an empty string a "null data set", which ForAllValues accepts; what that covers is not said.
  if (value === '') return undefined;
  return opposite(
    matchers.reduce<Truth>((found, matcher) => either(found, matcher.test(value, read)), false),
  );
}
