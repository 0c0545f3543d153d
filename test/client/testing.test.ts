import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AnySystem, connectZone, type Zone } from '@helseid-zones/client/connect-zone';
import { startTestZone } from '@helseid-zones/client/testing';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { defineSystem } from '../../infra/declaration/define.ts';
import { deriveGrants, deriveZoneConfig } from '../../infra/declaration/derive.ts';
import { coded } from '../coded.ts';
import one from '../one-client.zones.ts';
import { failure } from './make-client.ts';

const ORGANIZATION = '974760673';
const declare = (tokens: 'own' | 'function') =>
  defineSystem({
    ...one,
    zones: {
      ...one.zones,
      internal: {
        ...one.zones.internal,
        tokens,
        grants: [
          {
            client: 'journal',
            details: [{ type: 'helseid_authorization', child: ORGANIZATION }],
            apis: [{ api: 'documents', methods: ['GET', 'POST'], paths: ['/v1/*'] }],
          },
        ],
      },
    },
  });
const system = declare('own');

let test_: ReturnType<typeof startTestZone>;
let zone: Zone;
beforeEach(() => {
  const before = { env: { ...process.env }, fetch: globalThis.fetch };
  test_ = startTestZone({
    config: deriveZoneConfig(system, 'internal', 'worker'),
    grants: deriveGrants(system),
    variables: { TABLE: 'a-table' },
  });
  zone = connectZone<AnySystem>();
  onTestFinished(() => {
    test_.close();
    expect({ env: { ...process.env }, fetch: globalThis.fetch }).toEqual(before);
  });
});

// A function that calls APIs is the same on both ways.
describe.each(['own', 'function'] as const)('with tokens: %s', (tokens) => {
  beforeEach(() => {
    test_.close();
    const declared = declare(tokens);
    test_ = startTestZone({
      config: deriveZoneConfig(declared, 'internal', 'worker'),
      grants: deriveGrants(declared),
      variables: { TABLE: 'a-table' },
    });
    zone = connectZone<AnySystem>();
    expect(Object.keys(process.env).filter((name) => /^(SIGNERS|TOKENS_FUNCTION)$/.test(name))).toEqual([
      tokens === 'own' ? 'SIGNERS' : 'TOKENS_FUNCTION',
    ]);
  });

  test('a handler runs as it does where it is deployed, and the API has verified its call', async () => {
    test_.answer('documents', async (request, path) => Response.json({ path, body: await request.text() }));
    const documents = zone.api('documents', { organization: ORGANIZATION });
    const response = await documents('/v1/x?y=1', { method: 'POST', body: 'text' });
    expect(await response.json()).toEqual({ path: '/v1/x?y=1', body: 'text' });
    expect(zone.variable('TABLE')).toBe('a-table');
    expect(test_.calls).toMatchObject([
      {
        api: 'documents',
        method: 'POST',
        url: 'https://documents.example.no/fhir/v1/x?y=1',
        body: 'text',
        claims: { client_id: one.clients.journal.clientId, scope: one.apis.documents.scopes.join(' ') },
      },
    ]);
    expect(JSON.stringify(test_.calls[0]?.claims)).toContain(ORGANIZATION);
    expect(test_.refused).toEqual([]);
  });

  test('what calls take is counted', async () => {
    const own = tokens === 'own';
    const documents = zone.api('documents', { organization: ORGANIZATION });
    expect(zone.spent).toEqual({ signatures: 0, invocations: 0, roundTrips: 0 });
    await documents('/v1/x');
    // With metadata and a token where the function has those itself.
    const first = own ? [3, 2, 3] : [0, 1, 1];
    expect(Object.values(zone.spent)).toEqual(first);
    await documents('/v1/x');
    expect(Object.values(zone.spent)).toEqual(first.map((before, at) => before + (own || at > 0 ? 1 : 0)));
  });

  describe('what the zone may not have fails as it does where it is deployed', () => {
    test.each([
      ['a path', '/v2/x', 'GET', ORGANIZATION],
      ['a method', '/v1/x', 'PUT', ORGANIZATION],
      ['an organisation', '/v1/x', 'GET', '999977774'],
    ])('%s without a grant', async (_name, path, method, organization) => {
      await failure(zone.api('documents', { organization })(path, { method }), 'grant_refused');
      expect(test_.calls).toEqual([]);
    });

    test('a host that is not declared', async () => {
      await expect(fetch('https://elsewhere.example')).rejects.toThrow(/nothing at https:\/\/elsewhere/);
    });
  });

  test('a refused token is replaced once, and then the API’s answer stands', async () => {
    test_.answer('documents', () => new Response('no', { status: 401 }));
    const documents = zone.api('documents', { organization: ORGANIZATION });
    const response = await documents('/v1/x');
    expect([response.status, await response.text()]).toEqual([401, 'no']);
    expect(new Set(test_.calls.map(({ claims }) => claims['jti'])).size).toBe(2);
    expect(test_.calls).toHaveLength(2);
  });
});

