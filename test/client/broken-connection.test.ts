import { createApiFetch } from '@helseid-zones/client/api-fetch';
import { readBody } from '@helseid-zones/client/http';
import { getAccessToken, machineTokens } from '@helseid-zones/client/machine-token';
import type { IssuerRequest } from '@helseid-zones/client/token-client';
import { expect, test } from 'vitest';
import { CANARIES, findLeak } from '../canaries.ts';
import { API, failure, ISSUER, makeWorld } from './make-client.ts';

test('a token request whose connection breaks is sent once more, signed anew', async () => {
  const trips: number[] = [];
  const report = ({ roundTrips }: IssuerRequest) => void trips.push(roundTrips);
  const { client, network, signer } = await makeWorld({ report });
  await getAccessToken(client);
  const before = { sent: network.sent.length, calls: signer.calls.length };
  network.breakNext(1);
  expect((await getAccessToken(client, { scopes: ['a'] })).scope).toBe('a');
  expect(network.sent.length).toBe(before.sent + 2);
  expect(signer.calls.length).toBe(before.calls + 2);
  network.breakNext(2);
  await failure(getAccessToken(client, { scopes: ['b'] }), 'issuer_unreachable');
  expect(network.sent.length).toBe(before.sent + 4);
  // The first one is challenged.
  expect(trips).toEqual([2, 2, 2]);
});

test('metadata is read once more', async () => {
  const { client, network } = await makeWorld();
  network.breakNext(1);
  expect((await client.metadata()).issuer).toBe(ISSUER);
  expect(network.sent.length).toBe(2);
});

test.each([
  ['GET', null, 2],
  ['PUT', 'b', 2],
  ['delete', null, 2],
  ['POST', 'b', 1],
  ['PATCH', 'b', 1],
])('an API call with %s is sent again only where that is harmless', async (method, body, count) => {
  const { api, client, network, signer } = await makeWorld();
  const call = createApiFetch(client, machineTokens(client));
  await call(`${API}/x`);
  const calls = signer.calls.length;
  network.breakNext(1);
  const answer = call(`${API}/x`, { method, body });
  if (count === 2) expect((await answer).status).toBe(200);
  else await failure(answer, 'api_unreachable');
  expect(signer.calls.length).toBe(calls + count);
  expect(api.requests.length).toBe(count);
});

test('a stream is not sent again', async () => {
  const { client, network } = await makeWorld();
  const call = createApiFetch(client, machineTokens(client));
  await call(`${API}/x`);
  network.breakNext(1);
  const sent = network.sent.length;
  await failure(call(`${API}/x`, { method: 'PUT', body: new Blob(['s']).stream() }), 'api_unreachable');
  expect(network.sent.length).toBe(sent + 1);
});

test.each([
  ['a header that is none', 'HTTP/1.1 200 OK\r\nBad Header of '],
  ['a chunk that is none', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\nzz'],
])('what could not be parsed of an answer is in no error: %s', async (_, head) => {
  const { client, network } = await makeWorld();
  await client.metadata();
  const answer = `${head}${CANARIES.accessToken} ${CANARIES.nationalIdentityNumber}\r\n\r\n`;
  network.breakNext(2, answer);
  const refused = await failure(getAccessToken(client), 'issuer_unreachable');
  const api = await makeWorld();
  const call = createApiFetch(api.client, machineTokens(api.client));
  await call(`${API}/x`);
  api.network.breakNext(2, answer);
  const broken = await call(`${API}/x`)
    .then((response) => readBody(response))
    .catch((error: unknown) => error);
  expect(broken).toBeInstanceOf(Error);
  for (const error of [refused, broken]) expect(findLeak(error)).toBeUndefined();
});
