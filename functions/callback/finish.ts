import { shorten } from '@helseid-zones/client/oauth-errors';
import type { LoginTokens } from '@helseid-zones/client/tokens';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { type Answer, chooseLanguage, redirect, renderPage } from '../login-common/answer.ts';
import { readIdCookie, renderCookie, SESSION_COOKIE, transactionCookie } from '../login-common/cookies.ts';
import { type Dependencies, seconds } from '../login-common/dependencies.ts';
import {
  readPerson,
  readSecurityLevel,
  requireSamePerson,
  requireSecurityLevel,
} from '../login-common/person.ts';
import { type GatewayRequest, requireDocument } from '../login-common/request.ts';
import { equalSecrets } from '../login-common/secrets.ts';
import { answerError } from '../login-common/serve.ts';
import {
  createSession,
  findSessionIfAny,
  keepRefreshToken,
  keepToken,
  type OpenSession,
  revokeQuietly,
} from '../login-common/sessions.ts';
import { CALLBACK_PATH, type LoginSettings } from '../login-common/settings.ts';
import { loginPath, type Transaction, takeTransaction } from '../login-common/transactions.ts';

/** Marks the second arrival at the callback. */
const CONTINUED = 'continued';

/**
 * `GET /callback`: the browser comes back from the issuer. It comes from another site, so it has left its `SameSite=Strict`
 * session cookie at home: a page sends it here once more, now from our own. Then only the browser that began the login
 * has the cookie that opens its transaction, and only once; the code is redeemed with the key it is bound to, the ID token,
 * the security level and the person are checked, and a session with a new id takes the place of any earlier one.
 *
 * What fails with an open transaction is answered so that the person can try the same again. Then nothing is set and nothing in
 * the table has changed, but that the transaction is used up. A login that was too old for its `max_age` is sent back to the
 * issuer, once.
 *
 * @throws {ZonesError} csrf_refused: a page asked for it as a part of itself
 * @throws {ZonesError} request_malformed, login_refused: it is no answer of this issuer
 * @throws {ZonesError} login_expired: this browser has no such login under way (any more)
 */
export async function finishLogin(deps: Dependencies, request: GatewayRequest): Promise<Answer> {
  const { settings } = deps;
  requireDocument(request);
  const parameters = new URLSearchParams(request.query);
  parameters.delete(CONTINUED);
  const state = checkResponse(parameters, settings.issuer);
  if (!request.query.has(CONTINUED)) return comeAgain(settings, request, parameters);
  const transaction = await openTransaction(deps, request, state);
  try {
    requireCode(parameters);
    const live = await findSessionIfAny(deps, readIdCookie(request, SESSION_COOKIE));
    const { redirectUri, first } = settings;
    // By name: nothing else of what was kept becomes a parameter.
    const { nonce, codeVerifier, binding, maxAge, begunAt } = transaction;
    const tokens = await deps.client.redeemCode({
      parameters,
      redirectUri,
      state,
      nonce,
      codeVerifier,
      binding,
      maxAge,
      begunAt,
      resource: first.resource,
    });
    const session = await acceptLogin(deps, transaction, live, tokens);
    deps.log('info', 'login.finished', { request: request.id });
    return redirect(settings.gatewayUrl + transaction.returnPath, [
      renderCookie(SESSION_COOKIE, session, { sameSite: 'Strict' }),
      renderCookie(transactionCookie(state), '', { sameSite: 'Lax', maxAge: 0 }),
    ]);
  } catch (error) {
    return answerFailure(deps, request, transaction, error);
  }
}

/**
 * Checks an authorization response before anything is looked up, and gives its `state`. Does not compare `state`: that
 * takes the transaction.
 *
 * @throws {ZonesError} request_malformed: a parameter is there twice (RFC 6749 3.1), or `state` is none of ours
 * @throws {ZonesError} login_refused: `iss` is not the issuer exactly (RFC 9207; required, whatever the metadata says), or there
 * is neither or both of `code` and `error`
 */
