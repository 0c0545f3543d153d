import { decodeJwt, decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { TEST_USERS } from '../../../local/helseid/users.ts';
import { CALLBACK, SCOPE, startWeb } from './web.ts';
import {
  browse,
  hash,
  makeClientKey,
  makePkce,
  makeProof,
  makeWire,
  now,
  openIssuerBrowser,
  organization,
  read,
} from './wire.ts';

const LEVEL = 'helseid://claims/identity/security_level';
const PID = 'helseid://claims/identity/pid';
const ORG = 'helseid://claims/client/claims/orgnr_';
const HPR = 'helseid://scopes/hpr/hpr_number';
const OF_OTHER = 'openid example:b/read';
const CHALLENGE = { code_challenge: makePkce().challenge, code_challenge_method: 'S256' };
const [line, , low] = TEST_USERS;

const [key, other] = await Promise.all([makeClientKey(), makeClientKey()]);
const web = await startWeb([key]);
const { issuer } = web.server;
const wire = makeWire(issuer, 'web', key);
afterAll(() => web.close());
beforeEach(() => () => {
  const { behaviour } = web.server;
  Object.assign(behaviour, { bindRefreshTokens: false, proofAtPar: false, refuseDetailsWithCode: true });
});

async function logIn(form: object = {}, user = line?.sub ?? '', browser = openIssuerBrowser()) {
  const { verifier, challenge } = makePkce();
  const pkce = { code_challenge: challenge, code_challenge_method: 'S256' };
  const state = { state: 'state-1', nonce: 'nonce-1' };
  const parameters = { scope: SCOPE, redirect_uri: CALLBACK, ...state, ...pkce, ...form };
  const { par, location } = await wire.authorize(parameters, user, browser);
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
  return { par, response, redeem };
}

const refresh = (
  token: unknown,
  form: Record<string, string> = {},
  call: Parameters<typeof wire.token>[0] = {},
) => wire.token({ form: { grant_type: 'refresh_token', refresh_token: String(token), ...form }, ...call });

const claimsOf = async (token: unknown): Promise<JWTPayload> =>
  (await jwtVerify(String(token), web.server.keys, { issuer })).payload;

describe('login', () => {
  test('gives the client a code, its state and the issuer', async () => {
    const { response, redeem } = await logIn();
    expect(response).toEqual({ code: expect.any(String), state: 'state-1', iss: issuer });
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
      expect(claims).toMatchObject({ sub: line?.sub, idp: line?.idp, scope: 'openid example:a/read' });
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
    expect(response).toMatchObject({ error: 'access_denied', state: 'state-1', iss: issuer });
  });

  test('is not asked again in the same browser, unless the client wants it', async () => {
    const browser = openIssuerBrowser();
    await logIn({}, line?.sub, browser);
    const again = await logIn({}, 'nobody', browser);
    expect(again.response['code']).toBeTruthy();
    expect(await logIn({ prompt: 'none' }, 'nobody', browser)).toMatchObject({
      response: { code: expect.any(String) },
    });
    const { response: asked } = await logIn({ prompt: 'login' }, '', browser);
    expect(asked).toMatchObject({ error: 'access_denied' });
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
    const url = `${issuer}/connect/userinfo`;
    const proof = await makeProof('GET', url, key, { ath: hash(token) });
    const answer = await read(await fetch(url, { headers: { authorization: `DPoP ${token}`, dpop: proof } }));
    expect(answer.body).toMatchObject({ sub: line?.sub, name: line?.name });
  });
});

describe('userinfo', () => {
  const url = () => `${issuer}/connect/userinfo`;
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
      status: 404,
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
      ...CHALLENGE,
    });
    const location = await browse(`${issuer}/connect/authorize?${query}`, '');
    expect(location.searchParams.get('error')).toBe('invalid_request');
  });

  test.each<[string, Record<string, string>, string]>([
    ['no PKCE', { code_challenge: '', code_challenge_method: '' }, 'invalid_request'],
    ['PKCE plain', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['another redirect_uri', { redirect_uri: 'http://localhost:3999/other' }, 'invalid_request'],
    ['no redirect_uri', { redirect_uri: '' }, 'invalid_request'],
    ['a scope the client lacks', { scope: 'openid example:c/read' }, 'invalid_scope'],
    ['an identity scope the client lacks', { scope: `openid ${HPR} example:a/read` }, 'invalid_scope'],
    ['an unknown resource', { resource: 'example:c' }, 'invalid_target'],
    ['a resource and the scope of another', { resource: 'example:a', scope: OF_OTHER }, 'invalid_scope'],
    ["the stand-in's own resource", { resource: 'urn:helseid-zones:every-api' }, 'invalid_target'],
    ['another response type', { response_type: 'code id_token' }, 'unsupported_response_type'],
  ])('%s is refused', async (_, form, error) => {
    const { par } = await logIn(form);
    expect(par).toMatchObject({ status: 400, body: { error } });
  });

  test('a proof can be demanded there, with a nonce of its own', async () => {
    web.server.behaviour.proofAtPar = true;
    expect((await logIn()).par).toMatchObject({ body: { error: 'invalid_dpop_proof' } });
    const form = { response_type: 'code', scope: 'openid', redirect_uri: CALLBACK, ...CHALLENGE };
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
  const requestObject = (challenge: string, twist: Record<string, unknown> = {}) =>
    wire.requestObject({
      scope: SCOPE,
      redirect_uri: CALLBACK,
      state: 'inside',
      code_challenge: challenge,
      code_challenge_method: 'S256',
      authorization_details: organization('888888888'),
      ...twist,
    });

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
    web.server.behaviour.refuseDetailsWithCode = false;
    expect(await claimsOf((await redeem({}, { assertion })).body['access_token'])).toMatchObject({
      [`${ORG}child`]: '888888888',
    });
  });
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
    const assertion = { assertion_details: organization('111111111') };
    const { body } = await refresh(token, {}, { assertion });
    expect(await claimsOf(body['access_token'])).toMatchObject({ [`${ORG}child`]: '111111111' });
  });

  test('is bound to the key only where the switch says so', async () => {
    const newKey = { proof: { key: other, header: { jwk: other.bare } } };
    const free = (await (await logIn()).redeem()).body['refresh_token'];
    expect((await refresh(free, {}, newKey)).status).toBe(200);
    web.server.behaviour.bindRefreshTokens = true;
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

test('with resource indicators, one token for one API at a time', async () => {
  const identity = 'openid helseid://scopes/identity/security_level helseid://scopes/identity/pid';
  const begin = async () => {
    const { verifier, challenge } = makePkce();
    // The wire's form has one value a name, so two resources go into a request object.
    const request = await wire.requestObject({
      scope: SCOPE,
      redirect_uri: CALLBACK,
      resource: ['example:a', 'example:b'],
      code_challenge: challenge,
      code_challenge_method: 'S256',
    });
    const { location } = await wire.authorize({ request }, line?.sub ?? '');
    const code = location?.searchParams.get('code') ?? '';
    return { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: verifier };
  };
  expect((await wire.token({ form: await begin() })).body).toMatchObject({ error: 'invalid_target' });
  const { body } = await wire.token({ form: { ...(await begin()), resource: 'example:a' } });
  const forOne = { aud: 'example:a', scope: `${identity} example:a/read` };
  expect(await claimsOf(body['access_token'])).toMatchObject(forOne);
  const next = await refresh(body['refresh_token'], { resource: 'example:b' });
  const forOther = { aud: 'example:b', scope: `${identity} example:b/read` };
  expect(await claimsOf(next.body['access_token'])).toMatchObject(forOther);
  const unknown = await refresh(next.body['refresh_token'], { resource: 'example:c' });
  expect(unknown.body).toMatchObject({ error: 'invalid_target' });
});

describe('logout', () => {
  test('with an ID token asks nobody, goes back, and tells the client behind', async () => {
    const browser = openIssuerBrowser();
    const { redeem } = await logIn({}, line?.sub, browser);
    const { id_token: idToken, refresh_token: token } = (await redeem()).body;
    const query = new URLSearchParams({
      id_token_hint: String(idToken),
      post_logout_redirect_uri: 'http://localhost:3999/',
      state: 'bye',
    });
    web.logoutTokens.length = 0;
    const back = await browse(`${issuer}/connect/endsession?${query}`, '', browser);
    expect(back.href).toBe('http://localhost:3999/?state=bye');
    expect(web.logoutTokens).toHaveLength(1);
    const { payload, protectedHeader } = await jwtVerify(web.logoutTokens[0] ?? '', web.server.keys, {
      issuer,
      audience: 'web',
      typ: 'logout+jwt',
    });
    expect(protectedHeader.alg).toBe('RS256');
    expect(payload).toMatchObject({
      sid: decodeJwt(String(idToken))['sid'],
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    });
    expect((await logIn({ prompt: 'none' }, '', browser)).response).toMatchObject({
      error: 'login_required',
    });
    expect((await refresh(token)).status).toBe(200);
  });

  test('to a page that is not registered is refused', async () => {
    const browser = openIssuerBrowser();
    const { redeem } = await logIn({}, line?.sub, browser);
    const query = new URLSearchParams({
      id_token_hint: String((await redeem()).body['id_token']),
      post_logout_redirect_uri: 'https://other.example/',
    });
    await expect(browse(`${issuer}/connect/endsession?${query}`, '', browser)).rejects.toThrow('400');
  });

  test('without one asks on a page', async () => {
    const browser = openIssuerBrowser();
    await logIn({}, line?.sub, browser);
    await expect(browse(`${issuer}/connect/endsession`, '', browser)).rejects.toThrow(/200[\s\S]*Log out\?/);
  });
});

describe('pages', () => {
  test('are small, safe and need nothing from elsewhere', async () => {
    const asked = { scope: SCOPE, redirect_uri: CALLBACK, ...CHALLENGE };
    const { par } = await wire.authorize(asked, line?.sub ?? '');
    const query = new URLSearchParams({ client_id: 'web', request_uri: String(par.body['request_uri']) });
    const english = { 'accept-language': 'en-GB, nb;q=0.5' };
    const used = await fetch(`${issuer}/connect/authorize?${query}`, {
      redirect: 'manual',
      headers: english,
    });
    expect(used.status).toBe(400);
    expect(await used.text()).toContain('That did not work');
    const norwegian = { 'accept-language': 'nb-NO, en;q=0.5' };
    const late = await fetch(`${issuer}/account/login/none`, { headers: norwegian });
    expect(await late.text()).toMatch(/<html lang="nb">[\s\S]*Innloggingen er utløpt/);
    const expired = await fetch(`${issuer}/account/login/none`, { headers: english });
    expect(expired.status).toBe(400);
    expect(expired.headers.get('content-security-policy')).toContain("default-src 'none'");
    const page = await expired.text();
    expect(page).toContain('The login has expired');
    expect(page).not.toMatch(/(src|href)=/);
  });
});

test('a login, a registration and the keys survive a restart', async () => {
  const { refresh_token: token, id_token: idToken } = (await (await logIn()).redeem()).body;
  const late = await makeClientKey();
  web.server.registry.register('web', late.jwk, 'Api');
  await web.restart();
  await expect(claimsOf(idToken)).resolves.toBeTruthy();
  expect((await refresh(token, {}, { key: late })).status).toBe(200);
});
