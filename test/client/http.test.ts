import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { describeNetworkFailure } from '@helseid-zones/client/errors';
import { tellFate, untilAborted, withDeadline } from '@helseid-zones/client/http';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { localCertificate } from '../../local/helseid/certificate.ts';
import { newFolder } from '../temporary.ts';
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
  await expect(withDeadline(1000, AbortSignal.abort(), run)).rejects.toMatchObject({ name: 'AbortError' });
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

test.each(['data', 'body', 'headers'])(
  'an error keeps what it says, and no %s of an answer',
  async (name) => {
    const of = Object.assign(new Error('no HTTP'), { code: 'HPE_X', [name]: 'eyJhbGciOi.secret', port: 443 });
    const error = await withDeadline(1000, undefined, () =>
      Promise.reject(new TypeError('fetch failed', { cause: of })),
    ).catch((thrown: unknown) => thrown);
    expect(inspect(error)).not.toContain('secret');
    expect(error).toMatchObject({ cause: { code: 'HPE_X', message: 'no HTTP', port: 443 } });
  },
);

/** An error as `fetch` throws it. */
const lost = (code: string) =>
  new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code }) });

test.each([
  ['ENOTFOUND', 'name', /name.*nothing was sent/],
  ['EAI_AGAIN', 'name', /name.*nothing was sent/],
  ['CERT_HAS_EXPIRED', 'certificate', /certificate.*nothing was sent/],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'certificate', /certificate.*nothing was sent/],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'certificate', /certificate.*nothing was sent/],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'certificate', /certificate.*nothing was sent/],
  ['ECONNREFUSED', 'connection', /not known/],
  ['ECONNRESET', 'connection', /not known/],
  ['EPROTO', 'connection', /not known/],
  ['HPE_INVALID_CONSTANT', 'connection', /not known/],
  ['UND_ERR_SOCKET', 'connection', /not known/],
  ['ETIMEDOUT', 'timeout', /not known/],
  ['UND_ERR_CONNECT_TIMEOUT', 'timeout', /not known/],
])('%s is a failure of the %s', (code, network, fate) => {
  const facts = describeNetworkFailure(lost(code));
  expect(facts).toEqual({ network, network_code: code });
  expect(tellFate(facts)).toMatch(fate);
});

test.each([new Error('x'), lost('OAUTH_INVALID_RESPONSE'), lost('ERR_INVALID_ARG_TYPE'), 'x', undefined])(
  'an error that says nothing of the network is described by nothing',
  (error) => {
    expect(describeNetworkFailure(error)).toEqual({});
  },
);

test('a certificate that nobody vouches for, and a server that is not there, as Node tells them', async () => {
  vi.useRealTimers();
  const dir = newFolder();
  const server = createServer(await localCertificate(dir), (_, response) => response.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const facts = async () => describeNetworkFailure(await fetch(url).catch((error: unknown) => error));
  expect(await facts()).toMatchObject({ network: 'certificate' });
  await new Promise((resolve) => server.close(resolve));
  expect(await facts()).toEqual({ network: 'connection', network_code: 'ECONNREFUSED' });
});
