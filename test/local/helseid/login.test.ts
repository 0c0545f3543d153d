import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt, decodeProtectedHeader, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startHelseId } from '../../../local/helseid/helseid.ts';
import type { HelseIdServer } from '../../../local/helseid/types.ts';
import { TEST_USERS } from '../../../local/helseid/users.ts';
import {
  browse,
  type ClientKey,
  hash,
  makeCa,
  makeClientKey,
  makePkce,
  makeProof,
  makeWire,
  now,
  read,
} from './wire.ts';

const LEVEL = 'helseid://claims/identity/security_level';
const PID = 'helseid://claims/identity/pid';
const ORG = 'helseid://claims/client/claims/orgnr_';
const CALLBACK = 'http://localhost:3999/callback';
const SCOPE =
  'openid offline_access helseid://scopes/identity/security_level helseid://scopes/identity/pid example:a/read example:b/read';
const [line, , low] = TEST_USERS;

let files: Awaited<ReturnType<typeof makeCa>>;
let key: ClientKey;
let other: ClientKey;
let server: HelseIdServer;
let wire: ReturnType<typeof makeWire>;
let exchanger: ReturnType<typeof makeWire>;
let gateway: Server;
const logoutTokens: string[] = [];

beforeAll(async () => {
  [files, key, other] = await Promise.all([makeCa(), makeClientKey(), makeClientKey()]);
  gateway = createServer(async (request, response) => {
    logoutTokens.push(new URLSearchParams(await text(request)).get('logout_token') ?? '');
    response.end();
  });
  await new Promise<void>((resolve) => gateway.listen(0, 'localhost', resolve));
  server = await startHelseId({
    ca: files.ca,
    stateDir: files.dir,
    path: '/hid',
    apis: [
      { audience: 'example:a', scopes: ['example:a/read'] },
      { audience: 'example:b', scopes: ['example:b/read'] },
    ],
    clients: [
      {
        clientId: 'web',
        name: 'Journal',
        scopes: [...SCOPE.split(' '), 'profile'],
        tenancy: 'single-tenant',
        parent: '999999999',
        jwks: { keys: [key.jwk] },
        redirectUris: [CALLBACK],
        postLogoutRedirectUris: ['http://localhost:3999/'],
        backchannelLogoutUri: `http://localhost:${(gateway.address() as AddressInfo).port}/logout`,
      },
      {
        clientId: 'api-a',
        scopes: ['example:b/read'],
        tenancy: 'single-tenant',
        jwks: { keys: [other.jwk] },
        exchangesTokensFor: 'example:a',
      },
    ],
  });
  wire = makeWire(server.issuer, 'web', key);
  exchanger = makeWire(server.issuer, 'api-a', other);
});
afterAll(async () => {
  gateway.closeAllConnections();
  await new Promise((resolve) => gateway.close(resolve));
  await server.close();
  await files.remove();
});
beforeEach(() => () => {
  Object.assign(server.behaviour, {
    alter: {},
    bindRefreshTokens: false,
    proofAtPar: false,
    refuseDetailsWithCode: true,
  });
});

async function text(request: IncomingMessage) {
  let body = '';
  for await (const chunk of request) body += chunk;
  return body;
}

async function logIn(
  form: Record<string, string> = {},
  user = line?.sub ?? '',
  cookies = new Map<string, string>(),
) {
  const { verifier, challenge } = makePkce();
  const parameters = {
    scope: SCOPE,
    redirect_uri: CALLBACK,
    state: 'state-1',
    nonce: 'nonce-1',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...form,
  };
  const { par, location } = await wire.authorize(parameters, user, cookies);
  const response = Object.fromEntries(location?.searchParams ?? []);
  const redeem = (extra: Record<string, string> = {}, call: Parameters<typeof wire.token>[0] = {}) =>
    wire.token({
      form: {
        grant_type: 'authorization_code',
        code: response['code'] ?? '',
        redirect_uri: CALLBACK,
        code_verifier: verifier,
        ...extra,
      },
      ...call,
    });
  return { par, response, redeem, cookies, location };
}

