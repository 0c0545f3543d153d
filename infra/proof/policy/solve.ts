import { ALWAYS, all, any, type Condition, NEVER, not, type Test, testsOf } from './condition.ts';
import { compareMatchers, type Matcher } from './matcher.ts';
import * as ternary from './ternary.ts';

/** How many guesses {@link satisfiable} makes before it answers "perhaps", which counts as yes. */
const MOST_GUESSES = 20_000;

/** What was found out of a condition before, by its id: of ten questions of a proof, nine were asked already. */
const known = new Map<string, boolean>();

/**
 * Whether some request satisfies `condition`. A *no* is certain: it follows from logic and from what one
 * value can't do at once (be two texts, match two patterns that share no text, be absent and equal). A *yes*
 * may be wrong where three or more tests of a key only exclude each other together. What is unknown is possible
 * wherever it stands, and so is its contrary: what may allow is never excluded by what may deny.
 */
export function satisfiable(condition: Condition): boolean {
  const answer =
    known.get(condition.id) ??
    hasRequest(
      pushNegations(condition, false, (literal, test) => (test.kind === 'unknown' ? ALWAYS : literal)),
    );
  known.set(condition.id, answer);
  return answer;
}

/**
 * Whether some request satisfies `now` and not `before`, given that `facts` hold: as {@link satisfiable}, but what is unknown in both, in the
 * same words and of the same values, has one answer in both.
 */
export function widens(before: Condition, now: Condition, facts: Condition): boolean {
  return hasRequest(pushNegations(all([facts, now, not(before)]), false));
}

function hasRequest(normal: Condition): boolean {
  if (normal.kind === 'constant') return normal.value;
  return normal.kind === 'test' || search(normal, [...testsOf(normal).values()]);
}

/**
 * A short equivalent of `condition`, given that `facts` hold: parts that follow from the rest go, alternatives
 * that can't happen go. Not always the shortest.
 */
export function simplify(condition: Condition, facts: Condition = ALWAYS): Condition {
  if (!satisfiable(all([facts, condition]))) return NEVER;
  if (!satisfiable(all([facts, not(condition)]))) return ALWAYS;
  const normal = pushNegations(condition, false);
  if (normal.kind !== 'all' && normal.kind !== 'any') return normal;
  const join = normal.kind === 'all' ? all : any;
  let parts = sortParts(normal.of);
  // From the last and longest to the first: what follows from the others goes.
  for (let index = parts.length - 1; index >= 0; index--) {
    const part = parts[index] ?? ALWAYS;
    const others = join(parts.filter((_, other) => other !== index));
    const simpler = simplify(part, all([facts, normal.kind === 'all' ? others : not(others)]));
    parts = [...parts.slice(0, index), simpler, ...parts.slice(index + 1)];
  }
  return join(parts);
}

/** Negations only in front of tests, and what `put` makes of each of these. */
function pushNegations(
  condition: Condition,
  negated: boolean,
  put: (literal: Condition, test: Test) => Condition = (literal) => literal,
): Condition {
  if (condition.kind === 'not') return pushNegations(condition.of, !negated, put);
  if (condition.kind === 'constant' || condition.kind === 'test') {
    const literal = negated ? not(condition) : condition;
    return condition.kind === 'test' ? put(literal, condition.test) : literal;
  }
  const parts = condition.of.map((part) => pushNegations(part, negated, put));
  return (condition.kind === 'all') === negated ? any(parts) : all(parts);
}

/** Simple parts first, and the same order for the same parts. */
function sortParts(parts: readonly Condition[]): Condition[] {
  const weighed = parts.map((part) => ({ part, weight: testsOf(part).size }));
  return weighed
    .sort((a, b) => a.weight - b.weight || (a.part.id < b.part.id ? -1 : 1))
    .map(({ part }) => part);
}

/** Tests of different topics say nothing about each other. */
function topicOf(test: Test): string {
  return 'key' in test ? test.key : test.id;
}

