import { isDeepStrictEqual } from 'node:util';
import { ALGORITHMS, type Algorithm } from './algorithms.ts';
import { ZonesError } from './errors.ts';
import { isObject, parseJson } from './values.ts';

/** Stands for the account in a template. */
export const ACCOUNT_PLACEHOLDER = '${Account}';

/** Stands for the signing zone's VPC in a template. */
export const VPC_PLACEHOLDER = '${SigningVpc}';

/** What the infrastructure rendered for the keys of one client, with {@link ACCOUNT_PLACEHOLDER} and {@link VPC_PLACEHOLDER}. */
export type KeyPolicyTemplate = Readonly<Record<string, unknown>>;

/** What is known only once the system is deployed. */
export interface KeyPolicyValues {
  /** Account of the signing and admin zones. */
  account: string;
  /** Id of the signing zone's VPC. */
  signingVpc: string;
}

/** KMS's name of each signing algorithm, as it stands in a template. */
const SIGNING_ALGORITHMS: ReadonlySet<string> = new Set(
  Object.values(ALGORITHMS).map((entry) => entry.kmsSigningAlgorithm),
);

/**
 * The policy of a key with this algorithm, as JSON text. A template names the algorithm declared today; a key made before
 * the declaration changed keeps its own.
 * @throws {ZonesError} config_invalid: a placeholder is left over
 */
export function fillKeyPolicy(template: KeyPolicyTemplate, values: KeyPolicyValues, algorithm: Algorithm) {
  const text = JSON.stringify(template, (_, value) => {
    if (typeof value !== 'string') return value;
    if (SIGNING_ALGORITHMS.has(value)) return ALGORITHMS[algorithm].kmsSigningAlgorithm;
    return value
      .replaceAll(ACCOUNT_PLACEHOLDER, values.account)
      .replaceAll(VPC_PLACEHOLDER, values.signingVpc);
  });
  if (text.includes('${'))
    throw new ZonesError(
      'config_invalid',
      'key-policy.json has a placeholder that rotation does not know; deploy once more.',
    );
  return text;
}

/**
 * Whether two policy texts say the same, as parsed JSON: the order of members, statements and list entries does not
 * count, nor whether a single entry stands in a list. Does not know that two different conditions may mean the same.
 */
export function samePolicy(a: string, b: string): boolean {
  return isDeepStrictEqual(normalize(parseJson(a) ?? a), normalize(parseJson(b) ?? b));
}

function normalize(value: unknown): unknown {
  if (Array.isArray(value)) {
    const entries = value.map((entry) => JSON.stringify(normalize(entry))).sort();
    return entries.length === 1 ? JSON.parse(entries[0] ?? 'null') : entries;
  }
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, normalize(member)]),
  );
}
