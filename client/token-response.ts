import { ZonesError } from '@helseid-zones/protocol/errors';
import { processGenericTokenEndpointResponse, type TokenEndpointResponse } from 'oauth4webapi';
import type { Answer } from './authenticate.ts';
import { readAs } from './oauth-errors.ts';
import type { AccessToken, KeyBinding } from './tokens.ts';

/**
 * Reads the answer of the token endpoint apart from its ID token. Refuses a `token_type` other than DPoP, in whatever
 * case it is written, and a token that no `Authorization` header can carry (`token_invalid`), and one that shows another key than the one our proof was signed with
 * (`binding_mismatch`). An opaque token shows nothing, and that is fine (RFC 9449 6).
 */
export async function readTokens(
  answer: Answer,
  askedScope: string | undefined,
): Promise<AccessToken & { body: TokenEndpointResponse }> {
  const { as, oauth, response, sentAt, proof } = answer;
  const body = await readAs(
    'token_invalid',
    'The token response is not valid',
    async () => processGenericTokenEndpointResponse(as, oauth, await withoutIdToken(response)),
    { status: response.status },
  );
  if (body.token_type !== 'dpop' || !proof) {
    throw new ZonesError(
      'token_invalid',
      `The server issued a ${body.token_type} token where DPoP was asked for; turn DPoP on in the client's registration.`,
    );
  }
  requireToken68(body.access_token);
  const binding: KeyBinding = { kid: proof.kid, jkt: proof.jkt };
  const bound = readBoundKey(body.access_token);
  if (bound !== undefined && bound !== binding.jkt) {
    throw new ZonesError(
      'binding_mismatch',
      'The token is bound to another key than the one it was asked for with.',
      {
        facts: { expected: binding.jkt, actual: bound },
      },
    );
  }
  const scope = body.scope ?? askedScope;
  const rejected = body['rejected_scope'];
  return {
    accessToken: body.access_token,
    binding,
    // A token that is over before it came: the server can't mean that, and an API will tell.
    ...(body.expires_in === undefined || body.expires_in === 0
      ? {}
      : { expiresIn: body.expires_in, expiresAt: sentAt + body.expires_in }),
    ...(scope === undefined ? {} : { scope }),
    ...(typeof rejected === 'string' ? { rejectedScope: rejected } : {}),
    body,
  };
}

/** Refuses a token that is not of the form an `Authorization` header takes (RFC 9110 11.2, token68): `token_invalid`. */
export function requireToken68(token: string): void {
  if (!/^[A-Za-z0-9\-._~+/]+=*$/.test(token))
    throw new ZonesError(
      'token_invalid',
      'The access token has characters that no Authorization header takes; the issuer must not issue such.',
    );
}

/** `cnf.jkt` of an access token that is a readable JWT; `''` where that is malformed, so that it equals no key. */
function readBoundKey(token: string): string | undefined {
  const [, payload, , ...more] = token.split('.');
  if (payload === undefined || more.length > 0) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    if (typeof claims !== 'object' || claims === null || !('cnf' in claims)) return undefined;
    const { cnf } = claims;
    const jkt = typeof cnf === 'object' && cnf !== null && 'jkt' in cnf ? cnf.jkt : undefined;
    return typeof jkt === 'string' ? jkt : '';
  } catch {
    return undefined;
  }
}

/** The same answer without its ID token, which is checked on its own and with a code of its own. */
async function withoutIdToken(response: Response): Promise<Response> {
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => undefined);
  if (typeof body !== 'object' || body === null || !('id_token' in body)) return response.clone();
  const { id_token: _, ...rest } = body;
  return new Response(JSON.stringify(rest), { status: response.status, headers: response.headers });
}
