import { AwsError } from './errors.ts';

/** Condition keys of one request: absent keys are absent, lists are multi-valued keys. */
export type Context = Readonly<Record<string, string | readonly string[]>>;

/** Who is calling, once its signature is verified: a role session, or an AWS service on its own behalf. */
export interface Caller {
  /** The role's ARN (`aws:PrincipalArn`), or a service principal such as `events.amazonaws.com`. */
  arn: string;
  kind: 'role' | 'service';
  account: string;
  /** What messages call it: `arn:aws:sts::…:assumed-role/…` for a role session. */
  session: string;
  /** Function whose credentials these are (`lambda:SourceFunctionArn`). */
  functionArn?: string;
}

/** One permission that a call needs. */
export interface Need {
  /** IAM action, e.g. `kms:Sign`. */
  action: string;
  /** ARN, or `*` for actions without a resource. */
  resource: string;
  /** The service's own condition keys for this request. */
  context?: Context;
  /** The resource's own policy, where it has one that is not in the template (keys made at run time). */
  resourcePolicy?: unknown;
}

/** What the policy engine is asked. */
export interface AccessRequest extends Need {
  caller: Caller;
  context: Context;
}

/** Its answer. `by` names what stopped the request, as AWS does in its messages. */
export type Decision = { allowed: true } | { allowed: false; explicit: boolean; by: PolicyKind };

/** The layers of policy that can stop a request. */
export type PolicyKind = 'identity' | 'resource' | 'endpoint' | 'boundary';

/** The port through which the local AWS asks the policy engine (infra/boundary); see boundary.ts. */
export type Authorize = (request: AccessRequest) => Decision;

const POLICY_NAMES: Readonly<Record<PolicyKind, string>> = {
  identity: 'identity-based policy',
  resource: 'resource-based policy',
  endpoint: 'VPC endpoint policy',
  boundary: 'permissions boundary',
};

/** AWS's sentence for a refused request. */
export function describeDenial(
  request: Pick<AccessRequest, 'caller' | 'action' | 'resource'>,
  decision: Decision & { allowed: false },
): string {
  const policy = POLICY_NAMES[decision.by];
  const article = decision.by === 'identity' ? 'an' : 'a';
  const why = decision.explicit
    ? `with an explicit deny in ${article} ${policy}`
    : `because no ${policy} allows the ${request.action} action`;
  const on = request.resource === '*' ? '' : ` on resource: ${request.resource}`;
  return `User: ${request.caller.session} is not authorized to perform: ${request.action}${on} ${why}`;
}

/** Throws AWS's `AccessDeniedException` unless `authorize` allows the request. */
export function requireAccess(authorize: Authorize, request: AccessRequest): void {
  const decision = authorize(request);
  if (!decision.allowed) {
    throw new AwsError('AccessDeniedException', describeDenial(request, decision), 400, {
      deniedAction: request.action,
    });
  }
}
