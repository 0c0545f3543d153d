import type { VpcEndpoint } from '../../assembly/network.ts';
import type { Condition } from '../condition.ts';
import type { AccessQuestion } from '../request.ts';
import { type Policy, parsePolicy } from '../statement.ts';

/** A role, with everything that limits it. */
export interface Role {
  arn: string;
  account: string;
  /** Inline and managed identity policies. */
  identity: readonly Policy[];
  boundary: Policy | undefined;
  trust: Policy;
  /** Fixed tags of the role, by lower-case key. */
  tags: ReadonlyMap<string, string>;
  constructPath: string;
}

/** A VPC endpoint, with what decides who may pass. */
export interface Endpoint extends Pick<VpcEndpoint, 'id' | 'vpc' | 'service' | 'kind'> {
  /** Absent: everything may pass. */
  policy: Policy | undefined;
  /** That a request comes through it. */
  through: Condition;
  constructPath: string;
}

/** A resource that policies are attached to. */
export interface Resource {
  arn: string;
  account: string;
  policies: readonly Policy[];
  /** Fixed tags, by lower-case key. */
  tags: ReadonlyMap<string, string>;
}

/** Everything that decides who may do what. Mutable only through {@link addResource}. */
export interface World {
  account: string;
  region: string;
  roles: ReadonlyMap<string, Role>;
  resources: Map<string, Resource>;
  endpoints: ReadonlyMap<string, Endpoint>;
}

/** A resource as what makes one tells it; its account is by default the one in its ARN. */
interface GivenResource {
  arn: string;
  account?: string;
  policy?: unknown;
  tags?: Readonly<Record<string, string>>;
}

/** Adds a resource with its policy, or replaces the one of that ARN: a key that rotation made, a secret whose policy changed. */
export function addResource(world: World, given: GivenResource): void {
  const { arn, account = arn.split(':')[4] || world.account, policy, tags = {} } = given;
  world.resources.set(arn, {
    arn,
    account,
    policies: policy === undefined ? [] : [parsePolicy(arn, policy)],
    tags: new Map(Object.entries(tags).map(([key, value]) => [key.toLowerCase(), value])),
  });
}

/** Takes a resource away again. */
export function removeResource(world: World, arn: string): void {
  world.resources.delete(arn);
}

/**
 * The resource whose policies decide about `action` on `arn`: the bucket of an object,
 * the function of a version; for `sts` the role itself. Undefined when the world has none.
 */
export function targetOf({ action, resource: arn }: AccessQuestion, world: World): Resource | undefined {
  const role = world.roles.get(arn);
  // The trust policy is about assuming the role; nothing else is decided by it.
  if (role !== undefined) return { ...role, policies: /^sts:/i.test(action) ? [role.trust] : [] };
  // By the service of the ARN: an action may have wildcards.
  return world.resources.get(arn) ?? world.resources.get(OWNERS.get(arn.split(':', 3)[2])?.(arn) ?? arn);
}

/** From the ARN in a request to the ARN that carries the policy, by the ARN's service. */
const OWNERS = new Map<string | undefined, (arn: string) => string | undefined>([
  ['s3', (arn) => arn.split('/', 1)[0]],
  ['lambda', (arn) => arn.split(':').slice(0, 7).join(':')],
  ['dynamodb', (arn) => /^[^/]*\/[^/]*/.exec(arn)?.[0]],
  ['logs', (arn) => arn.split(':').slice(0, 7).join(':')],
]);
