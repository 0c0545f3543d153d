import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { exportJWK } from 'jose';
import { afterAll, describe, expect, test } from 'vitest';
import { startHealthApi } from '../../../local/helseid/health-api.ts';
import { startHelseId } from '../../../local/helseid/helseid.ts';
import type { StandInEvent } from '../../../local/helseid/types.ts';
import { newFolder } from '../../temporary.ts';
import {
  hash,
  makeCertificate,
  makeClientKey,
  makeProof,
  makeWire,
  now,
  organization,
  read,
} from './wire.ts';

const answers = newFolder();
const events: StandInEvent[] = [];
const [{ certificate }, key, thief] = await Promise.all([
  makeCertificate(),
  makeClientKey(),
  makeClientKey(),
]);
const scopes = { documents: 'example:documents/write', summaries: 'example:summaries/read' };
const helseId = await startHelseId({
  certificate,
  apis: Object.entries(scopes).map(([name, scope]) => ({
    audience: `example:${name}`,
    scopes: [scope, `example:${name}/read`],
  })),
  clients: [
    {
      clientId: 'c',
      scopes: [...Object.values(scopes), 'example:documents/read'],
      tenancy: 'single-tenant',
      parent: '999999999',
      jwks: { keys: [key.jwk] },
    },
  ],
});
const issued = { certificate, issuer: helseId.issuer, keys: helseId.keys };
const documents = await startHealthApi({
  ...issued,
  path: '/fhir',
  audience: 'example:documents',
  scopes: [scopes.documents],
  answers,
  routeOf: (path) =>
    ['/fhir/DocumentReference', '/fhir/Patient/*'].find((one) => path.startsWith(one.replace('*', ''))),
  onEvent: (event) => void events.push(event),
});
const summaries = await startHealthApi({
  ...issued,
  audience: 'example:summaries',
  scopes: [scopes.summaries],
  nonceLifetime: 60,
});
const wire = makeWire(helseId.issuer, 'c', key);
const fetchToken = async (scope: string) => {
  const form = { grant_type: 'client_credentials', scope };
  const { body } = await wire.token({ form, assertion: { assertion_details: organization('888888888') } });
  return String(body['access_token']);
};
const privateJwk = await exportJWK(key.privateKey);
const tokens = {
  documents: await fetchToken(scopes.documents),
  summaries: await fetchToken(scopes.summaries),
  few: await fetchToken('example:documents/read'),
};
afterAll(async () => {
  await Promise.all([documents.close(), summaries.close(), helseId.close()]);
});

async function call(
  method: string,
  url: string,
  token: string,
  options: { body?: unknown; nonce?: string } = {},
) {
  const of = { ath: hash(token), nonce: options.nonce };
  const proof = await makeProof(method, url.split('?')[0] ?? url, key, of);
  const body = options.body === undefined ? {} : { body: JSON.stringify(options.body) };
  return fetch(url, { method, headers: { authorization: `DPoP ${token}`, dpop: proof }, ...body }).then(read);
}

describe('answers', () => {
  test('say what came, of whom, where there is none in the folder', async () => {
    const url = `${documents.url}/DocumentReference`;
    const answer = await call('POST', `${url}?a=1`, tokens.documents, { body: { status: 'current' } });
    const caller = { client_id: 'c', parent: '999999999', child: '888888888' };
    expect(answer).toMatchObject({
      status: 200,
      body: {
        method: 'POST',
        path: '/DocumentReference',
        query: { a: '1' },
        caller,
        received: { status: 'current' },
      },
    });
    expect(documents.calls).toEqual([
      {
        method: 'POST',
        path: '/DocumentReference',
        clientId: 'c',
        parent: '999999999',
        child: '888888888',
        content: hash('{"status":"current"}'),
      },
    ]);
    expect(events.at(-1)?.detail).toBe('POST /fhir/DocumentReference 200');
  });

  test.each([
    ['a granted one', '/Patient/17895012348', 'GET /fhir/Patient/* 200'],
    ['another', '/Nobody/PATIENT', 'GET another path 200'],
  ])('leave no line with what a path says: %s', async (_, path, detail) => {
    await call('GET', `${documents.url}${path}`, tokens.documents);
    expect(events.at(-1)?.detail).toBe(detail);
  });

  test('are those of the folder, by method and path, a segment `_` for any, read at each call', async () => {
    const put = (file: string, text: string) => {
      mkdirSync(dirname(join(answers, file)), { recursive: true });
      writeFileSync(join(answers, file), text);
    };
    put('GET/v1/_/parts/7.json', '{"part":7}');
    put('GET/v1/17.json', '{"status":404,"body":{"why":"gone"},"headers":{"retry-after":"3"}}');
    put('GET/v1/18.json', '{');
    const get = (path: string) => call('GET', `${documents.url}${path}`, tokens.documents);
    expect(await get('/v1/any/parts/7')).toMatchObject({ status: 200, body: { part: 7 } });
    const whole = await get('/v1/17');
    expect(whole).toMatchObject({ status: 404, body: { why: 'gone' } });
    expect(whole.headers.get('retry-after')).toBe('3');
    expect(await get('/v1/18')).toMatchObject({
      status: 500,
      body: { message: expect.stringMatching(/no JSON/) },
    });
    put('GET/v1/18.json', '["a"]');
    expect(await get('/v1/18')).toMatchObject({ status: 200, body: ['a'] });
    // Nothing else of this machine: a URL's path does not climb.
    for (const path of ['/v1/%2e%2e/v1/17', '/v1/..%2f..%2f..%2fsecret'])
      expect((await get(path)).status).not.toBe(500);
  });

  test('are none beside the API, and none for a token of another API', async () => {
    const { origin } = new URL(documents.url);
    expect((await call('GET', `${origin}/fhirs/1`, tokens.documents)).status).toBe(404);
    const other = await call('POST', `${documents.url}/DocumentReference`, tokens.summaries, { body: {} });
    expect(other).toMatchObject({ status: 401, body: { check: 'aud' } });
    expect(other.headers.get('www-authenticate')).toContain('invalid_token');
  });
});

