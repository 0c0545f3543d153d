import type { PutKeyPolicyCommandInput, ScheduleKeyDeletionCommandInput } from '@aws-sdk/client-kms';
import type { Fetch } from '@helseid-zones/client/http';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { Clock, KmsPort, SecretsPort } from '../../functions/common/key-ports.ts';
import { createRecordStore, type RecordStore } from '../../functions/common/record-store.ts';
import { createPatientKms } from '../../functions/common/until-there.ts';
import { type ADMIN_FUNCTIONS, functionName, recordName } from '../declaration/names.ts';
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
  /** Invokes a function and waits for it; resolves to the end of what it wrote to its log. */
  invoke: (functionName: string, event: object) => Promise<string>;
  /** The environment, for secrets that are no option. */
  env: Readonly<Record<string, string | undefined>>;
}

/** Name on AWS of a function of the admin zone. */
export function adminFunction(system: SystemDeclaration, name: (typeof ADMIN_FUNCTIONS)[number]): string {
  const admin = Object.entries(system.zones).find(([, zone]) => zone.admin)?.[0] ?? '';
  return functionName(system.name, admin, name);
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
  const { clientId, issuer } = declared;
  const owner = { client: chosen, clientId, issuer };
  const store = createRecordStore({
    secrets: desk.secrets,
    secretArn: secretId,
    owner,
    clock: desk.clock,
    audit: sayChanges(desk),
  });
  return { name: chosen, declared, secretId, store };
}

/** KMS for reading a key that may have been made a moment ago. */
export function patientKms({ kms, clock }: Desk): KmsPort {
  return createPatientKms(kms, { clock, deadline: Number.POSITIVE_INFINITY });
}

function sayChanges(desk: Desk) {
  return (code: string, facts: Readonly<Record<string, string | number | boolean>>) =>
    desk.say(`${code}  ${facts['kid'] ?? ''}`);
}
