import type { AccessToken, TokenSource } from '@helseid-zones/client/tokens';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { canonicalUrl } from '@helseid-zones/protocol/url';
import { readIdCookie, SESSION_COOKIE } from '../login-common/cookies.ts';
import type { Dependencies } from '../login-common/dependencies.ts';
import { type RefreshWish, refreshSession } from '../login-common/refresh.ts';
import { type GatewayRequest, requireSameOrigin } from '../login-common/request.ts';
import { routeError } from '../login-common/serve.ts';
import { findSession, type OpenSession, touchSession, unlessOver } from '../login-common/sessions.ts';
import type { ForwardTarget, TokenTarget } from '../login-common/settings.ts';
import { selectRequestHeaders, selectResponseHeaders } from './headers.ts';
import type { StreamedAnswer } from './stream.ts';

/** Milliseconds until an API begins to answer, and until its answer is passed on whole: the function has 60 s (see `STREAM_SECONDS`). */
const BEGIN_TIMEOUT = 20_000;
const END_TIMEOUT = 55_000;

/**
 * Any declared route under `/api/`: forwards the call for the logged-in user with a narrow access token for that one API
 * and a DPoP proof. The tokens stay here. An API's answer is passed on whole, except one that would mislead: its 401
 * (the browser is logged in; the token was not good enough) and its redirects become `api_answer_unusable`.
 *
 * The body is passed on as it comes, unread; how long it takes is bounded, its size by Lambda alone (200 MB).
 *
 * @throws {ZonesError} request_malformed: the route is not declared, or the request can't be passed on
 * @throws {ZonesError} csrf_refused: another site may have caused the request
 * @throws {ZonesError} session_invalid: nobody is logged in
 * @throws {ZonesError} api_answer_unusable: the API answered with a 401 or a redirect
 * @throws {ZonesError} what {@link refreshSession} and the API call (`createApiFetch`) throw
 */
export async function forwardCall(deps: Dependencies, request: GatewayRequest): Promise<StreamedAnswer> {
  const { settings } = deps;
  const route = settings.forward.get(`${request.method} ${request.resource}`);
  if (!route) throw routeError();
  requireSameOrigin(request, settings.origin);
  // It would mean nothing (RFC 9110 9.3.1), and `fetch` sends none.
  if (request.method === 'GET' && request.body?.length)
    throw new ZonesError('request_malformed', 'A GET request has no body here.');
  const url = buildTargetUrl(route, request);
  const found = await findSession(deps, readIdCookie(request, SESSION_COOKIE));
  const session = await touchSession(deps, found);
  const call = deps.client.createApiFetch(sessionTokens(deps, session, route.token));
  const until = AbortSignal.timeout(END_TIMEOUT);
  const begin = new AbortController();
  const late = setTimeout(() => begin.abort(), BEGIN_TIMEOUT);
  const response = await call(url, {
    method: request.method,
    headers: selectRequestHeaders(request, route.headers),
    signal: AbortSignal.any([begin.signal, until]),
    ...(request.body?.length ? { body: new Uint8Array(request.body) } : {}),
  }).finally(() => clearTimeout(late));
  const { status } = response;
  if (status === 401 || (status >= 300 && status < 400 && status !== 304)) {
    await response.body?.cancel();
    throw new ZonesError('api_answer_unusable', 'The API answered in a way that can not be passed on.', {
      facts: { api: route.api, status },
    });
  }
  return {
    status,
    headers: selectResponseHeaders(response),
    ...(response.body ? { body: { source: response.body, until } } : {}),
  };
}

/**
 * The session's tokens for one API: kept ones while they last, then by refresh, and once more after the API refused one;
 * not after it refused the one got for that.
 */
function sessionTokens(deps: Dependencies, opened: OpenSession, target: TokenTarget): TokenSource {
  let session = opened;
  const obtain = async (instead: Pick<RefreshWish, 'refused' | 'lost'> = {}): Promise<AccessToken> => {
    session = await refreshSession(deps, session, { target, ...instead });
    const token = session.data.tokens[target.name];
    if (!token) throw new ZonesError('session_invalid', 'The session has no token for this API; log in.');
    return token;
  };
  return {
    get: () => obtain(),
    renew: async (refused) => {
      if (session.data.tokens[target.name]?.afterRefusal) return undefined;
      // Where the session is over the API's refusal stands, and the next request meets whatever ended it.
      return obtain({ refused }).catch(unlessOver);
    },
    replace: (lost) => obtain({ lost }),
  };
}

/** One path segment (RFC 3986 3.3) without percent-encoding, which API Gateway and APIs read differently. */
const SEGMENT = /^[^/?#%]{1,200}$/;

/**
 * The URL at the API: its base URL, the declared path with the request's path parameters filled in, and the query.
 *
 * @throws {ZonesError} request_malformed: a parameter is missing or not one segment, or no proof could be signed for the path
 * ({@link canonicalUrl}): dot segments, characters that must be encoded
 */
function buildTargetUrl(route: ForwardTarget, request: GatewayRequest): string {
  const path = (route.to ?? route.path).replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = request.pathParameters.get(name) ?? '';
    if (!SEGMENT.test(value)) throw parameterError();
    return value;
  });
  const url = route.baseUrl + path;
  try {
    canonicalUrl(url);
  } catch (cause) {
    throw parameterError(cause);
  }
  const query = request.query.toString();
  return query === '' ? url : `${url}?${query}`;
}

function parameterError(cause?: unknown): ZonesError {
  const message = 'A path parameter has characters that are not passed on.';
  return new ZonesError('request_malformed', message, { cause });
}
