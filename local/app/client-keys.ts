import { createPublicKey } from 'node:crypto';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { ClientRecord, KeyEntry, KeyState } from '@helseid-zones/protocol/record';
import { changeOwner, wasRegistered } from '@helseid-zones/protocol/record-states';
import { required } from '@helseid-zones/protocol/values';
import type { JWK } from 'jose';
import { isPending } from '../../functions/common/rotation-status.ts';
import { recordName } from '../../infra/declaration/names.ts';
import { registrations } from '../../infra/declaration/registrations.ts';
import type { SystemDeclaration } from '../../infra/declaration/schema.ts';
import { callJson } from '../aws/aws-client.ts';
import type { LocalAws } from '../aws/local-aws.ts';
import { KEYS_FILE } from '../aws/state.ts';
import type { Trail, TrailLine } from '../aws/trail.ts';
import type { StandIns } from './stand-ins.ts';

/** What the operator of a local system works with. */
export interface OperatorDeps {
  declaration: SystemDeclaration;
  aws: LocalAws;
  standIns: StandIns | undefined;
}

/**
 * Reads a client's record as the operator.
 * @throws {ZonesError} local_failed: in AWS's words
 */
export async function readClientRecord({ declaration, aws }: OperatorDeps, client: string) {
  const SecretId = recordName(declaration.name, client);
  const value = await askAws(aws, 'secretsmanager', 'secretsmanager.GetSecretValue', { SecretId });
  return JSON.parse(String(value['SecretString'])) as ClientRecord;
}

/**
 * Rotates a client's key as the operator, and waits until the rotation is over. A key that waits to be registered by hand is
 * registered at the stand-in, as a person does in HelseID's portal, and the rotation goes on; without stand-ins it stays
 * `created`. Resolves to the record then.
 *
 * @throws {ZonesError} local_failed: the message names the step that failed
 */
export async function rotateClientKey(deps: OperatorDeps, client: string): Promise<ClientRecord> {
  const record = await runRotation(deps, client);
  const registered = await registerByHand(deps, client, findInState(record, 'created'));
  return registered ? runRotation(deps, client) : record;
}

/** Registers a key at the stand-in, as a person does in HelseID's portal. Resolves to whether there were a key and a stand-in. */
async function registerByHand(deps: OperatorDeps, client: string, key: KeyEntry | undefined) {
  const { declaration, aws, standIns } = deps;
  const { clientId, issuer } = required(declaration.clients[client], `Client ${client}`);
  const helseId = standIns?.helseIds.get(issuer);
  if (key === undefined || helseId === undefined) return false;
  helseId.registry.register(clientId, await readJwk(aws, key), 'Gui');
  return true;
}

/**
 * Begins a rotation, or takes up the one that was cut off, until one has brought something: one that was cut off may have been all but
 * over, and brings no other key, or be about a key that can't become current any more, and be over by its failure (AWSPENDING is off).
 * Throws `local_failed` for one that failed and may go on.
 */
async function runRotation(deps: OperatorDeps, client: string): Promise<ClientRecord> {
  const { declaration, aws } = deps;
  const SecretId = recordName(declaration.name, client);
  const ask = (operation: string) =>
    askAws(aws, 'secretsmanager', `secretsmanager.${operation}`, { SecretId });
  const before = findInState(await readClientRecord(deps, client), 'current')?.kid;
  for (;;) {
    const begun = await ask('RotateSecret').catch((error) => {
      // Attempted again by that very refusal.
      if (error.facts?.error === 'InvalidRequestException') return undefined;
      throw error;
    });
    const result = await aws.rotations.idle(aws.secrets.find(SecretId).stored.arn);
    if (result?.ok === false && (begun || isPending(await ask('DescribeSecret'))))
      throw new ZonesError(
        'local_failed',
        `Rotation of ${SecretId} failed in ${result.step}: ${result.error}`,
      );
    const record = await readClientRecord(deps, client);
    if (begun || findInState(record, 'current')?.kid !== before) return record;
  }
}

/** The key of a record in a state; the first one where several are. */
export function findInState(record: ClientRecord, state: KeyState): KeyEntry | undefined {
  return record.keys.find((key) => key.state === state);
}

/**
 * A key's public JWK, with `kid` and `alg`: what is registered at the issuer.
 * @throws {ZonesError} local_failed: in AWS's words
 */
export async function readJwk(aws: LocalAws, { keyArn, kid, algorithm }: KeyEntry): Promise<JWK> {
  const lost = `The record names a key that ${KEYS_FILE} of the state lacks (${keyArn}): put the file back, or begin anew with --fresh.`;
  const asked = askAws(aws, 'kms', 'TrentService.GetPublicKey', { KeyId: keyArn });
  const { PublicKey } = await asked.catch((cause) => {
    throw cause.facts?.error === 'NotFoundException'
      ? new ZonesError('local_failed', lost, { cause })
      : cause;
  });
  const der = Buffer.from(String(PublicKey), 'base64');
  const jwk = createPublicKey({ key: der, format: 'der', type: 'spki' }).export({ format: 'jwk' });
  return { ...jwk, kid, alg: algorithm, use: 'sig' };
}

/**
 * Calls AWS as the operator, by the public endpoints.
 * @throws {ZonesError} local_failed: with AWS's code and words
 */
