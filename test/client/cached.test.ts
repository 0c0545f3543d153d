import { createCached } from '@helseid-zones/client/cached';
import { expect, test } from 'vitest';

/** A source whose every reading waits for the test, and a clock that the test sets. */
function makeSource(options: { lifetime: number; grace?: number }) {
  const clock = { now: 0 };
  const readings: PromiseWithResolvers<string>[] = [];
  const read = () => {
    const reading = Promise.withResolvers<string>();
    readings.push(reading);
    return reading.promise;
  };
  return { clock, readings, cached: createCached({ ...options, read, now: () => clock.now }) };
}

test('callers at the same time share one reading', async () => {
  const { readings, cached } = makeSource({ lifetime: 10 });
  const both = Promise.all([cached.get(), cached.get()]);
  readings[0]?.resolve('a');
  expect(await both).toEqual(['a', 'a']);
  expect(readings.length).toBe(1);
});

test('of readings that overlap, the one that began last is kept', async () => {
  const { clock, readings, cached } = makeSource({ lifetime: 10 });
  const early = cached.get();
  clock.now = 1;
  const late = cached.getAgain(0);
  readings[1]?.resolve('late');
  readings[0]?.resolve('early');
  expect(await Promise.all([early, late])).toEqual(['early', 'late']);
  expect(await cached.get()).toBe('late');
});

test('a source that is down after a good read: what was read stays, and what was asked again is not asked for the cooldown', async () => {
  const { clock, readings, cached } = makeSource({ lifetime: 100 });
  const first = cached.get();
  readings[0]?.resolve('a');
  await first;
  const again = cached.getAgain(30);
  readings[1]?.reject(new Error('down'));
  await expect(again).rejects.toThrow('down');
  clock.now = 29;
  await expect(cached.getAgain(30)).rejects.toThrow('down');
  expect(await cached.get()).toBe('a');
  expect(readings.length).toBe(2);
  clock.now = 30;
  const third = cached.getAgain(30);
  readings[2]?.resolve('b');
  expect(await third).toBe('b');
  expect(await cached.get()).toBe('b');
});

test('a clock that is set back by an hour keeps nothing longer', async () => {
  const { clock, readings, cached } = makeSource({ lifetime: 10_000 });
  clock.now = 3_600_000;
  const first = cached.getAgain(30);
  readings[0]?.resolve('before');
  await first;
  clock.now = 1;
  const again = cached.getAgain(30);
  readings[1]?.resolve('after');
  expect([await again, await cached.get()]).toEqual(['after', 'after']);
  clock.now = 3_600_000;
  const anew = cached.get();
  clock.now = 1;
  readings[2]?.resolve('anew');
  expect(await anew).toBe('anew');
  clock.now = 20_000;
  const later = cached.get();
  readings[3]?.reject(new Error('down'));
  await expect(later).rejects.toThrow('down');
});
