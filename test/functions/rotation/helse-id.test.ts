import { ZonesError } from '@helseid-zones/protocol/errors';
import type { Intent } from '@helseid-zones/protocol/intents';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { describe, expect, test } from 'vitest';
import { createHelseId, isBeyondTheKey, isKeyRefused } from '../../../functions/rotation/helse-id.ts';
import { coded } from '../../coded.ts';

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
    const each = ['client_assertion', 'dpop_proof'].map((kind) => [kind, 'pinned']);
    expect(intents.map(({ kind, kid }) => [kind, kid])).toEqual([...each, ...each]);
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
