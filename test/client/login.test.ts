import { createApiFetch } from '@helseid-zones/client/api-fetch';
import { createTransaction, pushAuthorizationRequest } from '@helseid-zones/client/authorization-request';
import { createEndSessionUrl, revokeToken } from '@helseid-zones/client/logout';
import { getAccessToken } from '@helseid-zones/client/machine-token';
import type { AuthorizationRequest, CodeRedemption } from '@helseid-zones/client/tokens';
import { exchangeToken, redeemCode, refreshTokens } from '@helseid-zones/client/user-tokens';
import type { ErrorCode } from '@helseid-zones/protocol/errors';
import { fapi2Profile } from '@helseid-zones/protocol/profile';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { expect, test } from 'vitest';
import { API, CLIENT_ID, failure, ISSUER, makeWorld, type World } from './make-client.ts';

const REDIRECT = 'https://journal.test/callback';

/** A login up to the callback: what the browser brings back, and what the transaction remembers. */
async function begin(world: World, change: Partial<AuthorizationRequest> = {}) {
  const { codeVerifier, ...transaction } = await createTransaction();
  const request = { redirectUri: REDIRECT, scope: 'openid b a', ...transaction, ...change };
  const pushed = await pushAuthorizationRequest(world.client, request);
  const redeem = (parameters: URLSearchParams, other: Partial<CodeRedemption> = {}) =>
    redeemCode(world.client, {
      parameters,
      state: transaction.state,
      redirectUri: REDIRECT,
      codeVerifier,
      nonce: transaction.nonce,
      binding: pushed.binding,
      ...other,
    });
  const callback = (changes: Record<string, string | undefined> = {}) =>
    world.issuer.authorize(pushed.authorizationUrl, changes);
  return { pushed, redeem, callback, transaction };
}

async function logIn(world: World) {
  const { redeem, callback } = await begin(world);
  return redeem(callback());
}

test('a pushed request costs one signature; one with a request object, that and one to learn the key', async () => {
  const world = await makeWorld();
  const kinds = () => world.signer.calls.splice(0).map((call) => call.map(({ kind }) => kind));
  await begin(world);
  expect(kinds()).toEqual([['client_assertion']]);
  await begin(world, { requestObject: true });
  expect(kinds()).toEqual([['dpop_proof'], ['client_assertion', 'request_object']]);
});

test('a key that was replaced at the issuer before the record says so is the one that the code is bound to', async () => {
  const world = await makeWorld();
  const { signer, issuer } = world;
  const [old] = (await signer.sign([{ kind: 'client_assertion', client: 'journal', issuer: ISSUER }])).map(
    ({ kid }) => kid,
  );
  const next = signer.addKey();
  issuer.register(next);
  issuer.unregister(old ?? '');
  const { pushed, redeem, callback } = await begin(world);
  expect(pushed.binding).toEqual({ kid: next.thumbprint, jkt: next.thumbprint });
  expect((await redeem(callback())).binding).toEqual(pushed.binding);
});

