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

/** Its answer; `message` is AWS's sentence, safe to return to the caller. */
export type Decision = { allowed: true } | { allowed: false; message: string };

/** The port through which the local AWS asks the policy engine (infra/proof); see boundary.ts. */
export type Authorize = (request: AccessRequest) => Decision;

/** Throws AWS's `AccessDeniedException` unless `authorize` allows the request. */
export function requireAccess(authorize: Authorize, request: AccessRequest): void {
  const decision = authorize(request);
  if (!decision.allowed) {
    throw new AwsError('AccessDeniedException', decision.message, 400, {
      deniedAction: request.action,
    });
  }
}
