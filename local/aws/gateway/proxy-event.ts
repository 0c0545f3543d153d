import type { Caller } from '../call.ts';
import type { readRequest } from '../http.ts';
import type { GatewayApi } from '../template/gateways.ts';
import type { Match } from './match-route.ts';

/** A request as the gateway received it. */
export interface GatewayRequest {
  api: GatewayApi;
  /** The method that it is for. */
  match: Match;
  id: string;
  /** Percent-encoded path, without the query. */
  path: string;
  query: URLSearchParams;
  /** As on the wire: names in any case, repeats apart. */
  headers: readonly (readonly [string, string])[];
  wire: Awaited<ReturnType<typeof readRequest>>;
  /** Epoch milliseconds. */
  at: number;
}

/** Who is let through, as the proxy event tells it: `caller` by IAM, `authorizer` by a custom authorizer. */
export type Authorized = { caller?: Caller; authorizer?: Readonly<Record<string, unknown>> };

/** Everything of a proxy event (format 1.0) but the body and what the authorization adds; also what a REQUEST authorizer is given. */
export function describeRequest(request: GatewayRequest) {
  const { api, match } = request;
  const { method, parameters } = match;
  const host = headerOf(request, 'host') ?? 'localhost';
  return {
    resource: method.resourcePath,
    path: request.path,
    httpMethod: request.wire.method,
    ...bothWays('headers', 'multiValueHeaders', request.headers),
    ...bothWays('queryStringParameters', 'multiValueQueryStringParameters', [...request.query]),
    pathParameters: Object.keys(parameters).length === 0 ? null : { ...parameters },
    stageVariables: null,
    requestContext: {
      accountId: api.account,
      apiId: api.id,
      stage: api.stage,
      deploymentId: 'local',
      resourceId: method.resourceId,
      resourcePath: method.resourcePath,
      httpMethod: request.wire.method,
      path: request.path,
      protocol: 'HTTP/1.1',
      requestId: request.id,
      extendedRequestId: request.id,
      requestTime: new Date(request.at).toUTCString(),
      requestTimeEpoch: request.at,
      domainName: host,
      domainPrefix: host.split('.')[0],
      identity: {
        sourceIp: '127.0.0.1',
        userAgent: headerOf(request, 'user-agent') ?? null,
        accessKey: null,
        accountId: null,
        caller: null,
        user: null,
        userArn: null,
      },
    },
  };
}

/** The event that a function gets, with who was let through. */
export function toProxyEvent(request: GatewayRequest, { caller, authorizer }: Authorized) {
  const { requestContext, ...described } = describeRequest(request);
  const { account: accountId, session } = caller ?? {};
  const by = caller && { accountId, caller: session, user: session, userArn: session };
  const identity = { ...requestContext.identity, ...by };
  const { api, wire } = request;
  const { binary } = api;
  const body = wire.body.length === 0 ? null : wire.body.toString(binary ? 'base64' : 'utf8');
  const isBase64Encoded = binary && body !== null;
  return { ...described, requestContext: { ...requestContext, identity, authorizer }, body, isBase64Encoded };
}

/** The last value of a header, whatever its case. */
export function headerOf(request: Pick<GatewayRequest, 'headers'>, name: string): string | undefined {
  return request.headers.findLast(([candidate]) => candidate.toLowerCase() === name)?.[1];
}

/** A list of pairs as API Gateway gives it: the last value of each name, and all values of each name; null for none. */
function bothWays(single: string, multi: string, pairs: readonly (readonly [string, string])[]) {
  const all = Object.entries(Object.groupBy(pairs, ([name]) => name)).map(
    ([name, found = []]) => [name, found.map(([, value]) => value)] as const,
  );
  if (all.length === 0) return { [single]: null, [multi]: null };
  const last = all.map(([name, values]) => [name, values.at(-1)]);
  return { [single]: Object.fromEntries(last), [multi]: Object.fromEntries(all) };
}
