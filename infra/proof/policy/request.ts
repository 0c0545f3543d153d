import type { Context } from './facts.ts';
import type { Principal } from './principal.ts';
import type { Resource } from './world/world.ts';

/** The kinds of policies that have a say, in the order in which a refusal names them. */
export type Layer = 'endpoint policy' | 'resource policy' | 'identity policy' | 'permissions boundary';

/** Who asks for what. */
export interface AccessQuestion {
  principal: Principal;
  /** e.g. `kms:Sign`. */
  action: string;
  /** An ARN, or `*` for an action without one. In a question, a pattern of ARNs too. */
  resource: string;
}

/** The account that owns what a request is about; the caller's where nothing says. */
export function ownerAccount({ principal, resource }: AccessQuestion, target: Resource | undefined): string {
  const inArn = resource.split(':')[4] ?? '';
  return target?.account ?? (inArn || ('account' in principal ? principal.account : ''));
}

/** One request. */
export interface Request extends AccessQuestion {
  /** Context keys of the request. What follows from caller and resource (`aws:PrincipalArn`, …) is filled in; everything else that is missing is absent. */
  context: Context;
}

/** The part of an action before its colon, in lower case. */
export function serviceOf(action: string): string {
  return action.slice(0, action.indexOf(':')).toLowerCase();
}
