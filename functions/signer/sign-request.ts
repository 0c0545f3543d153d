import { checkGrant } from '@helseid-zones/protocol/check-grant';
import { composeToken } from '@helseid-zones/protocol/compose';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { Grant } from '@helseid-zones/protocol/grant';
import type { Intent, SignResponse } from '@helseid-zones/protocol/intents';
import type { VerificationKey } from '@helseid-zones/protocol/jwk';
import { parseSignRequest } from '@helseid-zones/protocol/parse';
import type { ClientRecord, KeyEntry } from '@helseid-zones/protocol/record';
import {
  currentKey,
  findKey,
  newestRegistered,
  usableForAssertion,
  usableForProof,
} from '@helseid-zones/protocol/record-states';
import type { Audit, KmsCall } from './audit.ts';
import { type Kms, type ReadKey, signInput } from './kms.ts';
import type { ReadRecord } from './read-record.ts';

/** A signature older than this is not returned, milliseconds: the server would judge it stale. */
const MAX_SIGNATURE_AGE_MS = 5000;

/** Everything a signer reaches the world by. */
interface SignerDependencies {
  grant: Grant;
  kms: Kms;
  readKey: ReadKey;
  readRecord: ReadRecord;
  /** Epoch milliseconds. */
  now: () => number;
  /** At least 128 random bits, as text. */
  randomId: () => string;
  /** The audit of the invocation with this request id. */
  audit: (requestId: string) => Audit;
}

interface Granted {
  intent: Intent;
  target: string;
}

interface Planned extends Granted {
  entry: KeyEntry;
  key: VerificationKey;
}

/**
 * Makes the signing function of one grant: `(event, requestId) => SignResponse`. Every coded error is returned, none thrown;
 * each response follows its audit. All intents are checked before KMS is asked for any signature, and one bad intent refuses
 * the batch. What is not a coded error is a bug and is thrown.
 */
export function createSignRequest(deps: SignerDependencies) {
  return async (event: unknown, requestId: string): Promise<SignResponse> => {
    const audit = deps.audit(requestId);
    let intents: Intent[] = [];
    const calls: KmsCall[] = [];
    try {
      intents = parseSignRequest(event);
      const planned = await planAll(deps, intents);
      const signed = await signAll(deps, planned, calls);
      audit.recordSigned(signed);
      return { signatures: signed.map(({ signature }) => signature) };
    } catch (error) {
      if (!isZonesError(error)) throw error;
      const { code, message, facts } = error;
      const kinds = intents.map(({ kind }) => kind);
      audit.recordRefused(kinds, error, calls);
      return { error: { code, message, facts } };
    }
  };
}

/**
 * Reads the record and the public keys of what may sign, so that the first request finds both and asks KMS for its signature
 * alone, over a connection that stands. Resolves after `patience` milliseconds at the latest, whatever fails: nothing is kept
 * of a failure, and the first request reads anew, and says what is wrong.
 */
export async function readAhead(deps: Pick<SignerDependencies, 'readRecord' | 'readKey'>, patience: number) {
  const { readRecord, readKey } = deps;
  const reading = readRecord().then(({ record }) =>
    Promise.allSettled(record.keys.filter(usableForAssertion).map(readKey)),
  );
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise((resolve) => {
    timer = setTimeout(resolve, patience);
  });
  await Promise.race([reading.catch(() => {}), over]);
  clearTimeout(timer);
}

/** Decides everything that can be refused. No call leaves before the grant has allowed every intent. */
async function planAll({ grant, readRecord, readKey, now }: SignerDependencies, intents: readonly Intent[]) {
  const granted = intents.map((intent) => ({ intent, target: checkGrant(intent, grant) }));
  const chosen = await chooseAll(readRecord, granted, now);
  return Promise.all(chosen.map(async (each) => ({ ...each, key: await readKey(each.entry) })));
}

/**
 * Chooses every key from one record. A cached record that does not do is read again once: rotation may have moved on.
 * `newest` is asked for when the issuer has just refused the current key, so it never trusts the cache.
 */
async function chooseAll(readRecord: ReadRecord, granted: readonly Granted[], now: () => number) {
  const fresh = granted.some(({ intent }) => intent.kind === 'client_assertion' && intent.key === 'newest');
  const { record, cached } = await readRecord({ fresh });
  const chooseFrom = (from: ClientRecord) =>
    granted.map((each) => ({ ...each, entry: chooseKey(from, each.intent, now()) }));
  try {
    return chooseFrom(record);
  } catch (error) {
    if (!cached) throw error;
    return chooseFrom((await readRecord({ fresh: true })).record);
  }
}

/** Signs concurrently, waits for every answer, and releases all or nothing. `calls` gets what is known of KMS's, also then. */
async function signAll(deps: SignerDependencies, planned: readonly Planned[], calls: KmsCall[]) {
  const settled = await Promise.allSettled(planned.map((each) => signOne(deps, each, calls)));
  const signed = settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
  const oldest = Math.min(...signed.map(({ composedAt }) => composedAt));
  if (deps.now() - oldest > MAX_SIGNATURE_AGE_MS)
    throw new ZonesError('signature_late', 'KMS took so long that the signature would be stale; ask again.');
  return signed;
}

async function signOne(deps: SignerDependencies, { intent, target, entry, key }: Planned, calls: KmsCall[]) {
  const composedAt = deps.now();
  const jti = deps.randomId();
  const { signingInput } = composeToken(intent, deps.grant, key, { now: composedAt, jti });
  const call: KmsCall = { kid: entry.kid, kmsRequest: undefined, lost: 0, latency: 0 };
  const note = ({ id, lost }: { id?: string | undefined; lost: number }) => {
    calls.push(Object.assign(call, { kmsRequest: id, lost, latency: deps.now() - composedAt }));
  };
  const jws = `${signingInput}.${await signInput(deps.kms, entry, key, signingInput, note)}`;
  return {
    ...call,
    kind: intent.kind,
    target,
    jti,
    composedAt,
    signature: { jws, kid: entry.kid, jkt: key.thumbprint },
  };
}

/**
 * The key an intent is signed with: the pinned one, the newest registered one, or the current one.
 * `now` is epoch milliseconds.
 * @throws {ZonesError} key_unknown: for a pin that the record does not name; key_not_usable: for a key whose state forbids it
 * (I9: a retiring key makes proofs until `usableUntil`), or when there is no such key yet
 */
export function chooseKey(record: ClientRecord, intent: Intent, now: number): KeyEntry {
  if (intent.kid !== undefined) return choosePinned(record, intent, intent.kid, now);
  const newest = intent.kind === 'client_assertion' && intent.key === 'newest';
  const key = newest ? newestRegistered(record) : currentKey(record);
  if (!key)
    throw unusableKeyError(
      'The client has no such key yet; docs/keys.md says how the first one is registered.',
    );
  return key;
}

function choosePinned(record: ClientRecord, intent: Intent, kid: string, now: number): KeyEntry {
  const key = findKey(record, kid);
  // Without the kid, which may be anything that a caller wrote, and would stand in the log.
  if (!key) throw new ZonesError('key_unknown', 'The client record names no key with this kid.');
  const usable = intent.kind === 'dpop_proof' ? usableForProof(key, now / 1000) : usableForAssertion(key);
  if (!usable)
    throw unusableKeyError('The key is retired; get a new token, which the current key binds.', kid);
  return key;
}

function unusableKeyError(message: string, kid?: string): ZonesError {
  return new ZonesError('key_not_usable', message, kid === undefined ? {} : { facts: { kid } });
}
