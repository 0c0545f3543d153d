import type { App } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { acknowledgeFindings } from '../acknowledgements.ts';
import { functionArn, type Place } from '../constructs/arns.ts';
import { createBoundary } from '../constructs/boundary.ts';
import { createDataKey } from '../constructs/data-key.ts';
import { createEventEntry, eventKeyStatements, eventNames } from '../constructs/events.ts';
import { createFlowLog } from '../constructs/flow-log.ts';
import { createFunction } from '../constructs/function.ts';
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
import {
  AUTHORIZER_FUNCTION,
  functionName,
  LOGIN_FUNCTIONS,
  signerName,
  zoneClients,
  zoneFunctions,
  zoneStackName,
} from '../declaration/names.ts';
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

/** A zone: its network, its key, its functions under its boundary, and what enters it. */
export function createZoneStack(app: App, props: ZoneProps): SystemStack {
  const { system, zone, declared, place, signing } = props;
  const zones = system.availabilityZones ?? 2;
  const stack = new SystemStack(app, zoneStackName(system.name, zone), {
    description: `${system.name}: zone ${zone}.`,
    zones,
    ...props.env,
  });
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
    place,
    cidr: declared.cidr,
    availabilityZones: zones,
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

  const api =
    declared.gateway &&
    createGateway(stack, {
      name: `${system.name}-${zone}`,
      logPrefix,
      key,
      binary: declared.gateway.login !== undefined,
    });
  const url = api && gatewayUrl(api, place);
  const runtime = {
    ...{ system: system.name, place, network, key, logPrefix },
    boundary: createBoundary(stack, system.name, zone, boundaryStatements(facts)),
  };
  createFlowLog(stack, runtime);
  const functions = new Map<string, IFunction>(
    zoneFunctions(declared).map((name) => [
      name,
      createFunction(stack, name, runtime, {
        name: functionName(system.name, zone, name),
        entry: name,
        files: functionFiles(system, zone, name),
        environment: functionEnvironment(stack, facts, signing.vpcId, url, name),
        statements: functionStatements(facts, name),
        retention: RetentionDays.THREE_MONTHS,
        ...functionLimits(declared, name),
      }),
    ]),
  );

  if (declared.gateway && api && url) {
    addRoutes(stack, api, declared.gateway, functions);
    describeGateway(stack, url);
  }
  const worker = declared.events && functions.get(declared.events.function);
  if (declared.events && worker)
    createEventEntry(stack, { place, names: events, key, events: declared.events, handler: worker });
  const rotation = declared.admin && functions.get('rotation');
  if (rotation) scheduleRotation(stack, place, system, signing.records, rotation);
  const watch = declared.admin && functions.get('key-watch');
  if (watch) watchKeys(stack, { system, place, key, handler: watch });
  acknowledgeFindings(stack, {
    ...{ system: system.name, zone, place },
    login: declared.gateway?.login !== undefined,
    admin: declared.admin === true,
    functions: zoneFunctions(declared).map((name) => functionName(system.name, zone, name)),
  });
  return stack;
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
