import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AnySystem, connectZone, createApiCall } from '@helseid-zones/client/connect-zone';
import { readArn } from '@helseid-zones/client/environment';
import { startTestZone } from '@helseid-zones/client/testing';
import type { ZoneConfig } from '@helseid-zones/protocol/config';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { defineSystem } from '../../infra/declaration/define.ts';
import { deriveGrants, deriveZoneConfig } from '../../infra/declaration/derive.ts';
import { coded } from '../coded.ts';
import system from '../one-client.zones.ts';
import { newFolder } from '../temporary.ts';
import { API, failure, makeWorld } from './make-client.ts';

const CONFIG = deriveZoneConfig(system, 'internal', 'worker');
const ENV = {
  AWS_REGION: 'eu-north-1',
  AWS_ACCESS_KEY_ID: 'id',
  AWS_SECRET_ACCESS_KEY: 'secret',
  SIGNERS: '{"journal":"arn:aws:lambda:eu-north-1:111122223333:function:journal-signer-journal-internal"}',
};

/** What a deploy gives a function: its files, and where they are. */
function deployed(change: object = {}, config: ZoneConfig = CONFIG) {
  const folder = newFolder();
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  return { ...ENV, LAMBDA_TASK_ROOT: folder, ...change };
}

const connect = (change?: object, config?: ZoneConfig) =>
  connectZone<AnySystem>({ env: deployed(change, config) });

test('a function knows its zone, and the clients that call for it', () => {
  const zone = connect({ TABLE: 'journal-internal-worker' });
  expect(zone).toMatchObject({ system: 'journal', name: 'internal', routes: [] });
  expect(zone.client('journal')).toMatchObject({
    name: 'journal',
    issuer: 'https://helseid-sts.test.nhn.no',
  });
  expect(zone.client('journal')).toBe(zone.client('journal'));
  expect(zone.variable('TABLE')).toBe('journal-internal-worker');
});

test('by itself it reads the process’s environment', () => {
  for (const [name, value] of Object.entries(deployed())) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(connectZone<AnySystem>().name).toBe('internal');
});

describe('what is missing is named', () => {
  test.each<[string, object, string, RegExp]>([
    ['an API the zone has no grant for', {}, 'summaries', /apis\.summaries.*zones\.ts/],
    ['no signers', { SIGNERS: '' }, 'documents', /SIGNERS/],
    ['another client’s signer only', { SIGNERS: '{"other":"arn"}' }, 'documents', /SIGNERS\.journal/],
    ['no signer at all', { SIGNERS: '{}' }, 'documents', /SIGNERS\.journal/],
    ['signers that are no JSON', { SIGNERS: 'journal' }, 'documents', /SIGNERS/],
    ['signers that are no object', { SIGNERS: 'null' }, 'documents', /SIGNERS/],
    ['no region', { AWS_REGION: undefined }, 'documents', /AWS_REGION/],
    [
      'no folder',
      { LAMBDA_TASK_ROOT: undefined },
      'documents',
      /LAMBDA_TASK_ROOT.*connectZone\(\{ config \}\)/,
    ],
    ['another folder', { LAMBDA_TASK_ROOT: '/nowhere' }, 'documents', /connectZone\(\{ config \}\)/],
  ])('%s', (_, change, name, message) => {
    const call = () => connect(change).api(name);
    expect(call).toThrow(coded('config_invalid'));
    expect(call).toThrow(message);
  });

  test('a client without a grant, a variable, and a zone that the code is not for', () => {
    expect(() => connect().client('vendor')).toThrow(/clients\.vendor.*grant.*zones\.ts/);
    expect(() => connect().variable('TABLE')).toThrow(/TABLE is missing.*startTestZone/);
    expect(() => connectZone<AnySystem, 'public'>({ zone: 'public', env: deployed() })).toThrow(
      /the zone public, deployed in internal/,
    );
  });
});

test('a client called like something every object inherits has no signer', () => {
  for (const client of ['constructor', '__proto__'])
    expect(() => readArn(ENV, 'SIGNERS', client)).toThrow(coded('config_invalid'));
});

/** Two clients that may both call `documents`, and one `summaries`, from the zone internal. */
const shared = defineSystem({
  ...system,
  clients: {
    ...system.clients,
    vendor: { ...system.clients.journal, clientId: 'v', tenancy: 'multi-tenant' },
  },
  zones: {
    ...system.zones,
    internal: {
      ...system.zones.internal,
      grants: [
        {
          client: 'journal',
          apis: [
            { api: 'documents', methods: ['POST'], paths: ['/*'] },
            { api: 'summaries', methods: ['GET'], paths: ['/*'] },
          ],
        },
        { client: 'vendor', apis: [{ api: 'documents', methods: ['GET'], paths: ['/*'] }] },
      ],
    },
  },
});

