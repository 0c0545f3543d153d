import { createHash } from 'node:crypto';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { Intent } from '@helseid-zones/protocol/intents';
import type { TokenClient } from './token-client.ts';
import { requireToken68 } from './token-endpoint.ts';
import type { AccessToken, TokenSource } from './tokens.ts';

/** What one attempt of an API call is sent with; the token is a secret. */
export interface CallHeaders {
  accessToken: string;
  /** Names the call's method and URL, and `ath` (RFC 9449 4.2). */
  proof: string;
}

/** Headers for the attempts of one call, each with a proof of its own; `nonce` is the API's. */
export interface CallAuthorizer {
  headers(nonce: string | undefined): Promise<CallHeaders>;
  /** Takes another token than the one that was refused; false where there is none to be had. */
  renew(nonce: string | undefined): Promise<boolean>;
  /** Takes another token than the one whose key can sign no more; false where there is none to be had. */
  replace?(): Promise<boolean>;
  /** Told that the API accepted the token. */
  accept?(): void;
}

interface Call {
  method: string;
  url: URL;
  signal?: AbortSignal | undefined;
}

/** Begins one call. */
export type BeginCall = (call: Call) => Promise<CallAuthorizer>;

/** Calls with tokens of a source, and proofs that the client's signer makes. */
export function signedCalls(client: TokenClient, source: TokenSource): BeginCall {
  return async ({ method, url, signal }) => {
    let token = await source.get(signal);
    const take = async (other: Promise<AccessToken | undefined>) => {
      const taken = await other;
      token = taken ?? token;
      return taken !== undefined;
    };
    return {
      headers: async (nonce) => ({
        accessToken: token.accessToken,
        proof: await signProof(client, token, { method, url, nonce, signal }),
      }),
      renew: async () => take(source.renew(token, signal)),
      replace: async () => take((source.replace ?? source.renew).call(source, token, signal)),
      accept: () => source.accept?.(token),
    };
  };
}

/**
 * The proof of one attempt (RFC 9449 7), by the key that the token is bound to (I9).
 * @throws {ZonesError} token_invalid: no header can carry the token
 * @throws {ZonesError} binding_mismatch: the signer used another key; and what the signer throws
 */
export async function signProof(
  client: TokenClient,
  token: AccessToken,
  { method, url, nonce, signal }: Call & { nonce: string | undefined },
): Promise<string> {
  requireToken68(token.accessToken);
  const intent: Intent = {
    kind: 'dpop_proof',
    client: client.name,
    method,
    // `htu` has no query (RFC 9449 4.2), and a query may name a patient: it stays in this zone.
    url: `${url.origin}${url.pathname}`,
    ath: createHash('sha256').update(token.accessToken, 'ascii').digest('base64url'),
    kid: token.binding.kid,
    nonce,
  };
  const [proof] = await client.signer.sign([intent], { signal });
  if (!proof) throw new ZonesError('signer_answer_invalid', 'The signer answered without a signature.');
  if (proof.jkt !== token.binding.jkt)
    throw new ZonesError('binding_mismatch', 'The signer used another key than the token is bound to.');
  return proof.jws;
}

/** Whether a signer has no use of the key that was pinned: one that has been retired early, or one so new that it is not known yet. */
export const isUnusableKey = (error: unknown): boolean =>
  isZonesError(error, 'key_unknown') || isZonesError(error, 'key_not_usable');
