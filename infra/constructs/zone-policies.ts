import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { TOKENS_FUNCTION } from '../declaration/fields.ts';
import { hasSecrets, zoneQueues, zoneTables } from '../declaration/function-resources.ts';
import {
  askingFunctions,
  boundaryGroup,
  type CallTarget,
  functionName,
  zoneFunctions,
} from '../declaration/names.ts';
import type { SystemDeclaration, ZoneDeclaration } from '../declaration/schema.ts';
import { adminBoundary, adminStatements, restrictAdminEndpoints } from './admin-policies.ts';
import { functionArn, logStreamsArn, type Place, queueArn, roleArn, serviceHost, tableArn } from './arns.ts';
import type { MadeSecrets } from './secrets.ts';
import {
  allow,
  allowFlowLog,
  allowRunning,
  allowThrough,
  DATA_KEY_ACTIONS,
  deny,
  via,
} from './statements.ts';
import type { EndpointService, ZoneNetwork } from './zone-network.ts';

/** What the policies of one zone are written from. */
export interface ZoneFacts {
  system: SystemDeclaration;
  zone: string;
  declared: ZoneDeclaration;
  place: Place;
  network: ZoneNetwork;
  logPrefix: string;
  /** The zone's data key. */
  key: IKey;
  /** Client to the ARN of the zone's signer for it. */
  signers: Readonly<Record<string, string>>;
  /** The secrets of its functions. */
  secrets: MadeSecrets;
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

/** The statement's id and its actions by kind of secret; the keys of a client are written too. */
const SECRET_USES = {
  secrets: ['OwnSecrets', READ_SECRET],
  clientKeys: [
    'OwnClientKeys',
    [...READ_SECRET, 'secretsmanager:PutSecretValue', 'secretsmanager:UpdateSecretVersionStage'],
  ],
} as const;

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

/** Something that functions of a zone may do: in their roles' policies, in the boundary over them, and through an endpoint. */
interface Use {
  /** Of a statement; uses with the same one stand in one. Without it CDK joins what can be. */
  sid?: string;
  service: EndpointService;
  /** What each function does, by its name, and each role outside the system, by its ARN. */
  by: Readonly<Record<string, readonly string[]>>;
  /** ARNs. */
  on: readonly string[];
  /** Whether a service calls for the function, from outside the VPC; else it goes through the zone's endpoint. */
  fromOutside?: true;
}

const each = (names: readonly string[], actions: readonly string[]): Use['by'] =>
  Object.fromEntries(names.map((name) => [name, actions]));

/**
 * Invoke of the zone's own signers, or its tokens function, unqualified, by those who ask them; the items of its tables; reading queues,
 * which the event source mapping does from outside the VPC, sending to queues, and using secrets.
 */
function usesOf({ system, zone, declared, place, signers, secrets }: ZoneFacts): Use[] {
  const tokens = functionArn(place, functionName(system.name, zone, TOKENS_FUNCTION));
  const ask = (sid: string, asked: CallTarget, on: readonly string[]): Use => {
    const callers = declared.callers.filter(({ calls }) => calls === asked).map(({ role }) => role);
    const names = [...askingFunctions(declared, asked), ...callers];
    return { sid, service: 'lambda', by: each(names, ['lambda:InvokeFunction']), on };
  };
  const tables = zoneTables(system.name, zone, declared).map(({ name, actions, declared: keys }): Use => {
    // Constructs of one's own may give a table indexes.
    const names = keys === 'cdk' ? [name, `${name}/index/*`] : [name];
    return { service: 'dynamodb', by: actions, on: names.map((one) => tableArn(place, one)) };
  });
  const queues = zoneQueues(system.name, zone, declared).flatMap(({ reader, senders, queue }): Use[] => {
    const shared = { service: 'sqs', on: [queueArn(place, queue)] } as const;
    return [
      { ...shared, sid: 'OwnQueue', by: each([reader], QUEUE_ACTIONS), fromOutside: true },
      { ...shared, sid: 'SendToOwn', by: each(senders, SEND) },
    ];
  });
  // One for all alike: an endpoint's policy has a statement of each.
  const alike = Map.groupBy(secrets, ({ kind, owner }) => `${kind} ${owner}`).values();
  const kept = [...alike].map((same): Use => {
    const [{ kind, owner }] = same as [MadeSecrets[number]];
    const [sid, actions] = SECRET_USES[kind];
    return { sid, service: 'secretsmanager', by: each([owner], actions), on: same.map(({ arn }) => arn) };
  });
  const asks = [ask('OwnSigners', 'signers', Object.values(signers)), ask('OwnTokens', 'tokens', [tokens])];
  return [...asks, ...tables, ...queues, ...kept];
}

/**
 * Statements of what these functions do, and of the use of the zone's key by the services that act for them: those calls carry no endpoint.
 */
function allowUses(facts: ZoneFacts, names: readonly string[]): PolicyStatement[] {
  const { network, place, key, declared } = facts;
  const own = usesOf(facts).filter(({ by }) => names.some((name) => Object.hasOwn(by, name)));
  const allowed = [...Map.groupBy(own, (use) => use.sid ?? use).values()].map((same) => {
    const [{ sid, service, fromOutside }] = same as [Use];
    const actions = same.flatMap(({ by }) => actionsOf(by, names));
    const on = same.flatMap((use) => use.on);
    return allow(sid, actions, on, fromOutside ? {} : via(network.endpointId(service)));
  });
  const services = dataServices(declared).filter((service) => own.some((use) => use.service === service));
  if (services.length === 0) return allowed;
  const through = { 'kms:ViaService': services.map((service) => serviceHost(place, service)) };
  return [...allowed, allow('OwnDataKey', DATA_KEY_ACTIONS, key.keyArn, { StringEquals: through })];
}

/** What these do, each action once. */
const actionsOf = (by: Use['by'], names: readonly string[] = Object.keys(by)): string[] =>
  [...new Set(names.flatMap((name) => by[name] ?? []))].sort();

/**
 * What any role of the zone may ever do, or of a group of its functions with a boundary of its own. Of each client it holds two ARNs at most: eleven clients with long names fit
 * into a managed policy.
 */
export function boundaryStatements(facts: ZoneFacts, group?: string): PolicyStatement[] {
  const { declared, place, network } = facts;
  const names = zoneFunctions(declared).filter((name) => boundaryGroup(declared, name) === group);
  return [
    ...allowRunning(logStreamsArn(place, `${facts.logPrefix}/*`)),
    ...(group ? [] : [allowFlowLog(logStreamsArn(place, `${facts.logPrefix}/flow`))]),
    ...allowUses(facts, names),
    ...(group && declared.admin ? adminBoundary(facts, group) : []),
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
export const functionStatements = (facts: ZoneFacts, name: string): PolicyStatement[] => [
  ...allowUses(facts, [name]),
  ...(facts.declared.admin ? adminStatements(facts, name) : []),
];

/** Through the zone's endpoints go its own roles only, to its own signers, tables and records only. */
export function restrictEndpoints(facts: ZoneFacts): void {
  const { system, zone, declared, place, network } = facts;
  const roleOf = (name: string) =>
    name.startsWith('arn:') ? name : roleArn(place.account, functionName(system.name, zone, name));
  for (const { service, by, on, fromOutside } of usesOf(facts)) {
    const roles = Object.keys(by).map(roleOf);
    if (!fromOutside && roles.length > 0)
      network.allowThrough(service, [allowThrough(roles, actionsOf(by), on)]);
  }
  if (declared.admin) restrictAdminEndpoints(facts);
}
