import { createHash, createPrivateKey } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createApiFetch,
  createEndSessionUrl,
  createMemorySigner,
  createTokenClient,
  createTransaction,
  exchangeToken,
  getAccessToken,
  helseIdProfile,
  type IssuerProfile,
  machineTokens,
  pushAuthorizationRequest,
  redeemCode,
  refreshTokens,
  revokeToken,
  type Signer,
  type TokenClient,
  validateLogoutToken,
} from '@helseid-zones/client';
import type { Algorithm } from '@helseid-zones/protocol/algorithms';
import { isZonesError } from '@helseid-zones/protocol/errors';
import { decodeJwt, exportPKCS8 } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startHealthApi } from '../../../local/helseid/health-api.ts';
import { startHelseId } from '../../../local/helseid/helseid.ts';
import type {
  AlteredAnswers,
  HealthApiOptions,
  HealthApiServer,
  HelseIdServer,
  StandInEvent,
} from '../../../local/helseid/types.ts';
import { TEST_USERS } from '../../../local/helseid/users.ts';
import { browse, type ClientKey, makeCa, makeClientKey } from './wire.ts';

const CALLBACK = 'http://localhost:3999/callback';
const SCOPE =
  'openid offline_access helseid://scopes/identity/security_level example:summaries/read example:b/read';
const ORG = 'helseid://claims/client/claims/orgnr_';
const CHILD = '974760673';
const user = TEST_USERS[0]?.sub ?? '';

const events: StandInEvent[] = [];
const logoutTokens: string[] = [];
let files: Awaited<ReturnType<typeof makeCa>>;
let keys: Record<string, ClientKey>;
let server: HelseIdServer;
let api: HealthApiServer;
let alterApi: HealthApiOptions['alter'];
let gateway: Server;

beforeAll(async () => {
  const [ca, es256, ps256, actor] = await Promise.all([
    makeCa(),
    makeClientKey('ES256'),
    makeClientKey('PS256'),
    makeClientKey('ES384'),
  ]);
  files = ca;
  keys = { es256, ps256, actor };
  gateway = createServer(async (request, response) => {
    logoutTokens.push(new URLSearchParams(await text(request)).get('logout_token') ?? '');
    response.end();
  });
  await new Promise<void>((resolve) => gateway.listen(0, 'localhost', resolve));
  server = await startHelseId({
    ca: files.ca,
    path: '/session-1',
    onEvent: (event) => events.push(event),
    apis: [
      { audience: 'example:summaries', scopes: ['example:summaries/read'] },
      { audience: 'example:b', scopes: ['example:b/read'] },
    ],
    clients: [
      {
        clientId: 'web',
        scopes: SCOPE.split(' '),
        tenancy: 'single-tenant',
        parent: '999999999',
        jwks: { keys: [es256.jwk, ps256.jwk] },
        redirectUris: [CALLBACK],
        postLogoutRedirectUris: ['http://localhost:3999/'],
        backchannelLogoutUri: `http://localhost:${(gateway.address() as AddressInfo).port}/`,
      },
      {
        clientId: 'actor',
        scopes: ['example:b/read'],
        tenancy: 'single-tenant',
        jwks: { keys: [actor.jwk] },
        exchangesTokensFor: 'example:summaries',
      },
    ],
  });
  api = await startHealthApi({
    ca: files.ca,
    issuer: server.issuer,
    keys: server.keys,
    audience: 'example:summaries',
    scopes: ['example:summaries/read'],
    nonceLifetime: 60,
    alter: (answer) => alterApi?.(answer),
  });
});
afterAll(async () => {
  gateway.closeAllConnections();
  await new Promise((resolve) => gateway.close(resolve));
  await Promise.all([api.close(), server.close()]);
  await files.remove();
});
beforeEach(() => {
  events.length = 0;
  logoutTokens.length = 0;
  alterApi = undefined;
  Object.assign(server.behaviour, {
    alter: {},
    nonce: 'with-400',
    nonceLifetime: 60,
    proofAtPar: false,
  });
});

async function text(request: IncomingMessage) {
  let body = '';
  for await (const chunk of request) body += chunk;
  return body;
}

async function makeClient(
  name = 'web',
  key = keys['es256'],
  profile: IssuerProfile = helseIdProfile,
): Promise<TokenClient & { signed: string[] }> {
  if (!key) throw new Error('There is no such key.');
  const clientId = name;
  const { issuer } = server;
  const privateKey = createPrivateKey(await exportPKCS8(key.privateKey));
  const memory = createMemorySigner({
    client: name,
    subject: { clientId, issuer, tenancy: 'single-tenant', profile },
    keys: [{ privateKey, algorithm: key.jwk.alg as Algorithm }],
  });
  const signed: string[] = [];
  const signer: Signer = {
    sign(intents) {
      signed.push(...intents.map(({ kind }) => kind));
      return memory.sign(intents);
    },
  };
  return {
    ...createTokenClient({ client: name, clientId, issuer, profile, signer }),
    signed,
  };
}

