import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { type Answer, chooseLanguage, json, redirect, renderPage } from '../login-common/answer.ts';
import { LOGOUT_COOKIE, readIdCookie, renderCookie, SESSION_COOKIE } from '../login-common/cookies.ts';
import type { Dependencies } from '../login-common/dependencies.ts';
import {
  type GatewayRequest,
  readHeader,
  readParameter,
  requireSameOrigin,
} from '../login-common/request.ts';
import { createId, digest, equalSecrets } from '../login-common/secrets.ts';
import { wantsPage } from '../login-common/serve.ts';
import { closeSession, endSessionsOf, findSession, revokeQuietly } from '../login-common/sessions.ts';
import type { LoginStore } from '../login-common/store.ts';

/** Seconds that the issuer's logout page may take. */
const LOGOUT_SECONDS = 600;

/**
 * `POST /logout`: ends the session here, revokes its tokens, and sends the browser on to the issuer's logout
 * (OpenID Connect RP-Initiated Logout 1.0) with `id_token_hint` and a `state`; programs get the address as JSON. An
 * issuer without `end_session_endpoint` leaves it at our own page. The session ends first: nothing that fails after
 * that brings it back, and no refresh of it is kept. Where the table can't be asked, its tokens are revoked all the same.
 *
 * @throws {ZonesError} csrf_refused: another site may have caused the request
 * @throws {ZonesError} session_invalid: nobody is logged in
 * @throws {ZonesError} aws_*: the session may not have ended
 */
export async function endLogin(deps: Dependencies, request: GatewayRequest): Promise<Answer> {
  requireSameOrigin(request, deps.settings.origin);
  const session = await findSession(deps, readIdCookie(request, SESSION_COOKIE));
  const last = await closeSession(deps, session).catch(async (error: unknown) => {
    // Perhaps it ended, and then nobody could do this any more.
    await revokeQuietly(deps, session.data);
    throw error;
  });
  deps.log('info', 'session.ended', { request: request.id });
  const state = createId();
  const [location] = await Promise.all([
    chooseLocation(deps, last.idToken, state),
    revokeQuietly(deps, last),
  ]);
  const cookies = [
    renderCookie(SESSION_COOKIE, '', { sameSite: 'Strict', maxAge: 0 }),
    renderCookie(LOGOUT_COOKIE, state, { sameSite: 'Lax', maxAge: LOGOUT_SECONDS }),
  ];
  return wantsPage(request) ? redirect(location, cookies) : json(200, { location }, cookies);
}

/** The issuer's logout, or our own page where there is none to be had: logged out here already, a person must not be told that it failed. */
async function chooseLocation(deps: Dependencies, idToken: string, state: string): Promise<string> {
  const { postLogoutRedirectUri } = deps.settings;
  const ours = `${postLogoutRedirectUri}?state=${state}`;
  try {
    return (await deps.client.createEndSessionUrl({ idToken, postLogoutRedirectUri, state })) ?? ours;
  } catch (error) {
    const known = isZonesError(error) ? error : undefined;
    const facts = { ...known?.facts, refusal: known?.code ?? 'unexpected' };
    deps.log('warn', 'session.issuer_logout_failed', facts);
    return ours;
  }
}

/**
 * `GET /logout/callback`: the issuer sends the browser here after logout. Shows that it is done; changes nothing, so a
 * page that was not begun here (`state`) is told so and no more.
 *
 * @throws {ZonesError} request_malformed: the parameter is there twice
 */
export async function showLoggedOut(deps: Dependencies, request: GatewayRequest): Promise<Answer> {
  const expected = readIdCookie(request, LOGOUT_COOKIE);
  const state = readParameter(request, 'state');
  const ours = expected !== undefined && state !== undefined && equalSecrets(expected, state);
  return renderPage({
    status: ours ? 200 : 400,
    page: ours ? 'loggedOut' : 'loggedOutForeign',
    language: chooseLanguage(request.headers.get('accept-language')?.[0]),
    link: { label: 'logIn', href: `${deps.settings.basePath}/login` },
    cookies: ours ? [renderCookie(LOGOUT_COOKIE, '', { sameSite: 'Lax', maxAge: 0 })] : [],
  });
}

/** Bytes; a logout token is a small JWT. */
const MAX_BODY = 16_384;

/** Errors that say nothing about the token: the issuer may try again. */
const UNDECIDED = /^(aws_.*|issuer_unreachable|metadata_invalid)$/;

/**
 * `POST /logout/backchannel` (OpenID Connect Back-Channel Logout 1.0): the issuer ends sessions, found by `sid`, `sub`
 * or both. The token client validates the token in full. Its `jti` counts once, from when the sessions are ended: what fails
 * before that leaves the issuer a second try, and the same token twice at once ends nothing more. Refused with status 400
 * as 2.8 says, whatever is wrong with it.
 *
 * @throws {ZonesError} aws_*, issuer_unreachable, metadata_invalid: nothing is decided about the token, and it may come again
 */
export async function endByIssuer(deps: Dependencies, request: GatewayRequest): Promise<Answer> {
  const { settings, store } = deps;
  const seen = { pk: '', until: 0 };
  try {
    const claims = await deps.client.validateLogoutToken(readToken(request), async (jti, until) => {
      Object.assign(seen, { pk: `jti#${digest(settings.issuer, jti)}`, until });
      return (await store.read(seen.pk)) === undefined;
    });
    const ended = await endSessionsOf(deps, claims);
    await count(store, seen);
    deps.log('info', 'session.ended_by_issuer', { request: request.id, ended });
    return { status: 200 };
  } catch (error) {
    if (isZonesError(error) && !UNDECIDED.test(error.code)) return refuse(deps, request, error);
    throw error;
  }
}

/** Counts a token; or not at all, where the table's answer says that it may not be counted: the issuer will send it again. */
async function count(store: LoginStore, { pk, until }: { pk: string; until: number }): Promise<void> {
  try {
    await store.add(pk, '-', until);
  } catch (error) {
    await store.take(pk);
    throw error;
  }
}

function readToken(request: GatewayRequest): string {
  const type = readHeader(request, 'content-type') ?? '';
  if (/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type) && (request.body?.length ?? 0) <= MAX_BODY) {
    const [token, second] = new URLSearchParams(request.body?.toString('utf8')).getAll('logout_token');
    if (token && second === undefined) return token;
  }
  throw new ZonesError('request_malformed', 'Send one logout_token as application/x-www-form-urlencoded.');
}

function refuse(deps: Dependencies, request: GatewayRequest, error: ZonesError): Answer {
  const facts = { request: request.id, reason: error.message, ...error.facts, refusal: error.code };
  deps.log('warn', 'session.logout_token_refused', facts);
  return json(400, { error: 'invalid_request', error_description: error.message });
}
