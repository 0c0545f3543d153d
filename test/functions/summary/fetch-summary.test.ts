import { createApiCall } from '@helseid-zones/client/connect-zone';
import { serveRoutes } from '@helseid-zones/client/route';
import type { TokenClient } from '@helseid-zones/client/token-client';
import { describe, expect, test } from 'vitest';
import { fetchSummary } from '../../../functions/summary/fetch-summary.ts';
import { API, makeWorld } from '../../client/make-client.ts';
import { collectLog } from '../../fakes/log.ts';

const api = { baseUrl: `${API}/s`, scopes: ['summaries/read'] };
const ROUTE = { method: 'GET', path: '/summaries/{id}', authorize: 'iam' } as const;

async function makeSummaries() {
  const world = await makeWorld();
  const { audit, lines: audited } = collectLog();
  /** What the route answers when the API is called by `client`. */
  const getBy = (client: TokenClient, id?: string) =>
    serveRoutes([ROUTE], audit, (event) => fetchSummary(createApiCall(client, api), event))({
      httpMethod: 'GET',
      resource: ROUTE.path,
      pathParameters: id === undefined ? null : { id },
      requestContext: { requestId: 'r1', identity: { userArn: 'arn:aws:iam::000000000000:user/caller' } },
    });
  return { ...world, audited, getBy, get: (id?: string) => getBy(world.client, id) };
}

test('a summary is what the API answers, kept by nobody', async () => {
  const { get, api: summaries } = await makeSummaries();
  summaries.behaviour.answer = () => Response.json({ id: 'abc-1', text: 'Oppsummering' });
  expect(await get('abc-1')).toEqual({
    statusCode: 200,
    headers: {
      'cache-control': 'no-store',
      'content-type': 'application/json',
      'x-content-type-options': 'nosniff',
    },
    body: '{"id":"abc-1","text":"Oppsummering"}',
  });
  expect(summaries.requests.map(({ method, url }) => `${method} ${new URL(url).pathname}`)).toEqual([
    'GET /s/v1/summaries/abc-1',
  ]);
});

describe('an id that is none is a 400, and nothing is called', () => {
  test.each([
    undefined,
    '',
    '.',
    '..',
    '../keys',
    'a/b',
    'a%2fb',
    'a?b',
    '-a',
    'a'.repeat(65),
    'æ',
    '__proto__',
  ])('%j', async (id) => {
    const { get, network, signer, audited } = await makeSummaries();
    const answer = await get(id);
    expect(answer.statusCode).toBe(400);
    expect(JSON.parse(answer.body)).toEqual({
      type: 'about:blank',
      title: 'That is not the id of a summary.',
      status: 400,
      code: 'request_malformed',
    });
    expect([network.sent, signer.calls, audited]).toEqual([[], [], []]);
  });
});

describe('what goes wrong behind it is a problem without a word of what was said there', () => {
  test.each([
    [404, 404],
    [403, 502],
    [500, 502],
  ])('the API answers %i: %i', async (status, expected) => {
    const { get, api: summaries } = await makeSummaries();
    summaries.behaviour.answer = () => new Response('secret words', { status });
    const answer = await get('abc');
    expect(answer.statusCode).toBe(expected);
    expect(answer.headers).toMatchObject({ 'content-type': 'application/problem+json' });
    expect(answer.body).not.toContain('secret');
  });

  test.each(['not json', ''])('the API answers %j: 502', async (body) => {
    const { get, api: summaries, audited } = await makeSummaries();
    summaries.behaviour.answer = () => new Response(body);
    expect((await get('abc')).statusCode).toBe(502);
    expect(audited).toEqual([
      expect.objectContaining({
        level: 'FATAL',
        code: 'route.failed',
        requestId: 'r1',
        reason: 'api_refused',
        message: 'The summaries API answered with no JSON, or too much.',
        status: 200,
      }),
    ]);
  });

  test('the API answers with too much: 502', async () => {
    const { get, api: summaries } = await makeSummaries();
    summaries.behaviour.answer = () => Response.json('x'.repeat(1024 * 1024));
    expect((await get('abc')).statusCode).toBe(502);
  });

  test('the API breaks off in the middle of its answer: 503', async () => {
    const { client, getBy, audited } = await makeSummaries();
    const half = () =>
      new ReadableStream({
        pull: (controller) => controller.error(Object.assign(new Error('gone'), { code: 'ECONNRESET' })),
      });
    const cut: TokenClient = {
      ...client,
      fetch: async (...call) =>
        call[0].startsWith(api.baseUrl) ? new Response(half()) : client.fetch(...call),
    };
    const answer = await getBy(cut, 'abc');
    expect(answer.statusCode).toBe(503);
    expect(audited).toEqual([
      expect.objectContaining({ reason: 'api_unreachable', status: 200, network_code: 'ECONNRESET' }),
    ]);
  });

  test('the API does not answer: 503', async () => {
    const { get, network } = await makeSummaries();
    await get('warm');
    network.breakNext(3);
    expect((await get('abc')).statusCode).toBe(503);
  });

  test('an error that nobody foresaw: 502, by name only', async () => {
    const { client, getBy, audited } = await makeSummaries();
    const broken = { ...client, signer: { sign: () => Promise.reject(new Error('token abc')) } };
    const answer = await getBy(broken, 'abc');
    expect(answer.statusCode).toBe(502);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'unexpected' });
    expect(audited).toMatchObject([
      { reason: 'Error', at: expect.stringMatching(/fetch-summary\.test\.ts:\d/) },
    ]);
    expect(answer.body + JSON.stringify(audited)).not.toContain('token abc');
  });
});