async function logIn(
  client: TokenClient,
  {
    withNonce = true,
    ...options
  }: { requestObject?: boolean; resources?: string[]; withNonce?: boolean } = {},
) {
  const { nonce, ...transaction } = await createTransaction();
  const { state, codeVerifier, codeChallenge } = transaction;
  const sent = withNonce ? { nonce } : {};
  const { authorizationUrl, binding } = await pushAuthorizationRequest(client, {
    redirectUri: CALLBACK,
    scope: SCOPE,
    state,
    codeChallenge,
    ...sent,
    ...options,
  });
  const cookies = new Map<string, string>();
  const { searchParams: parameters } = await browse(authorizationUrl, user, cookies);
  const [resource] = options.resources ?? [];
  const redemption = { parameters, state, ...sent, codeVerifier, redirectUri: CALLBACK, binding };
  return { tokens: await redeemCode(client, { ...redemption, ...(resource ? { resource } : {}) }), cookies };
}

describe('a machine', () => {
  test.each(['es256', 'ps256'])('gets a token for an organisation and calls the API (%s)', async (name) => {
    const client = await makeClient('web', keys[name]);
    const details = [{ type: 'helseid_authorization' as const, child: CHILD }];
    const request = { scopes: ['example:summaries/read'], details };
    const token = await getAccessToken(client, request);
    expect(decodeJwt(token.accessToken)).toMatchObject({
      [`${ORG}child`]: CHILD,
      cnf: { jkt: token.binding.jkt },
    });
    const call = createApiFetch(client, machineTokens(client, request));
    const response = await call(`${api.url}/v1/summaries/1?x=1`);
    expect(await response.json()).toMatchObject({ id: '1', readBy: 'web' });
  });

  test('costs one round trip and two signatures while the nonce is remembered', async () => {
    const client = await makeClient();
    await getAccessToken(client, { scopes: ['example:summaries/read'] });
    events.length = 0;
    client.signed.length = 0;
    await getAccessToken(client, { scopes: ['example:b/read'] });
    expect(events.map(({ kind }) => kind)).toEqual(['token']);
    expect(client.signed.sort()).toEqual(['client_assertion', 'dpop_proof']);
  });
});

describe('a person', () => {
  test.each([false, true])(
    'logs in, switches organisation, acts on, logs out (request object: %s)',
    async (requestObject) => {
      const client = await makeClient();
      const { tokens, cookies } = await logIn(client, { requestObject });
      expect(tokens.idTokenClaims).toMatchObject({
        sub: user,
        'helseid://claims/identity/security_level': '4',
      });
      const expected = { iss: tokens.idTokenClaims.iss, sub: tokens.idTokenClaims.sub };
      const refreshed = await refreshTokens(client, {
        refreshToken: tokens.refreshToken ?? '',
        scopes: ['example:summaries/read'],
        details: [{ type: 'helseid_authorization', child: CHILD }],
        expected,
      });
      expect(decodeJwt(refreshed.accessToken)).toMatchObject({
        aud: 'example:summaries',
        [`${ORG}child`]: CHILD,
      });

      const actor = await makeClient('actor', keys['actor']);
      const exchanged = await exchangeToken(actor, {
        subjectToken: refreshed.accessToken,
        scopes: ['example:b/read'],
      });
      expect(decodeJwt(exchanged.accessToken)).toMatchObject({ sub: user, act: { client_id: 'actor' } });

      const url = await createEndSessionUrl(client, {
        idToken: tokens.idToken,
        postLogoutRedirectUri: 'http://localhost:3999/',
      });
      expect((await browse(url ?? '', '', cookies)).href).toBe('http://localhost:3999/');
      const seen: string[] = [];
      const once = async (jti: string) => !seen.includes(jti) && seen.push(jti) > 0;
      expect(await validateLogoutToken(client, logoutTokens[0] ?? '', once)).toMatchObject({
        sid: tokens.idTokenClaims.sid,
      });
      await expect(validateLogoutToken(client, logoutTokens[0] ?? '', once)).rejects.toMatchObject({
        code: 'token_invalid',
      });

      await revokeToken(client, { token: refreshed.refreshToken ?? '', hint: 'refresh_token' });
      await expect(
        refreshTokens(client, { refreshToken: refreshed.refreshToken ?? '' }),
      ).rejects.toMatchObject({
        code: 'token_refused',
      });
    },
  );

  test('gets a narrow token per API by resource indicator', async () => {
    const client = await makeClient();
    const { tokens } = await logIn(client, { resources: ['example:summaries', 'example:b'] });
    expect(decodeJwt(tokens.accessToken)).toMatchObject({ aud: 'example:summaries' });
    const next = await refreshTokens(client, {
      refreshToken: tokens.refreshToken ?? '',
      resource: 'example:b',
    });
    expect(decodeJwt(next.accessToken)).toMatchObject({ aud: 'example:b' });
  });
});

