import { ZonesError } from '@helseid-zones/protocol/errors';
import { required } from '@helseid-zones/protocol/required';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { ALARMS } from '../alarm-kinds.ts';
import { refuseLocalAddresses } from '../annotations.ts';
import { type AlarmRow, Alarms, alarmKeyStatement, alarmsOn } from '../constructs/alarms.ts';
import { functionArn, type Place } from '../constructs/arns.ts';
import { DataKey } from '../constructs/data-key.ts';
import { addWork, EventEntry, eventKeyStatements } from '../constructs/event-entry.ts';
import { FlowLog } from '../constructs/flow-log.ts';
import { addFunctionPolicies } from '../constructs/function-policy.ts';
import { KeyAlarms } from '../constructs/key-alarms.ts';
import { KeyRotation } from '../constructs/key-rotation.ts';
import { addSecrets } from '../constructs/own-things.ts';
import { PermissionsBoundary } from '../constructs/permissions-boundary.ts';
import { EXECUTION_LOG_PREFIX, RestEntry } from '../constructs/rest-entry.ts';
import { addSchedule } from '../constructs/schedule.ts';
import { type EndpointService, ZoneNetwork } from '../constructs/zone-network.ts';
import {
  boundaryStatements,
  dataServices,
  restrictEndpoints,
  type ZoneFacts,
} from '../constructs/zone-policies.ts';
import { ZoneTable, zoneTables } from '../constructs/zone-table.ts';
import { internetHosts, resolvedHosts } from '../declaration/derive.ts';
import { OWN_FUNCTIONS, TOKENS_FUNCTION } from '../declaration/fields.ts';
import {
  askingRoles,
  boundaryGroup,
  eventNames,
  functionName,
  signerName,
  zoneClients,
  zoneFunctions,
} from '../declaration/names.ts';
import { functionOf, hasBus, hasSecrets, ownTables, scheduleName, zoneQueues } from '../declaration/own.ts';
import { foreignPaths } from '../declaration/runtimes.ts';
import type { ZoneDeclaration } from '../declaration/schema.ts';
import type { ZoneConstructs } from '../extension.ts';
import { suppressFindings } from '../nag-suppressions.ts';
import type { SigningStack } from './signing.ts';
import { SystemStack, type SystemStackProps } from './system-stack.ts';
import { addFunctions } from './zone-functions.ts';

/** What a zone's stack is made from. */
export interface ZoneStackProps extends SystemStackProps {
  declared: ZoneDeclaration;
  /** The signing zone's place: same region, perhaps another account. */
  signingPlace: Place;
  signing: SigningStack;
}

/** A zone: its network, its key, its functions under its boundary, and what enters it. */
export class ZoneStack extends SystemStack {
  /** What constructs of one's own may use. */
  readonly constructs: ZoneConstructs;

