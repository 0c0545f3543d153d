import { isUnusableKey } from '@helseid-zones/client/call-headers';
import { registerKey } from '@helseid-zones/client/self-service';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { ClientRecord, KeyEntry } from '@helseid-zones/protocol/record';
import {
  currentKey,
  findKey,
  moveKey,
  noteExpiry,
  RETIREMENT_LEEWAY,
  switchCurrent,
} from '@helseid-zones/protocol/record-states';
import * as v from 'valibot';
import { awsErrorName, describeFailure } from '../common/aws-error.ts';
import { enableClientKey, readClientKey } from '../common/client-keys.ts';
import { retryUntilVisible } from '../common/retry.ts';
import { findCandidate, readPlan, readPlannedKey, writePlan } from './find-candidate.ts';
import { isBeyondTheKey, isKeyRefused } from './helse-id.ts';
import type { Rotation } from './settings.ts';
import { tryPatiently, waitUntil } from './wait-for-acceptance.ts';

/** One of the four calls that Secrets Manager makes for a rotation; `token` is its ClientRequestToken. */
type Step = (rotation: Rotation, token: string) => Promise<void>;

/** The four steps, by Secrets Manager's names. Each may be run again at any point, also by another rotation. */
export const STEPS = { createSecret, setSecret, testSecret, finishSecret } satisfies Record<string, Step>;

const eventSchema = v.object({
  Step: v.picklist(Object.keys(STEPS) as (keyof typeof STEPS)[]),
  SecretId: v.string(),
  ClientRequestToken: v.pipe(v.string(), v.minLength(32), v.maxLength(64)),
});

/**
 * Runs the step that Secrets Manager's event names, with an audit line before and after it. An error is counted and thrown
 * on: Secrets Manager then ends this attempt and begins the rotation again later. `open` gives the rotation of the client
 * whose record the event names, and throws for a secret that is none.
 * @throws {ZonesError} event_invalid: it is no event of a rotation; and what the step throws
 */
export async function runStep(
  open: (secretArn: string) => Rotation,
  countFailure: (client: string) => void,
  event: unknown,
): Promise<void> {
  const parsed = v.safeParse(eventSchema, event);
  if (!parsed.success)
    throw new ZonesError(
      'event_invalid',
      'This is no rotation event; only Secrets Manager invokes rotation.',
    );
  const { Step: step, SecretId, ClientRequestToken: token } = parsed.output;
  const rotation = open(SecretId);
  const { audit, client } = rotation;
  const facts = { client, step, token };
  audit('ROTATION_STEP_STARTED', facts);
  try {
    await STEPS[step](rotation, token);
  } catch (error) {
    audit('ROTATION_STEP_FAILED', { ...facts, ...describeFailure(error) });
    countFailure(client);
    throw error;
  }
  audit('ROTATION_STEP_COMPLETED', facts);
}

/**
 * Has a key in the record that shall become current, and plans the rotation to it. Stored before it is registered. A plan is
 * never written anew: one whose key can't become current any more ends here, so that another rotation can begin.
 */
async function createSecret(rotation: Rotation, token: string): Promise<void> {
  // The signers read the record as it is stored: one for the registration before is given to the declared one first.
  await rotation.store.change((record) => record);
  if ((await readPlan(rotation, token)) !== undefined) return requireLivePlan(rotation, token);
  // A record that was restored may name keys as usable which have been disabled since.
  for (const key of (await rotation.store.read()).keys)
    if (key.state === 'current' || key.state === 'retiring') await enableClientKey(rotation.kms, key.keyArn);
  const { kid } = await findCandidate(rotation, token);
  if (!(await writePlan(rotation, token, kid))) await requireLivePlan(rotation, token);
}

async function requireLivePlan(rotation: Rotation, token: string): Promise<void> {
  const key = await readPlannedKey(rotation, token).catch((error) => {
    if (isZonesError(error, 'key_unknown')) return undefined;
    throw error;
  });
  if (key && (key.state !== 'retired' || key.since.current !== undefined)) return;
  await takePendingOff(rotation, token);
  throw new ZonesError('rotation_failed', `The planned key is ${key?.state ?? 'lost'}; rotate once more.`, {
    facts: { client: rotation.client, ...(key ? { kid: key.kid } : {}) },
  });
}

/**
 * Registers the key at HelseID. The record says `registered` before the key is posted: from that moment on HelseID may
 * accept it, and may have dropped the others. A key that nobody can register yet (no key of the client is accepted, or
 * there is no self-service API) waits in `created` for an operator; that is no failure.
 */
async function setSecret(rotation: Rotation, token: string): Promise<void> {
  const { store, clock, selfService } = rotation;
  const key = await readPlannedKey(rotation, token);
  if (key.state !== 'created' && key.state !== 'registered') return;
  const record = await store.read();
  const bootstrap = !currentKey(record);
  if (key.state === 'created') {
    if (needsPerson(rotation, record) && !(await isAccepted(rotation, key))) {
      rotation.audit('ROTATION_WAITS_FOR_REGISTRATION', { client: rotation.client, kid: key.kid });
      return;
    }
    await store.change((record) => moveKey(record, key.kid, 'registered', clock.now()));
  }
  if (selfService) await register(rotation, key, bootstrap);
}

/** Whether only a person can register the next key: no key of the client is accepted, or there is no self-service API. */
function needsPerson({ selfService }: Rotation, record: ClientRecord): boolean {
  return !selfService || !currentKey(record);
}

