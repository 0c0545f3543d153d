/** Something in a text that is, or looks like, key material. `at` is where it begins; the material itself is never repeated. */
export interface KeyMaterial {
  kind: 'PEM' | 'private JWK' | 'private key in DER' | 'private key in hex' | 'PKCS#12' | 'high entropy';
  at: number;
}

/** Length of a DER element of less than 64 KiB, after its tag. */
const LENGTH = '(?:[\\x00-\\x7f]|\\x81.|\\x82..)';
/** `1.2.840.113549.1`, under which RSA has its formats. */
const PKCS = '\\x2a\\x86\\x48\\x86\\xf7\\x0d\\x01';
const der = (text: string) => new RegExp(text.replaceAll('LENGTH', LENGTH).replaceAll('PKCS', PKCS), 'gs');

/** `d` or `k`, also escaped, and after it a long value. */
const jwk = (before: string) =>
  new RegExp(
    `${before.replace('NAME', '(?:[dk]|\\\\+(?:x|u00|u\\{0*)6[4bB]\\}?)')}\\s*\\\\*["'\`]?(?!sha\\d)(?=[a-z_-]*[A-Z0-9])[A-Za-z0-9_-]{40,}`,
    'g',
  );

/** What gives a private key away in a text, or in bytes that are taken for one, with what it is. */
const PATTERNS: readonly [KeyMaterial['kind'], RegExp][] = [
  // RFC 7468; code that reads PEM names the label alone.
  [
    'PEM',
    /-----BEGIN(?:[ +]|%20)(?:\w+(?:[ +]|%20))*PRIVATE(?:[ +]|%20)KEY(?:(?:[ +]|%20)BLOCK)?-----(?=[\s\S]{0,160}?[A-Za-z0-9+/]{32})/g,
  ],
  // RFC 7518 6.2.2, 6.3.2, 6.4.1: d (EC, OKP, RSA), k (oct); a member name and a long value, of JSON, of JSON in JSON, of YAML or code.
  ['private JWK', jwk('(?<!\\w)\\\\*["\'`]?NAME\\\\*["\'`]?\\s*\\]?\\s*:')],
  ['private JWK', jwk('(?:\\.|\\[\\s*\\\\*["\'`])NAME(?:\\\\*["\'`]\\s*\\])?\\s*=')],
  // What OpenSSL prints of a key.
  [
    'private key in hex',
    /(?<!\w)(?:priv|privateExponent):(?:\s|\\+[rnt])*(?:[0-9a-f]{2}(?::(?:\s|\\+[rnt])*)?){28,}/gi,
  ],
  // PKCS#8 (RFC 5208, 5958): version, algorithm of a known length (Edwards, RSA-PSS, RSA, NIST, Brainpool), private key.
  [
    'private key in DER',
    der(
      '\\x30LENGTH\\x02\\x01[\\x00\\x01]\\x30(?:\\x05.{5}|\\x0b.{11}|\\x0d.{13}|\\x10.{16}|\\x13.{19}|\\x14.{20})\\x04',
    ),
  ],
  // Encrypted, by a password (RFC 8018, 7292).
  ['private key in DER', der('\\x30LENGTH\\x30LENGTH\\x06[\\x09\\x0a]PKCS[\\x05\\x0c]')],
  // SEC 1 (RFC 5915): version, private key; PKCS#1 (RFC 8017): version, modulus.
  ['private key in DER', der('\\x30LENGTH\\x02\\x01\\x01\\x04[\\x1c-\\x42]')],
  ['private key in DER', der('\\x30LENGTH\\x02\\x01\\x00\\x02(?:\\x81|\\x82.).')],
  ['private key in DER', /openssh-key-v1\0/g],
  ['PKCS#12', der('\\x30LENGTH\\x02\\x01\\x03\\x30LENGTH\\x06\\x09PKCS\\x07')],
];