  constructor(scope: Construct, id: string, props: ZoneStackProps) {
    const { system, zone, declared, place, signing, signingPlace, ...rest } = props;
    super(scope, id, { ...rest, system, place, zone, description: `${system.name}: zone ${zone}.` });
    const { gateway, admin } = declared;
    const withBus = hasBus(declared);
    const names = eventNames(system.name, zone);
    const logPrefix = `/${system.name}/${zone}`;
    const key = new DataKey(this, 'Key', {
      description: `${system.name}: logs, queues and tables of zone ${zone}`,
      keep: hasSecrets(declared) || ownTables(system.name, zone, declared).length > 0,
      place,
      logGroups: [`${logPrefix}/*`, ...(gateway ? [`${EXECUTION_LOG_PREFIX}*`] : [])],
      // EventBridge encrypts a rule with the key of its bus, on behalf of who writes it.
      services: [...dataServices(declared), ...(withBus ? ['events'] : [])],
      statements: [...(withBus ? eventKeyStatements(place, names) : []), alarmKeyStatement(place)],
    });
    const network = new ZoneNetwork(this, 'Network', {
      place,
      cidr: declared.cidr,
      availabilityZones: this.availabilityZones.length,
      existing: declared.network,
      internet: internetHosts(system, zone).length > 0,
      hosts: resolvedHosts(system, zone),
      exits: Object.values(declared.exits),
      services: endpointServices(declared),
    });
    const facts: ZoneFacts = {
      ...{ system, zone, declared, place, network, logPrefix },
      keyArn: key.keyArn,
      secrets: addSecrets(this, { system: system.name, zone, declared, key }),
      signers: signerArns(props),
      records: signing.records,
      recordKeyArn: signing.recordKeyArn,
    };
    restrictEndpoints(facts);
    if (system.signing.resourcePolicies && this.account === signing.account) {
      const ofSigners = Object.entries(facts.signers).map(([client, arn]) => [`SignerPolicy-${client}`, arn]);
      addFunctionPolicies(this, facts, 'signers', Object.fromEntries(ofSigners));
      // There is no policy of a function that is not there.
      this.addStackDependency(signing);
    }
    for (const { name: tableName, id, declared: keys } of zoneTables(system.name, zone, declared))
      if (keys !== 'cdk') new ZoneTable(this, id, { tableName, key, declared: keys });
    const entry =
      gateway &&
      new RestEntry(this, 'Gateway', { name: `${system.name}-${zone}`, place, logPrefix, key, gateway });
    const boundary = new PermissionsBoundary(this, 'Boundary', {
      system: system.name,
      zone,
      statements: boundaryStatements(facts),
    });
    const boundaries = new Map<string, PermissionsBoundary>();
    const boundaryOf = (name: string) => {
      const group = boundaryGroup(declared, name);
      if (group === undefined) return boundary;
      const statements = boundaryStatements(facts, group);
      const made =
        boundaries.get(group) ??
        new PermissionsBoundary(this, `Boundary-${group}`, { system: system.name, zone, group, statements });
      boundaries.set(group, made);
      return made;
    };
    const runtime = { system: system.name, place, network, key, logPrefix };
    new FlowLog(this, 'FlowLog', { ...runtime, boundary });
    if (declared.callers.some(({ calls }) => calls !== 'entry'))
      this.say(
        'FunctionGroup',
        network.functionGroup.securityGroupId,
        'Of callers that ask signers, or the tokens function, from this network: docs/existing-app.md.',
      );
    const functions = addFunctions(this, {
      ...{ facts, runtime, boundaryOf, signingVpc: signing.vpcId, url: entry?.url },
    });
    const tokens = functions.get(TOKENS_FUNCTION);
    if (tokens && system.signing.resourcePolicies)
      addFunctionPolicies(this, facts, 'tokens', { TokensPolicy: tokens.functionArn });
    const rows: AlarmRow[] = tokens
      ? alarmsOn(functionName(system.name, zone, TOKENS_FUNCTION), ['FunctionErrors', 'Throttles'], {
          FunctionName: tokens.functionName,
        })
      : [];
    const ring = (kind: keyof typeof ALARMS, on: AlarmRow['dimensions']) =>
      rows.push(...alarmsOn(`${system.name}-${zone}`, [kind], on));
    if (entry) {
      entry.addRoutes(functions);
      ring('GatewayErrors', entry.dimensions);
      this.say('GatewayUrl', entry.url, 'Where the routes of this zone are.');
    }
    const { worked, undelivered } = this.addWork(props, key, functions);
    for (const [prefix, { queue, deadLetters: dead }] of worked)
      rows.push(
        ...alarmsOn(prefix, ['OldestEvent'], { QueueName: queue.queueName }),
        ...alarmsOn(prefix, ['DeadLetters'], { QueueName: dead.queueName }),
      );
    for (const { name: TableName } of zoneTables(system.name, zone, declared))
      rows.push(...alarmsOn(TableName, ['TableThrottles'], { TableName }));
    if (network.blockedNames) ring('BlockedNames', network.blockedNames);
    const counted = { service: system.name, zone };
    ring('MemoryUsed', counted);
    if (declared.gateway?.routes.some(({ authorize }) => authorize === 'helseid')) ring('Replays', counted);
    if (!admin)
      for (const client of zoneClients(system, declared))
        rows.push(
          ...alarmsOn(
            `${system.name}-${zone}-${client}`,
            ['TokenFailures', 'InvalidClient', 'ClockDifference'],
            {
              ...counted,
              client,
            },
          ),
        );
    if (undelivered) ring('UndeliveredEvents', { QueueName: undelivered.queueName });
    for (const [name, handler] of functions) {
      const schedules = functionOf(declared, name)?.schedules ?? {};
      for (const [schedule, scheduleExpression] of Object.entries(schedules))
        rows.push(
          ...alarmsOn(scheduleName(system.name, zone, name, schedule), ['FailedInvocations'], {
            RuleName: addSchedule(this, `Schedule-${name}-${schedule}`, handler, {
              ...{ name: scheduleName(system.name, zone, name, schedule), scheduleExpression, target: name },
              description: `Starts ${name} of zone ${zone}: ${schedule}.`,
            }),
          }),
        );
      const on = { FunctionName: handler.functionName };
      const prefix = functionName(system.name, zone, name);
      // Lambda tries twice more; what then fails is seen by nobody else.
      if (Object.keys(schedules).length > 0) rows.push(...alarmsOn(prefix, ['FunctionErrors'], on));
      const percent = 10 * required(handler.timeout, 'The timeout of a function').toSeconds();
      if (!OWN_FUNCTIONS.includes(name))
        rows.push(...alarmsOn(prefix, ['DurationUsed'], on).map((row) => ({ ...row, unit: percent })));
    }
    const [rotation, watch] = [functions.get('rotation'), functions.get('key-watch')];
    const { clients } = system;
    if (rotation)
      new KeyRotation(this, 'KeyRotation', { place, clients, records: signing.records, handler: rotation });
    this.sayTopic(
      watch
        ? new KeyAlarms(this, 'KeyAlarms', { system, place, key, rows, handler: watch })
        : new Alarms(this, 'Alarms', { system, place, key, rows, displayName: `${system.name}: ${zone}` }),
    );
    refuseLocalAddresses(this, system, zone);
    this.constructs = {
      ...{ stack: this, key, vpc: network.vpc, functions: Object.fromEntries(functions) },
      tableName(owner, table) {
        const found = ownTables(system.name, zone, declared).find(
          (one) => one.owner === owner && one.table === table && one.declared === 'cdk',
        );
        const field = `zones.${zone}.functions.${owner}.tables.${table}`;
        if (found) return found.name;
        throw new ZonesError('declaration_invalid', `${field} is not 'cdk': declare it, and make it here.`);
      },
    };
    suppressFindings(this, {
      ...{ system: system.name, zone, place },
      schedules:
        admin || Object.values(declared.functions).some((of) => Object.keys(of.schedules).length > 0),
      foreign: foreignPaths(declared).length > 0,
      open: gateway?.login !== undefined || gateway?.routes.some(({ authorize }) => authorize === 'webhook'),
      functions: zoneFunctions(declared).map((name) => functionName(system.name, zone, name)),
    });
  }

