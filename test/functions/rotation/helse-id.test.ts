import { type ErrorCode, ZonesError } from '@helseid-zones/protocol/errors';
import type { Intent } from '@helseid-zones/protocol/intents';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { describe, expect, test } from 'vitest';
import {
  createHelseId,
  isBeyondTheKey,
  isKeyRefused,
  tryPatiently,
  waitUntil,
} from '../../../functions/rotation/helse-id.ts';
import { coded } from '../../coded.ts';

/** A clock that stands still but for what is waited, with a run that ends at `deadline`. */
function patience(deadline: number) {
  let time = 1000;
  const waits: number[] = [];
  const wait = async (seconds: number) => {
    waits.push(seconds);
    time += seconds;
  };
  const lines: unknown[] = [];
  const audit = (code: string, facts: object) => void lines.push([code, facts]);
  const now = () => time;
  return { clock: { now, wait }, deadline, client: 'journal', audit, lines, waits, now };
}

const refusal = (error: string, status = 400) =>
  new ZonesError('token_refused', 'no', { facts: { error, status } });

test.each<[string, unknown, boolean, boolean]>([
  ['invalid_client', refusal('invalid_client'), false, true],
  ['invalid_client with 401', refusal('invalid_client', 401), false, true],
  ['invalid_request with 401', refusal('invalid_request', 401), false, true],
  ['invalid_request', refusal('invalid_request'), false, false],
  ...['unauthorized_client', 'invalid_scope', 'invalid_target', 'unsupported_grant_type'].flatMap(
    (error): [string, unknown, boolean, boolean][] => [
      [error, refusal(error), true, false],
      [`${error} with 401`, refusal(error, 401), false, true],
    ],
  ),
  [
    'another error with the same facts',
    new ZonesError('self_service_refused', 'no', { facts: { error: 'invalid_scope', status: 401 } }),
    false,
    false,
  ],
  ['no error of ours', new TypeError('invalid_client'), false, false],
])('%s: beyond the key, or the key', (_, error, beyond, refused) => {
  expect([isBeyondTheKey(error), isKeyRefused(error)]).toEqual([beyond, refused]);
});

describe('what needs HelseID to accept a key', () => {
  test.each<[string, Error]>([
    ...(
      [
        'config_invalid',
        'details_invalid',
        'grant_refused',
        'intent_malformed',
        'record_invalid',
        'request_malformed',
        'rotation_failed',
        'self_service_refused',
        'self_service_unreachable',
        'version_unknown',
      ] satisfies ErrorCode[]
    ).map((code): [string, Error] => [code, new ZonesError(code, 'no')]),
    ['a refusal beyond the key', refusal('invalid_scope')],
    ['no error of ours', new TypeError('no')],
  ])('is not tried again after %s, which comes as it is', async (_, error) => {
    const world = patience(2000);
    await expect(tryPatiently(world, 'k', () => Promise.reject(error))).rejects.toBe(error);
    expect(world.waits).toEqual([]);
  });

  test.each<[Error, number, number]>([
    [refusal('invalid_client'), 1500, 1498],
    [refusal('invalid_client'), 1060, 1058],
    [new ZonesError('kms_unavailable', 'no', { facts: { status: 503 } }), 1500, 1120],
    [new ZonesError('kms_unavailable', 'no', { facts: { status: 503 } }), 1060, 1060],
  ])('is tried until there is no more time: %s', async (cause, deadline, end) => {
    const world = patience(deadline);
    const run = tryPatiently(world, 'k', () => Promise.reject(cause));
    const { code: reason, facts } = cause as ZonesError;
    await expect(run).rejects.toMatchObject({
      ...{ code: 'rotation_failed', cause, facts: { ...facts, kid: 'k', reason } },
      message: expect.stringContaining(reason),
    });
    expect(world.now()).toBeGreaterThan(end - 5);
    expect(world.now()).toBeLessThanOrEqual(deadline);
    const waits = ['ROTATION_WAITS_FOR_ACCEPTANCE', { client: 'journal', kid: 'k', reason }];
    expect(world.lines).toEqual(deadline > 1060 ? [waits] : []);
  });

  test('comes through once it does', async () => {
    const world = patience(2000);
    const answers = [refusal('invalid_client'), new ZonesError('key_not_usable', 'no')];
    const run = async () => {
      const error = answers.shift();
      if (error) throw error;
      return 'done';
    };
    expect(await tryPatiently(world, 'k', run)).toBe('done');
    expect([world.waits, world.lines]).toEqual([[1, 2], []]);
  });
});

