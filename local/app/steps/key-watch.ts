import assert from 'node:assert/strict';
import { hash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { isZonesError } from '@helseid-zones/protocol/errors';
import type { ClientRecord, KeyEntry } from '@helseid-zones/protocol/record';
import { required } from '@helseid-zones/protocol/values';
import { calculateJwkThumbprint, compactVerify, exportJWK, generateKeyPair } from 'jose';
import { systemClock } from '../../../functions/common/clock.ts';
import { recordName } from '../../../infra/declaration/names.ts';
import { adminFunction } from '../../../infra/keys/operator.ts';
import { callLambda } from '../../aws/aws-client.ts';
import type { TrailLine } from '../../aws/trail.ts';
import { askAws, findInState, readClientRecord, readJwk } from '../client-keys.ts';
import type { LocalSystem } from '../system.ts';
import { callingZone, forStandIn, lacks, linesDuring, operatorAccess, step } from './facts.ts';
import { clientOf } from './protected-calls.ts';
import { replaceKey } from './rotation.ts';

/** Has key-watch make its hourly checks now. Resolves to what it wrote to its log; throws where it failed. */
async function runKeyWatch(system: LocalSystem): Promise<TrailLine[]> {
  const name = adminFunction(system.declaration, 'key-watch');
  const { lines, result } = await linesDuring(system, () => callLambda(operatorAccess(system), name, {}));
  const { error, headers, body } = result;
  const failed = error !== undefined || headers.has('x-amz-function-error');
  assert(!failed, `key-watch failed: ${error?.message ?? JSON.stringify(body)}`);
  return lines.filter((line) => line.kind === 'log' && line.function === name);
}

/** The figure that key-watch emitted for a client, if it did. */
export function figureOf(lines: readonly TrailLine[], client: string, metric: string): unknown {
  const line = lines.find(({ fields }) => fields['_aws'] !== undefined && fields['client'] === client);
  return line?.fields[metric];
}

/**
 * A replaced key signs proofs for the tokens bound to it until the last of them has expired, and then no more; key-watch retires
 * it and disables it in KMS. That takes more than an hour, so the operator moves the end of the key's time in the record to
 * the next second: from there on nothing differs.
 */
export const keyRetiredAfterTokens = step(
  'key-retired-after-tokens',
  [forStandIn('replaces a key'), callingZone],
  async (system, _, { grant: { client } }) => {
    const record = await readClientRecord(system, client);
    const old = retiringKey(record, systemClock.now()) ?? (await replaceKey(system, client)).old;
    const promised = promisedSeconds(old);
    const demanded = system.declaration.clients[client]?.rotation?.longestTokenLifetime ?? 3600;
    assert(promised >= demanded, `tokens live for ${demanded} s, and their key for ${promised} s only`);

    await verifyProof(system, old);
    const usableUntil = systemClock.now() + 1;
    await moveEnd(system, client, old.kid, usableUntil);
    // Signers hold the record for half a minute; new ones read it at once.
    await system.aws.pool.recycle();
    await wait(Math.max(0, usableUntil * 1000 - Date.now()));
    const refusal = await refuseProof(system, old);
    const current = findInState(await readClientRecord(system, client), 'current');
    assert(current !== undefined, 'there is no current key');
    await verifyProof(system, current);

    const before = await describeKey(system, client, old);
    await runKeyWatch(system);
    const after = await describeKey(system, client, old);
    const retired = before === 'retiring, Enabled' && after === 'retired, Disabled';
    assert(retired, `the key was ${before}, and after key-watch ${after}`);
    return `${old.kid.slice(0, 8)} signs for ${promised} s after its replacement, then ${refusal}; after key-watch it is ${after}`;
  },
);

/** The retiring key with the most time left at `now` (epoch seconds), if one has enough of it. */
export function retiringKey({ keys }: ClientRecord, now: number): KeyEntry | undefined {
  return keys
    .filter(({ state, usableUntil = 0 }) => state === 'retiring' && usableUntil > now + 60)
    .toSorted((a, b) => (b.usableUntil ?? 0) - (a.usableUntil ?? 0))[0];
}

/** Seconds from its replacement for which a key shall sign proofs. */
function promisedSeconds({ usableUntil = 0, since }: KeyEntry): number {
  return usableUntil - (since.retiring ?? usableUntil);
}

/** A proof as for an API call with a token that is bound to the key. */
async function signProof(system: LocalSystem, { kid }: KeyEntry): Promise<string> {
  const zone = callingZone(system);
  const { method, url } = zone.apiCall();
  const ath = hash('sha256', randomBytes(32), 'base64url');
  const intent = { kind: 'dpop_proof', client: zone.grant.client, method, url, ath, kid } as const;
  const [signature] = await clientOf(system).signer.sign([intent]);
  return required(signature, 'A signature').jws;
}

async function verifyProof(system: LocalSystem, key: KeyEntry): Promise<void> {
  await compactVerify(await signProof(system, key), await readJwk(system.aws, key));
}

/** Resolves to the code of the refusal. */
async function refuseProof(system: LocalSystem, key: KeyEntry): Promise<string> {
  try {
    await signProof(system, key);
  } catch (error) {
    if (isZonesError(error, 'key_not_usable')) return error.code;
    throw error;
  }
  return assert.fail('the key signs proofs after its time');
}

async function moveEnd(system: LocalSystem, client: string, kid: string, usableUntil: number): Promise<void> {
  const record = await readClientRecord(system, client);
  const keys = record.keys.map((key) => (key.kid === kid ? { ...key, usableUntil } : key));
  const SecretId = recordName(system.declaration.name, client);
  const version = { ClientRequestToken: randomUUID(), SecretString: JSON.stringify({ ...record, keys }) };
  await askAws(system.aws, 'secretsmanager', 'secretsmanager.PutSecretValue', { SecretId, ...version });
}

/** The key's state in the record and in KMS. */
async function describeKey(system: LocalSystem, client: string, { kid, keyArn }: KeyEntry): Promise<string> {
  const { keys } = await readClientRecord(system, client);
  const { KeyMetadata } = await askAws(system.aws, 'kms', 'TrentService.DescribeKey', { KeyId: keyArn });
  const { KeyState } = KeyMetadata as { KeyState?: string };
  return `${keys.find((key) => key.kid === kid)?.state}, ${KeyState}`;
}

/** {@link callingZone}, where the keys of its client can be listed. */
function listingZone(system: LocalSystem) {
  const facts = callingZone(system);
  if (facts.client.selfService !== undefined) return facts;
  return lacks('without a self-service API nobody can list the keys of a client');
}

/** A key that somebody else has registered for the client is reported by the next hourly check, until it is removed (I3a). */
export const unknownKeyReported = step(
  'unknown-key-reported',
  [forStandIn('registers a foreign key'), listingZone],
  async (system, { helseIds }, { grant: { client }, client: { clientId, issuer } }) => {
    const { registry } = required(helseIds.get(issuer), 'The stand-in');
    const { publicKey } = await generateKeyPair('ES256');
    const jwk = await exportJWK(publicKey);
    const kid = await calculateJwkThumbprint(jwk);
    registry.register(clientId, { ...jwk, kid, alg: 'ES256', use: 'sig' }, 'Gui');
    const lines = await runKeyWatch(system).finally(() => registry.remove(clientId, kid));
    const figure = figureOf(lines, client, 'UnknownKeys');
    const reported = reports(lines, kid) && figure === 1;
    assert(reported, `key-watch did not report the foreign key; UnknownKeys: ${figure}`);
    const after = figureOf(await runKeyWatch(system), client, 'UnknownKeys');
    assert(after === 0, `UnknownKeys is ${after} after the foreign key was removed`);
    return `KEY_UNKNOWN ${kid.slice(0, 8)}, UnknownKeys 1; removed: 0`;
  },
);

/** Whether the audit names the key as unknown. */
export function reports(lines: readonly TrailLine[], kid: string): boolean {
  return lines.some(({ fields }) => fields['code'] === 'KEY_UNKNOWN' && fields['kid'] === kid);
}