  /** Adds the zone's bus and the queues that its functions work on, by the prefix of their alarms. */
  private addWork(
    { system, zone, declared, place }: ZoneStackProps,
    key: DataKey,
    functions: ReadonlyMap<string, LambdaFunction>,
  ): { worked: Map<string, ReturnType<typeof addWork>>; undelivered: IQueue | undefined } {
    const names = eventNames(system.name, zone);
    const queues = zoneQueues(system.name, zone, declared).map(({ name, rule, reader, ...of }) => {
      const handler = required(functions.get(reader), `The function ${reader}`);
      const suffix =
        rule === undefined ? `-${name}` : declared.events?.function === reader ? '' : `-${reader}`;
      return { ...{ key, handler, names: of, rule, suffix, prefix: suffix.replace(/^-(.*)/, '$1-') } };
    });
    const entry = hasBus(declared)
      ? new EventEntry(this, 'Events', {
          ...{ place, names, key },
          work: queues.flatMap(({ rule, ...of }) => (rule ? [{ ...of, rule }] : [])),
        })
      : undefined;
    const own = new Construct(this, 'Queues');
    const worked = new Map<string, ReturnType<typeof addWork>>();
    for (const { suffix, prefix, rule, ...of } of queues) {
      const made = rule ? required(entry?.queues.get(of.names.queue), 'The queue') : addWork(own, prefix, of);
      worked.set(`${system.name}-${zone}${suffix}`, made);
      this.say(
        `DeadLetterQueue${suffix}`,
        made.deadLetters.queueUrl,
        'What failed five times: docs/operating.md says why, and how to send it again.',
      );
    }
    if (entry) this.say('EventBusName', entry.busName, 'Put events here (events:PutEvents).');
    return { worked, undelivered: entry?.undelivered };
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
function signerArns({ system, zone, declared, signingPlace }: ZoneStackProps): Record<string, string> {
  return Object.fromEntries(
    zoneClients(system, declared).map((client) => [
      client,
      functionArn(signingPlace, signerName(system.name, client, zone)),
    ]),
  );
}
