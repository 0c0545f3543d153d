import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type ADMIN_FUNCTIONS, TOKENS_FUNCTION } from '../declaration/fields.ts';
import {
  type Asked,
  askingFunctions,
  askingRoles,
  boundaryGroup,
  functionName,
  zoneFunctions,
} from '../declaration/names.ts';
import { hasSecrets, type ZoneQueue, zoneQueues } from '../declaration/own.ts';
import type { SystemDeclaration, ZoneDeclaration } from '../declaration/schema.ts';
import {
  type AdminFacts,
  adminBoundary,
  adminKeyEndpoint,
  adminRecordEndpoint,
  adminStatements,
} from './admin-policies.ts';
import { functionArn, logStreamsArn, type Place, queueArn, roleArn, tableArn } from './arns.ts';
import type { OwnSecrets } from './own-things.ts';
import {
  allow,
  allowFlowLog,
  allowRunning,
  allowThrough,
  DATA_KEY_ACTIONS,
  deny,
  via,
  viaService,
} from './statements.ts';
import type { ZoneNetwork } from './zone-network.ts';
import { type TableUse, zoneTables } from './zone-table.ts';

/** What the policies of one zone are written from. */
export interface ZoneFacts {
  system: SystemDeclaration;
  zone: string;
  declared: ZoneDeclaration;
  place: Place;
  network: ZoneNetwork;
  logPrefix: string;
  /** ARN of the zone's data key. */
  keyArn: string;
  /** Client to the ARN of the zone's signer for it. */
  signers: Readonly<Record<string, string>>;
  /** ARNs of the secrets that each function reads. */
  secrets: OwnSecrets;
  /** ARN of each client's record, and of the key that encrypts them. */
  records: Readonly<Record<string, string>>;
  recordKeyArn: string;
}

/** What the event source mapping does with the queue, by the function's role. */
const QUEUE_ACTIONS = ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'] as const;

/** What a function does with a queue that it sends to, as CDK's own grant has it; several messages at once are the same action. */
const SEND = ['sqs:GetQueueAttributes', 'sqs:GetQueueUrl', 'sqs:SendMessage'] as const;

/** What a function does with a secret of its own, as CDK's own grant has it. */
const READ_SECRET = ['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue'] as const;

/** Whatever uses a client key, or hands its use on, or ends it. Denied in the boundary of every zone but the signing one. */
const KEY_CAPTURE_ACTIONS = [
  'kms:CancelKeyDeletion',
  'kms:CreateGrant',
  'kms:DeleteImportedKeyMaterial',
  'kms:DeriveSharedSecret',
  'kms:ImportKeyMaterial',
  'kms:PutKeyPolicy',
  'kms:ReplicateKey',
  'kms:RetireGrant',
  'kms:RevokeGrant',
  'kms:ScheduleKeyDeletion',
  'kms:Sign',
  'kms:UpdatePrimaryRegion',
] as const;

/** Services through which a zone's data key is used for its functions. */
export function dataServices(zone: ZoneDeclaration): string[] {
  return [
    ...(zoneTables('', '', zone).length > 0 ? ['dynamodb'] : []),
    ...(zoneQueues('', '', zone).length > 0 ? ['sqs'] : []),
    ...(hasSecrets(zone) ? ['secretsmanager'] : []),
  ];
}

const ASKED: readonly Asked[] = ['signers', 'tokens'];

/** The functions that a zone asks, unqualified: its signers, or its tokens function. */
function askedArns({ system, zone, place, signers }: ZoneFacts, asked: Asked): string[] {
  if (asked === 'signers') return Object.values(signers);
  return [functionArn(place, functionName(system.name, zone, TOKENS_FUNCTION))];
}

