import {
  createHash,
  createPublicKey,
  type JsonWebKeyInput,
  type KeyObject,
  type PublicKeyInput,
} from 'node:crypto';
import { ALGORITHMS, type Algorithm } from './algorithms.ts';
import { ZonesError } from './errors.ts';

/** A public JWK with the members RFC 7638 3.2 requires and no others. */
export type PublicJwk =
  | { kty: 'EC'; crv: 'P-256' | 'P-384' | 'P-521'; x: string; y: string }
  | { kty: 'RSA'; n: string; e: string };

/** A public key as tokens name it. */
export interface VerificationKey {
  algorithm: Algorithm;
  jwk: PublicJwk;
  /** RFC 7638 SHA-256 thumbprint of `jwk`, base64url; also the `kid` we register it under. */
  thumbprint: string;
}

/** The bits an RSA key must have at least; HelseID allows no shorter ones. */
const MIN_RSA_BITS = 2048;

/**
 * Reads a SubjectPublicKeyInfo (DER, what KMS's GetPublicKey answers).
 * @throws {ZonesError} key_not_usable: it does not fit `algorithm`
 */
export function readPublicKey(spki: Uint8Array, algorithm: Algorithm): VerificationKey {
  return read({ key: Buffer.from(spki), format: 'der', type: 'spki' }, algorithm);
}

/**
 * Reads a JWK.
 * @throws {ZonesError} key_not_usable: it is no public key, or does not fit `algorithm`
 */
export function readPublicJwk(jwk: PublicJwk, algorithm: Algorithm): VerificationKey {
  return read({ key: { ...jwk }, format: 'jwk' }, algorithm);
}

function read(input: PublicKeyInput | JsonWebKeyInput, algorithm: Algorithm): VerificationKey {
  try {
    return describePublicKey(createPublicKey(input), algorithm);
  } catch (cause) {
    if (cause instanceof ZonesError) throw cause;
    const message = `The public key can't be read; it is a ${input.format === 'jwk' ? 'JWK' : 'SubjectPublicKeyInfo'}.`;
    throw new ZonesError('key_not_usable', message, { cause });
  }
}

/**
 * The minimal JWK and thumbprint of a key. A private key is described by its public half.
 * @throws {ZonesError} key_not_usable: it does not fit `algorithm`
 */
export function describePublicKey(key: KeyObject, algorithm: Algorithm): VerificationKey {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const { crv, x, y, n, e } = publicKey.export({ format: 'jwk' });
  const wanted = ALGORITHMS[algorithm];
  if (wanted.crv && crv === wanted.crv && x && y) {
    return withThumbprint(algorithm, { kty: 'EC', crv: wanted.crv, x, y });
  }
  const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0;
  if (wanted.kty === 'RSA' && n && e && bits >= MIN_RSA_BITS) {
    return withThumbprint(algorithm, { kty: 'RSA', n, e });
  }
  const message = `The key can't sign ${algorithm}: it takes ${wanted.crv ?? `RSA of at least ${MIN_RSA_BITS} bits`}.`;
  throw new ZonesError('key_not_usable', message);
}

function withThumbprint(algorithm: Algorithm, jwk: PublicJwk): VerificationKey {
  return { algorithm, jwk, thumbprint: thumbprintOf(jwk) };
}

/** RFC 7638 SHA-256 thumbprint: the required members in lexicographic order, without white space. */
export function thumbprintOf(jwk: PublicJwk): string {
  const ordered =
    jwk.kty === 'EC'
      ? { crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y }
      : { e: jwk.e, kty: jwk.kty, n: jwk.n };
  return createHash('sha256').update(JSON.stringify(ordered)).digest('base64url');
}
