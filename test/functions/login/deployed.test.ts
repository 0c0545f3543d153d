import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { createMemorySigner } from '@helseid-zones/client/create-signer';
import type { ZoneConfig } from '@helseid-zones/protocol/config';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import type { LoginFunction } from '@helseid-zones/protocol/login-routes';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import type { APIGatewayProxyResult } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { GatewayHandler } from '../../../functions/login-common/serve.ts';
import { deriveSettings } from '../../../functions/login-common/settings.ts';
import { compileHandler, compileHandlers } from '../../../infra/bundling.ts';
import { startHealthApi } from '../../../local/helseid/health-api.ts';
import { startHelseId } from '../../../local/helseid/helseid.ts';
import { TEST_USERS } from '../../../local/helseid/users.ts';
import { startDynamo } from '../../fakes/dynamo.ts';
import { browse, makeCertificate, openIssuerBrowser } from '../../local/helseid/wire.ts';
import { collect } from './collect.ts';
import { type Browser, type Login, makeConfig, openBrowser } from './make-login.ts';

// The five functions as they are deployed (bundle, environment, config.json), against DynamoDB, a signer behind Lambda's
// protocol, the stand-in of HelseID on oidc-provider, and a health API that validates everything.
const FUNCTIONS: readonly LoginFunction[] = ['login', 'callback', 'session', 'logout', 'api'];
const GATEWAY = 'http://localhost:3999';
const AUDIENCES = ['example:a', 'example:b'] as const;
const [line] = TEST_USERS;

let helseId: Awaited<ReturnType<typeof startHelseId>>;
let login: Login;
const closing: (() => unknown)[] = [];
/** The browser as the stand-in knows it. */
let issuerBrowser = openIssuerBrowser();

