/** Object identifiers (RFC 8018 appendix C, RFC 7914 7, NIST's AES arc), as DER has their values, in hex. */
const PBES2 = '2a864886f70d01050d';
const PBKDF2 = '2a864886f70d01050c';
const SCRYPT = '2b06010401da47040b';
const AES = '60864801650304';

/** What OpenSSL writes by itself; together with a passphrase of 128 random bits it is enough. */
const ROUNDS = 2048;

/**
 * What is weak in how a PKCS#8 key in PEM is encrypted (`EncryptedPrivateKeyInfo`, RFC 5958 3), as the end of a sentence; nothing where it is
 * PBES2 with AES, and PBKDF2 of as many rounds as OpenSSL takes, or scrypt. Expects a key that could be opened.
 */
export function weakEncryption(pem: string): string | undefined {
  const values = leavesOf(Buffer.from(pem.replace(/-----.*-----/g, ''), 'base64'));
  const names = values.filter(({ tag }) => tag === 6).map(({ value }) => value.toString('hex'));
  const [scheme, derivation] = names;
  // Salt and rounds come behind the name of PBKDF2.
  const rounds = Number(`0x${values[3]?.value.toString('hex')}`);
  if (scheme !== PBES2 || !names.at(-1)?.startsWith(AES)) return 'is not encrypted by AES';
  if (derivation === SCRYPT || (derivation === PBKDF2 && rounds >= ROUNDS)) return undefined;
  return `has a passphrase that is stretched less than ${ROUNDS} times`;
}

/** The values of DER (X.690) that hold no others, in order. */
function leavesOf(der: Buffer): { tag: number; value: Buffer }[] {
  const leaves: { tag: number; value: Buffer }[] = [];
  for (let at = 0; at + 2 <= der.length; ) {
    const [tag = 0, short = 0] = der.subarray(at);
    const bytes = short & 0x80 ? short & 0x7f : 0;
    const begin = at + 2 + bytes;
    const value = der.subarray(begin, begin + (bytes ? der.readUIntBE(at + 2, bytes) : short));
    leaves.push(...(tag & 0x20 ? leavesOf(value) : [{ tag, value }]));
    at = begin + value.length;
  }
  return leaves;
}