describe('what the API verifies by itself', () => {
  const url = `${documents.url}/DocumentReference`;
  const send = async (headers: [string, string][]) =>
    read(await fetch(url, { method: 'POST', headers, body: '{}' }));
  const show = async (twist: Parameters<typeof makeProof>[3] = {}, token = tokens.documents) =>
    send([
      ['authorization', `DPoP ${token}`],
      ['dpop', await makeProof('POST', url, key, { ath: hash(token), ...twist })],
    ]);

  test('a proof that differs in spelling alone is good', async () => {
    const htu = url.replace('localhost', 'LOCALHOST').replace('Document', '%44ocument');
    expect((await show({ htu })).status).toBeLessThan(300);
    expect((await show({ iat: now() - 10 })).status).toBeLessThan(300);
  });

  test.each<[string, Parameters<typeof makeProof>[3]]>([
    ['another method', { htm: 'GET' }],
    ['another path', { htu: `${url}s` }],
    ['a path in other letters', { htu: url.replace('Document', 'document') }],
    ['a query', { htu: `${url}?` }],
    ['another host', { htu: url.replace('localhost', '127.0.0.1') }],
    ['a user', { htu: url.replace('://', '://me@') }],
    ['a user that has no name', { htu: url.replace('://', '://:b@') }],
    ['a blank before the URL', { htu: ` ${url}` }],
    ['a tab in the URL', { htu: url.replace('/fhir', '/fh\tir') }],
    ['backslashes', { htu: url.replaceAll('/', '\\') }],
    ['a backslash', { htu: url.replace('/fhir/', '/fhir\\') }],
    ['no URL', { htu: 'documents' }],
    ['another token', { ath: hash('another') }],
    ['no token', { ath: undefined }],
    ['no jti', { jti: undefined }],
    ['a jti that is a number', { jti: 17 }],
    ['an empty jti', { jti: '' }],
    ['no iat', { iat: undefined }],
    ['an iat of long ago', { iat: now() - 20 }],
    ['an exp', { exp: now() + 10 }],
    ['another typ', { header: { typ: 'JWT' } }],
    ['no key', { header: { jwk: undefined } }],
    ['the key of somebody else', { header: { jwk: thief.bare } }],
    ['a private key', { header: { jwk: privateJwk } }],
  ])('a proof with %s is not', async (_, twist) => {
    expect(await show(twist)).toMatchObject({ status: 401, body: { check: 'proof' } });
  });

  test('a proof with an iat to come is not', async () => {
    expect(await show({ iat: now() + 10 })).toMatchObject({ status: 401, body: { check: 'proof' } });
  });

  test("a proof by a thief's key, twice, or in two headers is not", async () => {
    expect(await show({ key: thief, header: { jwk: thief.bare } })).toMatchObject({
      status: 401,
      body: { check: 'cnf.jkt' },
    });
    const twice = { jti: 'twice' };
    expect((await show(twice)).status).toBeLessThan(300);
    expect(await show(twice)).toMatchObject({ status: 401, body: { check: 'proof' } });
    const token: [string, string] = ['authorization', `DPoP ${tokens.documents}`];
    const proofs = [0, 1].map(async () => makeProof('POST', url, key, { ath: hash(tokens.documents) }));
    const two = (await Promise.all(proofs)).map((proof): [string, string] => ['dpop', proof]);
    expect(await send([token, ...two])).toMatchObject({ status: 401, body: { check: 'proof' } });
    expect(await send([token, ...two.slice(0, 1), token])).toMatchObject({ body: { check: 'scheme' } });
  });

  test('a token of another issuer, spoilt, or without its scope is not', async () => {
    const [head = '', body = '', signature = ''] = tokens.documents.split('.');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const spoilt = [head, encode({ ...claims, exp: now() + 999 }), signature].join('.');
    const unsigned = `${encode({ alg: 'none', typ: 'at+jwt' })}.${body}.`;
    for (const token of [spoilt, unsigned])
      expect(await show({}, token)).toMatchObject({ status: 401, body: { check: 'signature' } });
    const few = await show({}, tokens.few);
    expect(few).toMatchObject({ status: 403, body: { error: 'insufficient_scope' } });
    expect(few.headers.get('www-authenticate')).toContain('scope="example:documents/write"');
  });
});

describe('summaries', () => {
  test('take a nonce of their own, and give a new one each time', async () => {
    const url = `${summaries.url}/v1/summaries/42?lang=nb`;
    const first = await call('GET', url, tokens.summaries);
    expect(first.status).toBe(401);
    expect(first.headers.get('www-authenticate')).toContain('use_dpop_nonce');
    const nonce = first.headers.get('dpop-nonce') ?? '';
    const second = await call('GET', url, tokens.summaries, { nonce });
    expect(second).toMatchObject({ status: 200, body: { path: '/v1/summaries/42', query: { lang: 'nb' } } });
    expect(second.headers.get('dpop-nonce')).toBeTruthy();
  });
});
