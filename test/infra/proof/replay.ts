import type { Layer } from '../../../infra/proof/policy/request.ts';
import { parsePolicy } from '../../../infra/proof/policy/statement.ts';
import type { World } from '../../../infra/proof/policy/world/world.ts';
import type { Witness } from '../../../infra/proof/rules/witness.ts';
import { decideRequest } from '../../../local/aws/decide-request.ts';

const everything = { Effect: 'Allow', Action: '*', Resource: '*' };
const policyOf = (statement: object) =>
  parsePolicy('open', { Version: '2012-10-17', Statement: [statement] });

/** The world of a request without some layers: a role that may everything, a policy that leaves everything to the account. */
export function worldWithout(
  layers: readonly Layer[],
  { principal, resource }: Witness,
  world: World,
): World {
  const gone = (layer: Layer) => layers.includes(layer);
  const roles = new Map(world.roles);
  const role = principal.kind === 'role' ? world.roles.get(principal.arn) : undefined;
  if (role)
    roles.set(role.arn, {
      ...role,
      identity: gone('identity policy') ? [policyOf(everything)] : role.identity,
      boundary: gone('permissions boundary') ? undefined : role.boundary,
    });
  const resources = new Map(world.resources);
  const assumed = roles.get(resource);
  if (gone('resource policy')) {
    const account = resource.split(':')[4] || world.account;
    const left = { ...everything, Principal: { AWS: 'account' in principal ? principal.account : account } };
    if (assumed) roles.set(resource, { ...assumed, trust: policyOf(left) });
    else resources.set(resource, { arn: resource, account, tags: new Map(), policies: [policyOf(left)] });
  }
  const endpoints = [...world.endpoints].map(([id, endpoint]): [string, typeof endpoint] => [
    id,
    gone('endpoint policy') ? { ...endpoint, policy: undefined } : endpoint,
  ]);
  return { ...world, roles, resources, endpoints: new Map(endpoints) };
}

const ARN = /^arn:aws:[a-z0-9-]+:([a-z]{2}-[a-z]+-\d)?:(\d{12})?:[\w\-/.:@+=$]+$/;

/** What is wrong with a request that is to show something: `undefined` where it shows it. */
export function faultOf(witness: Witness | undefined, world: World): string | undefined {
  if (witness === undefined) return 'no request was found';
  const { without = [], assuming = [], resource, context } = witness;
  const shown = JSON.stringify(witness);
  if (resource !== '*' && !ARN.test(resource)) return `no ARN of a resource: ${shown}`;
  if (/[\uE000-\uF8FF]/.test(shown)) return `something that only a deploy knows: ${shown}`;
  const texts = Object.values(context).flatMap((value) => value ?? []);
  const wild = texts.find((text) => (text.startsWith('arn:') ? !ARN.test(text) : /[*?]/.test(text)));
  if (wild !== undefined) return `no value of a key: ${wild}`;
  if (assuming.length > 0) return undefined;
  const allowed = (layers: readonly Layer[]) =>
    decideRequest(witness, worldWithout(layers, witness, world)).allowed;
  if (!allowed(without)) return `is not allowed: ${shown}`;
  const needless = without.find((layer) => allowed(without.filter((other) => other !== layer)));
  return needless && `is allowed with its ${needless} too: ${shown}`;
}