/** Invoke of the zone's own signers, or its tokens function, for those of `names` who ask them, through the zone's own endpoint. */
function allowInvoke(facts: ZoneFacts, names: readonly string[]): PolicyStatement[] {
  return ASKED.flatMap((asked) => {
    const askers = askingFunctions(facts.declared, asked);
    if (!names.some((name) => askers.includes(name))) return [];
    const here = via(facts.network.endpointId('lambda'));
    const sid = asked === 'signers' ? 'OwnSigners' : 'OwnTokens';
    return [allow(sid, 'lambda:InvokeFunction', askedArns(facts, asked), here)];
  });
}

/** Items of a table, through the zone's own DynamoDB endpoint. */
function allowTable(
  { place, network }: ZoneFacts,
  actions: readonly string[],
  table: TableUse,
): PolicyStatement {
  return allow(undefined, actions, tableArns(place, table), via(network.endpointId('dynamodb')));
}

/** A table, and the indexes of one that constructs of one's own make. */
function tableArns(place: Place, { name, declared }: TableUse): string[] {
  return [name, ...(declared === 'cdk' ? [`${name}/index/*`] : [])].map((one) => tableArn(place, one));
}

/**
 * Reading queues, which the event source mapping does from outside the VPC, sending to queues, and reading secrets, of one
 * function or of the whole zone.
 */
function allowQueuesAndSecrets(facts: ZoneFacts, name?: string): PolicyStatement[] {
  const { system, zone, declared, place, network, secrets } = facts;
  const arns = (chosen: (of: ZoneQueue) => boolean) =>
    zoneQueues(system.name, zone, declared)
      .filter(chosen)
      .map(({ queue }) => queueArn(place, queue));
  const read = arns(({ reader }) => name === undefined || name === reader);
  const sent = arns(({ senders }) => (name === undefined ? senders.length > 0 : senders.includes(name)));
  const secret = (name === undefined ? Object.values(secrets) : [secrets[name] ?? {}]).flatMap((of) =>
    Object.values(of),
  );
  return [
    ...(read.length > 0 ? [allow('OwnQueue', QUEUE_ACTIONS, read)] : []),
    ...(sent.length > 0 ? [allow('SendToOwn', SEND, sent, via(network.endpointId('sqs')))] : []),
    ...(secret.length > 0
      ? [allow('OwnSecrets', READ_SECRET, secret, via(network.endpointId('secretsmanager')))]
      : []),
  ];
}

/** Use of the zone's key by services that act for the caller; those calls carry no endpoint. None without a service. */
function allowDataKey({ place, keyArn }: ZoneFacts, services: readonly string[]): PolicyStatement[] {
  if (services.length === 0) return [];
  const through = services.map((service) => viaService(place, service));
  return [allow('OwnDataKey', DATA_KEY_ACTIONS, keyArn, { StringEquals: { 'kms:ViaService': through } })];
}

/**
 * What any role of the zone may ever do, or of a group of its functions with a boundary of its own; written from the declaration, not
 * from what the roles are given. Of each client it holds two ARNs at most: eleven clients with long names fit
 * into a managed policy.
 */
export function boundaryStatements(facts: ZoneFacts, group?: string): PolicyStatement[] {
  const { system, zone, declared, place, network } = facts;
  const names = zoneFunctions(declared).filter((name) => boundaryGroup(declared, name) === group);
  const tables = zoneTables(system.name, zone, declared).filter(({ actions }) =>
    names.some((name) => name in actions),
  );
  return [
    ...allowRunning(logStreamsArn(place, `${facts.logPrefix}/*`)),
    ...(group ? [] : [allowFlowLog(logStreamsArn(place, `${facts.logPrefix}/flow`))]),
    ...allowInvoke(facts, names),
    ...tables.map((table) => allowTable(facts, actionsOn(table), table)),
    ...allowDataKey(facts, dataServices(declared)),
    ...allowQueuesAndSecrets(facts),
    ...(group && declared.admin ? adminBoundary(adminFacts(facts), group) : []),
    deny('NeverClientKeys', KEY_CAPTURE_ACTIONS, '*'),
    // Nothing is invoked from a zone without an endpoint for it.
    deny('InvokeHereOnly', 'lambda:InvokeFunction', '*', {
      ...(network.has('lambda')
        ? { StringNotEquals: { 'aws:SourceVpce': network.endpointId('lambda') } }
        : {}),
      // What Secrets Manager does for the key watch comes from outside the VPC.
      ...(declared.admin ? { BoolIfExists: { 'aws:ViaAWSService': 'false' } } : {}),
    }),
  ];
}

