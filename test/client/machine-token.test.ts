import { inspect } from 'node:util';
import { getAccessToken } from '@helseid-zones/client/machine-token';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { decodeJwt } from 'jose';
import { expect, test } from 'vitest';
import { CANARIES } from '../canaries.ts';
import { failure, ISSUER, makeWorld } from './make-client.ts';

test('the first token takes a challenge, the next ones one round trip and two signatures in one call', async () => {
  const { issuer, signer, client, network } = await makeWorld();
  const cold = await getAccessToken(client, { scopes: ['a'] });
  expect(issuer.posts.length).toBe(2);
  expect(signer.calls.map((intents) => intents.map(({ kind }) => kind))).toEqual([
    ['client_assertion', 'dpop_proof'],
    ['client_assertion', 'dpop_proof'],
  ]);
  expect(issuer.posts[0]?.form['client_assertion']).not.toBe(issuer.posts[1]?.form['client_assertion']);
  expect(issuer.posts[0]?.proof).not.toBe(issuer.posts[1]?.proof);

  const warm = await getAccessToken(client, { scopes: ['b'] });
  expect(issuer.posts.length).toBe(3);
  expect(signer.calls.length).toBe(3);
  expect(warm.accessToken).not.toBe(cold.accessToken);
  expect(network.sent).toEqual([
    `GET ${ISSUER}/.well-known/openid-configuration`,
    `POST ${ISSUER}/token`,
    `POST ${ISSUER}/token`,
    `POST ${ISSUER}/token`,
  ]);
});

test('figures that can not be counted cost nobody a token', async () => {
  const { client } = await makeWorld({
    report: () => {
      throw new TypeError('figures down');
    },
  });
  expect((await getAccessToken(client)).accessToken).toBeTypeOf('string');
});

test('scopes, resource and details go out; lifetime, scope and rejected scope come back', async () => {
  const { issuer, client, clock } = await makeWorld();
  issuer.behaviour.response = { scope: 'a', rejected_scope: 'b' };
  const token = await getAccessToken(client, {
    scopes: ['b', 'a'],
    resource: 'https://api.test/',
    details: [{ type: 'helseid_authorization', child: '974760673' }],
  });
  expect(issuer.posts.at(-1)?.form).toMatchObject({
    grant_type: 'client_credentials',
    scope: 'b a',
    resource: 'https://api.test/',
  });
  const expiresAt = clock.now / 1000 + 600;
  expect(token).toMatchObject({ scope: 'a', rejectedScope: 'b', expiresIn: 600, expiresAt });
  expect(decodeJwt(token.accessToken)['details']).toMatchObject({ type: 'helseid_authorization' });
});

test('without scopes none is sent, and the granted scope is the server’s', async () => {
  const { issuer, client } = await makeWorld();
  issuer.behaviour.response = { scope: undefined };
  expect((await getAccessToken(client)).scope).toBeUndefined();
  expect(issuer.posts.at(-1)?.form).not.toHaveProperty('scope');
  expect((await getAccessToken(client, { scopes: ['x', 'y'] })).scope).toBe('x y');
});

test('a token is cached by everything that shapes it, whatever the order it was written in', async () => {
  const { issuer, client } = await makeWorld();
  const base = {
    scopes: ['a', 'b'],
    resource: 'urn:r',
    details: [{ type: 'helseid_authorization', child: '974760673' }],
  } as const;
  const first = await getAccessToken(client, base);
  const posts = issuer.posts.length;
  const reordered = {
    scopes: ['b', 'a', 'b'],
    resource: 'urn:r',
    details: [{ child: '974760673', type: 'helseid_authorization' }],
  } as const;
  expect(await getAccessToken(client, reordered)).toBe(first);
  expect(issuer.posts.length).toBe(posts);
  const others = [
    { ...base, scopes: ['a'] },
    { ...base, resource: 'urn:s' },
    { scopes: base.scopes, details: base.details },
    { ...base, details: [{ type: 'helseid_authorization', child: '983044778' }] },
    { scopes: base.scopes, resource: base.resource },
  ] as const;
  for (const other of others)
    expect((await getAccessToken(client, other)).accessToken).not.toBe(first.accessToken);
  expect(issuer.posts.length).toBe(posts + others.length);
});

