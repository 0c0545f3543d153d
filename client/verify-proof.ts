import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';

/** Remembers the proofs that were accepted, by `jti`. */
export interface SeenProofs {
  has(jti: string): boolean;
  add(jti: string): unknown;
}

/** What a proof must match. */
interface ExpectedProof {
  /** The `DPoP` header, as received. */
  header: string | null;
  method: string;
  /** Query and fragment are left out of the comparison. */
  url: string;
  /** Epoch milliseconds. */
  now: number;
  /** Spent `jti`s; the proof's is added once all else is right. */
  seen: SeenProofs;
  /** The access token it must name, where there is one. */
  token?: string | undefined;
  /** Seconds that a proof may be old, beyond the five that clocks may differ (default 0). */
  age?: number | undefined;
  /** Whether a nonce is good (RFC 9449 9); without it none is demanded. */
  accepts?: ((nonce: string) => boolean) | undefined;
}

/** Seconds that clocks may differ, each way. */
const CLOCK_SKEW = 5;

/** The proof is good but for its nonce: the caller is told to use a fresh one. */
export const NONCE_DEMANDED = 'a nonce is demanded';

/**
 * Verifies a DPoP proof strictly (RFC 9449 4.3), without a line of the code that composes proofs or of the shipped
 * authorizer, so that neither is its own judge. Throws plain errors that say what is wrong.
 */
export async function verifyProof(
  expected: ExpectedProof,
): Promise<{ jkt: string; nonce: string | undefined }> {
  const { header, now, age = 0 } = expected;
  if (header === null || header.includes(',')) throw new Error('exactly one DPoP header is required');
  const { payload, protectedHeader } = await jwtVerify(header, EmbeddedJWK, {
    typ: 'dpop+jwt',
    algorithms: ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'],
    requiredClaims: ['jti', 'iat', 'htm', 'htu'],
    currentDate: new Date(now),
  });
  const { jti, iat = 0, htm, htu, ath, nonce, exp, nbf } = payload;
  if (exp !== undefined || nbf !== undefined) throw new Error('a proof has no exp and no nbf');
  if (htm !== expected.method) throw new Error(`htm is ${String(htm)}`);
  if (!isFor(htu, expected.url)) throw new Error(`htu is ${String(htu)}`);
  if (iat < now / 1000 - age - CLOCK_SKEW || iat > now / 1000 + CLOCK_SKEW)
    throw new Error('iat is outside the window');
  const hash = expected.token && createHash('sha256').update(expected.token).digest('base64url');
  if (ath !== (hash || undefined)) throw new Error('ath is wrong');
  if (expected.accepts && !(typeof nonce === 'string' && expected.accepts(nonce)))
    throw new Error(NONCE_DEMANDED);
  if (typeof jti !== 'string' || jti === '') throw new Error('jti is not a string');
  if (expected.seen.has(jti)) throw new Error('the proof was used before');
  expected.seen.add(jti);
  if (!protectedHeader.jwk) throw new Error('the proof has no jwk');
  return {
    jkt: await calculateJwkThumbprint(protectedHeader.jwk),
    nonce: typeof nonce === 'string' ? nonce : undefined,
  };
}

/** `htu` has neither query nor fragment (RFC 9449 4.2); the URL of the request may have both. */
function isFor(htu: unknown, url: string): boolean {
  return typeof htu === 'string' && HTU.test(htu) && normalize(htu) === normalize(url);
}

/** An http(s) URI of a host and a path, in the characters of RFC 3986: a URL parser would mend others and forget a user. */
const HTU = /^https?:\/\/[\w.~%:[\]-]+(?:\/[\w.~%!$&'()*+,;=:@/-]*)?$/i;

/** As RFC 3986 6.2.2 and 6.2.3 say, and no further: a decoded slash is no slash, letters keep their case. */
function normalize(text: string): string {
  const url = new URL(text);
  const path = url.pathname.replaceAll(/%[0-9a-f]{2}/gi, (escaped) => {
    const letter = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return /[A-Za-z0-9._~-]/.test(letter) ? letter : escaped.toUpperCase();
  });
  return `${url.protocol}//${url.username}@${url.host}${path}`;
}