/**
 * Registers a key and notes its expiry. Where the API is of no help, or the client may not use it, or no longer has a key to ask
 * it with, but the key is accepted, a person has registered it.
 */
async function register(rotation: Rotation, key: KeyEntry, bootstrap: boolean): Promise<void> {
  const { kid, publicKey, algorithm } = await readClientKey(rotation.kms, key);
  const selfService = rotation.helseId.selfService(bootstrap ? kid : undefined);
  try {
    const expires = await tryPatiently(rotation, kid, () =>
      registerKey(selfService, { ...publicKey, kid, alg: algorithm, use: 'sig' }, () =>
        requireRegistered(rotation, kid),
      ),
    );
    await rotation.store.change((record) => noteExpiry(record, kid, expires));
  } catch (error) {
    // KMS has lost the current key: only a person can register another.
    const lost = isZonesError(error, 'rotation_failed') && error.facts['reason'] === 'key_not_usable';
    const noHelp =
      lost ||
      isZonesError(error, 'self_service_refused') ||
      isZonesError(error, 'self_service_unreachable') ||
      isBeyondTheKey(error);
    if (!noHelp || !(await isAccepted(rotation, key))) throw error;
    rotation.audit('KEY_REGISTERED_BY_HAND', {
      client: rotation.client,
      kid,
      reason: lost ? 'key_not_usable' : error.code,
    });
  }
}

/**
 * Other runs may have come through since this one began, to this key and to the next: HelseID may list it no more, and would drop
 * the newer for it, were it posted again.
 */
async function requireRegistered({ store, client }: Rotation, kid: string): Promise<void> {
  const state = findKey(await store.read(), kid)?.state;
  if (state === 'registered') return;
  const message = 'Another run has gone on with the new key; this one came too late.';
  throw new ZonesError('rotation_failed', message, { facts: { client, kid, state: state ?? 'unknown' } });
}

/** Whether HelseID accepts a key now. A signer that does not know the key yet is asked again. */
async function isAccepted(rotation: Rotation, { kid, algorithm }: KeyEntry): Promise<boolean> {
  try {
    await retryUntilVisible(rotation, () => rotation.helseId.proveKey(kid, algorithm), isUnusableKey);
    return true;
  } catch (error) {
    if (isKeyRefused(error)) return false;
    throw error;
  }
}

/**
 * Proves that HelseID accepts the key, twice: once as soon as it does, and once when every node of it must have heard.
 * Without a plan this is the dry run that Secrets Manager makes when a schedule is set: the record is read and no more.
 */
async function testSecret(rotation: Rotation, token: string): Promise<void> {
  const { store, clock, propagation } = rotation;
  const key = await readPlannedKey(rotation, token).catch(async (error) => {
    if (!isZonesError(error, 'rotation_failed')) throw error;
    await store.read();
    return undefined;
  });
  if (key?.state !== 'registered') return;
  const { expires = Number.POSITIVE_INFINITY } = key;
  if (expires <= clock.now())
    throw new ZonesError(
      'rotation_failed',
      'The self-service API reports an expiry in the past for the new key; the current key stays. See docs/keys.md.',
      { facts: { kid: key.kid, expires } },
    );
  const prove = () =>
    tryPatiently(rotation, key.kid, () => rotation.helseId.proveKey(key.kid, key.algorithm));
  await prove();
  const settled = (key.since.registered ?? 0) + propagation;
  if (clock.now() < settled) {
    await waitUntil(rotation, settled, key.kid);
    await prove();
  }
  await store.change((record) => moveKey(record, key.kid, 'verified', clock.now()));
}

/**
 * Makes the verified key current; the one before it signs proofs on until every token bound to it has expired (I9).
 * Then takes AWSPENDING off, which tells Secrets Manager that the rotation is over. It is over only when the key is, or has
 * been, current, or waits for a person: whatever else the steps before have left undone fails here.
 */
async function finishSecret(rotation: Rotation, token: string): Promise<void> {
  const { store, clock, longestTokenLifetime } = rotation;
  const planned = await readPlannedKey(rotation, token);
  const { kid } = planned;
  const record = await store.change((before) =>
    findKey(before, kid)?.state === 'verified'
      ? switchCurrent(before, kid, clock.now(), clock.now() + longestTokenLifetime + RETIREMENT_LEEWAY)
      : before,
  );
  const key = findKey(record, kid) ?? planned;
  const waits = key.state === 'created' && needsPerson(rotation, record);
  if (key.since.current === undefined && !waits)
    throw new ZonesError('rotation_failed', 'The new key is not verified; the current key stays.', {
      facts: { kid, state: key.state },
    });
  await takePendingOff(rotation, token);
}

async function takePendingOff(rotation: Rotation, token: string): Promise<void> {
  const { secrets, secretArn } = rotation;
  if (!(await isOwnVersionPending(rotation, token))) return;
  try {
    const pending = { VersionStage: 'AWSPENDING', RemoveFromVersionId: token };
    await secrets.updateSecretVersionStage({ SecretId: secretArn, ...pending });
  } catch (error) {
    // Another invocation has taken it off, or begun another rotation: this one is over all the same.
    if (awsErrorName(error) !== 'InvalidParameterException' || (await isOwnVersionPending(rotation, token)))
      throw error;
  }
}

async function isOwnVersionPending({ secrets, secretArn }: Rotation, token: string): Promise<boolean> {
  const { VersionIdsToStages = {} } = await secrets.describeSecret({ SecretId: secretArn });
  return VersionIdsToStages[token]?.includes('AWSPENDING') ?? false;
}
