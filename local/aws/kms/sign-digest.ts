import { createHash, createPrivateKey, type KeyObject } from 'node:crypto';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { signPss } from './pss.ts';
import type { SigningAlgorithm } from './specs.ts';

const CURVES = { 'P-256': p256, 'P-384': p384, 'P-521': p521 } as const;

/** The digest that KMS signs for a RAW message. */
export function digestMessage(algorithm: SigningAlgorithm, message: Uint8Array): Buffer {
  return createHash(algorithm.hash).update(message).digest();
}

/** Signs a digest as KMS does: ECDSA in DER (RFC 3279 2.2.3) with a random nonce, PSS as RFC 8017. The key is PKCS #8 PEM. */
export function signDigest(algorithm: SigningAlgorithm, digest: Uint8Array, privatePem: string): Buffer {
  const key = createPrivateKey(privatePem);
  return algorithm.scheme === 'pss' ? signPss(algorithm.hash, digest, key) : signEcdsa(digest, key);
}

function signEcdsa(digest: Uint8Array, key: KeyObject): Buffer {
  const { crv, d = '' } = key.export({ format: 'jwk' });
  const curve = CURVES[crv as keyof typeof CURVES];
  const bytes = Buffer.from(d, 'base64url');
  // extraEntropy makes the signature as unpredictable as an HSM's; lowS is a custom of blockchains, not of KMS.
  const signature = curve.sign(digest, bytes, {
    prehash: false,
    lowS: false,
    extraEntropy: true,
    format: 'der',
  });
  return Buffer.from(signature);
}
