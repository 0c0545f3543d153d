import { createPublicKey, hash, type KeyObject, randomUUID } from 'node:crypto';
import { createMemorySigner } from '@helseid-zones/client/create-signer';
import { getAccessToken } from '@helseid-zones/client/machine-token';
import { createTokenClient, type TokenClient } from '@helseid-zones/client/token-client';
import type { AccessToken, AccessTokenRequest } from '@helseid-zones/client/tokens';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { required } from '@helseid-zones/protocol/values';
import { exportJWK, SignJWT } from 'jose';

const hashed = (text: string) => hash('sha256', text, 'base64url');

/** A call that a token and a proof of its key open (RFC 9449 7), as its rightful caller makes it. */
export type ProtectedCall = ReturnType<typeof makeCall>;

type CallInit = RequestInit & { url: string; method: string; request: AccessTokenRequest };

/** `key` makes the proofs where the signer does not: it makes none for a gateway of this machine, which has no TLS. */
export function makeCall(client: TokenClient, { url, method, request, ...init }: CallInit, key?: KeyObject) {
  return {
    url,
    method,
    /** A token for it, or one with other scopes. */
    token: (change: AccessTokenRequest = {}) => getAccessToken(client, { ...request, ...change }),
    /** What opens it, once. */
    async headers({ accessToken, binding: { kid } }: AccessToken): Promise<Record<string, string>> {
      const authorization = `DPoP ${accessToken}`;
      if (key !== undefined)
        return { authorization, dpop: await makeProof(key, { method, url }, accessToken) };
      const ath = hashed(accessToken);
      const intent = { kind: 'dpop_proof', client: client.name, method, url, ath, kid } as const;
      const [proof] = await client.signer.sign([intent]);
      return { authorization, dpop: required(proof, 'A proof').jws };
    },
    async send(headers: Record<string, string>) {
      const answer = await fetch(url, { method, ...init, headers: { ...headers, ...init.headers } });
      const { status } = answer;
      const [challenge, type] = [answer.headers.get('www-authenticate'), answer.headers.get('content-type')];
      return { status, challenge: challenge ?? '', type: type ?? '', text: await answer.text() };
    },
  };
}

/** A DPoP proof (RFC 9449 4.2) as somebody else's software makes it, by an EC P-256 key. */
export async function makeProof(key: KeyObject, call: { method: string; url: string }, accessToken: string) {
  const htu = call.url.replace(/[?#].*/, '');
  return new SignJWT({ htm: call.method, htu, ath: hashed(accessToken), jti: randomUUID() })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: await exportJWK(createPublicKey(key)) })
    .setIssuedAt()
    .sign(key);
}

/** Somebody else's client at the stand-in. */
type Foreign = Record<'issuer' | 'clientId', string> & { scopes: readonly string[]; privateKey: KeyObject };

/** A call of a route with `authorize: 'helseid'` by such a client. */
export function makeForeignCall(foreign: Foreign, call: Omit<CallInit, 'request'>) {
  const { issuer, clientId, scopes, privateKey } = foreign;
  const subject = { clientId, issuer, profile: helseIdProfile, tenancy: 'single-tenant' } as const;
  const keys = [{ privateKey, algorithm: 'ES256' }] as const;
  const signer = createMemorySigner({ client: 'foreign', subject, keys });
  const client = createTokenClient({ client: 'foreign', ...subject, signer, fetch });
  return makeCall(client, { ...call, request: { scopes } }, privateKey);
}
