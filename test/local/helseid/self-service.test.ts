import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { startHelseId } from '../../../local/helseid/helseid.ts';
import { startSelfService } from '../../../local/helseid/self-service.ts';
import { type ClientKey, hash, makeCertificate, makeClientKey, makeProof, makeWire, read } from './wire.ts';

const SCOPE = 'nhn:selvbetjening/client';
const CC = { grant_type: 'client_credentials', scope: SCOPE };
const [{ certificate }, key] = await Promise.all([makeCertificate(), makeClientKey()]);
const helseId = await startHelseId({
  certificate,
  apis: [
    { audience: 'nhn:selvbetjening', scopes: [SCOPE] },
    { audience: 'example:a', scopes: ['example:a/read'] },
  ],
  clients: [
    {
      clientId: 'c',
      scopes: [SCOPE, 'example:a/read'],
      jwks: { keys: [key.jwk] },
      tenancy: 'single-tenant',
    },
  ],
});
const { registry, issuer, keys } = helseId;
const server = await startSelfService({ certificate, registry, issuer, keys });
const wire = makeWire(issuer, 'c', key);
const token = String((await wire.token({ form: CC })).body['access_token']);

afterAll(async () => {
  await server.close();
  await helseId.close();
});
beforeEach(() => () => {
  server.behaviour.previousKeys = 'keep';
  for (const { kid, origin } of helseId.registry.keys('c'))
    if (origin === 'Api') helseId.registry.remove('c', kid);
});

async function call(method: 'GET' | 'POST', body?: unknown, accessToken = token) {
  const url = `${server.url}/v1/client-secret`;
  const proof = await makeProof(method, url, key, { ath: hash(accessToken) });
  const headers = { authorization: `DPoP ${accessToken}`, dpop: proof, 'content-type': 'application/json' };
  return fetch(url, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
}

const tokenWith = (newKey: ClientKey) => wire.token({ form: CC, key: newKey });
const kids = () => helseId.registry.keys('c').map(({ kid }) => kid);

describe('the portal', () => {
  const register = (clientId: string, body: unknown, type = 'application/json') =>
    fetch(`${server.url}/portal/${clientId}`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: JSON.stringify(body),
    });

  test('takes the first key of a program without a token, and HelseID honours it', async () => {
    const added = await makeClientKey('PS256');
    expect((await tokenWith(added)).status).toBe(401);
    const registered = await register('c', added.jwk);
    expect(await read(registered)).toMatchObject({ status: 200, body: { expiration: null } });
    expect((await tokenWith(added)).status).toBe(200);
    expect(helseId.registry.keys('c').at(-1)).toMatchObject({ origin: 'Gui', expires: null });
    helseId.registry.remove('c', String(added.jwk.kid));
  });

  test.each<[string, (added: ClientKey) => Promise<Response>, number]>([
    ['of another client', ({ jwk }) => register('other', jwk), 400],
    ['that is no JWK', () => register('c', 'text'), 400],
    ['that a page of another origin may send', ({ jwk }) => register('c', jwk, 'text/plain'), 415],
    ['to be read', () => fetch(`${server.url}/portal/c`), 401],
  ])('takes no key %s', async (_, ask, status) => {
    expect((await ask(await makeClientKey())).status).toBe(status);
    expect(kids()).toEqual([key.jwk.kid]);
  });
});

describe('client-secret', () => {
  test.each(['object', 'string'])(
    'takes a key as %s, reports its expiry, and HelseID honours it',
    async (form) => {
      const added = await makeClientKey('PS256');
      const sent = form === 'object' ? added.jwk : JSON.stringify(added.jwk);
      const posted = await read(await call('POST', sent));
      expect(posted).toMatchObject({
        status: 200,
        body: { expiration: expect.stringMatching(/^\d{4}-.*Z$/) },
      });
      expect((await tokenWith(added)).status).toBe(200);
      const listed = (await read(await call('GET'))).body as unknown as Record<string, unknown>[];
      expect(listed).toContainEqual({
        expiration: null,
        kid: key.jwk.kid,
        jwkThumbprint: key.jwk.kid,
        origin: 'Gui',
        publicJwk: null,
      });
      expect(listed).toContainEqual({
        expiration: posted.body['expiration'],
        kid: added.jwk.kid,
        jwkThumbprint: added.jwk.kid,
        origin: 'Api',
        publicJwk: null,
      });
    },
  );

  test('takes the same key again without a second entry', async () => {
    const added = await makeClientKey();
    await call('POST', added.jwk);
    await call('POST', added.jwk);
    expect(kids()).toEqual([key.jwk.kid, added.jwk.kid]);
  });

  test('refuses strangers, tokens for others, and proofs used before', async () => {
    expect((await fetch(`${server.url}/v1/client-secret`)).status).toBe(401);
    const form = { grant_type: 'client_credentials', scope: 'example:a/read' };
    const other = String((await wire.token({ form })).body['access_token']);
    const answer = await call('GET', undefined, other);
    expect(await read(answer)).toMatchObject({ status: 401, body: { check: 'aud' } });
    const url = `${server.url}/v1/client-secret`;
    const headers = {
      authorization: `DPoP ${token}`,
      dpop: await makeProof('GET', url, key, { ath: hash(token) }),
    };
    expect((await fetch(url, { headers })).status).toBe(200);
    const replayed = await fetch(url, { headers });
    expect(replayed.status).toBe(401);
    expect(replayed.headers.get('www-authenticate')).toContain('invalid_dpop_proof');
  });

  test.each<[string, (added: ClientKey) => Promise<unknown> | unknown]>([
    ['no JWK', () => 'text'],
    ['a number', () => 1],
    ['no kid', ({ jwk: { kid: _, ...rest } }) => rest],
    ['no alg', ({ jwk: { alg: _, ...rest } }) => rest],
    ['half a key', ({ jwk: { x: _, ...rest } }) => rest],
    ['a private key', ({ jwk }) => ({ ...jwk, d: 'AAAA' })],
  ])('%s is refused with problem details', async (_, make) => {
    const before = kids();
    const response = await call('POST', make(await makeClientKey()));
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await read(response)).toMatchObject({ status: 400, body: { status: 400, title: 'Bad request' } });
    expect(kids()).toEqual(before);
  });

  test('drops the previous key at once, portal keys stay', async () => {
    const [first, second] = await Promise.all([makeClientKey(), makeClientKey()]);
    await call('POST', first.jwk);
    server.behaviour.previousKeys = 'drop';
    await call('POST', second.jwk);
    expect(kids()).toEqual([key.jwk.kid, second.jwk.kid]);
    expect((await tokenWith(first)).body).toMatchObject({ error: 'invalid_client' });
    expect((await tokenWith(second)).status).toBe(200);
  });
});
