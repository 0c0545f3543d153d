import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
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

  /** One save for all that belongs together. What can't be saved has not happened, here either. */
  function keep(changed: Readonly<Record<string, StoredMessage[]>>): void {
    const { queues: before } = document.value;
    document.value.queues = { ...before, ...changed };
    try {
      document.save();
    } catch (cause) {
      document.value.queues = before;
      throw cause;
    }
  }

  /**
   * By ARN, URL (of whichever origin) or name.
   * @throws {AwsError} QueueDoesNotExist
   */
  function find(name: string) {
    const last = name.split('/').at(-1);
    const queue = queues.find(({ settings: of }) => of.arn === name || of.name === last);
    if (queue === undefined)
      throw new AwsError('QueueDoesNotExist', `The specified queue does not exist: ${name}`);
    return queue;
  }

  function openQueue(settings: QueueSettings) {
    const arrivals = new EventEmitter();
    const all = (): StoredMessage[] => document.value.queues[settings.arn] ?? [];
    const replace = (messages: StoredMessage[]) => keep({ [settings.arn]: messages });
    const wake = () => void arrivals.emit('message');

    const isKept = ({ sent }: StoredMessage) => sent + settings.retention * 1000 > now();

    /** Moves what was received too often, so that it is never handed out again. */
    function redrive(messages: StoredMessage[]): StoredMessage[] {
      const { redrive: rule } = settings;
      if (rule === undefined) return messages;
      const dead = messages.filter((of) => of.receives >= rule.maxReceiveCount && of.visible <= now());
      if (dead.length === 0) return messages;
      const to = find(rule.deadLetterArn);
      // With id and age.
      const buried = dead.map(({ id, body, sent }) => ({ id, body, sent, receives: 0, visible: now() }));
      keep({
        [settings.arn]: all().filter((message) => !dead.includes(message)),
        [to.settings.arn]: [...to.messages(), ...buried],
      });
      to.wake();
      return messages.filter((message) => !dead.includes(message));
    }

    return {
      settings,
      messages: all,
      wake,
      /** How many can be received now, and how many are hidden until a receiver's visibility timeout has passed. */
      count() {
        const kept = all().filter(isKept);
        const visible = kept.filter((message) => message.visible <= now()).length;
        return { visible, inFlight: kept.length - visible };
      },
      send(body: string): StoredMessage {
        const message = { id: randomUUID(), body, sent: now(), receives: 0, visible: now() };
        replace([...all(), message]);
        wake();
        return message;
      },
      /** Up to `max` visible messages, hidden from now on for `hidden` seconds. Those received too often go to the dead-letter queue. */
      receive(max: number, hidden = settings.visibilityTimeout) {
        const kept = redrive(all().filter(isKept));
        const ready = kept.filter(({ visible }) => visible <= now());
        const batch = ready.slice(0, max).map((message) => ({
          firstReceived: now(),
          ...message,
          visible: now() + hidden * 1000,
          receives: message.receives + 1,
          receipt: randomUUID() as string,
        }));
        const changed = kept.map((message) => batch.find(({ id }) => id === message.id) ?? message);
        if (batch.length > 0 || kept.length < all().length) replace(changed);
        return batch;
      },
      /** Hides a message for so many seconds from now. @throws {AwsError} ReceiptHandleIsInvalid: it is not the message's last */
      hide(receipt: string, seconds: number) {
        const message = all().find((each) => each.receipt === receipt);
        if (message === undefined) throw invalidReceipt();
        const changed = { ...message, visible: now() + seconds * 1000 };
        replace(all().map((one) => (one === message ? changed : one)));
        wake();
      },
      purge: () => replace([]),
      /** @throws {AwsError} ReceiptHandleIsInvalid: it is not the message's last */
      delete(receipt: string) {
        const rest = all().filter((message) => message.receipt !== receipt);
        if (rest.length === all().length) throw invalidReceipt();
        replace(rest);
      },
      /** Resolves when a message may be visible: at once, after `send`, or when the next hidden one comes back. */
      async arrival(signal: AbortSignal): Promise<void> {
        const next = Math.min(...all().map(({ visible }) => visible));
        if (next <= now()) return;
        const back = Number.isFinite(next) ? [AbortSignal.timeout(next - now())] : [];
        await once(arrivals, 'message', { signal: AbortSignal.any([signal, ...back]) }).catch(() => {});
      },
    };
  }

  return { find };
}

function invalidReceipt(): AwsError {
  return new AwsError('ReceiptHandleIsInvalid', 'The specified receipt handle is not valid.');
}
