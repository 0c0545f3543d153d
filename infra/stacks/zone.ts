import { STREAM_SECONDS } from '@helseid-zones/protocol/login-routes';
import { Duration } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { refuseLocalAddresses } from '../annotations.ts';
import { type AlarmRow, Alarms, alarmKeyStatement, alarmsOn } from '../constructs/alarms.ts';
import { functionArn, type Place } from '../constructs/arns.ts';
import { DataKey } from '../constructs/data-key.ts';
import { EVENT_TIMEOUT_SECONDS, EventEntry, eventKeyStatements } from '../constructs/event-entry.ts';
import { FlowLog } from '../constructs/flow-log.ts';
import { KeyAlarms } from '../constructs/key-alarms.ts';
import { KeyRotation } from '../constructs/key-rotation.ts';
import { PermissionsBoundary } from '../constructs/permissions-boundary.ts';
import { EXECUTION_LOG_PREFIX, RestEntry } from '../constructs/rest-entry.ts';
import { ZoneFunction } from '../constructs/zone-function.ts';
import { type EndpointService, ZoneNetwork } from '../constructs/zone-network.ts';
import {
  boundaryStatements,
  dataServices,
  functionStatements,
  restrictEndpoints,
  type ZoneFacts,
} from '../constructs/zone-policies.ts';
import { tableName, tablesOf, ZoneTable, zoneTables } from '../constructs/zone-table.ts';
import { functionConcurrency } from '../declaration/concurrency.ts';
import { allowedHosts, deriveZoneConfig } from '../declaration/derive.ts';
import { AUTHORIZER_FUNCTION, LOGIN_FUNCTIONS } from '../declaration/fields.ts';
import {
  askingFunctions,
  eventNames,
  functionName,
  signerName,
  zoneClients,
  zoneFunctions,
} from '../declaration/names.ts';
import type { SystemDeclaration, ZoneDeclaration } from '../declaration/schema.ts';
import { type KeyPolicyDocument, keyPolicyTemplate } from '../key-policy.ts';
import { suppressFindings } from '../nag-suppressions.ts';
import type { SigningStack } from './signing.ts';
import { SystemStack, type SystemStackProps } from './system-stack.ts';

/** What a zone's stack is made from. */
export interface ZoneStackProps extends SystemStackProps {
  declared: ZoneDeclaration;
  /** The signing zone's place: same region, perhaps another account. */
  signingPlace: Place;
  signing: SigningStack;
}

/** A zone: its network, its key, its functions under its boundary, and what enters it. */
export class ZoneStack extends SystemStack {
  constructor(scope: Construct, id: string, props: ZoneStackProps) {
    const { system, zone, declared, place, signing, signingPlace, ...rest } = props;
    super(scope, id, { ...rest, system, place, zone, description: `${system.name}: zone ${zone}.` });
    const { gateway, events, admin } = declared;
    const names = eventNames(system.name, zone);
    const logPrefix = `/${system.name}/${zone}`;
    const key = new DataKey(this, 'Key', {
      description: `${system.name}: logs, queues and tables of zone ${zone}`,
      keep: false,
      place,
      logGroups: [`${logPrefix}/*`, ...(gateway ? [`${EXECUTION_LOG_PREFIX}*`] : [])],
      // EventBridge encrypts a rule with the key of its bus, on behalf of who writes it.
      services: [...dataServices(declared), ...(events ? ['events'] : [])],
      statements: [...(events ? eventKeyStatements(place, names) : []), alarmKeyStatement(place)],
    });
    const network = new ZoneNetwork(this, 'Network', {
      place,
      cidr: declared.cidr,
      availabilityZones: this.availabilityZones.length,
      hosts: allowedHosts(system, zone),
      services: endpointServices(declared),
    });
    const facts: ZoneFacts = {
      ...{ system, zone, declared, place, network, logPrefix },
      events: names,
      keyArn: key.keyArn,
      signers: signerArns(props),
      records: signing.records,
      recordKeyArn: signing.recordKeyArn,
    };
    restrictEndpoints(facts);
    for (const { kind } of zoneTables(declared))
      new ZoneTable(this, `Table-${kind}`, { tableName: tableName(system.name, zone, kind), key });
    const entry =
      gateway &&
      new RestEntry(this, 'Gateway', { name: `${system.name}-${zone}`, place, logPrefix, key, gateway });
    const boundary = new PermissionsBoundary(this, 'Boundary', {
      system: system.name,
      zone,
      statements: boundaryStatements(facts),
    });
    const boundaryOf = (name: string, role: string) =>
      admin
        ? new PermissionsBoundary(this, `Boundary-${name}`, {
            ...{ system: system.name, zone, role },
            statements: boundaryStatements(facts, name),
          })
        : boundary;
    const runtime = { system: system.name, place, network, key, logPrefix, boundary };
    new FlowLog(this, 'FlowLog', runtime);
    const functions = new Map<string, IFunction>(
      zoneFunctions(declared).map((name) => [
        name,
        new ZoneFunction(this, name, {
          ...runtime,
          boundary: boundaryOf(name, functionName(system.name, zone, name)),
          name: functionName(system.name, zone, name),
          entry: name,
          files: functionFiles(system, zone, name),
          environment: this.environmentOf(facts, signing.vpcId, entry?.url, name),
          statements: functionStatements(facts, name),
          retention: RetentionDays.THREE_MONTHS,
          timeout: timeoutOf(declared, name),
          concurrency: functionConcurrency(system, zone, name),
        }).handler,
      ]),
    );
    const rows: AlarmRow[] = [];
    const ring = (kind: 'DeadLetters' | 'UndeliveredEvents' | 'GatewayErrors', on: AlarmRow['dimensions']) =>
      rows.push(...alarmsOn(`${system.name}-${zone}`, [kind], on));
    if (entry) {
      entry.addRoutes(functions);
      ring('GatewayErrors', entry.dimensions);
      this.say('GatewayUrl', entry.url, 'Where the routes of this zone are.');
    }
    const worker = events && functions.get(events.function);
    if (worker) {
      const props = { place, names, key, events, handler: worker };
      const { busName, deadLetters, undelivered } = new EventEntry(this, 'Events', props);
      this.say('EventBusName', busName, 'Put events here (events:PutEvents).');
      this.say(
        'DeadLetterQueue',
        deadLetters.queueUrl,
        'Events that failed five times: docs/operating.md says why, and how to send them again.',
      );
      ring('DeadLetters', { QueueName: deadLetters.queueName });
      ring('UndeliveredEvents', { QueueName: undelivered.queueName });
    }
    const [rotation, watch] = [functions.get('rotation'), functions.get('key-watch')];
    const { clients } = system;
    if (rotation)
      new KeyRotation(this, 'KeyRotation', { place, clients, records: signing.records, handler: rotation });
    if (watch) this.sayTopic(new KeyAlarms(this, 'KeyAlarms', { system, place, key, handler: watch }));
    if (rows.length > 0)
      this.sayTopic(new Alarms(this, 'Alarms', { place, key, rows, displayName: `${system.name}: ${zone}` }));
    refuseLocalAddresses(this, system, zone);
    suppressFindings(this, {
      ...{ system: system.name, zone, place, admin },
      login: gateway?.login !== undefined,
      functions: zoneFunctions(declared).map((name) => functionName(system.name, zone, name)),
    });
  }

