/** Object identifiers (RFC 8018 appendix C, RFC 7914 7, NIST's AES arc), as DER has their values, in hex. */
const PBES2 = '2a864886f70d01050d';
const PBKDF2 = '2a864886f70d01050c';
const HMAC_WITH_SHA2 = '2a864886f70d02(?:0[89]|0[a-d])';
const SCRYPT = '2b06010401da47040b';
const AES_CBC = '6086480165030401(?:02|16|2a)';

/**
 * `EncryptedPrivateKeyInfo` as {@link leavesOf} has it: PBKDF2 with salt, rounds, perhaps the key's length, and what is iterated; or
 * scrypt with salt, N, r, p, perhaps the length; then the cipher with its IV, and what is encrypted. Nothing else passes.
 */
const FORM = new RegExp(
  `^6:${PBES2} (?:6:${PBKDF2} 4:\\w+ 2:(?<rounds>[0-7]\\w{1,7}) (?:2:\\w+ )?6:${HMAC_WITH_SHA2} 5: |6:${SCRYPT} 4:\\w+ 2:(?<n>[0-7]\\w{1,7}) 2:08 2:0[1-9a-f] (?:2:\\w+ )?)6:${AES_CBC} 4:\\w{32} 4:\\w+$`,
);

/** What OpenSSL writes by itself; together with a passphrase of 128 random bits it is enough. More than the last block for seconds. */
const ROUNDS = [2048, 2_000_000] as const;
const SCRYPT_N = [2 ** 14, 2 ** 20] as const;

/**
 * Whether a PKCS#8 key in PEM is encrypted (RFC 5958 3) by PBES2 with AES in CBC mode, and a passphrase stretched as much as OpenSSL
 * does it, and not so much that it stops the process. Opens nothing.
 */
export function isWellEncrypted(pem: string): boolean {
  const leaves = leavesOf(Buffer.from(pem.replace(/-----.*-----/g, ''), 'base64'));
  const { rounds, n } = FORM.exec(leaves.join(' '))?.groups ?? {};
  const [least, most] = rounds ? ROUNDS : SCRYPT_N;
  const times = Number(`0x${rounds ?? n}`);
  return times >= least && times <= most;
}

/** The values of DER (X.690) that hold no others, in order, as `tag:hex`; of anything else, what makes no sense. */
function leavesOf(der: Buffer): string[] {
  const leaves: string[] = [];
  // Of what holds others only the head is passed over: they are next.
  for (let at = 0; at + 2 <= der.length; ) {
    const [tag = 0, short = 0] = der.subarray(at);
    const bytes = short > 0x80 ? short & 0x7f : 0;
    if (short === 0x80 || bytes > 4 || at + 2 + bytes > der.length) return [];
    const begin = at + 2 + bytes;
    const length = bytes ? der.readUIntBE(at + 2, bytes) : short;
    at = tag & 0x20 ? begin : begin + length;
    if (!(tag & 0x20)) leaves.push(`${tag}:${der.toString('hex', begin, at)}`);
  }
  return leaves;
}