beforeAll(async () => {
  compileHandlers(FUNCTIONS);
  const files = await makeCertificate();
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = { privateKey, algorithm: 'ES256' } as const;
  const { jwk, thumbprint } = describePublicKey(privateKey, 'ES256');
  helseId = await startHelseId({
    certificate: files.certificate,
    path: '/hid',
    apis: AUDIENCES.map((audience) => ({ audience, scopes: [`${audience}/read`] })),
    clients: [
      {
        clientId: 'web',
        scopes: [...scopes(), 'profile'],
        tenancy: 'single-tenant',
        parent: '999999999',
        jwks: { keys: [{ ...jwk, kid: thumbprint, alg: 'ES256', use: 'sig' }] },
        redirectUris: [`${GATEWAY}/callback`],
        postLogoutRedirectUris: [`${GATEWAY}/logout/callback`],
      },
    ],
  });
  const { issuer, keys } = helseId;
  const apis = await Promise.all(
    AUDIENCES.map((audience) =>
      startHealthApi({
        certificate: files.certificate,
        issuer,
        keys,
        audience,
        scopes: [`${audience}/read`],
        path: '/base',
      }),
    ),
  );
  const subject = { clientId: 'web', issuer, tenancy: 'single-tenant', profile: helseIdProfile } as const;
  const signer = createMemorySigner({ client: 'journal', subject, keys: [key] });
  const lambda = createServer(async (request, response) => {
    const { intents } = JSON.parse(await text(request));
    const answer = await signer.sign(intents).then(
      (signatures) => ({ signatures }),
      ({ code, message }) => ({ error: { code, message } }),
    );
    response.end(JSON.stringify(answer));
  });
  await once(lambda.listen(0, '127.0.0.1'), 'listening');
  const dynamo = await startDynamo();
  await dynamo.createTable('sessions');
  const env = {
    ...dynamo.env,
    AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${(lambda.address() as AddressInfo).port}`,
    SESSION_TABLE: 'sessions',
    SIGNERS: JSON.stringify({ journal: 'arn:aws:lambda:eu-north-1:000000000000:function:journal-signer' }),
    GATEWAY_URL: GATEWAY,
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  // The functions' own log.
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const config = describeZone(
    issuer,
    apis.map(({ url }) => url),
  );
  const handlers: Record<string, GatewayHandler> = {};
  for (const name of FUNCTIONS) {
    const folder = join(files.dir, name);
    await mkdir(folder);
    await writeFile(join(folder, 'index.mjs'), compileHandler(name).code);
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    const { handler } = await import(/* @vite-ignore */ pathToFileURL(join(folder, 'index.mjs')).href);
    handlers[name] = name === 'api' ? collect(handler) : handler;
  }
  login = { handlers, deps: { settings: deriveSettings(config, GATEWAY) } } as unknown as Login;
  closing.push(
    () => vi.unstubAllEnvs(),
    () => vi.restoreAllMocks(),
    () => Promise.all([lambda, dynamo, helseId, ...apis].map((server) => server.close())),
  );
}, 60_000);
afterAll(async () => {
  for (const close of closing) await close();
});

function scopes(): string[] {
  const identity = ['security_level', 'pid'].map((name) => `helseid://scopes/identity/${name}`);
  return ['openid', 'offline_access', ...identity, ...AUDIENCES.map((audience) => `${audience}/read`)];
}

function describeZone(issuer: string, urls: readonly string[]): ZoneConfig {
  const apis = AUDIENCES.map((audience, i) => {
    const scopes = [`${audience}/read`];
    return [
      audience.slice(-1),
      { baseUrl: urls[i] ?? '', audience, resource: audience, scopes, clients: ['journal'] },
    ] as const;
  });
  return {
    ...makeConfig({
      scopes: scopes(),
      securityLevel: '4',
      forward: apis.map(([api]) => ({ method: 'GET', path: `/${api}/{id}`, api, to: '/v1/summaries/{id}' })),
    }),
    clients: { journal: { clientId: 'web', issuer, tenancy: 'single-tenant', profile: helseIdProfile } },
    apis: Object.fromEntries(apis),
  };
}

/** The whole way of a person: our `/login`, the issuer's pages, and back. */
async function logIn(browser: Browser, user: string, path = '/login'): Promise<APIGatewayProxyResult> {
  const begun = await browser.send(path);
  if (begun.statusCode !== 303) return begun;
  const back = await browse(String(begun.headers?.['location']), user, issuerBrowser);
  expect(back.origin + back.pathname).toBe(`${GATEWAY}/callback`);
  return browser.comeBack(back.searchParams);
}

describe('the functions as they are deployed', () => {
  it('log a person in, call two APIs with narrow tokens, switch organisation and log out', async () => {
    issuerBrowser = openIssuerBrowser();
    const browser = openBrowser(login);
    const finished = await logIn(browser, line?.sub ?? '', '/login?return=/journal');
    expect([finished.statusCode, finished.headers?.['location']]).toEqual([303, `${GATEWAY}/journal`]);
    expect(await browser.ask('/session')).toMatchObject({ status: 200, body: { security_level: '4' } });
    // Each API refuses a token that has another audience beside its own.
    for (const api of ['a', 'b', 'a'])
      expect(await browser.ask(`/api/${api}/42`)).toMatchObject({
        status: 200,
        body: { path: '/v1/summaries/42' },
      });
    const headers = { 'content-type': 'application/json' };
    const body = '{"organization":{"child":"994598759"}}';
    expect(await browser.ask('/session', { method: 'POST', headers, body })).toMatchObject({ status: 200 });
    expect(await browser.ask('/api/b/42')).toMatchObject({ status: 200 });
    const logout = await browser.logOut();
    const away = await browse(String(logout.headers?.['location']), '', issuerBrowser);
    expect(away.href).toMatch(/^http:\/\/localhost:3999\/logout\/callback\?state=[\w-]{43}$/);
    const page = await browser.send(away.pathname + away.search, { crossSite: true });
    expect([page.statusCode, browser.cookies.size]).toEqual([200, 0]);
    expect(await browser.ask('/session')).toMatchObject({ status: 401 });
  });

  it('refresh over expiry, once for many requests at once', async () => {
    issuerBrowser = openIssuerBrowser();
    const browser = openBrowser(login);
    helseId.behaviour.accessTokenLifetime = 4;
    await logIn(browser, line?.sub ?? '');
    helseId.behaviour.accessTokenLifetime = 60;
    const paths = ['/session', '/api/a/1', '/api/b/1', '/api/a/2', '/api/b/2', '/session'];
    const answers = await Promise.all(paths.map((path) => browser.ask(path)));
    // oidc-provider ends the whole grant when a rotated refresh token comes again: all six would fail from then on.
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    expect(await browser.ask('/api/b/3')).toMatchObject({ status: 200 });
  });

  it('have the person asked anew for max_age=0, and take who comes back', async () => {
    issuerBrowser = openIssuerBrowser();
    const browser = openBrowser(login);
    await logIn(browser, line?.sub ?? '');
    const known = await logIn(browser, 'whoever: the issuer knows its browser');
    expect(known.statusCode).toBe(303);
    const cancelled = await logIn(browser, '', '/login?max_age=0');
    expect([cancelled.statusCode, cancelled.body.includes('You were not logged in')]).toEqual([403, true]);
    const asked = await logIn(browser, line?.sub ?? '', '/login?max_age=0&return=/journal');
    expect([asked.statusCode, asked.headers?.['location']]).toEqual([303, `${GATEWAY}/journal`]);
  });

  it.each(FUNCTIONS)('are small, and can sign nothing: %s', (name) => {
    const { code } = compileHandler(name);
    expect(code.length).toBeLessThan(200_000);
    expect(Buffer.from(code).toString()).not.toMatch(/TrentService|SignCommand|client-kms/);
  });
});
