import type { App } from 'aws-cdk-lib';
import type { RestApi } from 'aws-cdk-lib/aws-apigateway';
import type { Key } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { acknowledgeFindings } from '../acknowledgements.ts';
import { refuseLocalAddresses } from '../advice.ts';
import { functionArn, type Place } from '../constructs/arns.ts';
import { createBoundary } from '../constructs/boundary.ts';
import { createDataKey } from '../constructs/data-key.ts';
import { createEventEntry, eventKeyStatements } from '../constructs/events.ts';
import { createFlowLog } from '../constructs/flow-log.ts';
import { createFunction, type ZoneRuntime } from '../constructs/function.ts';
import { createGateway, describeGateway, EXECUTION_LOG_PREFIX, gatewayUrl } from '../constructs/gateway.ts';
import { alarmKeyStatement, watchKeys } from '../constructs/key-watch.ts';
import { createNetwork, type EndpointService } from '../constructs/network.ts';
import { scheduleRotation } from '../constructs/rotation.ts';
import { addRoutes } from '../constructs/routes.ts';
import { SystemStack } from '../constructs/system-stack.ts';
import { createTable, tableName, tablesOf, zoneTables } from '../constructs/tables.ts';
import {
  boundaryStatements,
  dataServices,
  functionStatements,
  restrictEndpoints,
  type ZoneFacts,
} from '../constructs/zone-policies.ts';
import { allowedHosts, deriveZoneConfig } from '../declaration/derive.ts';
import { AUTHORIZER_FUNCTION, LOGIN_FUNCTIONS } from '../declaration/fields.ts';
import {
  askingFunctions,
  eventNames,
  functionName,
  signerName,
  zoneClients,
  zoneFunctions,
  zoneStackName,
} from '../declaration/names.ts';
import type { SystemDeclaration, ZoneDeclaration } from '../declaration/schema.ts';
import { functionLimits } from '../function-settings.ts';
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

/** What the functions of a zone stand on. */
interface Ground {
  stack: SystemStack;
  key: Key;
  facts: ZoneFacts;
  api: RestApi | undefined;
  runtime: ZoneRuntime;
}

/** A zone: its network, its key, its functions under its boundary, and what enters it. */
export function createZoneStack(app: App, props: ZoneProps): SystemStack {
  const { system, zone, declared, place } = props;
  const zones = system.availabilityZones ?? 2;
  const stack = new SystemStack(app, zoneStackName(system.name, zone), {
    description: `${system.name}: zone ${zone}.`,
    zones,
    zone,
    ...props.env,
  });
  const ground = layGround(stack, props, zones);
  const functions = createFunctions(ground, props);
  createEntries(ground, props, functions);
  refuseLocalAddresses(stack, system, zone);
  acknowledgeFindings(stack, {
    ...{ system: system.name, zone, place },
    login: declared.gateway?.login !== undefined,
    admin: declared.admin === true,
    functions: zoneFunctions(declared).map((name) => functionName(system.name, zone, name)),
  });
  return stack;
}

function layGround(stack: SystemStack, props: ZoneProps, availabilityZones: number): Ground {
  const { system, zone, declared, place, signing } = props;
  const events = eventNames(system.name, zone);
  const logPrefix = `/${system.name}/${zone}`;
  const key = createDataKey(stack, 'Key', {
    description: `${system.name}: logs, queues and tables of zone ${zone}`,
    place,
    logGroups: [`${logPrefix}/*`, ...(declared.gateway ? [`${EXECUTION_LOG_PREFIX}*`] : [])],
    // EventBridge encrypts a rule with the key of its bus, on behalf of who writes it.
    services: [...dataServices(declared), ...(declared.events ? ['events'] : [])],
    statements: [
      ...(declared.events ? eventKeyStatements(place, events) : []),
      ...(declared.admin ? [alarmKeyStatement(place)] : []),
    ],
  });
  const network = createNetwork(stack, {
    ...{ place, availabilityZones, cidr: declared.cidr },
    hosts: allowedHosts(system, zone),
    services: endpointServices(declared),
  });
  const facts: ZoneFacts = {
    ...{ system, zone, declared, place, network, logPrefix, events },
    keyArn: key.keyArn,
    signers: signerArns(props),
    records: signing.records,
    recordKeyArn: signing.recordKeyArn,
  };
  restrictEndpoints(facts);
  for (const { kind } of zoneTables(declared))
    createTable(stack, tableName(system.name, zone, kind), kind, key);
  const binary = declared.gateway?.login !== undefined;
  const api =
    declared.gateway && createGateway(stack, { name: `${system.name}-${zone}`, logPrefix, key, binary });
  const boundary = createBoundary(stack, system.name, zone, boundaryStatements(facts));
  const runtime = { system: system.name, place, network, key, logPrefix, boundary };
  createFlowLog(stack, runtime);
  return { stack, key, facts, api, runtime };
}

