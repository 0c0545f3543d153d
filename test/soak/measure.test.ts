import { connect, createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { findGrowth, measure, processorTime, type Sample } from './measure.ts';

/** What `findGrowth` says of one process with so many samples. */
function growthOf(count: number, sample: (at: number) => Partial<Sample>): string[] {
  const all = Array.from({ length: count }, (_, at) => ({ memory: 100, sockets: 5, ...sample(at) }));
  return findGrowth(new Map([['signer (1)', all]])).grown;
}

/** From 0 to 1, the same each time. */
const noise = (at: number) => ((at * 7919) % 101) / 101;

describe('a process over its life', () => {
  test.each<[string, (at: number) => Partial<Sample>]>([
    ['flat', () => ({})],
    ['noisy', (at) => ({ memory: 100 + 80 * noise(at), sockets: 5 + 40 * noise(at) })],
    ['high for a moment, early or late', (at) => (at % 90 === 80 ? { memory: 900, sockets: 300 } : {})],
    ['growing while it gets warm', (at) => ({ memory: at < 5 ? 20 * at : 100, sockets: Math.min(at, 5) })],
    ['a little larger', (at) => ({ memory: 100 + at / 10, sockets: 5 + at / 20 })],
    ['smaller', (at) => ({ memory: 400 - at })],
  ])('is flat where it is %s', (_, sample) => {
    expect(growthOf(300, sample)).toEqual([]);
  });

  test.each<[string, (at: number) => Partial<Sample>, string]>([
    ['memory', (at) => ({ memory: 100 + at }), 'signer (1): memory from 154 to 351 MiB'],
    ['memory under noise', (at) => ({ memory: 100 + at + 80 * noise(at) }), 'signer (1): memory'],
    ['sockets', (at) => ({ sockets: 5 + at / 3 }), 'signer (1): sockets from 23 to 89'],
    ['memory in steps', (at) => ({ memory: at < 150 ? 100 : 200 }), 'signer (1): memory from 100 to 200 MiB'],
  ])('grows in %s', (_, sample, what) => {
    const grown = growthOf(300, sample);
    expect(grown).toEqual([expect.stringContaining(what)]);
  });

  test('says nothing with too few samples, and which ones had enough', () => {
    const samples = (count: number) =>
      Array.from({ length: count }, (_, at) => ({ memory: 100 + 10 * at, sockets: 5 }));
    const { grown, measured } = findGrowth(
      new Map([
        ['one', samples(34)],
        ['other', samples(35)],
      ]),
    );
    expect(measured).toEqual(['other']);
    expect(grown).toEqual([expect.stringContaining('other: memory')]);
  });
});

test.runIf(process.platform === 'linux')('a process is measured with its sockets', async () => {
  const before = measure('self');
  expect(before?.memory).toBeGreaterThan(10);
  await using server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const sockets = Array.from({ length: 5 }, () => connect(port, '127.0.0.1'));
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  expect(measure('self')?.sockets).toBeGreaterThanOrEqual((before?.sockets ?? 0) + 6);
  for (const socket of sockets) socket.destroy();
  expect(measure(2 ** 22 + 1)).toBe(undefined);
});

test.runIf(process.platform === 'linux')(
  'a process is told how long it ran and waited for a processor',
  () => {
    const before = processorTime('self');
    for (const end = performance.now() + 30; performance.now() < end; );
    const after = processorTime('self');
    const spent = ({ ran = 0, waited = 0 } = {}) => ran + waited;
    expect(before?.ran).toBeGreaterThan(0);
    expect(spent(after) - spent(before)).toBeGreaterThan(0.015);
    expect(processorTime(2 ** 22 + 1)).toBe(undefined);
  },
);
