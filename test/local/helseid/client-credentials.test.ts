import { request } from 'node:https';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { startHelseId } from '../../../local/helseid/helseid.ts';
import type { StandInEvent } from '../../../local/helseid/types.ts';
import {
  makeAssertion,
  makeCertificate,
  makeClientKey,
  makeWire,
  now,
  organization,
  read,
  type TokenCall,
} from './wire.ts';

const ORG = 'helseid://claims/client/claims/orgnr_';
const CC = { grant_type: 'client_credentials' };
const events: StandInEvent[] = [];
const [{ certificate }, key, stranger] = await Promise.all([
  makeCertificate(),
  makeClientKey(),
  makeClientKey(),
]);
const jwks = { keys: [key.jwk] };
const server = await startHelseId({
  certificate,
  path: '/session-1',
  apis: [
    { audience: 'example:a', scopes: ['example:a/read', 'example:a/write'] },
    { audience: 'example:b', scopes: ['example:b/read'] },
    { audience: 'example:d', scopes: ['example:d/read'] },
  ],
  clients: [
    {
      clientId: 'single',
      name: 'Journal',
      scopes: ['openid', 'example:a/read', 'example:b/read'],
      tenancy: 'single-tenant',
      parent: '999999999',
      jwks,
    },
    { clientId: 'multi', scopes: ['example:a/read', 'example:b/read'], tenancy: 'multi-tenant', jwks },
  ],
  onEvent: (event) => events.push(event),
});
const { issuer } = server;
const single = makeWire(issuer, 'single', key);
const multi = makeWire(issuer, 'multi', key);
afterAll(() => server.close());
beforeEach(() => {
  events.length = 0;
});

async function claimsOf(body: Record<string, unknown>) {
  const { payload } = await jwtVerify(String(body['access_token']), server.keys, { issuer });
  return payload;
}

describe('metadata', () => {
  test('is under the path of the issuer, and HelseID’s own', async () => {
    const { body } = await read(await fetch(`${issuer}/.well-known/openid-configuration`));
    expect(body).toMatchObject({
      issuer: issuer,
      token_endpoint: `${issuer}/connect/token`,
      pushed_authorization_request_endpoint: `${issuer}/connect/par`,
      jwks_uri: `${issuer}/.well-known/openid-configuration/jwks`,
      require_pushed_authorization_requests: true,
      authorization_response_iss_parameter_supported: true,
      id_token_signing_alg_values_supported: ['RS256'],
    });
    expect(body).not.toHaveProperty('token_endpoint_auth_signing_alg_values_supported');
    const jwks = await read(await fetch(String(body['jwks_uri'])));
    expect(JSON.stringify(jwks.body)).not.toMatch(/"d":/);
  });

  test('is nowhere else', async () => {
    const { origin } = new URL(issuer);
    expect((await fetch(`${origin}/.well-known/openid-configuration`)).status).toBe(404);
  });
});

describe('what programs ask', () => {
  test.each(['token', 'par', 'revocation', 'userinfo', 'introspect', 'nowhere'])(
    '%s answers errors as JSON, also to who would rather have a page',
    async (endpoint) => {
      // The default of Java's HttpURLConnection.
      const headers = { accept: 'text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2' };
      const response = await fetch(`${issuer}/connect/${endpoint}`, { method: 'POST', headers });
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.headers.get('content-type')).toContain('application/json');
      expect(await response.json()).toMatchObject({ error: expect.any(String) });
    },
  );

  test('no answer repeats the name that it was asked by', async () => {
    const { origin } = new URL(issuer);
    const url = `${issuer}/.well-known/openid-configuration`;
    const text = await new Promise<string>((resolve, reject) => {
      const options = {
        servername: 'localhost',
        headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example' },
        ca: certificate.cert,
      };
      request(url, options, (response) => {
        let body = '';
        response.on('data', (chunk) => (body += chunk)).on('end', () => resolve(body));
      })
        .on('error', reject)
        .end();
    });
    expect(JSON.parse(text)).toMatchObject({ token_endpoint: `${issuer}/connect/token` });
    expect(text.replaceAll(origin, '')).not.toMatch(/https?:/);
  });
});

