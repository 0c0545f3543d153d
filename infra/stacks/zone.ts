import { ZonesError } from '@helseid-zones/protocol/errors';
import { required } from '@helseid-zones/protocol/values';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { refuseLocalAddresses } from '../annotations.ts';
import { Alarms, alarmKeyStatement, alarmsOn } from '../constructs/alarms.ts';
import { functionArn } from '../constructs/arns.ts';
import { DataKey } from '../constructs/data-key.ts';
import { addWork, eventKeyStatements } from '../constructs/event-entry.ts';
import { FlowLog } from '../constructs/flow-log.ts';
import { addFunctionPolicy } from '../constructs/function-policy.ts';
import { PermissionsBoundary } from '../constructs/permissions-boundary.ts';
import { EXECUTION_LOG_PREFIX, RestEntry } from '../constructs/rest-entry.ts';
import { addKeyChecks, addSchedule, KeyRotation, keyAlarms } from '../constructs/schedules.ts';
import { addSecrets } from '../constructs/secrets.ts';
import { type EndpointService, ZoneNetwork } from '../constructs/zone-network.ts';
import {
  boundaryStatements,
  dataServices,
  restrictEndpoints,
  type ZoneFacts,
} from '../constructs/zone-policies.ts';
import { ZoneTable } from '../constructs/zone-table.ts';
import { internetHosts, resolvedHosts } from '../declaration/derive.ts';
import { AUTHORIZER_FUNCTION, OWN_FUNCTIONS, TOKENS_FUNCTION } from '../declaration/fields.ts';
import {
  functionOf,
  hasBus,
  hasSecrets,
  ownTables,
  zoneQueues,
  zoneTables,
} from '../declaration/function-resources.ts';
import {
  askingRoles,
  boundaryGroup,
  boundaryName,
  eventNames,
  functionName,
  scheduleName,
  signerName,
  zoneClients,
  zoneFunctions,
} from '../declaration/names.ts';
import { foreignPaths } from '../declaration/runtimes.ts';
import type { ZoneDeclaration } from '../declaration/schema.ts';
import type { ZoneConstructs } from '../extension.ts';
import { suppressFindings } from '../nag-suppressions.ts';
import type { SigningStack } from './signing.ts';
import { SystemStack, type SystemStackProps } from './system-stack.ts';
import { addFunctions } from './zone-functions.ts';

/** Alarms on what a client gets of its issuer. */
const OF_TOKENS = ['TokenFailures', 'InvalidClient', 'ClockDifference'] as const;

/** What a zone's stack is made from. */
export interface ZoneStackProps extends SystemStackProps {
  declared: ZoneDeclaration;
  /** In the same region, perhaps in another account. */
  signing: SigningStack;
}

/** A zone: its network, its key, its functions under its boundary, and what enters it. */
export class ZoneStack extends SystemStack {
  /** What constructs of one's own may use. */
  readonly constructs: ZoneConstructs;

