import { type Principal, rolePrincipal } from '../../infra/proof/policy/principal.ts';
import { parsePolicy } from '../../infra/proof/policy/statement.ts';
import { addResource, type Role, removeResource, type World } from '../../infra/proof/policy/world/world.ts';
import type { Authorize, Caller } from './call.ts';
import { decideRequest } from './decide-request.ts';

/**
 * The policy engine as the local AWS asks it: the roles, boundaries, endpoint and resource policies of the template decide, and
 * for a key that was made at run time the policy it has now.
 */
export function createAuthorize(world: World): Authorize {
  return ({ caller, action, resource, context, resourcePolicy }) => {
    const request = { principal: principalOf(caller), action, resource, context };
    if (resourcePolicy === undefined || world.resources.has(resource)) return decideRequest(request, world);
    addResource(world, { arn: resource, policy: resourcePolicy });
    try {
      return decideRequest(request, world);
    } finally {
      // Its policy may be another at the next call.
      removeResource(world, resource);
    }
  };
}

function principalOf(caller: Caller): Principal {
  return caller.kind === 'service'
    ? { kind: 'service', service: caller.arn }
    : rolePrincipal(caller.arn, caller.session.split('/').at(-1));
}

/** A role like an administrator's: everything that key policies leave to the account, and nothing that they don't. */
export function operatorRole(account: string, name: string): Role {
  const statement = { Effect: 'Allow', Action: '*', Resource: '*' };
  return {
    arn: `arn:aws:iam::${account}:role/${name}`,
    account,
    identity: [parsePolicy('AdministratorAccess', { Version: '2012-10-17', Statement: [statement] })],
    boundary: undefined,
    trust: parsePolicy('trust', { Version: '2012-10-17', Statement: [] }),
    tags: new Map(),
    constructPath: name,
  };
}
