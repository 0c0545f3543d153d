import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { CfnEventBus, CfnRule } from 'aws-cdk-lib/aws-events';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { EventSourceMapping, type IFunction } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { EVENT_CONCURRENCY } from '../declaration/concurrency.ts';
import type { EventNames } from '../declaration/names.ts';
import type { ZoneDeclaration } from '../declaration/schema.ts';
import type { Place } from './arns.ts';
import { allowTo, ENVELOPE_ACTIONS } from './statements.ts';

/** Seconds the function may take for a batch; the queue hides a message six times as long, as Lambda asks for. */
export const EVENT_TIMEOUT_SECONDS = 30;

/** How often a message is tried before it is a dead letter. */
const MAX_RECEIVES = 5;

function busArn({ region, account }: Place, { bus }: EventNames): string {
  return `arn:aws:events:${region}:${account}:event-bus/${bus}`;
}

function ruleArn({ region, account }: Place, { bus, rule }: EventNames): string {
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

/** What an entry by events is made from. */
export interface EventEntryProps {
  place: Place;
  names: EventNames;
  key: IKey;
  events: NonNullable<ZoneDeclaration['events']>;
  handler: IFunction;
}

/**
 * A zone's entry by events: a bus of its own, a rule for what the declaration names, a queue, the function. An event is
 * worked on at least once or ends in one of two queues that keep it 14 days: the dead letters (the function failed;
 * its audit says why, by message id) or the undelivered (EventBridge could not queue it).
 */
export class EventEntry extends Construct {
  readonly busName: string;
  readonly deadLetters: Queue;
  readonly undelivered: Queue;

  constructor(scope: Construct, id: string, { place, names, key, events, handler }: EventEntryProps) {
    super(scope, id);
    const deadLetters = createQueue(this, 'DeadLetters', names.deadLetters, key);
    // Under a key of SQS's own: what a fault of the zone's key kept from the queue must still find a place here.
    const undelivered = createQueue(this, 'Undelivered', names.undelivered);
    const queue = createQueue(this, 'Queue', names.queue, key, deadLetters);
    const [fromRule, fromBus] = [ruleArn(place, names), busArn(place, names)];
    const accept = (to: Queue, sources: readonly string[]) =>
      to.addToResourcePolicy(
        allowTo(EVENTS, 'FromEventBridge', 'sqs:SendMessage', to.queueArn, fromEvents(place, sources)),
      );
    accept(queue, [fromRule]);
    accept(undelivered, [fromRule, fromBus]);
    const bus = new CfnEventBus(this, 'Bus', {
      name: names.bus,
      description: 'Events of this zone; they may name patients, so the zone key encrypts them.',
      kmsKeyIdentifier: key.keyArn,
      deadLetterConfig: { arn: undelivered.queueArn },
    });
    const rule = new CfnRule(this, 'Rule', {
      name: names.rule,
      eventBusName: bus.ref,
      eventPattern: { source: events.sources, 'detail-type': events.detailTypes },
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
    new EventSourceMapping(this, 'Delivery', {
      target: handler,
      eventSourceArn: queue.queueArn,
      batchSize: 10,
      reportBatchItemFailures: true,
      maxConcurrency: EVENT_CONCURRENCY,
    });
    this.busName = bus.ref;
    this.deadLetters = deadLetters;
    this.undelivered = undelivered;
  }
}

function createQueue(
  scope: Construct,
  id: string,
  queueName: string,
  key?: IKey,
  deadLetters?: Queue,
): Queue {
  return new Queue(scope, id, {
    queueName,
    ...(key
      ? { encryption: QueueEncryption.KMS, encryptionMasterKey: key }
      : { encryption: QueueEncryption.SQS_MANAGED }),
    enforceSSL: true,
    removalPolicy: RemovalPolicy.DESTROY,
    retentionPeriod: Duration.days(deadLetters ? 4 : 14),
    visibilityTimeout: Duration.seconds(6 * EVENT_TIMEOUT_SECONDS),
    ...(deadLetters ? { deadLetterQueue: { queue: deadLetters, maxReceiveCount: MAX_RECEIVES } } : {}),
  });
}
