import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { ALGORITHMS, type Algorithm } from '@helseid-zones/protocol/algorithms';
import type { Signer } from '@helseid-zones/protocol/intents';
import { derToJose, signatureEncoding } from '@helseid-zones/protocol/signature';
import { assembleSigner, type SignerSubject } from './create-signer.ts';

/** A private key in this process's memory. */
export interface MemoryKey {
  privateKey: KeyObject;
  algorithm: Algorithm;
}

/** What a memory signer is made of. */
export interface MemorySignerOptions extends SignerSubject<MemoryKey> {}

/**
 * A {@link Signer} with keys in memory, for tests and for systems within one network. It reads and composes with the same
 * code as the signing function, so its tokens are the same and what is refused gets the same errors. It has no key states and no
 * audit, and a grant where one is given; the key is only as safe as the process.
 *
 * @example
 * ```ts
 * import { generateKeyPairSync } from 'node:crypto';
 * import { createMemorySigner, helseIdProfile } from '@helseid-zones/client';
 *
 * const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
 * export const signer = createMemorySigner({
 *   client: 'journal',
 *   subject: {
 *     clientId: '8a2d4c5e-6a0b-4c53-9f0e-1f1f6f0c2b11',
 *     issuer: 'https://helseid-sts.test.nhn.no',
 *     tenancy: 'single-tenant',
 *     profile: helseIdProfile,
 *   },
 *   keys: [{ privateKey, algorithm: 'ES256' }],
 * });
 * ```
 */
export function createMemorySigner(options: MemorySignerOptions): Signer {
  return assembleSigner(
    options,
    ({ privateKey }) => privateKey,
    ({ privateKey: key, algorithm }, _, input) => {
      const { hash, kty, signatureBytes } = ALGORITHMS[algorithm];
      const data = Buffer.from(input);
      // Node takes twice as long where it is to write the encoding of JWS itself.
      const signature =
        kty === 'EC'
          ? Buffer.from(derToJose(sign(hash, data, key), signatureBytes))
          : sign(hash, data, { key, ...signatureEncoding(algorithm) });
      return signature.toString('base64url');
    },
  );
}

/** A new key for an algorithm, of the size that its signatures have. It can be exported. */
export function generateKey(algorithm: Algorithm): MemoryKey {
  const { crv, signatureBytes } = ALGORITHMS[algorithm];
  const { privateKey } = crv
    ? generateKeyPairSync('ec', { namedCurve: crv })
    : generateKeyPairSync('rsa', { modulusLength: signatureBytes * 8 });
  return { privateKey, algorithm };
}
