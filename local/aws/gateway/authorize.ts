import { randomUUID } from 'node:crypto';
import type { Authorize, Caller } from '../authorize.ts';
import { beginCall, serviceCall } from '../call.ts';
import type { CredentialTable } from '../credentials.ts';
import { AwsError } from '../errors.ts';
import type { Invoke } from '../lambda/invoke.ts';
import { verifySignature } from '../sigv4.ts';
import { allowsInvoke } from './authorizer-policy.ts';
import type { Match } from './match-route.ts';
import type { GatewayApi, GatewayAuthorizer } from './model.ts';
import { describeRequest, type GatewayRequest, headerOf } from './proxy-event.ts';
import { Refusal } from './refusal.ts';

/** What authorization needs. `now` is in epoch milliseconds. */
export interface GatewayAuthorizationDeps {
  authorize: Authorize;
  credentials: CredentialTable;
  invoke: Invoke;
  now: () => number;
}

/** Who is let through, as the proxy event tells it. */
export interface Authorized {
  caller?: Caller;
  authorizer?: Readonly<Record<string, unknown>>;
}

/** ARN of one method call: what IAM and authorizers decide about. */
export function methodArn(api: GatewayApi, verb: string, path: string): string {
  return `${apiArn(api)}/${api.stage}/${verb}${path}`;
}

/** ARN of an API for `execute-api`. */
function apiArn({ region, account, id }: GatewayApi): string {
  return `arn:aws:execute-api:${region}:${account}:${id}`;
}

/** Authorises a request for the method it matched. Throws a {@link Refusal}. */
export async function authorizeRequest(
  deps: GatewayAuthorizationDeps,
  api: GatewayApi,
  match: Match,
  request: GatewayRequest,
  target: string,
): Promise<Authorized> {
  const { authorization } = match.method;
  if (authorization.type === 'AWS_IAM') return { caller: await authorizeByIam(deps, api, request, target) };
  if (authorization.type === 'CUSTOM') {
    return { authorizer: await askAuthorizer(deps, api, match, request, authorization.authorizer) };
  }
  return {};
}

async function authorizeByIam(
  deps: GatewayAuthorizationDeps,
  api: GatewayApi,
  request: GatewayRequest,
  target: string,
): Promise<Caller> {
  const headers: Record<string, string> = {};
  for (const [name, value] of request.headers) {
    const lower = name.toLowerCase();
    headers[lower] = headers[lower] === undefined ? value : `${headers[lower]}, ${value}`;
  }
  const wire = { method: request.verb, target, headers, body: request.body };
  const { region } = api;
  const caller = await verifySignature(wire, { ...deps, region, service: 'execute-api' }).catch(
    refuseSignature,
  );
  const call = beginCall(deps.authorize, caller, request.id, { region, now: deps.now(), route: {} });
  const need = {
    action: 'execute-api:Invoke',
    resource: methodArn(api, request.verb, request.path),
  };
  const decision = deps.authorize({ ...need, caller, context: call.context });
  if (!decision.allowed) throw new Refusal('ACCESS_DENIED', decision.message);
  return caller;
}

function refuseSignature(cause: unknown): never {
  if (!(cause instanceof AwsError)) throw cause;
  throw new Refusal(
    cause.code === 'MissingAuthenticationTokenException'
      ? 'MISSING_AUTHENTICATION_TOKEN'
      : 'INVALID_SIGNATURE',
    cause.message,
  );
}

async function askAuthorizer(
  deps: GatewayAuthorizationDeps,
  api: GatewayApi,
  match: Match,
  request: GatewayRequest,
  authorizer: GatewayAuthorizer,
): Promise<Readonly<Record<string, unknown>>> {
  if (authorizer.identityHeaders.some((name) => !headerOf(request, name))) throw new Refusal('UNAUTHORIZED');
  const arn = methodArn(api, request.verb, request.path);
  const event = { type: 'REQUEST', methodArn: arn, ...describeRequest(api, match, request) };
  const answer = await invokeAuthorizer(deps, api, authorizer, event);
  const { principalId, policyDocument, context = {}, ...others } = answer;
  if (typeof principalId !== 'string' || typeof context !== 'object' || context === null) {
    throw new Refusal('AUTHORIZER_FAILURE');
  }
  const { usageIdentifierKey: _, ...unknown } = others;
  if (Object.keys(unknown).length > 0) throw new Refusal('AUTHORIZER_FAILURE');
  // API Gateway takes no objects and no lists there.
  if (Object.values(context).some((value) => typeof value === 'object'))
    throw new Refusal('AUTHORIZER_FAILURE');
  const values: Record<string, string> = Object.fromEntries(
    Object.entries(context).map(([name, value]) => [name, String(value)]),
  );
  if (!allowsInvoke(policyDocument, arn)) {
    throw new Refusal('ACCESS_DENIED', 'User is not authorized to access this resource', values);
  }
  return { ...values, principalId, integrationLatency: 0 };
}

async function invokeAuthorizer(
  deps: GatewayAuthorizationDeps,
  api: GatewayApi,
  authorizer: GatewayAuthorizer,
  event: object,
): Promise<Record<string, unknown>> {
  const source = {
    arn: `${apiArn(api)}/authorizers/${authorizer.id}`,
    account: api.account,
    region: api.region,
    now: deps.now(),
  };
  const call = serviceCall(deps.authorize, 'apigateway.amazonaws.com', randomUUID(), source);
  const failed = () => new Refusal('AUTHORIZER_FAILURE');
  const invoked = await deps
    .invoke(call, authorizer.functionArn, Buffer.from(JSON.stringify(event)))
    .catch(() => {
      throw failed();
    });
  const answer: unknown = JSON.parse(invoked.payload.toString());
  if (typeof answer !== 'object' || answer === null) throw failed();
  if (invoked.functionError !== undefined) {
    // Only this very message is a 401; any other error of an authorizer is its own fault.
    throw (answer as { errorMessage?: unknown }).errorMessage === 'Unauthorized'
      ? new Refusal('UNAUTHORIZED')
      : failed();
  }
  return answer as Record<string, unknown>;
}
