import { randomUUID } from 'node:crypto';
import { isZonesError } from '@helseid-zones/protocol/errors';
import * as v from 'valibot';
import { isOfPattern } from '../../../infra/declaration/event-pattern.ts';
import { isObject, parseJson } from '../../../infra/proof/assembly/json.ts';
import { type Call, serviceCall } from '../call.ts';
import type { AwsContext } from '../context.ts';
import { AwsError, toAwsError } from '../errors.ts';
import { useKey } from '../kms/keys.ts';
import { requireInvoke } from '../lambda/service.ts';
import { type Emulator, jsonEmulator, operation, parseInput, text, texts } from '../operation.ts';
import type { RunnableFunction } from '../runtime/pool.ts';
import { queueNeed, useQueueKey } from '../sqs/service.ts';
import type { Bus, Rule } from '../template/resources.ts';
import { startSchedules } from './schedule.ts';

const SERVICE = 'events.amazonaws.com';

/** What EventBridge has. */
type EventsModel = { buses: readonly Bus[]; rules: readonly Rule[] };

const entrySchema = v.strictObject({
  Source: text(256),
  DetailType: text(128),
  Detail: text(1_048_576),
  EventBusName: v.optional(text()),
  Resources: texts,
  Time: v.optional(v.number()),
});
/** What `PutEvents` takes: an entry that is wrong is answered for itself, once whoever sends it may. */
const anEntry = v.looseObject({
  Source: v.optional(v.string()),
  DetailType: v.optional(v.string()),
  EventBusName: v.optional(text(), 'default'),
});
const entriesSchema = v.pipe(v.array(anEntry), v.minLength(1), v.maxLength(10));

/** The local EventBridge: `PutEvents` on the buses of the template, and rules on a schedule. */
export function startEvents(model: EventsModel, context: AwsContext): Emulator {
  const busOf = (name: string): Bus => {
    const bus = model.buses.find((candidate) => candidate.name === name || candidate.arn === name);
    if (bus !== undefined) return bus;
    throw new AwsError('ResourceNotFoundException', `Event bus ${name} does not exist.`);
  };
  const PutEvents = operation(
    { Entries: entriesSchema },
    ({ Entries }) =>
      Entries.map(({ Source, DetailType, EventBusName }) => ({
        action: 'events:PutEvents',
        resource: busOf(EventBusName).arn,
        context: { 'events:source': Source, 'events:detail-type': DetailType },
      })),
    ({ Entries: given }) => {
      const Entries = given.map((entry) => putEntry(model, context, busOf(entry.EventBusName), entry));
      return { FailedEntryCount: Entries.filter((entry) => 'ErrorCode' in entry).length, Entries };
    },
  );
  const schedules = model.rules.flatMap((rule) => {
    const what = {
      source: 'aws.events',
      'detail-type': 'Scheduled Event',
      resources: [rule.arn],
      detail: {},
    };
    const run = () => {
      try {
        deliver(context, rule, toEvent(context, what));
      } catch (cause) {
        note(context, rule, { outcome: 'lost', error: String(cause) });
      }
    };
    return rule.schedule === undefined ? [] : [{ expression: rule.schedule, run }];
  });
  return jsonEmulator(
    { name: 'events', target: 'AWSEvents', version: '1.1', operations: { PutEvents } },
    startSchedules(schedules, context.now),
  );
}

function putEntry(model: EventsModel, context: AwsContext, bus: Bus, entry: object): object {
  try {
    const { Source, DetailType, Detail, Resources, Time } = parseInput(entrySchema, entry, 'PutEvents');
    if (Source.startsWith('aws.'))
      throw new AwsError('NotAuthorizedForSourceException', 'Not authorized for the source.');
    const detail = parseJson(Detail);
    if (!isObject(detail)) throw new AwsError('MalformedDetail', 'Detail is malformed.');
    const what = { source: Source, 'detail-type': DetailType, resources: Resources, detail };
    const event = toEvent(context, what, Time === undefined ? undefined : Time * 1000);
    useBusKey(context, bus);
    const matching = model.rules.filter(
      ({ bus: of, pattern }) => of === bus.name && pattern !== undefined && isOfPattern(event, pattern),
    );
    for (const rule of matching) deliver(context, rule, event);
    return { EventId: event.id };
  } catch (cause) {
    if (!(cause instanceof AwsError || isZonesError(cause, 'local_failed'))) throw cause;
    const { code, message } = toAwsError(cause);
    return { ErrorCode: code, ErrorMessage: message };
  }
}

function toEvent({ account, region, now }: AwsContext, what: object, at = now()) {
  const time = new Date(at).toISOString().replace(/\.\d+/, '');
  return { version: '0', id: randomUUID(), account, region, time, ...what };
}

/** EventBridge encrypts events on a bus with the bus's key, for itself. */
function useBusKey(context: AwsContext, { arn, kmsKeyId }: Bus): void {
  useKey(context.keys, serviceCall(context, SERVICE, arn), kmsKeyId, {
    actions: ['kms:GenerateDataKey', 'kms:Decrypt'],
    encryptionContext: { 'aws:events:event-bus:arn': arn },
    refusal: { code: 'InternalException', message: "EventBridge can't use the key of the bus" },
  });
}

/**
 * Hands an event to a rule's targets as EventBridge does, with its own principal and the rule as source. What a target's
 * policy refuses goes to the target's dead-letter queue, or is lost and said so. Knows queues and functions.
 * @throws {ZonesError} local_failed: a queue can't be kept, and whoever sent the event must hear it
 */
function deliver(context: AwsContext, rule: Rule, event: object): void {
  const call = serviceCall(context, SERVICE, rule.arn);
  for (const { arn, input = JSON.stringify(event), deadLetterArn } of rule.targets) {
    const tryToSend = (target: string, outcome: string): boolean => {
      try {
        send(context, call, target, input);
        return true;
      } catch (cause) {
        if (!(cause instanceof AwsError)) throw cause;
        note(context, rule, { outcome, target, error: String(cause) });
        return false;
      }
    };
    if (tryToSend(arn, 'refused')) note(context, rule, { outcome: 'delivered', target: arn });
    else if (deadLetterArn !== undefined) tryToSend(deadLetterArn, 'lost');
  }
}

function note({ trail }: AwsContext, rule: Rule, fields: object): void {
  trail.add({ kind: 'platform', fields: { event: 'event-delivery', rule: rule.name, ...fields } });
}

/** Asynchronously, and once: AWS tries a function that fails twice more. */
async function invokeOnce({ pool, trail }: AwsContext, of: RunnableFunction, event: string): Promise<void> {
  const error = await pool.invoke(of, Buffer.from(event)).then(({ functionError }) => functionError, String);
  if (error === undefined) return;
  trail.add({ kind: 'platform', function: of.name, fields: { event: 'async-invocation', error } });
}

function send(context: AwsContext, call: Call, arn: string, body: string): void {
  if (arn.startsWith('arn:aws:lambda:')) {
    const of = context.functions.find(arn);
    requireInvoke(call, of);
    void invokeOnce(context, of, body);
    return;
  }
  const queue = context.queues.find(arn);
  call.require(queueNeed('SendMessage', queue));
  useQueueKey(context, call, queue, 'send');
  queue.send(body);
}
