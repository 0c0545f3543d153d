import { expect, onTestFinished, test } from 'vitest';
import { readSamples } from '../../../../local/app/events.ts';
import { runSteps } from '../../../../local/app/once.ts';
import { eventToApi, sendEvent } from '../../../../local/app/steps/entries.ts';
import { callingZone, otherZone } from '../../../../local/app/steps/facts.ts';
import { deadLetterRings } from '../../../../local/app/steps/faults.ts';
import type { LocalSystem } from '../../../../local/app/system.ts';
import { listen } from '../../../../local/aws/http.ts';
import { createTrail } from '../../../../local/aws/trail.ts';
import own from '../../../own-things.zones.ts';
import shipped from '../../../two-clients.zones.ts';

/** A system whose worker is done with each event; `clientId` is whose call its APIs take meanwhile, if any. */
async function start(clientId: string | undefined, outcome = 'done', asks = true) {
  const trail = createTrail(Date.now);
  const calls: object[] = [{ clientId: grantOf('internal'), path: '/before' }];
  const { url, close } = await listen((_, response) => {
    if (asks)
      trail.add({ kind: 'log', function: 'journal-signer-submission-internal', fields: { code: 'signed' } });
    if (clientId !== undefined) calls.push({ clientId, path: '/now' });
    trail.add({ kind: 'platform', fields: { event: 'event-source', eventId: 'e', outcome } });
    response.end(JSON.stringify({ FailedEntryCount: 0, Entries: [{ EventId: 'e' }] }));
  });
  onTestFinished(close);
  const aws = {
    publicUrl: url,
    region: 'eu-north-1',
    functions: [],
    pool: { idle: async () => {} },
    operator: { accessKeyId: 'a', secretAccessKey: 'b' },
  };
  const standIns = { apis: { get: () => ({ calls }) } };
  const system = { declaration: shipped, samples: readSamples('examples'), aws, trail, standIns };
  return system as unknown as LocalSystem;
}

const grantOf = (zone: string) => shipped.clients[shipped.zones[zone]?.grants[0]?.client ?? '']?.clientId;

test('an event is done where its function has called an API', async () => {
  const { calls } = await sendEvent(await start(grantOf('internal')));
  expect(calls).toEqual([expect.objectContaining({ path: '/now' })]);
});

test.each([
  ['its function swallowed the failure of its call', undefined],
  ['another client alone called', 'somebody-else'],
])('and not where %s', async (_, clientId) => {
  await expect(sendEvent(await start(clientId))).rejects.toThrow('is done, but called no API');
});

test('nor where its function failed', async () => {
  await expect(sendEvent(await start(grantOf('internal'), 'failed'))).rejects.toThrow('failed: it says');
});

test('where its function asks for no signature it is done without a call, and steps about calls do not fit', async () => {
  const system = await start(undefined, 'done', false);
  expect(await sendEvent(system)).toMatchObject({ calls: [], signedFor: undefined });
  const steps = await runSteps(system, [eventToApi, deadLetterRings]);
  const skipped = [{ name: 'event-to-api' }, { name: 'dead-letter-rings' }];
  expect(steps).toMatchObject({ steps: [], skipped });
  expect(steps.skipped[0]?.why).toBe('journal-internal-worker has nothing signed for the sample event');
});

test('a zone whose function takes events of its own calls APIs, and so does one that is only started by a schedule', () => {
  const { internal } = own.zones;
  const { events: _, ...rest } = internal;
  const zones = {
    one: rest,
    two: { ...rest, functions: { nightly: { ...internal.functions.labels, events: undefined } } },
  };
  const system = { declaration: { ...own, zones }, aws: { functions: [] } } as unknown as LocalSystem;
  expect(callingZone(system).functionName).toBe('journal-one-summary');
  expect(otherZone(system).functionName).toBe('journal-two-nightly');
});