test('of several clients that may call an API one is named: types demand it, and so does the call', () => {
  const both = '{"journal":"arn:a","vendor":"arn:b"}';
  const env = deployed({ SIGNERS: both }, deriveZoneConfig(shared, 'internal', 'worker'));
  const zone = connectZone<typeof shared, 'internal'>({ env });
  zone.api('summaries');
  zone.api('documents', { client: 'vendor', organization: '974760673' });
  // @ts-expect-error: which client?
  expect(() => zone.api('documents')).toThrow(/Several clients.*one of: journal, vendor/);
  // @ts-expect-error: vendor has no grant for it
  expect(() => zone.api('summaries', { client: 'vendor' })).toThrow(/vendor has no grant.*one of: journal/);
  // @ts-expect-error: no such API
  expect(() => zone.api('summary')).toThrow(/apis\.summary is missing/);
  // @ts-expect-error: no such client
  expect(() => zone.client('portal')).toThrow(/clients\.portal/);
  // @ts-expect-error: no zone has such an API
  expect(() => connectZone<typeof shared>({ env }).api('nope')).toThrow(/apis\.nope is missing/);
  // @ts-expect-error: no such zone
  expect(() => connectZone<typeof shared>({ env, zone: 'nope' })).toThrow(/the zone nope/);
});

describe('an API', () => {
  const api = { baseUrl: `${API}/fhir`, scopes: ['documents/write'] };

  test('is called by paths and URLs below its base URL', async () => {
    const { client, api: fake } = await makeWorld();
    const call = createApiCall(client, api);
    for (const at of ['/Patient/1?x=2', `${API}/fhir/Patient/1`, new URL(`${API}/fhir`)])
      expect((await call(at)).status).toBe(200);
    expect(fake.requests.map(({ url }) => url)).toEqual([
      `${API}/fhir/Patient/1?x=2`,
      `${API}/fhir/Patient/1`,
      `${API}/fhir`,
    ]);
  });

  test.each([
    'Patient',
    '/../keys',
    '/%2e%2e/keys',
    `${API}/fhirs`,
    `${API}.evil.example/fhir/x`,
    'https://evil.example',
  ])('is not called by %s, and nothing is sent', async (at) => {
    const { client, network } = await makeWorld();
    await failure(createApiCall(client, api)(at), 'request_malformed');
    expect(network.sent).toEqual([]);
  });

  test.each([
    ['single-tenant', '974760673', '974760673'],
    ['multi-tenant', '974760673', 'NO:ORGNR:974760673:'],
    ['multi-tenant', { parent: '974760673', child: '999977774' }, 'NO:ORGNR:974760673:999977774'],
  ] as const)(
    'of a %s client, for %j: its token is asked for with %j',
    async (tenancy, organization, value) => {
      const clients = { journal: { ...system.clients.journal, tenancy } };
      const of = { ...system, clients };
      const zone = startTestZone({
        config: deriveZoneConfig(of, 'internal', 'worker'),
        grants: deriveGrants(of).map((grant) => ({ ...grant, assertions: { details: 'any' } })),
      });
      onTestFinished(zone.close);
      const path = '/DocumentReference';
      const call = connectZone<AnySystem>().api('documents', { organization });
      expect((await call(path, { method: 'POST' })).status).toBe(200);
      expect(zone.calls[0]?.claims).toMatchObject({
        assertion_details: { practitioner_role: { organization: { identifier: { value } } } },
      });
    },
  );
});

describe('a caller that is no Lambda function', () => {
  const { AWS_ACCESS_KEY_ID: _, AWS_SECRET_ACCESS_KEY: __, LAMBDA_TASK_ROOT, ...env } = deployed();
  const config = join(LAMBDA_TASK_ROOT, 'config.json');

  /** The Authorization header with which AWS is called. */
  async function callWith(credentials: () => Promise<{ accessKeyId: string; secretAccessKey: string }>) {
    const sent: Headers[] = [];
    vi.stubGlobal('fetch', async (_url: string, init: RequestInit) => {
      sent.push(new Headers(init.headers));
      return Response.json({});
    });
    onTestFinished(() => void vi.unstubAllGlobals());
    const { aws } = connectZone<AnySystem>({ env, config, credentials });
    await aws.call({ service: 'lambda', repeatable: false });
    return sent[0]?.get('authorization');
  }

  test('brings a credential provider, which is asked at each call', async () => {
    const provider = async () => ({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'example' });
    expect(await callWith(provider)).toContain('Credential=AKIDEXAMPLE/');
  });

  test('learns by a code that the provider has none', async () => {
    const error = await failure(
      callWith(() => Promise.reject(new Error('no profile'))),
      'aws_unavailable',
    );
    expect(error.message).toContain('credential provider');
    expect(error.cause).toMatchObject({ message: 'no profile' });
  });
});
