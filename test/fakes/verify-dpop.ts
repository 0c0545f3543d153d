import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';

/** What a proof must match. */
export interface ExpectedProof {
  /** The `DPoP` header, as received. */
  header: string | null;
  method: string;
  /** Without query. */
  url: string;
  /** Epoch milliseconds. */
  now: number;
  /** Spent `jti`s; the proof's is added once all else is right. */
  seen: Set<string>;
  /** The access token it must name, where there is one. */
  token?: string;
}

/** Verifies a DPoP proof strictly (RFC 9449 4.3). Throws plain errors. */
export async function verifyProof(expected: ExpectedProof): Promise<{ jkt: string; nonce?: string }> {
  const { header } = expected;
  if (header === null || header.includes(',')) throw new Error('exactly one DPoP header is required');
  const { payload, protectedHeader } = await jwtVerify(header, EmbeddedJWK, {
    typ: 'dpop+jwt',
    algorithms: ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'],
    requiredClaims: ['jti', 'iat', 'htm', 'htu'],
    currentDate: new Date(expected.now),
  });
  const { jti = '', iat = 0, htm, htu, ath, nonce, exp, nbf } = payload;
  if (exp !== undefined || nbf !== undefined) throw new Error('a proof has no exp and no nbf');
  if (htm !== expected.method) throw new Error(`htm is ${String(htm)}`);
  if (htu !== expected.url) throw new Error(`htu is ${String(htu)}`);
  if (Math.abs(iat - expected.now / 1000) > 5) throw new Error('iat is outside the window');
  const hash = expected.token && createHash('sha256').update(expected.token).digest('base64url');
  if (ath !== (hash || undefined)) throw new Error('ath is wrong');
  if (expected.seen.has(jti)) throw new Error('the proof was used before');
  expected.seen.add(jti);
  if (!protectedHeader.jwk) throw new Error('the proof has no jwk');
  return {
    jkt: await calculateJwkThumbprint(protectedHeader.jwk),
    ...(typeof nonce === 'string' ? { nonce } : {}),
  };
}