test('a cached token is used until five seconds before it expires', async () => {
  const { issuer, client, clock } = await makeWorld();
  issuer.behaviour.expiresIn = 60;
  const first = await getAccessToken(client);
  clock.now += 54_999;
  expect(await getAccessToken(client)).toBe(first);
  clock.now += 1;
  expect((await getAccessToken(client)).accessToken).not.toBe(first.accessToken);
});

test('a token without expires_in is not cached', async () => {
  const { issuer, client } = await makeWorld();
  delete issuer.behaviour.expiresIn;
  const first = await getAccessToken(client);
  expect(first.expiresAt).toBeUndefined();
  expect((await getAccessToken(client)).accessToken).not.toBe(first.accessToken);
});

test('those who ask at once share one request, and a failure is not kept', async () => {
  const { issuer, client } = await makeWorld();
  const tokens = await Promise.all([1, 2, 3, 4].map(() => getAccessToken(client)));
  expect(new Set(tokens).size).toBe(1);
  expect(issuer.posts.length).toBe(2);

  issuer.behaviour.fail = () => Response.json({ error: 'invalid_scope' }, { status: 400 });
  const asked = [1, 2].map(() => failure(getAccessToken(client, { scopes: ['x'] }), 'token_refused'));
  await Promise.all(asked);
  expect(issuer.posts.length).toBe(3);
  delete issuer.behaviour.fail;
  await getAccessToken(client, { scopes: ['x'] });
  expect(issuer.posts.length).toBe(4);
});

test('one who stops waiting leaves the others their token', async () => {
  const { client, network } = await makeWorld();
  const stop = new AbortController();
  const stopped = failure(getAccessToken(client, { signal: stop.signal }), 'request_aborted');
  const waiting = getAccessToken(client);
  stop.abort();
  await stopped;
  expect((await waiting).accessToken).toBeTypeOf('string');
  const sent = network.sent.length;
  await failure(getAccessToken(client, { scopes: ['new'], signal: stop.signal }), 'request_aborted');
  expect(network.sent.length).toBe(sent);
});

test('nonces: none ever demanded; only with the 400; expired ones are replaced', async () => {
  const never = await makeWorld();
  never.issuer.behaviour.nonceAt = [];
  never.issuer.behaviour.nonceOnSuccess = false;
  await getAccessToken(never.client);
  expect(never.issuer.posts.length).toBe(1);

  const { issuer, client } = await makeWorld();
  issuer.behaviour.nonceOnSuccess = false;
  await getAccessToken(client, { scopes: ['a'] });
  await getAccessToken(client, { scopes: ['b'] });
  expect(issuer.posts.length).toBe(3);
  issuer.expireNonces();
  await getAccessToken(client, { scopes: ['c'] });
  expect(issuer.posts.length).toBe(5);
});

test('a nonce from a success replaces the one before', async () => {
  const { signer, client } = await makeWorld();
  for (const scope of ['a', 'b', 'c']) await getAccessToken(client, { scopes: [scope] });
  const nonces = signer.calls.map(([, proof]) => (proof?.kind === 'dpop_proof' ? proof.nonce : ''));
  expect(nonces[0]).toBeUndefined();
  expect(new Set(nonces).size).toBe(4);
});

test('a nonce is kept from every answer, one that is of no other use too', async () => {
  const { client, issuer, signer } = await makeWorld();
  issuer.behaviour.fail = () => new Response('', { status: 503, headers: { 'dpop-nonce': 'n' } });
  await failure(getAccessToken(client), 'issuer_unreachable');
  await failure(getAccessToken(client), 'issuer_unreachable');
  expect(signer.calls.map(([, proof]) => proof)).toMatchObject([{ kind: 'dpop_proof' }, { nonce: 'n' }]);
});

test('a server that asks for one nonce after another is left after two requests', async () => {
  const { issuer, client } = await makeWorld();
  issuer.behaviour.nonceLoop = true;
  await failure(getAccessToken(client), 'nonce_loop');
  expect(issuer.posts.length).toBe(2);
});

