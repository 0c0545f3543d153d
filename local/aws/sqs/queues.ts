import { randomUUID } from 'node:crypto';
import { AwsError } from '../errors.ts';
import type { Document } from '../state.ts';

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
export interface QueueSettings {
  name: string;
  arn: string;
  url: string;
  visibilityTimeout: number;
  retention: number;
  kmsKeyId?: string | undefined;
  redrive?: { deadLetterArn: string; maxReceiveCount: number } | undefined;
}

/** A standard queue: at least once, in no order that may be relied on. */
export interface Queue {
  settings: QueueSettings;
  /** `moved` keeps id and age of a message that comes from another queue, as redriving does. */
  send(body: string, moved?: Pick<StoredMessage, 'id' | 'sent'>): StoredMessage;
  /** Up to `max` visible messages, hidden from now on for `hidden` seconds, or else the queue's visibility timeout. Those received too often go to the dead-letter queue. */
  receive(max: number, hidden?: number): StoredMessage[];
  /** Throws `ReceiptHandleIsInvalid` for a receipt that is not the message's last. */
  delete(receipt: string): void;
  messages(): readonly StoredMessage[];
  /** How many can be received now, and how many are hidden until a receiver's visibility timeout has passed. */
  count(): { visible: number; inFlight: number };
  /** Resolves when a message may be visible: at once, after `send`, or when the next hidden one comes back. */
  arrival(signal: AbortSignal): Promise<void>;
}

/** The queues of the template by ARN, with what the state has in them. */
export interface QueueTable {
  list(): readonly Queue[];
  /**
   * By ARN, URL or name.
   * @throws {AwsError} QueueDoesNotExist
   */
  find(name: string): Queue;
}

/** Opens the queues that the template declares. `now` is in epoch milliseconds. */
export function openQueues(
  document: Document<{ queues: Record<string, StoredMessage[]> }>,
  declared: readonly QueueSettings[],
  now: () => number,
): QueueTable {
  const queues: Queue[] = declared.map((settings) =>
    openQueue(document, settings, now, (arn) => table.find(arn)),
  );
  const table: QueueTable = {
    list: () => queues,
    find(name) {
      const queue = queues.find(({ settings: { arn, url, name: own } }) => [arn, url, own].includes(name));
      if (queue === undefined) {
        throw new AwsError('QueueDoesNotExist', `The specified queue does not exist: ${name}`);
      }
      return queue;
    },
  };
  return table;
}

function openQueue(
  document: Document<{ queues: Record<string, StoredMessage[]> }>,
  settings: QueueSettings,
  now: () => number,
  find: (arn: string) => Queue,
): Queue {
  const waiting = new Set<() => void>();
  const all = () => document.value.queues[settings.arn] ?? [];
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
    count() {
      const kept = all().filter(isKept);
      const visible = kept.filter((message) => message.visible <= now()).length;
      return { visible, inFlight: kept.length - visible };
    },
    send(body, { id, sent } = { id: randomUUID(), sent: now() }) {
      const message: StoredMessage = { id, body, sent, receives: 0, visible: now() };
      replace([...all(), message]);
      for (const wake of waiting) wake();
      return message;
    },
    receive(max, hidden = settings.visibilityTimeout) {
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
    delete(receipt) {
      const rest = all().filter((message) => message.receipt !== receipt);
      if (rest.length === all().length) {
        throw new AwsError('ReceiptHandleIsInvalid', 'The specified receipt handle is not valid.');
      }
      replace(rest);
    },
    arrival(signal) {
      const next = Math.min(...all().map(({ visible }) => visible));
      if (next <= now() || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
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
