import {
  ALWAYS,
  all,
  any,
  type Condition,
  conditionId,
  NEVER,
  not,
  type Test,
  testsOf,
} from './condition.ts';
import { relateTests } from './relate.ts';
import { both, either, opposite, type Truth } from './truth.ts';

/** How many guesses {@link satisfiable} makes before it answers "perhaps", which counts as yes. */
const MOST_GUESSES = 20_000;

/**
 * Whether some request satisfies `condition`. A *no* is certain: it follows from logic and from what one
 * value can't do at once (be two texts, match two patterns that share no text, be absent and equal). A *yes*
 * may be wrong where three or more tests of a key only exclude each other together.
 */
export function satisfiable(condition: Condition): boolean {
  if (condition.kind === 'constant') return condition.value;
  if (condition.kind === 'test') return true;
  return search(condition, [...testsOf(condition).values()]);
}

/** Whether every request satisfies `condition`; a *yes* is certain. */
export function valid(condition: Condition): boolean {
  return !satisfiable(not(condition));
}

/**
 * The shortest equivalent of `condition` that this module finds, given that `facts` hold: parts that follow
 * from the rest go, alternatives that can't happen go.
 */
export function simplify(condition: Condition, facts: Condition = ALWAYS): Condition {
  if (!satisfiable(all([facts, condition]))) return NEVER;
  if (!satisfiable(all([facts, not(condition)]))) return ALWAYS;
  const normal = pushNegations(condition, false);
  if (normal.kind !== 'all' && normal.kind !== 'any') return normal;
  const join = normal.kind === 'all' ? all : any;
  let parts = sortParts(normal.of);
  for (let index = parts.length - 1; index >= 0; index--) {
    const part = parts[index];
    if (part === undefined) continue;
    const others = parts.filter((_, other) => other !== index);
    const rest = join(others);
    const simpler = simplify(part, all([facts, normal.kind === 'all' ? rest : not(rest)]));
    parts = [...parts.slice(0, index), simpler, ...parts.slice(index + 1)];
  }
  return join(parts);
}

/** Negations only in front of tests. */
function pushNegations(condition: Condition, negated: boolean): Condition {
  if (condition.kind === 'not') return pushNegations(condition.of, !negated);
  if (condition.kind === 'constant' || condition.kind === 'test') return negated ? not(condition) : condition;
  const parts = condition.of.map((part) => pushNegations(part, negated));
  return (condition.kind === 'all') === negated ? any(parts) : all(parts);
}

/** Simple parts first, and the same order for the same parts. */
function sortParts(parts: readonly Condition[]): Condition[] {
  const weight = (part: Condition) => testsOf(part).size;
  return [...parts].sort(
    (a, b) => weight(a) - weight(b) || conditionId(a).localeCompare(conditionId(b), 'en'),
  );
}

/** Depth-first search for answers to `tests` under which `condition` holds; what one answer entails is followed at once. */
function search(condition: Condition, tests: readonly Test[]): boolean {
  const index = new Map(tests.map((test, position) => [test.id, position]));
  const entailed = entailments(tests);
  const answers: Truth[] = tests.map(() => undefined);
  let guesses = 0;

  const assume = (test: number, answer: boolean, trail: number[]): boolean => {
    if (answers[test] !== undefined) return answers[test] === answer;
    answers[test] = answer;
    trail.push(test);
    return (entailed(test, answer) ?? []).every(([other, value]) => assume(other, value, trail));
  };
  const value = (part: Condition): Truth => {
    if (part.kind === 'constant') return part.value;
    if (part.kind === 'test') return answers[index.get(part.test.id) ?? -1];
    if (part.kind === 'not') return opposite(value(part.of));
    return part.kind === 'all'
      ? part.of.reduce<Truth>(
          (result, inner) => (result === false ? false : both(result, value(inner))),
          true,
        )
      : part.of.reduce<Truth>(
          (result, inner) => (result === true ? true : either(result, value(inner))),
          false,
        );
  };
  /** A test whose answer still matters. */
  const openTest = (part: Condition): number | undefined => {
    if (part.kind === 'constant' || value(part) !== undefined) return undefined;
    if (part.kind === 'test') return index.get(part.test.id);
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
      if (!found) for (const test of trail) answers[test] = undefined;
      return found;
    });
  };
  return find();
}

type Entailment = readonly [test: number, answer: boolean];

/** What follows for other tests from an answer to one. */
function entailments(
  tests: readonly Test[],
): (test: number, answer: boolean) => readonly Entailment[] | undefined {
  const entailed = new Map<string, Entailment[]>();
  const add = (test: number, answer: boolean, other: number, value: boolean) => {
    const key = `${test} ${answer}`;
    entailed.set(key, [...(entailed.get(key) ?? []), [other, value]]);
  };
  tests.forEach((a, i) => {
    tests.slice(i + 1).forEach((b, offset) => {
      const j = i + 1 + offset;
      for (const [whenA, thenB] of relateTests(a, b)) {
        add(i, whenA, j, thenB);
        add(j, !thenB, i, !whenA);
      }
    });
  });
  return (test, answer) => entailed.get(`${test} ${answer}`);
}
