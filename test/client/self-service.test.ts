import { createSelfService, type ListedKey, registerKey } from '@helseid-zones/client/self-service';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { describe, expect, test, vi } from 'vitest';
import { coded } from '../coded.ts';

const JWK = { kty: 'EC', kid: 'k', alg: 'ES256', use: 'sig', crv: 'P-256', x: 'x', y: 'y' } as const;

function answering(answer: Response | Error, body: 'object' | 'string' = 'object') {
  const requests: { url: string; init: RequestInit }[] = [];
  const audit = vi.fn();
  const selfService = createSelfService({
    baseUrl: 'https://self.test/base',
    body,
    audit,
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
        init: {
          method: 'POST',
          body: sent,
          headers: { accept: 'application/json', 'content-type': 'application/json' },
          signal: expect.any(AbortSignal),
        },
      },
    ]);
  }
});

test('the list is asked for as JSON', async () => {
  const { selfService, requests } = answering(Response.json([]));
  expect(await selfService.listKeys()).toEqual([]);
  expect(requests).toMatchObject([{ init: { method: 'GET', headers: { accept: 'application/json' } } }]);
});

test.each([
  [null, undefined],
  [undefined, undefined],
  ['2027-01-01', 1_798_761_600],
  ['2027-01-01T00:00:00+01:00', 1_798_758_000],
  ['2027-01-01T00:00:00.999Z', 1_798_761_600],
  [1_000_000_000, 1_000_000_000],
  [253_402_300_799, 253_402_300_799],
  [1_798_761_600, 1_798_761_600],
  ['1798761600', 1_798_761_600],
  ['9999-12-31T23:59:59.9999999', 253_402_300_799],
])('an expiry of %j is %j', async (expiration, expires) => {
  const { selfService, audit } = answering(
    Response.json([{ kid: 'k', expiration, origin: 'Api', publicJwk: null }]),
  );
  expect(await selfService.listKeys()).toEqual([
    expires === undefined ? { kid: 'k' } : { kid: 'k', expires },
  ]);
  expect(audit).not.toHaveBeenCalled();
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
  'from 2027-01-01',
  '2027-13-01',
  '1 '.repeat(60),
  999_999_999,
  253_402_300_800,
  1_798_761_600_000,
])('an expiry of %j is none, and somebody learns of it', async (expiration) => {
  const { selfService, audit } = answering(Response.json([{ kid: 'k', expiration }]));
  expect(await selfService.listKeys()).toEqual([{ kid: 'k' }]);
  const posted = answering(Response.json({ expiration }));
  expect(await posted.selfService.registerKey(JWK)).toBeUndefined();
  for (const told of [audit, posted.audit])
    expect(told).toHaveBeenCalledExactlyOnceWith('KEY_EXPIRY_UNREADABLE', {
      kid: 'k',
      expiration: /[a-su-y]/i.test(String(expiration)) ? '(text)' : String(expiration).slice(0, 40),
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
    ['a 5xx', new Response('<html>', { status: 500 }), { status: 500, title: '', type: '' }],
    ['a 429', Response.json({ title: 'slow' }, { status: 429 }), { status: 429, title: 'slow', type: '' }],
    [
      'a 4xx without JSON',
      new Response('no', { status: 499 }),
      { status: 499, title: '', type: '' },
      'self_service_refused',
    ],
    [
      'a 4xx with very much to say',
      Response.json({ title: 't'.repeat(300), type: 'u'.repeat(300) }, { status: 403 }),
      { status: 403, title: 't'.repeat(200), type: 'u'.repeat(200) },
      'self_service_refused',
    ],
    ['a redirect', new Response(null, { status: 302 }), { status: 302, title: '', type: '' }],
    ['a success that is no JSON', new Response('ok'), { status: 200, field: 'the whole' }],
    ['a success of another shape', Response.json({ expiration: {} }), { status: 200, field: 'expiration' }],
    [
      'a success that goes on and on',
      new Response(`{"expiration":null${' '.repeat(256 * 1024)}}`),
      { status: 200, field: 'the whole' },
    ],
    ['no answer', new ZonesError('api_unreachable', 'no', { facts: { status: 1 } }), { status: 1 }],
    ['a timeout', new ZonesError('request_aborted', 'aborted'), {}],
    [
      'a broken body',
      new TypeError('terminated', { cause: Object.assign(new Error('no'), { code: 'ENOTFOUND' }) }),
      { network: 'name', network_code: 'ENOTFOUND' },
    ],
  ])('%s', async (_, answer, facts, code = 'self_service_unreachable') => {
    const error = await answering(answer)
      .selfService.registerKey(JWK)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, ...(answer instanceof Error ? { cause: answer } : {}) });
    expect(error).toHaveProperty('facts', facts);
  });

  test('a list of another shape is not an empty one', async () => {
    for (const body of [{}, [{ id: 1 }], 'x'])
      await expect(answering(Response.json(body)).selfService.listKeys()).rejects.toThrow(
        coded('self_service_unreachable'),
      );
  });

  test('what the token client throws comes through', async () => {
    const { selfService } = answering(new ZonesError('issuer_unreachable', 'no'));
    await expect(selfService.listKeys()).rejects.toThrow(coded('issuer_unreachable'));
  });
});

const THUMBPRINT = 'oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U';

test.each([
  ['its thumbprint', THUMBPRINT, { kid: THUMBPRINT, named: 'k' }],
  ['its kid, where HelseID tells no thumbprint', undefined, { kid: 'k' }],
  ['its kid, where that is no thumbprint', 'ABCDEF', { kid: 'k' }],
])('a key is known by %s', async (_, jwkThumbprint, known) => {
  const { selfService } = answering(Response.json([{ kid: 'k', jwkThumbprint, expiration: null }]));
  expect(await selfService.listKeys()).toEqual([known]);
});

describe('a key is registered', () => {
  type Lists = (ListedKey[] | ZonesError)[];
  type Case = [string, Lists, posted: number | ZonesError, result: number | ZonesError, calls: string];
  const listed = { kid: 'k', expires: 7 };
  const other = { kid: 'other', expires: 1 };
  const silent = new ZonesError('issuer_unreachable', 'no');
  const failed = new ZonesError('self_service_refused', 'no');

  test.each<Case>([
    ['unless it is listed', [[other, listed]], 8, 7, 'list'],
    ['unless the list fails', [failed], 8, failed, 'list'],
    ['once', [[other]], 8, 8, 'list post'],
    ['which no token was to be had for', [[], [listed]], silent, silent, 'list post'],
    ...(['self_service_refused', 'self_service_unreachable'] as const).flatMap((code): Case[] => {
      const error = new ZonesError(code, 'no');
      return [
        [`though it is ${code}`, [[], [listed]], error, 7, 'list post list'],
        [`which is ${code}`, [[], [other]], error, error, 'list post list'],
        [`which is ${code}, and the list fails`, [[], silent], error, error, 'list post list'],
      ];
    }),
  ])('%s', async (_, lists, posted, result, calls) => {
    const asked: string[] = [];
    const give = async <T>(call: string, value: T | ZonesError): Promise<T> => {
      asked.push(call);
      if (value instanceof ZonesError) throw value;
      return value;
    };
    const done = registerKey(
      { listKeys: () => give('list', lists.shift() ?? []), registerKey: () => give('post', posted) },
      JWK,
      async () => undefined,
    );
    if (result instanceof ZonesError) await expect(done).rejects.toBe(result);
    else expect(await done).toBe(result);
    expect(asked.join(' ')).toBe(calls);
  });
});