  constructor(scope: Construct, id: string, props: ZoneStackProps) {
    const { system, zone, declared, signing, ...rest } = props;
    super(scope, id, { ...rest, system, zone, description: `${system.name}: zone ${zone}.` });
    const { gateway, admin } = declared;
    const prefix = `${system.name}-${zone}`;
    const logPrefix = `/${system.name}/${zone}`;
    const own = ownTables(system.name, zone, declared);
    const tables = zoneTables(system.name, zone, declared);
    const withBus = hasBus(declared);
    const key = new DataKey(this, 'Key', {
      description: `${system.name}: logs, queues and tables of zone ${zone}`,
      keep: hasSecrets(declared) || own.length > 0,
      logGroups: [`${logPrefix}/*`, ...(gateway ? [`${EXECUTION_LOG_PREFIX}*`] : [])],
      // EventBridge encrypts a rule with the key of its bus, on behalf of who writes it.
      services: [...dataServices(declared), ...(withBus ? ['events'] : [])],
      statements: [
        ...(withBus ? eventKeyStatements(this, eventNames(system.name, zone)) : []),
        alarmKeyStatement(this),
      ],
    });
    const network = new ZoneNetwork(this, 'Network', {
      cidr: declared.cidr,
      availabilityZones: this.availabilityZones.length,
      existing: declared.network,
      internet: internetHosts(system, zone).length > 0,
      hosts: resolvedHosts(system, zone),
      exits: Object.values(declared.exits),
      services: endpointServices(declared),
    });
    const facts: ZoneFacts = {
      system,
      zone,
      declared,
      place: this,
      network,
      key,
      logPrefix,
      secrets: addSecrets(this, system.name, zone, declared, key),
      signers: signerArns(props),
      records: signing.records,
      recordKeyArn: signing.recordKeyArn,
    };
    restrictEndpoints(facts);
    if (system.signing.resourcePolicies && this.account === signing.account) {
      for (const [client, arn] of Object.entries(facts.signers))
        addFunctionPolicy(this, `SignerPolicy-${client}`, facts, 'signers', arn);
      // There is no policy of a function that is not there.
      this.addStackDependency(signing);
    }
    for (const { name: tableName, id, declared: keys } of tables)
      if (keys !== 'cdk') new ZoneTable(this, id, { tableName, key, declared: keys });
    const entry = gateway && new RestEntry(this, 'Gateway', { name: prefix, logPrefix, key, gateway });
    const boundaryOf = (name?: string) => {
      const group = name && boundaryGroup(declared, name);
      const id = group ? `Boundary-${group}` : 'Boundary';
      const made = this.node.tryFindChild(id) as PermissionsBoundary | undefined;
      const policyName = boundaryName(system.name, zone, group);
      return made ?? new PermissionsBoundary(this, id, policyName, boundaryStatements(facts, group));
    };
    new FlowLog(this, 'FlowLog', { ...facts, boundary: boundaryOf() });
    if (declared.callers.some(({ calls }) => calls !== 'entry'))
      this.say(
        'FunctionGroup',
        network.functionGroup.securityGroupId,
        'Of callers that ask signers, or the tokens function, from this network: docs/existing-app.md.',
      );
    const functions = addFunctions(this, { facts, boundaryOf, signingVpc: signing.vpcId, url: entry?.url });
    const tokens = functions.get(TOKENS_FUNCTION);
    if (tokens && system.signing.resourcePolicies)
      addFunctionPolicy(this, 'TokensPolicy', facts, 'tokens', tokens.functionArn);
    if (entry) {
      entry.addRoutes(functions);
      this.say('GatewayUrl', entry.url, 'Where the routes of this zone are.');
    }
    const { worked, busName, undelivered } = addWork(this, { ...facts, functions });
    for (const { suffix, deadLetters } of worked)
      this.say(
        `DeadLetterQueue${suffix}`,
        deadLetters.queueUrl,
        'What failed five times: docs/operating.md says why, and how to send it again.',
      );
    if (busName) this.say('EventBusName', busName, 'Put events here (events:PutEvents).');
    const ofFunctions = [...functions].flatMap(([name, handler]) => this.alarmsOf(props, name, handler));
    const counted = { service: system.name, zone };
    const kept = Object.values(declared.functions).flatMap(({ clientKeys }) => Object.keys(clientKeys));
    const clientsOfTokens = [...(admin ? [] : zoneClients(system, declared)), ...kept];
    const tokensName = functionName(system.name, zone, TOKENS_FUNCTION);
    const rows = [
      ...(tokens
        ? alarmsOn(tokensName, ['FunctionErrors', 'Throttles'], { FunctionName: tokens.functionName })
        : []),
      ...(entry ? alarmsOn(prefix, ['GatewayErrors'], entry.dimensions) : []),
      ...worked.flatMap(({ suffix, queue, deadLetters }) => [
        ...alarmsOn(prefix + suffix, ['OldestEvent'], { QueueName: queue.queueName }),
        ...alarmsOn(prefix + suffix, ['DeadLetters'], { QueueName: deadLetters.queueName }),
      ]),
      ...tables.flatMap(({ name: TableName }) => alarmsOn(TableName, ['TableThrottles'], { TableName })),
      ...(network.blockedNames ? alarmsOn(prefix, ['BlockedNames'], network.blockedNames) : []),
      ...alarmsOn(prefix, ['MemoryUsed'], counted),
      ...(functions.has(AUTHORIZER_FUNCTION) ? alarmsOn(prefix, ['Replays'], counted) : []),
      ...clientsOfTokens.flatMap((client) =>
        alarmsOn(`${prefix}-${client}`, OF_TOKENS, { ...counted, client }),
      ),
      ...(undelivered ? alarmsOn(prefix, ['UndeliveredEvents'], { QueueName: undelivered.queueName }) : []),
      ...ofFunctions,
    ];
    const [rotation, watch] = [functions.get('rotation'), functions.get('key-watch')];
    if (rotation) new KeyRotation(this, 'KeyRotation', { ...facts, handler: rotation });
    const alarms = new Alarms(this, watch ? 'KeyAlarms' : 'Alarms', {
      system,
      key,
      displayName: `${system.name}: ${watch ? 'keys' : zone}`,
      rows: [...(watch ? keyAlarms(system) : []), ...rows],
    });
    if (watch) addKeyChecks(alarms, watch);
    this.sayTopic(alarms);
    refuseLocalAddresses(this, system, zone);
    this.constructs = {
      stack: this,
      key,
      vpc: network.vpc,
      functions: Object.fromEntries(functions),
      tableName(owner, table) {
        const found = own.find((one) => one.owner === owner && one.table === table && one.declared === 'cdk');
        const field = `zones.${zone}.functions.${owner}.tables.${table}`;
        if (found) return found.name;
        throw new ZonesError('declaration_invalid', `${field} is not 'cdk': declare it, and make it here.`);
      },
    };
    suppressFindings(this, {
      system: system.name,
      zone,
      schedules:
        admin || Object.values(declared.functions).some((of) => Object.keys(of.schedules).length > 0),
      foreign: foreignPaths(declared).length > 0,
      open: gateway?.login !== undefined || gateway?.routes.some(({ authorize }) => authorize === 'webhook'),
      functions: zoneFunctions(declared).map((name) => functionName(system.name, zone, name)),
    });
  }

