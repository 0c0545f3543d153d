import type { Test } from './condition.ts';
import { compareMatchers, type Matcher } from './matcher.ts';

/** "If the first test's answer is this, the second's is that." The contrapositive holds too. */
type Rule = readonly [first: boolean, second: boolean];

/** What an answer to `a` says about `b`, and by contraposition the reverse. Never wrongly claims anything. */
export function relateTests(a: Test, b: Test): Rule[] {
  if (a.kind === 'session' && b.kind === 'session') return [[true, false]];
  if (!('key' in a) || !('key' in b) || a.key !== b.key) return [];
  if (b.kind === 'present') return a.kind === 'present' ? [] : [[true, true]];
  if (a.kind === 'present') return [[false, false]];
  if (a.kind === 'stray' && b.kind === 'stray') return relateStrays(a.matchers, b.matchers);
  if (a.kind === 'stray') return b.kind === 'stray' ? [] : relateStray(b, a.matchers).map(contrapositive);
  if (b.kind === 'stray') return relateStray(a, b.matchers);
  const { implies, implied, disjoint } = compareMatchers(a.matcher, b.matcher);
  // `value` says that there is one value only, so it excludes others; `some` does not.
  const rules: Rule[] = [];
  if (implies && (a.kind === 'value' ? true : b.kind === 'some')) rules.push([true, true]);
  if (implied && (b.kind === 'value' ? true : a.kind === 'some')) rules.push([false, false]);
  if (disjoint && (a.kind === 'value' || b.kind === 'value')) rules.push([true, false]);
  return rules;
}

function contrapositive([first, second]: Rule): Rule {
  return [!second, !first];
}

/** From a test for a value to the test whether some value matches none of `matchers`. */
function relateStray(test: Test & { kind: 'value' | 'some' }, matchers: readonly Matcher[]): Rule[] {
  const compared = matchers.map((matcher) => compareMatchers(test.matcher, matcher));
  if (compared.every(({ disjoint }) => disjoint)) return [[true, true]];
  return test.kind === 'value' && compared.some(({ implies }) => implies) ? [[true, false]] : [];
}

/** A value that matches none of the wider list matches none of the narrower one. */
function relateStrays(a: readonly Matcher[], b: readonly Matcher[]): Rule[] {
  const within = (narrow: readonly Matcher[], wide: readonly Matcher[]) =>
    narrow.every((matcher) => wide.some((other) => compareMatchers(matcher, other).implies));
  const rules: Rule[] = [];
  if (within(b, a)) rules.push([true, true]);
  if (within(a, b)) rules.push([false, false]);
  return rules;
}