const refresh = (
  token: unknown,
  form: Record<string, string> = {},
  call: Parameters<typeof wire.token>[0] = {},
) => wire.token({ form: { grant_type: 'refresh_token', refresh_token: String(token), ...form }, ...call });

const claimsOf = async (token: unknown): Promise<JWTPayload> =>
  (await jwtVerify(String(token), server.keys, { issuer: server.issuer })).payload;

describe('login', () => {
  test('gives the client a code, its state and the issuer', async () => {
    const { response, redeem } = await logIn();
    expect(response).toEqual({ code: expect.any(String), state: 'state-1', iss: server.issuer });
    const { status, body } = await redeem();
    expect(status).toBe(200);
    expect(body).toMatchObject({ token_type: 'DPoP', expires_in: 60, rt_expires_in: expect.any(Number) });
    const idToken = await claimsOf(body['id_token']);
    expect(decodeProtectedHeader(String(body['id_token'])).alg).toBe('RS256');
    expect(idToken).toMatchObject({
      aud: 'web',
      nonce: 'nonce-1',
      sub: line?.sub,
      sid: expect.any(String),
      auth_time: expect.any(Number),
      idp: line?.idp,
      [LEVEL]: '4',
      [PID]: line?.pid,
    });
    expect(idToken).not.toHaveProperty('acr');
    expect(idToken).not.toHaveProperty('name');
    expect(await claimsOf(body['access_token'])).toMatchObject({
      aud: ['example:a', 'example:b'],
      sub: line?.sub,
      cnf: { jkt: key.jwk.kid },
      [LEVEL]: '4',
      [`${ORG}parent`]: '999999999',
    });
  });

  test('tells an API of the person what the scopes allow, no more', async () => {
    const { redeem } = await logIn({ scope: 'openid offline_access example:a/read' });
    const { body } = await redeem();
    const refreshed = await refresh(body['refresh_token']);
    for (const { access_token: token } of [body, refreshed.body]) {
      const claims = await claimsOf(token);
      expect(claims).toMatchObject({
        sub: line?.sub,
        idp: line?.idp,
        scope: 'openid example:a/read',
      });
      for (const name of [PID, LEVEL, 'name', 'helseid://claims/hpr/hpr_number'])
        expect(claims).not.toHaveProperty(name);
    }
  });

  test('shows people of different levels, and says which was picked', async () => {
    const { redeem } = await logIn({}, low?.sub);
    expect(await claimsOf((await redeem()).body['id_token'])).toMatchObject({ [LEVEL]: '3' });
  });

  test('can be cancelled', async () => {
    const { response } = await logIn({}, '');
    expect(response).toMatchObject({ error: 'access_denied', state: 'state-1', iss: server.issuer });
  });

  test('is not asked again in the same browser, unless the client wants it', async () => {
    const cookies = new Map<string, string>();
    await logIn({}, line?.sub, cookies);
    const again = await logIn({}, 'nobody', cookies);
    expect(again.response['code']).toBeTruthy();
    expect(await logIn({ prompt: 'none' }, 'nobody', cookies)).toMatchObject({
      response: { code: expect.any(String) },
    });
    expect((await logIn({ prompt: 'login' }, '', cookies)).response).toMatchObject({
      error: 'access_denied',
    });
  });

  test('without offline_access has no refresh token, without openid no ID token', async () => {
    const { redeem } = await logIn({ scope: 'openid example:a/read' });
    expect((await redeem()).body).not.toHaveProperty('refresh_token');
    const plain = await logIn({ scope: 'example:a/read', nonce: '' });
    expect((await plain.redeem()).body).not.toHaveProperty('id_token');
  });

  test('with identity scopes alone has an opaque token, good for userinfo', async () => {
    const { redeem } = await logIn({ scope: 'openid profile' });
    const token = String((await redeem()).body['access_token']);
    expect(token).not.toContain('.');
    const url = `${server.issuer}/connect/userinfo`;
    const proof = await makeProof('GET', url, key, { ath: hash(token) });
    const answer = await read(await fetch(url, { headers: { authorization: `DPoP ${token}`, dpop: proof } }));
    expect(answer.body).toMatchObject({ sub: line?.sub, name: line?.name });
  });
});

