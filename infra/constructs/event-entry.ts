import { required } from '@helseid-zones/protocol/values';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { CfnEventBus, CfnRule } from 'aws-cdk-lib/aws-events';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { EventSourceMapping, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { EVENT_CONCURRENCY } from '../declaration/concurrency.ts';
import { eventPatternOf } from '../declaration/event-pattern.ts';
import { hasBus, type ZoneQueue, zoneQueues } from '../declaration/function-resources.ts';
import { EVENT_TIMEOUT_SECONDS } from '../declaration/function-schema.ts';
import { type EventNames, eventNames } from '../declaration/names.ts';
import type { Place } from './arns.ts';
import { allowTo, ENVELOPE_ACTIONS } from './statements.ts';
import type { ZoneFacts } from './zone-policies.ts';

/** How often a message is tried before it is a dead letter. */
const MAX_RECEIVES = 5;

const busArn = ({ region, account }: Place, { bus }: EventNames): string =>
  `arn:aws:events:${region}:${account}:event-bus/${bus}`;

const ruleArn = ({ region, account }: Place, { bus }: EventNames, rule: string): string =>
  `arn:aws:events:${region}:${account}:rule/${bus}/${rule}`;

/** EventBridge's own name in policies. */
const EVENTS = 'events.amazonaws.com';

/** What EventBridge needs of the zone's key: for events on the bus, and for putting them into the queue. */
export function eventKeyStatements(place: Place, names: EventNames): PolicyStatement[] {
  const bus = busArn(place, names);
  const account = { 'aws:SourceAccount': place.account };
  return [
    allowTo(EVENTS, 'EventBus', ENVELOPE_ACTIONS, '*', {
      StringEquals: { ...account, 'kms:EncryptionContext:aws:events:event-bus:arn': bus },
      ArnEquals: { 'aws:SourceArn': bus },
    }),
    allowTo(EVENTS, 'EventBusCheck', 'kms:DescribeKey', '*', { StringEquals: account }),
    // By account alone: AWS says aws:SourceArn is not supported here for topics, and says nothing of queues. The queue's own
    // policy names the rule.
    allowTo(EVENTS, 'EventsToQueue', ENVELOPE_ACTIONS, '*', { StringEquals: account }),
  ];
}

/** What the queues of a zone are made from. */
export interface WorkProps extends Pick<ZoneFacts, 'system' | 'zone' | 'declared' | 'place' | 'key'> {
  /** The zone's functions, by their names in the declaration. */
  functions: ReadonlyMap<string, LambdaFunction>;
}

/**
 * Adds the queues that a zone's functions work on, each with dead letters and a delivery in batches that may fail in part, and where
 * events enter the zone a bus of its own with a rule for each queue of theirs. An event is worked on at least once or ends in
 * one of two queues that keep it 14 days: the dead letters (the function failed; its audit says why, by message id) or the undelivered
 * (EventBridge could not queue it). `suffix` of a queue, the end of its name, ends the names of its alarms.
 */
export function addWork(scope: Construct, { system, zone, declared, place, key, functions }: WorkProps) {
  const names = eventNames(system.name, zone);
  const queues = zoneQueues(system.name, zone, declared);
  const rules = queues.flatMap(({ rule }) => rule?.name ?? []);
  const entry = hasBus(declared)
    ? addBus(new Construct(scope, 'Events'), place, names, rules, key)
    : undefined;
  const own = new Construct(scope, 'Queues');
  const worked = queues.map(({ name, rule, reader, queue, deadLetters }) => {
    // Ids of the zone's own events begin with nothing, for they were there first.
    const of = rule && declared.events?.function === reader ? '' : (name ?? reader);
    const prefix = of && `${of}-`;
    const handler = required(functions.get(reader), `The function ${reader}`);
    const made = addQueue(rule && entry ? entry.scope : own, prefix, { queue, deadLetters }, key, handler);
    if (rule) entry?.route(`${prefix}Rule`, rule, made.queue);
    return { suffix: of && queue.slice(names.bus.length), ...made };
  });
  return { worked, busName: entry?.busName, undelivered: entry?.undelivered };
}

/** A zone's bus, and the queue of what could not be put into another. */
function addBus(scope: Construct, place: Place, names: EventNames, rules: readonly string[], key: IKey) {
  // Under a key of SQS's own: what a fault of the zone's key kept from the queue must still find a place here.
  const undelivered = createQueue(scope, 'Undelivered', names.undelivered, 14);
  // EventBridge on behalf of the rule, and of the bus for what it can't encrypt or decrypt.
  const accept = (to: Queue, sources: readonly string[]) => {
    const from = {
      StringEquals: { 'aws:SourceAccount': place.account },
      ArnEquals: { 'aws:SourceArn': sources },
    };
    to.addToResourcePolicy(allowTo(EVENTS, 'FromEventBridge', 'sqs:SendMessage', to.queueArn, from));
  };
  accept(undelivered, [...rules.map((rule) => ruleArn(place, names, rule)), busArn(place, names)]);
  const bus = new CfnEventBus(scope, 'Bus', {
    name: names.bus,
    description: 'Events of this zone; they may name patients, so the zone key encrypts them.',
    kmsKeyIdentifier: key.keyArn,
    deadLetterConfig: { arn: undelivered.queueArn },
  });
  const route = (id: string, { name, ...events }: NonNullable<ZoneQueue['rule']>, queue: Queue) => {
    accept(queue, [ruleArn(place, names, name)]);
    const rule = new CfnRule(scope, id, {
      name,
      eventBusName: bus.ref,
      eventPattern: eventPatternOf(events),
      targets: [
        {
          id: 'queue',
          arn: queue.queueArn,
          deadLetterConfig: { arn: undelivered.queueArn },
          retryPolicy: { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 },
        },
      ],
    });
    // Until the queue's policy stands, every event would go astray.
    rule.node.addDependency(queue, undelivered);
  };
  return { scope, busName: bus.ref, undelivered, route };
}

type QueueNames = Pick<ZoneQueue, 'queue' | 'deadLetters'>;

function addQueue(scope: Construct, prefix: string, names: QueueNames, key: IKey, handler: LambdaFunction) {
  const deadLetters = createQueue(scope, `${prefix}DeadLetters`, names.deadLetters, 14, { key });
  // Hidden six times as long as the function may take, as Lambda asks for.
  const seconds = 6 * (handler.timeout?.toSeconds() ?? EVENT_TIMEOUT_SECONDS);
  const queue = createQueue(scope, `${prefix}Queue`, names.queue, 4, { key, deadLetters, seconds });
  new EventSourceMapping(scope, `${prefix}Delivery`, {
    target: handler,
    eventSourceArn: queue.queueArn,
    batchSize: 10,
    reportBatchItemFailures: true,
    maxConcurrency: EVENT_CONCURRENCY,
  });
  return { queue, deadLetters };
}

function createQueue(
  scope: Construct,
  id: string,
  queueName: string,
  days: number,
  of: { key?: IKey; deadLetters?: Queue; seconds?: number } = {},
): Queue {
  const { key, deadLetters, seconds = 6 * EVENT_TIMEOUT_SECONDS } = of;
  return new Queue(scope, id, {
    queueName,
    encryption: key ? QueueEncryption.KMS : QueueEncryption.SQS_MANAGED,
    ...(key ? { encryptionMasterKey: key } : {}),
    enforceSSL: true,
    removalPolicy: RemovalPolicy.DESTROY,
    retentionPeriod: Duration.days(days),
    visibilityTimeout: Duration.seconds(seconds),
    ...(deadLetters ? { deadLetterQueue: { queue: deadLetters, maxReceiveCount: MAX_RECEIVES } } : {}),
  });
}
