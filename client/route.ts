import { isUtf8 } from 'node:buffer';
import type { RouteConfig } from '@helseid-zones/protocol/config';
import { type ErrorCode, type Facts, isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { isObject } from '@helseid-zones/protocol/values';
import { describeNetworkFailure } from './errors.ts';
import { readBody } from './http.ts';
import { describeError, type Log } from './log.ts';

/** An event of API Gateway's REST proxy integration, as far as it is looked at; AWS's own type fits. */
export interface RouteEvent {
  httpMethod: string;
  /** The declared path, with its parameters in braces. */
  resource: string;
  pathParameters?: { [name: string]: string | undefined } | null;
  queryStringParameters?: { [name: string]: string | undefined } | null;
  headers?: { [name: string]: string | undefined };
  body?: string | null;
  isBase64Encoded?: boolean;
  requestContext?: {
    requestId?: string;
    identity?: { userArn?: string | null };
    authorizer?: { [name: string]: unknown } | null | undefined;
  };
}

/** What API Gateway's proxy integration takes for an answer. */
export interface RouteAnswer {
  statusCode: number;
  headers?: { [name: string]: boolean | number | string };
  body: string;
}

type Answerer = (event: RouteEvent) => unknown;
type RequestContext = NonNullable<RouteEvent['requestContext']>;

/** Where the gateway says who called, by how a route is authorized. */
const CALLERS: Readonly<Record<RouteConfig['authorize'], (context: RequestContext) => unknown>> = {
  iam: ({ identity }) => identity?.userArn,
  helseid: ({ authorizer }) => authorizer?.['clientId'],
  webhook: ({ authorizer }) => authorizer?.['webhookId'],
};

const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** An answer of API Gateway's proxy integration that nobody may keep. */
export function respond(status: number, type: string, body: string): RouteAnswer {
  return { statusCode: status, headers: { ...HEADERS, 'content-type': type }, body };
}

/** A problem as RFC 9457 has it, with our error code. */
export function problem(status: number, title: string, code: string): RouteAnswer {
  return respond(
    status,
    'application/problem+json',
    JSON.stringify({ type: 'about:blank', title, status, code }),
  );
}

/** Codes of what signs, or what it needs, being overloaded or away for a while: nothing was done, and the same may be asked again. */
export const SIGNING_UNAVAILABLE: readonly ErrorCode[] = [
  ...(['signer_unavailable', 'tokens_unavailable', 'kms_throttled', 'kms_unavailable'] as const),
  ...(['signature_late', 'record_unavailable'] as const),
];

/** What a failure looks like from outside; any other is a 502, since it is about what lies behind. */
const STATUS: Readonly<Record<string, readonly [status: number, title: string]>> = {
  request_malformed: [400, 'The request is not right.'],
  ...Object.fromEntries(
    SIGNING_UNAVAILABLE.map((code) => [code, [503, 'Signing is not available; try again.'] as const]),
  ),
  aws_throttled: [503, 'What it needs is overloaded.'],
  aws_unavailable: [503, 'What it needs is not available.'],
  issuer_unreachable: [503, 'The authorization server is not available; try again.'],
  api_unreachable: [503, 'What lies behind is not available; try again.'],
  request_aborted: [504, 'What lies behind took too long.'],
};

/**
 * Hands on what comes by a declared route of the function with the caller that its authorization leaves in the event:
 * `requestContext.identity.userArn` (`iam`), the shipped authorizer's context (`helseid`). Anything else is a gateway that is not
 * wired as declared: answered with 500, audited as `route.refused`, and not handed on. Guards against wrong wiring, not against
 * forgery: whoever may invoke the function may write any event.
 *
 * `answer` gives an answer of the proxy integration, a `Response` (of an API call: passed on where it is a 2xx and text in UTF-8, else
 * thrown as `api_refused` or `api_answer_unusable`), or a value that becomes JSON. What it throws is a problem (RFC 9457) with our code, none of the error's words,
 * and `route.failed` in the log where it is a 5xx; what is overloaded or away is a 503, with `Retry-After` where that is known.
 */
export function serveRoutes(routes: readonly RouteConfig[], audit: Log['audit'], answer: Answerer) {
  return async (event: RouteEvent): Promise<RouteAnswer> => {
    const { httpMethod, resource } = event;
    const requestContext: RequestContext = event.requestContext ?? {};
    const { requestId } = requestContext;
    const route = routes.find(({ method, path }) => method === httpMethod && path === resource);
    const caller = route && CALLERS[route.authorize](requestContext);
    if (typeof caller !== 'string' || caller === '') {
      const message = route
        ? `A request came without the caller that authorize: ${route.authorize} leaves; deploy the gateway again.`
        : 'A request came by a route that leads to no such function; deploy both again.';
      audit('route.refused', { message, reason: 'config_invalid', requestId });
      return problem(500, 'The route is not wired as it was declared.', 'config_invalid');
    }
    try {
      return await render(await answer(event));
    } catch (error) {
      const code = isZonesError(error) ? error.code : 'unexpected';
      const [status, title] = STATUS[code] ?? [502, 'The answer could not be had.'];
      if (status >= 500) audit('route.failed', { ...describeError(error), requestId });
      const answer = problem(status, title, code);
      return { ...answer, headers: { ...answer.headers, ...retryAfter(error) } };
    }
  };
}

/** `Retry-After` (RFC 9110 10.2.3) of an error that knows when what was overloaded may have room. */
export function retryAfter(error: unknown): { 'retry-after'?: string } {
  const { retry_after } = isZonesError(error) ? (error.facts as Facts) : {};
  return typeof retry_after === 'number' ? { 'retry-after': String(retry_after) } : {};
}

async function render(value: unknown): Promise<RouteAnswer> {
  if (isObject(value) && typeof value['statusCode'] === 'number') return value as unknown as RouteAnswer;
  if (!(value instanceof Response)) return respond(200, 'application/json', JSON.stringify(value ?? null));
  const { ok, status, headers } = value;
  if (ok) return respond(status, headers.get('content-type') ?? 'text/plain', await readText(value));
  await value.body?.cancel();
  throw new ZonesError('api_refused', `The API answered ${status}.`, { facts: { status } });
}

/** An answer's body. The gateway carries text in UTF-8: of anything else it would lose what it can't read. */
async function readText(response: Response): Promise<string> {
  const bytes = await readBody(response, Number.POSITIVE_INFINITY).catch((cause: unknown) => {
    const facts = describeNetworkFailure(cause);
    throw new ZonesError('api_unreachable', 'The API broke off its answer.', { cause, facts });
  });
  if (isUtf8(bytes)) return bytes.toString();
  const message =
    'The API answered with bytes that are no text in UTF-8, which a route does not carry; answer with a text that you make of them.';
  throw new ZonesError('api_answer_unusable', message, { facts: { status: response.status } });
}
