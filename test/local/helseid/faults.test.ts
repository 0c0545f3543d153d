import { createPrivateKey } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createMemorySigner } from '@helseid-zones/client';
import { createApiFetch } from '@helseid-zones/client/api-fetch';
import { createIssuerKeys } from '@helseid-zones/client/issuer';
import { getAccessToken, machineTokens } from '@helseid-zones/client/machine-token';
import { createTokenClient, type IssuerRequest } from '@helseid-zones/client/token-client';
import type { ErrorCode } from '@helseid-zones/protocol/errors';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { exportJWK, exportPKCS8, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { afterAll, describe, expect, test } from 'vitest';
import { localCertificate } from '../../../local/helseid/certificate.ts';
import { startHealthApi } from '../../../local/helseid/health-api.ts';
import { failure } from '../../client/make-client.ts';
import { FULL } from '../../full.ts';
import { newFolder } from '../../temporary.ts';
import { startWeb } from './web.ts';
import { makeClientKey } from './wire.ts';

type Inject = Awaited<ReturnType<typeof startHealthApi>>['faults']['inject'];
type Fault = Parameters<Inject>[1];

/** Milliseconds that a request of the client may take here; one that meets something slow; and more than that. */
const TIMEOUT = 2000;
const SOON = 300;
const TOO_LONG = 2500;

const key = await makeClientKey();
const web = await startWeb([key]);
const api = await startHealthApi({
  certificate: web.files.certificate,
  issuer: web.server.issuer,
  keys: web.server.keys,
  audience: 'example:a',
  scopes: ['example:a/read'],
});
afterAll(async () => {
  await api.close();
  await web.close();
});

/** A client as a function has it that starts cold. */
async function makeClient({ issuer } = web.server as { issuer: string }) {
  const privateKey = createPrivateKey(await exportPKCS8(key.privateKey));
  const subject = { clientId: 'web', issuer, tenancy: 'single-tenant', profile: helseIdProfile } as const;
  const signer = createMemorySigner({ client: 'web', subject, keys: [{ privateKey, algorithm: 'ES256' }] });
  const seen: IssuerRequest[] = [];
  const report = (request: IssuerRequest) => void seen.push(request);
  const client = createTokenClient({ client: 'web', ...subject, signer, timeout: TIMEOUT, report });
  return { client, seen };
}

const REQUEST = { scopes: ['example:a/read'] };

/** A megabyte of JSON and more. */
const oversized = (given: string) => given.replace('{', `{"padding":"${'x'.repeat(1024 * 1024)}",`);

const ANY: readonly (readonly [what: string, fault: Fault, code: ErrorCode])[] = [
  ['is too slow', { slow: TOO_LONG }, 'issuer_unreachable'],
  ['is down', { status: 'none' }, 'issuer_unreachable'],
  ['answers 429', { status: 429 }, 'issuer_unreachable'],
  ['answers 503', { status: 503 }, 'issuer_unreachable'],
  ['breaks off halfway', { body: 'half' }, 'issuer_unreachable'],
  ['answers with over a megabyte', { body: oversized }, 'issuer_unreachable'],
];
const malformed = { body: () => '{"issuer": ' };
const ISSUER = [
  ...ANY.map((row) => ['/hid/.well-known/openid-configuration', ...row] as const),
  ['/hid/.well-known/openid-configuration', 'answers with broken JSON', malformed, 'metadata_invalid'],
  ...ANY.map((row) => ['/hid/connect/token', ...row] as const),
  ['/hid/connect/token', 'answers with broken JSON', malformed, 'token_invalid'],
] as const;

describe('the stand-in of HelseID with a fault', () => {
  // Metadata has the time that its client was made with.
  test.each(ISSUER.filter(([path, , fault]) => FULL || !('slow' in fault) || path.endsWith('token')))(
    '%s %s: a code, and a token once it is over',
    async (path, _, fault, code) => {
      // No challenge before: the fault meets the request for a token.
      web.server.behaviour.nonce = 'never';
      const { client, seen } = await makeClient();
      const { end, met } = web.server.faults.inject({ path }, fault);
      await client.metadata().catch(() => {});
      const hurried = 'slow' in fault ? { ...client, timeout: SOON } : client;
      const error = await failure(getAccessToken(hurried, REQUEST), code).finally(end);
      expect(String(error)).not.toMatch(/eyJ|padding/);
      expect(met()).toBeGreaterThan(0);
      const token = await getAccessToken(client, REQUEST);
      expect(token.binding.jkt).toBe(key.jwk.kid);
      // What the answer holds is judged after the request.
      const failed = [{ error }, {}].slice(code === 'token_invalid' ? 1 : 0);
      expect(seen).toMatchObject(code === 'token_invalid' ? [{}, ...failed] : failed);
    },
  );

  test('its metadata names an endpoint that is gone: a code, and a token for who reads the right one', async () => {
    const moved = (given: string) => given.replaceAll('/connect/token', '/connect/gone');
    const path = '/hid/.well-known/openid-configuration';
    web.server.faults.inject({ path }, { body: moved }, 1);
    await failure(getAccessToken((await makeClient()).client, REQUEST), 'token_refused');
    await getAccessToken((await makeClient()).client, REQUEST);
  });

  test('it publishes another key: what it signs by that is taken, for one more reading', async () => {
    const { client } = await makeClient();
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const next = { ...(await exportJWK(publicKey)), kid: 'next', alg: 'RS256', use: 'sig' };
    const sign = () => new SignJWT({}).setProtectedHeader({ alg: 'RS256', kid: 'next' }).sign(privateKey);
    const keys = createIssuerKeys(client.keys, { cooldown: 0 });
    const token = await sign();
    await expect(jwtVerify(token, keys)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
    const path = new URL((await client.metadata()).jwks_uri ?? '').pathname;
    const rotated = (given: string) => JSON.stringify({ keys: [...JSON.parse(given).keys, next] });
    const { end, met } = web.server.faults.inject({ path }, { body: rotated });
    try {
      await jwtVerify(token, keys);
      await jwtVerify(token, keys);
      expect(met()).toBe(1);
    } finally {
      end();
    }
  });

  test('its certificate is of no authority that is trusted: a code that says so, and nothing is sent to it', async () => {
    let asked = 0;
    const server = createServer(await localCertificate(newFolder()), (_, response) => {
      asked += 1;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const { client } = await makeClient({ issuer: `https://localhost:${port}/hid` });
      const error = await failure(getAccessToken(client, REQUEST), 'issuer_unreachable');
      expect(error.facts).toMatchObject({ network: 'certificate' });
      expect(asked).toBe(0);
    } finally {
      server.close();
    }
    await getAccessToken((await makeClient()).client, REQUEST);
  });

  test('its clock is 30 s off: the figure says so, and nothing else fails for it', async () => {
    for (const clock of [30, -30]) {
      const { client, seen } = await makeClient();
      const { end } = web.server.faults.inject({ path: '/hid/connect/token' }, { clock });
      await getAccessToken(client, REQUEST).finally(end);
      expect(Math.abs((seen[0]?.clockDifference ?? 0) - 30)).toBeLessThanOrEqual(TIMEOUT / 1000);
    }
  });
});

describe('the stand-in of an API with a fault', () => {
  test.each<[string, Fault, ErrorCode]>([
    ['is too slow', { slow: TOO_LONG }, 'api_unreachable'],
    ['is down', { status: 'none' }, 'api_unreachable'],
  ])('%s: a code, and an answer once it is over', async (_, fault, code) => {
    const { client } = await makeClient();
    const tokens = machineTokens(client, REQUEST);
    await tokens.get();
    const call = createApiFetch(client, tokens);
    const { end } = api.faults.inject({}, fault);
    const hurried = createApiFetch({ ...client, timeout: SOON }, tokens);
    await failure(hurried(`${api.url}/v1/summaries/1`), code).finally(end);
    expect((await call(`${api.url}/v1/summaries/1`)).status).toBe(200);
  });

  test('answers 401 to everything: one new token, and it ends', async () => {
    const { client, seen } = await makeClient();
    const call = createApiFetch(client, machineTokens(client, REQUEST));
    const { end, met } = api.faults.inject({}, { status: 401 });
    const { status } = await call(`${api.url}/v1/summaries/1`).finally(end);
    expect([status, met(), seen.length]).toEqual([401, 2, 2]);
  });

  test('gives half an answer: reading it fails, and the next call is whole', async () => {
    const { client } = await makeClient();
    const call = createApiFetch(client, machineTokens(client, REQUEST));
    const { end } = api.faults.inject({}, { body: 'half' });
    const half = await call(`${api.url}/v1/summaries/1`).finally(end);
    await expect(half.json()).rejects.toThrow('terminated');
    expect(await (await call(`${api.url}/v1/summaries/1`)).json()).toMatchObject({ path: '/v1/summaries/1' });
  });
});
