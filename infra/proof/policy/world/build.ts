import { readEndpoints, type VpcEndpoint } from '../../assembly/network.ts';
import type { ResolvedAssembly } from '../../assembly/resolve.ts';
import { comesThrough } from '../endpoint.ts';
import { parsePolicy } from '../statement.ts';
import { type Endpoint, emptyWorld, type World } from '../world.ts';
import { resourcesOf } from './resources.ts';
import { rolesOf } from './roles.ts';
import { virtualKeys } from './virtual-keys.ts';

/**
 * Everything in the assembly that decides who may do what: roles, resource policies, endpoints, and
 * a stand-in for the keys that rotation makes.
 */
export function buildWorld(assembly: ResolvedAssembly): World {
  const resources = resourcesOf(assembly);
  for (const key of virtualKeys(assembly)) resources.set(key.arn, key);
  const endpoints = readEndpoints(assembly).map(endpointOf);
  return emptyWorld({
    account: assembly.account,
    region: assembly.region,
    roles: rolesOf(assembly),
    resources,
    endpoints: new Map(endpoints.map((endpoint) => [endpoint.id, endpoint])),
  });
}

function endpointOf({ id, vpc, service, kind, resource }: VpcEndpoint): Endpoint {
  const { properties, constructPath, certain } = resource;
  const { PolicyDocument: document } = properties;
  const name = `policy of endpoint ${constructPath}`;
  return {
    ...{ id, vpc, service, kind, constructPath, through: comesThrough(id) },
    policy: document === undefined ? undefined : parsePolicy(name, document, { certain }),
  };
}
