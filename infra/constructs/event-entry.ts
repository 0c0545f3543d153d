import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { CfnEventBus, CfnRule } from 'aws-cdk-lib/aws-events';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { EventSourceMapping, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { EVENT_CONCURRENCY } from '../declaration/concurrency.ts';
import type { EventNames } from '../declaration/names.ts';
import { EVENT_TIMEOUT_SECONDS, eventPatternOf, type ZoneQueue } from '../declaration/own.ts';
import type { Place } from './arns.ts';
import { allowTo, ENVELOPE_ACTIONS } from './statements.ts';

/** How often a message is tried before it is a dead letter. */
const MAX_RECEIVES = 5;

function busArn({ region, account }: Place, { bus }: EventNames): string {
  return `arn:aws:events:${region}:${account}:event-bus/${bus}`;
}

function ruleArn({ region, account }: Place, { bus }: EventNames, rule: string): string {
  return `arn:aws:events:${region}:${account}:rule/${bus}/${rule}`;
}

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

/** EventBridge on behalf of the rule, and of the bus for what it can't encrypt or decrypt. */
function fromEvents(place: Place, sources: readonly string[]) {
  return {
    StringEquals: { 'aws:SourceAccount': place.account },
    ArnEquals: { 'aws:SourceArn': sources },
  };
}

/** A queue of a zone and the function that gets its messages. */
export interface WorkProps {
  key: IKey;
  names: Pick<ZoneQueue, 'queue' | 'deadLetters'>;
  handler: LambdaFunction;
}

/** What an entry by events is made from. */
export interface EventEntryProps {
  place: Place;
  names: EventNames;
  key: IKey;
  /** What is behind its rules. The ids of the zone's own begin with nothing, for they were there first. */
  work: readonly (WorkProps & { prefix: string; rule: NonNullable<ZoneQueue['rule']> })[];
}

/**
 * A zone's entry by events: a bus of its own and, for what each function takes, a rule, a queue, the function. An event is
 * worked on at least once or ends in one of two queues that keep it 14 days: the dead letters (the function failed;
 * its audit says why, by message id) or the undelivered (EventBridge could not queue it).
 */
export class EventEntry extends Construct {
  readonly busName: string;
  readonly undelivered: Queue;
  /** Each queue by its name, with its dead letters. */
  readonly queues = new Map<string, { queue: Queue; deadLetters: Queue }>();

  constructor(scope: Construct, id: string, { place, names, key, work }: EventEntryProps) {
    super(scope, id);
    // Under a key of SQS's own: what a fault of the zone's key kept from the queue must still find a place here.
    const undelivered = createQueue(this, 'Undelivered', names.undelivered, 14);
    const accept = (to: Queue, sources: readonly string[]) =>
      to.addToResourcePolicy(
        allowTo(EVENTS, 'FromEventBridge', 'sqs:SendMessage', to.queueArn, fromEvents(place, sources)),
      );
    accept(undelivered, [...work.map(({ rule }) => ruleArn(place, names, rule.name)), busArn(place, names)]);
    const bus = new CfnEventBus(this, 'Bus', {
      name: names.bus,
      description: 'Events of this zone; they may name patients, so the zone key encrypts them.',
      kmsKeyIdentifier: key.keyArn,
      deadLetterConfig: { arn: undelivered.queueArn },
    });
    for (const { prefix, rule: events, ...props } of work) {
      const made = addWork(this, prefix, props);
      const { queue } = made;
      this.queues.set(props.names.queue, made);
      accept(queue, [ruleArn(place, names, events.name)]);
      const rule = new CfnRule(this, `${prefix}Rule`, {
        name: events.name,
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
    }
    this.busName = bus.ref;
    this.undelivered = undelivered;
  }
}

/** Adds a queue with its dead letters and its delivery to the function, in batches that may fail in part. */
export function addWork(scope: Construct, prefix: string, { key, names, handler }: WorkProps) {
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
  {
    key,
    deadLetters,
    seconds = 6 * EVENT_TIMEOUT_SECONDS,
  }: { key?: IKey; deadLetters?: Queue; seconds?: number } = {},
): Queue {
  return new Queue(scope, id, {
    queueName,
    ...(key
      ? { encryption: QueueEncryption.KMS, encryptionMasterKey: key }
      : { encryption: QueueEncryption.SQS_MANAGED }),
    enforceSSL: true,
    removalPolicy: RemovalPolicy.DESTROY,
    retentionPeriod: Duration.days(days),
    visibilityTimeout: Duration.seconds(seconds),
    ...(deadLetters ? { deadLetterQueue: { queue: deadLetters, maxReceiveCount: MAX_RECEIVES } } : {}),
  });
}
