import type { Call } from '../call.ts';
import type { KeyStore } from '../kms/keys.ts';
import type { FunctionPool, RunnableFunction } from '../runtime/pool.ts';
import type { Trail } from '../trail.ts';
import { requireQueue, useQueueKey } from './access.ts';
import type { Queue, StoredMessage } from './queues.ts';
import { md5 } from './service.ts';

/** An event source mapping from a queue to a function. */
export interface EventSource {
  queue: Queue;
  of: RunnableFunction;
  batchSize: number;
  /** Batches worked on at one time. */
  concurrency: number;
  /** `ReportBatchItemFailures`: the function may name the messages that failed. */
  reportsFailures: boolean;
}

/** What pollers need. */
export interface EventSourceDeps {
  pool: FunctionPool;
  keys: KeyStore;
  trail: Trail;
  region: string;
  /** The call that Lambda makes for the mapping with the function's role, from outside the zone's VPC. */
  callFor(of: RunnableFunction): Call;
  /** Milliseconds until the next try after polling was refused (default 10 s). */
  backoff?: number;
}

/**
 * Polls a queue for a function as Lambda does: batches, up to `concurrency` at one time; messages that succeeded are deleted, the
 * others come back after the visibility timeout. Resolves, once `signal` is aborted, when no batch is being worked on.
 */
export async function pollQueue(
  deps: EventSourceDeps,
  source: EventSource,
  signal: AbortSignal,
): Promise<void> {
  const working = new Set<Promise<void>>();
  while (!signal.aborted) {
    if (working.size >= source.concurrency) await Promise.race(working);
    const batch = await receive(deps, source, signal);
    if (batch.length === 0) {
      await source.queue.arrival(signal);
      continue;
    }
    const work: Promise<void> = workOn(deps, source, batch).finally(() => working.delete(work));
    working.add(work);
  }
  await Promise.all(working);
}

async function receive(
  deps: EventSourceDeps,
  source: EventSource,
  signal: AbortSignal,
): Promise<StoredMessage[]> {
  const { queue, of } = source;
  if (queue.messages().length === 0) return [];
  try {
    const call = deps.callFor(of);
    for (const action of ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'])
      requireQueue(call, queue, action);
    useQueueKey(deps.keys, call, queue, 'receive', deps.region);
    return queue.receive(source.batchSize);
  } catch (cause) {
    note(deps, of, { outcome: 'polling refused', error: String(cause) });
    await pause(deps.backoff ?? 10_000, signal);
    return [];
  }
}

async function workOn(
  deps: EventSourceDeps,
  source: EventSource,
  batch: readonly StoredMessage[],
): Promise<void> {
  const failures = await invoke(deps, source, batch);
  for (const { id, receipt = '' } of batch) {
    if (failures.has(id)) continue;
    try {
      source.queue.delete(receipt);
    } catch (cause) {
      // It was handed out again meanwhile, since the function took longer than the visibility timeout.
      note(deps, source.of, { outcome: 'not deleted', message: id, error: String(cause) });
    }
  }
  if (failures.size > 0) note(deps, source.of, { outcome: 'failed', messages: [...failures] });
}

/** Ids of the messages that failed: all of them where the function failed or its answer makes no sense. */
async function invoke(
  deps: EventSourceDeps,
  { of, queue, reportsFailures }: EventSource,
  batch: readonly StoredMessage[],
): Promise<Set<string>> {
  const ids = batch.map(({ id }) => id);
  const event = { Records: batch.map((message) => toRecord(message, queue.settings.arn, deps.region)) };
  try {
    const { payload, functionError } = await deps.pool.invoke(of, Buffer.from(JSON.stringify(event)));
    if (functionError !== undefined) return new Set(ids);
    return reportsFailures ? reportedFailures(payload, ids) : new Set();
  } catch {
    return new Set(ids);
  }
}

function reportedFailures(payload: Buffer, ids: readonly string[]): Set<string> {
  const answer: unknown = JSON.parse(payload.toString());
  const list = (answer as { batchItemFailures?: unknown } | null)?.batchItemFailures ?? [];
  if (!Array.isArray(list)) return new Set(ids);
  const named = list.map((item: unknown) => (item as { itemIdentifier?: unknown } | null)?.itemIdentifier);
  return named.every((id): id is string => typeof id === 'string' && ids.includes(id))
    ? new Set(named)
    : new Set(ids);
}

function toRecord(message: StoredMessage, arn: string, region: string): object {
  return {
    messageId: message.id,
    receiptHandle: message.receipt,
    body: message.body,
    attributes: {
      ApproximateReceiveCount: String(message.receives),
      SentTimestamp: String(message.sent),
      SenderId: 'AIDAEXAMPLE',
      ApproximateFirstReceiveTimestamp: String(message.firstReceived),
    },
    messageAttributes: {},
    md5OfBody: md5(message.body),
    eventSource: 'aws:sqs',
    eventSourceARN: arn,
    awsRegion: region,
  };
}

function note({ trail }: EventSourceDeps, of: RunnableFunction, fields: Record<string, unknown>): void {
  trail.add({
    kind: 'platform',
    function: of.name,
    ...(of.zone === undefined ? {} : { zone: of.zone }),
    fields: { event: 'event-source', ...fields },
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
