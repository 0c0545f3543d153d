import type { AwsCaller } from '@helseid-zones/client/aws';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { parseJson } from '@helseid-zones/protocol/required';
import * as v from 'valibot';
import { eventNames, functionName } from '../declaration/names.ts';
import { eventPatternOf, isOfPattern, type ZoneQueue, zoneQueues } from '../declaration/own.ts';
import type { SystemDeclaration } from '../declaration/schema.ts';
import { escapeControls } from '../terminal.ts';
import type { Operator } from './operator.ts';
import type { KeyOptions } from './options.ts';

/** Messages that one run takes, and how many of a queue it names. */
const MOST = 500;
const NAMED = 15;

/** Seconds that a message which is looked at is hidden from others, if this program ends without giving it back. */
const HIDDEN = 300;

/** A message that failed, while nobody else sees it: `sent` in epoch milliseconds, the error's code from EventBridge. */
const letterSchema = v.pipe(
  v.object({
    ...{ MessageId: v.string(), ReceiptHandle: v.string(), Body: v.string() },
    Attributes: v.object({ SentTimestamp: v.pipe(v.string(), v.transform(Number)) }),
    MessageAttributes: v.optional(
      v.object({ ERROR_CODE: v.optional(v.object({ StringValue: v.string() })) }),
    ),
  }),
  v.transform(({ MessageId: id, ReceiptHandle: receipt, Body: body, Attributes, MessageAttributes }) => ({
    ...{ id, receipt, body, sent: Attributes.SentTimestamp },
    errorCode: MessageAttributes?.ERROR_CODE?.StringValue,
  })),
);
type Letter = v.InferOutput<typeof letterSchema>;
const answerSchema = v.object({ Messages: v.optional(v.array(letterSchema), []) });

/**
 * Shows what failed in a zone with queues, why as far as that is known here, and with `yes` puts it into its queue again: dead
 * letters, and undelivered events that a rule of the zone is for. Each is sent before it is deleted, so that one is done
 * twice rather than lost. Without `yes` everything is given back as it was. SQS's own redrive would do the first kind only.
 * @throws {ZonesError} config_invalid: no zone with queues; aws_refused and the like: what SQS answers
 */
export async function redrive(
  operator: Pick<Operator, 'system' | 'say' | 'aws' | 'logLines'>,
  { zone, yes }: Pick<KeyOptions, 'zone' | 'yes'>,
): Promise<void> {
  const { system, say } = operator;
  const { name, queues } = zoneWithQueues(system, zone);
  const sqs = openSqs(operator.aws);
  const reasonsOf = (reader: string) => (ids: readonly string[], since: number) =>
    operator.logLines(name, functionName(system.name, name, reader), 'messageId', ids, since);
  const behindRules = queues.filter(({ rule }) => rule !== undefined);
  const sources = [
    ...queues.map(({ deadLetters: from, queue, reader }) => ({ from, reader, to: () => [queue] })),
    ...behindRules.slice(0, 1).map(({ reader }) => ({
      ...{ from: eventNames(system.name, name).undelivered, reader },
      to: ({ body }: Letter) => behindRules.filter((of) => isOf(of, body)).map(({ queue }) => queue),
    })),
  ];
  const moved = new Map<string, number>();
  for (const { from, reader, to } of sources) {
    const url = await sqs.url(from);
    const letters = await sqs.take(url);
    const going = letters.filter((letter) => to(letter).length > 0);
    const held = new Set(letters);
    try {
      for (const line of await describe(from, letters, reasonsOf(reader))) say(escapeControls(line));
      const staying = letters.length - going.length;
      if (staying > 0) say(`  ${staying} stay: no rule of zone ${name} is for such an event.`);
      for (const letter of yes ? going : []) {
        for (const queue of to(letter)) {
          await sqs.send(await sqs.url(queue), letter.body);
          moved.set(queue, (moved.get(queue) ?? 0) + 1);
        }
        held.delete(letter);
        await sqs.delete(url, letter.receipt);
      }
    } finally {
      // One that can't be given back comes back by itself.
      await Promise.allSettled([...held].map(({ receipt }) => sqs.giveBack(url, receipt)));
    }
  }
  for (const { queue } of yes ? queues : []) say(`${moved.get(queue) ?? 0} put into ${queue}.`);
  if (!yes) say('Nothing was moved: say --yes to send them again.');
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
function isOf({ rule }: ZoneQueue, body: string): boolean {
  return rule !== undefined && isOfPattern(Object(parseJson(body)), eventPatternOf(rule));
}

/** How many, since when, and why. Never what they say: they may name patients. */
async function describe(
  queue: string,
  letters: readonly Letter[],
  readLines: (ids: readonly string[], since: number) => Promise<string[]>,
): Promise<string[]> {
  const [oldest] = letters;
  if (oldest === undefined) return [`${queue}: empty.`];
  const shown = letters.slice(0, NAMED);
  const lines = await readLines(
    shown.map(({ id }) => id),
    oldest.sent,
  );
  const logged = new Map(
    lines.map((line) => Object(parseJson(line))).map(({ messageId, reason }) => [messageId, reason]),
  );
  const why = ({ id, errorCode }: Letter) => errorCode ?? logged.get(id) ?? 'its reason is not in the log';
  const date = (time: number) => new Date(time).toISOString();
  const more = letters.length < MOST ? '' : ', and perhaps more: run it again after these';
  return [
    `${queue}: ${letters.length}${more}; the oldest is of ${date(oldest.sent)}.`,
    ...shown.map((letter) => `  ${letter.id}  ${date(letter.sent)}  ${why(letter)}`),
    ...(letters.length > NAMED ? [`  and ${letters.length - NAMED} more`] : []),
  ];
}

/** SQS, as far as a redrive needs it. Each call may be made twice: a duplicate is worked on twice, which does no harm. */
function openSqs(aws: AwsCaller) {
  const call = (operation: string, input: object) =>
    aws.json({ service: 'sqs', target: `AmazonSQS.${operation}`, input, repeatable: true });

  async function receive(QueueUrl: string): Promise<Letter[]> {
    const answer = await call('ReceiveMessage', {
      ...{ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: HIDDEN },
      // Without waiting SQS looks at some of its servers only, and an empty answer says nothing.
      ...{ WaitTimeSeconds: 1, MessageSystemAttributeNames: ['SentTimestamp'] },
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
    /** What lies in a queue and nobody works on, the oldest first; hidden from others from now on. */
    async take(queue: string): Promise<Letter[]> {
      const letters: Letter[] = [];
      while (letters.length < MOST) {
        const some = await receive(queue);
        if (some.length === 0) break;
        letters.push(...some);
      }
      return letters.sort((one, other) => one.sent - other.sent);
    },
    send: (QueueUrl: string, MessageBody: string) => call('SendMessage', { QueueUrl, MessageBody }),
    delete: (QueueUrl: string, ReceiptHandle: string) => call('DeleteMessage', { QueueUrl, ReceiptHandle }),
    giveBack: (QueueUrl: string, ReceiptHandle: string) =>
      call('ChangeMessageVisibility', { QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }),
  };
}