/** Conformance behaviours of a FAPI 2.0 client: what the stand-in does wrong, and what the client says. */
describe('against a server that misbehaves, a login stops with', () => {
  const response = (alter: (parameters: URLSearchParams) => void): AlteredAnswers => ({
    authorizationResponse: alter,
  });
  const idToken = (change: Record<string, unknown>): AlteredAnswers => ({
    idToken: (claims) => void Object.assign(claims, change),
  });
  const header = (change: Record<string, unknown>): AlteredAnswers => ({
    idToken: (_, target) => void Object.assign(target, change),
  });

  test.each<[string, string, AlteredAnswers]>([
    ['wrong iss in the response', 'login_refused', response((p) => p.set('iss', 'https://other.example'))],
    ['missing iss', 'login_refused', response((p) => p.delete('iss'))],
    ['two iss', 'login_refused', response((p) => p.append('iss', p.get('iss') ?? ''))],
    ['wrong state', 'login_refused', response((p) => p.set('state', 'other'))],
    ['missing state', 'login_refused', response((p) => p.delete('state'))],
    ['null state', 'login_refused', response((p) => p.set('state', 'null'))],
    ['two states', 'login_refused', response((p) => p.append('state', 'other'))],
    ['wrong iss in the ID token', 'id_token_invalid', idToken({ iss: 'https://other.example' })],
    ['missing iss in the ID token', 'id_token_invalid', idToken({ iss: undefined })],
    ['wrong aud', 'id_token_invalid', idToken({ aud: 'other' })],
    ['missing aud', 'id_token_invalid', idToken({ aud: undefined })],
    ['a second aud', 'id_token_invalid', idToken({ aud: ['web', 'other'] })],
    ['expired', 'id_token_invalid', idToken({ exp: 1 })],
    ['missing exp', 'id_token_invalid', idToken({ exp: undefined })],
    ['wrong nonce', 'id_token_invalid', idToken({ nonce: 'other' })],
    ['missing nonce', 'id_token_invalid', idToken({ nonce: undefined })],
    ['alg none', 'id_token_invalid', header({ alg: 'none' })],
    ['alg null', 'id_token_invalid', header({ alg: null })],
    ['another alg', 'id_token_invalid', header({ alg: 'PS256' })],
    ['bad signature', 'id_token_invalid', { idToken: () => ({ badSignature: true }) }],
    [
      'a bearer token',
      'token_invalid',
      { tokenResponse: (body) => void Object.assign(body, { token_type: 'Bearer' }) },
    ],
    ['no access token', 'token_invalid', { tokenResponse: (body) => void delete body['access_token'] }],
  ])('%s: %s', async (_, code, alter) => {
    server.behaviour.alter = alter;
    const error = await logIn(await makeClient()).catch((thrown: unknown) => thrown);
    expect(isZonesError(error) ? error.code : error).toBe(code);
    const { kind } = events.at(-1) ?? {};
    // A response that is not ours never leads to a token request.
    expect(kind).toBe(code === 'login_refused' ? 'login' : 'token');
  });

  test.each<[string, AlteredAnswers]>([
    ['aud as a list of one', idToken({ aud: ['web'] })],
    [
      'token_type in other case',
      { tokenResponse: (body) => void Object.assign(body, { token_type: 'dpop' }) },
    ],
    [
      'an opaque access token',
      { tokenResponse: (body) => void Object.assign(body, { access_token: 'opaque' }) },
    ],
    ['no expires_in', { tokenResponse: (body) => void delete body['expires_in'] }],
    [
      'metadata without optional endpoints',
      {
        metadata: (document) => {
          for (const name of ['userinfo_endpoint', 'end_session_endpoint', 'revocation_endpoint'])
            delete document[name];
        },
      },
    ],
  ])('and with %s it goes on', async (_, alter) => {
    server.behaviour.alter = alter;
    await expect(logIn(await makeClient())).resolves.toBeTruthy();
  });

  test('nonces everywhere or nowhere, and it goes on', async () => {
    for (const nonce of ['every-answer', 'never'] as const) {
      server.behaviour.nonce = nonce;
      await expect(logIn(await makeClient())).resolves.toBeTruthy();
    }
  });

  test('no nonce in the request, and no DPoP nonce anywhere, and it goes on', async () => {
    server.behaviour.nonce = 'never';
    const { tokens } = await logIn(await makeClient(), { withNonce: false });
    expect(tokens.idTokenClaims).not.toHaveProperty('nonce');
    expect(events.map(({ kind }) => kind)).not.toContain('refused');
  });

  test('a proof with a nonce demanded at PAR, where the profile sends one, and it goes on', async () => {
    server.behaviour.proofAtPar = true;
    const profile = { ...helseIdProfile, proofAtPar: true };
    await expect(logIn(await makeClient('web', keys['es256'], profile))).resolves.toBeTruthy();
    const error = await logIn(await makeClient()).catch((thrown: unknown) => thrown);
    expect(isZonesError(error) ? error.code : error).toBe('token_refused');
  });

  test('metadata of another issuer, or of one that differs in a slash', async () => {
    for (const issuer of ['https://other.example', `${server.issuer}/`]) {
      server.behaviour.alter = { metadata: (document) => void Object.assign(document, { issuer }) };
      await expect(logIn(await makeClient())).rejects.toMatchObject({ code: 'metadata_invalid' });
    }
    expect(events).toEqual([]);
  });

  test('a demand for nonces without end', async () => {
    server.behaviour.nonceLifetime = 0;
    const client = await makeClient();
    await expect(getAccessToken(client, {})).rejects.toMatchObject({ code: 'nonce_loop' });
    expect(events.filter(({ kind }) => kind === 'refused')).toHaveLength(2);
  });

  test('a token that is bound to another key', async () => {
    const other = await (async () =>
      (await getAccessToken(await makeClient('web', keys['ps256']), {})).accessToken)();
    server.behaviour.alter = { tokenResponse: (body) => void Object.assign(body, { access_token: other }) };
    await expect(getAccessToken(await makeClient(), {})).rejects.toMatchObject({ code: 'binding_mismatch' });
  });
});

