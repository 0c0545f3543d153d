import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import {
  IdempotencyConfig,
  IdempotencyPersistenceLayerError,
  makeIdempotent,
} from '@aws-lambda-powertools/idempotency';
import type { BasePersistenceLayer } from '@aws-lambda-powertools/idempotency/persistence';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { type DocumentEvent, parseDocumentEvent } from './event.ts';
import type { Submission } from './submit.ts';

/** What the worker works with. */
interface WorkerDeps {
  submit(event: DocumentEvent): Promise<Submission>;
  persistence: BasePersistenceLayer;
  /** One line a message: a stable code and facts; no document, no person. */
  audit(code: 'document.submitted' | 'document.failed', facts: Readonly<Record<string, unknown>>): void;
}

/** Seconds in which the same document again is not submitted again: as long as a message can live in the queue. */
const REMEMBER_SECONDS = 4 * 24 * 3600;

/**
 * Works on a batch of queue messages, each on its own: who fails comes again and ends in the dead-letter queue, its reason in
 * the audit by message id. The same document twice (by identifier and organisation) is submitted once; the same identifier
 * with another document fails.
 */
export function createWorker(
  deps: WorkerDeps,
): (event: SQSEvent, context: Context) => Promise<SQSBatchResponse> {
  const config = new IdempotencyConfig({
    eventKeyJmesPath: '[organization, identifier.system, identifier.value]',
    payloadValidationJmesPath: 'document',
    throwOnNoIdempotencyKey: true,
    expiresAfterSeconds: REMEMBER_SECONDS,
    hashFunction: 'sha256',
  });
  const submitOnce = makeIdempotent(async (event: DocumentEvent) => ({ ...(await deps.submit(event)) }), {
    persistenceStore: deps.persistence,
    config,
    keyPrefix: 'document',
  });

  async function work(record: SQSRecord): Promise<void> {
    const facts: Record<string, unknown> = { messageId: record.messageId };
    try {
      const event = parseDocumentEvent(record.body);
      facts['eventId'] = event.id;
      const { status } = await submitOnce(event);
      deps.audit('document.submitted', { ...facts, status });
    } catch (error) {
      deps.audit('document.failed', { ...facts, ...describe(error) });
      throw error;
    }
  }

  return async (event, context) => {
    config.registerLambdaContext(context);
    return processPartialResponse(event, work, new BatchProcessor(EventType.SQS), {
      context,
      // Every message of a batch failing is no failure of the function.
      throwOnFullBatchFailure: false,
    });
  };
}

/** Powertools' own errors carry the key they met, so of those only the name is told; one about the table, its cause. */
function describe(error: unknown): Record<string, unknown> {
  if (error instanceof IdempotencyPersistenceLayerError && error.cause instanceof ZonesError)
    return describe(error.cause);
  if (error instanceof ZonesError) return { ...error.facts, reason: error.code, message: error.message };
  return { reason: error instanceof Error ? error.name : 'unknown' };
}
