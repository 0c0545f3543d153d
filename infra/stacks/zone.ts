import type { App } from 'aws-cdk-lib';
import { type PolicyStatement, StarPrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { functionArn, logStreamsArn, type Place, roleArn, tableArn } from '../constructs/arns.ts';
import { createBoundary } from '../constructs/boundary.ts';
import { createDataKey, viaService } from '../constructs/data-key.ts';
import {
  createEventEntry,
  type EventNames,
  eventKeyStatements,
  eventNames,
  eventQueueArn,
} from '../constructs/events.ts';
import { createFunction } from '../constructs/function.ts';
import { createGateway, EXECUTION_LOG_PREFIX } from '../constructs/gateway.ts';
import { createNetwork, type EndpointService, type Network } from '../constructs/network.ts';
import {
  adminKeyEndpoint,
  adminRecordEndpoint,
  adminStatements,
  scheduleRotation,
} from '../constructs/rotation.ts';
import {
  allow,
  allowDataKey,
  allowInvoke,
  allowQueue,
  allowRunning,
  allowTables,
  deny,
  KEY_CAPTURE_ACTIONS,
  TABLE_ACTIONS,
} from '../constructs/statements.ts';
import { SystemStack } from '../constructs/system-stack.ts';
import { createTable, type TableUse, tableName, zoneTables } from '../constructs/tables.ts';
import { allowedHosts, deriveZoneConfig } from '../declaration/derive.ts';
import { functionName, signerName, zoneClients, zoneFunctions, zoneStackName } from '../declaration/names.ts';
import type { SystemDeclaration, ZoneDeclaration } from '../declaration/types.ts';
import { askingFunctions, functionLimits } from '../function-settings.ts';
import { keyPolicyTemplate } from '../key-policy.ts';
import type { Signing } from './signing.ts';

/** What a zone's stack is made from. */
export interface ZoneProps {
  system: SystemDeclaration;
  zone: string;
  declared: ZoneDeclaration;
  place: Place;
  /** The signing zone's place: same region, perhaps another account. */
  signingPlace: Place;
  signing: Signing;
  env: object;
}

/** A zone as its parts see it while the stack is being made. */
interface ZoneParts extends ZoneProps {
  stack: SystemStack;
  network: Network;
  signerArns: Readonly<Record<string, string>>;
  tables: readonly TableUse[];
  events: EventNames;
  keyArn: string;
}

/** A zone: its network, its key, its functions under its boundary, and what enters it. */
export function createZoneStack(app: App, props: ZoneProps): SystemStack {
  const { system, zone, declared, place } = props;
  const zones = system.availabilityZones ?? 2;
  const stack = new SystemStack(app, zoneStackName(system.name, zone), {
    description: `${system.name}: zone ${zone}.`,
    zones,
    ...props.env,
  });
  const tables = zoneTables(declared);
  const events = eventNames(system.name, zone);
  const logPrefix = `/${system.name}/${zone}`;
  const key = createDataKey(stack, 'Key', {
    description: `${system.name}: logs, queues and tables of zone ${zone}`,
    place,
    logGroups: [`${logPrefix}/*`, ...(declared.gateway ? [`${EXECUTION_LOG_PREFIX}*`] : [])],
    services: dataServices(declared, tables),
    statements: declared.events ? eventKeyStatements(place, events) : [],
  });
  const network = createNetwork(stack, {
    place,
    cidr: declared.cidr,
    availabilityZones: zones,
    hosts: allowedHosts(system, zone),
    services: endpointServices(declared, tables),
  });
  const clients = zoneClients(system, declared);
  const signerArns = Object.fromEntries(
    clients.map((client) => [client, functionArn(props.signingPlace, signerName(system.name, client, zone))]),
  );
  const parts: ZoneParts = { ...props, stack, network, signerArns, tables, events, keyArn: key.keyArn };
  const boundary = createBoundary(stack, system.name, zone, boundaryStatements(parts, logPrefix));
  const functions = new Map<string, IFunction>();
  for (const name of zoneFunctions(declared))
    functions.set(
      name,
      createFunction(
        stack,
        name,
        { place, network, boundary, key, logPrefix },
        {
          name: functionName(system.name, zone, name),
          entry: name,
          files: functionFiles(system, zone, name),
          environment: functionEnvironment(parts, name),
          statements: functionStatements(parts, name),
          retention: RetentionDays.THREE_MONTHS,
          ...functionLimits(declared, name),
        },
      ),
    );
  for (const { kind } of tables) createTable(stack, tableName(system.name, zone, kind), kind, key);
  restrictEndpoints(parts);
  if (declared.gateway)
    createGateway(stack, {
      name: `${system.name}-${zone}`,
      logPrefix,
      gateway: declared.gateway,
      functions,
      key,
    });
  const worker = declared.events && functions.get(declared.events.function);
  if (declared.events && worker)
    createEventEntry(stack, { place, names: events, key, events: declared.events, handler: worker });
  const rotation = functions.get('rotation');
  if (declared.admin && rotation) scheduleRotation(stack, place, system, props.signing.records, rotation);
  return stack;
}

function dataServices(zone: ZoneDeclaration, tables: readonly TableUse[]): string[] {
  return [...(tables.length > 0 ? ['dynamodb'] : []), ...(zone.events ? ['sqs'] : [])];
}

function endpointServices(zone: ZoneDeclaration, tables: readonly TableUse[]): EndpointService[] {
  return [
    'lambda',
    ...(tables.length > 0 ? (['dynamodb'] as const) : []),
    ...(zone.admin ? (['kms', 'secretsmanager'] as const) : []),
  ];
}

/** What any role of the zone may ever do; written from the declaration, not from what the roles are given. */
function boundaryStatements(parts: ZoneParts, logPrefix: string): PolicyStatement[] {
  const { system, zone, place, network } = parts;
  const { lambda = '', dynamodb = '' } = network.endpoints;
  const services = dataServices(parts.declared, parts.tables).map((service) => viaService(place, service));
  return [
    ...allowRunning(logStreamsArn(place, `${logPrefix}/*`)),
    allowInvoke(Object.values(parts.signerArns), lambda),
    ...(parts.tables.length > 0
      ? [allowTables([tableArn(place, `${system.name}-${zone}-*`)], dynamodb)]
      : []),
    ...(services.length > 0 ? [allowDataKey(parts.keyArn, services)] : []),
    ...(parts.declared.events ? [allowQueue(eventQueueArn(place, parts.events))] : []),
    ...(parts.declared.admin ? adminStatements(adminFacts(parts)) : []),
    deny({ sid: 'NeverClientKeys', actions: [...KEY_CAPTURE_ACTIONS], resources: ['*'] }),
    deny({
      sid: 'InvokeHereOnly',
      actions: ['lambda:InvokeFunction'],
      resources: ['*'],
      conditions: { StringNotEquals: { 'aws:SourceVpce': lambda } },
    }),
  ];
}

function adminFacts({ system, place, network, signing }: ZoneParts) {
  const { kms = '', secretsmanager = '' } = network.endpoints;
  return {
    system,
    place,
    kms,
    secretsmanager,
    records: Object.values(signing.records),
    recordKeyArn: signing.recordKeyArn,
  };
}

function functionStatements(parts: ZoneParts, name: string): PolicyStatement[] {
  const { system, zone, declared, place, network } = parts;
  const { lambda = '', dynamodb = '' } = network.endpoints;
  const tables = parts.tables
    .filter((use) => use.functions.includes(name))
    .map(({ kind }) => tableArn(place, tableName(system.name, zone, kind)));
  const reads = declared.events?.function === name;
  const services = [...(tables.length > 0 ? ['dynamodb'] : []), ...(reads ? ['sqs'] : [])];
  return [
    ...(askingFunctions(declared).includes(name)
      ? [allowInvoke(Object.values(parts.signerArns), lambda)]
      : []),
    ...(tables.length > 0 ? [allowTables(tables, dynamodb)] : []),
    ...(reads ? [allowQueue(eventQueueArn(place, parts.events))] : []),
    ...(services.length > 0
      ? [
          allowDataKey(
            parts.keyArn,
            services.map((service) => viaService(place, service)),
          ),
        ]
      : []),
    ...(declared.admin ? adminStatements(adminFacts(parts)) : []),
  ];
}

function functionEnvironment(parts: ZoneParts, name: string): Record<string, string> {
  const { system, zone, declared, stack } = parts;
  const tables = parts.tables
    .filter((use) => use.functions.includes(name))
    .map(({ kind, variable }) => [variable, tableName(system.name, zone, kind)]);
  return {
    ...(askingFunctions(declared).includes(name) ? { SIGNERS: stack.toJsonString(parts.signerArns) } : {}),
    ...Object.fromEntries(tables),
    ...(declared.admin
      ? { RECORDS: stack.toJsonString(parts.signing.records), SIGNING_VPC: parts.signing.vpcId }
      : {}),
  };
}

function functionFiles(system: SystemDeclaration, zone: string, name: string): Record<string, unknown> {
  const config = { 'config.json': deriveZoneConfig(system, zone, name) };
  if (!system.zones[zone]?.admin) return config;
  const policies = Object.entries(system.clients).map(([client, { algorithm }]) => [
    client,
    keyPolicyTemplate({ system: system.name, client, algorithm }),
  ]);
  return { ...config, 'key-policy.json': Object.fromEntries(policies) };
}

/** Through the zone's endpoints go its own roles only, to its own signers, tables and records only. */
function restrictEndpoints(parts: ZoneParts): void {
  const { system, zone, declared, place, network } = parts;
  const principals = [new StarPrincipal()];
  const roles = (names: readonly string[]) => ({
    ArnEquals: {
      'aws:PrincipalArn': names.map((name) => roleArn(place.account, functionName(system.name, zone, name))),
    },
  });
  network.allowThrough('lambda', [
    allow({
      principals,
      actions: ['lambda:InvokeFunction'],
      resources: Object.values(parts.signerArns),
      conditions: roles(askingFunctions(declared)),
    }),
  ]);
  network.allowThrough(
    'dynamodb',
    parts.tables.map(({ kind, functions }) =>
      allow({
        principals,
        actions: [...TABLE_ACTIONS],
        resources: [tableArn(place, tableName(system.name, zone, kind))],
        conditions: roles(functions),
      }),
    ),
  );
  if (!declared.admin) return;
  const admins = askingFunctions(declared).map((name) =>
    roleArn(place.account, functionName(system.name, zone, name)),
  );
  network.allowThrough('kms', [adminKeyEndpoint(place, admins)]);
  network.allowThrough('secretsmanager', [adminRecordEndpoint(Object.values(parts.signing.records), admins)]);
}