test.each([
  ['no figures unless asked for', {}, 0],
  ['figures where they are asked for', { POWERTOOLS_METRICS_DISABLED: 'false' }, 1],
])('what is written are lines, and %s', async (_, variables, figures) => {
  test_.close();
  const [config, grants] = [deriveZoneConfig(system, 'internal', 'worker'), deriveGrants(system)];
  test_ = startTestZone({ config, grants, variables });
  const written: string[] = [];
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  const of = connectZone<AnySystem>();
  await of
    .api('documents')('/v1/x')
    .finally(() => of.log.write('info', 'said', {}));
  spy.mockRestore();
  const lines = written.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  expect(lines.filter(({ _aws }) => _aws)).toHaveLength(figures);
  expect(lines.filter(({ code }) => code === 'said')).toHaveLength(1);
});

test('with a tokens function nothing else of the zone has a client to sign with', () => {
  test_.close();
  const declared = declare('function');
  const config = deriveZoneConfig(declared, 'internal', 'worker');
  test_ = startTestZone({ config, grants: deriveGrants(declared) });
  expect(() => connectZone<AnySystem>().client('journal')).toThrow(/tokens: 'own'/);
});

/** What the API says to a call that somebody else makes up of a good one. */
async function replay(change: (request: Request) => Request) {
  const good: Request[] = [];
  test_.answer('documents', (request) => {
    good.push(request.clone());
    return Response.json({});
  });
  await zone.api('documents')('/v1/x');
  const [request] = good;
  if (!request) throw new Error('nothing was sent');
  const { status } = await fetch(change(request));
  return { status, refused: test_.refused };
}

test('an answer of an API that the zone does not call is refused, and not kept for nobody', () => {
  expect(() => test_.answer('document', () => Response.json({}))).toThrow(
    coded('config_invalid', /no API document: its are documents/),
  );
});

describe('the API refuses', () => {
  const withHeaders = (request: Request, headers: Record<string, string>) =>
    new Request(request, { headers: { ...Object.fromEntries(request.headers), ...headers } });

  test.each<[string, (request: Request) => Request, RegExp]>([
    ['a proof that was used', (request) => request, /used before/],
    ['another URL', (request) => new Request(request.url.replace('/v1/x', '/v1/y'), request), /htu/],
    ['another method', (request) => new Request(request, { method: 'DELETE' }), /htm/],
    ['a bearer', (request) => withHeaders(request, { authorization: 'Bearer x' }), /as DPoP/],
    ['a token of nobody', (request) => withHeaders(request, { authorization: 'DPoP x.y.z' }), /not valid/],
    ['no proof', (request) => withHeaders(request, { dpop: '' }), /./],
  ])('%s', async (_name, change, why) => {
    const { status, refused } = await replay(change);
    expect(status).toBe(401);
    expect(refused.join()).toMatch(why);
  });
});

test('the issuer refuses an assertion that it has seen, and one of nobody', async () => {
  const sent: Request[] = [];
  const inner = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const request = new Request(input, init);
    if (request.url.endsWith('/token')) sent.push(request.clone());
    return inner(request);
  };
  await zone.api('documents')('/v1/x');
  globalThis.fetch = inner;
  const [asked] = sent;
  if (!asked) throw new Error('no token was asked for');
  expect((await fetch(asked.clone())).status).toBe(401);
  expect((await fetch(new Request(asked.url, { method: 'POST', body: 'client_id=x' }))).status).toBe(401);
  expect(test_.refused.join()).toMatch(/used before.*no such client/);
});

test.each([
  ['nothing', [], 'config is not right: give it deriveZoneConfig('],
  ['no config', [{ grants: [] }], 'config is not right: give it deriveZoneConfig('],
  ['the declaration', [system], 'config is not right: give it deriveZoneConfig('],
  [
    'no grants',
    [{ config: deriveZoneConfig(system, 'internal', 'worker') }],
    'grants is not right: give it deriveGrants(',
  ],
])('a caller without types who gives %s is told what to give', (_, args, right) => {
  test_.close();
  const { env, fetch } = { env: { ...process.env }, fetch: globalThis.fetch };
  const start = () => Reflect.apply(startTestZone, undefined, args);
  expect(start).toThrow(coded('config_invalid', right));
  expect({ env: { ...process.env }, fetch: globalThis.fetch }).toEqual({ env, fetch });
});

test('the README’s handler, as it stands there', async () => {
  const root = join(import.meta.dirname, '../..');
  const [, code = ''] =
    /^```ts\n(\/\/ functions\/reminder.*?)^```/ms.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
  const folder = join(root, '.build/readme');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'handler.ts'), code);
  test_.close();
  const { documents } = one.apis;
  const config = deriveZoneConfig(system, 'internal', 'worker');
  const grants = deriveGrants(system);
  test_ = startTestZone({
    config: { ...config, apis: { prescriptions: { ...documents, clients: ['journal'] } } },
    grants,
  });
  test_.answer('prescriptions', (_, path) => Response.json({ path }));
  const { handler } = await import(/* @vite-ignore */ join(folder, 'handler.ts'));
  expect(await handler()).toEqual({ path: '/v1/prescriptions/17' });
  expect(JSON.stringify(test_.calls[0]?.claims['assertion_details'])).toContain(ORGANIZATION);
});
