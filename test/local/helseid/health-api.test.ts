import { exportJWK, type JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startHealthApi } from '../../../local/helseid/health-api.ts';
import { startHelseId } from '../../../local/helseid/helseid.ts';
import type { HealthApiServer, HelseIdServer, StandInEvent } from '../../../local/helseid/types.ts';
import {
  type ClientKey,
  hash,
  makeCa,
  makeClientKey,
  makeProof,
  makeWire,
  now,
  organization,
  read,
} from './wire.ts';

const events: StandInEvent[] = [];
let files: Awaited<ReturnType<typeof makeCa>>;
let key: ClientKey;
let helseId: HelseIdServer;
let documents: HealthApiServer;
let summaries: HealthApiServer;
let tokens: Record<'documents' | 'summaries' | 'few', string>;
let thief: ClientKey;

beforeAll(async () => {
  [files, key, thief] = await Promise.all([makeCa(), makeClientKey(), makeClientKey()]);
  const { ca } = files;
  const scopes = { documents: 'example:documents/write', summaries: 'example:summaries/read' };
  helseId = await startHelseId({
    ca,
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
  const { issuer, keys } = helseId;
  const onEvent = (event: StandInEvent) => void events.push(event);
  documents = await startHealthApi({
    ca,
    issuer,
    keys,
    path: '/fhir',
    audience: 'example:documents',
    scopes: [scopes.documents],
    onEvent,
  });
  summaries = await startHealthApi({
    ca,
    issuer,
    keys,
    audience: 'example:summaries',
    scopes: [scopes.summaries],
    nonceLifetime: 60,
  });
  const wire = makeWire(issuer, 'c', key);
  const fetchToken = async (scope: string) => {
    const form = { grant_type: 'client_credentials', scope };
    return String(
      (await wire.token({ form, assertion: { assertion_details: organization('888888888') } })).body[
        'access_token'
      ],
    );
  };
  tokens = {
    documents: await fetchToken(scopes.documents),
    summaries: await fetchToken(scopes.summaries),
    few: await fetchToken('example:documents/read'),
  };
});
afterAll(async () => {
  await Promise.all([documents.close(), summaries.close(), helseId.close()]);
});

async function call(
  method: string,
  url: string,
  token: string,
  options: { body?: unknown; nonce?: string } = {},
) {
  const proof = await makeProof(method, url.split('?')[0] ?? url, key, {
    ath: hash(token),
    nonce: options.nonce,
  });
  const body = options.body === undefined ? {} : { body: JSON.stringify(options.body) };
  return fetch(url, { method, headers: { authorization: `DPoP ${token}`, dpop: proof }, ...body }).then(read);
}

const makeDocument = (value: string) => ({
  resourceType: 'DocumentReference',
  status: 'current',
  identifier: [{ system: 'urn:example', value }],
  content: [{ attachment: { contentType: 'text/plain', data: 'aGVsbG8=' } }],
});

describe('documents', () => {
  test('are stored once, with whom they are from', async () => {
    const url = `${documents.url}/DocumentReference`;
    const created = await call('POST', url, tokens.documents, { body: makeDocument('1') });
    expect(created).toMatchObject({
      status: 201,
      body: { resourceType: 'DocumentReference', id: expect.any(String) },
    });
    expect(created.headers.get('location')).toBe(`${url}/${created.body['id']}`);
    const again = await call('POST', url, tokens.documents, { body: makeDocument('1') });
    expect(again).toMatchObject({ status: 200, body: { id: created.body['id'] } });
    expect(documents.documents).toEqual([
      {
        id: created.body['id'],
        resource: makeDocument('1'),
        clientId: 'c',
        parent: '999999999',
        child: '888888888',
        received: 2,
      },
    ]);
    expect(events.at(-1)?.detail).toBe('POST /fhir/DocumentReference 200');
  });

  test.each<[string, unknown]>([
    ['not an object', [1]],
    ['another resource', { ...makeDocument('2'), resourceType: 'Patient' }],
    ['unknown status', { ...makeDocument('2'), status: 'new' }],
    ['no identifier', { ...makeDocument('2'), identifier: [] }],
    ['no content', { ...makeDocument('2'), content: [] }],
    ['content without attachment', { ...makeDocument('2'), content: [null] }],
  ])('%s is refused', async (_, body) => {
    const answer = await call('POST', `${documents.url}/DocumentReference`, tokens.documents, { body });
    expect(answer).toMatchObject({ status: 422, body: { resourceType: 'OperationOutcome' } });
    expect(documents.documents).toHaveLength(1);
  });

  test('take no token of another API', async () => {
    const answer = await call('POST', `${documents.url}/DocumentReference`, tokens.summaries, { body: {} });
    expect(answer).toMatchObject({ status: 401, body: { check: 'aud' } });
    expect(answer.headers.get('www-authenticate')).toContain('invalid_token');
  });

  test('are nowhere else', async () => {
    expect((await call('POST', `${documents.url}/Patient`, tokens.documents, { body: {} })).status).toBe(404);
    expect((await call('GET', `${documents.url}/DocumentReference`, tokens.documents)).status).toBe(404);
  });
});

describe('what the API verifies by itself', () => {
  const url = () => `${documents.url}/DocumentReference`;
  const send = async (headers: [string, string][]) =>
    read(await fetch(url(), { method: 'POST', headers, body: JSON.stringify(makeDocument('3')) }));
  const show = async (twist: Parameters<typeof makeProof>[3] = {}, token = tokens.documents) =>
    send([
      ['authorization', `DPoP ${token}`],
      ['dpop', await makeProof('POST', url(), key, { ath: hash(token), ...twist })],
    ]);

  test('a proof that differs in spelling alone is good', async () => {
    const htu = url().replace('localhost', 'LOCALHOST').replace('Document', '%44ocument');
    expect((await show({ htu })).status).toBeLessThan(300);
    expect((await show({ iat: now() - 14 })).status).toBeLessThan(300);
  });

  const other: { jwk?: JWK; private?: JWK } = {};
  beforeAll(async () => {
    other.jwk = thief.bare;
    other.private = await exportJWK(key.privateKey);
  });
  test.each<[string, (() => Parameters<typeof makeProof>[3]) | Parameters<typeof makeProof>[3]]>([
    ['another method', { htm: 'GET' }],
    ['another path', () => ({ htu: `${url()}s` })],
    ['a path in other letters', () => ({ htu: url().replace('Document', 'document') })],
    ['a query', () => ({ htu: `${url()}?` })],
    ['another host', () => ({ htu: url().replace('localhost', '127.0.0.1') })],
    ['a user', () => ({ htu: url().replace('://', '://me@') })],
    ['a user that has no name', () => ({ htu: url().replace('://', '://:b@') })],
    ['a blank before the URL', () => ({ htu: ` ${url()}` })],
    ['a tab in the URL', () => ({ htu: url().replace('/fhir', '/fh\tir') })],
    ['backslashes', () => ({ htu: url().replaceAll('/', '\\') })],
    ['a backslash', () => ({ htu: url().replace('/fhir/', '/fhir\\') })],
    ['no URL', { htu: 'documents' }],
    ['another token', { ath: hash('another') }],
    ['no token', { ath: undefined }],
    ['no jti', { jti: undefined }],
    ['a jti that is a number', { jti: 17 }],
    ['an empty jti', { jti: '' }],
    ['no iat', { iat: undefined }],
    ['an iat of long ago', () => ({ iat: now() - 20 })],
    ['an iat to come', () => ({ iat: now() + 10 })],
    ['an exp', () => ({ exp: now() + 10 })],
    ['another typ', { header: { typ: 'JWT' } }],
    ['no key', { header: { jwk: undefined } }],
    ['the key of somebody else', () => ({ header: { jwk: other.jwk } })],
    ['a private key', () => ({ header: { jwk: other.private } })],
  ])('a proof with %s is not', async (_, twist) => {
    const made = typeof twist === 'function' ? twist() : twist;
    expect(await show(made)).toMatchObject({ status: 401, body: { check: 'proof' } });
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
    const proofs = [0, 1].map(async () => makeProof('POST', url(), key, { ath: hash(tokens.documents) }));
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
    expect(second).toMatchObject({ status: 200, body: { id: '42', readBy: 'c' } });
    expect(second.headers.get('dpop-nonce')).toBeTruthy();
  });

  test('an odd id is not found', async () => {
    const nonce = (await call('GET', `${summaries.url}/v1/summaries/1`, tokens.summaries)).headers.get(
      'dpop-nonce',
    );
    const answer = await call('GET', `${summaries.url}/v1/summaries/a%20b`, tokens.summaries, {
      nonce: nonce ?? '',
    });
    expect(answer.status).toBe(404);
  });
});
