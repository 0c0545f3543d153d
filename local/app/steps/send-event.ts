import { randomInt, randomUUID } from 'node:crypto';
import { isOrganizationNumber } from '@helseid-zones/protocol/details';
import { eventNames } from '../../../infra/declaration/names.ts';
import { callJson } from '../../aws/aws-client.ts';
import type { TrailLine } from '../../aws/trail.ts';
import type { LocalSystem } from '../system.ts';
import { operatorAccess, sampleZone } from './facts.ts';
import { readSample, type SampleEvent } from './sample.ts';
import { stepFailed } from './step.ts';

const PATIENCE = 30_000;

/** The sample event about a document that nobody has sent before, on behalf of `organization`. */
export function newDocumentEvent(organization: string): SampleEvent {
  const event = readSample();
  event.detail.organization = organization;
  event.detail.document.masterIdentifier.value = `urn:uuid:${randomUUID()}`;
  return event;
}

/** An organisation number that is right by its check digit and, most likely, nobody's. */
export function makeOrganizationNumber(): string {
  for (;;) {
    const number = String(randomInt(100_000_000, 1_000_000_000));
    if (isOrganizationNumber(number)) return number;
  }
}

/** Puts an event on the zone's bus as the operator and waits until its function has said what became of it. Throws where it failed. */
export async function sendEvent(system: LocalSystem, organization: string): Promise<TrailLine> {
  const { zone, functionName } = sampleZone(system);
  const event = newDocumentEvent(organization);
  const entry = {
    EventBusName: eventNames(system.declaration.name, zone).bus,
    Source: event.source,
    DetailType: event['detail-type'],
    Detail: JSON.stringify(event.detail),
  };
  const outcome = waitForOutcome(system);
  const { body, error } = await callJson(operatorAccess(system), 'events', 'AWSEvents.PutEvents', {
    Entries: [entry],
  });
  const [result] = (body as { Entries?: { EventId?: string; ErrorMessage?: string }[] }).Entries ?? [];
  if (result?.EventId === undefined) {
    outcome.cancel();
    throw stepFailed(`the event was refused: ${error?.message ?? result?.ErrorMessage ?? 'no reason given'}`);
  }
  const line = await outcome.of(result.EventId);
  if (line.fields['message'] !== 'document.submitted') {
    throw stepFailed(
      `the function failed: ${JSON.stringify(line.fields['error'] ?? line.fields['message'])}`,
    );
  }
  // The line is written before the function is done; the next event shall find it warm and free.
  await system.aws.pool.idle(functionName);
  return line;
}

/** Watches the trail from before the event is sent. */
function waitForOutcome({ trail, logs }: LocalSystem) {
  const seen = new Map<string, TrailLine>();
  let wanted: { id: string; resolve(line: TrailLine): void } | undefined;
  const cancel = trail.subscribe((line) => {
    const id = line.fields['eventId'];
    if (line.kind !== 'log' || typeof id !== 'string') return;
    seen.set(id, line);
    if (wanted?.id === id) wanted.resolve(line);
  });
  return {
    cancel,
    async of(id: string): Promise<TrailLine> {
      const timer = Promise.withResolvers<never>();
      const timeout = setTimeout(
        () => timer.reject(stepFailed(`no outcome within ${PATIENCE / 1000} s; see ${logs}`)),
        PATIENCE,
      );
      const line = new Promise<TrailLine>((resolve) => {
        const known = seen.get(id);
        if (known !== undefined) resolve(known);
        wanted = { id, resolve };
      });
      try {
        return await Promise.race([line, timer.promise]);
      } finally {
        clearTimeout(timeout);
        cancel();
      }
    },
  };
}
