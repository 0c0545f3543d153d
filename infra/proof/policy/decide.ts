import { combine, type Formula, symbolicLogic } from './combine.ts';
import { all, type Condition, NEVER, not, reduce } from './condition.ts';
import { networkFacts } from './endpoint.ts';
import { askLayers } from './layers.ts';
import { type AccessQuestion, type Context, openFacts } from './request.ts';
import { satisfiable, simplify } from './solve.ts';
import type { World } from './world/world.ts';

/** A question about every request of a kind. */
export interface Question extends AccessQuestion {
  /** Keys whose value, or absence (null), is the same in all these requests. Everything else is open. */
  context?: Context;
  /** Ids of the endpoints that the caller's network leaves it; absent where requests may come any other way too. */
  via?: readonly string[];
}

/** The answer for every request: none is allowed, all are, or those that meet the condition. */
export type Verdict =
  | { verdict: 'never' }
  | { verdict: 'always' }
  | { verdict: 'when'; condition: Condition };

/**
 * Who may do what, over every request that `question` leaves open. *Never* is certain, and so is *always*;
 * what the engine can't know is part of the condition as an unknown.
 */
export function decide(question: Question, world: World): Verdict {
  const allowed = combine(formulate(question, world));
  if (allowed === NEVER) return { verdict: 'never' };
  const open = openFacts(question, question.context ?? {}, world);
  const facts = reduce(networkFacts(world, question.action, question.via), open);
  if (!satisfiable(all([facts, allowed]))) return { verdict: 'never' };
  if (!satisfiable(all([facts, not(allowed)]))) return { verdict: 'always' };
  return { verdict: 'when', condition: simplify(allowed, facts) };
}

/** What every layer comes to, as conditions, for {@link combine} to put together. */
export function formulate(question: Question, world: World): Formula<Condition> {
  return askLayers(question, world, symbolicLogic(openFacts(question, question.context ?? {}, world)));
}
