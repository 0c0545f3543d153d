import { constants, createHash, type KeyObject, privateEncrypt, randomBytes } from 'node:crypto';

/**
 * RSASSA-PSS (RFC 8017 8.1.1) over a digest that is already computed, which node:crypto does not offer: the encoding is
 * done here and the private-key operation by node:crypto. Salt as long as the hash and MGF1 with the same hash, as KMS does.
 */
export function signPss(hash: string, digest: Uint8Array, key: KeyObject): Buffer {
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
