import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { untilAborted, withDeadline } from '../../client/http.ts';
import { failure } from './make-client.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Waits for ever, or until the signal fires. */
const hang = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

test('what takes too long is stopped', async () => {
  const stopped = expect(withDeadline(1000, undefined, hang)).rejects.toThrow('No answer within 1000 ms.');
  await vi.advanceTimersByTimeAsync(1000);
  await stopped;
});

test('the deadline ends with the work; the caller’s signal does not', async () => {
  const stop = new AbortController();
  const signal = await withDeadline(1000, stop.signal, async (given) => given);
  await vi.advanceTimersByTimeAsync(5000);
  expect(signal.aborted).toBe(false);
  stop.abort();
  expect(signal.aborted).toBe(true);
});

test('nothing is begun for a caller who has left', async () => {
  const run = vi.fn(hang);
  await expect(withDeadline(1000, AbortSignal.abort(), run)).rejects.toThrow();
  expect(run).not.toHaveBeenCalled();
});

test('a caller stops waiting without stopping the work', async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const stop = new AbortController();
  const waiting = failure(untilAborted(promise, stop.signal), 'request_aborted');
  stop.abort();
  await waiting;
  resolve(1);
  expect(await untilAborted(promise, new AbortController().signal)).toBe(1);
  expect(await untilAborted(promise, undefined)).toBe(1);
});