/** Runs of base64 or base64url, in lines or not, long enough for a 256-bit key. */
const RUN =
  /[A-Za-z0-9+/_-]{40,}(?:(?:\\+[rn]|[\r\n])+[ \t]*[A-Za-z0-9+/_-]{40,})*(?:(?:\\+[rn]|[\r\n])+[ \t]*[A-Za-z0-9+/_-]{1,39})?/g;

/** An end of line, also escaped, or what lies between two strings of a list or a sum. */
const BREAK = '(?:(?:\\\\+[rn]|[\\r\\n])+[ \\t]*|\\\\*["\'`](?:\\\\+[rnt]|[\\s,+])*\\\\*["\'`])';
// The word before keeps it from looking at each end of a shorter one.
const PIECES = new RegExp(
  `(?<![\\w+/-])[\\w+/-]{8,}(?:${BREAK}[\\w+/-]{8,})*(?:${BREAK}[\\w+/-]{1,7})?`,
  'g',
);

/** What may lie between two bytes or words: blanks, ends of lines (also escaped), and `,` `;` `:` `|` `-`, as many as there are. */
const BETWEEN = '(?:[\\s,;:|-]|\\\\+[rnt])';

/** Bytes or 32-bit words, signed or not, in hex or decimal, also as members of an object. */
const NUMBERS = (() => {
  const number = '-?(?:0x[0-9a-fA-F]{1,8}|\\d{1,10})';
  return new RegExp(`${number}(?:${BETWEEN}+(?:\\\\*"\\d+\\\\*":\\s*)?${number}){9,}`, 'g');
})();

/** {@link BETWEEN}, or between two strings of a list or a sum. */
const AFTER = '(?:[\\s,;:|+"\'`-]|\\\\+[rnt"\'])';

/** The same bytes, of words that begin with their least. */
const inWords = (bytes: Buffer) => Buffer.from(bytes.subarray(0, bytes.length & ~3)).swap32();

/** Ways to write bytes in a text, and what a run of them may mean: base64 may begin a few characters later. */
const ENCODINGS: readonly [RegExp, (run: string) => readonly Buffer[]][] = [
  [
    PIECES,
    (run) => {
      if (run.length < 40) return [];
      const text = run.replaceAll(new RegExp(BREAK, 'g'), '');
      return [0, 1, 2, 3].map((skipped) => Buffer.from(text.slice(skipped), 'base64'));
    },
  ],
  [
    // What is before the first byte says nothing, and would be looked for everywhere.
    new RegExp(`[\\da-fA-F]{2}${AFTER}*(?:(?:\\\\+x|0x|%|\\\\+u00)?[\\da-fA-F]{2}${AFTER}*){39,}`, 'g'),
    (run) => {
      const digits = run.replace(/\\+x|0x|\\+u00|\\+[rnt]|[^0-9a-fA-F]/g, '');
      const [bytes, later] = [0, 1].map((skipped) => Buffer.from(digits.slice(skipped), 'hex'));
      return bytes && later ? [bytes, later, inWords(bytes)] : [];
    },
  ],
  [
    NUMBERS,
    (run) => {
      // After a digit a hyphen lies between two.
      const texts = run.replace(/\\*"\d+\\*":/g, '').match(/(?<![\da-f])-?(?:0x[\da-f]+|\d+)/gi) ?? [];
      const values = texts.map((text) => (text.startsWith('-') ? -Number(text.slice(1)) : Number(text)));
      const words = Buffer.from(Uint32Array.from(values).buffer);
      return [Buffer.from(values), words, inWords(words)];
    },
  ],
];

/** How many encodings may lie in each other. */
const DEPTH = 4;

/**
 * Finds key material in `text`: PEM, private members of JWKs, private keys in DER and PKCS#12, plain, in UTF-16, or in base64, hex or
 * lists of numbers with nothing but {@link BETWEEN} between them, also in each other; and with `entropy`, runs that are as random as a key and have no public name. Entropy is for
 * configuration, where there is no other reason for such a run; in code it would only find tables and checksums. Does not unpack
 * archives or what is compressed, does not read base32, octal or one long decimal, and does not find a key that is split up but into
 * neighbouring strings or lines of eight characters and more, or 32 bytes in hex, which are a digest as well. Without `forms`, by entropy alone.
 */
