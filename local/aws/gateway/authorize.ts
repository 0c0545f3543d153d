import * as v from 'valibot';
import { isObject, parseJson } from '../../../infra/proof/assembly/json.ts';
import { beginCall, type Caller, serviceCall } from '../call.ts';
import type { AwsContext } from '../context.ts';
import { AwsError } from '../errors.ts';
import { verifySignature } from '../sigv4.ts';
import type { GatewayApi, GatewayAuthorizer } from '../template/gateways.ts';
import { type Authorized, describeRequest, type GatewayRequest, headerOf } from './proxy-event.ts';
import { Refusal, type RefusalType } from './refusal.ts';

/** What authorization needs. */
export type AuthorizeDeps = Pick<AwsContext, 'authorize' | 'credentials' | 'invoke' | 'now'>;

/**
 * What an authorizer answers: API Gateway takes no objects and no lists in its context, and no other members. A policy with conditions
 * or NotAction could mean less than it says here, so it is refused.
 */
const answerSchema = v.strictObject({
  principalId: v.string(),
  policyDocument: v.object({
    Statement: v.array(v.strictObject({ Effect: v.string(), Action: v.string(), Resource: v.string() })),
  }),
  context: v.optional(
    v.record(v.string(), v.pipe(v.union([v.string(), v.number(), v.boolean()]), v.transform(String))),
    {},
  ),
});

/** ARN of one method call: what IAM and authorizers decide about. */
export function methodArn(api: GatewayApi, verb: string, path: string): string {
  return `${apiArn(api)}/${api.stage}/${verb}${path}`;
}

/** ARN of an API for `execute-api`. */
function apiArn({ region, account, id }: GatewayApi): string {
  return `arn:aws:execute-api:${region}:${account}:${id}`;
}

/**
 * Authorises a request for the method it matched.
 * @throws {Refusal}
 */
export async function authorizeRequest(deps: AuthorizeDeps, request: GatewayRequest): Promise<Authorized> {
  const { authorization } = request.match.method;
  if (authorization.type === 'AWS_IAM') return { caller: authorizeByIam(deps, request) };
  if (authorization.type === 'CUSTOM')
    return { authorizer: await askAuthorizer(deps, request, authorization.authorizer) };
  return {};
}

const IAM_REFUSALS: Readonly<Record<string, RefusalType>> = {
  AccessDeniedException: 'ACCESS_DENIED',
  MissingAuthenticationTokenException: 'MISSING_AUTHENTICATION_TOKEN',
};

function authorizeByIam(deps: AuthorizeDeps, request: GatewayRequest): Caller {
  const { api, id, path, wire } = request;
  const { region } = api;
  try {
    const caller = verifySignature(wire, { ...deps, region, service: 'execute-api' });
    const call = beginCall({ ...deps, region }, caller, {}, id);
    call.require({ action: 'execute-api:Invoke', resource: methodArn(api, wire.method, path) });
    return caller;
  } catch (cause) {
    if (!(cause instanceof AwsError)) throw cause;
    throw new Refusal(IAM_REFUSALS[cause.code] ?? 'INVALID_SIGNATURE', cause.message);
  }
}

async function askAuthorizer(deps: AuthorizeDeps, request: GatewayRequest, authorizer: GatewayAuthorizer) {
  const { id, functionArn, identityHeaders } = authorizer;
  const { api, path, wire } = request;
  if (identityHeaders.some((name) => !headerOf(request, name))) throw new Refusal('UNAUTHORIZED');
  const arn = methodArn(api, wire.method, path);
  const event = { type: 'REQUEST', methodArn: arn, ...describeRequest(request) };
  const call = serviceCall(deps, 'apigateway.amazonaws.com', `${apiArn(api)}/authorizers/${id}`);
  const invoked = await deps.invoke(call, functionArn, Buffer.from(JSON.stringify(event))).catch(() => {
    throw new Refusal('AUTHORIZER_FAILURE');
  });
  const answer = parseJson(invoked.payload.toString());
  // Only this very message is a 401; any other error of an authorizer is its own fault.
  const unauthorized = isObject(answer) && answer['errorMessage'] === 'Unauthorized';
  if (invoked.functionError !== undefined)
    throw new Refusal(unauthorized ? 'UNAUTHORIZED' : 'AUTHORIZER_FAILURE');
  const parsed = v.safeParse(answerSchema, answer);
  if (!parsed.success) throw new Refusal('AUTHORIZER_FAILURE');
  const { principalId, policyDocument, context } = parsed.output;
  // By its exact ARN alone, as the shipped one does; a Deny of anything wins.
  const { Statement } = policyDocument;
  const allowed =
    Statement.some(({ Action, Resource }) => Action === 'execute-api:Invoke' && Resource === arn) &&
    Statement.every(({ Effect }) => Effect === 'Allow');
  if (!allowed) throw new Refusal('ACCESS_DENIED', 'User is not authorized to access this resource', context);
  return { ...context, principalId, integrationLatency: 0 };
}