/** What one function of the zone may do beyond running. */
export function functionStatements(facts: ZoneFacts, name: string): PolicyStatement[] {
  const { system, zone, declared, secrets } = facts;
  const tables = zoneTables(system.name, zone, declared).flatMap((table) => {
    const own = table.actions[name];
    return own ? [allowTable(facts, own, table)] : [];
  });
  const queued = zoneQueues(system.name, zone, declared).some(
    ({ reader, senders }) => reader === name || senders.includes(name),
  );
  return [
    ...allowInvoke(facts, [name]),
    ...tables,
    ...allowQueuesAndSecrets(facts, name),
    ...allowDataKey(facts, [
      ...(tables.length > 0 ? ['dynamodb'] : []),
      ...(queued ? ['sqs'] : []),
      ...(secrets[name] ? ['secretsmanager'] : []),
    ]),
    ...(declared.admin ? adminStatements(adminFacts(facts), name) : []),
  ];
}

/** Through the zone's endpoints go its own roles only, to its own signers, tables and records only. */
export function restrictEndpoints(facts: ZoneFacts): void {
  const { system, zone, declared, place, network } = facts;
  const rolesOf = (names: readonly string[]) =>
    names.map((name) => roleArn(place.account, functionName(system.name, zone, name)));
  network.allowThrough(
    'lambda',
    ASKED.flatMap((asked) => {
      const roles = askingRoles(system.name, zone, declared, place.account, asked);
      return roles.length > 0 ? [allowThrough(roles, 'lambda:InvokeFunction', askedArns(facts, asked))] : [];
    }),
  );
  network.allowThrough(
    'dynamodb',
    zoneTables(system.name, zone, declared).map((table) =>
      allowThrough(rolesOf(Object.keys(table.actions)), actionsOn(table), tableArns(place, table)),
    ),
  );
  network.allowThrough(
    'sqs',
    zoneQueues(system.name, zone, declared).flatMap(({ senders, queue }) =>
      senders.length > 0 ? [allowThrough(rolesOf(senders), SEND, queueArn(place, queue))] : [],
    ),
  );
  network.allowThrough(
    'secretsmanager',
    Object.entries(facts.secrets).map(([name, of]) =>
      allowThrough(rolesOf([name]), READ_SECRET, Object.values(of)),
    ),
  );
  if (!declared.admin) return;
  const admin = adminFacts(facts);
  network.allowThrough('kms', adminKeyEndpoint(admin));
  network.allowThrough('secretsmanager', adminRecordEndpoint(admin));
}

/** Whatever any function does with a table. */
function actionsOn({ actions }: TableUse): string[] {
  return [...new Set(Object.values(actions).flat())].sort();
}

function adminFacts({ system, zone, place, network, records, recordKeyArn }: ZoneFacts): AdminFacts {
  const nameOf = (name: (typeof ADMIN_FUNCTIONS)[number]) => functionName(system.name, zone, name);
  return {
    ...{ system, place, recordKeyArn },
    kms: network.endpointId('kms'),
    secretsmanager: network.endpointId('secretsmanager'),
    recordArns: Object.values(records),
    records: Object.values(records),
    rotationArn: functionArn(place, nameOf('rotation')),
    roles: {
      rotation: roleArn(place.account, nameOf('rotation')),
      watch: roleArn(place.account, nameOf('key-watch')),
    },
  };
}