function checkResponse(parameters: URLSearchParams, issuer: string): string {
  for (const name of parameters.keys())
    if (parameters.getAll(name).length > 1)
      throw new ZonesError('request_malformed', 'A parameter is there more than once.');
  const state = parameters.get('state') ?? '';
  if (state === '' || state.length > 200)
    throw new ZonesError('request_malformed', 'The callback has no state; begin at /login.');
  if (!equalSecrets(parameters.get('iss') ?? '', issuer))
    throw new ZonesError(
      'login_refused',
      'The callback does not come from the issuer of this login; begin again.',
    );
  const outcomes = ['code', 'error'].filter((name) => (parameters.get(name) ?? '') !== '');
  if (outcomes.length !== 1 || parameters.has('response'))
    throw new ZonesError('login_refused', 'The callback is not an answer to a login; begin again.');
  return state;
}

function comeAgain(settings: LoginSettings, request: GatewayRequest, parameters: URLSearchParams): Answer {
  return renderPage({
    status: 200,
    page: 'continuing',
    language: chooseLanguage(request.headers.get('accept-language')?.[0]),
    link: { label: 'goOn', href: `${settings.basePath}${CALLBACK_PATH}?${parameters}&${CONTINUED}=1` },
    follow: true,
  });
}

async function openTransaction(deps: Dependencies, request: GatewayRequest, state: string) {
  const id = readIdCookie(request, transactionCookie(state));
  const transaction = id === undefined ? undefined : await takeTransaction(deps, id);
  if (transaction && equalSecrets(transaction.state, state)) return transaction;
  throw new ZonesError('login_expired', 'This browser did not begin this login; begin again.');
}

function requireCode(parameters: URLSearchParams): void {
  const error = parameters.get('error');
  if (error === null) return;
  const facts = { error: shorten(error) };
  throw new ZonesError('login_refused', 'The issuer did not log the person in; begin again.', { facts });
}

/**
 * Checks who logged in and how, and puts a new session in the place of the one that the login was begun in, and of the `live`
 * one; gives its id. Tokens that no session keeps are revoked. Expects claims of a validated ID token.
 *
 * @throws {ZonesError} security_level_too_low: the login is not secure enough
 * @throws {ZonesError} person_mismatch: another person was here
 * @throws {ZonesError} session_invalid: the issuer ended the login meanwhile
 * @throws {ZonesError} aws_*: the table can't be asked
 */
async function acceptLogin(
  deps: Dependencies,
  { begunAt, previous, organization }: Transaction,
  live: OpenSession | undefined,
  tokens: LoginTokens,
): Promise<string> {
  const { settings } = deps;
  const claims = tokens.idTokenClaims;
  const person = readPerson(claims);
  try {
    requireSecurityLevel(claims, settings.login.securityLevel);
    // Who was here when the login began, and who logged in meanwhile in another tab.
    for (const other of [previous?.person, live?.data.person])
      if (other) requireSamePerson(deps.samePerson, other, person);
    // The one whose cookie the browser has comes last.
    const replaced = live ? [{ pk: live.pk, links: live.data.links }] : [];
    if (previous && previous.pk !== live?.pk) replaced.unshift(previous);
    const session = {
      person,
      sid: claims.sid,
      securityLevel: readSecurityLevel(claims),
      loggedInAt: seconds(deps),
      endsAt: seconds(deps) + settings.absoluteSeconds,
      idToken: tokens.idToken,
      nonce: claims.nonce,
      ...keepRefreshToken(deps, tokens),
      tokens: settings.firstIsNarrow ? { [settings.first.name]: keepToken(tokens) } : {},
      organization,
    };
    return await createSession(deps, begunAt, session, replaced);
  } catch (error) {
    const { refreshToken } = tokens;
    await revokeQuietly(deps, { refreshToken, tokens: { [settings.first.name]: tokens } });
    throw error;
  }
}

function answerFailure(deps: Dependencies, request: GatewayRequest, begun: Transaction, error: unknown) {
  const { again, ...wish } = begun;
  if (again || !isZonesError(error, 'login_too_old')) return answerError(deps, error, request, wish);
  // Once only: an issuer that ignores `max_age` and `prompt` would make a loop.
  deps.log('info', 'login.repeated', { request: request.id, reason: error.message });
  return redirect(deps.settings.gatewayUrl + loginPath({ ...wish, prompt: 'login', again: true }));
}