  private environmentOf(
    { system, zone, declared, signers, records }: ZoneFacts,
    signingVpc: string,
    url: string | undefined,
    name: string,
  ): Record<string, string> {
    const needsUrl = [...LOGIN_FUNCTIONS, AUTHORIZER_FUNCTION].some((candidate) => candidate === name);
    return {
      ...(askingFunctions(declared).includes(name) ? { SIGNERS: this.toJsonString(signers) } : {}),
      ...Object.fromEntries(
        tablesOf(system.name, zone, declared, name).map((table) => [table.variable, table.name]),
      ),
      ...(needsUrl && url ? { GATEWAY_URL: url } : {}),
      ...(declared.admin ? { RECORDS: this.toJsonString(records), SIGNING_VPC: signingVpc } : {}),
    };
  }
}

function endpointServices(zone: ZoneDeclaration): EndpointService[] {
  return [
    ...(askingFunctions(zone).length > 0 ? (['lambda'] as const) : []),
    ...(zoneTables(zone).length > 0 ? (['dynamodb'] as const) : []),
    ...(zone.admin ? (['kms', 'secretsmanager'] as const) : []),
  ];
}

/** Unqualified and by name: an identity policy may name a function that is not there yet, so no stack waits for another. */
function signerArns({ system, zone, declared, signingPlace }: ZoneStackProps): Record<string, string> {
  return Object.fromEntries(
    zoneClients(system, declared).map((client) => [
      client,
      functionArn(signingPlace, signerName(system.name, client, zone)),
    ]),
  );
}

function functionFiles(system: SystemDeclaration, zone: string, name: string): Record<string, unknown> {
  const config = { 'config.json': deriveZoneConfig(system, zone, name) };
  if (!system.zones[zone]?.admin) return config;
  const policies: Record<string, KeyPolicyDocument> = {};
  for (const [client, { algorithm }] of Object.entries(system.clients))
    policies[client] = keyPolicyTemplate({ system: system.name, client, algorithm });
  return { ...config, 'key-policy.json': policies };
}

/** Functions whose time is not that of a request. */
const TIMEOUTS: Readonly<Record<string, Duration>> = {
  // A new key may take the issuer a good while to honour.
  rotation: Duration.minutes(15),
  'key-watch': Duration.minutes(5),
  api: Duration.seconds(STREAM_SECONDS - 2),
  [AUTHORIZER_FUNCTION]: Duration.seconds(10),
};

/** API Gateway waits 29 seconds; a function that is stopped a little before can still be seen to be. */
const REQUEST_TIMEOUT = Duration.seconds(28);

/** How long one function of a zone may run. */
function timeoutOf(zone: ZoneDeclaration, name: string): Duration {
  if (zone.events?.function === name) return Duration.seconds(EVENT_TIMEOUT_SECONDS);
  return TIMEOUTS[name] ?? REQUEST_TIMEOUT;
}
