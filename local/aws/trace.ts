import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';

const storage = new AsyncLocalStorage<string>();

/** The header and the field of X-Ray, https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader */
export const TRACE_HEADER = 'x-amzn-trace-id';

/** The trace id of the request that is being worked on; undefined where none is. */
export function currentTrace(): string | undefined {
  return storage.getStore();
}

/** Runs `work` for the request with this trace header, or for one that begins here. */
export function inTrace<T>(header: string | string[] | undefined, now: number, work: () => T): T {
  const [, root] = /^Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)/.exec(String(header)) ?? [];
  return storage.run(root ?? makeTraceId(now), work);
}

/** `1-<seconds>-<random>`, as Lambda makes them. `now` is in epoch milliseconds. */
export function makeTraceId(now: number): string {
  return `1-${Math.floor(now / 1000)
    .toString(16)
    .padStart(8, '0')}-${randomBytes(12).toString('hex')}`;
}
