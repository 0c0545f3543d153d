import { ZonesError } from '@helseid-zones/protocol/errors';
import { describe, expect, test, vi } from 'vitest';
import { createSelfService } from '../../../functions/rotation/self-service.ts';

const JWK = { kty: 'EC', kid: 'k', alg: 'ES256', use: 'sig', crv: 'P-256', x: 'x', y: 'y' } as const;

function answering(answer: Response | Error, body: 'object' | 'string' = 'object') {
  const requests: { url: string; init: RequestInit }[] = [];
  const audit = vi.fn();
  const selfService = createSelfService({
    ...{ baseUrl: 'https://self.test/base', body, audit },
    fetch: async (url, init = {}) => {
      requests.push({ url: String(url), init });
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  return { selfService, requests, audit };
}

test('a key is posted as an object, or as a string that holds one', async () => {
  for (const [form, sent] of [
    ['object', JSON.stringify(JWK)],
    ['string', JSON.stringify(JSON.stringify(JWK))],
  ] as const) {
    const { selfService, requests } = answering(Response.json({ expiration: '2027-01-01T00:00:00Z' }), form);
    expect(await selfService.registerKey(JWK)).toBe(1_798_761_600);
    expect(requests).toMatchObject([
      {
        url: 'https://self.test/base/v1/client-secret',
        init: { method: 'POST', body: sent, headers: { 'content-type': 'application/json' } },
      },
    ]);
  }
});

test.each([
  [null, undefined],
  ['2027-01-01T00:00:00+01:00', 1_798_758_000],
  [1_798_761_600, 1_798_761_600],
  ['1798761600', 1_798_761_600],
  ['9999-12-31T23:59:59.9999999', 253_402_300_799],
])('an expiry of %j is %j', async (expiration, expires) => {
  const { selfService } = answering(
    Response.json([{ kid: 'k', expiration, origin: 'Api', publicJwk: null }]),
  );
  expect(await selfService.listKeys()).toEqual([
    expires === undefined ? { kid: 'k' } : { kid: 'k', expires },
  ]);
});

test.each([
  'soon',
  '',
  ' ',
  '0x10',
  0.5,
  0,
  -1,
  '-1',
  '0001-01-01T00:00:00',
  '1969-12-31',
  1_798_761_600_000,
])('an expiry of %j is none, and somebody learns of it', async (expiration) => {
  const { selfService, audit } = answering(Response.json([{ kid: 'k', expiration }]));
  expect(await selfService.listKeys()).toEqual([{ kid: 'k' }]);
  const posted = answering(Response.json({ expiration }));
  expect(await posted.selfService.registerKey(JWK)).toBeUndefined();
  for (const told of [audit, posted.audit])
    expect(told).toHaveBeenCalledExactlyOnceWith('KEY_EXPIRY_UNREADABLE', {
      kid: 'k',
      expiration: String(expiration),
    });
});

describe('it refuses, or is not reached', () => {
  test('a 4xx is a refusal, with the title and nothing more of the problem', async () => {
    const problem = { title: 'Bad key', type: 'urn:x', detail: 'secret detail', instance: '/1' };
    const { selfService } = answering(Response.json(problem, { status: 400 }));
    const error = await selfService.registerKey(JWK).catch((cause: unknown) => cause);
    expect(error).toMatchObject({
      code: 'self_service_refused',
      facts: { status: 400, title: 'Bad key', type: 'urn:x' },
    });
    expect(JSON.stringify(error)).not.toContain('secret detail');
  });

  test.each([
    ['a 5xx', new Response('<html>', { status: 502 })],
    ['a 429', Response.json({ title: 'slow down' }, { status: 429 })],
    ['a 4xx without JSON', new Response('no', { status: 404 }), 'self_service_refused'],
    ['a redirect', new Response(null, { status: 302 })],
    ['a success that is no JSON', new Response('ok')],
    ['a success of another shape', Response.json({ expiration: {} })],
    ['no answer', new ZonesError('api_unreachable', 'no answer')],
    ['a timeout', new ZonesError('request_aborted', 'aborted')],
    ['a broken body', new TypeError('terminated')],
  ])('%s', async (_, answer, code = 'self_service_unreachable') => {
    await expect(answering(answer).selfService.registerKey(JWK)).rejects.toThrow(
      expect.objectContaining({ code }),
    );
  });

  test('what kept an answer from coming is told, and the status of one that is not understood', async () => {
    const facts = { network: 'certificate', network_code: 'CERT_HAS_EXPIRED' };
    const silent = answering(new ZonesError('api_unreachable', 'no answer', { facts }));
    await expect(silent.selfService.listKeys()).rejects.toMatchObject({ facts });
    await expect(answering(Response.json({})).selfService.listKeys()).rejects.toMatchObject({
      facts: { status: 200, field: 'the whole' },
    });
  });

  test('a list of another shape is not an empty one', async () => {
    for (const body of [{}, [{ id: 1 }], 'x'])
      await expect(answering(Response.json(body)).selfService.listKeys()).rejects.toThrow(
        expect.objectContaining({ code: 'self_service_unreachable' }),
      );
  });

  test('what the token client throws comes through', async () => {
    const { selfService } = answering(new ZonesError('issuer_unreachable', 'no'));
    await expect(selfService.listKeys()).rejects.toThrow(
      expect.objectContaining({ code: 'issuer_unreachable' }),
    );
  });
});
