import { ALWAYS, all, any, type Condition, evaluate, type Facts, NEVER, not, reduce } from './condition.ts';
import { both, either, opposite, type Truth } from './truth.ts';

/**
 * What AWS's evaluation is written in. One text of it serves both uses: over truth values for one request
 * (the local system), and over conditions for every request (the proof).
 */
export interface Logic<Value> {
  yes: Value;
  no: Value;
  not(value: Value): Value;
  both(a: Value, b: Value): Value;
  either(a: Value, b: Value): Value;
  every(values: readonly Value[]): Value;
  /** What a statement's condition comes to. */
  ask(condition: Condition): Value;
}

/** Over one request, whose context is closed: what `facts` do not hold is absent. */
export function concreteLogic(facts: Facts): Logic<Truth> {
  return {
    yes: true,
    no: false,
    not: opposite,
    both,
    either,
    every: (values) => values.reduce(both, true),
    ask: (condition) => evaluate(condition, facts),
  };
}

/** Over every request that `facts` leave open. */
export function symbolicLogic(facts: Facts): Logic<Condition> {
  return {
    yes: ALWAYS,
    no: NEVER,
    not,
    both: (a, b) => all([a, b]),
    either: (a, b) => any([a, b]),
    every: all,
    ask: (condition) => reduce(condition, facts),
  };
}
