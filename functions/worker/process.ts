import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import {
  IdempotencyConfig,
  IdempotencyPersistenceLayerError,
  makeIdempotent,
} from '@aws-lambda-powertools/idempotency';
import type { BasePersistenceLayer } from '@aws-lambda-powertools/idempotency/persistence';
import { describeError } from '@helseid-zones/client/log';
import type { ApiFetch } from '@helseid-zones/client/tokens';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { type DocumentEvent, parseDocumentEvent } from './event.ts';

/** What the worker works with. */
interface WorkerDeps {
  /** The documents API, called on behalf of an organisation. */
  documents: (organization: string) => ApiFetch;
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
export function createWorker(deps: WorkerDeps) {
  const config = new IdempotencyConfig({
    eventKeyJmesPath: '[organization, identifier.system, identifier.value]',
    payloadValidationJmesPath: 'document',
    throwOnNoIdempotencyKey: true,
    expiresAfterSeconds: REMEMBER_SECONDS,
    hashFunction: 'sha256',
  });
  const submitOnce = makeIdempotent((event: DocumentEvent) => submitDocument(deps, event), {
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

  return async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    config.registerLambdaContext(context);
    return processPartialResponse(event, work, new BatchProcessor(EventType.SQS), {
      context,
      // Every message of a batch failing is no failure of the function.
      throwOnFullBatchFailure: false,
    });
  };
}

/**
 * Submits a document to its API on behalf of the event's organisation. Safe to repeat: FHIR's conditional create
 * (`If-None-Exist`) makes the API keep one document an identifier. Resolves to the API's status: 201 made, 200 was there
 * already. Does not read the answer's body: it may name a person.
 *
 * @throws {ZonesError} api_refused: any other status, in the facts; and what the token client and the API call throw
 */
async function submitDocument({ documents }: WorkerDeps, event: DocumentEvent): Promise<{ status: number }> {
  const { system, value } = event.identifier;
  const response = await documents(event.organization)('/DocumentReference', {
    method: 'POST',
    headers: {
      accept: 'application/fhir+json',
      'content-type': 'application/fhir+json',
      'if-none-exist': new URLSearchParams({ identifier: `${system}|${value}` }).toString(),
    },
    body: JSON.stringify(event.document),
  });
  await response.body?.cancel();
  const { status } = response;
  if (status === 200 || status === 201) return { status };
  throw new ZonesError('api_refused', `The documents API answered ${status}; its operator can see why.`, {
    facts: { status },
  });
}

/** Powertools' own errors carry the key they met, so of those only the name is told; one about the table, its cause. */
function describe(error: unknown): Readonly<Record<string, unknown>> {
  return describeError(
    error instanceof IdempotencyPersistenceLayerError && isZonesError(error.cause) ? error.cause : error,
  );
}
