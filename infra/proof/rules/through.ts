import { memory } from '../assembly/remembered.ts';
import { NEVER } from '../policy/condition.ts';
import type { PrincipalElement } from '../policy/principal.ts';
import { type Policy, type Statement, statementsAbout } from '../policy/statement.ts';
import type { World } from '../policy/world/world.ts';
import type { Actor } from './actors.ts';

const found = memory<World['resources'], readonly string[]>();

/** The resources whose own policy perhaps allows `action` to roles it names, so that no identity policy is needed. */
export function directResources(world: World, action: string): readonly string[] {
  return found(world.resources, action, () => {
    const trusting = [...world.roles.values()].map(({ arn, trust }) => ({ arn, policies: [trust] }));
    return [...world.resources.values(), ...trusting]
      .filter(({ policies }) => policies.some((policy) => statementsAbout(policy, action).some(isDirect)))
      .map(({ arn }) => arn);
  });
}

function isDirect({ effect, principals }: Statement): boolean {
  return effect === 'Allow' && (principals === undefined || namesRoles(principals));
}

/** Whether an element names more than services and whole accounts. */
function namesRoles({ everybody, aws, others }: PrincipalElement): boolean {
  return everybody || others.length > 0 || aws.some((arn) => !/^\d{12}$|:root$/.test(arn));
}

/** The statements that perhaps give `actor` the action on the resource, as `policy: statement`. */
export function grantedThrough(actor: Actor, action: string, resource: string): string[] {
  const attached = actor.view.resources.get(resource)?.policies ?? [];
  const gives = (policy: Policy, which: (statement: Statement) => boolean) =>
    statementsAbout(policy, action)
      .filter((statement) => statement.effect === 'Allow' && which(statement))
      .map((statement) => `${policy.name}: ${statement.name}`);
  return [
    ...actor.role.identity.flatMap((policy) => gives(policy, ({ covers }) => covers(resource) !== NEVER)),
    ...attached.flatMap((policy) => gives(policy, isDirect)),
  ];
}