export function findKeyMaterial(text: string, { entropy = false, forms = true } = {}): KeyMaterial[] {
  return [...(forms ? structured(text, DEPTH) : []), ...(entropy ? random(text) : [])];
}

function structured(text: string, depth: number): KeyMaterial[] {
  const found = PATTERNS.flatMap(([kind, pattern]) =>
    [...text.matchAll(pattern)].map(({ index }): KeyMaterial => ({ kind, at: index })),
  );
  // Every other byte of UTF-16 is zero.
  const wide = text.includes('\0') && found.length === 0 ? text.replaceAll('\0', '') : '';
  if (depth === 0) return found;
  const decoded = ENCODINGS.flatMap(([pattern, decode]) => {
    const runs = [...text.matchAll(pattern)].map(({ index, 0: run }) => ({
      at: index,
      texts: decode(run).map((bytes) => bytes.toString('latin1')),
    }));
    // Mostly there is nothing in any: all are looked at together first, kept apart by what belongs to no encoding.
    const all = runs.flatMap(({ texts }) => texts).join('\x01');
    if (all === '' || structured(all, depth - 1).length === 0) return [];
    return runs.flatMap(({ at, texts }) =>
      texts
        .flatMap((one) => structured(one, depth - 1))
        .slice(0, 1)
        .map(({ kind }): KeyMaterial => ({ kind, at })),
    );
  });
  return [...found, ...decoded, ...(wide === '' ? [] : structured(wide, depth))];
}

/** Names of what is public though it is random: identifiers and digests of keys, coordinates of public ones, certificates. */
const PUBLIC_NAME =
  /(?:^|_)(?:kid|kids|key_ids?|jkt|ath|x5\w*|hash|hashes|digest|integrity|sha\d*|checksum|thumbprint|fingerprint|public|cert\w*|[xyn])(?:_|$)/;

/** Runs that are no longer than a key of 64 bytes, and random. */
function random(text: string): KeyMaterial[] {
  return [...text.matchAll(RUN)].flatMap(({ index, 0: run }): KeyMaterial[] => {
    if (run.length < 43 || run.length > 96 || !looksRandom(run)) return [];
    const before = text.slice(Math.max(0, index - 80), index);
    const [, name = ''] = /([\w.#-]+)\\*["']?\s*[:=]\s*[[\s\\"']*$/.exec(before) ?? [];
    const words = name
      .split('.')
      .slice(-2)
      .join('_')
      .replace(/(?<=[a-z0-9])(?=[A-Z])|\W|-/g, '_')
      .toLowerCase();
    const known = PUBLIC_NAME.test(words) || /^sha\d{3}-/.test(run) || isPublicKey(run);
    return known ? [] : [{ kind: 'high entropy', at: index }];
  });
}

/** Whether a run is a SubjectPublicKeyInfo (RFC 5280 4.1.2.7), also after the n of an escaped end of line. */
function isPublicKey(run: string): boolean {
  return [0, 1].some((skipped) => {
    const start = Buffer.from(run.slice(skipped, 12 + skipped), 'base64').toString('latin1');
    return der('^\\x30.\\x30.\\x06').test(start);
  });
}

/** Whether a run has the letter statistics of random bytes: a digit, both cases, and few repeats. Names and paths repeat letters; ARNs and hex digests are told apart by their alphabet. */
function looksRandom(run: string): boolean {
  const mixed = /[a-z]/.test(run) && /[A-Z]/.test(run) && /\d/.test(run);
  return mixed && !/[a-z]{12,}/.test(run) && entropyOf(run) > 4.2;
}

/** Shannon entropy in bits a character. */
function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}
