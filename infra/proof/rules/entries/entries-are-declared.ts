import { isDeepStrictEqual } from 'node:util';
import { ALARM_NAMES, alarmOn, KEY_ALARMS } from '../../../alarm-kinds.ts';
import { eventPatternOf } from '../../../declaration/event-pattern.ts';
import { zoneQueues } from '../../../declaration/function-resources.ts';
import { eventNames, functionName, SIGNING_ZONE, scheduleName } from '../../../declaration/names.ts';
import type { SystemDeclaration } from '../../../declaration/schema.ts';
import { type JsonObject, listOf, objectOf } from '../../assembly/json.ts';
import { resourceByArn, resourcesOfType } from '../../assembly/resolve.ts';
import { ALWAYS } from '../../policy/condition.ts';
import { decide } from '../../policy/decide.ts';
import { compileConditions } from '../../policy/operators.ts';
import type { Actor } from '../actors.ts';
import { ask } from '../ask.ts';
import { actionsOf, throughOwnEndpoint } from '../capability.ts';
import { type Problem, type ProofInput, type Rule, resourceRule, violationsOf } from '../rule.ts';
import { clientKeyArns, ownKey, recordArns, recordOf } from '../targets.ts';

/** Events come from the zone's own bus, by the declared pattern; what a queue's function fails with is kept. */
export const eventsAreDeclared: Rule = resourceRule({
  name: 'events-are-declared',
  invariant: 'I2',
  title: 'Events reach a zone from its own bus and by the declared pattern, and none is lost.',
  of: ['AWS::Events::Rule', 'AWS::Lambda::EventSourceMapping'],
  problems: ({ type, properties, zone = '' }, { assembly, declaration }) => {
    const { name: system, zones } = declaration;
    const of = zones[zone];
    const queues = of ? zoneQueues(system, zone, of) : [];
    if (type === 'AWS::Lambda::EventSourceMapping') {
      const named = queues.find((one) => one.queue === lastOf(properties.EventSourceArn));
      const { RedrivePolicy } = resourceByArn(assembly, properties.EventSourceArn)?.properties ?? {};
      const { deadLetterTargetArn: failed } = objectOf(RedrivePolicy);
      return [
        (!named || lastOf(failed) !== named.deadLetters) &&
          'reads a queue that has no dead-letter queue, or another one than its own',
        lastOf(properties.FunctionName) !== functionName(system, zone, named?.reader ?? '') &&
          'leads to another function than the declaration',
      ];
    }
    const { EventPattern: pattern, ScheduleExpression: schedule, EventBusName: bus } = properties;
    const targets = listOf(properties.Targets).map(objectOf);
    const leadsTo = (name: string) => targets.length === 1 && lastOf(targets[0]?.Arn) === name;
    if (schedule !== undefined && pattern === undefined) {
      const owner = Object.entries(of?.functions ?? {}).find(([name, { schedules }]) =>
        Object.entries(schedules).some(
          ([own, rate]) => scheduleName(system, zone, name, own) === properties.Name && rate === schedule,
        ),
      )?.[0];
      const started = of?.admin ? 'key-watch' : owner;
      return [
        started === undefined && 'is no declared schedule',
        !leadsTo(functionName(system, zone, started ?? '')) && 'starts another function than the declaration',
      ];
    }
    const events = queues.find(({ rule }) => rule?.name === properties.Name);
    const declared = events?.rule && eventPatternOf(events.rule);
    const { bus: own, undelivered } = eventNames(system, zone);
    return [
      (!declared || !isDeepStrictEqual(pattern, declared)) && 'has another pattern than the declaration',
      bus !== own && 'listens to another bus than the zone’s own',
      !leadsTo(events?.queue ?? '') && 'leads elsewhere than to the queue of its function alone',
      targets.some(({ DeadLetterConfig: of }) => lastOf(objectOf(of).Arn) !== undelivered) &&
        'loses events that can’t be queued',
    ];
  },
  remedy: 'Say in zones.ts which events enter the zone.',
});

/** The name at the end of an ARN. */
const lastOf = (arn: unknown): string | undefined => String(arn).split(':').at(-1);

/** What of keys and records a function of the admin zone can't read, or not always: who keeps it from that stops what calls somebody. */
function unread(actor: Actor, input: ProofInput): Problem[] {
  const [kms, secrets] = ['kms', 'secretsmanager'].map((of) => throughOwnEndpoint(actor, of).condition);
  const records = recordArns(input);
  const keys = Object.keys(input.declaration.clients).map((client) => recordOf(input, client));
  // As Secrets Manager asks on its behalf, past every endpoint.
  const onBehalf = compileConditions(
    {
      StringEquals: { 'kms:ViaService': `secretsmanager.${actor.region}.amazonaws.com` },
      ArnLike: { 'kms:EncryptionContext:SecretARN': records },
      Null: { 'aws:SourceVpce': 'true' },
    },
    false,
  );
  const asked = [
    ['DescribeKey GetKeyPolicy GetPublicKey ListGrants ListResourceTags', clientKeyArns(input), kms],
    ['ListKeys', ['*'], kms],
    ['Decrypt', keys.map((record) => String(record?.properties.KmsKeyId)), onBehalf],
    ['DescribeSecret GetSecretValue ListSecretVersionIds', records, secrets],
  ] as const;
  return asked.flatMap(([names, on, given = ALWAYS]) =>
    actionsOf({ [given === secrets ? 'secretsmanager' : 'kms']: names })
      .filter((action) => on.some((resource) => ask(actor, action, resource, { given }).verdict !== 'always'))
      .map((action) => [action, `can’t always ${action}`] as const),
  );
}

