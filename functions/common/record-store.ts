import { createHash } from 'node:crypto';
import { ZonesError } from '@helseid-zones/protocol/errors';
import {
  type ClientRecord,
  parseRecord,
  type RecordOwner,
  readRecord,
  requireOwner,
} from '@helseid-zones/protocol/record';
import { changeOwner, findKey } from '@helseid-zones/protocol/record-states';
import { awsErrorName } from './aws-error.ts';
import { type Clock, systemClock } from './clock.ts';
import type { SecretsPort } from './key-ports.ts';
import { retryUntilVisible, SETTLING } from './retry.ts';

/** The stage a new version of a record is written under before it becomes current. Only ever on the newest attempt. */
export const DRAFT_STAGE = 'HELSEIDZONES_DRAFT';

/** How often a change is tried anew when somebody else changed the record in between. */
const ATTEMPTS = 8;

/** Seconds before a record is read again that Secrets Manager may have answered from before a change. */
const PAUSE = 2;

/** Writes one audit line: a stable code and facts, never a secret. */
export type Audit = (code: string, facts: Readonly<Record<string, string | number | boolean>>) => void;

/**
 * A record store on Secrets Manager. A version is immutable, so a change is a new version under {@link DRAFT_STAGE},
 * then a compare-and-swap: AWSCURRENT moves to it only if it still sits on the version that was read. AWSPENDING is
 * never touched. The version's id is derived from what it replaces and says, so that the same change made twice is one.
 * Secrets Manager may need a while to know a version, and go on answering with one that this store has replaced: both are
 * waited for, for a minute at most. A record of another registration becomes the declared owner's with the first change, as
 * far as `changeOwner` lets it.
 */
export function createRecordStore(deps: {
  secrets: SecretsPort;
  secretArn: string;
  /** What the declaration says; the record only repeats it. */
  owner: RecordOwner;
  /** Default: the wall clock. */
  clock?: Clock;
  audit: Audit;
}) {
  const { secrets, secretArn, owner, clock = systemClock, audit } = deps;
  /** Versions that AWSCURRENT has left, as this store knows: who answers with one has not heard yet. */
  const replaced = new Set<string | undefined>();

  async function readCurrent() {
    const end = clock.now() + SETTLING;
    for (;;) {
      const answer = await secrets.getSecretValue({ SecretId: secretArn, VersionStage: 'AWSCURRENT' });
      if (!replaced.has(answer.VersionId)) return answer;
      // After a minute it is the truth: somebody has put the older version back.
      if (clock.now() + PAUSE > end) replaced.clear();
      else await clock.wait(PAUSE);
    }
  }

  /** The record as it is stored, and as it is for the declared owner: the same, unless the declaration has changed. */
  async function readVersion() {
    const { SecretString: text, VersionId: version } = await readCurrent();
    const message = 'The client record is not text; docs/keys.md says how to restore one.';
    if (!version || text === undefined) throw new ZonesError('record_invalid', message);
    const stored = readRecord(text, owner);
    const record = requireOwner(changeOwner(stored, owner, clock.now()), owner);
    return { stored, record, version };
  }

  async function swap(text: string, from: string): Promise<boolean> {
    const draft = createHash('sha256').update(`${from}\n${text}`).digest('hex');
    const version = { ClientRequestToken: draft, SecretString: text, VersionStages: [DRAFT_STAGE] };
    await secrets.putSecretValue({ SecretId: secretArn, ...version });
    const current = { VersionStage: 'AWSCURRENT', MoveToVersionId: draft, RemoveFromVersionId: from };
    const move = () => secrets.updateSecretVersionStage({ SecretId: secretArn, ...current });
    try {
      await retryUntilVisible({ clock, deadline: Number.POSITIVE_INFINITY }, move, isMissing);
    } catch (error) {
      // Somebody came first, or an answer was lost and the SDK asked twice: the version that is current now decides.
      if (awsErrorName(error) !== 'InvalidParameterException') throw error;
      replaced.add(from);
      const { VersionId } = await readCurrent();
      if (VersionId === from) throw error;
      return VersionId === draft;
    }
    replaced.add(from);
    return true;
  }

  return {
    read: async () => (await readVersion()).record,
    /**
     * Applies `mutate` to the record as it is now, again and again until nobody came in between, and resolves to what
     * stands afterwards. `mutate` is pure; one that returns its argument writes nothing.
     *
     * @throws {ZonesError} record_unavailable: others keep coming in between
     * @throws {ZonesError} record_invalid: `parseRecord` would refuse the record, before or after the change; and what `mutate`
     * throws
     */
    async change(mutate: (record: ClientRecord) => ClientRecord): Promise<ClientRecord> {
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const { stored, record, version } = await readVersion();
        const next = mutate(record);
        if (next === stored) return stored;
        const text = JSON.stringify(next);
        // Nothing is written that no signer could read.
        parseRecord(text, owner);
        if (await swap(text, version)) {
          auditChanges(stored, next, audit);
          return next;
        }
      }
      const message = 'Others keep changing the client record; try again in a while.';
      throw new ZonesError('record_unavailable', message, { facts: { client: owner.client } });
    },
  };
}

function isMissing(error: unknown): boolean {
  return awsErrorName(error) === 'ResourceNotFoundException';
}

function auditChanges(before: ClientRecord, after: ClientRecord, audit: Audit): void {
  const { client, clientId, issuer } = after;
  if (before.clientId !== clientId || before.issuer !== issuer)
    audit('RECORD_OWNER_CHANGED', { client, clientId, issuer, from: before.clientId });
  for (const key of after.keys) {
    const old = findKey(before, key.kid);
    if (old?.state === key.state) continue;
    const { kid, state: to } = key;
    audit(`KEY_${key.state.toUpperCase()}`, { client, kid, from: old?.state ?? 'none', to });
  }
}
