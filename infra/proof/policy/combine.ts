import type { Answers, Situation } from './asked.ts';
import type { Logic } from './logic.ts';

/**
 * Whether the answers of the layers add up to an Allow, as "Policy evaluation logic" of the IAM User Guide has
 * it: any Deny decides; control and endpoint policies must allow; in one account either side may allow, and
 * what a resource policy gives the session itself is not limited by what boundary and session policy leave
 * out, while what it gives the role is; across accounts both sides must allow.
 */
export function combine<Value>(answers: Answers<Value>, situation: Situation, logic: Logic<Value>): Value {
  const granted = logic.both(grantedBy(answers, situation, logic), logic.not(deniedBy(answers, logic)));
  if (granted === logic.no) return logic.no;
  const controls = [...answers.serviceControls, ...answers.resourceControls];
  const passes = controls.flatMap(({ allows, denies }) => [allows, logic.not(denies)]);
  return logic.every([granted, ...passes, passEndpoints(answers, logic)]);
}

/** Whether the identity and resource sides together grant the request, denies aside. */
export function grantedBy<Value>(answers: Answers<Value>, situation: Situation, logic: Logic<Value>): Value {
  const { identity, boundary, session, resource } = answers;
  const { principal, sameAccount, resourceDecides } = situation;
  if (principal.kind === 'service' || principal.kind === 'anonymous') return resource.direct;
  const limits = logic.both(boundary?.allows ?? logic.yes, session?.allows ?? logic.yes);
  const byIdentity = logic.both(identity.allows, limits);
  if (!sameAccount) return logic.both(byIdentity, anyGrade(answers, logic));
  const delegated = resourceDecides ? logic.both(resource.account, byIdentity) : byIdentity;
  return logic.either(logic.either(delegated, resource.direct), logic.both(resource.role, limits));
}

/** Whether a resource policy takes the caller in, in whatever way. */
export function anyGrade<Value>({ resource }: Answers<Value>, logic: Logic<Value>): Value {
  return logic.either(logic.either(resource.direct, resource.role), resource.account);
}

/** Whether identity policy, boundary, session policy or resource policy denies. */
export function deniedBy<Value>(answers: Answers<Value>, logic: Logic<Value>): Value {
  const { identity, boundary, session, resource } = answers;
  const limits = logic.either(boundary?.denies ?? logic.no, session?.denies ?? logic.no);
  return logic.either(logic.either(identity.denies, resource.denies), limits);
}

/** Whether a request passes the policy of the endpoint that it comes through, if it comes through one. */
export function passEndpoints<Value>(answers: Answers<Value>, logic: Logic<Value>): Value {
  return logic.every(
    answers
      .endpoints()
      .map(({ through, answer: { allows, denies } }) =>
        logic.either(logic.not(through), logic.both(allows, logic.not(denies))),
      ),
  );
}
