import { type PolicyStatement, StarPrincipal } from 'aws-cdk-lib/aws-iam';
import { askingFunctions, type EventNames, functionName } from '../declaration/names.ts';
import type { SystemDeclaration, ZoneDeclaration } from '../declaration/schema.ts';
import {
  type AdminFacts,
  adminKeyEndpoint,
  adminRecordEndpoint,
  adminStatements,
  allowCreatingKeys,
  allowKeepingKeys,
  allowStartingRotation,
} from './admin-policies.ts';
import { functionArn, logStreamsArn, type Place, roleArn, tableArn } from './arns.ts';
import { viaService } from './data-key.ts';
import { eventQueueArn } from './event-entry.ts';
import {
  allow,
  allowDataKey,
  allowFlowLog,
  allowInvoke,
  allowQueue,
  allowRunning,
  allowTable,
  deny,
  KEY_CAPTURE_ACTIONS,
  TABLE_ACTIONS,
} from './statements.ts';
import type { ZoneNetwork } from './zone-network.ts';
import { tableName, tablesOf, zoneTables } from './zone-table.ts';

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
  events: EventNames;
  /** ARN of each client's record, and of the key that encrypts them. */
  records: Readonly<Record<string, string>>;
  recordKeyArn: string;
}

/** Services through which a zone's data key is used for its functions. */
export function dataServices(zone: ZoneDeclaration): string[] {
  return [...(zoneTables(zone).length > 0 ? ['dynamodb'] : []), ...(zone.events ? ['sqs'] : [])];
}

/** What any role of the zone may ever do; written from the declaration, not from what the roles are given. */
export function boundaryStatements(facts: ZoneFacts): PolicyStatement[] {
  const { system, zone, declared, place, network } = facts;
  const services = dataServices(declared).map((service) => viaService(place, service));
  const tables = tableArn(place, `${system.name}-${zone}-*`);
  return [
    ...allowRunning(logStreamsArn(place, `${facts.logPrefix}/*`)),
    allowFlowLog(logStreamsArn(place, `${facts.logPrefix}/flow`)),
    ...(askingFunctions(declared).length > 0
      ? [allowInvoke(Object.values(facts.signers), network.endpointId('lambda'))]
      : []),
    ...(zoneTables(declared).length > 0
      ? [allowTable(TABLE_ACTIONS, tables, network.endpointId('dynamodb'))]
      : []),
    ...(services.length > 0 ? [allowDataKey(facts.keyArn, services)] : []),
    ...(declared.events ? [allowQueue(eventQueueArn(place, facts.events))] : []),
    ...(declared.admin ? adminBoundary(adminFacts(facts)) : []),
    deny({ sid: 'NeverClientKeys', actions: [...KEY_CAPTURE_ACTIONS], resources: ['*'] }),
    deny({
      sid: 'InvokeHereOnly',
      actions: ['lambda:InvokeFunction'],
      resources: ['*'],
      // Nothing is invoked from a zone without an endpoint for it.
      conditions: network.has('lambda')
        ? {
            StringNotEquals: { 'aws:SourceVpce': network.endpointId('lambda') },
            // What Secrets Manager does for the key watch comes from outside the VPC.
            ...(declared.admin ? { BoolIfExists: { 'aws:ViaAWSService': 'false' } } : {}),
          }
        : {},
    }),
  ];
}

/** What one function of the zone may do beyond running. */
export function functionStatements(facts: ZoneFacts, name: string): PolicyStatement[] {
  const { system, zone, declared, place, network } = facts;
  const tables = tablesOf(system.name, zone, declared, name);
  const reads = declared.events?.function === name;
  const services = [...(tables.length > 0 ? ['dynamodb'] : []), ...(reads ? ['sqs'] : [])];
  return [
    ...(askingFunctions(declared).includes(name)
      ? [allowInvoke(Object.values(facts.signers), network.endpointId('lambda'))]
      : []),
    ...tables.map((table) =>
      allowTable(table.actions, tableArn(place, table.name), network.endpointId('dynamodb')),
    ),
    ...(reads ? [allowQueue(eventQueueArn(place, facts.events))] : []),
    ...(services.length > 0
      ? [
          allowDataKey(
            facts.keyArn,
            services.map((service) => viaService(place, service)),
          ),
        ]
      : []),
    ...(declared.admin ? adminStatements(adminFacts(facts), name) : []),
  ];
}

/** Through the zone's endpoints go its own roles only, to its own signers, tables and records only. */
export function restrictEndpoints(facts: ZoneFacts): void {
  const { system, zone, declared, place, network } = facts;
  const principals = [new StarPrincipal()];
  const rolesOf = (names: readonly string[]) =>
    names.map((name) => roleArn(place.account, functionName(system.name, zone, name)));
  const asking = rolesOf(askingFunctions(declared));
  network.allowThrough('lambda', [
    allow({
      principals,
      actions: ['lambda:InvokeFunction'],
      resources: Object.values(facts.signers),
      conditions: { ArnEquals: { 'aws:PrincipalArn': asking } },
    }),
  ]);
  network.allowThrough(
    'dynamodb',
    zoneTables(declared).map(({ kind, actions }) =>
      allow({
        principals,
        actions: [...new Set(Object.values(actions).flat())].sort(),
        resources: [tableArn(place, tableName(system.name, zone, kind))],
        conditions: { ArnEquals: { 'aws:PrincipalArn': rolesOf(Object.keys(actions)) } },
      }),
    ),
  );
  if (!declared.admin) return;
  const admin = adminFacts(facts);
  network.allowThrough('kms', adminKeyEndpoint(admin));
  network.allowThrough('secretsmanager', adminRecordEndpoint(admin));
}

/** The two functions share the boundary, so it says itself which of them makes keys and which starts a rotation. */
function adminBoundary(facts: AdminFacts): PolicyStatement[] {
  const { rotation, watch } = facts.roles;
  return [
    ...onlyFor(rotation, allowCreatingKeys(facts)),
    ...allowKeepingKeys(facts),
    ...onlyFor(watch, allowStartingRotation(facts)),
  ];
}

function onlyFor(role: string, statements: readonly PolicyStatement[]): PolicyStatement[] {
  for (const statement of statements) statement.addCondition('ArnEquals', { 'aws:PrincipalArn': role });
  return [...statements];
}

function adminFacts({ system, zone, place, network, records, recordKeyArn }: ZoneFacts): AdminFacts {
  return {
    ...{ system, place, recordKeyArn },
    kms: network.endpointId('kms'),
    secretsmanager: network.endpointId('secretsmanager'),
    records: Object.values(records),
    rotationArn: functionArn(place, functionName(system.name, zone, 'rotation')),
    roles: {
      rotation: roleArn(place.account, functionName(system.name, zone, 'rotation')),
      watch: roleArn(place.account, functionName(system.name, zone, 'key-watch')),
    },
  };
}