test('a login: PAR, code, tokens', async () => {
  const world = await makeWorld();
  const { issuer, clock } = world;
  const { pushed, redeem, callback, transaction } = await begin(world, {
    resources: ['https://a.test', 'https://b.test'],
    acrValues: ['Level4', 'idp:x'],
    prompt: 'login',
    maxAge: 60,
    uiLocales: 'nb',
    onBehalfOf: '974760673',
  });
  const url = new URL(pushed.authorizationUrl);
  expect(Object.fromEntries(url.searchParams)).toEqual({
    client_id: CLIENT_ID,
    request_uri: pushed.requestUri,
  });
  expect(pushed.expiresIn).toBe(60);
  expect(issuer.posts[0]).toMatchObject({
    path: '/par',
    proof: null,
    form: {
      client_id: CLIENT_ID,
      response_type: 'code',
      redirect_uri: REDIRECT,
      scope: 'openid b a',
      state: transaction.state,
      nonce: transaction.nonce,
      code_challenge: transaction.codeChallenge,
      code_challenge_method: 'S256',
      dpop_jkt: pushed.binding.jkt,
      acr_values: 'Level4 idp:x',
      prompt: 'login',
      max_age: '60',
      ui_locales: 'nb',
      on_behalf_of: '974760673',
    },
  });
  const parameters = callback();
  const tokens = await redeem(parameters, { resource: 'https://a.test', maxAge: 60 });
  // The answer to PAR brought the nonce.
  expect(issuer.posts.map(({ path }) => path)).toEqual(['/par', '/token']);
  expect(tokens.binding).toEqual(pushed.binding);
  expect(tokens.idTokenClaims).toMatchObject({ iss: ISSUER, sub: 'person-1', aud: CLIENT_ID });
  expect(tokens.refreshTokenExpiresAt).toBe(clock.now / 1000 + 3600);
  expect(issuer.posts.at(-1)?.form).toMatchObject({ resource: 'https://a.test' });
  expect(issuer.posts.at(-1)?.form).not.toHaveProperty('scope');
  const again = await failure(redeem(parameters), 'token_refused');
  expect(again.facts['error']).toBe('invalid_grant');
});

test('a request object holds every parameter; beside it only the client', async () => {
  const world = await makeWorld();
  const { redeem, callback, pushed } = await begin(world, {
    requestObject: true,
    maxAge: 60,
    resources: ['https://a.test', 'https://b.test'],
    authorizationDetails: [{ type: 'helseid_authorization', child: '974760673' }],
  });
  const form = world.issuer.posts[0]?.form ?? {};
  const sent = ['client_assertion', 'client_assertion_type', 'client_id', 'request'];
  expect(Object.keys(form).sort()).toEqual(sent);
  const claims = decodeJwt(form['request'] ?? '');
  expect(claims).toMatchObject({
    scope: 'openid b a',
    max_age: 60,
    dpop_jkt: pushed.binding.jkt,
    resource: ['https://a.test', 'https://b.test'],
    authorization_details: { type: 'helseid_authorization' },
  });
  expect(claims).not.toHaveProperty('sub');
  expect(decodeProtectedHeader(form['request'] ?? '').typ).toBe('oauth-authz-req+jwt');
  expect((await redeem(callback())).idTokenClaims.sub).toBe('person-1');
});

test('details without a request object are refused before anything is sent', async () => {
  const world = await makeWorld();
  const details = [{ type: 'helseid_authorization', child: '974760673' }] as const;
  await failure(begin(world, { authorizationDetails: details }), 'request_malformed');
  expect(world.network.sent).toEqual([]);
});

test('a proof at PAR, with its own nonce, only where the profile wants one', async () => {
  const world = await makeWorld({ profile: { proofAtPar: true } });
  const { redeem, callback } = await begin(world);
  expect(world.issuer.posts.map(({ path }) => path)).toEqual(['/par', '/par']);
  expect(world.issuer.posts.every(({ proof }) => proof !== null)).toBe(true);
  await redeem(callback());
  expect(world.issuer.posts.map(({ path }) => path)).toEqual(['/par', '/par', '/token']);
});

test('a nonce that is demanded where no proof is sent ends the request', async () => {
  const world = await makeWorld();
  world.issuer.behaviour.fail = () =>
    Response.json({ error: 'use_dpop_nonce' }, { status: 400, headers: { 'dpop-nonce': 'n' } });
  await failure(begin(world), 'nonce_loop');
  expect(world.issuer.posts).toHaveLength(1);
});

test('no nonce in the ID token and no DPoP nonce anywhere', async () => {
  const world = await makeWorld();
  world.issuer.behaviour.nonceAt = [];
  world.issuer.behaviour.nonceOnSuccess = false;
  const { redeem, callback } = await begin(world, { nonce: undefined });
  const tokens = await redeem(callback(), { nonce: undefined });
  expect(tokens.idTokenClaims).not.toHaveProperty('nonce');
  expect(world.issuer.posts.length).toBe(2);
});

