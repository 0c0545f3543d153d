import { memory, remembered } from '../assembly/remembered.ts';
import { type Answer, anyGrade, deniedBy, type Formula, passEndpoints } from '../policy/combine.ts';
import { ALWAYS, all, any, type Condition, NEVER, not } from '../policy/condition.ts';
import type { Question } from '../policy/decide.ts';
import { mayServe, networkFacts } from '../policy/endpoint.ts';
import { type Layer, serviceOf } from '../policy/request.ts';
import { satisfiable } from '../policy/solve.ts';
import type { World } from '../policy/world/world.ts';
import type { Actor } from './actors.ts';
import { isClosed } from './trust.ts';

/** What holds a *never*: a kind of policy, the network, or that only an AWS service can become the role. */
export type EnforcingLayer = Layer | 'network' | 'trust policy';

/** What holds something, and what only does not allow it. */
export interface Enforcement {
  /** What forbids on its own, whatever the others come to say. */
  enforcing: readonly EnforcingLayer[];
  /**
   * What does not allow it, taken alone: the layers that enforce it, and a policy that only leaves the Allow out where the resource's
   * own policy names the caller and so does not need it.
   */
  silent: readonly EnforcingLayer[];
}

/** A question with what the layers came to. */
interface LayeredQuestion extends Formula<Condition> {
  actor: Actor;
  question: Question;
  given: Condition;
}

/** Each layer on its own: an Allow left out, a Deny, an endpoint without a way round it, a network without a way there. */
export function enforcingLayersOf(asked: LayeredQuestion): Enforcement {
  const { actor, question, given, identity, boundary, resource, sameAccount, resourceDecides } = asked;
  const facts = remembered(() => all([given, factsOf(question, actor)]));
  const impossible = (passes: Condition) => {
    if (passes === NEVER) return true;
    return (passes !== ALWAYS || given !== ALWAYS) && !satisfiable(all([facts(), passes]));
  };
  const found: { layer: EnforcingLayer; alone: boolean }[] = [];
  const look = (layer: EnforcingLayer, { allows, denies }: Answer<Condition>, overridden: Condition) => {
    if (!impossible(all([allows, not(denies)]))) return;
    // What names the caller in the resource's own policy needs no Allow elsewhere, and yields to a Deny only.
    found.push({ layer, alone: overridden === NEVER || impossible(not(denies)) });
  };
  // In one account a resource policy that is silent forbids nothing, except where it decides.
  const needless = sameAccount && !resourceDecides;
  const allows = needless ? ALWAYS : anyGrade(asked);
  look('resource policy', { allows, denies: resource.denies }, NEVER);
  look('identity policy', identity, sameAccount ? any([resource.direct, resource.role]) : NEVER);
  if (boundary) look('permissions boundary', boundary, sameAccount ? resource.direct : NEVER);
  const via = actor.ways?.flatMap(({ service, id }) => (mayServe(service, question.action) ? [id] : []));
  if (via?.length === 0) found.push({ layer: 'network', alone: true });
  else if (holdsAtEndpoint(asked, via)) found.push({ layer: 'endpoint policy', alone: true });
  if (isClosed(actor.role)) found.push({ layer: 'trust policy', alone: true });
  return {
    enforcing: found.filter(({ alone }) => alone).map(({ layer }) => layer),
    silent: found.map(({ layer }) => layer),
  };
}

/**
 * An endpoint's policy holds where it refuses what is meant, and nothing gets round the endpoint: because the network
 * (`via`), or identity policy or boundary, leave no other way for what they do not deny anyhow.
 */
function holdsAtEndpoint(asked: LayeredQuestion, via: readonly string[] | undefined): boolean {
  const { actor, question, given, boundary, resource } = asked;
  const endpoints = asked.endpoints();
  if (endpoints.length === 0) return false;
  const facts = factsOf(question, actor, via);
  const possible = (parts: readonly Condition[]) => satisfiable(all([facts, ...parts]));
  const through = any(endpoints.map((endpoint) => endpoint.through));
  if (possible([given, through, passEndpoints(asked)])) return false;
  const undenied = not(deniedBy({ ...asked, resource: { ...resource, denies: NEVER } }));
  const bounded = all([undenied, boundary?.allows ?? ALWAYS]);
  return [undenied, bounded].some((rest) => possible([rest]) && !possible([rest, not(through)]));
}

/** What the network guarantees about where a request comes from; the same for all actions of a service. */
export function factsOf({ action }: Question, { view }: Actor, via?: readonly string[]): Condition {
  const id = `${serviceOf(action)} ${via?.join() ?? 'any way'}`;
  return networks(view, id, () => networkFacts(view, action, via));
}

const networks = memory<World, Condition>();
