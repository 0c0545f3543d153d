import { randomInt, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isOrganizationNumber } from '@helseid-zones/protocol/details';
import { ZonesError } from '@helseid-zones/protocol/errors';
import * as v from 'valibot';
import { type AwsAccess, callJson } from '../aws/aws-client.ts';

/** An EventBridge event as `npm run send` takes it. */
export type EventFile = v.InferOutput<typeof eventFile>;

const eventFile = v.object({
  source: v.string(),
  'detail-type': v.string(),
  detail: v.looseObject({}),
});

/**
 * Reads an event from a file.
 * @throws {ZonesError} event_invalid: it can't be read, is no JSON, or lacks what every event has
 */
export function readEvent(file: string | URL): EventFile {
  try {
    return v.parse(eventFile, JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    const why = v.isValiError(cause)
      ? 'needs source, detail-type and detail, as an EventBridge event has them'
      : cause instanceof SyntaxError
        ? 'is no JSON'
        : `can't be read (${(cause as Error).message})`;
    throw new ZonesError('event_invalid', `${file} ${why}.`, { cause });
  }
}

/**
 * Puts an event on a bus; resolves to its id.
 * @throws {ZonesError} event_invalid: EventBridge takes it not, in its words
 */
export async function putEvent(access: AwsAccess, bus: string, event: EventFile): Promise<string> {
  const entry = {
    EventBusName: bus,
    Source: event.source,
    DetailType: event['detail-type'],
    Detail: JSON.stringify(event.detail),
  };
  const { body, error } = await callJson(access, 'events', 'AWSEvents.PutEvents', { Entries: [entry] });
  const [result] = (body as { Entries?: { EventId?: string; ErrorMessage?: string }[] }).Entries ?? [];
  if (result?.EventId !== undefined) return result.EventId;
  throw new ZonesError('event_invalid', error?.message ?? result?.ErrorMessage ?? 'The event was refused.');
}

/** The sample event of the repository: a new journal document, as FHIR R4 DocumentReference. */
export function readSample(): EventFile {
  return readEvent(new URL('../../examples/document-created.json', import.meta.url));
}

/** The sample event about a document that nobody has sent before, on behalf of `organization`. */
export function newDocumentEvent(organization: string): EventFile {
  const sample = readSample();
  const { document } = sample.detail as { document: { masterIdentifier: object } };
  const masterIdentifier = { ...document.masterIdentifier, value: `urn:uuid:${randomUUID()}` };
  return {
    ...sample,
    detail: { ...sample.detail, organization, document: { ...document, masterIdentifier } },
  };
}

/** An organisation number that is right by its check digit and, most likely, nobody's. */
export function makeOrganizationNumber(): string {
  for (;;) {
    const number = String(randomInt(100_000_000, 1_000_000_000));
    if (isOrganizationNumber(number)) return number;
  }
}
