import type { AwsCaller } from '@helseid-zones/client/aws';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { parseJson } from '@helseid-zones/protocol/values';
import * as v from 'valibot';
import { eventPatternOf, isOfPattern } from '../declaration/event-pattern.ts';
import { type ZoneQueue, zoneQueues } from '../declaration/function-resources.ts';
import { eventNames, functionName } from '../declaration/names.ts';
import type { SystemDeclaration } from '../declaration/schema.ts';
import { escapeControls } from '../terminal.ts';
import type { Operator } from './operator.ts';
import type { KeyOptions } from './options.ts';

/** Messages that one run takes, and how many of a queue it names. */
const MOST = 500;
const NAMED = 15;

/** Seconds that a message which is looked at is hidden from others, if this program is killed; what takes longer hides it again. */
const HIDDEN = 60;

/** They ask to end: what is held is given back first. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const number = v.pipe(v.string(), v.transform(Number), v.number());

/** A message that failed, while nobody else sees it: when it was sent, in epoch milliseconds, and the error's code from EventBridge. */
const letterSchema = v.object({
  MessageId: v.string(),
  ReceiptHandle: v.string(),
  Body: v.string(),
  Attributes: v.object({ SentTimestamp: number }),
  MessageAttributes: v.optional(v.object({ ERROR_CODE: v.optional(v.object({ StringValue: v.string() })) })),
});
type Letter = v.InferOutput<typeof letterSchema>;
const sentAt = ({ Attributes }: Letter) => Attributes.SentTimestamp;
const answerSchema = v.object({ Messages: v.optional(v.array(letterSchema), []) });

/** How many a queue has, that can be received and that are hidden. */
const COUNTS = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
const countsSchema = v.object({ Attributes: v.object(v.entriesFromList(COUNTS, number)) });

/**
 * Shows what failed in a zone with queues, why as far as that is known here, and with `yes` puts it into its queue again: dead
 * letters, and undelivered events that a rule of the zone is for. Each is sent before it is deleted, so that one is done
 * twice rather than lost. Whatever is not moved is given back, also where a signal ends this. SQS's own redrive would do the first
 * kind only.
 * @throws {ZonesError} config_invalid: no zone with queues; aws_refused and the like: what SQS answers; request_aborted: by a signal
 */
export async function redrive(
  operator: Pick<Operator, 'system' | 'say' | 'aws' | 'logLines' | 'clock'>,
  { zone, yes }: Pick<KeyOptions, 'zone' | 'yes'>,
): Promise<void> {
  const { system, say, clock } = operator;
  const { name, queues } = zoneWithQueues(system, zone);
  const sqs = openSqs(operator.aws);
  const reasonsOf = (reader: string) => (ids: readonly string[], since: number) =>
    operator.logLines(name, functionName(system.name, name, reader), 'messageId', ids, since);
  const behindRules = queues.filter(({ rule }) => rule !== undefined);
  const sources = [
    ...queues.map(({ deadLetters: from, queue, reader }) => ({ from, reader, to: () => [queue] })),
    ...behindRules.slice(0, 1).map(({ reader }) => ({
      from: eventNames(system.name, name).undelivered,
      reader,
      to: ({ Body }: Letter) => behindRules.filter((of) => isOf(of, Body)).map(({ queue }) => queue),
    })),
  ];
  const moved = new Map<string, number>();
  let waiting = 0;
  using stop = untilSignal(say);
  for (const { from, reader, to } of sources) {
    const url = await sqs.url(from);
    const held = new Map<string, Letter>();
    /** One that can't be given back comes back by itself. */
    const hide = (seconds: number) =>
      Promise.allSettled(
        [...held.values()].map(({ ReceiptHandle }) => sqs.hide(url, ReceiptHandle, seconds)),
      );
    try {
      await sqs.take(url, held, stop.signal);
      let since = clock.now();
      const rest = Math.max(0, (await sqs.count(url)) - held.size);
      const letters = [...held.values()].sort((one, other) => sentAt(one) - sentAt(other));
      const until = 1000 * (since + HIDDEN);
      for (const line of await describe(from, { letters, rest, until }, reasonsOf(reader)))
        say(escapeControls(line));
      const going = letters.filter((letter) => to(letter).length > 0);
      const staying = letters.length - going.length;
      if (staying > 0) say(`  ${staying} stay: no rule of zone ${name} is for such an event.`);
      if (!yes) waiting += going.length;
      for (const letter of yes ? going : []) {
        stop.signal.throwIfAborted();
        if (clock.now() - since > HIDDEN / 2) {
          await hide(HIDDEN);
          since = clock.now();
        }
        for (const queue of to(letter)) {
          await sqs.send(await sqs.url(queue), letter.Body);
          moved.set(queue, (moved.get(queue) ?? 0) + 1);
        }
        held.delete(letter.MessageId);
        await sqs.delete(url, letter.ReceiptHandle);
      }
    } finally {
      await hide(0);
    }
  }
  for (const { queue } of yes ? queues : []) say(`${moved.get(queue) ?? 0} put into ${queue}.`);
  if (waiting > 0) say('Nothing was moved: say --yes to send them again.');
}

/** Until it is disposed of, the first signal aborts instead of ending this process; a second, of whichever kind, ends it. */
function untilSignal(say: Operator['say']): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  const forget = () => {
    for (const name of SIGNALS) process.off(name, stop);
  };
  const stop = (name: NodeJS.Signals) => {
    forget();
    say('Ending: what was not moved is given back.');
    const message = `Ended by ${name}; what was not moved is where it was. Run it again for the rest.`;
    controller.abort(new ZonesError('request_aborted', message));
  };
  for (const name of SIGNALS) process.on(name, stop);
  return { signal: controller.signal, [Symbol.dispose]: forget };
}

