import { createPublicKey } from 'node:crypto';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { ClientRecord, KeyEntry, KeyState } from '@helseid-zones/protocol/record';
import { required } from '@helseid-zones/protocol/required';
import type { JWK } from 'jose';
import { isPending } from '../../functions/common/key-ports.ts';
import { recordName } from '../../infra/declaration/names.ts';
import type { SystemDeclaration } from '../../infra/declaration/schema.ts';
import { callJson } from '../aws/aws-client.ts';
import type { LocalAws } from '../aws/local-aws.ts';
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
export async function readClientRecord(
  { declaration, aws }: OperatorDeps,
  client: string,
): Promise<ClientRecord> {
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
export async function registerByHand(
  { declaration, aws, standIns }: OperatorDeps,
  client: string,
  key: KeyEntry | undefined,
): Promise<boolean> {
  const { clientId, issuer } = required(declaration.clients[client], `Client ${client}`);
  const helseId = standIns?.helseIds.get(issuer);
  if (key === undefined || helseId === undefined) return false;
  helseId.registry.register(clientId, await readJwk(aws, key), 'Gui');
  return true;
}

/**
 * Rotates until a rotation has brought something: one that was cut off may have been all but over, and brings no other key, or
 * be about a key that can't become current any more, and end for that.
 */
async function runRotation(deps: OperatorDeps, client: string): Promise<ClientRecord> {
  const before = findInState(await readClientRecord(deps, client), 'current')?.kid;
  for (;;) {
    const begun = await takeRotation(deps, client);
    const record = await readClientRecord(deps, client);
    if (begun || findInState(record, 'current')?.kid !== before) return record;
  }
}

/**
 * Begins a rotation, or takes up the one that was cut off, and waits for its end. Resolves to whether it was begun. Throws
 * `local_failed` for one that failed and may go on; one that was cut off and is over by its failure (AWSPENDING is off) is over.
 */
async function takeRotation({ declaration, aws }: OperatorDeps, client: string): Promise<boolean> {
  const SecretId = recordName(declaration.name, client);
  const { ARN } = await askAws(aws, 'secretsmanager', 'secretsmanager.DescribeSecret', { SecretId });
  let begun = true;
  try {
    await askAws(aws, 'secretsmanager', 'secretsmanager.RotateSecret', { SecretId });
  } catch (error) {
    // Attempted again by that very refusal.
    if (!isZonesError(error) || error.facts['error'] !== 'InvalidRequestException') throw error;
    begun = false;
  }
  const result = await aws.rotations.idle(String(ARN));
  if (result?.ok === false) {
    const isOver = async () =>
      !(await askAws(aws, 'secretsmanager', 'secretsmanager.DescribeSecret', { SecretId }).then(isPending));
    if (!begun && (await isOver())) return begun;
    throw new ZonesError('local_failed', `Rotation of ${SecretId} failed in ${result.step}: ${result.error}`);
  }
  return begun;
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
  const { PublicKey } = await askAws(aws, 'kms', 'TrentService.GetPublicKey', { KeyId: keyArn });
  const der = Buffer.from(String(PublicKey), 'base64');
  const jwk = createPublicKey({ key: der, format: 'der', type: 'spki' }).export({ format: 'jwk' });
  return { ...jwk, kid, alg: algorithm, use: 'sig' };
}

/**
 * Calls AWS as the operator, by the public endpoints.
 * @throws {ZonesError} local_failed: with AWS's code and words
 */
export async function askAws(
  aws: LocalAws,
  service: string,
  target: string,
  input: object,
): Promise<Record<string, unknown>> {
  const access = { url: aws.publicUrl, region: aws.region, credentials: aws.operator };
  const { body, error } = await callJson(access, service, target, input);
  if (error !== undefined) {
    throw new ZonesError('local_failed', `${target}: ${error.code}: ${error.message}`, {
      facts: { error: error.code },
    });
  }
  return body as Record<string, unknown>;
}
