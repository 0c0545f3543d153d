import { stringOf } from '../../assembly/json.ts';
import { type ResolvedAssembly, type ResolvedResource, resourcesOfType } from '../../assembly/resolve.ts';
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
  const endpoints = resourcesOfType(assembly, 'AWS::EC2::VPCEndpoint').map(endpointOf);
  return emptyWorld({
    account: assembly.account,
    region: assembly.region,
    roles: rolesOf(assembly),
    resources,
    endpoints: new Map(endpoints.map((endpoint) => [endpoint.id, endpoint])),
  });
}

function endpointOf({ properties, physicalId: id, constructPath, certain }: ResolvedResource): Endpoint {
  const { VpcEndpointType: type, PolicyDocument: document } = properties;
  const kind =
    type === 'Interface' ? 'Interface' : type === undefined || type === 'Gateway' ? 'Gateway' : 'other';
  return {
    id,
    vpc: stringOf(properties.VpcId) ?? '',
    service: (stringOf(properties.ServiceName) ?? '').split('.').at(-1) ?? '',
    kind,
    policy:
      document === undefined
        ? undefined
        : parsePolicy(`policy of endpoint ${constructPath}`, document, { certain }),
    through: comesThrough(id),
    constructPath,
  };
}