test('a rotation between PAR and callback harms nobody', async () => {
  const world = await makeWorld();
  const { redeem, callback, pushed } = await begin(world);
  const next = world.signer.addKey('PS256');
  world.issuer.register(next);
  world.signer.switchTo(next.thumbprint);
  expect((await redeem(callback())).binding).toEqual(pushed.binding);
});

test.each([
  ['iss of another server', { iss: 'https://evil.test' }],
  ['iss with a slash more', { iss: `${ISSUER}/` }],
  ['no iss', { iss: undefined }],
  ['an empty iss', { iss: '' }],
  ['another state', { state: 'other' }],
  ['no state', { state: undefined }],
  ['an empty state', { state: '' }],
  ['the state "null"', { state: 'null' }],
  ['no code', { code: undefined }],
  ['an empty code', { code: '' }],
  ['a JARM response', { response: 'x' }],
  ['an ID token', { id_token: 'x' }],
])('an authorization response with %s is refused and nothing is sent', async (_name, change) => {
  const world = await makeWorld();
  const { redeem, callback } = await begin(world);
  const sent = world.network.sent.length;
  await failure(redeem(callback(change)), 'login_refused');
  expect(world.network.sent.length).toBe(sent);
});

test('a second iss, state or code is refused and nothing is sent; no remembered state matches no state', async () => {
  const world = await makeWorld();
  const { redeem, callback } = await begin(world);
  const sent = world.network.sent.length;
  for (const name of ['iss', 'state', 'code']) {
    const parameters = callback();
    parameters.append(name, parameters.get(name) ?? '');
    await failure(redeem(parameters), 'login_refused');
  }
  await failure(redeem(callback({ state: '' }), { state: '' }), 'login_refused');
  expect(world.network.sent.length).toBe(sent);
});

test('an error from the authorization server comes with its words', async () => {
  const world = await makeWorld();
  const { redeem, callback } = await begin(world);
  const answer = { code: undefined, error: 'access_denied', error_description: 'no' };
  const error = await failure(redeem(callback(answer)), 'login_refused');
  expect(error.facts).toEqual({ error: 'access_denied', error_description: 'no' });
  // Not from whom it claims: then its words count for nothing.
  const forged = await failure(redeem(callback({ ...answer, iss: 'https://evil.test' })), 'login_refused');
  expect(forged.facts).toEqual({});
});

const now = 1_790_000_000;
type Behaviour = Partial<World['issuer']['behaviour']>;

test.each<[string, Behaviour]>([
  ['another iss', { idToken: { iss: 'https://evil.test' } }],
  ['no iss', { idToken: { iss: undefined } }],
  ['another aud', { idToken: { aud: 'other' } }],
  ['no aud', { idToken: { aud: undefined } }],
  ['a second aud', { idToken: { aud: [CLIENT_ID, 'other'] } }],
  ['a second aud and our azp', { idToken: { aud: [CLIENT_ID, 'other'], azp: CLIENT_ID } }],
  ['another azp', { idToken: { azp: 'other' } }],
  ['no sub', { idToken: { sub: undefined } }],
  ['an empty sub', { idToken: { sub: '' } }],
  ['no exp', { idToken: { exp: undefined } }],
  ['a past exp', { idToken: { exp: now - 6 } }],
  ['an exp that is text', { idToken: { exp: 'soon' } }],
  ['no iat', { idToken: { iat: undefined } }],
  ['an iat in the future', { idToken: { iat: now + 6 } }],
  ['an nbf in the future', { idToken: { nbf: now + 6 } }],
  ['another nonce', { idToken: { nonce: 'other' } }],
  ['no nonce', { idToken: { nonce: undefined } }],
  ['alg none', { idTokenHeader: { alg: 'none' }, idTokenSignature: 'none' }],
  ['alg null', { idTokenHeader: { alg: null } }],
  ['alg PS256', { idTokenHeader: { alg: 'PS256' } }],
  ['alg HS256', { idTokenHeader: { alg: 'HS256' } }],
  ['a crit header', { idTokenHeader: { crit: ['x'] } }],
  ['an unknown kid', { idTokenHeader: { kid: 'other' } }],
  ['a wrong signature', { idTokenSignature: 'wrong' }],
  ['no signature', { idTokenSignature: 'none' }],
  ['nothing at all', { response: { id_token: undefined } }],
  ['a number', { response: { id_token: 1 } }],
  ['no JWT', { response: { id_token: 'a.b' } }],
])('an ID token with %s is refused', async (_name, behaviour) => {
  const world = await makeWorld();
  const { redeem, callback } = await begin(world);
  Object.assign(world.issuer.behaviour, behaviour);
  const parameters = callback();
  const posts = world.issuer.posts.length;
  await failure(redeem(parameters), 'id_token_invalid');
  // Whatever is wrong with the token, the code is not redeemed again; and nobody holds what came with it.
  const [redeemed, revoked, ...others] = world.issuer.posts.slice(posts);
  expect([redeemed?.path, revoked?.path, others]).toEqual(['/token', '/revocation', []]);
  expect(revoked?.form['token_type_hint']).toBe('refresh_token');
});