/** Somebody is called about every client's keys, and by the thresholds of the system about what signs, answers and queues. */
export const alarmsRing: Rule = {
  name: 'alarms-ring',
  invariant: 'I3a',
  title:
    'Every client’s keys and every network have their alarms, an alarm of the system has the system’s figure and threshold and may reach somebody, and rotation and the key watch may read keys and records, whatever else is denied.',
  check: (input) => {
    const alarms = resourcesOfType(input.assembly, 'AWS::CloudWatch::Alarm');
    const remedy = 'Synthesize again from zones.ts; infra/alarm-kinds.ts says what rings.';
    const silent = alarmsOf(input.declaration).filter(
      (name) => !alarms.some(({ certain, properties }) => certain && properties.AlarmName === name),
    );
    return [
      ...silent.flatMap((name) =>
        violationsOf(['is not there'], { resource: name, subject: `The alarm ${name}`, remedy }),
      ),
      ...alarms.flatMap(({ constructPath: resource, properties }) =>
        violationsOf(weakenings(properties, input), { resource, remedy }),
      ),
      ...input.actors
        .filter(({ admin }) => admin)
        .flatMap((actor) =>
          violationsOf(unread(actor, input), {
            resource: actor.path,
            subject: actor.name,
            remedy: 'Deny rotation and the key watch nothing that they read.',
          }),
        ),
    ];
  },
};

/** The names of the alarms on the keys of every client, and on the names that each network asks for. */
function alarmsOf({ name, clients, zones }: SystemDeclaration): string[] {
  const watched = Object.keys(zones).filter((zone) => zones[zone]?.network?.dnsFirewall !== false);
  const networks = [SIGNING_ZONE, ...watched].map((zone) => `${name}-${zone}-BlockedNames`);
  const keys = Object.entries(clients).flatMap(([client, { selfService }]) =>
    Object.entries(KEY_ALARMS).flatMap(([metric, { selfServiceOnly }]) =>
      selfService || !selfServiceOnly ? [`${name}-${client}-${metric}`] : [],
    ),
  );
  return [...networks, ...keys];
}

/** What an alarm of the system has beside figure and threshold. */
const OF_ALARMS = /^(?:ActionsEnabled|Alarm\w+|Dimensions|\w+Actions|Tags)$/;

function weakenings(properties: JsonObject, input: ProofInput): string[] {
  const { declaration: system, assembly } = input;
  const name = String(properties.AlarmName);
  const kind = name.startsWith(`${system.name}-`) && ALARM_NAMES.find((kind) => name.endsWith(`-${kind}`));
  if (!kind) return [];
  const timed = resourcesOfType(assembly, 'AWS::Lambda::Function').find(
    ({ properties: of }) => `${of.FunctionName}-DurationUsed` === name,
  );
  const { namespace, metric, alarm } = alarmOn(kind, system, timed && 10 * Number(timed.properties.Timeout));
  const client = Object.keys(system.clients).find((one) => name === `${system.name}-${one}-${kind}`);
  const ofKeys = client && Object.hasOwn(KEY_ALARMS, kind) ? { client, service: system.name } : undefined;
  const counted = Object.entries(ofKeys ?? {}).map(([Name, Value]) => ({ Name, Value }));
  const expected = {
    ...(ofKeys ? { Dimensions: counted } : {}),
    Namespace: namespace,
    MetricName: metric,
    ComparisonOperator: alarm.comparisonOperator,
    Threshold: alarm.threshold,
    Statistic: alarm.statistic,
    Period: alarm.period,
    EvaluationPeriods: alarm.evaluationPeriods,
    TreatMissingData: alarm.treatMissingData,
    ...(alarm.treatMissingData === 'missing' ? { InsufficientDataActions: properties.AlarmActions } : {}),
  };
  const others = Object.entries(expected).flatMap(([property, value]) =>
    isDeepStrictEqual(properties[property], value) ? [] : [`has another ${property} than ${String(value)}`],
  );
  const strange = Object.keys(properties).filter((one) => !(one in expected) && !OF_ALARMS.test(one));
  return [
    ...others,
    ...strange.map((property) => `has ${property}, by which it may not ring`),
    ...(listOf(properties.AlarmActions).length === 0 ? ['calls nobody'] : []),
    ...listOf(properties.AlarmActions).flatMap((topic) => unheard(topic, input)),
  ];
}

/** What CloudWatch takes to tell a topic, of it and of its key, and is never let do. */
function unheard(arn: unknown, input: ProofInput): string[] {
  const topic = resourceByArn(input.assembly, arn);
  const key = topic && ownKey(topic, topic.properties.KmsMasterKeyId, input);
  const asked = { 'sns:Publish': topic, 'kms:Decrypt': key, 'kms:GenerateDataKey': key };
  const principal = { kind: 'service', service: 'cloudwatch.amazonaws.com' } as const;
  return Object.entries(asked).flatMap(([action, of]) =>
    of?.arn !== undefined && decide({ principal, action, resource: of.arn }, input.world).verdict === 'never'
      ? [`calls nobody: CloudWatch may not ${action} on ${of.constructPath}`]
      : [],
  );
}
