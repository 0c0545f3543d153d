import { createPrivateKey } from 'node:crypto';
import {
  createApiFetch,
  createEndSessionUrl,
  createMemorySigner,
  createTokenClient,
  createTransaction,
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
import { decodeJwt, exportPKCS8 } from 'jose';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { startHealthApi } from '../../../local/helseid/health-api.ts';
import type { HelseIdBehaviour } from '../../../local/helseid/types.ts';
import { TEST_USERS } from '../../../local/helseid/users.ts';
import { CALLBACK, SCOPE, startWeb } from './web.ts';
import { browse, makeClientKey, openIssuerBrowser } from './wire.ts';

// The client as its users call it, against a certified server that shares no code with it. What a server does wrong is in test/client.
const CHILD = '974760673';
const CHILD_CLAIM = 'helseid://claims/client/claims/orgnr_child';
const user = TEST_USERS[0]?.sub ?? '';
const details = [{ type: 'helseid_authorization' as const, child: CHILD }];

const keys = { ES256: await makeClientKey('ES256'), PS256: await makeClientKey('PS256') };
const web = await startWeb(Object.values(keys));
const api = await startHealthApi({
  certificate: web.files.certificate,
  issuer: web.server.issuer,
  keys: web.server.keys,
  audience: 'example:a',
  scopes: ['example:a/read'],
  nonceLifetime: 60,
});

afterAll(async () => {
  await api.close();
  await web.close();
});
beforeEach(() => void Object.assign(web.server.behaviour, { nonce: 'with-400', proofAtPar: false }));

async function makeClient(algorithm: 'ES256' | 'PS256' = 'ES256', profile: IssuerProfile = helseIdProfile) {
  const { issuer } = web.server;
  const privateKey = createPrivateKey(await exportPKCS8(keys[algorithm].privateKey));
  const memory = createMemorySigner({
    client: 'web',
    subject: { clientId: 'web', issuer, tenancy: 'single-tenant', profile },
    keys: [{ privateKey, algorithm: algorithm satisfies Algorithm }],
  });
  const signed: string[] = [];
  const signer: Signer = {
    sign(intents) {
      signed.push(...intents.map(({ kind }) => kind));
      return memory.sign(intents);
    },
  };
  return { ...createTokenClient({ client: 'web', clientId: 'web', issuer, profile, signer }), signed };
}

async function logIn(
  client: TokenClient,
  options: { requestObject?: boolean; resources?: string[]; withNonce?: boolean } = {},
) {
  const { withNonce = true, ...request } = options;
  const { nonce, state, codeVerifier, codeChallenge } = await createTransaction();
  const sent = withNonce ? { nonce } : {};
  const { authorizationUrl, binding } = await pushAuthorizationRequest(client, {
    redirectUri: CALLBACK,
    scope: SCOPE,
    state,
    codeChallenge,
    ...sent,
    ...request,
  });
  const browser = openIssuerBrowser();
  const { searchParams: parameters } = await browse(authorizationUrl, user, browser);
  const [resource] = options.resources ?? [];
  const redemption = { parameters, state, ...sent, codeVerifier, redirectUri: CALLBACK, binding };
  return { tokens: await redeemCode(client, { ...redemption, ...(resource ? { resource } : {}) }), browser };
}

describe('a machine', () => {
  test.each(['ES256', 'PS256'] as const)(
    'gets a token for an organisation and calls the API (%s)',
    async (alg) => {
      const client = await makeClient(alg);
      const request = { scopes: ['example:a/read'], details };
      const { accessToken, binding } = await getAccessToken(client, request);
      expect(decodeJwt(accessToken)).toMatchObject({ [CHILD_CLAIM]: CHILD, cnf: { jkt: binding.jkt } });
      const call = createApiFetch(client, machineTokens(client, request));
      const response = await call(`${api.url}/v1/summaries/1?x=1`);
      expect(await response.json()).toMatchObject({
        path: '/v1/summaries/1',
        caller: { client_id: 'web', child: CHILD },
      });
    },
  );

  test('costs two signatures while the nonce is remembered', async () => {
    const client = await makeClient();
    await getAccessToken(client, { scopes: ['example:a/read'] });
    client.signed.length = 0;
    await getAccessToken(client, { scopes: ['example:b/read'] });
    expect(client.signed.sort()).toEqual(['client_assertion', 'dpop_proof']);
  });
});

describe('a person', () => {
  test.each([false, true])(
    'logs in, switches organisation, logs out (request object: %s)',
    async (requestObject) => {
      const client = await makeClient();
      web.logoutTokens.length = 0;
      const { tokens, browser } = await logIn(client, { requestObject });
      const { iss, sub, sid } = tokens.idTokenClaims;
      expect(tokens.idTokenClaims).toMatchObject({
        sub: user,
        'helseid://claims/identity/security_level': '4',
      });
      const refreshed = await refreshTokens(client, {
        refreshToken: tokens.refreshToken ?? '',
        scopes: ['example:a/read'],
        details,
        expected: { iss, sub },
      });
      expect(decodeJwt(refreshed.accessToken)).toMatchObject({ aud: 'example:a', [CHILD_CLAIM]: CHILD });

      const postLogoutRedirectUri = 'http://localhost:3999/';
      const url = await createEndSessionUrl(client, { idToken: tokens.idToken, postLogoutRedirectUri });
      expect((await browse(url ?? '', '', browser)).href).toBe(postLogoutRedirectUri);
      const seen = new Set<string>();
      const once = async (jti: string) => !seen.has(jti) && seen.add(jti).size > 0;
      const [logoutToken = ''] = web.logoutTokens;
      expect(await validateLogoutToken(client, logoutToken, once)).toMatchObject({ sid });
      await expect(validateLogoutToken(client, logoutToken, once)).rejects.toMatchObject({
        code: 'token_invalid',
      });

      const { refreshToken = '' } = refreshed;
      await revokeToken(client, { token: refreshToken, hint: 'refresh_token' });
      await expect(refreshTokens(client, { refreshToken })).rejects.toMatchObject({ code: 'token_refused' });
    },
  );

  test('gets a narrow token per API by resource indicator', async () => {
    const client = await makeClient();
    const { tokens } = await logIn(client, { resources: ['example:a', 'example:b'] });
    expect(decodeJwt(tokens.accessToken)).toMatchObject({ aud: 'example:a' });
    const { refreshToken = '' } = tokens;
    const next = await refreshTokens(client, { refreshToken, resource: 'example:b' });
    expect(decodeJwt(next.accessToken)).toMatchObject({ aud: 'example:b' });
  });

  test.each<[string, Partial<HelseIdBehaviour>, boolean]>([
    ['with every answer', { nonce: 'every-answer' }, true],
    ['never', { nonce: 'never' }, true],
    ['never, and none in the ID token', { nonce: 'never' }, false],
  ])('logs in where DPoP nonces come %s', async (_, behaviour, withNonce) => {
    Object.assign(web.server.behaviour, behaviour);
    const { tokens } = await logIn(await makeClient(), { withNonce });
    expect('nonce' in tokens.idTokenClaims).toBe(withNonce);
  });

  test('logs in where a proof is demanded at PAR, if the profile sends one', async () => {
    web.server.behaviour.proofAtPar = true;
    const client = await makeClient('ES256', { ...helseIdProfile, proofAtPar: true });
    await expect(logIn(client)).resolves.toBeTruthy();
    await expect(logIn(await makeClient())).rejects.toMatchObject({ code: 'token_refused' });
  });
});
