import { ZonesError } from './errors.ts';

/** What a custody can do. */
export interface CustodyAbilities {
  /** Makes the next key itself and changes to it; where not, an administrator or the admin zone does. */
  rotate: boolean;
  /** Holds several keys at once: one may retire while tokens are bound to it. */
  severalKeys: boolean;
  /** Signs somewhere else than in this process. */
  remote: boolean;
  /** Whoever uses the key can read it out. */
  extractable: boolean;
}

/** Where a client's key may be kept, by the scheme of the URI that names it. */
export const CUSTODIES = {
  /** AWS KMS: `awskms:///ARN`, several after commas, the current one first. */
  'awskms:': { rotate: false, severalKeys: true, remote: true, extractable: false },
  /** A PKCS#11 token, such as an HSM: its URI by RFC 7512, several after blanks, the current one first. */
  'pkcs11:': { rotate: false, severalKeys: true, remote: true, extractable: false },
  /** A file of encrypted keys: `file:///PATH`. */
  'file:': { rotate: true, severalKeys: true, remote: false, extractable: true },
  /** A row of a PostgreSQL table, wrapped: `postgres://HOST/DATABASE`. */
  'postgres:': { rotate: true, severalKeys: true, remote: false, extractable: true },
  /** An AWS Secrets Manager secret: `secretsmanager:///ARN`. */
  'secretsmanager:': { rotate: true, severalKeys: true, remote: false, extractable: true },
} as const satisfies Record<string, CustodyAbilities>;

/** A scheme of {@link CUSTODIES}. */
export type CustodyScheme = keyof typeof CUSTODIES;

/** The names of {@link CUSTODIES}, for schemas. */
export const CUSTODY_SCHEMES = Object.keys(CUSTODIES) as CustodyScheme[];

const RULE =
  'HelseID\'s guideline "Use of Client Secrets" says that in a system that spans multiple networks the secret must be secured and cannot be shared between components across distinct networks';

/**
 * What the guideline has against a key of this custody that several zones use, as the end of a sentence; nothing where it has
 * nothing. Within one closed network a provider chooses how a key is kept; across networks it must be secured and can't be shared.
 *
 * @param zones those that use it; without it they are a system's
 */
export function sharingProblem(scheme: string, zones?: readonly string[]): string | undefined {
  const abilities = Object.entries(CUSTODIES).find(([name]) => name === scheme)?.[1];
  if (!abilities?.extractable || (zones && zones.length < 2)) return undefined;
  const users = zones ? `the zones ${zones.join(' and ')}` : 'the zones of a system';
  return `is ${scheme}, which can be read out, and ${users} use the key; ${RULE}: use awskms:, or a client of its own for each zone (docs/patterns.md)`;
}

/**
 * Refuses a key that can be read out where a second zone uses it.
 * @throws {ZonesError} custody_shared: it names the rule and what to do
 */
export function requireOneZone(scheme: CustodyScheme, zones: readonly string[]): void {
  const problem = sharingProblem(scheme, zones);
  if (problem) throw new ZonesError('custody_shared', `The key ${problem}.`, { facts: { custody: scheme } });
}