test('a server that wants a nonce and gives none is left after one request', async () => {
  const { issuer, client } = await makeWorld();
  issuer.behaviour.nonceMissing = true;
  await failure(getAccessToken(client), 'nonce_loop');
  expect(issuer.posts.length).toBe(1);
});

test.each(['DPoP', 'dpop', 'DPOP'])('token_type %s is taken', async (tokenType) => {
  const { issuer, client } = await makeWorld();
  issuer.behaviour.tokenType = tokenType;
  expect((await getAccessToken(client)).accessToken).toBeTypeOf('string');
});

test.each(['Bearer', 'bearer', 'mac'])('token_type %s is refused and not kept', async (tokenType) => {
  const { issuer, client } = await makeWorld();
  issuer.behaviour.tokenType = tokenType;
  await failure(getAccessToken(client), 'token_invalid');
  const posts = issuer.posts.length;
  issuer.behaviour.tokenType = 'DPoP';
  await getAccessToken(client);
  expect(issuer.posts.length).toBe(posts + 1);
});

test('the key a token is bound to is remembered with it, and a token bound to another is refused', async () => {
  const { issuer, signer, client } = await makeWorld();
  const token = await getAccessToken(client);
  const { cnf } = decodeJwt(token.accessToken) as { cnf: { jkt: string } };
  expect(token.binding).toEqual({ kid: cnf.jkt, jkt: cnf.jkt });

  issuer.behaviour.jkt = signer.addKey().thumbprint;
  await failure(getAccessToken(client, { scopes: ['a'] }), 'binding_mismatch');
  issuer.behaviour.opaqueTokens = true;
  expect((await getAccessToken(client, { scopes: ['a'] })).binding).toEqual(token.binding);
});

test.each([
  ['cnf of another type', 'x.eyJjbmYiOiAxfQ.x', 'binding_mismatch'],
  ['no cnf', 'x.e30.x', undefined],
  ['three parts that are no JWT', 'x.y.z', undefined],
  ['five parts', 'a.e30.c.d.e', undefined],
] as const)('an access token with %s', async (_name, accessToken, code) => {
  const { issuer, client } = await makeWorld();
  issuer.behaviour.response = { access_token: accessToken };
  const asked = getAccessToken(client);
  if (code) await failure(asked, code);
  else expect((await asked).accessToken).toBe(accessToken);
});

test('after invalid_client the newest registered key is tried, once', async () => {
  const { issuer, signer, client } = await makeWorld();
  const old = (await getAccessToken(client)).binding.kid;
  issuer.unregister(old);
  const newest = signer.addKey('PS256');
  issuer.register(newest);
  const posts = issuer.posts.length;
  const token = await getAccessToken(client, { scopes: ['a'] });
  expect(issuer.posts.length).toBe(posts + 2);
  // The proof's key need not be registered; the current one still stands for the token.
  expect(token.binding.kid).toBe(old);
  expect(signer.calls.at(-1)?.[0]).toMatchObject({ kind: 'client_assertion', key: 'newest' });

  issuer.unregister(newest.thumbprint);
  const error = await failure(getAccessToken(client, { scopes: ['b'] }), 'token_refused');
  expect(error.facts['error']).toBe('invalid_client');
  expect(issuer.posts.length).toBe(posts + 4);
  expect(signer.calls.length).toBe(posts + 4);
});

test('where the refused key is the newest, nothing more is sent', async () => {
  const { issuer, signer, client } = await makeWorld();
  issuer.unregister((await getAccessToken(client)).binding.kid);
  const posts = issuer.posts.length;
  await failure(getAccessToken(client, { scopes: ['a'] }), 'token_refused');
  expect(issuer.posts.length).toBe(posts + 1);
  expect(signer.calls.at(-1)?.[0]).toMatchObject({ key: 'newest' });
});

