import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { KeyEntry } from '@helseid-zones/protocol/record';
import { addKey, candidateKey, findKey, moveKey } from '@helseid-zones/protocol/record-states';
import { refuseNewer } from '@helseid-zones/protocol/schema';
import * as v from 'valibot';
import { unlessRefused } from '../common/aws-error.ts';
import {
  algorithmOf,
  createClientKey,
  disableClientKey,
  enableClientKey,
  findTaggedKeys,
  hasOnlyPolicy,
  isTooYoungToBeGone,
  readClientKey,
} from '../common/client-keys.ts';
import { retryUntilVisible } from '../common/retry.ts';
import type { Rotation } from './settings.ts';

/**
 * The key that shall become current, in the record and in state `created` or further. In this order: the one a former
 * run has left, one that a killed run made and did not get to record, a new one. Every key with the client's tags is in
 * the record when this returns; one that does not fit is there as retired, and disabled.
 * @throws {ZonesError} rotation_failed: KMS gives a new key another policy than it was asked for, or can't show it yet
 */
export async function findCandidate(rotation: Rotation, request: string): Promise<KeyEntry> {
  await adoptOrphans(rotation);
  const left = await keepFittingCandidate(rotation);
  if (left) return left;
  const { kms, system, client, algorithm, policyOf } = rotation;
  const policy = policyOf(algorithm);
  const keyArn = await createClientKey(kms, { system, client, algorithm, policy }, request);
  const facts = { client, key: keyArn };
  const found = await recordFoundKey(rotation, keyArn);
  if (!found) throw new ZonesError('rotation_failed', NOT_THERE_YET, { facts });
  if (!found.fits)
    throw new ZonesError(
      'rotation_failed',
      'A new key does not have the policy it was made with; it is disabled. See the audit of kms:PutKeyPolicy.',
      { facts },
    );
  const candidate = candidateKey(found.record);
  if (candidate) return candidate;
  throw new ZonesError('rotation_failed', 'The new key was retired while it was made; rotate once more.');
}

const NOT_THERE_YET = 'KMS does not show a key yet that it has made; the next run goes on with it.';

/** Takes keys with our tags into the record that a killed run, or a restored version of the record, has left outside. */
async function adoptOrphans(rotation: Rotation): Promise<void> {
  const { kms, system, client, store } = rotation;
  const known = new Set((await store.read()).keys.map((key) => key.keyArn));
  for (const keyArn of await findTaggedKeys(kms, system, client))
    if (!known.has(keyArn)) await recordFoundKey(rotation, keyArn);
}

/**
 * Records a key as `created` if it fits and no other is on its way, or else as retired and disabled. Resolves to whether it
 * fits, and the record then; nothing where KMS has no such key that could sign, of which no more can be said.
 */
async function recordFoundKey(rotation: Rotation, keyArn: string) {
  const { kms, store, clock, audit, client } = rotation;
  const { state, spec } = await enableClientKey(kms, keyArn);
  const algorithm = algorithmOf(spec, rotation.algorithm);
  if (state !== 'Enabled' || !algorithm) return undefined;
  // Another rotation, which found it unfit, may have disabled it since it was looked at.
  const key = await unlessRefused(readClientKey(kms, { keyArn, algorithm }), 'DisabledException');
  if (key === undefined) return undefined;
  const fits = await isUpToDate(rotation, key);
  if (!fits) audit('KEY_UNFIT', { client, kid: key.kid, algorithm });
  const record = await store.change((before) =>
    addKey(before, key, clock.now(), fits && !candidateKey(before) ? 'created' : 'retired'),
  );
  if (findKey(record, key.kid)?.state === 'retired') await disableClientKey(kms, keyArn);
  return { fits, record };
}

/**
 * The candidate in the record, if it can still become current; one that can't is retired. Once HelseID may know the key,
 * only its loss in KMS ends its way: HelseID may have dropped every other key for it. A newly declared algorithm then
 * comes with the next rotation. A key that is too young to be deleted is not lost: KMS has not heard of it yet.
 */
