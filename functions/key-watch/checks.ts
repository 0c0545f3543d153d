import type { ListedKey } from '@helseid-zones/client/self-service';
import type { KeyEntry } from '@helseid-zones/protocol/record';
import {
  candidateKey,
  currentKey,
  dueToRetire,
  findKey,
  moveKey,
  noteExpiry,
} from '@helseid-zones/protocol/record-states';
import { describeFailure, unlessRefused } from '../common/aws-error.ts';
import {
  describeClientKey,
  disableClientKey,
  enableClientKey,
  findTaggedKeys,
  hasOnlyPolicy,
} from '../common/client-keys.ts';
import { beginRotation, isPending } from '../common/rotation-status.ts';
import type { Rotation } from '../rotation/settings.ts';
import type { MetricValues } from './metrics.ts';

/** One check: what it counts, by metric, and what it mends on the way. Checks do not depend on one another. */
type Check = (watch: Rotation) => Promise<MetricValues>;

const HOUR = 3600;
const DAY = 24 * HOUR;

/** Seconds after which an AWSPENDING is orphaned, and a key on its way is stuck. */
const PENDING_AGE = 6 * HOUR;
const CANDIDATE_AGE = DAY;

/** Hours, UTC, in which a rotation begins that can wait: people are there. */
const DAYTIME = { from: 6, to: 18 };

/** Seconds after which a key of ours that is in no record is named. */
const OUTSIDE_RECORD = 2 * DAY;

/** Seconds that HelseID may go on listing a key after it has retired. */
const LISTED_AFTER = 30 * DAY;

/** The checks, in the order in which they run, each hour: of one that fails each time WatchFailed rings. */
const CHECKS = {
  retireDueKeys,
  watchUsability,
  watchListedKeys,
  watchOrphans,
  watchExpiry,
  watchPolicies,
  watchProgress,
  rotateInTime,
} as const satisfies Readonly<Record<string, Check>>;

/**
 * Runs the checks for one client. One that fails does not keep the others from running; it is audited and
 * counted as `WatchFailed`.
 */
export async function runChecks(watch: Rotation): Promise<MetricValues> {
  const values: MetricValues = { WatchFailed: 0 };
  for (const [name, check] of Object.entries(CHECKS)) {
    try {
      Object.assign(values, await check(watch));
    } catch (error) {
      values.WatchFailed = 1;
      watch.audit('WATCH_FAILED', { client: watch.client, check: name, ...describeFailure(error) });
    }
  }
  return values;
}

/** Retires keys whose last token has expired, and disables what is retired. A disabled key can come back. */
async function retireDueKeys({ store, kms, clock, audit, client }: Rotation): Promise<MetricValues> {
  const record = await store.change((before) =>
    dueToRetire(before, clock.now()).reduce(
      (next, { kid }) => moveKey(next, kid, 'retired', clock.now()),
      before,
    ),
  );
  for (const { kid, keyArn } of record.keys.filter(({ state }) => state === 'retired'))
    if (await disableClientKey(kms, keyArn)) audit('KEY_DISABLED', { client, kid });
  return {};
}

/**
 * Counts keys that must sign and can't; a disabled one is enabled, as after a record was restored. One that was made within
 * the hour, and that KMS does not know, is looked for in the next.
 */
async function watchUsability({ store, kms, audit, client, clock }: Rotation): Promise<MetricValues> {
  let KeysNotUsable = 0;
  for (const { kid, keyArn, since, state: meant } of (await store.read()).keys) {
    if (meant === 'created' || meant === 'retired') continue;
    const before = await describeClientKey(kms, keyArn);
    if (before.state === 'Enabled') continue;
    if (before.state === 'Gone' && clock.now() < (since.created ?? 0) + HOUR) continue;
    KeysNotUsable += 1;
    const { state } = await enableClientKey(kms, keyArn);
    audit('KEY_NOT_USABLE', { client, kid, found: before.state, now: state });
  }
  return { KeysNotUsable };
}

/** Counts keys at HelseID that the record does not know (I3a). Before the first key is current there is nobody to ask. */
async function watchListedKeys(watch: Rotation): Promise<MetricValues> {
  if (!watch.selfService) return {};
  const listed = (await listKeys(watch)) ?? [];
  const record = await watch.store.read();
  const unknown = listed.filter(({ kid }) => !findKey(record, kid));
  for (const { kid, named = kid } of unknown)
    watch.audit('KEY_UNKNOWN', { client: watch.client, kid, named });
  return { UnknownKeys: unknown.length };
}

/**
 * Counts keys of ours outside the record, in KMS, and those that HelseID lists though they retired a month ago. The first are
 * named once they are two days old: rotation would have taken up its own by then, so somebody else has made them, or nothing
 * rotates.
 */
