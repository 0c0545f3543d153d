import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { guardWebhooks } from '../../../functions/webhook-guard/guard.ts';
import { CANARIES, watch } from '../../canaries.ts';

const NOW = 1_700_000_000;
const KEY = new Uint8Array(Buffer.from(CANARIES.webhookKey));
const SECRET = `whsec_${Buffer.from(KEY).toString('base64')}`;
const BODY = '{"letter":"æøå"}';

/** HMAC-SHA256 by the Web Crypto API, which the guard does not use. */
async function sign(
  id: string,
  timestamp: string | number,
  body: string | Uint8Array,
  key = KEY,
): Promise<string> {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ]);
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), Buffer.from(body)]);
  return `v1,${Buffer.from(await crypto.subtle.sign('HMAC', imported, signed)).toString('base64')}`;
}

interface Request {
  id?: string;
  timestamp?: string;
  signature?: string;
  body?: string | null;
  more?: object;
}

/** A guard before a handler that remembers what reached it. */
function start(readSecret = async () => SECRET, now = () => NOW * 1000) {
  const reached: unknown[] = [];
  const lines: [string, object][] = [];
  const handler = guardWebhooks(
    {
      routes: [
        {
          method: 'POST',
          path: '/hooks/{of}',
          authorize: 'webhook',
          webhook: { secret: 'partner', tolerance: 300 },
        },
        { method: 'GET', path: '/letters', authorize: 'iam' },
      ],
      readSecret,
      audit: (code, facts) => lines.push(watch([code, facts], 'a line of the log')),
      now,
    },
    (event) => {
      reached.push(event);
      return { statusCode: 204, body: '' };
    },
  );
  const send = async ({
    id = 'msg_1',
    timestamp = String(NOW),
    body = BODY,
    more = {},
    ...given
  }: Request = {}) => {
    const signature = given.signature ?? (await sign(id, timestamp, body ?? ''));
    const headers = { 'Webhook-Id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
    const event = {
      httpMethod: 'POST',
      resource: '/hooks/{of}',
      headers,
      body,
      requestContext: { requestId: 'r' },
      ...more,
    };
    return ((await handler(event)) as { statusCode: number }).statusCode;
  };
  return { handler, send, reached, lines };
}

describe('handed on', () => {
  test('what is signed, with its id as the caller', async () => {
    const { send, reached } = start();
    await expect(send()).resolves.toBe(204);
    expect(reached).toMatchObject([
      { body: BODY, requestContext: { requestId: 'r', authorizer: { webhookId: 'msg_1' } } },
    ]);
  });

  test.each([
    [59, 204, 401],
    [61, 401, 204],
  ])('what the secret of up to a minute ago signs: after %i s', async (seconds, byOld, byNew) => {
    const other = new Uint8Array(32).fill(7);
    let [secret, at] = [SECRET, NOW];
    const { send } = start(
      async () => secret,
      () => at * 1000,
    );
    await expect(send()).resolves.toBe(204);
    secret = `whsec_${Buffer.from(other).toString('base64')}`;
    at += seconds;
    await expect(send()).resolves.toBe(byOld);
    await expect(send({ signature: await sign('msg_1', NOW, BODY, other) })).resolves.toBe(byNew);
  });

  test('bytes, which the gateway encodes', async () => {
    const bytes = new Uint8Array([0, 255, 128]);
    const { send } = start();
    const signature = await sign('msg_1', NOW, bytes);
    const body = Buffer.from(bytes).toString('base64');
    await expect(send({ body, signature, more: { isBase64Encoded: true } })).resolves.toBe(204);
  });

  test('one of several signatures, as while the sender changes its key; and up to the tolerance', async () => {
    const { send } = start();
    const old = await sign('msg_1', NOW, BODY, new Uint8Array(32));
    await expect(send({ signature: `${old} v2,x ${await sign('msg_1', NOW, BODY)}` })).resolves.toBe(204);
    for (const timestamp of [NOW - 300, NOW + 300])
      await expect(send({ timestamp: String(timestamp) })).resolves.toBe(204);
  });

  test('what comes by another way: a route that the gateway authorizes, a batch, a schedule', async () => {
    const { handler, reached } = start(() => Promise.reject(new Error('not read')));
    const others = [{ httpMethod: 'GET', resource: '/letters' }, { Records: [] }, { source: 'aws.events' }];
    for (const event of others)
      await expect(handler(event as never)).resolves.toMatchObject({ statusCode: 204 });
    expect(reached).toHaveLength(3);
  });
});

describe('refused with 401, before the handler', () => {
  const refused: Record<string, [reason: string, request: Request | (() => Promise<Request>)]> = {
    'no signature': ['webhook-signature', { signature: '' }],
    'another key': [
      'webhook-signature',
      async () => ({ signature: await sign('msg_1', NOW, BODY, new Uint8Array(32)) }),
    ],
    'another body': ['webhook-signature', async () => ({ signature: await sign('msg_1', NOW, '{}') })],
    'another id': ['webhook-signature', async () => ({ signature: await sign('msg_2', NOW, BODY) })],
    'another time': ['webhook-signature', async () => ({ signature: await sign('msg_1', NOW - 1, BODY) })],
    'no version': [
      'webhook-signature',
      async () => ({ signature: (await sign('msg_1', NOW, BODY)).slice(3) }),
    ],
    'half a signature': [
      'webhook-signature',
      async () => ({ signature: (await sign('msg_1', NOW, BODY)).slice(0, 20) }),
    ],
    'too many signatures before the right one': [
      'webhook-signature',
      async () => ({ signature: `${'v1,x '.repeat(8)}${await sign('msg_1', NOW, BODY)}` }),
    ],
    'too old': ['tolerance', { timestamp: String(NOW - 301) }],
    'from the future': ['tolerance', { timestamp: String(NOW + 301) }],
    'a time that is no number': ['webhook-timestamp', { timestamp: '1e9' }],
    'an id with a dot, which could be read as a time': ['webhook-id', { id: 'msg_1.1' }],
    'no id': ['webhook-id', { id: '' }],
    'two signatures headers': [
      'webhook-signature',
      {
        more: {
          multiValueHeaders: {
            'webhook-id': ['msg_1'],
            'webhook-timestamp': [String(NOW)],
            'webhook-signature': ['a', 'b'],
          },
        },
      },
    ],
  };
  test.each(Object.entries(refused))('%s', async (_, [reason, request]) => {
    const { send, reached, lines } = start();
    await expect(send(typeof request === 'function' ? await request() : request)).resolves.toBe(401);
    expect(reached).toEqual([]);
    expect(lines).toEqual([['webhook.refused', { reason, requestId: 'r' }]]);
  });

  test('whatever of the request is changed after it was signed', async () => {
    const { send, reached } = start();
    const signature = await sign('msg_1', NOW, BODY);
    const other = fc.record(
      {
        body: fc.string(),
        id: fc.string({ minLength: 1 }),
        timestamp: fc.integer({ min: NOW - 300, max: NOW + 300 }).map(String),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(other, async (changes) => {
        const same = Object.entries({ body: BODY, id: 'msg_1', timestamp: String(NOW), ...changes }).every(
          ([name, value]) => value === { body: BODY, id: 'msg_1', timestamp: String(NOW) }[name],
        );
        fc.pre(!same);
        expect(await send({ ...changes, signature })).toBe(401);
      }),
    );
    expect(reached).toEqual([]);
  });
});

test.each([
  ['a secret that can’t be read', () => Promise.reject(new Error('N0tASecret')), 'Error'],
  ['the random value that a secret is made with', async () => 'N0tASecretOfAnybody', 'config_invalid'],
  ['a key that is too short', async () => `whsec_${Buffer.alloc(8).toString('base64')}`, 'config_invalid'],
])('answers 503 and hands nothing on: %s', async (_, readSecret, reason) => {
  const { send, reached, lines } = start(readSecret);
  await expect(send()).resolves.toBe(503);
  expect(reached).toEqual([]);
  expect(lines).toMatchObject([['webhook.unchecked', { reason, requestId: 'r' }]]);
  expect(JSON.stringify(lines)).not.toContain('N0tASecret');
});

test('an event whose body is no text, as no gateway sends it, is refused like any other', async () => {
  const { send, reached } = start();
  const more = { body: {} };
  expect(await send({ signature: `v1,${'A'.repeat(43)}=`, more })).toBe(401);
  expect(reached).toEqual([]);
});
