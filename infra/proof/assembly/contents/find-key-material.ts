/** Something in a text that is, or looks like, key material. `at` is where it begins; the material itself is never repeated. */
export interface KeyMaterial {
  kind: 'PEM' | 'private JWK' | 'PKCS#8' | 'high entropy';
  at: number;
}

/** What gives a private key away, with what it is. */
const PATTERNS: readonly [KeyMaterial['kind'], RegExp][] = [
  ['PEM', /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/g],
  // RFC 7518 6.2.2, 6.3.2, 6.4.1: d (EC, OKP, RSA), k (oct); a member name, plain, escaped or unquoted, and a long value.
  ['private JWK', /(?:\\?["'])?\b[dk](?:\\?["'])?\s*:\s*\\?["'][A-Za-z0-9_-]{40,}={0,2}\\?["']/g],
];

/** Runs of hex, base64 or base64url long enough for a 256-bit key in DER. */
const RUN = /[A-Za-z0-9+/_-]{43,}={0,2}/g;

/** The DER of a private key: a SEQUENCE of a version and an algorithm (PKCS#8), an octet string (SEC 1) or a modulus (PKCS#1). */
const PRIVATE_DER = /^30(?:[0-7].|81..|82....)0201(?:003|0104|000282|00028181)/;

/**
 * Finds key material in `text`: PEM blocks, private members of JWKs, PKCS#8 and SEC 1 in base64 or hex and, with `entropy`,
 * runs that are as random as a key. Entropy is for configuration, where there is no reason for such a run; in code it would only find
 * tables and checksums. Does not decode archives, and does not find a key that is split up or encrypted.
 */
export function findKeyMaterial(text: string, { entropy = false } = {}): KeyMaterial[] {
  const found = PATTERNS.flatMap(([kind, pattern]) =>
    [...text.matchAll(pattern)].map((match): KeyMaterial => ({ kind, at: match.index })),
  );
  const runs = [...text.matchAll(RUN)].flatMap((match): KeyMaterial[] => {
    if (isPrivateDer(match[0])) return [{ kind: 'PKCS#8', at: match.index }];
    return entropy && looksRandom(match[0]) ? [{ kind: 'high entropy', at: match.index }] : [];
  });
  return [...found, ...runs];
}

function isPrivateDer(run: string): boolean {
  if (/^30[0-9a-f]+$/i.test(run)) return PRIVATE_DER.test(run.toLowerCase());
  return run.startsWith('M') && PRIVATE_DER.test(Buffer.from(run.slice(0, 24), 'base64').toString('hex'));
}

/** Whether a run has the letter statistics of random bytes: a digit, both cases, and few repeats. Names and paths repeat letters; ARNs and hex digests are told apart by their alphabet. */
function looksRandom(run: string): boolean {
  if (/^[0-9a-f]+$/i.test(run)) return false;
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
