import { isZonesError } from '@helseid-zones/protocol/errors';
import { type Answer, json, redirect, renderPage } from '../login-common/answer.ts';
import { LOGOUT_COOKIE, readIdCookie, renderCookie, SESSION_COOKIE } from '../login-common/cookies.ts';
import type { Dependencies } from '../login-common/dependencies.ts';
import { type GatewayRequest, readParameter, requireSameOrigin } from '../login-common/request.ts';
import { createId, equalSecrets } from '../login-common/secrets.ts';
import { wantsPage } from '../login-common/serve.ts';
import { closeSession, findSession, revokeQuietly } from '../login-common/sessions.ts';
import { chooseLanguage } from '../login-common/texts.ts';

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
  deps.log({ level: 'info', code: 'session.ended', request: request.id });
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
    deps.log({ level: 'warn', code: 'session.issuer_logout_failed', facts });
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
