import { createTransaction } from '@helseid-zones/client/authorization-request';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { type Answer, redirect } from '../login-common/answer.ts';
import {
  readIdCookie,
  renderCookie,
  SESSION_COOKIE,
  transactionCookie,
  transactionCookies,
} from '../login-common/cookies.ts';
import type { Dependencies } from '../login-common/dependencies.ts';
import { organizationDetails, readOrganization } from '../login-common/person.ts';
import { type GatewayRequest, readParameter, requireDocument } from '../login-common/request.ts';
import { answerError } from '../login-common/serve.ts';
import { findSessionIfAny } from '../login-common/sessions.ts';
import type { LoginSettings } from '../login-common/settings.ts';
import {
  checkReturnPath,
  type LoginWish,
  saveTransaction,
  TRANSACTION_SECONDS,
} from '../login-common/transactions.ts';

/** More logins than this at once in one browser are leftovers; their cookies are cleared before they fill the header. */
const MAX_TRANSACTIONS = 8;

/**
 * `GET /login`: pushes the authorization request (RFC 9126, PKCE S256, state, nonce, `dpop_jkt`), remembers it under a
 * cookie of this login's own, and sends the browser to the issuer. From a live session it begins a step-up or a switch:
 * the same person must come back. What fails after the wish is read is answered so that the person can try the same again.
 *
 * @throws {ZonesError} csrf_refused: a page asked for it as a part of itself
 * @throws {ZonesError} request_malformed, return_path_invalid: a parameter of the wish is not allowed
 */
export async function beginLogin(deps: Dependencies, request: GatewayRequest): Promise<Answer> {
  requireDocument(request);
  const wish = readWish(deps.settings, request);
  try {
    return await pushLogin(deps, request, wish);
  } catch (error) {
    return answerError(deps, error, request, wish);
  }
}

async function pushLogin(deps: Dependencies, request: GatewayRequest, wish: LoginWish): Promise<Answer> {
  const { login, redirectUri, scope, resources } = deps.settings;
  const { acrValues, onBehalfOf, requestObject } = login;
  const { prompt, ...kept } = wish;
  const previous = await findSessionIfAny(deps, readIdCookie(request, SESSION_COOKIE));
  const { codeVerifier, codeChallenge, state, nonce } = await createTransaction();
  const pushed = await deps.client.pushAuthorizationRequest({
    redirectUri,
    scope,
    resources,
    acrValues,
    onBehalfOf,
    requestObject,
    state,
    nonce,
    codeChallenge,
    prompt,
    maxAge: wish.maxAge,
    authorizationDetails: organizationDetails(wish.organization),
  });
  const id = await saveTransaction(deps, {
    ...kept,
    state,
    nonce,
    codeVerifier,
    binding: pushed.binding,
    previous: previous && { pk: previous.pk, links: previous.data.links, person: previous.data.person },
  });
  deps.log('info', 'login.begun', { request: request.id });
  const leftovers = transactionCookies(request);
  return redirect(pushed.authorizationUrl, [
    ...(leftovers.length < MAX_TRANSACTIONS ? [] : leftovers).map((name) =>
      renderCookie(name, '', { sameSite: 'Lax', maxAge: 0 }),
    ),
    renderCookie(transactionCookie(state), id, { sameSite: 'Lax', maxAge: TRANSACTION_SECONDS }),
  ]);
}

function readWish(settings: LoginSettings, request: GatewayRequest): LoginWish {
  const { login } = settings;
  const prompt = readPrompt(readParameter(request, 'prompt'));
  return {
    // The strongest of both.
    prompt: prompt === 'login' ? prompt : (login.prompt ?? prompt),
    maxAge: readMaxAge(readParameter(request, 'max_age'), login.maxAge),
    organization: readWishedOrganization(settings, request),
    returnPath: checkReturnPath(readParameter(request, 'return') ?? '/'),
    again: readParameter(request, 'again') !== undefined,
  };
}

/** A browser may only ask for more proof, never for less: no `none`. */
function readPrompt(value: string | undefined): string | undefined {
  if (value === undefined || value === 'login' || value === 'select_account') return value;
  throw new ZonesError('request_malformed', 'prompt may be login or select_account.');
}

function readMaxAge(value: string | undefined, declared: number | undefined): number | undefined {
  if (value === undefined) return declared;
  if (!/^\d{1,6}$/.test(value))
    throw new ZonesError('request_malformed', 'max_age must be a number of seconds.');
  return Math.min(Number(value), declared ?? Number.POSITIVE_INFINITY);
}

/** An organisation goes into the authorization request only inside a signed request object (https://utviklerportal.nhn.no/informasjonstjenester/helseid/bruksmoenstre-og-eksempelkode/bruk-av-helseid/docs/tekniske-mekanismer/organisasjonsnumre_enmd); otherwise it is switched to after login. */
function readWishedOrganization({ login, tenancy }: LoginSettings, request: GatewayRequest) {
  const wished = ['parent', 'child']
    .map((name) => [name, readParameter(request, name)])
    .filter(([, value]) => value !== undefined);
  if (wished.length === 0) return undefined;
  if (!login.requestObject)
    throw new ZonesError('request_malformed', 'Choose the organization after login: POST it to /session.');
  return readOrganization(Object.fromEntries(wished), tenancy);
}
