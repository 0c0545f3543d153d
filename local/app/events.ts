import { randomInt, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeNetworkFailure } from '@helseid-zones/client/errors';
import { isOrganizationNumber } from '@helseid-zones/protocol/details';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import * as v from 'valibot';
import { eventPatternOf, isOfPattern } from '../../infra/declaration/event-pattern.ts';
import { zoneQueues } from '../../infra/declaration/function-resources.ts';
import type { SystemDeclaration } from '../../infra/declaration/schema.ts';
import { type AwsAccess, callJson } from '../aws/aws-client.ts';
import type { TrailLine } from '../aws/trail.ts';

/** An EventBridge event as `npm run send` takes it. */
export type EventFile = v.InferOutput<typeof eventFile>;

const eventFile = v.object({ source: v.string(), 'detail-type': v.string(), detail: v.looseObject({}) });

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

/**
 * The events in a folder, one a JSON file with source, detail-type and detail; other files are left alone. They are what steps and
 * page send. None where there is no such folder.
 */
export function readSamples(folder: string) {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return files.flatMap((name) => {
    try {
      const file = join(folder, name);
      return [{ file, event: readEvent(file) }];
    } catch (error) {
      if (isZonesError(error, 'event_invalid')) return [];
      throw error;
    }
  });
}

/**
 * An event as it is sent: `{{uuid}}` and `{{organization}}` in its texts replaced, so that it can be about something new each
 * time, on behalf of somebody new.
 */
export function fillIn(event: EventFile, organization = makeOrganizationNumber()): EventFile {
  const text = JSON.stringify(event)
    .replaceAll('{{uuid}}', randomUUID())
    .replaceAll('{{organization}}', organization);
  return v.parse(eventFile, JSON.parse(text));
}

/** What each zone takes from its bus, and by which function: an entry a function. */
export function eventEntries({ zones }: Pick<SystemDeclaration, 'zones'>) {
  return Object.entries(zones).flatMap(([zone, declared]) =>
    zoneQueues('', zone, declared).flatMap(({ rule, reader }) =>
      rule ? [{ ...rule, zone, function: reader }] : [],
    ),
  );
}

/** The entry that takes an event. */
export function findEntry(declaration: Pick<SystemDeclaration, 'zones'>, event: EventFile) {
  return eventEntries(declaration).find((entry) => isOfPattern(event, eventPatternOf(entry)));
}

/** What became of an event at a zone's function, as the trail tells: `done`, `failed` and `not deleted` are Lambda's. */
export function isOutcome({ kind, fields }: TrailLine, eventId: string): boolean {
  return kind === 'platform' && fields['event'] === 'event-source' && fields['eventId'] === eventId;
}

/** For what talks to a running local system from outside: its own errors as they are, what `fetch` does not send as that, any other as its absence. */
export function notRunning(cause: unknown): never {
  if (isZonesError(cause)) throw cause;
  const unsent = cause instanceof TypeError && describeNetworkFailure(cause).network === undefined;
  const message = unsent
    ? `The request can't be sent: ${(cause.cause instanceof Error ? cause.cause : cause).message}`
    : 'The local system does not answer; is it still running?';
  throw new ZonesError('local_failed', message, { cause });
}

/** An organisation number that is right by its check digit and, most likely, nobody's. */
export function makeOrganizationNumber(): string {
  for (;;) {
    const number = String(randomInt(100_000_000, 1_000_000_000));
    if (isOrganizationNumber(number)) return number;
  }
}
