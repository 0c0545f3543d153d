import {
  constants,
  createHash,
  createPrivateKey,
  generateKeyPair,
  type KeyObject,
  privateEncrypt,
  randomBytes,
} from 'node:crypto';
import { promisify } from 'node:util';
import { ALGORITHMS, type AlgorithmEntry } from '@helseid-zones/protocol/algorithms';
import { required } from '@helseid-zones/protocol/values';
import { p256, p384, p521 } from '@noble/curves/nist.js';

const CURVES = { 'P-256': p256, 'P-384': p384, 'P-521': p521 } as const;

/** What the local KMS really signs with, by key spec. PKCS #1 v1.5 is not among it: HelseID's clients must not use it. */
export const KEY_SPECS = Map.groupBy(Object.values(ALGORITHMS), ({ kmsKeySpec }): string => kmsKeySpec);

const generate = promisify(generateKeyPair);

/** A new key of one of {@link KEY_SPECS}: PKCS #8 PEM, and SPKI DER in base64. */
export async function makeMaterial(spec: string): Promise<{ privatePem: string; publicDer: string }> {
  const { crv, signatureBytes } = required(KEY_SPECS.get(spec)?.[0], spec);
  const pair =
    crv === undefined
      ? await generate('rsa', { modulusLength: 8 * signatureBytes })
      : await generate('ec', { namedCurve: crv });
  return {
    privatePem: pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    publicDer: pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
  };
}

/** Signs a digest as KMS does: ECDSA in DER (RFC 3279 2.2.3) with a random nonce, PSS as RFC 8017. The key is PKCS #8 PEM. */
export function signDigest(algorithm: AlgorithmEntry, digest: Uint8Array, privatePem: string): Buffer {
  const key = createPrivateKey(privatePem);
  return algorithm.kty === 'RSA' ? signPss(algorithm.hash, digest, key) : signEcdsa(digest, key);
}

function signEcdsa(digest: Uint8Array, key: KeyObject): Buffer {
  const { crv, d = '' } = key.export({ format: 'jwk' });
  const curve = CURVES[crv as keyof typeof CURVES];
  const bytes = Buffer.from(d, 'base64url');
  // extraEntropy makes the signature as unpredictable as an HSM's; lowS is a custom of blockchains, not of KMS.
  const options = { prehash: false, lowS: false, extraEntropy: true, format: 'der' } as const;
  return Buffer.from(curve.sign(digest, bytes, options));
}

/**
 * RSASSA-PSS (RFC 8017 8.1.1) over a digest that is already computed, which node:crypto does not offer: the encoding is
 * done here and the private-key operation by node:crypto. Salt as long as the hash and MGF1 with the same hash, as KMS does.
 */
function signPss(hash: string, digest: Uint8Array, key: KeyObject): Buffer {
  const modulusLength = key.asymmetricKeyDetails?.modulusLength ?? 0;
  const encoded = encodePss(hash, digest, modulusLength - 1);
  const padded = Buffer.concat([Buffer.alloc(modulusLength / 8 - encoded.length), encoded]);
  return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, padded);
}

/** EMSA-PSS-ENCODE (RFC 8017 9.1.1). */
function encodePss(hash: string, digest: Uint8Array, bits: number): Buffer {
  const length = Math.ceil(bits / 8);
  const salt = randomBytes(digest.length);
  const h = createHash(hash).update(Buffer.alloc(8)).update(digest).update(salt).digest();
  const db = Buffer.alloc(length - h.length - 1);
  db[db.length - salt.length - 1] = 1;
  salt.copy(db, db.length - salt.length);
  const mask = mgf1(hash, h, db.length);
  const masked = db.map((byte, index) => byte ^ (mask[index] ?? 0));
  masked[0] = (masked[0] ?? 0) & (0xff >> (8 * length - bits));
  return Buffer.concat([masked, h, Buffer.from([0xbc])]);
}

/** MGF1 (RFC 8017 B.2.1). */
function mgf1(hash: string, seed: Uint8Array, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let counter = 0, made = 0; made < length; counter += 1) {
    const number = Buffer.alloc(4);
    number.writeUInt32BE(counter);
    const block = createHash(hash).update(seed).update(number).digest();
    blocks.push(block);
    made += block.length;
  }
  return Buffer.concat(blocks).subarray(0, length);
}
