import { createMetadataSource } from '@helseid-zones/client/issuer';
import { getAccessToken } from '@helseid-zones/client/machine-token';
import type { ErrorCode } from '@helseid-zones/protocol/errors';
import { expect, test } from 'vitest';
import { failure, ISSUER, makeWorld } from './make-client.ts';

test.each(['https://sts.test', 'https://sts.test/session-1', 'https://sts.test:8443/a/b'])(
  'the metadata of %s is read below its path',
  async (issuer) => {
    const { client, network } = await makeWorld({ issuer });
    expect((await client.metadata()).issuer).toBe(issuer);
    expect(network.sent).toEqual([`GET ${issuer}/.well-known/openid-configuration`]);
  },
);

test('metadata is kept for 24 hours, and read once by many', async () => {
  const { client, network, clock } = await makeWorld();
  await Promise.all([client.metadata(), client.metadata()]);
  clock.now += 24 * 3600 * 1000 - 1;
  await client.metadata();
  expect(network.sent.length).toBe(1);
  clock.now += 1;
  await client.metadata();
  expect(network.sent.length).toBe(2);
});

test.each([
  ['another issuer', { issuer: 'https://evil.test' }],
  ['its issuer with a slash more', { issuer: `${ISSUER}/` }],
  ['another path', { issuer: 'https://sts.test/session-2' }],
  ['no issuer', { issuer: undefined }],
  ['an issuer that is no URL', { issuer: 'sts' }],
])('metadata with %s is refused, and nothing is sent there', async (_name, metadata) => {
  const { client, issuer, network } = await makeWorld();
  issuer.behaviour.metadata = metadata;
  await failure(getAccessToken(client), 'metadata_invalid');
  expect(network.sent.length).toBe(1);
});

test('metadata that is too long is told as that, and not as no answer', async () => {
  const { client, issuer } = await makeWorld();
  issuer.behaviour.metadata = { about: 'a'.repeat(1024 * 1024) };
  expect((await failure(client.metadata(), 'issuer_unreachable')).message).toContain('(too long)');
});

test('at the root, an issuer with a slash is another one than without', async () => {
  const { client, network } = await makeWorld({
    issuer: 'https://sts.test',
    declaredIssuer: 'https://sts.test/',
  });
  await failure(getAccessToken(client), 'metadata_invalid');
  expect(network.sent.length).toBe(1);
});

test.each([
  ['is missing', undefined],
  ['is http', 'http://sts.test/token'],
  ['is no URL', 'token'],
])('a token endpoint that %s stops the request', async (_name, endpoint) => {
  const { client, issuer, network } = await makeWorld();
  issuer.behaviour.metadata = { token_endpoint: endpoint };
  const error = await failure(getAccessToken(client), 'metadata_invalid');
  expect(error.facts['attribute']).toBe('token_endpoint');
  expect(network.sent.length).toBe(1);
});

test('an endpoint that is spelled another way than a signer takes it is the same endpoint', async () => {
  const { client, issuer } = await makeWorld();
  issuer.behaviour.metadata = { token_endpoint: 'https://STS.test:443/session-1/token' };
  expect((await getAccessToken(client)).accessToken).toBeTypeOf('string');
});

test('metadata without optional endpoints is enough for a machine token', async () => {
  const { client, issuer } = await makeWorld();
  issuer.behaviour.metadata = {
    authorization_endpoint: undefined,
    pushed_authorization_request_endpoint: undefined,
    revocation_endpoint: undefined,
    end_session_endpoint: undefined,
    jwks_uri: undefined,
  };
  expect((await getAccessToken(client)).accessToken).toBeTypeOf('string');
});

test.each<[string, () => Response, ErrorCode, number]>([
  ['has too many requests', () => new Response('', { status: 429 }), 'issuer_unreachable', 429],
  ['refuses us', () => new Response('<html>', { status: 403 }), 'issuer_unreachable', 403],
  ['is down', () => new Response('', { status: 503 }), 'issuer_unreachable', 503],
  [
    'has moved',
    () => new Response(null, { status: 302, headers: { location: 'https://x.test' } }),
    'metadata_invalid',
    302,
  ],
  ['is not there', () => new Response('', { status: 404 }), 'metadata_invalid', 404],
  [
    'speaks HTML',
    () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
    'metadata_invalid',
    200,
  ],
  [
    'speaks no JSON',
    () => new Response('{', { headers: { 'content-type': 'application/json' } }),
    'metadata_invalid',
    200,
  ],
])('an issuer that %s; the failure is not kept', async (_name, answer, code, status) => {
  const { client, issuer, network } = await makeWorld();
  network.mount('https://sts.test', async () => answer());
  const error = await failure(client.metadata(), code);
  expect(error.facts).toEqual({ status });
  expect(error.message).toContain(String(status));
  network.mount('https://sts.test', issuer.handle);
  expect((await client.metadata()).issuer).toBe(ISSUER);
  expect(network.sent.length).toBe(2);
});

test('metadata that can’t be read again stays an hour longer, and is asked for once in 30 seconds', async () => {
  const { client, issuer, network, clock } = await makeWorld();
  await client.metadata();
  clock.now += 24 * 3600 * 1000;
  network.mount('https://sts.test', async () => new Response(null, { status: 503 }));
  for (let n = 0; n < 3; n += 1) expect((await client.metadata()).issuer).toBe(ISSUER);
  expect(network.sent.length).toBe(2);
  clock.now += 30_000;
  await client.metadata();
  expect(network.sent.length).toBe(3);
  clock.now += 3600 * 1000;
  await failure(client.metadata(), 'issuer_unreachable');
  network.mount('https://sts.test', issuer.handle);
  expect((await client.metadata()).issuer).toBe(ISSUER);
});

test('an issuer that does not answer in time, or is not there, is unreachable', async () => {
  const { client, network } = await makeWorld({ timeout: 30 });
  network.mount('https://sts.test', () => new Promise(() => {}));
  const late = await failure(client.metadata(), 'issuer_unreachable');
  expect(late.facts).toEqual({ network: 'timeout' });
  const lost = await makeWorld({ declaredIssuer: 'https://nowhere.test' });
  const error = await failure(lost.client.metadata(), 'issuer_unreachable');
  expect(error.facts).toEqual({ network: 'name', network_code: 'ENOTFOUND' });
});

test('an issuer whose connection breaks in the middle of its answer is asked once more, and unreachable', async () => {
  let asked = 0;
  const read = createMetadataSource(ISSUER, {
    now: () => 0,
    timeout: 1000,
    async fetch() {
      asked += 1;
      const half = new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode('{"issuer"')),
        pull: (controller) => controller.error(Object.assign(new Error('gone'), { code: 'ECONNRESET' })),
      });
      return new Response(half, { headers: { 'content-type': 'application/json' } });
    },
  });
  const error = await failure(read(), 'issuer_unreachable');
  expect(error.facts).toEqual({ network: 'connection', network_code: 'ECONNRESET' });
  expect(asked).toBe(2);
});
