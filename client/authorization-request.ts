import { ZonesError } from '@helseid-zones/protocol/errors';
import type { RequestObjectIntent } from '@helseid-zones/protocol/intents';
import { required } from '@helseid-zones/protocol/values';
import {
  calculatePKCECodeChallenge,
  generateRandomCodeVerifier,
  generateRandomNonce,
  generateRandomState,
  processPushedAuthorizationResponse,
  pushedAuthorizationRequest,
} from 'oauth4webapi';
import { requestAuthenticated } from './authenticated-request.ts';
import { requireEndpoint } from './issuer.ts';
import { readAs } from './oauth-errors.ts';
import type { TokenClient } from './token-client.ts';
import type { AuthorizationRequest, KeyBinding, PushedRequest } from './tokens.ts';

/** Fresh `state`, `nonce` and PKCE pair (S256) for one login. */
export async function createTransaction() {
  const codeVerifier = generateRandomCodeVerifier();
  return {
    state: generateRandomState(),
    nonce: generateRandomNonce(),
    codeVerifier,
    codeChallenge: await calculatePKCECodeChallenge(codeVerifier),
  };
}

/**
 * Pushes an authorization request (RFC 9126) with PKCE and `dpop_jkt`, so that the code is bound to our key; with
 * `requestObject` all parameters travel inside a signed request object (RFC 9101) and only `client_id` beside it.
 * A DPoP proof goes along only where the profile wants one.
 *
 * @throws {ZonesError} metadata_invalid: the issuer has no PAR or authorization endpoint
 * @throws {ZonesError} token_invalid: the answer is not RFC 9126's
 * @throws {ZonesError} request_malformed: details without a request object; and what {@link requestAuthenticated} throws
 *
 * @example
 * ```ts
 * import { createTransaction, pushAuthorizationRequest, type TokenClient } from '@helseid-zones/client';
 *
 * export async function begin(client: TokenClient) {
 *   const transaction = await createTransaction();
 *   const { state, nonce, codeChallenge } = transaction;
 *   const pushed = await pushAuthorizationRequest(client, {
 *     redirectUri: 'https://journal.example.no/callback',
 *     scope: 'openid profile',
 *     state,
 *     nonce,
 *     codeChallenge,
 *   });
 *   // Keep `transaction` and `pushed.binding` for the callback; send the browser to `pushed.authorizationUrl`.
 *   return { transaction, pushed };
 * }
 * ```
 */
export async function pushAuthorizationRequest(
  client: TokenClient,
  request: AuthorizationRequest,
): Promise<PushedRequest> {
  if (request.authorizationDetails?.length && !request.requestObject) {
    throw new ZonesError('request_malformed', 'Authorization details travel in a request object only.');
  }
  const as = await client.metadata();
  const authorizationUrl = new URL(requireEndpoint(as, 'authorization_endpoint'));
  const url = requireEndpoint(as, 'pushed_authorization_request_endpoint');
  const known = request.requestObject ? await learnProofKey(client, url) : undefined;
  let binding = known;
  const body = await requestAuthenticated(client, {
    endpoint: 'pushed_authorization_request_endpoint',
    proof: client.profile.proofAtPar ? { kid: known?.kid } : undefined,
    extra: known ? [describeRequestObject(client, request, known)] : [],
    send: ({ as, oauth, auth, options, assertion, proof, extra: [object] }) => {
      // One client key signs both, so the assertion tells by which key the code's proof will be.
      const { kid, jkt } = known ?? proof ?? assertion;
      binding = { kid, jkt };
      const form = object ? { request: object.jws } : describeRequest(client, request, binding);
      return pushedAuthorizationRequest(as, oauth, auth, new URLSearchParams(form), options);
    },
    read: ({ oauth, response }) =>
      readAs(
        'token_invalid',
        'The answer to the pushed request is not valid',
        { status: response.status },
        () => processPushedAuthorizationResponse(as, oauth, response),
      ),
    signal: request.signal,
  });
  authorizationUrl.searchParams.set('client_id', client.clientId);
  authorizationUrl.searchParams.set('request_uri', body.request_uri);
  return {
    authorizationUrl: authorizationUrl.href,
    requestUri: body.request_uri,
    expiresIn: body.expires_in,
    binding: required(binding, 'The key'),
  };
}

/**
 * Which key proofs are signed with now. A request object holds it and is signed itself, and only a signer knows it: so a proof is
 * asked for and thrown away.
 */
async function learnProofKey(client: TokenClient, url: string): Promise<KeyBinding> {
  const [proof] = await client.signer.sign([
    { kind: 'dpop_proof', client: client.name, method: 'POST', url },
  ]);
  if (!proof) throw new ZonesError('signer_answer_invalid', 'The signer answered without a signature.');
  return { kid: proof.kid, jkt: proof.jkt };
}

/** The parameters as pairs, since `resource` may come several times. */
function describeRequest(client: TokenClient, request: AuthorizationRequest, { jkt }: KeyBinding) {
  const parameters = {
    client_id: client.clientId,
    response_type: 'code',
    redirect_uri: request.redirectUri,
    scope: request.scope,
    state: request.state,
    nonce: request.nonce,
    code_challenge: request.codeChallenge,
    code_challenge_method: 'S256',
    dpop_jkt: jkt,
    acr_values: request.acrValues?.join(' ') || undefined,
    prompt: request.prompt,
    max_age: request.maxAge?.toString(),
    ui_locales: request.uiLocales,
    on_behalf_of: request.onBehalfOf,
    resource: request.resources,
  };
  return Object.entries(parameters).flatMap(([name, value]) =>
    [value ?? []].flat().map((each): [string, string] => [name, each]),
  );
}

function describeRequestObject(client: TokenClient, request: AuthorizationRequest, binding: KeyBinding) {
  const { client_id: _, ...parameters } = Object.fromEntries(describeRequest(client, request, binding));
  const { resources = [], authorizationDetails: details } = request;
  return {
    kind: 'request_object',
    client: client.name,
    issuer: client.issuer,
    parameters: { ...parameters, ...(resources.length > 1 ? { resource: [...resources] } : {}) },
    authorizationDetails: details?.length ? details : undefined,
  } satisfies RequestObjectIntent;
}