describe('against an API that misbehaves', () => {
  const read = async (client: TokenClient) =>
    createApiFetch(
      client,
      machineTokens(client, { scopes: ['example:summaries/read'] }),
    )(`${api.url}/v1/summaries/1`);
  const challenge =
    (scheme: (header: string) => string): HealthApiOptions['alter'] =>
    (answer) => {
      const old = answer.headers?.['www-authenticate'];
      if (answer.headers && old) answer.headers['www-authenticate'] = scheme(old);
    };

  test.each([
    ['two challenges in one answer', (old: string) => `Bearer realm="x", ${old}`],
    ['the scheme in other case', (old: string) => old.replace('DPoP', 'dpop')],
  ])('%s: the nonce is understood', async (_, scheme) => {
    alterApi = challenge(scheme);
    expect((await read(await makeClient())).status).toBe(200);
  });

  test('a demand for nonces without end stops', async () => {
    let calls = 0;
    alterApi = (answer) => {
      calls += 1;
      const headers = { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': `n${calls}` };
      Object.assign(answer, { status: 401, headers });
    };
    await expect(read(await makeClient())).rejects.toMatchObject({ code: 'nonce_loop' });
    expect(calls).toBe(2);
  });

  test('a token that is refused is renewed once', async () => {
    let calls = 0;
    alterApi = (answer) => {
      calls += 1;
      if (calls <= 2) {
        const headers = { 'www-authenticate': 'DPoP error="invalid_token"', ...answer.headers };
        headers['www-authenticate'] =
          calls === 1 ? (answer.headers?.['www-authenticate'] ?? '') : 'DPoP error="invalid_token"';
        Object.assign(answer, { status: 401, headers });
      }
    };
    events.length = 0;
    expect((await read(await makeClient())).status).toBe(200);
    expect(events.filter(({ kind }) => kind === 'token')).toHaveLength(2);
  });
});

test('thumbprints of the client and the server agree', async () => {
  const { kid, x, y } = keys['es256']?.jwk ?? {};
  const canonical = JSON.stringify({ crv: 'P-256', kty: 'EC', x, y });
  expect(createHash('sha256').update(canonical).digest('base64url')).toBe(kid);
  expect(server.registry.keys('web')[0]?.jwkThumbprint).toBe(kid);
});
