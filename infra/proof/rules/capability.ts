import { memory, remembered } from '../assembly/remembered.ts';
import { resourceByArn } from '../assembly/resolve.ts';
import { type Condition, not } from '../policy/condition.ts';
import { mayServe } from '../policy/endpoint.ts';
import { compileConditions } from '../policy/operators.ts';
import { describeCondition } from '../policy/words.ts';
import type { Actor } from './actors.ts';
import type { Answer } from './ask.ts';
import type { EnforcingLayer } from './enforcing-layers.ts';
import { type Capability, type Judgement, judge, type Requirement, type Shortfall } from './judge.ts';
import { type ProofInput, type Rule, type Violation, wordsOf } from './rule.ts';
import { ownEndpoint } from './targets.ts';
import { grantedThrough } from './through.ts';
import { findNearest, findWitness, type Witness } from './witness.ts';

/** One line of the capability matrix. */
export interface CapabilityRow {
  /** Physical name of the role. */
  principal: string;
  zone: string;
  action: string;
  /** ARN or pattern, with what it does not mean. */
  resource: string;
  /** The resource and what it does not mean, apart. Undefined where the line is not about requests. */
  asked: Pick<Judgement, 'resource' | 'except'> | undefined;
  verdict: Answer['verdict'];
  /** The remaining condition in words; empty unless the verdict is `when`. */
  when: string;
  /** Of *never*: what each forbids it; of *when*: what each demands a part of the condition. */
  layers: readonly EnforcingLayer[];
  /** Why one layer is enough here; empty where there are more. */
  alone: string;
  /** Whether a rule would let it be. */
  allowed: boolean;
  /** A request that is allowed; of *never* the nearest that is not. Absent where the line is not about requests. */
  request?(): Witness | undefined;
}

/** A rule that also says what it found out about everybody. */
export interface CapabilityRule extends Rule {
  actions: readonly string[];
  rows(input: ProofInput): CapabilityRow[];
}

/** The layers that limit a role itself. */
export const OF_ROLE: readonly EnforcingLayer[] = ['identity policy', 'permissions boundary'];

/** Why one layer is enough between the functions of a zone. */
export const SHARED_BOUNDARY =
  'Functions of a zone share a permissions boundary, so their own policies alone keep one from another’s queue or log.';

/** That every request meets a policy's Condition element (AWS's JSON), seen to by each of `by` (default: what limits the role itself). */
export function requirement(element: object, by = OF_ROLE, alone?: string): Requirement {
  const condition = compileConditions(element, false);
  return { condition, words: describeCondition(condition), by, alone };
}

/** That every request comes through the endpoint for a service in the actor's own zone. */
export function throughOwnEndpoint(actor: Actor, service: string): Requirement {
  return requirement({ StringEquals: { 'aws:SourceVpce': ownEndpoint(actor, service) } });
}

/** Actions by service, names apart by blanks, written out: `{ kms: 'Sign Verify' }` is `['kms:Sign', 'kms:Verify']`. */
export function actionsOf(services: Readonly<Record<string, string>>): string[] {
  return Object.entries(services).flatMap(([service, names]) =>
    wordsOf(names).map((name) => `${service}:${name}`),
  );
}

/** The rule that `capability` is. */
export function capabilityRule(capability: Capability): CapabilityRule {
  const { name, invariant, title, actions, remedy } = capability;
  // Asked for twice: by the rule, and by the matrix.
  const known = memory<ProofInput, readonly Judgement[]>();
  const judged = (input: ProofInput) => known(input, '', () => judge(capability, input));
  return {
    name,
    invariant,
    title,
    actions,
    check: (input) => describeJudgements(judged(input), input, remedy),
    rows: (input) => judged(input).map(rowOf),
  };
}

function rowOf(judgement: Judgement): CapabilityRow {
  const { actor, action, resource, except, what, answer, enforcing, alone, allowed } = judgement;
  const { verdict } = answer;
  return {
    principal: actor.name,
    zone: actor.zone,
    action,
    resource: what,
    verdict,
    when: answer.when(),
    asked: { resource, except },
    layers: enforcing,
    alone,
    allowed,
    request: () => requestOf(judgement, verdict === 'never' ? { holding: answer.enforcing } : {}),
  };
}