test('each fault of an ID token says which claim or header it is about', async () => {
  const claims = ['iss', 'aud', 'exp', 'iat', 'nbf', 'nonce', 'azp', 'sub', 'auth_time'];
  const faults: [Behaviour, string][] = [
    ...claims.map((claim): [Behaviour, string] => [{ idToken: { [claim]: '' } }, `"${claim}"`]),
    [{ idTokenHeader: { alg: 'PS256' } }, '"alg"'],
    [{ idTokenHeader: { crit: ['x'] } }, '"crit"'],
    [{ idTokenHeader: { kid: 'other' } }, 'no applicable key'],
    [{ idTokenSignature: 'wrong' }, 'signature'],
    [{ response: { id_token: 1 } }, '"id_token"'],
  ];
  for (const [behaviour, word] of faults) {
    const world = await makeWorld();
    Object.assign(world.issuer.behaviour, behaviour);
    expect((await failure(logIn(world), 'id_token_invalid')).message).toContain(word);
  }
});

test.each<[string, Behaviour]>([
  ['aud as an array of one', { idToken: { aud: [CLIENT_ID] } }],
  ['an exp within the tolerance', { idToken: { exp: now - 4 } }],
  ['an iat within the tolerance', { idToken: { iat: now + 4 } }],
  ['our azp', { idToken: { azp: CLIENT_ID } }],
])('an ID token with %s is taken', async (_name, behaviour) => {
  const world = await makeWorld();
  Object.assign(world.issuer.behaviour, behaviour);
  expect((await logIn(world)).idTokenClaims.sub).toBe('person-1');
});

test('a nonce nobody asked for is refused', async () => {
  const world = await makeWorld();
  const { redeem, callback } = await begin(world, { nonce: undefined });
  world.issuer.behaviour.idToken = { nonce: 'uninvited' };
  await failure(redeem(callback(), { nonce: undefined }), 'id_token_invalid');
});

test.each(['ES256', 'PS256'] as const)('a plain issuer’s ID tokens are %s and nothing else', async (alg) => {
  const world = await makeWorld({ profile: { idTokenAlgorithm: alg, accessTokenAlgorithm: alg } });
  expect((await logIn(world)).idTokenClaims.sub).toBe('person-1');
  world.issuer.behaviour.idTokenHeader = { alg: 'RS256' };
  await failure(logIn(world), 'id_token_invalid');
});

