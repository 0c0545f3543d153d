import type { Principal } from './principal.ts';
import { type Resource, resourceFor, type World } from './world/world.ts';

/** The kinds of policies that have a say, in the order in which a refusal names them. */
export type Layer = 'endpoint policy' | 'resource policy' | 'identity policy' | 'permissions boundary';

/** Who asks for what. */
export interface Asked {
  principal: Principal;
  /** e.g. `kms:Sign`. */
  action: string;
  /** An ARN, or `*` for an action without one. In a question, a pattern of ARNs too. */
  resource: string;
}

/** What the policies of one layer come to. */
export interface Answer<Value> {
  allows: Value;
  denies: Value;
}

/** What every layer comes to. An absent layer is not in play. */
export interface Answers<Value> {
  identity: Answer<Value>;
  boundary: Answer<Value> | undefined;
  /** Endpoint by endpoint: whether the request comes through it, and what its policy says. Asked for only where the rest leaves it open. */
  endpoints(): readonly { through: Value; answer: Answer<Value> }[];
  /** What the resource's policy gives, by how it takes the caller in (see Grades). */
  resource: Record<'direct' | 'role' | 'account' | 'denies', Value>;
}

/** Which rules of combination apply to a request. */
export interface Situation {
  principal: Principal;
  sameAccount: boolean;
  /** Whether the resource's policy must take the caller or the account in even within one account: KMS keys, roles to be assumed. */
  resourceDecides: boolean;
}

/** See {@link Situation}. */
export function situationOf(asked: Asked, world: World): Situation {
  const { principal, action, resource } = asked;
  const service = serviceOf(action);
  const isKey = /^arn:[^:]*:kms:[^:]*:[^:]*:key\//.test(resource);
  return {
    principal,
    sameAccount: 'account' in principal && principal.account === ownerAccount(asked, targetOf(asked, world)),
    resourceDecides: (service === 'kms' && isKey) || (service === 'sts' && resource !== '*'),
  };
}

/** The resource whose policies have a say, if the world knows one. */
export function targetOf({ action, resource }: Asked, world: World): Resource | undefined {
  return resource === '*' ? undefined : resourceFor(world, action, resource);
}

/** The account that owns what a request is about; the caller's where nothing says. */
export function ownerAccount({ principal, resource }: Asked, target: Resource | undefined): string {
  const inArn = resource.split(':')[4] ?? '';
  return target?.account ?? (inArn || ('account' in principal ? principal.account : ''));
}

/** The part of an action before its colon, in lower case. */
export function serviceOf(action: string): string {
  return action.slice(0, action.indexOf(':')).toLowerCase();
}