/** A request that a judgement is about: allowed, or where layers hold it, the nearest that is not. */
function requestOf(
  { actor, action, resource, except }: Judgement,
  { holding, given }: { holding?: readonly EnforcingLayer[]; given?: Condition | undefined },
): Witness | undefined {
  const question = { principal: actor.principal, action, resource };
  return holding === undefined
    ? findWitness(question, actor.view, { except, given })
    : findNearest(question, actor.view, { except, given, holding });
}

/** A problem with a judgement, in words with room for the actions, and the resource to mend. */
interface Problem {
  words(actions: string): string;
  resource: string;
  /** What {@link requestOf} is told of the requests that show it. */
  shown: Parameters<typeof requestOf>[1];
}

/** The violations among what was `judged`: one for all the actions of which the same is wrong. */
function describeJudgements(judged: readonly Judgement[], input: ProofInput, remedy: string): Violation[] {
  const found = judged.flatMap((judgement) =>
    problemsOf(judgement).map((problem) => ({ judgement, problem })),
  );
  const alike = Map.groupBy(found, ({ problem: { resource, words } }) => `${resource} ${words('')}`);
  return [...alike.values()].flatMap((group) => {
    const actions = [...new Set(group.map(({ judgement }) => judgement.action))];
    return group.slice(0, 1).map(({ judgement, problem }) => ({
      resource: problem.resource,
      about: actions,
      remedy,
      message: problem.words(listActions(actions)),
      path: pathOf(judgement, actions, input),
      request: remembered(() => requestOf(judgement, problem.shown)),
    }));
  });
}

function pathOf(judgement: Judgement, actions: readonly string[], input: ProofInput): string[] {
  const { actor, resource, what } = judgement;
  const through = [...new Set(actions.flatMap((action) => grantedThrough(actor, action, resource)))];
  const target = resourceByArn(input.assembly, resource);
  return [actor.path, ...(through.length > 0 ? through : ['its policies']), target?.constructPath ?? what];
}

function problemsOf(judgement: Judgement): Problem[] {
  const { actor, answer, allowed, unmet, shortfalls, what } = judgement;
  const when = answer.when() || 'always';
  const verdict = when === 'always' ? when : `when ${when}`;
  const may = (how: string, shown: Problem['shown']): Problem => ({
    resource: actor.path,
    shown,
    words: (actions) => `${actor.name} may ${actions} on ${what}${how}.`,
  });
  return [
    ...shortfalls.map((lack) => ({
      resource: toMend(judgement, lack),
      words: lackInWords(judgement, lack),
      shown: { holding: lack.enforcing, given: lack.given },
    })),
    ...(allowed || answer.verdict === 'never' ? [] : [may(`: ${verdict}`, {})]),
    ...unmet.map(({ words, condition }) =>
      may(` not only when ${words}, but ${verdict}`, { given: not(condition) }),
    ),
  ];
}

function lackInWords({ actor, what }: Judgement, { words, enforcing, missing }: Shortfall): Problem['words'] {
  const lack = missing.length === 0 ? 'two layers are promised' : `${join(missing)} should too`;
  const held = `held by ${join(enforcing)} only; ${lack}`;
  return (actions) =>
    words === ''
      ? `That ${actor.name} can't ${actions} on ${what} is ${held}.`
      : `That ${actor.name} may ${actions} on ${what} only when ${words} is ${held}.`;
}

/** What to mend where a layer is missing: the endpoint whose policy does not hold, else the role. */
function toMend({ actor, action }: Judgement, { missing }: Shortfall): string {
  const endpoint = [...actor.view.endpoints.values()].find(({ service }) => mayServe(service, action));
  return missing[0] === 'endpoint policy' && endpoint ? endpoint.constructPath : actor.path;
}

function join(enforcing: readonly EnforcingLayer[]): string {
  return enforcing.length === 0 ? 'nothing' : enforcing.join(' and ');
}

/** The first few, and how many more. */
function listActions(actions: readonly string[]): string {
  const shown = actions.slice(0, 4).join(', ');
  return actions.length > 4 ? `${shown} and ${actions.length - 4} more` : shown;
}
