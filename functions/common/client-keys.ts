import type { GrantListEntry } from '@aws-sdk/client-kms';
import { ALGORITHMS, type Algorithm } from '@helseid-zones/protocol/algorithms';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { samePolicy } from '@helseid-zones/protocol/fill-key-policy';
import { readPublicKey } from '@helseid-zones/protocol/jwk';
import type { KeyEntry } from '@helseid-zones/protocol/record';
import { unlessRefused } from './aws-error.ts';
import type { KmsPort } from './key-ports.ts';

/** Tags that every client key is born with. */
export const KEY_TAGS = {
  system: 'helseid-zones:system',
  client: 'helseid-zones:client',
  /** ClientRequestToken of the rotation that made it. */
  request: 'helseid-zones:request',
} as const;

/** What makes a key fit for use. */
interface KeyDemands {
  system: string;
  client: string;
  algorithm: Algorithm;
  /** JSON text. */
  policy: string;
}

/**
 * Makes a client key with its policy and tags. KMS knows no idempotency token for this call: who is killed after it
 * finds the key again with {@link findTaggedKeys}.
 */
export async function createClientKey(kms: KmsPort, demands: KeyDemands, request: string): Promise<string> {
  const { KeyMetadata } = await kms.createKey({
    KeySpec: ALGORITHMS[demands.algorithm].kmsKeySpec,
    KeyUsage: 'SIGN_VERIFY',
    Origin: 'AWS_KMS',
    MultiRegion: false,
    Description: `HelseID client key of ${demands.client} (${demands.system})`,
    Policy: demands.policy,
    Tags: [
      { TagKey: KEY_TAGS.system, TagValue: demands.system },
      { TagKey: KEY_TAGS.client, TagValue: demands.client },
      { TagKey: KEY_TAGS.request, TagValue: request },
    ],
  });
  if (KeyMetadata?.Arn) return KeyMetadata.Arn;
  throw new ZonesError('rotation_failed', 'KMS made a key and did not say which; the next run adopts it.');
}

/**
 * ARNs of all keys that carry a client's tags, those being deleted included. A key whose tags may not be read is not
 * one of ours: every key policy of ours lets its account read them.
 */
export async function findTaggedKeys(kms: KmsPort, system: string, client: string): Promise<string[]> {
  const found: string[] = [];
  for (const arn of await listKeys(kms)) {
    const tags = await readTags(kms, arn);
    if (tags.get(KEY_TAGS.system) === system && tags.get(KEY_TAGS.client) === client) found.push(arn);
  }
  return found;
}

async function listKeys(kms: KmsPort): Promise<string[]> {
  const pages = await readPages((Marker) => kms.listKeys({ Limit: 1000, Marker }));
  return pages.flatMap(({ Keys = [] }) => Keys.flatMap(({ KeyArn }) => KeyArn ?? []));
}

/** The grants for a key: who may use it past its policy, and each by which id. */
export async function listGrants(kms: KmsPort, KeyId: string): Promise<GrantListEntry[]> {
  const pages = await readPages((Marker) => kms.listGrants({ KeyId, Marker }));
  return pages.flatMap(({ Grants = [] }) => Grants);
}

/** All pages of a list of KMS: one may be empty, and not the last. */
async function readPages<Page extends { Truncated?: boolean | undefined; NextMarker?: string | undefined }>(
  read: (marker: string | undefined) => Promise<Page>,
): Promise<Page[]> {
  const pages: Page[] = [];
  let marker: string | undefined;
  do {
    const page = await read(marker);
    pages.push(page);
    marker = page.Truncated ? page.NextMarker : undefined;
  } while (marker);
  return pages;
}

async function readTags(kms: KmsPort, KeyId: string): Promise<Map<string | undefined, string | undefined>> {
  const asked = kms.listResourceTags({ KeyId });
  const { Tags = [] } = (await unlessRefused(asked, 'AccessDeniedException', 'NotFoundException')) ?? {};
  return new Map(Tags.map(({ TagKey, TagValue }) => [TagKey, TagValue]));
}

/** Seconds that KMS takes at least to delete a key (PendingWindowInDays of ScheduleKeyDeletion). */
const SHORTEST_DELETION = 7 * 24 * 3600;

