import { describeError } from '@helseid-zones/client/log';
import { retryAfter, SIGNING_UNAVAILABLE } from '@helseid-zones/client/route';
import { type ErrorCode, isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { type Answer, chooseLanguage, type PageName, renderAnswer, renderPage, TEXTS } from './answer.ts';
import type { Dependencies } from './dependencies.ts';
import { type GatewayRequest, readRequest } from './request.ts';
import { type LoginWish, loginPath } from './transactions.ts';

/** What a login function does with a request. It throws `ZonesError`; then nothing was set in the browser. */
export type Handle<T = Answer> = (deps: Dependencies, request: GatewayRequest) => Promise<T>;

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
export async function answerEvent<T>(deps: Dependencies, handle: Handle<T>, event: APIGatewayProxyEvent) {
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
  // Of a bug its name and where it is.
  const { reason: name, at = '' } = describeError(error) as Readonly<Record<string, string>>;
  const facts = known ? { reason: known.message, ...known.facts } : { name: String(name), at };
  // `status` among the facts is that of whoever answered us.
  const line = { request: reference, ...facts, refusal, answered: status };
  deps.log(status >= 500 ? 'error' : 'info', 'request.refused', line);
  if (request && wantsPage(request)) {
    const href = deps.settings.basePath + loginPath({ ...wish, ...(anew ? { prompt: 'login' } : {}) });
    const answer = renderPage({
      status,
      page,
      reference,
      language: chooseLanguage(request.headers.get('accept-language')?.[0]),
      link: { label: 'logIn', href },
    });
    return { ...answer, headers: { ...answer.headers, ...retryAfter(error) } };
  }
  return {
    status,
    headers: { 'content-type': 'application/problem+json', vary: 'accept', ...retryAfter(error) },
    body: JSON.stringify({
      type: `urn:helseid-zones:error:${refusal}`,
      title: TEXTS.en.pages[page].title,
      status,
      detail: known && status < 500 ? known.message : TEXTS.en.pages[page].text,
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

/** How an error is answered: the HTTP status and the page a person gets. */
interface Outcome {
  status: number;
  page: PageName;
  /** Whether logging in again must ask for the person again: the issuer still knows the one who did not suffice. */
  anew?: boolean;
}

const BAD_REQUEST: Outcome = { status: 400, page: 'badRequest' };
const BUSY: Outcome = { status: 503, page: 'busy' };
const UPSTREAM: Outcome = { status: 502, page: 'failed' };
const EXPIRED: Outcome = { status: 400, page: 'expired' };
const DECLINED: Outcome = { status: 403, page: 'declined' };

/** The answer to whatever has no outcome of its own: our own fault. */
const FAULT: Outcome = { status: 500, page: 'failed' };

/** The outcomes of names, by outcome. */
function outcomes<Name extends string>(...rows: readonly [Outcome, ...names: readonly Name[]][]) {
  const pairs = rows.flatMap(([outcome, ...names]) => names.map((name) => [name, outcome] as const));
  return Object.fromEntries(pairs) as Readonly<Partial<Record<Name, Outcome>>>;
}

/**
 * What an issuer's `error` says about who is at fault (RFC 6749 4.1.2.1 and 5.2, RFC 8707 2, RFC 9101 6). One that is not here
 * is our fault where we asked the issuer ourselves, and the person's choice where the browser brought it: any word, `constructor` too.
 */
const REFUSALS = new Map(
  Object.entries(
    outcomes<string>(
      [DECLINED, 'access_denied'],
      // The code, or the pushed request, was not used in time.
      [EXPIRED, 'invalid_grant', 'invalid_request_uri'],
      [FAULT, 'invalid_request', 'invalid_request_object', 'invalid_scope', 'invalid_target'],
      [FAULT, 'request_not_supported', 'unauthorized_client', 'unsupported_response_type'],
      [UPSTREAM, 'server_error'],
      [BUSY, 'temporarily_unavailable'],
    ),
  ),
);

/** Every code that a request can meet, but for what an issuer's `error` or the browser's choice decides. */
export const OUTCOMES = outcomes<ErrorCode>(
  [BAD_REQUEST, 'event_invalid', 'request_malformed', 'return_path_invalid', 'body_not_replayable'],
  [{ status: 413, page: 'badRequest' }, 'request_too_large'],
  [{ status: 403, page: 'badRequest' }, 'csrf_refused'],
  [EXPIRED, 'login_expired'],
  [{ status: 502, page: 'tooOld', anew: true }, 'login_too_old'],
  [DECLINED, 'login_refused'],
  [{ status: 403, page: 'level', anew: true }, 'security_level_too_low'],
  [{ status: 403, page: 'person', anew: true }, 'person_mismatch'],
  [{ status: 401, page: 'notLoggedIn' }, 'session_invalid'],
  [UPSTREAM, 'id_token_invalid', 'token_invalid', 'metadata_invalid', 'binding_mismatch'],
  [UPSTREAM, 'nonce_loop', 'api_unreachable', 'api_answer_unusable', 'redirect_refused'],
  [{ status: 504, page: 'busy' }, 'request_aborted'],
  [BUSY, 'issuer_unreachable', 'aws_throttled', 'aws_unavailable', ...SIGNING_UNAVAILABLE],
);

/** What the browser is at fault for where it chose an organisation: the zone's grant or the issuer does not allow that one. */
const CHOSEN = outcomes<ErrorCode>(
  [BAD_REQUEST, 'details_invalid'],
  [{ status: 403, page: 'badRequest' }, 'grant_refused'],
  [DECLINED, 'token_refused', 'login_refused'],
);

/** One outcome for whoever is at fault. `chosen` tells that the browser named an organisation. */
function chooseOutcome({ code, facts }: ZonesError, chosen: boolean): Outcome {
  const refusal = code === 'token_refused' || code === 'login_refused' ? String(facts['error']) : '';
  const outcome = REFUSALS.get(refusal) ?? OUTCOMES[code] ?? FAULT;
  // Nothing that a browser chooses makes our key unknown, or the issuer fail.
  const its = chosen && refusal !== 'invalid_client' && outcome !== UPSTREAM && outcome !== BUSY;
  return (its ? CHOSEN[code] : undefined) ?? outcome;
}