describe('userinfo', () => {
  const url = () => `${server.issuer}/connect/userinfo`;
  async function ask(scope: string, twist: (token: string) => Promise<Record<string, string>>) {
    const { redeem } = await logIn({ scope, nonce: '' });
    return read(await fetch(url(), { headers: await twist(String((await redeem()).body['access_token'])) }));
  }
  const proven = async (token: string, signer = key) => ({
    authorization: `DPoP ${token}`,
    dpop: await makeProof('GET', url(), signer, { ath: hash(token) }),
  });

  test('takes a token that is for an API, and shows what its scopes are for', async () => {
    const { status, body } = await ask('openid profile example:a/read', proven);
    expect({ status, body }).toMatchObject({ status: 200, body: { sub: line?.sub, name: line?.name } });
    expect(body).not.toHaveProperty('helseid://claims/identity/pid');
  });

  test('is read, not written', async () => {
    const { redeem } = await logIn({ scope: 'openid profile example:a/read' });
    const token = String((await redeem()).body['access_token']);
    const dpop = await makeProof('PUT', url(), key, { ath: hash(token) });
    const headers = { authorization: `DPoP ${token}`, dpop };
    expect(await read(await fetch(url(), { method: 'PUT', headers }))).toMatchObject({
      status: 405,
      body: { error: 'invalid_request' },
    });
  });

  test.each<[string, string, (token: string) => Promise<Record<string, string>>, number, string]>([
    ['without openid', 'example:a/read', proven, 403, 'insufficient_scope'],
    [
      'without a proof',
      'openid example:a/read',
      async (t) => ({ authorization: `DPoP ${t}` }),
      401,
      'invalid_dpop_proof',
    ],
    [
      'as a bearer token',
      'openid example:a/read',
      async (t) => ({ authorization: `Bearer ${t}` }),
      401,
      'invalid_request',
    ],
    [
      "with another key's proof",
      'openid example:a/read',
      async (t) => proven(t, await makeClientKey()),
      401,
      'invalid_token',
    ],
  ])('%s it shows nothing', async (_, scope, twist, status, error) => {
    expect(await ask(scope, twist)).toMatchObject({ status, body: { error } });
  });
});