async function keepFittingCandidate(rotation: Rotation): Promise<KeyEntry | undefined> {
  const { kms, store, clock } = rotation;
  const candidate = candidateKey(await store.read());
  if (!candidate) return undefined;
  const { keyArn, kid } = candidate;
  const { state } = await enableClientKey(kms, keyArn);
  if (state === 'Gone' && isTooYoungToBeGone(candidate, clock.now()))
    throw new ZonesError('rotation_failed', NOT_THERE_YET, { facts: { client: rotation.client, kid } });
  if (state === 'Enabled' && (candidate.state !== 'created' || (await isUpToDate(rotation, candidate))))
    return candidate;
  // Another rotation may have registered it since it was read: what is retired is what was judged.
  const after = await store.change((before) =>
    findKey(before, kid)?.state === candidate.state ? moveKey(before, kid, 'retired', clock.now()) : before,
  );
  const key = findKey(after, kid);
  if (key?.state !== 'retired') return key;
  await disableClientKey(kms, keyArn);
  return undefined;
}

async function isUpToDate(rotation: Rotation, { algorithm, keyArn }: Pick<KeyEntry, 'algorithm' | 'keyArn'>) {
  return (
    algorithm === rotation.algorithm &&
    (await hasOnlyPolicy(rotation.kms, keyArn, rotation.policyOf(algorithm)))
  );
}

/**
 * What the AWSPENDING version of a rotation holds: which key it is about, and nothing that changes. It is written once,
 * since a version is immutable; how far the key has come stands in the record, under AWSCURRENT.
 */
const schema = v.object({ version: v.literal(1), plan: v.literal('rotation'), kid: v.string() });

/** A plan as a secret's version holds it. */
const remedy = 'deploy the admin zone of that release';
const ofThisRelease = v.transform((plan) => refuseNewer(plan, 'The plan of the rotation', remedy));
const stored = v.pipe(v.string(), v.parseJson(), ofThisRelease, schema);

/**
 * Writes the plan of a rotation under AWSPENDING, and resolves to whether it stands: another invocation of the same rotation may
 * have planned another key, since a Lambda function may be invoked twice and at once. Writing the same again changes nothing.
 */
export async function writePlan({ secrets, secretArn }: Rotation, token: string, kid: string) {
  const plan: v.InferOutput<typeof schema> = { version: 1, plan: 'rotation', kid };
  const asked = secrets.putSecretValue({
    SecretId: secretArn,
    ClientRequestToken: token,
    VersionStages: ['AWSPENDING'],
    SecretString: JSON.stringify(plan),
  });
  return (await unlessRefused(asked, 'ResourceExistsException')) !== undefined;
}

/**
 * The kid a rotation is about; `undefined` before createSecret has written it, and for a version that is no plan of ours
 * (Secrets Manager tries out testSecret on a made-up one when a schedule is set).
 * @throws {ZonesError} version_unknown: a newer release has written it
 */
export async function readPlan({ secrets, secretArn }: Rotation, token: string): Promise<string | undefined> {
  const asked = secrets.getSecretValue({ SecretId: secretArn, VersionId: token });
  const answer = await unlessRefused(asked, 'ResourceNotFoundException');
  const parsed = v.safeParse(stored, answer?.SecretString);
  return parsed.success ? parsed.output.kid : undefined;
}

/**
 * The planned key as the record has it now. A plan or a key that is not there yet is waited for: both were written a moment
 * ago, maybe by another invocation.
 * @throws {ZonesError} rotation_failed: there is no plan
 * @throws {ZonesError} key_unknown: the record has lost its key
 */
export function readPlannedKey(rotation: Rotation, token: string): Promise<KeyEntry> {
  return retryUntilVisible(
    rotation,
    async () => {
      const kid = await readPlan(rotation, token);
      if (kid === undefined)
        throw new ZonesError('rotation_failed', 'This rotation has no plan that can be read; run it again.');
      const key = findKey(await rotation.store.read(), kid);
      if (key) return key;
      throw new ZonesError('key_unknown', 'The record has no key that this rotation could be about.', {
        facts: { kid },
      });
    },
    (error) => isZonesError(error, 'rotation_failed') || isZonesError(error, 'key_unknown'),
  );
}