describe('a token', () => {
  test('takes a nonce, and is what HelseID gives', async () => {
    const first = await single.once({ form: CC }, '/connect/token');
    expect(first).toMatchObject({ status: 400, body: { error: 'use_dpop_nonce' } });
    const nonce = first.headers.get('dpop-nonce') ?? '';
    const { status, body, headers } = await single.once({ form: CC, nonce }, '/connect/token');
    expect(status).toBe(200);
    expect(headers.get('dpop-nonce')).toBeNull();
    const scope = 'example:a/read example:b/read';
    expect(body).toMatchObject({ token_type: 'DPoP', expires_in: 60, scope });
    const header = decodeProtectedHeader(String(body['access_token']));
    expect(header).toMatchObject({ alg: 'RS256', typ: 'at+jwt' });
    expect(await claimsOf(body)).toMatchObject({
      aud: ['example:a', 'example:b'],
      client_id: 'single',
      cnf: { jkt: key.jwk.kid },
      [`${ORG}parent`]: '999999999',
      'helseid://claims/client/client_tenancy': 'single-tenant',
      'helseid://claims/client/client_name': 'Journal',
      nbf: expect.any(Number),
    });
    expect(await claimsOf(body)).not.toHaveProperty('sub');
    expect(events.at(-1)).toMatchObject({ kind: 'token', client: 'single', kid: key.jwk.kid });
  });

  test('has one audience and that API’s lifetime where one API is meant', async () => {
    const byScope = await single.token({ form: { ...CC, scope: 'example:a/read' } });
    expect(await claimsOf(byScope.body)).toMatchObject({ aud: 'example:a', scope: 'example:a/read' });
    const byResource = await single.token({ form: { ...CC, resource: 'example:a' } });
    expect(byResource.body).toMatchObject({ expires_in: 60, scope: 'example:a/read' });
    expect(await claimsOf(byResource.body)).toMatchObject({ aud: 'example:a' });
  });

  test('may be bound to another key than the client’s', async () => {
    const proof = { key: stranger, header: { jwk: stranger.bare } };
    const { body } = await single.token({ form: CC, proof });
    expect(await claimsOf(body)).toMatchObject({ cnf: { jkt: stranger.jwk.kid } });
  });

  test.each(['PS256', 'PS384', 'ES384', 'ES512'])('works with %s', async (alg) => {
    const other = await makeClientKey(alg);
    server.registry.register('single', other.jwk, 'Api');
    expect((await single.token({ form: CC, key: other })).status).toBe(200);
    server.registry.remove('single', other.jwk.kid);
  });
});