const AGES = 999_999_999;
test.each<[string, number, unknown, ErrorCode?, number?, number?]>([
  ['just before the login began', 0, now - 5],
  ['too long before the login began', 0, now - 6, 'login_too_old'],
  ['while the login went on, and then looked around', 0, now + 300],
  ['as long before as is allowed', 60, now - 65],
  ['longer before than is allowed', 60, now - 66, 'login_too_old'],
  ['nobody knows when', AGES, undefined, 'id_token_invalid'],
  ['in the future', AGES, now + 6, 'id_token_invalid', 0],
  ['at no time', AGES, 'x', 'id_token_invalid'],
  ['too long before now, where nobody tells when it began', 60, now - 66, 'login_too_old', 0, 0],
])(
  'a person who authenticated %s, with max_age %i',
  async (_, maxAge, auth_time, code, took = 600, begunAt = now) => {
    const world = await makeWorld();
    const { redeem, callback } = await begin(world, { maxAge });
    world.clock.now += took * 1000;
    world.issuer.behaviour.idToken = { auth_time };
    const redeemed = redeem(callback(), { maxAge, ...(begunAt ? { begunAt } : {}) });
    if (code === undefined) expect((await redeemed).idTokenClaims.auth_time).toBe(auth_time);
    else await failure(redeemed, code);
  },
);

const NONE = { id_token: 1, refresh_token: undefined };
test.each<[string, Behaviour, string, ErrorCode]>([
  ['a bearer token', { tokenType: 'Bearer' }, 'refresh_token', 'token_invalid'],
  ['a token for another key', { jkt: 'other' }, 'refresh_token', 'binding_mismatch'],
  ['a wrong ID token', { idTokenSignature: 'wrong' }, 'refresh_token', 'id_token_invalid'],
  ['no refresh token', { response: NONE }, 'access_token', 'id_token_invalid'],
  ['an empty refresh token', { response: { refresh_token: '' } }, 'access_token', 'token_invalid'],
  ['a refresh token that is no text', { response: { refresh_token: null } }, 'access_token', 'token_invalid'],
])('a login with %s is refused, and what it brought is revoked', async (_name, behaviour, hint, code) => {
  const world = await makeWorld();
  Object.assign(world.issuer.behaviour, behaviour);
  await failure(logIn(world), code);
  expect(world.issuer.posts.at(-1)).toMatchObject({ path: '/revocation', form: { token_type_hint: hint } });
  expect(world.issuer.revoked.size).toBe(1);
  expect(world.issuer.revoked).not.toContain('');
});

test.each([null, 7, {}, ['sid-1'], ''])('a sid %j in an ID token is none', async (sid) => {
  const world = await makeWorld();
  world.issuer.behaviour.idToken = { sid };
  expect((await logIn(world)).idTokenClaims).not.toHaveProperty('sid');
});

test('of a refresh that is not accepted the new token is revoked, and the one that is held stays', async () => {
  const world = await makeWorld();
  const { refreshToken = '' } = await logIn(world);
  world.issuer.behaviour.idTokenSignature = 'wrong';
  await failure(refreshTokens(world.client, { refreshToken }), 'id_token_invalid');
  expect(world.issuer.revoked.size).toBe(1);
  expect(world.issuer.revoked).not.toContain(refreshToken);
  world.issuer.behaviour.idTokenSignature = 'right';
  for (const held of [(token: string) => token, () => undefined]) {
    const { refreshToken: again = '' } = await logIn(world);
    world.issuer.revoked.clear();
    world.issuer.behaviour.response = { refresh_token: held(again) };
    world.issuer.behaviour.tokenType = 'Bearer';
    await failure(refreshTokens(world.client, { refreshToken: again }), 'token_invalid');
    expect(world.issuer.revoked.size).toBe(0);
    Object.assign(world.issuer.behaviour, { response: {}, tokenType: 'DPoP' });
  }
});

test('machine and exchanged tokens that are not accepted are revoked too', async () => {
  const world = await makeWorld();
  const { accessToken: subjectToken } = await getAccessToken(world.client);
  world.issuer.behaviour.tokenType = 'Bearer';
  await failure(getAccessToken(world.client, { scopes: ['other'] }), 'token_invalid');
  await failure(exchangeToken(world.client, { subjectToken }), 'token_invalid');
  expect(world.issuer.revoked.size).toBe(2);
  expect(world.issuer.revoked).not.toContain(subjectToken);
});