/** What the answer to one test says about another. */
function answerFrom(given: Test, answer: boolean, wanted: Test): boolean | undefined {
  if (given.id === wanted.id) return answer;
  const rules = relateTests(given, wanted);
  return rules.find(([when]) => when === answer)?.[1];
}

/** Depth-first search for answers to `tests` under which `condition` holds; what one answer entails is followed at once. */
function search(condition: Condition, tests: readonly Test[]): boolean {
  const index = new Map(tests.map((test, position) => [test.id, position]));
  const topics = Map.groupBy(tests, topicOf);
  const answers: ternary.Truth[] = tests.map(() => undefined);
  let guesses = 0;

  const assume = (test: Test, answer: boolean, trail: number[]): boolean => {
    const position = index.get(test.id) ?? -1;
    if (answers[position] !== undefined) return answers[position] === answer;
    answers[position] = answer;
    trail.push(position);
    return (topics.get(topicOf(test)) ?? []).every((other) => {
      const follows = other === test ? undefined : answerFrom(test, answer, other);
      return follows === undefined || assume(other, follows, trail);
    });
  };
  const value = (part: Condition): ternary.Truth => {
    if (part.kind === 'constant') return part.value;
    if (part.kind === 'test') return answers[index.get(part.test.id) ?? -1];
    if (part.kind === 'not') return ternary.not(value(part.of));
    return ternary.fold(part.of, value, part.kind === 'all');
  };
  /** A test whose answer still matters. */
  const openTest = (part: Condition): Test | undefined => {
    if (part.kind === 'constant' || value(part) !== undefined) return undefined;
    if (part.kind === 'test') return part.test;
    if (part.kind === 'not') return openTest(part.of);
    for (const inner of part.of) {
      const open = openTest(inner);
      if (open !== undefined) return open;
    }
    return undefined;
  };
  const find = (): boolean => {
    const now = value(condition);
    const next = openTest(condition);
    if (now !== undefined || next === undefined) return now !== false;
    if (guesses++ > MOST_GUESSES) return true;
    return [true, false].some((guess) => {
      const trail: number[] = [];
      const found = assume(next, guess, trail) && find();
      if (!found) for (const position of trail) answers[position] = undefined;
      return found;
    });
  };
  return find();
}

/** "If the first test's answer is this, the second's is that." The contrapositive holds too. */
type Rule = readonly [first: boolean, second: boolean];

/** What an answer to `a` says about `b`, and by contraposition the reverse. Never wrongly claims anything. */
function relateTests(a: Test, b: Test): Rule[] {
  if (!('key' in a) || !('key' in b) || a.key !== b.key) return [];
  if (b.kind === 'present') return a.kind === 'present' ? [] : [[true, true]];
  if (a.kind === 'present') return [[false, false]];
  if (a.kind === 'stray') return b.kind === 'stray' ? relateStrays(a.matchers, b.matchers) : [];
  if (b.kind === 'stray') return relateStray(a.matcher, b.matchers);
  const { implies, implied, disjoint } = compareMatchers(a.matcher, b.matcher);
  const rules: Rule[] = [];
  if (implies) rules.push([true, true]);
  if (implied) rules.push([false, false]);
  if (disjoint) rules.push([true, false]);
  return rules;
}

/** From a test for a value to the test whether some value matches none of `matchers`. */
function relateStray(value: Matcher, matchers: readonly Matcher[]): Rule[] {
  const compared = matchers.map((matcher) => compareMatchers(value, matcher));
  if (compared.every(({ disjoint }) => disjoint)) return [[true, true]];
  return compared.some(({ implies }) => implies) ? [[true, false]] : [];
}

/** A value that matches none of the wider list matches none of the narrower one. */
function relateStrays(a: readonly Matcher[], b: readonly Matcher[]): Rule[] {
  const within = (narrow: readonly Matcher[], wide: readonly Matcher[]) =>
    narrow.every((matcher) => wide.some((other) => compareMatchers(matcher, other).implies));
  return [within(b, a) && ([true, true] as const), within(a, b) && ([false, false] as const)].filter(
    (rule) => rule !== false,
  );
}
