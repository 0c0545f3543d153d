import type { Caller } from '../authorize.ts';
import type { Match } from './match-route.ts';
import type { GatewayApi } from './model.ts';

/** A request as the gateway received it. */
export interface GatewayRequest {
  id: string;
  verb: string;
  /** Percent-encoded path, without the query. */
  path: string;
  query: URLSearchParams;
  /** As on the wire: names in any case, repeats apart. */
  headers: readonly (readonly [string, string])[];
  body: Buffer;
  /** Epoch milliseconds. */
  at: number;
}

/** Everything of a proxy event (format 1.0) but the body and what the authorization adds; also what a REQUEST authorizer is given. */
export function describeRequest(api: GatewayApi, { method, parameters }: Match, request: GatewayRequest) {
  const host = headerOf(request, 'host') ?? 'localhost';
  return {
    resource: method.resourcePath,
    path: request.path,
    httpMethod: request.verb,
    ...bothWays('headers', 'multiValueHeaders', request.headers),
    ...bothWays('queryStringParameters', 'multiValueQueryStringParameters', [...request.query]),
    pathParameters: Object.keys(parameters).length === 0 ? null : { ...parameters },
    stageVariables: null,
    requestContext: {
      accountId: api.account,
      apiId: api.id,
      resourceId: method.resourceId,
      resourcePath: method.resourcePath,
      httpMethod: request.verb,
      path: request.path,
      stage: api.stage,
      protocol: 'HTTP/1.1',
      requestId: request.id,
      extendedRequestId: request.id,
      requestTime: new Date(request.at).toUTCString(),
      requestTimeEpoch: request.at,
      domainName: host,
      domainPrefix: host.split('.')[0],
      deploymentId: 'local',
      identity: {
        sourceIp: '127.0.0.1',
        userAgent: headerOf(request, 'user-agent') ?? null,
        accessKey: null as string | null,
        accountId: null as string | null,
        caller: null as string | null,
        user: null as string | null,
        userArn: null as string | null,
      },
    },
  };
}

/** The event that a function gets. `caller` is there for IAM, `authorizer` for a custom authorizer. */
export function toProxyEvent(
  api: GatewayApi,
  match: Match,
  request: GatewayRequest,
  { caller, authorizer }: { caller?: Caller; authorizer?: Readonly<Record<string, unknown>> },
) {
  const described = describeRequest(api, match, request);
  const { requestContext } = described;
  const identity =
    caller === undefined
      ? requestContext.identity
      : {
          ...requestContext.identity,
          accountId: caller.account,
          caller: caller.session,
          user: caller.session,
          userArn: caller.session,
        };
  const body = request.body.length === 0 ? null : request.body.toString(api.binary ? 'base64' : 'utf8');
  return {
    ...described,
    requestContext: { ...requestContext, identity, ...(authorizer === undefined ? {} : { authorizer }) },
    body,
    isBase64Encoded: api.binary && body !== null,
  };
}

/** The last value of a header, whatever its case. */
export function headerOf(request: Pick<GatewayRequest, 'headers'>, name: string): string | undefined {
  return request.headers.findLast(([candidate]) => candidate.toLowerCase() === name)?.[1];
}

/** A list of pairs as API Gateway gives it: the last value of each name, and all values of each name; null for none. */
function bothWays<const Single extends string, const Multi extends string>(
  single: Single,
  multi: Multi,
  pairs: readonly (readonly [string, string])[],
): Record<Single, Record<string, string> | null> & Record<Multi, Record<string, string[]> | null> {
  const all = new Map<string, string[]>();
  for (const [name, value] of pairs) all.set(name, [...(all.get(name) ?? []), value]);
  const none = all.size === 0;
  const last = [...all].map(([name, values]) => [name, values.at(-1) ?? ''] as const);
  return {
    [single]: none ? null : Object.fromEntries(last),
    [multi]: none ? null : Object.fromEntries(all),
  } as Record<Single, Record<string, string> | null> & Record<Multi, Record<string, string[]> | null>;
}
