import type { RouteConfig } from '@helseid-zones/protocol/config';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import type { Log } from './log.ts';

type RequestContext = Partial<APIGatewayProxyEvent['requestContext']>;

/** Where the gateway says who called, by how a route is authorized. */
const CALLERS: Readonly<Record<RouteConfig['authorize'], (context: RequestContext) => unknown>> = {
  iam: ({ identity }) => identity?.userArn,
  helseid: ({ authorizer }) => authorizer?.['clientId'],
};

const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** An answer of API Gateway's proxy integration that nobody may keep. */
export function respond(status: number, type: string, body: string): APIGatewayProxyResult {
  return { statusCode: status, headers: { ...HEADERS, 'content-type': type }, body };
}

/** A problem as RFC 9457 has it, with our error code. */
export function problem(status: number, title: string, code: string): APIGatewayProxyResult {
  return respond(
    status,
    'application/problem+json',
    JSON.stringify({ type: 'about:blank', title, status, code }),
  );
}

/**
 * Hands on what comes by a declared route of the function with the caller that its authorization leaves in the event:
 * `requestContext.identity.userArn` (`iam`), the shipped authorizer's context (`helseid`). Anything else is a gateway that is not
 * wired as declared: answered with 500, audited as `route.refused`, and not handed on. Guards against wrong wiring, not against
 * forgery: whoever may invoke the function may write any event.
 */
export function serveRoutes(
  routes: readonly RouteConfig[],
  audit: Log['audit'],
  answer: (event: APIGatewayProxyEvent) => Promise<APIGatewayProxyResult>,
): (event: APIGatewayProxyEvent) => Promise<APIGatewayProxyResult> {
  return async (event) => {
    const { httpMethod, resource } = event;
    const requestContext: RequestContext = event.requestContext ?? {};
    const route = routes.find(({ method, path }) => method === httpMethod && path === resource);
    const caller = route && CALLERS[route.authorize](requestContext);
    if (typeof caller === 'string' && caller !== '') return answer(event);
    const message = route
      ? `A request came without the caller that authorize: ${route.authorize} leaves; deploy the gateway again.`
      : 'A request came by a route that leads to no such function; deploy both again.';
    audit('route.refused', { message, reason: 'config_invalid', requestId: requestContext.requestId });
    return problem(500, 'The route is not wired as it was declared.', 'config_invalid');
  };
}
