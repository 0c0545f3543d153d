import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { type Answer, renderAnswer, renderPage } from './answer.ts';
import type { Dependencies } from './dependencies.ts';
import { chooseOutcome, FAULT } from './outcomes.ts';
import { type GatewayRequest, readRequest } from './request.ts';
import { chooseLanguage, TEXTS } from './texts.ts';
import { type LoginWish, loginPath } from './transactions.ts';

/** What a login function does with a request. It throws `ZonesError`; then nothing was set in the browser. */
type Handle = (deps: Dependencies, request: GatewayRequest) => Promise<Answer>;

/** A Lambda handler behind API Gateway's REST proxy integration. */
export type GatewayHandler = (event: APIGatewayProxyEvent) => Promise<APIGatewayProxyResult>;

/**
 * Makes the handler of a function from what handles each route, e.g. `POST /logout` (method and matched resource). Every
 * error becomes an answer: problem details (RFC 9457) for programs, a page for people, with the code and never the cause, a
 * stack or a cookie. The log gets the code and the error's facts.
 */
export function serve(deps: Dependencies, routes: Readonly<Record<string, Handle>>): GatewayHandler {
  const handle: Handle = (_, request) => {
    const route = `${request.method} ${request.resource}`;
    const handleRoute = Object.hasOwn(routes, route) ? routes[route] : undefined;
    if (!handleRoute) throw routeError();
    return handleRoute(deps, request);
  };
  return async (event) => renderAnswer(await answerEvent(deps, handle, event));
}

/** There is nothing at a route that the gateway should not have. */
export function routeError(): ZonesError {
  return new ZonesError('request_malformed', 'There is nothing at this address.');
}

/** What `handle` answers to an event, or the answer that its error becomes. Does not throw. */
export async function answerEvent<T>(
  deps: Dependencies,
  handle: (deps: Dependencies, request: GatewayRequest) => Promise<T>,
  event: APIGatewayProxyEvent,
): Promise<T | Answer> {
  let request: GatewayRequest | undefined;
  try {
    request = readRequest(event);
    return await handle(deps, request);
  } catch (error) {
    return answerError(deps, error, request);
  }
}

/**
 * The answer that an error becomes, logged with the error's code, message and facts. A person may log in from the page, as
 * `wish` says. `chosen` tells that the browser named an organisation.
 */
export function answerError(
  deps: Dependencies,
  error: unknown,
  request: GatewayRequest | undefined,
  wish?: LoginWish,
  chosen = wish?.organization !== undefined,
): Answer {
  const known = isZonesError(error) ? error : undefined;
  const refusal = known?.code ?? 'unexpected';
  const { status, page, anew } = known ? chooseOutcome(known, chosen) : FAULT;
  const reference = request?.id ?? '-';
  const facts = known ? { reason: known.message, ...known.facts } : describeUnexpected(error);
  deps.log({
    level: status >= 500 ? 'error' : 'info',
    code: 'request.refused',
    request: reference,
    // `status` among the facts is that of whoever answered us.
    facts: { ...facts, refusal, answered: status },
  });
  if (request && wantsPage(request)) {
    const href = deps.settings.basePath + loginPath({ ...wish, ...(anew ? { prompt: 'login' } : {}) });
    return renderPage({
      status,
      page,
      reference,
      language: chooseLanguage(request.headers.get('accept-language')?.[0]),
      link: { label: 'logIn', href },
    });
  }
  return {
    status,
    headers: { 'content-type': 'application/problem+json', vary: 'accept' },
    body: JSON.stringify({
      type: `urn:helseid-zones:error:${refusal}`,
      title: TEXTS.en[page].title,
      status,
      detail: known && status < 500 ? known.message : TEXTS.en[page].text,
      code: refusal,
      instance: `urn:request:${reference}`,
    }),
  };
}

/** Whether the caller would rather have a page: it names `text/html` and does not name JSON. */
export function wantsPage(request: GatewayRequest): boolean {
  const accept = (request.headers.get('accept') ?? []).join(',').toLowerCase();
  return accept.includes('text/html') && !accept.includes('json');
}

/** Where a bug is, without the message: those of JSON.parse, for one, repeat what was parsed. */
function describeUnexpected(error: unknown): Record<string, string> {
  if (!(error instanceof Error)) return { name: typeof error };
  return {
    name: error.name,
    at:
      error.stack
        ?.split('\n')
        .find((line) => /^\s+at /.test(line))
        ?.trim() ?? '',
  };
}