describe('PAR', () => {
  test('is mandatory', async () => {
    const query = new URLSearchParams({
      client_id: 'web',
      response_type: 'code',
      scope: 'openid',
      redirect_uri: CALLBACK,
      code_challenge: makePkce().challenge,
      code_challenge_method: 'S256',
    });
    const location = await browse(`${server.issuer}/connect/authorize?${query}`, '', new Map());
    expect(location.searchParams.get('error')).toBe('invalid_request');
  });

  test.each<[string, Record<string, string>, string]>([
    ['no PKCE', { code_challenge: '', code_challenge_method: '' }, 'invalid_request'],
    ['PKCE plain', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['another redirect_uri', { redirect_uri: 'http://localhost:3999/other' }, 'invalid_request'],
    ['no redirect_uri', { redirect_uri: '' }, 'invalid_request'],
    ['a scope the client lacks', { scope: 'openid example:c/read' }, 'invalid_scope'],
    [
      'an identity scope the client lacks',
      { scope: 'openid helseid://scopes/hpr/hpr_number example:a/read' },
      'invalid_scope',
    ],
    ['an unknown resource', { resource: 'example:c' }, 'invalid_target'],
    [
      'a resource and the scope of another',
      { resource: 'example:a', scope: 'openid example:b/read' },
      'invalid_scope',
    ],
    ["the stand-in's own resource", { resource: 'urn:helseid-zones:every-api' }, 'invalid_target'],
    ['another response type', { response_type: 'code id_token' }, 'unsupported_response_type'],
  ])('%s is refused', async (_, form, error) => {
    const { par } = await logIn(form);
    expect(par).toMatchObject({ status: 400, body: { error } });
  });

  test('a proof can be demanded there, with a nonce of its own', async () => {
    server.behaviour.proofAtPar = true;
    expect((await logIn()).par).toMatchObject({ body: { error: 'invalid_dpop_proof' } });
    const form = {
      response_type: 'code',
      scope: 'openid',
      redirect_uri: CALLBACK,
      code_challenge: makePkce().challenge,
      code_challenge_method: 'S256',
    };
    const first = await wire.once({ form }, '/connect/par');
    expect(first.body).toMatchObject({ error: 'use_dpop_nonce' });
    const nonce = first.headers.get('dpop-nonce') ?? '';
    expect((await wire.once({ form, nonce }, '/connect/par')).status).toBe(201);
  });

  test('assertion_details do not belong there', async () => {
    const answer = await wire.once(
      { form: { response_type: 'code', scope: 'openid' }, assertion: { assertion_details: {} }, proof: null },
      '/connect/par',
    );
    expect(answer.body['error_description']).toContain('HID-1007');
  });
});

describe('request objects', () => {
  const childDetail = {
    type: 'helseid_authorization',
    practitioner_role: {
      organization: {
        identifier: { system: 'urn:oid:2.16.578.1.12.4.1.4.101', type: 'ENH', value: '888888888' },
      },
    },
  };
  async function requestObject(challenge: string, twist: Record<string, unknown> = {}) {
    return new SignJWT({
      iss: 'web',
      client_id: 'web',
      aud: server.issuer,
      jti: crypto.randomUUID(),
      nbf: now() - 5,
      exp: now() + 8,
      response_type: 'code',
      scope: SCOPE,
      redirect_uri: CALLBACK,
      state: 'inside',
      code_challenge: challenge,
      code_challenge_method: 'S256',
      authorization_details: childDetail,
      ...twist,
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'oauth-authz-req+jwt', kid: key.jwk.kid })
      .sign(key.privateKey);
  }

  test('carry everything, the organisation too', async () => {
    const { verifier, challenge } = makePkce();
    const { location } = await wire.authorize({ request: await requestObject(challenge) }, line?.sub ?? '');
    expect(location?.searchParams.get('state')).toBe('inside');
    const { body } = await wire.token({
      form: {
        grant_type: 'authorization_code',
        code: location?.searchParams.get('code') ?? '',
        redirect_uri: CALLBACK,
        code_verifier: verifier,
      },
    });
    expect(await claimsOf(body['access_token'])).toMatchObject({ [`${ORG}child`]: '888888888' });
    const refreshed = await refresh(body['refresh_token']);
    expect(await claimsOf(refreshed.body['access_token'])).toMatchObject({ [`${ORG}child`]: '888888888' });
  });

  test.each<[string, Record<string, unknown>]>([
    ['exp too far ahead', { exp: now() + 300 }],
    ['no nbf', { nbf: undefined }],
    ['no jti', { jti: undefined }],
    ['another aud', { aud: 'https://other.example' }],
    ['details that are none', { authorization_details: { type: 'other' } }],
  ])('%s is refused', async (_, twist) => {
    const { par } = await wire.authorize({ request: await requestObject(makePkce().challenge, twist) }, '');
    expect(par).toMatchObject({ status: 400, body: { error: 'invalid_request_object' } });
  });
});

describe('code', () => {
  test.each<[string, Record<string, string>]>([
    ['another verifier', { code_verifier: makePkce().verifier }],
    ['another redirect_uri', { redirect_uri: 'http://localhost:3999/other' }],
    ['another code', { code: 'other' }],
  ])('%s is refused', async (_, form) => {
    const { redeem } = await logIn();
    expect((await redeem(form)).body).toMatchObject({ error: 'invalid_grant' });
  });

  test('works once, with its own key only', async () => {
    const bound = await logIn({ dpop_jkt: key.jwk.kid });
    const wrong = await bound.redeem({}, { proof: { key: other, header: { jwk: other.bare } } });
    expect(wrong.body).toMatchObject({ error: 'invalid_grant' });
    const { redeem } = await logIn({ dpop_jkt: key.jwk.kid });
    expect((await redeem()).status).toBe(200);
    expect((await redeem()).body).toMatchObject({ error: 'invalid_grant' });
  });

  test('organisation details are refused with it (HID-1009), or not', async () => {
    const assertion = { assertion_details: organization('888888888') };
    const { redeem } = await logIn();
    expect((await redeem({}, { assertion })).body['error_description']).toContain('HID-1009');
    server.behaviour.refuseDetailsWithCode = false;
    expect(await claimsOf((await redeem({}, { assertion })).body['access_token'])).toMatchObject({
      [`${ORG}child`]: '888888888',
    });
  });
});

const organization = (value: string) => ({
  type: 'helseid_authorization',
  practitioner_role: {
    organization: { identifier: { system: 'urn:oid:2.16.578.1.12.4.1.4.101', type: 'ENH', value } },
  },
});

describe('refresh', () => {
  test('rotates each time; an old token ends the whole login', async () => {
    const { redeem } = await logIn();
    const first = (await redeem()).body['refresh_token'];
    const second = (await refresh(first)).body;
    expect(second).toMatchObject({ rt_expires_in: expect.any(Number), id_token: expect.any(String) });
    expect(second['refresh_token']).not.toBe(first);
    expect((await refresh(first)).body).toMatchObject({ error: 'invalid_grant' });
    expect((await refresh(second['refresh_token'])).body).toMatchObject({ error: 'invalid_grant' });
  });

  test('switches the organisation', async () => {
    const { redeem } = await logIn();
    const { refresh_token: token } = (await redeem()).body;
    const { body } = await refresh(
      token,
      {},
      { assertion: { assertion_details: organization('111111111') } },
    );
    expect(await claimsOf(body['access_token'])).toMatchObject({ [`${ORG}child`]: '111111111' });
  });

  test('is bound to the key only where the switch says so', async () => {
    const newKey = { proof: { key: other, header: { jwk: other.bare } } };
    const free = (await (await logIn()).redeem()).body['refresh_token'];
    expect((await refresh(free, {}, newKey)).status).toBe(200);
    server.behaviour.bindRefreshTokens = true;
    const bound = (await (await logIn()).redeem()).body['refresh_token'];
    expect((await refresh(bound, {}, newKey)).body).toMatchObject({ error: 'invalid_grant' });
    expect((await refresh(bound)).status).toBe(200);
  });

  test('can be revoked', async () => {
    const { refresh_token: token } = (await (await logIn()).redeem()).body;
    const answer = await wire.once({ form: { token: String(token) }, proof: null }, '/connect/revocation');
    expect(answer.status).toBe(200);
    expect((await refresh(token)).body).toMatchObject({ error: 'invalid_grant' });
  });
});

describe('resource indicators', () => {
  test('one token for one API at a time', async () => {
    const { verifier, challenge } = makePkce();
    const query = {
      scope: SCOPE,
      redirect_uri: CALLBACK,
      code_challenge: challenge,
      code_challenge_method: 'S256',
    };
    const par = await pushResources(query, ['example:a', 'example:b']);
    const start = new URLSearchParams({ client_id: 'web', request_uri: String(par.body['request_uri']) });
    const location = await browse(`${server.issuer}/connect/authorize?${start}`, line?.sub ?? '', new Map());
    const code = location.searchParams.get('code') ?? '';
    const form = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: verifier };
    expect((await wire.token({ form })).body).toMatchObject({ error: 'invalid_target' });
    const again = await pushResources(query, ['example:a', 'example:b']);
    const restart = new URLSearchParams({ client_id: 'web', request_uri: String(again.body['request_uri']) });
    const second = await browse(`${server.issuer}/connect/authorize?${restart}`, line?.sub ?? '', new Map());
    const { body } = await wire.token({
      form: { ...form, code: second.searchParams.get('code') ?? '', resource: 'example:a' },
    });
    expect(await claimsOf(body['access_token'])).toMatchObject({
      aud: 'example:a',
      scope: 'openid helseid://scopes/identity/security_level helseid://scopes/identity/pid example:a/read',
    });
    const next = await refresh(body['refresh_token'], { resource: 'example:b' });
    expect(await claimsOf(next.body['access_token'])).toMatchObject({
      aud: 'example:b',
      scope: 'openid helseid://scopes/identity/security_level helseid://scopes/identity/pid example:b/read',
    });
    expect((await refresh(next.body['refresh_token'], { resource: 'example:c' })).body).toMatchObject({
      error: 'invalid_target',
    });
  });

  async function pushResources(form: Record<string, string>, resources: string[]) {
    // The wire's form has one value a name, so two resources go into a request object.
    const request = await new SignJWT({
      iss: 'web',
      client_id: 'web',
      aud: server.issuer,
      jti: crypto.randomUUID(),
      nbf: now() - 5,
      exp: now() + 8,
      response_type: 'code',
      ...form,
      resource: resources,
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'oauth-authz-req+jwt', kid: key.jwk.kid })
      .sign(key.privateKey);
    return wire.once({ form: { request }, proof: null }, '/connect/par');
  }
});

