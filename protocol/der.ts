import { ZonesError } from './errors.ts';

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
  if (der[at] !== tag || (long ? length < 0x80 : length > 0x7f) || start + length > der.length)
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
  return new ZonesError(
    'kms_refused',
    `The ECDSA signature ${what}; check that the key's spec is the one of the declared algorithm.`,
  );
}
