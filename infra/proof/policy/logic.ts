import { ALWAYS, all, any, type Condition, evaluate, type Facts, NEVER, not, reduce } from './condition.ts';
import * as ternary from './ternary.ts';

/**
 * What AWS's evaluation is written in. One text of it serves both uses: over truth values for one request
 * (the local system), and over conditions for every request (the proof).
 */
export interface Logic<Value> {
  yes: Value;
  no: Value;
  not(value: Value): Value;
  and(a: Value, b: Value): Value;
  or(a: Value, b: Value): Value;
  /** What a statement's condition comes to. */
  ask(condition: Condition): Value;
}

/** Over one request, whose context is closed: what `facts` do not hold is absent. */
export function concreteLogic(facts: Facts): Logic<ternary.Truth> {
  return { yes: true, no: false, ...ternary, ask: (condition) => evaluate(condition, facts) };
}

/** Over every request that `facts` leave open. */
export function symbolicLogic(facts: Facts): Logic<Condition> {
  return {
    yes: ALWAYS,
    no: NEVER,
    not,
    and: (a, b) => all([a, b]),
    or: (a, b) => any([a, b]),
    ask: (condition) => reduce(condition, facts),
  };
}