describe('token exchange', () => {
  const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
  const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
  const exchange = (token: string, form: Record<string, string> = {}) =>
    exchanger.token({
      form: {
        grant_type: GRANT,
        subject_token: token,
        subject_token_type: ACCESS_TOKEN,
        scope: 'example:b/read',
        ...form,
      },
    });

  test('keeps the person and names the actor', async () => {
    const { redeem } = await logIn({ scope: SCOPE.replace(' example:b/read', '') });
    const { status, body } = await exchange(String((await redeem()).body['access_token']));
    expect(status).toBe(200);
    expect(body).toMatchObject({
      token_type: 'DPoP',
      issued_token_type: ACCESS_TOKEN,
      scope: 'example:b/read',
    });
    expect(await claimsOf(body['access_token'])).toMatchObject({
      aud: 'example:b',
      client_id: 'api-a',
      sub: line?.sub,
      [PID]: line?.pid,
      [LEVEL]: '4',
      act: { client_id: 'api-a' },
      cnf: { jkt: other.jwk.kid },
    });
  });

  test('is refused for a token of another API, a stranger, another type', async () => {
    const { redeem } = await logIn({ scope: 'openid example:b/read' });
    const token = String((await redeem()).body['access_token']);
    expect((await exchange(token)).body).toMatchObject({ error: 'invalid_grant' });
    expect((await exchange('nonsense')).body).toMatchObject({ error: 'invalid_grant' });
    expect((await exchange(token, { subject_token_type: 'other' })).body).toMatchObject({
      error: 'invalid_request',
    });
    const form = {
      grant_type: GRANT,
      subject_token: token,
      subject_token_type: ACCESS_TOKEN,
      scope: 'example:b/read',
    };
    expect((await wire.token({ form })).status).toBe(400);
  });
});