export async function askAws(aws: LocalAws, service: string, target: string, input: object) {
  const access = { url: aws.publicUrl, region: aws.region, credentials: aws.operator };
  const { body, error } = await callJson(access, service, target, input);
  if (error === undefined) return body as Record<string, unknown>;
  const facts = { error: error.code };
  throw new ZonesError('local_failed', `${target}: ${error.code}: ${error.message}`, { facts });
}

/**
 * Has a current key for every client, by the path that every later key takes too: the operator rotates the client's record; the
 * rotation function makes a key and waits for its registration; the operator registers the public key (at the stand-in, as a
 * person does in HelseID's portal) and rotates again. Without stand-ins it stops at `created`, and takes up there at the next start;
 * whatever the declared issuer says, the public key is there to be registered.
 *
 * @throws {ZonesError} local_failed: the message names the step that failed
 */
export async function bootstrapKeys(deps: OperatorDeps) {
  const keys: Awaited<ReturnType<typeof bootstrapKey>>[] = [];
  // One after the other: the rotation function works on one client at a time.
  for (const client of Object.keys(deps.declaration.clients)) keys.push(await bootstrapKey(deps, client));
  return keys;
}

async function bootstrapKey(deps: OperatorDeps, client: string) {
  const { clientId, issuer, algorithm } = required(deps.declaration.clients[client], `Client ${client}`);
  let record = await readClientRecord(deps, client);
  requireOwner(record, { clientId, issuer });
  let problem: string | undefined;
  if (findInState(record, 'current') === undefined) {
    await rotateClientKey(deps, client).catch((error: unknown) => {
      if (deps.standIns !== undefined || !isZonesError(error, 'local_failed')) throw error;
      problem = error.message;
    });
    // As functions read it: keys that were made for another registration are retired for them, whether that was written or not.
    const owner = { client, clientId, issuer };
    record = changeOwner(await readClientRecord(deps, client), owner, Math.floor(Date.now() / 1000));
  }
  const key = findInState(record, 'current') ?? findInState(record, 'created') ?? record.keys.at(-1);
  if (key === undefined) {
    problem ??= `Rotation made no key for client ${client} (${algorithm}); the log of the rotation function says why.`;
    throw new ZonesError('local_failed', problem);
  }
  const { kid, keyArn, state } = key;
  return {
    client,
    clientId,
    issuer,
    kid,
    keyArn,
    state,
    /** The public key, with `kid` and `alg`: what is registered at the issuer. */
    jwk: await readJwk(deps.aws, key),
    /** Why the key has come no further, where that is a failure: a declared issuer that does not answer, say. */
    problem,
  };
}

/**
 * Makes sure that a record is of the declared registration: every function would refuse another.
 *
 * @throws {ZonesError} local_failed: the record that the state has is another registration's, of a start with other ports for the stand-ins or of
 * another declaration, and its keys have been registered there
 */
export function requireOwner(kept: Partial<ClientRecord>, owner: Pick<ClientRecord, 'clientId' | 'issuer'>) {
  if (kept.keys?.some(wasRegistered) === false) return;
  for (const member of ['issuer', 'clientId'] as const)
    if (kept[member] !== undefined && kept[member] !== owner[member])
      throw new ZonesError(
        'local_failed',
        `The state here was made for ${member} ${kept[member]}, and the declaration now has ${owner[member]}. Start with the ports and declaration it was made with, begin anew with --fresh (not with --no-stand-in), or choose another folder with --directory.`,
      );
}

/**
 * Stands for the person who registers keys in HelseID's portal: a key that a rotation waits for is registered at the stand-in, so
 * that `npm run keys -- verify` finds it there. Returns what ends it. Not for a system without stand-ins: there a real person does it.
 */
export function openPortal(deps: OperatorDeps, trail: Trail): () => void {
  const note = (fields: Record<string, string>) =>
    trail.add({ kind: 'stand-in', fields: { service: 'portal', ...fields } });
  return trail.subscribe((line) => {
    const { client, kid } = readWaiting(line) ?? {};
    if (client === undefined || kid === undefined) return;
    const register = async () => {
      const kept = registrations(deps.declaration).find(({ name, zone }) => zone && name === client);
      if (kept) {
        // No record tells of keys that a function keeps; the registry refuses what is none.
        const { registry } = required(deps.standIns?.helseIds.get(kept.issuer), kept.issuer);
        registry.register(kept.clientId, line.fields['jwk'] as JWK, 'Gui');
        return 'registered by hand';
      }
      const { keys } = await readClientRecord(deps, client);
      const waiting = keys.find((key) => key.kid === kid);
      return (await registerByHand(deps, client, waiting)) ? 'registered by hand' : 'not registered';
    };
    register().then(
      (detail) => note({ event: 'key', client, kid, detail }),
      (error: unknown) => note({ event: 'refused', detail: String(error) }),
    );
  });
}

/** Whether a line says that a rotation waits for a key to be registered by hand, and which one. */
export function readWaiting({ kind, fields }: TrailLine): { client: string; kid: string } | undefined {
  const { code, client, kid } = fields;
  if (kind !== 'log' || code !== 'ROTATION_WAITS_FOR_REGISTRATION') return undefined;
  return typeof client === 'string' && typeof kid === 'string' ? { client, kid } : undefined;
}
