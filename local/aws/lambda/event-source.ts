import { hash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import * as v from 'valibot';
import { objectOf, parseJson } from '../../../infra/proof/assembly/json.ts';
import { beginCall } from '../call.ts';
import type { AwsContext } from '../context.ts';
import { describeFailure } from '../runtime/instance.ts';
import type { StoredMessage } from '../sqs/queues.ts';
import { queueNeed, useQueueKey } from '../sqs/service.ts';
import type { EventSource } from '../template/resources.ts';
import { inTrace } from '../trace.ts';

/** Milliseconds until the next try after polling was refused. */
const BACKOFF = 10_000;

const FAILURES = v.nullish(v.array(v.object({ itemIdentifier: v.string() })), []);
const ANSWER = v.nullish(v.object({ batchItemFailures: FAILURES }), {});

/**
 * Polls a queue for a function as Lambda does: batches, up to `concurrency` at one time; messages that succeeded are deleted, the
 * others come back after the visibility timeout. Resolves, once `signal` is aborted, when no batch is being worked on.
 */
export async function pollQueue(deps: AwsContext, source: EventSource, signal: AbortSignal) {
  const { account, region, now, pool, trail } = deps;
  const queue = deps.queues.find(source.queueArn);
  const of = deps.functions.find(source.functionName);
  const working = new Set<Promise<void>>();

  function note(fields: Record<string, unknown>): void {
    const { name, zone } = of;
    trail.add({ kind: 'platform', function: name, zone, fields: { event: 'event-source', ...fields } });
  }

  /** Lambda polls with the function's role, but not from its VPC, and it is not the function's code that calls. */
  async function receive(): Promise<StoredMessage[]> {
    if (queue.messages().length === 0) return [];
    const session = `arn:aws:sts::${account}:assumed-role/${of.roleArn.split('/').at(-1)}/${of.name}`;
    const caller = { kind: 'role', arn: of.roleArn, account, session } as const;
    try {
      const call = beginCall(deps, caller);
      for (const action of ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'])
        call.require(queueNeed(action, queue));
      useQueueKey(deps, call, queue, 'receive');
      return queue.receive(source.batchSize);
    } catch (cause) {
      note({ outcome: 'polling refused', error: String(cause) });
      await setTimeout(BACKOFF, undefined, { signal }).catch(() => {});
      return [];
    }
  }

  async function workOn(batch: readonly StoredMessage[]): Promise<void> {
    const { failures, error } = await invoke(batch);
    for (const { id, receipt = '', receives, body } of batch) {
      // `eventId` is the event's that EventBridge put into the queue, by which `npm run send` finds it again.
      const about = { message: id, eventId: objectOf(parseJson(body))['id'], receives };
      if (failures.has(id)) {
        note({ outcome: 'failed', ...about, error });
        continue;
      }
      try {
        queue.delete(receipt);
        note({ outcome: 'done', ...about });
      } catch (cause) {
        // It was handed out again meanwhile, since the function took longer than the visibility timeout.
        note({ outcome: 'not deleted', ...about, error: String(cause) });
      }
    }
  }

  /** Ids of the messages that failed: all of them where the function failed or its answer makes no sense, with what it failed of. */
  async function invoke(batch: readonly StoredMessage[]): Promise<{ failures: Set<string>; error?: string }> {
    const ids = batch.map(({ id }) => id);
    const allFailed = (error: string) => ({ failures: new Set(ids), error });
    const event = { Records: batch.map((message) => toRecord(message, queue.settings.arn, region)) };
    try {
      const invoked = await pool.invoke(of, Buffer.from(JSON.stringify(event)));
      if (invoked.functionError !== undefined) return allFailed(describeFailure(invoked));
      if (!source.reportsFailures) return { failures: new Set() };
      const { batchItemFailures } = v.parse(ANSWER, JSON.parse(invoked.payload.toString()));
      const named = batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
      if (named.every((id) => ids.includes(id))) return { failures: new Set(named) };
      return allFailed('its batchItemFailures name what was not in the batch, so all failed');
    } catch (cause) {
      // What it answered is no JSON, or none of the form that is meant.
      const nonsense = cause instanceof SyntaxError || v.isValiError(cause);
      const meant = '{ batchItemFailures: [{ itemIdentifier: messageId }] } is';
      const why = `what it answered makes no sense, so all failed: ${meant} meant`;
      return allFailed(nonsense ? why : String(cause));
    }
  }

  while (!signal.aborted) {
    if (working.size >= source.concurrency) await Promise.race(working);
    const batch = await receive();
    if (batch.length === 0) {
      await queue.arrival(signal);
      continue;
    }
    const work: Promise<void> = inTrace(undefined, now(), () => workOn(batch)).finally(() =>
      working.delete(work),
    );
    working.add(work);
  }
  await Promise.all(working);
}

function toRecord(message: StoredMessage, arn: string, region: string): object {
  return {
    messageId: message.id,
    receiptHandle: message.receipt,
    body: message.body,
    messageAttributes: {},
    attributes: {
      ApproximateReceiveCount: String(message.receives),
      SentTimestamp: String(message.sent),
      SenderId: 'AIDAEXAMPLE',
      ApproximateFirstReceiveTimestamp: String(message.firstReceived),
    },
    md5OfBody: hash('md5', message.body),
    eventSource: 'aws:sqs',
    eventSourceARN: arn,
    awsRegion: region,
  };
}
