import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { ALGORITHMS, type Algorithm } from './algorithms.ts';
import { derToJose } from './der.ts';
import { ZonesError } from './errors.ts';
import type { VerificationKey } from './jwk.ts';

/** A signature as what holds the key gives it. */
export interface RawSignature {
  signature: Uint8Array;
  /** `der`: an ECDSA signature as RFC 3279 2.2.3 has it (KMS, most HSMs); `jose`: as it stands in a JWS (RFC 7518 3.4, 3.5). */
  format: 'jose' | 'der';
}

/** What node:crypto wants to know of an algorithm beside its hash (RFC 7518 3.4, 3.5). */
export function signatureEncoding(algorithm: Algorithm) {
  return ALGORITHMS[algorithm].kty === 'EC'
    ? ({ dsaEncoding: 'ieee-p1363' } as const)
    : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
}

/** Keys as node:crypto has them: reading a JWK takes as long as half a verification. */
const KEYS = new WeakMap<VerificationKey, KeyObject>();

/**
 * The signature part of a JWS, base64url, in the one encoding that RFC 7518 3.4 has. What does not verify by `key` is never
 * released: another key's, another input's, one in the wrong format.
 *
 * @throws {ZonesError} kms_refused
 */
export function finishSignature(
  verification: VerificationKey,
  input: string,
  { signature, format }: RawSignature,
): string {
  const { algorithm, jwk } = verification;
  const { hash, kty, signatureBytes } = ALGORITHMS[algorithm];
  const read = KEYS.get(verification) ?? createPublicKey({ key: { ...jwk }, format: 'jwk' });
  KEYS.set(verification, read);
  const joined = kty === 'EC' && format === 'der' ? derToJose(signature, signatureBytes) : signature;
  const key = { key: read, ...signatureEncoding(algorithm) };
  if (!verify(hash, Buffer.from(input), key, joined))
    throw new ZonesError(
      'kms_refused',
      "The signature does not verify by the client's key; check which key signs, and that the format is the one it is said to be.",
    );
  return Buffer.from(joined).toString('base64url');
}
