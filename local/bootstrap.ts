import { createPublicKey } from 'node:crypto';
import type { JWK } from 'jose';
import { ZonesError } from '../client/errors.ts';
import type { ClientRecord, KeyEntry } from '../functions/common/record.ts';
import { recordName } from '../infra/declaration/names.ts';
import type { SystemDeclaration } from '../infra/declaration/types.ts';
import { callJson } from './aws-client.ts';
import type { LocalAws } from './local-aws.ts';
import type { StandIns } from './stand-ins.ts';

/** What became of a client's key. */
export interface ClientKey {
  client: string;
  clientId: string;
  issuer: string;
  kid: string;
  keyArn: string;
  state: KeyEntry['state'];
  /** The public key, with `kid` and `alg`: what is registered at the issuer. */
  jwk: JWK;
}

/** What bootstrap works with. */
export interface BootstrapDeps {
  declaration: SystemDeclaration;
  aws: LocalAws;
  standIns: StandIns | undefined;
}

/**
 * Has a current key for every client, by the path that every later key takes too: the operator rotates the client's record; the
 * rotation function makes a key and waits for its registration; the operator registers the public key (at the stand-in, as a
 * person does in HelseID's portal) and rotates again. Without stand-ins it stops at `created`, and takes up there at the next start.
 * Throws `local_failed` with the step that failed.
 */
export async function bootstrapKeys(deps: BootstrapDeps): Promise<ClientKey[]> {
  const keys: ClientKey[] = [];
  // One after the other: the rotation function works on one client at a time.
  for (const client of Object.keys(deps.declaration.clients)) keys.push(await bootstrapKey(deps, client));
  return keys;
}

async function bootstrapKey(deps: BootstrapDeps, client: string): Promise<ClientKey> {
  const { clientId = '', issuer = '', algorithm = 'ES256' } = deps.declaration.clients[client] ?? {};
  const secretId = recordName(deps.declaration.name, client);
  let record = await readRecord(deps.aws, secretId);
  if (find(record, 'current') === undefined) {
    record = await rotate(deps.aws, secretId);
    const created = find(record, 'created');
    const helseId = deps.standIns?.helseIds.get(issuer);
    if (created !== undefined && helseId !== undefined) {
      helseId.registerKey(clientId, await readJwk(deps.aws, created), 'Gui');
      record = await rotate(deps.aws, secretId);
    }
  }
  const key = find(record, 'current') ?? find(record, 'created') ?? record.keys.at(-1);
  if (key === undefined) {
    throw new ZonesError(
      'local_failed',
      `Rotation made no key for client ${client} (${algorithm}); see .local/state/logs.`,
    );
  }
  const { kid, keyArn, state } = key;
  return { client, clientId, issuer, kid, keyArn, state, jwk: await readJwk(deps.aws, key) };
}

function find(record: ClientRecord, state: KeyEntry['state']): KeyEntry | undefined {
  return record.keys.find((key) => key.state === state);
}

async function rotate(aws: LocalAws, secretId: string): Promise<ClientRecord> {
  const { ARN } = await ask(aws, 'secretsmanager', 'secretsmanager.RotateSecret', { SecretId: secretId });
  const result = await aws.rotations.idle(String(ARN));
  if (result?.ok === false) {
    throw new ZonesError('local_failed', `Rotation of ${secretId} failed in ${result.step}: ${result.error}`);
  }
  return readRecord(aws, secretId);
}

async function readRecord(aws: LocalAws, secretId: string): Promise<ClientRecord> {
  const value = await ask(aws, 'secretsmanager', 'secretsmanager.GetSecretValue', { SecretId: secretId });
  return JSON.parse(String(value['SecretString'])) as ClientRecord;
}

async function readJwk(aws: LocalAws, { keyArn, kid, algorithm }: KeyEntry): Promise<JWK> {
  const { PublicKey } = await ask(aws, 'kms', 'TrentService.GetPublicKey', { KeyId: keyArn });
  const der = Buffer.from(String(PublicKey), 'base64');
  const jwk = createPublicKey({ key: der, format: 'der', type: 'spki' }).export({ format: 'jwk' });
  return { ...jwk, kid, alg: algorithm, use: 'sig' };
}

/** Calls AWS as the operator, with an access of its own to the public endpoints. */
async function ask(
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
