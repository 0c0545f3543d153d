import { askLayers } from './ask.ts';
import { type Answers, type Asked, type Layer, type Situation, situationOf } from './asked.ts';
import { anyGrade, combine, deniedBy, passEndpoints } from './combine.ts';
import { ALWAYS, all, type Condition, NEVER, not, reduce } from './condition.ts';
import { networkFacts } from './endpoint.ts';
import { type Context, openFacts } from './facts.ts';
import { type Logic, symbolicLogic } from './logic.ts';
import { satisfiable, simplify } from './solve.ts';
import type { World } from './world.ts';

/** A question about every request of a kind. */
export interface Question extends Asked {
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

/** How a layer forbids. `explicit`: by a Deny, which nothing overrides; otherwise it leaves the Allow out, which a resource policy that names the session itself may override. */
export interface HoldingLayer {
  layer: Layer;
  explicit: boolean;
}

/**
 * Who may do what, over every request that `question` leaves open. *Never* is certain, and so is *always*;
 * what the engine can't know is part of the condition as an unknown.
 */
export function decide(question: Question, world: World): Verdict {
  const { allowed, facts } = formulate(question, world);
  if (allowed === NEVER || !satisfiable(all([facts, allowed]))) return { verdict: 'never' };
  if (allowed === ALWAYS || !satisfiable(all([facts, not(allowed)]))) return { verdict: 'always' };
  return { verdict: 'when', condition: simplify(allowed, facts) };
}

/** The condition under which a request is allowed, not simplified, and what holds of every request anyway. */
export function formulate(
  question: Question,
  world: World,
): {
  allowed: Condition;
  facts: Condition;
  answers: Answers<Condition>;
  situation: Situation;
  logic: Logic<Condition>;
} {
  const open = openFacts(question, question.context ?? {}, world);
  const logic = symbolicLogic(open);
  const answers = askLayers(question, world, logic);
  const situation = situationOf(question, world);
  const allowed = combine(answers, situation, logic);
  const facts = allowed === NEVER ? ALWAYS : reduce(networkFacts(world, question.action, question.via), open);
  return { allowed, facts, answers, situation, logic };
}

/**
 * The layers each of which forbids, on its own, everything that `question` asks about: whatever the other
 * layers were changed to say, as long as they say it about the account or the role. An endpoint policy counts
 * when the network (`via`), or a Deny in identity policy or boundary, leaves no way round the endpoint.
 */
export function decideLayers(question: Question, world: World): HoldingLayer[] {
  const { answers, situation, logic } = formulate(question, world);
  const facts = reduce(
    networkFacts(world, question.action, question.via),
    openFacts(question, question.context ?? {}, world),
  );
  const possible = (condition: Condition) => satisfiable(all([facts, condition]));
  const { identity, boundary, session, resource, serviceControls, resourceControls } = answers;
  const found: HoldingLayer[] = [];
  const look = (layer: Layer, allows: Condition, denies: Condition) => {
    const explicit = denies !== NEVER && !possible(not(denies));
    if (explicit || !possible(all([allows, not(denies)]))) found.push({ layer, explicit });
  };
  for (const { allows, denies } of serviceControls) look('service control policy', allows, denies);
  for (const { allows, denies } of resourceControls) look('resource control policy', allows, denies);
  // In one account a resource policy that is silent forbids nothing, except where it decides.
  const silent = situation.sameAccount && !situation.resourceDecides ? ALWAYS : anyGrade(answers, logic);
  look('resource policy', silent, resource.denies);
  if ('account' in question.principal) look('identity policy', identity.allows, identity.denies);
  if (boundary) look('permissions boundary', boundary.allows, boundary.denies);
  if (session) look('session policy', session.allows, session.denies);
  const forced = not(deniedBy({ ...answers, resource: { ...resource, denies: NEVER } }, logic));
  const endpointHolds = possible(forced) && !possible(all([forced, passEndpoints(answers, logic)]));
  return endpointHolds ? [...found, { layer: 'endpoint policy', explicit: false }] : found;
}
