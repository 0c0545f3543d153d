import { comesThrough } from '../../../../infra/proof/policy/endpoint.ts';
import { type Principal, rolePrincipal } from '../../../../infra/proof/policy/principal.ts';
import type { Context, Request } from '../../../../infra/proof/policy/request.ts';
import { parsePolicy } from '../../../../infra/proof/policy/statement.ts';
import type { World } from '../../../../infra/proof/policy/world/world.ts';
import { ACCOUNT, type Case, ENDPOINT, OTHER_ENDPOINT, OTHER_VPC, ROLE, SESSION, VPC } from './arbitrary.ts';

/** A world with nothing in it but what is given. */
export function emptyWorld(given: Partial<World> = {}): World {
  return {
    account: '000000000000',
    region: 'eu-north-1',
    roles: new Map(),
    resources: new Map(),
    endpoints: new Map(),
    ...given,
  };
}

/** The world of a random case. */
export function worldOf(given: Case): World {
  const endpoint = (id: string, vpc: string, document: unknown) => ({
    id,
    vpc,
    service: given.service,
    kind: 'Interface' as const,
    policy: document === undefined ? undefined : parsePolicy(id, document),
    through: comesThrough(id),
    constructPath: id,
  });
  const owner = given.resource.split(':')[4] || ACCOUNT;
  return emptyWorld({
    account: ACCOUNT,
    roles: new Map([
      [
        ROLE,
        {
          arn: ROLE,
          account: ACCOUNT,
          identity: given.identity.map((document, index) => parsePolicy(`identity ${index}`, document)),
          boundary: given.boundary === undefined ? undefined : parsePolicy('boundary', given.boundary),
          trust: parsePolicy('trust', { Version: '2012-10-17', Statement: [] }),
          tags: new Map(),
          constructPath: ROLE,
        },
      ],
    ]),
    resources: new Map([
      [
        targetArn(given),
        {
          arn: targetArn(given),
          account: owner,
          policies: given.resourcePolicy === undefined ? [] : [parsePolicy('resource', given.resourcePolicy)],
          tags: new Map(),
        },
      ],
    ]),
    endpoints: new Map([
      [ENDPOINT, endpoint(ENDPOINT, VPC, given.endpointPolicy)],
      [OTHER_ENDPOINT, endpoint(OTHER_ENDPOINT, OTHER_VPC, undefined)],
    ]),
  });
}

/** The principal of a random case; `session: undefined` asks about every session. */
function principalOfCase(given: Case, session: string | undefined = SESSION): Principal {
  return given.principal === 'service'
    ? { kind: 'service', service: 'events.amazonaws.com' }
    : rolePrincipal(ROLE, session);
}

/** What a random case asks, without its context. */
export function askedOf(given: Case): Omit<Request, 'context'> {
  const { action, resource } = given;
  return { principal: principalOfCase(given), action, resource };
}

/** A case's request with one of its contexts. */
export function requestOf(given: Case, context: Context): Request {
  return { ...askedOf(given), context };
}

function targetArn({ service, resource }: Case): string {
  return service === 's3' ? (resource.split('/', 1)[0] ?? resource) : resource;
}