test.each([
  [1100, [100]],
  [1101, undefined],
])('waiting until %i', async (time, waited) => {
  const { clock, deadline, waits } = patience(1100);
  const done = waitUntil({ clock, deadline }, time, 'k');
  if (waited) await done;
  else await expect(done).rejects.toMatchObject({ code: 'rotation_failed', facts: { kid: 'k' } });
  expect(waits).toEqual(waited ?? []);
});

describe('a client of HelseID', () => {
  const issuer = 'https://issuer.test';
  const api = 'https://self.test/v1/client-secret';

  /** What is asked of the signer, and what goes over the wire: every token is given, every nonce demanded once. */
  function make(selfService = true) {
    const intents: Intent[] = [];
    const sent: [string, string][] = [];
    const lines: [string, object][] = [];
    const helseId = createHelseId({
      client: 'journal',
      config: { clientId: 'c', issuer, tenancy: 'single-tenant', profile: helseIdProfile },
      selfService: selfService
        ? { baseUrl: 'https://self.test', audience: 'a', scope: 'keys', body: 'object' }
        : undefined,
      signer: {
        sign: async (asked) => {
          intents.push(...asked);
          return asked.map(({ kid = 'current' }) => ({ jwt: 'a.b.c', kid, jkt: kid }) as never);
        },
      },
      audit: (code, facts) => void lines.push([code, facts]),
      now: () => 1_790_000_000_000,
      fetch: async (url, init) => {
        sent.push([url, String(init?.body ?? '')]);
        if (url === `${issuer}/.well-known/openid-configuration`)
          return Response.json({ issuer, token_endpoint: `${issuer}/token` });
        if (url === `${issuer}/token`)
          return Response.json({ access_token: 't', token_type: 'DPoP', expires_in: 60 });
        return Response.json([{ kid: 'k', expiration: 'soon' }]);
      },
    });
    return { helseId, intents, sent, lines };
  }

  test('proves a key by a token of its own each time, for the scope of the self-service API', async () => {
    const { helseId, intents, sent } = make();
    for (const _ of [1, 2]) await helseId.proveKey('pinned', 'ES256');
    const tokens = sent.filter(([url]) => url === `${issuer}/token`);
    expect(tokens.map(([, body]) => new URLSearchParams(body).get('scope'))).toEqual(['keys', 'keys']);
    expect(sent).toHaveLength(3);
    expect(intents.map(({ kind, kid }) => [kind, kid])).toEqual(
      [1, 2].flatMap(() => [
        ['client_assertion', 'pinned'],
        ['dpop_proof', 'pinned'],
      ]),
    );
    for (const intent of intents) expect(intent).not.toHaveProperty('key');
  });

  test('asks for no scope where there is no such API, which can not be called then', async () => {
    const { helseId, sent } = make(false);
    await helseId.proveKey('pinned', 'ES256');
    expect(sent.at(-1)?.[1]).not.toContain('scope');
    expect(() => helseId.selfService()).toThrow(coded('config_invalid', undefined, { client: 'journal' }));
  });

  test.each([undefined, 'pinned'])('calls the API with the key %s', async (kid) => {
    const { helseId, intents, sent, lines } = make();
    expect(await helseId.selfService(kid).listKeys()).toEqual([{ kid: 'k' }]);
    expect(sent.at(-1)?.[0]).toBe(api);
    // The call's proof is by the key that the token is bound to.
    expect(intents.map((intent) => intent.kid)).toEqual(
      kid ? [kid, kid, kid] : [undefined, undefined, 'current'],
    );
    expect(lines).toEqual([['KEY_EXPIRY_UNREADABLE', { kid: 'k', expiration: '(text)' }]]);
  });
});
