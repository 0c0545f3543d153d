import type { LoginTokens } from '@helseid-zones/client/tokens';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { type Answer, redirect, renderPage } from '../login-common/answer.ts';
import { readIdCookie, renderCookie, SESSION_COOKIE, transactionCookie } from '../login-common/cookies.ts';
import { type Dependencies, seconds } from '../login-common/dependencies.ts';
import type { GatewayRequest } from '../login-common/request.ts';
import { requireDocument } from '../login-common/request.ts';
import { equalSecrets } from '../login-common/secrets.ts';
import { answerError } from '../login-common/serve.ts';
import { findSessionIfAny } from '../login-common/sessions.ts';
import { CALLBACK_PATH, type LoginSettings } from '../login-common/settings.ts';
import { chooseLanguage } from '../login-common/texts.ts';
import { loginPath, type Transaction, takeTransaction } from '../login-common/transactions.ts';
import { acceptLogin } from './accept.ts';
import { checkResponse } from './response.ts';

/** Marks the second arrival at the callback. */
const CONTINUED = 'continued';

/**
 * `GET /callback`: the browser comes back from the issuer. It comes from another site, so it has left its `SameSite=Strict`
 * session cookie at home: a page sends it here once more, now from our own. Then only the browser that began the login
 * has the cookie that opens its transaction, and only once; the code is redeemed with the key it is bound to, the ID token,
 * the security level and the person are checked, and a session with a new id takes the place of any earlier one.
 *
 * Throws `csrf_refused`, `request_malformed`, `login_refused` and `login_expired`. What fails with an open transaction is
 * answered so that the person can try the same again: `security_level_too_low`, `person_mismatch`, `session_invalid` where
 * the issuer ended the login meanwhile, and what `redeemCode` throws. Then nothing is set and nothing in the table has
 * changed, but that the transaction is used up. A login that was too old for its `max_age` is sent back to the issuer, once.
 */
export async function finishLogin(deps: Dependencies, request: GatewayRequest): Promise<Answer> {
  const { settings } = deps;
  requireDocument(request);
  const parameters = new URLSearchParams(request.query);
  parameters.delete(CONTINUED);
  const state = checkResponse(parameters, settings.issuer);
  if (!request.query.has(CONTINUED)) return comeAgain(settings, request, parameters);
  const transaction = await openTransaction(deps, request, state);
  const { again, ...wish } = transaction;
  try {
    const session = await logIn(deps, request, parameters, transaction);
    deps.log({ level: 'info', code: 'login.finished', request: request.id });
    return redirect(settings.gatewayUrl + transaction.returnPath, [
      renderCookie(SESSION_COOKIE, session, { sameSite: 'Strict' }),
      renderCookie(transactionCookie(state), '', { sameSite: 'Lax', maxAge: 0 }),
    ]);
  } catch (error) {
    if (again || !isZonesError(error, 'login_too_old')) return answerError(deps, error, request, wish);
    // Once only: an issuer that ignores `max_age` and `prompt` would make a loop.
    deps.log({
      level: 'info',
      code: 'login.repeated',
      request: request.id,
      facts: { reason: error.message },
    });
    return redirect(settings.gatewayUrl + loginPath({ ...wish, prompt: 'login', again: true }));
  }
}

/** Redeems the code and accepts who logged in; gives the id of the new session. */
async function logIn(
  deps: Dependencies,
  request: GatewayRequest,
  parameters: URLSearchParams,
  transaction: Transaction,
): Promise<string> {
  const error = parameters.get('error');
  if (error !== null)
    throw new ZonesError('login_refused', 'The issuer did not log the person in; begin again.', {
      facts: { error: error.replace(/[^\w.-]/g, '?').slice(0, 60) },
    });
  const live = await findSessionIfAny(deps.store, seconds(deps), readIdCookie(request, SESSION_COOKIE));
  const tokens = await redeem(deps, parameters, transaction);
  return acceptLogin(deps, transaction, live, tokens);
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

async function openTransaction(
  deps: Dependencies,
  request: GatewayRequest,
  state: string,
): Promise<Transaction> {
  const foreign = () =>
    new ZonesError('login_expired', 'This browser did not begin this login; begin again.');
  const id = readIdCookie(request, transactionCookie(state));
  if (id === undefined) throw foreign();
  const transaction = await takeTransaction(deps.store, seconds(deps), id);
  if (!equalSecrets(transaction.state, state)) throw foreign();
  return transaction;
}

function redeem(
  deps: Dependencies,
  parameters: URLSearchParams,
  transaction: Transaction,
): Promise<LoginTokens> {
  const { state, nonce, codeVerifier, binding, maxAge, begunAt } = transaction;
  const { resource } = deps.settings.first;
  return deps.client.redeemCode({
    parameters,
    redirectUri: deps.settings.redirectUri,
    state,
    nonce,
    codeVerifier,
    binding,
    ...(maxAge === undefined ? {} : { maxAge, begunAt }),
    ...(resource === undefined ? {} : { resource }),
  });
}
