import type { Algorithm } from '@helseid-zones/protocol/algorithms';
import { CUSTODIES, type CustodyAbilities, type CustodyScheme } from '@helseid-zones/protocol/custody';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { Signer } from '@helseid-zones/protocol/intents';
import { describePublicKey, type VerificationKey } from '@helseid-zones/protocol/jwk';
import type { AwsCaller } from '../aws.ts';
import { createSigner, type HeldKey, type SignDigest, type SignerSubject } from '../create-signer.ts';
import type { TokenClient } from '../token-client.ts';
import { openKmsKeys } from './awskms.ts';
import { createFileStore } from './file.ts';
import { openPkcs11Keys } from './pkcs11.ts';
import { connectPostgres, createPostgresStore, type Database } from './postgres.ts';
import type { KeyRing } from './ring.ts';
import { openRing } from './ring-signer.ts';
import { type KeyRotation, rotateOpened } from './rotate.ts';
import { createSecretStore } from './secretsmanager.ts';
import { type CustodyUri, parseCustodyUri } from './uri.ts';

/** What a custody is opened with. */
export interface CustodyOptions extends Omit<SignerSubject<HeldKey>, 'keys'> {
  /** Where the keys are: `file:`, `postgres:`, `secretsmanager:`, `awskms:` or `pkcs11:`. No secret stands in it. */
  uri: string;
  /** The closed network that may use the keys: the machine, the enterprise with its backend, the cluster. By a name of yours. */
  zone: string;
  /** Of keys that are made from now on, of those that say none, and of those in KMS or a token. */
  algorithm: Algorithm;
  /** What keys are encrypted with in a file or a database: at least 22 characters, not kept beside them. Asked for once. */
  passphrase?: (() => string | Promise<string>) | undefined;
  /** For `awskms:` and `secretsmanager:`. */
  aws?: AwsCaller | undefined;
  /** For `postgres:`, in place of a connection by the package `pg`. */
  database?: Database | undefined;
}

/** Where a client's keys are kept, opened. */
export interface Custody {
  readonly scheme: CustodyScheme;
  readonly abilities: CustodyAbilities;
  readonly signer: Signer;
  /** Their public halves: the current one first, the newest last. */
  publicKeys(): Promise<VerificationKey[]>;
  /**
   * Changes the keys as they are now, while nobody else does.
   * @throws {ZonesError} custody_refused: this custody makes no keys
   */
  change(mutate: (ring: KeyRing) => KeyRing): Promise<KeyRing>;
}

export type Opened = Omit<Custody, 'scheme' | 'abilities'>;

type Open = (uri: CustodyUri, options: CustodyOptions) => Promise<Opened>;

const OPEN: Readonly<Record<CustodyScheme, Open>> = {
  'file:': async ({ place, mode }, options) =>
    openRing(createFileStore(place, mode), options, await requirePassphrase(options)),
  'postgres:': async ({ place }, options) => {
    const database = options.database ?? (await connectPostgres(place));
    return openRing(createPostgresStore(database, options.client), options, await requirePassphrase(options));
  },
  'secretsmanager:': async ({ place }, options) =>
    openRing(createSecretStore(requireAws(options), place), options),
  async 'awskms:'({ place }, options) {
    const arns = place.split(',');
    return openHeld(await openKmsKeys(requireAws(options), arns, options.algorithm), options);
  },
  'pkcs11:': async ({ place }, options) => openHeld(await openPkcs11Keys(place, options.algorithm), options),
};

/**
 * Opens what keeps a client's keys, by its URI: the same signer comes of each, so a program changes one line to keep them elsewhere.
 * `CUSTODIES` says what each can do. Nothing of another custody is loaded.
 *
 * HelseID's guideline "Use of Client Secrets" lets the components of one closed network share a key: a key that can be read out
 * carries the name of its zone, and its client and issuer, and is refused in another. One that has no such names gets them from the
 * first that reads it, and is refused where they can't be written. That keeps honest programs from a mistake; whoever has copied file
 * and passphrase is not held by it.
 *
 * Opening and what it makes throw:
 *
 * @throws {ZonesError} custody_shared: the keys are another zone's, client's or issuer's
 * @throws {ZonesError} custody_refused: the URI is none, or what keeps the keys is not safe
 * @throws {ZonesError} custody_unavailable: it can't be reached, or holds no key yet; and what a signer throws
 *
 * @example
 * ```ts
 * import { createTokenClient, helseIdProfile } from '@helseid-zones/client';
 * import { openCustody } from '@helseid-zones/client/custody';
 *
 * const registration = {
 *   client: 'journal',
 *   clientId: '8a2d4c5e-6a0b-4c53-9f0e-1f1f6f0c2b11',
 *   issuer: 'https://helseid-sts.test.nhn.no',
 *   profile: helseIdProfile,
 * };
 * const custody = await openCustody({
 *   uri: 'file:///var/lib/journal/key.pem',
 *   zone: 'surgery-pc',
 *   client: registration.client,
 *   subject: { ...registration, tenancy: 'single-tenant' },
 *   algorithm: 'ES256',
 *   passphrase: async () => 'of the system’s key store, at least 22 characters',
 * });
 * export const client = createTokenClient({ ...registration, signer: custody.signer });
 * ```
 */
export async function openCustody(options: CustodyOptions): Promise<Custody> {
  const uri = parseCustodyUri(options.uri);
  const { scheme } = uri;
  const opened = await OPEN[scheme](uri, options);
  return { scheme, abilities: CUSTODIES[scheme], ...opened };
}

/**
 * Replaces the key of a custody that makes its own: makes the next one, has HelseID register it, proves by a token that HelseID
 * accepts it, before and after `propagation`, and only then makes it current. Each step is stored before the next and may be run
 * again, by this process or another at the same time: whoever comes second goes on with the same key. Until the last step, and
 * whatever fails, everybody signs with the old one. Resolves to the new key's kid.
 *
 * @param client of the same registration as `options`; its tokens in memory stay with it
 * @throws {ZonesError} custody_refused: this custody makes no keys
 * @throws {ZonesError} self_service_refused, self_service_unreachable, token_refused: the next key stays for the next run; and what
 * a custody throws
 */
export async function rotateKey(
  options: CustodyOptions,
  client: TokenClient,
  rotation: KeyRotation,
): Promise<string> {
  return rotateOpened(await openCustody(options), options, client, rotation);
}

/** Keys that are held elsewhere, the current one first. */
function openHeld({ keys, sign }: { keys: HeldKey[]; sign: SignDigest }, options: CustodyOptions) {
  const [current, ...others] = keys;
  if (!current) throw refused('names no key');
  return {
    signer: createSigner({ ...options, keys: [current, ...others], sign }),
    publicKeys: async () => keys.map(({ publicKey, algorithm }) => describePublicKey(publicKey, algorithm)),
    change: async () => {
      throw refused('makes no keys; an administrator or the admin zone does, and its URI names them');
    },
  };
}

async function requirePassphrase({ passphrase }: CustodyOptions): Promise<string> {
  const text = await passphrase?.();
  if (!text) throw refused('needs a passphrase that its keys are encrypted with');
  return text;
}

function requireAws({ aws }: CustodyOptions): AwsCaller {
  if (!aws) throw refused('needs a caller of AWS: createAwsCaller makes one');
  return aws;
}

const refused = (why: string): ZonesError => new ZonesError('custody_refused', `The custody ${why}.`);