test('a revocation that fails hides nothing of why the tokens were refused', async () => {
  const world = await makeWorld();
  world.issuer.behaviour.metadata = { revocation_endpoint: undefined };
  world.issuer.behaviour.idToken = { nonce: 'other' };
  const error = await failure(logIn(world), 'id_token_invalid');
  expect(error.message).toContain('"nonce"');
  expect(error.facts).toMatchObject({ revocation: 'metadata_invalid' });
});

test('a new key of the issuer is fetched at once; known ones are read once an hour', async () => {
  const world = await makeWorld();
  const { issuer, clock } = world;
  await logIn(world);
  await logIn(world);
  expect(issuer.keysRead).toBe(1);
  clock.now += 1000;
  await issuer.rotateKey();
  await logIn(world);
  expect(issuer.keysRead).toBe(2);
  clock.now += 3600_000;
  await logIn(world);
  expect(issuer.keysRead).toBe(3);
});

test('keys that cannot be read refuse the login with the reason', async () => {
  const world = await makeWorld();
  world.issuer.behaviour.metadata = { jwks_uri: 'https://sts.test/session-1/nothing' };
  await failure(logIn(world), 'issuer_unreachable');
  const other = await makeWorld();
  other.issuer.behaviour.metadata = { jwks_uri: `${ISSUER}/.well-known/openid-configuration` };
  await failure(logIn(other), 'metadata_invalid');
});

test('a refreshed ID token may have the nonce of the login or none', async () => {
  const world = await makeWorld();
  const login = await logIn(world);
  const { iss, sub, nonce = '' } = login.idTokenClaims;
  let { refreshToken = '' } = login;
  for (const next of [undefined, nonce]) {
    world.issuer.behaviour.idToken = { nonce: next };
    const expected = { iss, sub, nonce };
    ({ refreshToken = '' } = await refreshTokens(world.client, { refreshToken, expected }));
  }
});

test.each([
  ['other', true],
  ['', true],
  [null, false],
  [7, false],
  [{}, false],
])(
  'a refreshed ID token with the nonce %j, another being expected: %s, is refused',
  async (nonce, compared) => {
    const world = await makeWorld();
    const { refreshToken = '', idTokenClaims: expected } = await logIn(world);
    world.issuer.behaviour.idToken = { nonce };
    const refresh = refreshTokens(world.client, { refreshToken, ...(compared ? { expected } : {}) });
    expect((await failure(refresh, 'id_token_invalid')).message).toContain('"nonce"');
  },
);

test('refresh: another API, another organisation, a new refresh token', async () => {
  const world = await makeWorld();
  const login = await logIn(world);
  const { iss, sub } = login.idTokenClaims;
  const next = world.signer.addKey();
  world.issuer.register(next);
  world.signer.switchTo(next.thumbprint);
  const tokens = await refreshTokens(world.client, {
    refreshToken: login.refreshToken ?? '',
    scopes: ['a'],
    resource: 'https://a.test',
    details: [{ type: 'helseid_authorization', child: '974760673' }],
    expected: { iss, sub },
  });
  expect(tokens.scope).toBe('a');
  expect(tokens.binding.kid).toBe(next.thumbprint);
  expect(tokens.refreshToken).not.toBe(login.refreshToken);
  expect(decodeJwt(tokens.accessToken)).toMatchObject({
    aud: 'https://a.test',
    details: { type: 'helseid_authorization' },
  });
});

