import {
  createCipheriv,
  createDecipheriv,
  createHash,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { ZonesError } from '@helseid-zones/protocol/errors';

const ID_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** A new secret id: 256 random bits, base64url (43 characters). Only the browser's cookie holds it. */
export function createId(): string {
  return randomBytes(ID_BYTES).toString('base64url');
}

/** Whether `value` is what {@link createId} makes, in its one canonical spelling. Says nothing about whether it exists. */
export function isId(value: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(value) && Buffer.from(value, 'base64url').toString('base64url') === value;
}

/** The table key of the item that a secret id opens: the kind, and base64url(SHA-256(id)). Reading the table does not give the id back. */
export function itemKey(kind: 'login' | 'session', id: string): string {
  return `${kind}#${createHash('sha256').update(id).digest('base64url')}`;
}

/** base64url(SHA-256(parts)), each part preceded by its length so that no two lists of parts meet. */
export function digest(...parts: string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('base64url');
}

/** Whether two strings are equal, in a time that does not depend on where they differ. */
export function equalSecrets(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}

/**
 * The key for one item: HKDF-SHA256 (RFC 5869) of the secret id, bound to the item's key and to the format of what is sealed, which
 * only has optional members added (docs/upgrading.md). The id itself is never stored.
 */
function deriveKey(id: string, pk: string): Buffer {
  const input = Buffer.from(id, 'base64url');
  return Buffer.from(hkdfSync('sha256', input, Buffer.alloc(0), `helseid-zones sealed item v1\n${pk}`, 32));
}

/**
 * Encrypts a JSON value with AES-256-GCM under a key that only the holder of `id` can derive; `pk` is authenticated too,
 * so that a sealed value can't be moved to another item. Gives base64url of iv, ciphertext and tag.
 */
export function seal(id: string, pk: string, value: unknown): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', deriveKey(id, pk), iv).setAAD(Buffer.from(pk));
  const text = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
  return Buffer.concat([iv, text, cipher.getAuthTag()]).toString('base64url');
}

/**
 * Undoes {@link seal}. Does not check the value's shape: the tag says that we wrote it.
 *
 * @throws {ZonesError} session_invalid: the value was made with another id, for another item, or altered
 */
export function unseal(id: string, pk: string, sealed: string): unknown {
  try {
    const bytes = Buffer.from(sealed, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', deriveKey(id, pk), bytes.subarray(0, IV_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(pk)).setAuthTag(bytes.subarray(-TAG_BYTES));
    const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
    return JSON.parse(text.toString('utf8'));
  } catch (cause) {
    throw new ZonesError('session_invalid', 'The stored session can not be opened; log in again.', { cause });
  }
}
