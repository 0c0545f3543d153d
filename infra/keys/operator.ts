import type { PutKeyPolicyCommandInput, ScheduleKeyDeletionCommandInput } from '@aws-sdk/client-kms';
import type { AwsCaller } from '@helseid-zones/client/aws';
import type { Fetch } from '@helseid-zones/client/http';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { findKey } from '@helseid-zones/protocol/record-states';
import { required } from '@helseid-zones/protocol/values';
import type { Clock } from '../../functions/common/clock.ts';
import type { KmsPort, SecretsPort } from '../../functions/common/key-ports.ts';
import { createRecordStore } from '../../functions/common/record-store.ts';
import { createRetryingKms } from '../../functions/common/retry.ts';
import type { ADMIN_FUNCTIONS } from '../declaration/fields.ts';
import { functionName, recordName } from '../declaration/names.ts';
import type { SystemDeclaration } from '../declaration/schema.ts';

/** KMS with what only an operator may do. */
export interface OperatorKms extends KmsPort {
  putKeyPolicy(input: PutKeyPolicyCommandInput): Promise<unknown>;
  scheduleKeyDeletion(input: ScheduleKeyDeletionCommandInput): Promise<unknown>;
}

/** Who runs a key command: the system, and everything the command reaches the world by. */
export interface Operator {
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
  /** AWS with the operator's credentials, for services that have no client here. */
  aws: AwsCaller;
  /** Lines of a zone function's log since then (epoch milliseconds) with a field of one of these values; none where it can't be read. */
  logLines: (
    zone: string,
    functionName: string,
    field: string,
    values: readonly string[],
    since: number,
  ) => Promise<string[]>;
  /** What the log of the rotation function said of failed steps in the last hour, a line each; nothing where it can't be read. */
  failedSteps: () => Promise<string[]>;
  /** Where a person reads that log. */
  rotationLog: string;
  /** The options, each after a blank, with which another command finds the same AWS and declaration: none on AWS as the environment has it. */
  place: string;
  /** Folder of the logs of the local system, where that is meant. */
  localLogs: string | undefined;
  /** The environment, for secrets that are no option. */
  env: Readonly<Record<string, string | undefined>>;
}

/** Name on AWS of a function of the admin zone. */
export const adminFunction = (system: SystemDeclaration, name: (typeof ADMIN_FUNCTIONS)[number]): string =>
  functionName(system.name, adminZone(system), name);

/** Name of the zone that keys are kept from; a valid declaration has one. */
export const adminZone = (system: SystemDeclaration): string =>
  required(Object.entries(system.zones).find(([, zone]) => zone.admin)?.[0], 'The admin zone');

/** A command line to go on with, in the same place: `args` as after `npm run keys --`. */
export const keysCommand = ({ place }: Operator, args: string): string => `npm run keys -- ${args}${place}`;

/** The command that prints the public key of a client. */
export const jwkCommand = ({ place }: Operator, client: string): string => `npm run jwk -- ${client}${place}`;

/** One client, with its record opened. */
export type OpenedClient = ReturnType<typeof openClient>;

/**
 * The client that is meant, with its record, whose name is `secretId`.
 * @throws {ZonesError} config_invalid: where several could be, or none is
 */
export function openClient(operator: Operator, name?: string) {
  const { clients, name: system } = operator.system;
  const names = Object.keys(clients);
  const chosen = name ?? (names.length === 1 ? names[0] : undefined);
  if (chosen === undefined) throw unclear(`Say which client: --client ${names.join(' | ')}.`);
  const declared = names.includes(chosen) ? clients[chosen] : undefined;
  if (!declared) throw unclear(`"${chosen}" is no client; declared are ${names.join(', ')} (--client NAME).`);
  const { clientId, issuer } = declared;
  const secretId = recordName(system, chosen);
  const store = createRecordStore({
    secrets: operator.secrets,
    clock: operator.clock,
    secretArn: secretId,
    owner: { client: chosen, clientId, issuer },
    audit: (code, facts) => operator.say(`${code}  ${facts['kid'] ?? ''}`),
  });
  return { name: chosen, declared, secretId, store };
}

const unclear = (message: string): ZonesError => new ZonesError('config_invalid', message);

/** The named client, or every one. */
export function openClients(operator: Operator, name?: string): OpenedClient[] {
  const names = name === undefined ? Object.keys(operator.system.clients) : [name];
  return names.map((each) => openClient(operator, each));
}

/**
 * The client whose record has a key, with the record as it is now. Without a name every declared client's record is looked into;
 * one that can't be read does not hide the others.
 * @throws {ZonesError} config_invalid: for a name that is no client's, key_unknown where no record has the key; what reading throws
 */
export async function openClientOf(operator: Operator, kid: string, name?: string) {
  const clients = openClients(operator, name);
  const failures: unknown[] = [];
  for (const client of clients)
    try {
      const record = await client.store.read();
      if (findKey(record, kid)) return { ...client, record };
    } catch (error) {
      failures.push(error);
    }
  if (failures.length > 0) throw failures[0];
  const names = clients.map((client) => client.name).join(' or ');
  throw new ZonesError('key_unknown', `The record of client ${names} has no key ${kid}.`);
}

/** KMS for reading a key that may have been made a moment ago. */
export const patientKms = ({ kms, clock }: Operator): KmsPort =>
  createRetryingKms(kms, { clock, deadline: Number.POSITIVE_INFINITY });
