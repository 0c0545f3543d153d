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
    search(pushNegations(condition, false, (literal, test) => (test.kind === 'unknown' ? ALWAYS : literal)));
  known.set(condition.id, answer);
  return answer;
}

/**
 * Whether some request satisfies `now` and not `before`, given that `facts` hold: as {@link satisfiable}, but what is unknown in both, in the
 * same words and of the same values, has one answer in both.
 */
export function widens(before: Condition, now: Condition, facts: Condition): boolean {
  return search(pushNegations(all([facts, now, not(before)]), false));
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

type Put = (literal: Condition, test: Test) => Condition;

/** Negations only in front of tests, and what `put` makes of each of these. */
function pushNegations(condition: Condition, negated: boolean, put: Put = (literal) => literal): Condition {
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

/** Depth-first search for answers to tests under which `condition` holds; what a yes entails is followed at once. */
function search(condition: Condition): boolean {
  const tests = testsOf(condition);
  const answers = new Map<string, boolean>();
  let guesses = 0;

  const assume = (test: Test, answer: boolean, trail: string[]): boolean => {
    const known = answers.get(test.id);
    if (known !== undefined) return known === answer;
    answers.set(test.id, answer);
    trail.push(test.id);
    if (!answer) return true;
    return [...tests.values()].every((other) => {
      const follows = answerFrom(test, other);
      return follows === undefined || assume(other, follows, trail);
    });
  };
  const value = (part: Condition): ternary.Truth => {
    if (part.kind === 'constant') return part.value;
    if (part.kind === 'test') return answers.get(part.test.id);
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
    const next = openTest(condition);
    if (next === undefined) return value(condition) !== false;
    if (guesses++ > MOST_GUESSES) return true;
    return [true, false].some((guess) => {
      const trail: string[] = [];
      const found = assume(next, guess, trail) && find();
      if (!found) for (const id of trail) answers.delete(id);
      return found;
    });
  };
  return find();
}

/**
 * What a yes to `given` says about another test. A no says nothing that is not said so: what it excludes would have said yes or no to it.
 * Never wrongly claims anything.
 */
function answerFrom(given: Test, wanted: Test): ternary.Truth {
  if (!('key' in given) || !('key' in wanted) || given.key !== wanted.key) return undefined;
  if (wanted.kind === 'present') return true;
  if (given.kind === 'present') return undefined;
  if (given.kind === 'value' && wanted.kind === 'value') {
    const { implies, disjoint } = compareMatchers(given.matcher, wanted.matcher);
    return implies || (disjoint ? false : undefined);
  }
  if (wanted.kind === 'value') return undefined;
  if (given.kind === 'value') {
    const compared = wanted.matchers.map((matcher) => compareMatchers(given.matcher, matcher));
    if (compared.every(({ disjoint }) => disjoint)) return true;
    return compared.some(({ implies }) => implies) ? false : undefined;
  }
  // What matches none of a wider list matches none of a narrower one.
  const isWithin = (one: Matcher) => given.matchers.some((other) => compareMatchers(one, other).implies);
  return wanted.matchers.every(isWithin) || undefined;
}