async function watchOrphans(watch: Rotation): Promise<MetricValues> {
  const { kms, system, client, store, clock, audit } = watch;
  const { keys } = await store.read();
  let SurplusKeys = 0;
  for (const keyArn of await findTaggedKeys(kms, system, client)) {
    if (keys.some((key) => key.keyArn === keyArn)) continue;
    const { state, made } = await describeClientKey(kms, keyArn);
    if (state !== 'Enabled' && state !== 'Disabled') continue;
    SurplusKeys += 1;
    if (made !== undefined && made + OUTSIDE_RECORD <= clock.now())
      audit('KEY_OUTSIDE_RECORD', { client, key: keyArn, state, made });
  }
  for (const { kid } of (await listKeys(watch)) ?? []) {
    const retired = keys.find((key) => key.kid === kid)?.since.retired;
    if (retired !== undefined && retired + LISTED_AFTER < clock.now()) SurplusKeys += 1;
  }
  return { SurplusKeys };
}

/** Whether a rotation has been under way for too long. A first key that waits for an operator is no rotation. */
async function watchProgress({ store, secrets, secretArn, clock }: Rotation): Promise<MetricValues> {
  const record = await store.read();
  const candidate = currentKey(record) && candidateKey(record);
  if (candidate && (candidate.since.created ?? 0) + CANDIDATE_AGE < clock.now()) return { RotationStuck: 1 };
  const secret = await secrets.describeSecret({ SecretId: secretArn });
  const changed = (secret.LastChangedDate?.getTime() ?? 0) / 1000;
  return { RotationStuck: isPending(secret) && changed + PENDING_AGE < clock.now() ? 1 : 0 };
}

/**
 * Counts keys that could sign and whose policy is not as rendered. One whose policy we may not read has another than that: the rendered
 * one lets us, once KMS has heard of it everywhere.
 */
async function watchPolicies(watch: Rotation): Promise<MetricValues> {
  const { store, kms, policyOf, audit, client, clock } = watch;
  let PolicyDrift = 0;
  for (const { kid, keyArn, algorithm, state, since } of (await store.read()).keys) {
    if (state === 'retired' || (await describeClientKey(kms, keyArn)).state === 'Gone') continue;
    const refusals = clock.now() < (since.created ?? 0) + HOUR ? [] : ['AccessDeniedException'];
    if (await unlessRefused(hasOnlyPolicy(kms, keyArn, policyOf(algorithm)), ...refusals)) continue;
    PolicyDrift += 1;
    audit('KEY_POLICY_DRIFT', { client, kid });
  }
  return { PolicyDrift };
}

/** Notes what HelseID says of expiries, and counts the days that the current key has left. */
async function watchExpiry(watch: Rotation): Promise<MetricValues> {
  const listed = await listKeys(watch);
  const record = listed
    ? await watch.store.change((before) =>
        listed
          .filter(({ kid }) => findKey(before, kid))
          .reduce((next, { kid, expires }) => noteExpiry(next, kid, expires), before),
      )
    : await watch.store.read();
  const expires = currentKey(record)?.expires;
  return expires === undefined ? {} : { DaysToExpiry: Math.floor((expires - watch.clock.now()) / DAY) };
}

/**
 * Begins, or goes on with, what is not finished: no key yet, one on its way, or a rotation that died with its key current and
 * AWSPENDING not taken off; the bootstrap comes to its end by it, too. In the daytime it begins one when the declared days are over, or
 * the expiry comes near.
 */
async function rotateInTime(watch: Rotation): Promise<MetricValues> {
  const { secrets, secretArn, store, clock, everyDays, audit, client } = watch;
  const record = await store.read();
  const current = currentKey(record);
  const isUnfinished =
    !current || candidateKey(record) || isPending(await secrets.describeSecret({ SecretId: secretArn }));
  const hour = Math.floor((clock.now() % DAY) / HOUR);
  const due =
    hour >= DAYTIME.from && hour < DAYTIME.to && current && isRotationDue(current, everyDays, clock.now());
  const why = isUnfinished ? 'unfinished' : due;
  if (!why) return {};
  audit('ROTATION_WANTED', { client, why });
  // Where one is under way Secrets Manager attempts it again.
  await beginRotation(secrets, secretArn);
  return {};
}

/** What HelseID lists; nothing where no key of ours could ask, or there is nobody to ask. */
async function listKeys({ selfService, store, helseId }: Rotation): Promise<ListedKey[] | undefined> {
  if (!selfService || !currentKey(await store.read())) return undefined;
  return helseId.selfService().listKeys();
}

/** Days before its expiry at which a key is replaced at the latest: the alarm rings at 30. */
const DAYS_BEFORE_EXPIRY = 45;

/**
 * Why a current key is due to be replaced at `now` (epoch seconds), if it is: it has been current for the declared days, or
 * the expiry that HelseID reports is near. Near is 45 days, or half the key's life where that is
 * shorter: with keys of 90 days rotation has then two weeks to come through before the alarm rings at 30.
 */
export function isRotationDue(key: Pick<KeyEntry, 'since' | 'expires'>, everyDays: number, now: number) {
  const { registered = 0, current = registered } = key.since;
  if (key.expires !== undefined) {
    const before = Math.min(DAYS_BEFORE_EXPIRY * DAY, (key.expires - registered) / 2);
    if (now >= key.expires - before) return 'expiry';
  }
  return now >= current + everyDays * DAY ? 'age' : undefined;
}
