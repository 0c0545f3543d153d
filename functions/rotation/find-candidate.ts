import { ZonesError } from '../../client/errors.ts';
import {
  algorithmOf,
  createClientKey,
  disableClientKey,
  enableClientKey,
  findTaggedKeys,
  hasPolicy,
  readClientKey,
} from '../common/client-keys.ts';
import type { ClientRecord, KeyEntry } from '../common/record.ts';
import { addKey, candidateKey, moveKey } from '../common/record-states.ts';
import type { Rotation } from './ports.ts';

/**
 * The key that shall become current, in the record and in state `created` or further. In this order: the one a former
 * run has left, one that a killed run made and did not get to record, a new one. Every key with the client's tags is in
 * the record when this returns; one that does not fit is there as retired, and disabled.
 * @throws ZonesError `rotation_failed` when KMS gives a new key another policy than it was asked for
 */
export async function findCandidate(rotation: Rotation, request: string): Promise<KeyEntry> {
  await adoptOrphans(rotation);
  const left = await keepFittingCandidate(rotation);
  if (left) return left;
  const keyArn = await createClientKey(rotation.kms, demands(rotation), request);
  if (!(await recordFoundKey(rotation, keyArn)))
    throw new ZonesError(
      'rotation_failed',
      'A new key does not have the policy it was made with; it is disabled. See the audit of kms:PutKeyPolicy.',
      { facts: { client: rotation.client, key: keyArn } },
    );
  return requireCandidate(await rotation.store.read());
}

/** Takes keys with our tags into the record that a killed run, or a restored version of the record, has left outside. */
async function adoptOrphans(rotation: Rotation): Promise<void> {
  const { kms, system, client, store } = rotation;
  const known = new Set((await store.read()).keys.map((key) => key.keyArn));
  for (const keyArn of await findTaggedKeys(kms, system, client))
    if (!known.has(keyArn)) await recordFoundKey(rotation, keyArn);
}

/** Records a key as `created` if it fits and no other is on its way, or else as retired and disabled. Resolves to whether it fits. */
async function recordFoundKey(rotation: Rotation, keyArn: string): Promise<boolean> {
  const { kms, store, clock, audit, client } = rotation;
  const { state, spec } = await enableClientKey(kms, keyArn);
  const algorithm = algorithmOf(spec, rotation.algorithm);
  if (state !== 'Enabled' || !algorithm) return false;
  const key = await readClientKey(kms, keyArn, algorithm);
  const fits = await isUpToDate(rotation, key);
  if (!fits) audit('KEY_UNFIT', { client, kid: key.kid, algorithm });
  const record = await store.change((before) =>
    addKey(before, key, clock.now(), fits && !candidateKey(before) ? 'created' : 'retired'),
  );
  if (isRetired(record, key.kid)) await disableClientKey(kms, keyArn);
  return fits;
}

/**
 * The candidate in the record, if it can still become current; one that can't is retired. Once HelseID may know the key,
 * only its loss in KMS ends its way: HelseID may have dropped every other key for it. A newly declared algorithm then
 * comes with the next rotation.
 */
async function keepFittingCandidate(rotation: Rotation): Promise<KeyEntry | undefined> {
  const { kms, store, clock } = rotation;
  const candidate = candidateKey(await store.read());
  if (!candidate) return undefined;
  const { state } = await enableClientKey(kms, candidate.keyArn);
  if (state === 'Enabled' && (candidate.state !== 'created' || (await isUpToDate(rotation, candidate))))
    return candidate;
  await store.change((before) => moveKey(before, candidate.kid, 'retired', clock.now()));
  await disableClientKey(kms, candidate.keyArn);
  return undefined;
}

async function isUpToDate(
  rotation: Rotation,
  { algorithm, keyArn }: Pick<KeyEntry, 'algorithm' | 'keyArn'>,
): Promise<boolean> {
  return (
    algorithm === rotation.algorithm && (await hasPolicy(rotation.kms, keyArn, rotation.policyOf(algorithm)))
  );
}

function demands({ system, client, algorithm, policyOf }: Rotation) {
  return { system, client, algorithm, policy: policyOf(algorithm) };
}

function isRetired(record: ClientRecord, kid: string): boolean {
  return record.keys.some((key) => key.kid === kid && key.state === 'retired');
}

function requireCandidate(record: ClientRecord): KeyEntry {
  const candidate = candidateKey(record);
  if (candidate) return candidate;
  throw new ZonesError('rotation_failed', 'The new key was retired while it was made; rotate once more.');
}