function createFunctions(ground: Ground, { system, zone, declared, signing, place }: ZoneProps) {
  const url = ground.api && gatewayUrl(ground.api, place);
  return new Map<string, IFunction>(
    zoneFunctions(declared).map((name) => [
      name,
      createFunction(ground.stack, name, ground.runtime, {
        name: functionName(system.name, zone, name),
        entry: name,
        files: functionFiles(system, zone, name),
        environment: functionEnvironment(ground.stack, ground.facts, signing.vpcId, url, name),
        statements: functionStatements(ground.facts, name),
        retention: RetentionDays.THREE_MONTHS,
        ...functionLimits(declared, name),
      }),
    ]),
  );
}

/** Gateway, events, and in the admin zone the schedules. */
function createEntries(
  { stack, key, facts, api }: Ground,
  { system, declared, place, signing }: ZoneProps,
  functions: ReadonlyMap<string, IFunction>,
): void {
  const { gateway, events, admin } = declared;
  if (gateway && api) {
    addRoutes(stack, api, gateway, functions);
    describeGateway(stack, gatewayUrl(api, place));
  }
  const worker = events && functions.get(events.function);
  if (worker) createEventEntry(stack, { place, names: facts.events, key, events, handler: worker });
  const rotation = admin && functions.get('rotation');
  if (rotation) scheduleRotation(stack, place, system, signing.records, rotation);
  const watch = admin && functions.get('key-watch');
  if (watch) watchKeys(stack, { system, place, key, handler: watch });
}

function endpointServices(zone: ZoneDeclaration): EndpointService[] {
  return [
    ...(askingFunctions(zone).length > 0 ? (['lambda'] as const) : []),
    ...(zoneTables(zone).length > 0 ? (['dynamodb'] as const) : []),
    ...(zone.admin ? (['kms', 'secretsmanager'] as const) : []),
  ];
}

/** Unqualified and by name: an identity policy may name a function that is not there yet, so no stack waits for another. */
function signerArns({ system, zone, declared, signingPlace }: ZoneProps): Record<string, string> {
  return Object.fromEntries(
    zoneClients(system, declared).map((client) => [
      client,
      functionArn(signingPlace, signerName(system.name, client, zone)),
    ]),
  );
}

function functionEnvironment(
  stack: SystemStack,
  { system, zone, declared, signers, records }: ZoneFacts,
  signingVpc: string,
  url: string | undefined,
  name: string,
): Record<string, string> {
  const needsUrl = [...LOGIN_FUNCTIONS, AUTHORIZER_FUNCTION].some((candidate) => candidate === name);
  return {
    ...(askingFunctions(declared).includes(name) ? { SIGNERS: stack.toJsonString(signers) } : {}),
    ...Object.fromEntries(
      tablesOf(system.name, zone, declared, name).map((table) => [table.variable, table.name]),
    ),
    ...(needsUrl && url ? { GATEWAY_URL: url } : {}),
    ...(declared.admin ? { RECORDS: stack.toJsonString(records), SIGNING_VPC: signingVpc } : {}),
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