function zoneWithQueues({ name: system, zones }: SystemDeclaration, named: string | undefined) {
  const all = Object.entries(zones).flatMap(([name, zone]) => {
    const queues = zoneQueues(system, name, zone);
    return queues.length > 0 ? [{ name, queues }] : [];
  });
  const found = all.find(({ name }) => name === named);
  if (found) return found;
  const names = all.map(({ name }) => name).join(' | ') || 'none has events';
  const problem =
    named === undefined ? 'Say which zone' : `No events enter a zone ${named}; one of these they do`;
  throw new ZonesError('config_invalid', `${problem}: redrive ${names}.`);
}

/** Whether the rule before a queue would have put the event into it. */
const isOf = ({ rule }: ZoneQueue, body: string): boolean =>
  rule !== undefined && isOfPattern(Object(parseJson(body)), eventPatternOf(rule));

/** How many, since when, and why, and whether that is all. Never what they say: they may name patients. */
async function describe(
  queue: string,
  { letters, rest, until }: { letters: readonly Letter[]; rest: number; until: number },
  readLines: (ids: readonly string[], since: number) => Promise<string[]>,
): Promise<string[]> {
  const date = (time: number) => new Date(time).toISOString();
  const hidden = `  ${rest} more are hidden, by an earlier run until ${date(until)} at the latest: run it again then.`;
  const behind = letters.length < MOST ? hidden : `  ${rest} more: run it again after these.`;
  const unseen = rest === 0 ? [] : [behind];
  const [oldest] = letters;
  if (oldest === undefined) return [`${queue}: ${rest === 0 ? 'empty' : 'none in sight'}.`, ...unseen];
  const shown = letters.slice(0, NAMED);
  const lines = await readLines(
    shown.map(({ MessageId }) => MessageId),
    sentAt(oldest),
  );
  const logged = new Map(
    lines.map((line) => Object(parseJson(line))).map(({ messageId, reason }) => [messageId, reason]),
  );
  const why = ({ MessageId, MessageAttributes: of }: Letter) =>
    of?.ERROR_CODE?.StringValue ?? logged.get(MessageId) ?? 'its reason is not in the log';
  const all = rest === 0 ? ', all that is in it' : '';
  return [
    `${queue}: ${letters.length}${all}; the oldest is of ${date(sentAt(oldest))}.`,
    ...shown.map((letter) => `  ${letter.MessageId}  ${date(sentAt(letter))}  ${why(letter)}`),
    ...(letters.length > NAMED ? [`  and ${letters.length - NAMED} more`] : []),
    ...unseen,
  ];
}

/** SQS, as far as a redrive needs it. Each call may be made twice: a duplicate is worked on twice, which does no harm. */
function openSqs(aws: AwsCaller) {
  const call = (operation: string, input: object) =>
    aws.json({ service: 'sqs', target: `AmazonSQS.${operation}`, input, repeatable: true });

  async function receive(QueueUrl: string): Promise<Letter[]> {
    const answer = await call('ReceiveMessage', {
      QueueUrl,
      MaxNumberOfMessages: 10,
      VisibilityTimeout: HIDDEN,
      // Without waiting SQS looks at some of its servers only, and an empty answer says nothing.
      WaitTimeSeconds: 1,
      MessageSystemAttributeNames: ['SentTimestamp'],
      MessageAttributeNames: ['ERROR_CODE'],
    });
    return v.parse(answerSchema, answer).Messages;
  }

  return {
    async url(QueueName: string): Promise<string> {
      const answer = await call('GetQueueUrl', { QueueName }).catch((cause: unknown) => {
        if (!isZonesError(cause, 'aws_refused')) throw cause;
        const message = `No queue ${QueueName} for these credentials (${cause.facts['error']}): whoever redrives needs the zone's own account and its region.`;
        throw new ZonesError('aws_refused', message, { cause, facts: cause.facts });
      });
      return v.parse(v.object({ QueueUrl: v.string() }), answer).QueueUrl;
    },
    /** Adds what lies in a queue and nobody works on, hidden from others from now on. */
    async take(queue: string, held: Map<string, Letter>, signal: AbortSignal): Promise<void> {
      for (let news = true; news && held.size < MOST; ) {
        signal.throwIfAborted();
        const some = await receive(queue);
        news = some.some(({ MessageId }) => !held.has(MessageId));
        for (const letter of some) held.set(letter.MessageId, letter);
      }
    },
    /** How many there are, hidden or not: SQS counts some seconds late, and a message that is hidden meanwhile stays counted. */
    async count(QueueUrl: string): Promise<number> {
      const answer = await call('GetQueueAttributes', { QueueUrl, AttributeNames: COUNTS });
      const { Attributes } = v.parse(countsSchema, answer);
      return Object.values(Attributes).reduce((sum, each) => sum + each);
    },
    send: (QueueUrl: string, MessageBody: string) => call('SendMessage', { QueueUrl, MessageBody }),
    delete: (QueueUrl: string, ReceiptHandle: string) => call('DeleteMessage', { QueueUrl, ReceiptHandle }),
    hide: (QueueUrl: string, ReceiptHandle: string, VisibilityTimeout: number) =>
      call('ChangeMessageVisibility', { QueueUrl, ReceiptHandle, VisibilityTimeout }),
  };
}