test('a refreshed ID token is verified, and must be of the same person at the same issuer', async () => {
  const world = await makeWorld();
  const login = await logIn(world);
  const expected = { iss: ISSUER, sub: login.idTokenClaims.sub };
  world.issuer.behaviour.idToken = { sub: 'person-2' };
  const refresh = (refreshToken: string) => refreshTokens(world.client, { refreshToken, expected });
  await failure(refresh(login.refreshToken ?? ''), 'person_mismatch');
  world.issuer.behaviour.idToken = {};
  const elsewhere = { iss: 'https://other.test', sub: expected.sub };
  const { refreshToken = '' } = await logIn(world);
  await failure(refreshTokens(world.client, { refreshToken, expected: elsewhere }), 'person_mismatch');
  const second = await logIn(world);
  world.issuer.behaviour.idTokenSignature = 'wrong';
  await failure(refresh(second.refreshToken ?? ''), 'id_token_invalid');
});

test('a refresh without an ID token is fine', async () => {
  const world = await makeWorld();
  const login = await logIn(world);
  world.issuer.behaviour.response = { id_token: undefined, rt_expires_in: undefined };
  const tokens = await refreshTokens(world.client, { refreshToken: login.refreshToken ?? '' });
  expect(tokens).not.toHaveProperty('idToken');
  expect(tokens).not.toHaveProperty('refreshTokenExpiresAt');
});

test('a server that binds refresh tokens: the current key fails once, the pinned one works', async () => {
  const world = await makeWorld();
  world.issuer.behaviour.bindRefreshTokens = true;
  const one = await logIn(world);
  const two = await logIn(world);
  const next = world.signer.addKey();
  world.issuer.register(next);
  world.signer.switchTo(next.thumbprint);
  const posts = world.issuer.posts.length;
  const refresh = ({ refreshToken = '' }, change = {}) =>
    refreshTokens(world.client, { refreshToken, ...change });
  const error = await failure(refresh(one), 'token_refused');
  expect(error.facts['error']).toBe('invalid_grant');
  expect(world.issuer.posts.length).toBe(posts + 1);
  const tokens = await refresh(two, { binding: two.binding });
  expect(tokens.binding).toEqual(two.binding);
});

