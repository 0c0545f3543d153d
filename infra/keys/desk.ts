import type { PutKeyPolicyCommandInput, ScheduleKeyDeletionCommandInput } from '@aws-sdk/client-kms';
import { ZonesError } from '../../client/errors.ts';
import type { Fetch } from '../../client/http.ts';
import type { Clock, KmsPort, SecretsPort } from '../../functions/common/key-ports.ts';
import { createRecordStore, type RecordStore } from '../../functions/common/record-store.ts';
import { recordName } from '../declaration/names.ts';
import type { ClientDeclaration, SystemDeclaration } from '../declaration/types.ts';

/** KMS with what only an operator may do. */
export interface OperatorKms extends KmsPort {
  putKeyPolicy(input: PutKeyPolicyCommandInput): Promise<unknown>;
  scheduleKeyDeletion(input: ScheduleKeyDeletionCommandInput): Promise<unknown>;
}

/** Where the key commands work: everything they reach the world by. */
export interface Desk {
  system: SystemDeclaration;
  kms: OperatorKms;
  secrets: SecretsPort;
  clock: Clock;
  fetch: Fetch;
  /** Prints a line. */
  say: (line: string) => void;
  /** Asks before something is done; resolves to whether it shall be. */
  confirm: (question: string) => Promise<boolean>;
  /** When a key last signed, epoch seconds, as far as that is known here. */
  lastSignature: (keyArn: string, kid: string) => Promise<number | undefined>;
  /** Account of the signing zone and the id of its VPC. */
  signingPlace: (keyArn: string) => Promise<{ account: string; signingVpc: string }>;
  /** The environment, for secrets that are no option. */
  env: Readonly<Record<string, string | undefined>>;
  /** Whether the record's issuer may differ from the declared one: a local system has stand-ins. */
  local: boolean;
}

/** One client at the desk. */
export interface DeskClient {
  name: string;
  declared: ClientDeclaration;
  /** Name of its record. */
  secretId: string;
  store: RecordStore;
}

/**
 * The client that is meant, with its record.
 * @throws ZonesError `config_invalid` where several could be, or none is
 */
export async function openClient(desk: Desk, name?: string): Promise<DeskClient> {
  const names = Object.keys(desk.system.clients);
  const chosen = name ?? (names.length === 1 ? names[0] : undefined);
  const declared = names.includes(chosen ?? '') ? desk.system.clients[chosen ?? ''] : undefined;
  if (chosen === undefined || !declared)
    throw new ZonesError('config_invalid', `Say which client: --client ${names.join(' | ')}.`);
  const secretId = recordName(desk.system.name, chosen);
  const owner = {
    client: chosen,
    clientId: declared.clientId,
    issuer: await issuerOf(desk, declared, secretId),
  };
  const store = createRecordStore({
    secrets: desk.secrets,
    secretArn: secretId,
    owner,
    audit: sayChanges(desk),
  });
  return { name: chosen, declared, secretId, store };
}

async function issuerOf(desk: Desk, { issuer }: ClientDeclaration, secretId: string): Promise<string> {
  if (!desk.local) return issuer;
  const { SecretString = '{}' } = await desk.secrets.getSecretValue({ SecretId: secretId });
  const local: unknown = (JSON.parse(SecretString) as { issuer?: unknown }).issuer;
  return typeof local === 'string' ? local : issuer;
}

function sayChanges(desk: Desk) {
  return (code: string, facts: Readonly<Record<string, string | number | boolean>>) =>
    desk.say(`${code}  ${facts['kid'] ?? ''}`);
}
