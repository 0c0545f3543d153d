import { randomUUID } from 'node:crypto';
import { AwsError } from '../errors.ts';
import type { Document } from '../state.ts';
import type { readQueues } from '../template/resources.ts';

/** One message, as it is stored. Times are epoch milliseconds. */
export interface StoredMessage {
  id: string;
  body: string;
  sent: number;
  receives: number;
  firstReceived?: number;
  /** Hidden until then. */
  visible: number;
  /** Of the last receive; an older one is worth nothing. */
  receipt?: string;
}

/** What the template says of a queue. Times are seconds. */
export type QueueSettings = ReturnType<typeof readQueues>[number];

/** A standard queue: at least once, in no order that may be relied on. */
export type Queue = ReturnType<QueueTable['find']>;

/** The queues of the template by ARN, with what the state has in them. */
export type QueueTable = ReturnType<typeof openQueues>;

/** Opens the queues that the template declares. `now` is in epoch milliseconds. */
export function openQueues(
  document: Document<{ queues: Record<string, StoredMessage[]> }>,
  declared: readonly QueueSettings[],
  now: () => number,
) {
  const queues = declared.map(openQueue);

  /**
   * By ARN, URL (of whichever origin) or name.
   * @throws {AwsError} QueueDoesNotExist
   */
  function find(name: string) {
    const queue = queues.find(
      ({ settings: { arn, name: own } }) => arn === name || name.split('/').at(-1) === own,
    );
    if (queue === undefined)
      throw new AwsError('QueueDoesNotExist', `The specified queue does not exist: ${name}`);
    return queue;
  }

  function openQueue(settings: QueueSettings) {
    const waiting = new Set<() => void>();
    const all = (): StoredMessage[] => document.value.queues[settings.arn] ?? [];
    const replace = (messages: StoredMessage[]) => {
      document.value.queues[settings.arn] = messages;
      document.save();
    };

    const isKept = ({ sent }: StoredMessage) => sent + settings.retention * 1000 > now();

    /** Moves what was received too often, so that it is never handed out again. */
    function redrive(messages: StoredMessage[]): StoredMessage[] {
      const { redrive: rule } = settings;
      if (rule === undefined) return messages;
      const dead = messages.filter(
        ({ receives, visible }) => receives >= rule.maxReceiveCount && visible <= now(),
      );
      if (dead.length === 0) return messages;
      replace(all().filter((message) => !dead.includes(message)));
      for (const message of dead) find(rule.deadLetterArn).send(message.body, message);
      return messages.filter((message) => !dead.includes(message));
    }

    return {
      settings,
      messages: all,
      /** How many can be received now, and how many are hidden until a receiver's visibility timeout has passed. */
      count() {
        const kept = all().filter(isKept);
        const visible = kept.filter((message) => message.visible <= now()).length;
        return { visible, inFlight: kept.length - visible };
      },
      /** The second argument keeps id and age of a message that comes from another queue, as redriving does. */
      send(body: string, { id, sent } = { id: randomUUID() as string, sent: now() }): StoredMessage {
        const message: StoredMessage = { id, body, sent, receives: 0, visible: now() };
        replace([...all(), message]);
        for (const wake of waiting) wake();
        return message;
      },
      /** Up to `max` visible messages, hidden from now on for `hidden` seconds. Those received too often go to the dead-letter queue. */
      receive(max: number, hidden = settings.visibilityTimeout) {
        const kept = all().filter(isKept);
        const ready = redrive(kept).filter(({ visible }) => visible <= now());
        const batch = ready.slice(0, max);
        for (const message of batch) {
          message.receives += 1;
          message.firstReceived ??= now();
          message.visible = now() + hidden * 1000;
          message.receipt = randomUUID();
        }
        if (batch.length > 0 || kept.length < all().length)
          replace(all().filter((message) => kept.includes(message)));
        return batch;
      },
      /** Hides a message for so many seconds from now. @throws {AwsError} ReceiptHandleIsInvalid: it is not the message's last */
      hide(receipt: string, seconds: number) {
        const message = all().find((each) => each.receipt === receipt);
        if (message === undefined) throw invalidReceipt();
        message.visible = now() + seconds * 1000;
        replace([...all()]);
        for (const wake of waiting) wake();
      },
      purge: () => replace([]),
      /** @throws {AwsError} ReceiptHandleIsInvalid: it is not the message's last */
      delete(receipt: string) {
        const rest = all().filter((message) => message.receipt !== receipt);
        if (rest.length === all().length) throw invalidReceipt();
        replace(rest);
      },
      /** Resolves when a message may be visible: at once, after `send`, or when the next hidden one comes back. */
      arrival(signal: AbortSignal): Promise<void> {
        const next = Math.min(...all().map(({ visible }) => visible));
        if (next <= now() || signal.aborted) return Promise.resolve();
        return new Promise<void>((resolve) => {
          const timer = Number.isFinite(next) ? setTimeout(() => done(), next - now()) : undefined;
          const done = () => {
            clearTimeout(timer);
            waiting.delete(done);
            signal.removeEventListener('abort', done);
            resolve();
          };
          waiting.add(done);
          signal.addEventListener('abort', done);
        });
      },
    };
  }

  return { find };
}

function invalidReceipt(): AwsError {
  return new AwsError('ReceiptHandleIsInvalid', 'The specified receipt handle is not valid.');
}
