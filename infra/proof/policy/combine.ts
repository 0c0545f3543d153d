import { ALWAYS, all, any, type Condition, evaluate, type Facts, NEVER, not, reduce } from './condition.ts';
import type { Principal } from './principal.ts';
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
  const { not, and, or } = ternary;
  return { yes: true, no: false, not, and, or, ask: (condition) => evaluate(condition, facts) };
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

/** What the policies of one layer come to. */
export type Answer<Value> = Record<'allows' | 'denies', Value>;

/** What every layer comes to, and what says how they add up. An absent layer is not in play. */
export interface Formula<Value> {
  logic: Logic<Value>;
  principal: Principal;
  sameAccount: boolean;
  /** Whether the resource's policy must take the caller or the account in even within one account: KMS keys, roles to be assumed. */
  resourceDecides: boolean;
  identity: Answer<Value>;
  boundary: Answer<Value> | undefined;
  /** Endpoint by endpoint: whether the request comes through it, and what its policy says. Asked for only where the rest leaves it open. */
  endpoints(): readonly { through: Value; answer: Answer<Value> }[];
  /** What the resource's policy gives, by how it takes the caller in (see Grades). */
  resource: Record<'direct' | 'role' | 'account' | 'denies', Value>;
}

/**
 * Whether the answers of the layers add up to an Allow, as "Policy evaluation logic" of the IAM User Guide has
 * it: any Deny decides; endpoint policies must allow; in one account either side may allow, and what a resource
 * policy gives the session itself is not limited by what a boundary leaves out, while what it gives the role
 * is; across accounts both sides must allow. Policies of an organization and of a session are not part of it:
 * both only take away.
 */
export function combine<Value>(formula: Formula<Value>): Value {
  const { logic } = formula;
  const granted = logic.and(grantedBy(formula), logic.not(deniedBy(formula)));
  return granted === logic.no ? logic.no : logic.and(granted, passEndpoints(formula));
}

/** Whether the identity and resource sides together grant the request, denies aside. */
function grantedBy<Value>(formula: Formula<Value>): Value {
  const { identity, boundary, resource, principal, sameAccount, resourceDecides, logic } = formula;
  if (principal.kind === 'service' || principal.kind === 'anonymous') return resource.direct;
  const limit = boundary?.allows ?? logic.yes;
  const byIdentity = logic.and(identity.allows, limit);
  if (!sameAccount) return logic.and(byIdentity, anyGrade(formula));
  const delegated = resourceDecides ? logic.and(resource.account, byIdentity) : byIdentity;
  return logic.or(logic.or(delegated, resource.direct), logic.and(resource.role, limit));
}

/** Whether a resource policy takes the caller in, in whatever way. */
export function anyGrade<Value>({ resource, logic }: Formula<Value>): Value {
  return logic.or(logic.or(resource.direct, resource.role), resource.account);
}

/** Whether identity policy, boundary or resource policy denies. */
export function deniedBy<Value>({ identity, boundary, resource, logic }: Formula<Value>): Value {
  return logic.or(logic.or(identity.denies, resource.denies), boundary?.denies ?? logic.no);
}

/** Whether a request passes the policy of the endpoint that it comes through, if it comes through one. */
export function passEndpoints<Value>({ endpoints, logic }: Formula<Value>): Value {
  return endpoints().reduce((passed, { through, answer: { allows, denies } }) => {
    const passes = logic.or(logic.not(through), logic.and(allows, logic.not(denies)));
    return logic.and(passed, passes);
  }, logic.yes);
}