describe('refused', () => {
  const withAssertion: [string, () => Exclude<TokenCall['assertion'], string | undefined>][] = [
    ['another typ', () => ({ header: { typ: 'JWT' } })],
    ['no typ', () => ({ header: { typ: undefined } })],
    ['no kid', () => ({ header: { kid: undefined } })],
    ['an unknown kid', () => ({ header: { kid: 'other' } })],
    ['the signature of an unknown key', () => ({ key: stranger })],
    ['exp too far ahead', () => ({ exp: now() + 13 })],
    ['an exp that is past', () => ({ exp: now() - 30 })],
    ['no exp', () => ({ exp: undefined })],
    ['no iat', () => ({ iat: undefined })],
    ['iat an hour ago', () => ({ iat: now() - 3600 })],
    ['iat in an hour', () => ({ iat: now() + 3600 })],
    ['no nbf', () => ({ nbf: undefined })],
    ['an nbf to come', () => ({ nbf: now() + 30 })],
    ['no jti', () => ({ jti: undefined })],
    ['aud the token endpoint', () => ({ aud: `${issuer}/connect/token` })],
    ['aud a list', () => ({ aud: [issuer] })],
    ['aud with a slash', () => ({ aud: `${issuer}/` })],
    ['another iss', () => ({ iss: 'multi' })],
  ];
  const withForm: [string, string, Record<string, string>][] = [
    ['a scope the client lacks', 'invalid_scope', { scope: 'example:a/write' }],
    ['an unknown resource', 'invalid_target', { resource: 'example:c' }],
    ['a resource and another’s scope', 'invalid_scope', { scope: 'example:b/read', resource: 'example:a' }],
    ['a resource and a scope of none', 'invalid_scope', { scope: 'openid', resource: 'example:a' }],
    ['a resource that the client has no scope of', 'invalid_target', { resource: 'example:d' }],
    ["the stand-in's own resource", 'invalid_target', { resource: 'urn:helseid-zones:every-api' }],
    ['a grant the client lacks', 'invalid_request', { grant_type: 'authorization_code' }],
    ['an unknown grant', 'unsupported_grant_type', { grant_type: 'password' }],
  ];
  const nobody = { assertion: { iss: 'nobody', sub: 'nobody' }, form: { ...CC, client_id: 'nobody' } };

  type Refused = [string, string, () => TokenCall];
  test.each<Refused>([
    ...withAssertion.map(([what, of]): Refused => [what, 'invalid_client', () => ({ assertion: of() })]),
    ...withForm.map(([what, error, form]): Refused => [what, error, () => ({ form: { ...CC, ...form } })]),
    ['another client', 'invalid_request', () => ({ assertion: { iss: 'multi', sub: 'multi' } })],
    ['an unknown client', 'invalid_client', () => nobody],
    ['no proof', 'invalid_dpop_proof', () => ({ proof: null })],
    ['proof for another URL', 'invalid_dpop_proof', () => ({ proof: { htu: issuer } })],
    ['proof for another method', 'invalid_dpop_proof', () => ({ proof: { htm: 'GET' } })],
  ])('%s', async (_, error, call) => {
    const { status, body } = await single.token({ form: CC, ...call() });
    expect([400, 401]).toContain(status);
    expect(body).toMatchObject({ error });
    expect(body).not.toHaveProperty('access_token');
    expect(events.at(-1)).toMatchObject({ kind: 'refused' });
  });

  test('the same assertion twice, and one used up by a demand for a nonce', async () => {
    const { nonce } = await knownNonce();
    const assertion = await makeAssertion(issuer, 'single', key);
    const call = { form: CC, assertion, nonce };
    expect((await single.once(call, '/connect/token')).status).toBe(200);
    const used = { body: { error: 'invalid_client' } };
    expect(await single.once(call, '/connect/token')).toMatchObject(used);
    const fresh = await makeAssertion(issuer, 'single', key);
    expect(await single.token({ form: CC, assertion: fresh })).toMatchObject(used);
  });

  test('the same proof twice', async () => {
    const { nonce } = await knownNonce();
    const call = { form: CC, nonce, proof: { jti: 'twice' } };
    expect((await single.once(call, '/connect/token')).status).toBe(200);
    const again = await single.once(call, '/connect/token');
    expect(again).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof' } });
  });
});

async function knownNonce() {
  const first = await single.once({ form: CC }, '/connect/token');
  return { nonce: first.headers.get('dpop-nonce') ?? '' };
}

describe('switches', () => {
  beforeEach(() => () => {
    Object.assign(server.behaviour, {
      nonce: 'with-400',
      nonceLifetime: 60,
      challengeConsumesAssertion: true,
      propagation: 0,
      accessTokenLifetime: 60,
    });
  });

  test('a nonce on every answer', async () => {
    server.behaviour.nonce = 'every-answer';
    const { status, headers } = await single.token({ form: CC });
    expect(status).toBe(200);
    expect(headers.get('dpop-nonce')).toBeTruthy();
  });

  test('no nonce at all', async () => {
    server.behaviour.nonce = 'never';
    const { status, headers } = await single.once({ form: CC }, '/connect/token');
    expect(status).toBe(200);
    expect(headers.get('dpop-nonce')).toBeNull();
  });

  test('a nonce that has expired, and one that is not ours', async () => {
    const { nonce } = await knownNonce();
    server.behaviour.nonceLifetime = 0;
    for (const stale of [nonce, `${nonce}x`, 'made-up']) {
      const answer = await single.once({ form: CC, nonce: stale }, '/connect/token');
      expect(answer).toMatchObject({ status: 400, body: { error: 'use_dpop_nonce' } });
    }
  });

  test('a challenge that leaves the assertion usable', async () => {
    server.behaviour.challengeConsumesAssertion = false;
    const assertion = await makeAssertion(issuer, 'single', key);
    expect((await single.token({ form: CC, assertion })).status).toBe(200);
  });

  test('a key that is honoured only later', async () => {
    const other = await makeClientKey();
    server.behaviour.propagation = 60;
    server.registry.register('single', other.jwk, 'Api');
    expect((await single.token({ form: CC, key: other })).body).toMatchObject({ error: 'invalid_client' });
    server.behaviour.propagation = 0;
    server.registry.register('single', other.jwk, 'Api');
    expect((await single.token({ form: CC, key: other })).status).toBe(200);
    server.registry.register('single', other.jwk, 'Api', now() - 1);
    expect((await single.token({ form: CC, key: other })).body).toMatchObject({ error: 'invalid_client' });
    expect((await single.token({ form: CC })).status).toBe(200);
  });
});