describe('logout', () => {
  test('with an ID token asks nobody, goes back, and tells the client behind', async () => {
    const cookies = new Map<string, string>();
    const { redeem } = await logIn({}, line?.sub, cookies);
    const { id_token: idToken, refresh_token: token } = (await redeem()).body;
    const query = new URLSearchParams({
      id_token_hint: String(idToken),
      post_logout_redirect_uri: 'http://localhost:3999/',
      state: 'bye',
    });
    logoutTokens.length = 0;
    const back = await browse(`${server.issuer}/connect/endsession?${query}`, '', cookies);
    expect(back.href).toBe('http://localhost:3999/?state=bye');
    expect(logoutTokens).toHaveLength(1);
    const { payload, protectedHeader } = await jwtVerify(logoutTokens[0] ?? '', server.keys, {
      issuer: server.issuer,
      audience: 'web',
      typ: 'logout+jwt',
    });
    expect(protectedHeader.alg).toBe('RS256');
    expect(payload).toMatchObject({
      sid: decodeJwt(String(idToken))['sid'],
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    });
    expect((await logIn({ prompt: 'none' }, '', cookies)).response).toMatchObject({
      error: 'login_required',
    });
    expect((await refresh(token)).status).toBe(200);
  });

  test('to a page that is not registered is refused', async () => {
    const cookies = new Map<string, string>();
    const { redeem } = await logIn({}, line?.sub, cookies);
    const query = new URLSearchParams({
      id_token_hint: String((await redeem()).body['id_token']),
      post_logout_redirect_uri: 'https://other.example/',
    });
    await expect(browse(`${server.issuer}/connect/endsession?${query}`, '', cookies)).rejects.toThrow('400');
  });

  test('without one asks on a page', async () => {
    const cookies = new Map<string, string>();
    await logIn({}, line?.sub, cookies);
    await expect(browse(`${server.issuer}/connect/endsession`, '', cookies)).rejects.toThrow(
      /200[\s\S]*Logge ut\?/,
    );
  });
});