test('an error carries HelseID’s words and no secret, however it is printed', async () => {
  const { issuer, client } = await makeWorld();
  issuer.behaviour.fail = () =>
    Response.json({ error: 'invalid_scope', error_description: 'not\nyours' }, { status: 400 });
  const error = await failure(getAccessToken(client), 'token_refused');
  expect(error.facts).toEqual({ error: 'invalid_scope', error_description: 'not yours', status: 400 });

  // Whatever it repeats of what it was sent, and of a person.
  const { client_assertion: assertion = '' } = issuer.posts.at(-1)?.form ?? {};
  const said = [
    assertion,
    ...(['hex', 'base64', 'base64url'] as const).map((as) => Buffer.from(assertion).toString(as)),
  ];
  const { nationalIdentityNumber: number } = CANARIES;
  said.push(
    `of ${number}`,
    ...[' ', '-', '\u00a0'].map((gap) => `of ${number.slice(0, 6)}${gap}${number.slice(6)}`),
  );
  for (const text of said) {
    const answer = { error: `no ${text}`, error_description: `invalid_authorization_details in ${text} too` };
    issuer.behaviour.fail = () => Response.json(answer, { status: 400 });
    const { facts } = await failure(getAccessToken(client), 'token_refused');
    expect(facts).toMatchObject({
      error_description: expect.stringMatching(/^invalid_authorization_details in .*… too$/),
    });
  }

  // Also one that happens to have no digit; words stay.
  for (const [text, shown] of [
    ['AbCdEfGhIjKlMnOpQrStUvW', '…'],
    ['aBcDeFgHiJkLmNoPqRs', '…'],
    ['Authorization-Required', 'Authorization-Required'],
    ['ERR_JWKS_NO_MATCHING_KEY', 'ERR_JWKS_NO_MATCHING_KEY'],
  ]) {
    issuer.behaviour.fail = () => Response.json({ error: `no ${text}` }, { status: 400 });
    expect((await failure(getAccessToken(client), 'token_refused')).facts).toMatchObject({
      error: `no ${shown}`,
    });
  }

  delete issuer.behaviour.fail;
  issuer.behaviour.response = { access_token: 'the-secret', expires_in: 'soon' };
  const broken = await failure(getAccessToken(client), 'token_invalid');
  expect(inspect(broken, { depth: 9, showHidden: true })).not.toContain('the-secret');
  expect(broken.cause).not.toBeInstanceOf(ZonesError);
});

test.each([
  ['500', () => new Response('{}', { status: 500 }), 'issuer_unreachable'],
  [
    'a redirect',
    () => new Response(null, { status: 302, headers: { location: 'https://x' } }),
    'token_invalid',
  ],
  ['no JSON', () => new Response('<html>', { status: 200 }), 'token_invalid'],
  ['an error that is none', () => Response.json({ error: 1 }, { status: 400 }), 'token_invalid'],
  ['429', () => new Response('slow', { status: 429 }), 'issuer_unreachable'],
  ['a firewall’s 403', () => new Response('<html>', { status: 403 }), 'issuer_unreachable'],
  ['a proxy’s 401', () => new Response('<html>', { status: 401 }), 'issuer_unreachable'],
] as const)('the token endpoint answers with %s: nothing further is sent', async (_name, fail, code) => {
  const { issuer, client } = await makeWorld();
  issuer.behaviour.fail = fail;
  const error = await failure(getAccessToken(client), code);
  expect(error.facts).toEqual({ status: fail().status });
  expect(issuer.posts.length).toBe(1);
});

test('what the signer refuses, the caller hears, and nothing is sent', async () => {
  const { issuer, signer, client } = await makeWorld();
  signer.refuseNext('grant_refused');
  await failure(getAccessToken(client), 'grant_refused');
  expect(issuer.posts.length).toBe(0);
});

test('an answer without an end is read no further than a mebibyte', async () => {
  const { issuer, client } = await makeWorld();
  let sent = 0;
  issuer.behaviour.fail = () =>
    new Response(
      new ReadableStream({
        pull(controller) {
          sent += 65_536;
          controller.enqueue(new Uint8Array(65_536));
        },
      }),
    );
  expect((await failure(getAccessToken(client), 'issuer_unreachable')).message).toContain('it is too long');
  // Beside what was on its way already.
  expect(sent).toBeLessThan(16 * 1024 * 1024);
});