const multiDetail = (value: string) => organization(value, 'urn:oid:1.0.6523');

describe('organisation details', () => {
  const ask = (wire: typeof single, details: unknown) =>
    wire.token({ form: CC, assertion: { assertion_details: details } });

  test('become claims', async () => {
    const of = (child: string) => ({ [`${ORG}parent`]: '999999999', [`${ORG}child`]: child });
    const child = await ask(single, organization('888888888'));
    expect(await claimsOf(child.body)).toMatchObject(of('888888888'));
    const both = await ask(multi, multiDetail('NO:ORGNR:999999999:111111111'));
    expect(await claimsOf(both.body)).toMatchObject(of('111111111'));
    for (const value of ['NO:ORGNR:999999999', 'NO:ORGNR:999999999:'])
      expect(await claimsOf((await ask(multi, multiDetail(value))).body)).not.toHaveProperty(`${ORG}child`);
  });

  test('several go as a list', async () => {
    const journal_id = '3f2504e0-4f89-41d3-9a0c-0305e82c3301';
    const journal = { type: 'nhn:sfm:journal-id', value: { journal_id } };
    const { body } = await ask(multi, [multiDetail('NO:ORGNR:999999999'), journal]);
    expect(await claimsOf(body)).toMatchObject({ 'nhn:sfm:journal-id': journal_id });
  });

  const framework = { type: 'nhn:tillitsrammeverk:parameters', patients: [] };
  const journalId = { type: 'nhn:sfm:journal-id', value: { journal_id: 'x' } };
  test.each<[string, 'single' | 'multi', unknown, string]>([
    ['not nine digits', 'single', organization('12345678'), 'HID-1004'],
    ['the old system', 'single', organization('888888888', 'urn:oid:2.16.578.1.12.4.1.2.101'), 'HID-1007'],
    ['a legal entity', 'single', multiDetail('NO:ORGNR:999999999:888888888'), 'HID-1005'],
    ['a list of one', 'single', [organization('888888888')], 'HID-1007'],
    ['the same twice', 'single', [organization('888888888'), organization('888888888')], 'HID-1007'],
    ['unknown type', 'single', { type: 'other' }, 'HID-1007'],
    ['not an object', 'single', 'text', 'HID-1007'],
    ['a journal id', 'single', journalId, 'HID-1010'],
    ['not nine digits', 'multi', multiDetail('NO:ORGNR:99999999'), 'HID-1004'],
    ['a child of letters', 'multi', multiDetail('NO:ORGNR:999999999:abc'), 'HID-1004'],
    ['another form', 'multi', multiDetail('999999999'), 'HID-1007'],
    ['the form of single-tenant', 'multi', organization('888888888'), 'HID-1007'],
    ['a journal id that is none', 'multi', journalId, 'HID-1007'],
    ['half a trust framework', 'multi', framework, 'HID-1007'],
  ])('%s is refused (%s)', async (_, who, details, code) => {
    const { body } = await ask(who === 'single' ? single : multi, details);
    expect(body).toMatchObject({ error: 'invalid_request' });
    expect(body['error_description']).toContain(code);
  });
});