test('token exchange: another’s token in, a narrow one bound to our key out, never cached', async () => {
  const { client, issuer } = await makeWorld();
  const { accessToken } = await getAccessToken(client, { scopes: ['in'] });
  const request = { subjectToken: accessToken, scopes: ['out'], audience: 'other', resource: 'urn:o' };
  const token = await exchangeToken(client, request);
  expect(issuer.posts.at(-1)?.form).toMatchObject({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: accessToken,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    audience: 'other',
  });
  expect(decodeJwt(token.accessToken)).toMatchObject({ scope: 'out', act: { sub: CLIENT_ID } });
  expect((await exchangeToken(client, request)).accessToken).not.toBe(token.accessToken);

  await failure(exchangeToken(client, { subjectToken: 'unknown' }), 'token_refused');
  issuer.behaviour.response = { issued_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' };
  await failure(exchangeToken(client, request), 'token_invalid');
});

test('revocation: with an assertion, without a proof', async () => {
  const { client, issuer } = await makeWorld();
  await revokeToken(client, { token: 'refresh-1', hint: 'refresh_token' });
  expect(issuer.revoked).toEqual(new Set(['refresh-1']));
  expect(issuer.posts[0]).toMatchObject({ proof: null, form: { token_type_hint: 'refresh_token' } });
  issuer.behaviour.fail = () => Response.json({ error: 'unsupported_token_type' }, { status: 400 });
  await failure(revokeToken(client, { token: 'x' }), 'token_refused');
});

test.each([
  ['PAR', 200],
  ['revocation', 204],
])('an answer to %s of an unexpected status says which', async (what, status) => {
  const { client, issuer } = await makeWorld();
  issuer.behaviour.fail = () => new Response(null, { status });
  const request = { redirectUri: REDIRECT, scope: 'openid', state: 's', codeChallenge: 'c' };
  const asked =
    what === 'PAR' ? pushAuthorizationRequest(client, request) : revokeToken(client, { token: 'x' });
  const error = await failure(asked, 'token_invalid');
  expect(error.facts).toEqual({ status });
});

test('an issuer without revocation, end session or PAR says so', async () => {
  const { client, issuer, network } = await makeWorld();
  issuer.behaviour.metadata = {
    revocation_endpoint: undefined,
    end_session_endpoint: undefined,
    pushed_authorization_request_endpoint: undefined,
  };
  await failure(revokeToken(client, { token: 'x' }), 'metadata_invalid');
  const request = { redirectUri: REDIRECT, scope: 'openid', state: 's', codeChallenge: 'c' };
  await failure(pushAuthorizationRequest(client, request), 'metadata_invalid');
  const end = { idToken: 'x', postLogoutRedirectUri: 'https://journal.test/' };
  expect(await createEndSessionUrl(client, end)).toBeUndefined();
  expect(network.sent.length).toBe(1);
});

test('the end session URL carries hint, return address and state', async () => {
  const { client, issuer } = await makeWorld();
  const request = { idToken: 'x.y.z', postLogoutRedirectUri: 'https://journal.test/', state: 's' };
  const url = new URL((await createEndSessionUrl(client, request)) ?? '');
  expect(url.origin + url.pathname).toBe(`${ISSUER}/endsession`);
  expect(Object.fromEntries(url.searchParams)).toEqual({
    client_id: CLIENT_ID,
    id_token_hint: 'x.y.z',
    post_logout_redirect_uri: 'https://journal.test/',
    state: 's',
  });
  const plain = await makeWorld();
  plain.issuer.behaviour.metadata = { end_session_endpoint: 'http://sts.test/end' };
  await failure(createEndSessionUrl(plain.client, request), 'metadata_invalid');
  expect(issuer.posts).toEqual([]);
});

test('I8: no token and no code ever goes to the signer', async () => {
  const world = await makeWorld();
  const { client, signer } = world;
  const { redeem, callback } = await begin(world, { requestObject: true });
  const parameters = callback();
  const login = await redeem(parameters);
  const refreshed = await refreshTokens(client, { refreshToken: login.refreshToken ?? '' });
  const exchanged = await exchangeToken(client, { subjectToken: refreshed.accessToken });
  const call = createApiFetch(client, { get: async () => exchanged, renew: async () => undefined });
  await call(`${API}/x?secret-query`);
  await revokeToken(client, { token: refreshed.refreshToken ?? '' });
  const asked = JSON.stringify(signer.calls);
  const secrets = [
    ...[login, refreshed].flatMap((tokens) => [tokens.accessToken, tokens.refreshToken, tokens.idToken]),
    exchanged.accessToken,
  ];
  expect(secrets).toHaveLength(7);
  for (const secret of [...secrets, parameters.get('code'), 'secret-query']) {
    expect(secret).toMatch(/.{8}/);
    expect(asked).not.toContain(secret);
  }
});

test('an aborted redemption says so', async () => {
  const world = await makeWorld();
  const { redeem, callback } = await begin(world);
  const sent = world.network.sent.length;
  await failure(redeem(callback(), { signal: AbortSignal.abort() }), 'request_aborted');
  expect(world.network.sent.length).toBe(sent);
});

test('at a plain FAPI 2.0 issuer the same client logs in, refreshes and gets machine tokens, without organisations', async () => {
  const world = await makeWorld({ profile: fapi2Profile });
  const tokens = await logIn(world);
  expect(decodeProtectedHeader(tokens.idToken).alg).toBe('PS256');
  const { refreshToken = '', idTokenClaims: expected } = tokens;
  expect((await refreshTokens(world.client, { refreshToken, expected })).binding).toEqual(tokens.binding);
  expect((await getAccessToken(world.client)).binding).toEqual(tokens.binding);
  const assertion = world.issuer.posts.at(-1)?.form['client_assertion'] ?? '';
  expect(decodeProtectedHeader(assertion).typ).toBe('JWT');
  const details = [{ type: 'helseid_authorization' as const, child: '974760673' }];
  await failure(getAccessToken(world.client, { details }), 'details_invalid');
});