describe('pages', () => {
  test('are small, safe and need nothing from elsewhere', async () => {
    const { par } = await wire.authorize(
      {
        scope: SCOPE,
        redirect_uri: CALLBACK,
        code_challenge: makePkce().challenge,
        code_challenge_method: 'S256',
      },
      line?.sub ?? '',
    );
    const query = new URLSearchParams({ client_id: 'web', request_uri: String(par.body['request_uri']) });
    const english = { 'accept-language': 'en-GB, nb;q=0.5' };
    const used = await fetch(`${server.issuer}/connect/authorize?${query}`, {
      redirect: 'manual',
      headers: english,
    });
    expect(used.status).toBe(400);
    expect(await used.text()).toContain('That did not work');
    const norwegian = { 'accept-language': 'nb-NO, en;q=0.5' };
    const late = await fetch(`${server.issuer}/account/login/none`, { headers: norwegian });
    expect(await late.text()).toMatch(/<html lang="nb">[\s\S]*Innloggingen er utløpt/);
    const expired = await fetch(`${server.issuer}/account/login/none`, { headers: english });
    expect(expired.status).toBe(400);
    expect(expired.headers.get('content-security-policy')).toContain("default-src 'none'");
    const page = await expired.text();
    expect(page).toContain('The login has expired');
    expect(page).not.toMatch(/(src|href)=/);
  });
});

describe('made to misbehave', () => {
  test('in the authorization response', async () => {
    server.behaviour.alter = {
      authorizationResponse: (parameters) => {
        parameters.set('iss', 'https://other.example');
        parameters.append('state', 'second');
      },
    };
    const { location } = await logIn();
    expect(location?.searchParams.get('iss')).toBe('https://other.example');
    expect(location?.searchParams.getAll('state')).toEqual(['state-1', 'second']);
  });

  test('in the ID token', async () => {
    server.behaviour.alter = { idToken: (claims) => void Object.assign(claims, { aud: ['web', 'other'] }) };
    const twoAudiences = (await (await logIn()).redeem()).body['id_token'];
    expect(await claimsOf(twoAudiences)).toMatchObject({ aud: ['web', 'other'] });
    server.behaviour.alter = { idToken: () => ({ badSignature: true }) };
    await expect(claimsOf((await (await logIn()).redeem()).body['id_token'])).rejects.toThrow('signature');
    server.behaviour.alter = { idToken: (_, header) => void Object.assign(header, { alg: 'none' }) };
    const unsigned = String((await (await logIn()).redeem()).body['id_token']);
    expect(decodeProtectedHeader(unsigned).alg).toBe('none');
  });
});

test('a login, a registration and the keys survive a restart', async () => {
  const { refresh_token: token, id_token: idToken } = (await (await logIn()).redeem()).body;
  const late = await makeClientKey();
  server.registerKey('web', late.jwk, 'Api');
  const { issuer } = server;
  await server.close();
  server = await startHelseId({
    ca: files.ca,
    stateDir: files.dir,
    port: Number(new URL(issuer).port),
    path: '/hid',
    apis: [
      { audience: 'example:a', scopes: ['example:a/read'] },
      { audience: 'example:b', scopes: ['example:b/read'] },
    ],
    clients: server.registry.clients(),
  });
  await expect(claimsOf(idToken)).resolves.toBeTruthy();
  expect((await refresh(token, {}, { key: late })).status).toBe(200);
});