/** Whether a key is too young at `now` (epoch seconds) to be gone: where KMS does not know it, it has not heard of it yet. */
export function isTooYoungToBeGone({ since }: Pick<KeyEntry, 'since'>, now: number): boolean {
  return now < (since.created ?? 0) + SHORTEST_DELETION;
}

/** What KMS says of a key. */
interface KeyCondition {
  /** KMS's `KeyState`, e.g. `Enabled`, `Disabled`, `PendingDeletion`; `Gone` for a key that no longer exists. */
  state: string;
  /** KMS's `KeySpec`, e.g. `ECC_NIST_P256`; absent for a key that no longer exists. */
  spec?: string | undefined;
  /** When it was made, epoch seconds, where KMS says so. */
  made?: number | undefined;
}

/** What KMS says of a key now. */
export async function describeClientKey(kms: KmsPort, keyArn: string): Promise<KeyCondition> {
  const answer = await unlessRefused(kms.describeKey({ KeyId: keyArn }), 'NotFoundException');
  if (answer === undefined) return { state: 'Gone' };
  const { KeyState: state = 'Unavailable', KeySpec: spec, CreationDate } = answer.KeyMetadata ?? {};
  return { state, spec, made: CreationDate && Math.floor(CreationDate.getTime() / 1000) };
}

/** The algorithm that a key of this spec was made for: the declared one where it fits, or else the first that does. */
export function algorithmOf(spec: string | undefined, declared: Algorithm): Algorithm | undefined {
  if (ALGORITHMS[declared].kmsKeySpec === spec) return declared;
  return Object.values(ALGORITHMS).find((entry) => entry.kmsKeySpec === spec)?.alg;
}

/** Disables a key if it is enabled; resolves to whether it had to. A disabled key can come back. */
export async function disableClientKey(kms: KmsPort, keyArn: string): Promise<boolean> {
  if ((await describeClientKey(kms, keyArn)).state !== 'Enabled') return false;
  await kms.disableKey({ KeyId: keyArn });
  return true;
}

/** Enables a key if it is disabled; resolves to its condition from then on. */
export async function enableClientKey(kms: KmsPort, keyArn: string): Promise<KeyCondition> {
  const condition = await describeClientKey(kms, keyArn);
  if (condition.state !== 'Disabled') return condition;
  await kms.enableKey({ KeyId: keyArn });
  return { ...condition, state: 'Enabled' };
}

/**
 * The public half of a key, with its `kid`, the RFC 7638 thumbprint; of one that the record has, told by `kid`, only where KMS has that one.
 *
 * @throws {ZonesError} key_not_usable: it does not fit `algorithm`; record_invalid: KMS has another
 */
export async function readClientKey(
  kms: KmsPort,
  key: { keyArn: string; algorithm: Algorithm; kid?: string },
) {
  const { keyArn, algorithm, kid } = key;
  const { PublicKey } = await kms.getPublicKey({ KeyId: keyArn });
  const { jwk, thumbprint } = readPublicKey(PublicKey ?? new Uint8Array(), algorithm);
  if (kid === undefined || kid === thumbprint) return { keyArn, kid: thumbprint, publicKey: jwk, algorithm };
  const message =
    'The key in KMS is not the one that the client record names; docs/keys.md says how to restore a version.';
  throw new ZonesError('record_invalid', message, { facts: { kid } });
}

/** Whether the policy of a key is the one it shall have, as KMS gives it back. */
export async function hasPolicy(kms: KmsPort, keyArn: string, policy: string): Promise<boolean> {
  const { Policy } = await kms.getKeyPolicy({ KeyId: keyArn, PolicyName: 'default' });
  return Policy !== undefined && samePolicy(Policy, policy);
}

/**
 * Whether the right policy alone says who may use a key: a grant does so too, past each of its conditions, and stays when the policy
 * that let somebody make it is put right. Asked for last, when nobody can make one any more.
 */
export async function hasOnlyPolicy(kms: KmsPort, keyArn: string, policy: string): Promise<boolean> {
  return (await hasPolicy(kms, keyArn, policy)) && (await listGrants(kms, keyArn)).length === 0;
}
