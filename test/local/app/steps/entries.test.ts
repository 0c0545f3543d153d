import { expect, onTestFinished, test } from 'vitest';
import { readSamples } from '../../../../local/app/events.ts';
import { sendEvent } from '../../../../local/app/steps/entries.ts';
import type { LocalSystem } from '../../../../local/app/system.ts';
import { listen } from '../../../../local/aws/http.ts';
import { createTrail } from '../../../../local/aws/trail.ts';
import shipped from '../../../two-clients.zones.ts';

/** A system whose worker is done with each event; `clientId` is whose call its APIs take meanwhile, if any. */
async function start(clientId: string | undefined, outcome = 'done') {
  const trail = createTrail(Date.now);
  const calls: object[] = [{ clientId: grantOf('internal'), path: '/before' }];
  const { url, close } = await listen((_, response) => {
    if (clientId !== undefined) calls.push({ clientId, path: '/now' });
    trail.add({ kind: 'platform', fields: { event: 'event-source', eventId: 'e', outcome } });
    response.end(JSON.stringify({ FailedEntryCount: 0, Entries: [{ EventId: 'e' }] }));
  });
  onTestFinished(close);
  const aws = {
    ...{ publicUrl: url, region: 'eu-north-1', functions: [], pool: { idle: async () => {} } },
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
