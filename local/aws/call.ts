import { randomUUID } from 'node:crypto';
import { AwsError } from './errors.ts';

/** Condition keys as a service gives them: those that are undefined the request does not have, lists are multi-valued keys. */
export type Context = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Condition keys that one request has. */
type PresentContext = Readonly<Record<string, string | readonly string[]>>;

/** Who is calling, once its signature is verified: a role session, or an AWS service on its own behalf. */
export interface Caller {
  /** The role's ARN (`aws:PrincipalArn`), or a service principal such as `events.amazonaws.com`. */
  arn: string;
  kind: 'role' | 'service';
  account: string;
  /** What messages call it: `arn:aws:sts::…:assumed-role/…` for a role session. */
  session: string;
  /** Function whose credentials these are (`lambda:SourceFunctionArn`). */
  functionArn?: string | undefined;
}

/** One permission that a call needs. */
export interface Need {
  /** IAM action, e.g. `kms:Sign`. */
  action: string;
  /** ARN, or `*` for actions without a resource. */
  resource: string;
  /** The service's own condition keys for this request. */
  context?: Context | undefined;
  /** The resource's own policy, where it has one that is not in the template (keys made at run time). */
  resourcePolicy?: unknown;
}

/** What the policy engine is asked. */
export interface AccessRequest extends Need {
  caller: Caller;
  context: PresentContext;
}

/** Its answer; `message` is AWS's sentence, safe to return to the caller. */
type Decision = { allowed: true } | { allowed: false; message: string };

/** The port through which the local AWS asks the policy engine (infra/proof); see authorize.ts. */
export type Authorize = (request: AccessRequest) => Decision;

/** One authenticated call while it is worked on. */
export interface Call {
  caller: Caller;
  requestId: string;
  /** Global condition keys of this request, but for those that follow from caller and resource. */
  context: Context;
  /** What it was asked for so far. */
  needs: readonly Need[];
  /**
   * Asks whether the caller may do it, with the context of this request.
   * @throws {AwsError} AccessDeniedException
   */
  require(need: Need): void;
}

/** Who decides about a call, and when it is made (epoch milliseconds). */
type Deciding = { authorize: Authorize; now(): number };

/** Condition keys that a call has or lacks by the way it came. */
export interface Route {
  /** Id of the VPC endpoint; absent on the public listener. */
  vpce?: string | undefined;
  vpc?: string | undefined;
  /** Account of the endpoint, where the service has `aws:VpceAccount`. */
  account?: string | undefined;
}

/**
 * Makes the {@link Call} of a verified request. `aws:SecureTransport` is true: the loopback stands for AWS's TLS, which the
 * local system does not terminate for AWS's own endpoints.
 */
export function beginCall(
  { authorize, region, now }: Deciding & { region: string },
  caller: Caller,
  route: Route = {},
  requestId: string = randomUUID(),
): Call {
  return callWith(authorize, caller, requestId, {
    ...requestContext(region, now()),
    'aws:PrincipalType': 'AssumedRole',
    'lambda:SourceFunctionArn': caller.functionArn,
    'aws:SourceIp': route.vpce === undefined ? '127.0.0.1' : undefined,
    'aws:SourceVpce': route.vpce,
    'aws:SourceVpc': route.vpc,
    'aws:VpceAccount': route.account,
  });
}

/**
 * The call that a service makes on behalf of whoever called it (a forward access session): the endpoint is gone from
 * its context, and `kms:ViaService`-like keys come from the caller of this function.
 */
export function forwardCall(authorize: Authorize, call: Call, service: string): Call {
  return callWith(authorize, call.caller, call.requestId, {
    ...call.context,
    'aws:SourceVpce': undefined,
    'aws:SourceVpc': undefined,
    'aws:VpceAccount': undefined,
    'aws:SourceIp': undefined,
    'aws:ViaAWSService': 'true',
    'aws:CalledVia': [service],
    'aws:CalledViaFirst': service,
    'aws:CalledViaLast': service,
  });
}

/** The call of an AWS service for itself, in account and region of what it is for: EventBridge that delivers for a rule, say (`aws:SourceArn`). */
export function serviceCall({ authorize, now }: Deciding, service: string, sourceArn: string): Call {
  const [, , , region = '', account = ''] = sourceArn.split(':');
  const caller: Caller = { kind: 'service', arn: service, account, session: service };
  return callWith(authorize, caller, randomUUID(), {
    'aws:SourceArn': sourceArn,
    'aws:SourceAccount': account,
    'aws:PrincipalServiceNamesList': [service],
    ...requestContext(region, now()),
  });
}

function requestContext(region: string, now: number): Context {
  return {
    'aws:RequestedRegion': region,
    'aws:SecureTransport': 'true',
    'aws:CurrentTime': new Date(now).toISOString(),
    'aws:EpochTime': String(Math.floor(now / 1000)),
    'aws:ViaAWSService': 'false',
  };
}

function callWith(authorize: Authorize, caller: Caller, requestId: string, context: Context): Call {
  const needs: Need[] = [];
  return {
    caller,
    requestId,
    context,
    needs,
    require(need) {
      needs.push(need);
      const decision = authorize({ ...need, caller, context: presentOf({ ...context, ...need.context }) });
      if (decision.allowed) return;
      throw new AwsError('AccessDeniedException', decision.message);
    },
  };
}

function presentOf(context: Context): PresentContext {
  const present: { [key: string]: Context[string] & {} } = {};
  for (const [key, value] of Object.entries(context)) if (value !== undefined) present[key] = value;
  return present;
}
