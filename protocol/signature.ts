import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { ALGORITHMS, type Algorithm } from './algorithms.ts';
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
export function finishSignature(verification: VerificationKey, input: string, raw: RawSignature): string {
  const { signature, format } = raw;
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

const SEQUENCE = 0x30;
const INTEGER = 0x02;

/**
 * Converts an ECDSA signature from DER (`SEQUENCE { r INTEGER, s INTEGER }`, RFC 3279 2.2.3, what KMS answers) to the
 * fixed-length r||s of JWS (RFC 7518 3.4). `length` is that of the result, 64, 96 or 132 bytes.
 * Strict: only the one DER encoding of two positive integers passes. Does not check that the signature verifies.
 *
 * @throws {ZonesError} kms_refused: it is anything else
 */
export function derToJose(der: Uint8Array, length: number): Uint8Array {
  const body = readElement(der, 0, SEQUENCE);
  const r = readElement(der, body.start, INTEGER);
  const s = readElement(der, r.end, INTEGER);
  if (body.end !== der.length || s.end !== body.end) throw malformed('has bytes left over');
  const half = length / 2;
  const joined = new Uint8Array(length);
  writeUnsigned(der.subarray(r.start, r.end), joined.subarray(0, half));
  writeUnsigned(der.subarray(s.start, s.end), joined.subarray(half));
  return joined;
}

/** Where the contents of the element at `at` begin and end. Lengths here fit one byte, or two with 0x81 for P-521. */
function readElement(der: Uint8Array, at: number, tag: number): { start: number; end: number } {
  const first = der[at + 1] ?? 0x80;
  const long = first === 0x81;
  const length = long ? (der[at + 2] ?? 0) : first;
  const start = at + (long ? 3 : 2);
  if (der[at] !== tag || (long ? length < 0x80 : length > 0x7f))
    throw malformed('is not the DER of two integers');
  return { start, end: start + length };
}

/** Writes a DER INTEGER's contents right-aligned into `into`. */
function writeUnsigned(integer: Uint8Array, into: Uint8Array): void {
  const [first = 0x80, second = 0] = integer;
  const padded = first === 0 && integer.length > 1;
  if (first > 0x7f || (padded && second < 0x80)) throw malformed('holds a negative or padded integer');
  const digits = padded ? integer.subarray(1) : integer;
  if (digits.length > into.length) throw malformed('holds an integer too long for its curve');
  into.set(digits, into.length - digits.length);
}

function malformed(what: string): ZonesError {
  const message = `The ECDSA signature ${what}; check that the key's spec is the one of the declared algorithm.`;
  return new ZonesError('kms_refused', message);
}