  /** Starts a function when it is declared to be; returns the alarms on that and on the time it takes, of which the unit is a percent. */
  private alarmsOf({ system, zone, declared }: ZoneStackProps, name: string, handler: LambdaFunction) {
    const schedules = Object.entries(functionOf(declared, name)?.schedules ?? {});
    const rows = schedules.flatMap(([schedule, scheduleExpression]) => {
      const ruleName = scheduleName(system.name, zone, name, schedule);
      const RuleName = addSchedule(this, `Schedule-${name}-${schedule}`, handler, {
        name: ruleName,
        scheduleExpression,
        target: name,
        description: `Starts ${name} of zone ${zone}: ${schedule}.`,
      });
      return alarmsOn(ruleName, ['FailedInvocations'], { RuleName });
    });
    const on = { FunctionName: handler.functionName };
    const prefix = functionName(system.name, zone, name);
    const unit = 10 * required(handler.timeout, 'The timeout of a function').toSeconds();
    return [
      ...rows,
      // Lambda tries twice more; what then fails is seen by nobody else.
      ...(rows.length > 0 ? alarmsOn(prefix, ['FunctionErrors', 'AsyncEventsDropped'], on) : []),
      ...(OWN_FUNCTIONS.includes(name) ? [] : alarmsOn(prefix, ['DurationUsed'], on)).map((row) => ({
        ...row,
        unit,
      })),
    ];
  }
}

function endpointServices(zone: ZoneDeclaration): EndpointService[] {
  const sends = zoneQueues('', '', zone).some(({ senders }) => senders.length > 0);
  return [
    ...(askingRoles('', '', zone, '').length > 0 ? (['lambda'] as const) : []),
    ...(zoneTables('', '', zone).length > 0 ? (['dynamodb'] as const) : []),
    ...(sends ? (['sqs'] as const) : []),
    ...(hasSecrets(zone) ? (['secretsmanager'] as const) : []),
    ...(zone.admin ? (['kms', 'secretsmanager'] as const) : []),
  ];
}

/** Unqualified and by name: an identity policy may name a function that is not there yet, so no stack waits for another. */
function signerArns({ system, zone, declared, signing }: ZoneStackProps): Record<string, string> {
  return Object.fromEntries(
    zoneClients(system, declared).map((client) => [
      client,
      functionArn(signing, signerName(system.name, client, zone)),
    ]),
  );
}
