import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import type { APIGatewayAuthorizerResult } from 'aws-lambda';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { compileHandler } from '../../../infra/bundling.ts';
import type { HelseIdServer } from '../../../local/helseid/helseid.ts';
import { startHelseId } from '../../../local/helseid/helseid.ts';
import { type Dynamo, startDynamo } from '../../fakes/dynamo.ts';
import {
  type ClientKey,
  hash,
  makeCertificate,
  makeClientKey,
  makeProof,
  makeWire,
} from '../../local/helseid/wire.ts';

let dynamo: Dynamo;
let files: Awaited<ReturnType<typeof makeCertificate>>;
let key: ClientKey;
let helseId: HelseIdServer;
let handler: (event: unknown) => Promise<APIGatewayAuthorizerResult>;
let size: number;

beforeAll(async () => {
  [files, key] = await Promise.all([makeCertificate(), makeClientKey()]);
  dynamo = await startDynamo();
  const env = {
    ...dynamo.env,
    REPLAY_TABLE: 'replays',
    GATEWAY_URL: 'https://abc.execute-api.eu-north-1.amazonaws.com/live',
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  await dynamo.createTable('replays');
  helseId = await startHelseId({
    certificate: files.certificate,
    path: '/hid',
    apis: [{ audience: 'example:a', scopes: ['example:a/read'] }],
    clients: [
      {
        clientId: 'c',
        scopes: ['example:a/read'],
        tenancy: 'single-tenant',
        parent: '999999999',
        jwks: { keys: [key.jwk] },
      },
    ],
  });
  const outfile = join(files.dir, 'index.mjs');
  const code = compileHandler('authorizer');
  size = code.length;
  writeFileSync(outfile, code);
  const client = { clientId: 'c', issuer: helseId.issuer, tenancy: 'single-tenant', profile: helseIdProfile };
  const config = {
    version: 1,
    system: 'journal',
    zone: 'public',
    clients: { journal: client },
    apis: {},
    routes: [],
    authorizer: { client: 'journal', audience: 'example:a', scopes: ['example:a/read'] },
  };
  writeFileSync(join(files.dir, 'config.json'), JSON.stringify(config));
  ({ handler } = await import(/* @vite-ignore */ pathToFileURL(outfile).href));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  dynamo.close();
  await helseId.close();
});

test('the function as it is deployed lets a token of HelseID’s in once a proof', async () => {
  const wire = makeWire(helseId.issuer, 'c', key);
  const token = String(
    (await wire.token({ form: { grant_type: 'client_credentials' } })).body['access_token'],
  );
  const url = 'https://abc.execute-api.eu-north-1.amazonaws.com/live/summaries/1';
  const event = {
    methodArn: 'arn:aws:execute-api:eu-north-1:000000000000:abc/live/GET/summaries/1',
    httpMethod: 'GET',
    resource: '/summaries/{id}',
    multiValueHeaders: {
      Authorization: [`DPoP ${token}`],
      DPoP: [await makeProof('GET', url, key, { ath: hash(token) })],
    },
    requestContext: { requestId: 'r', domainName: 'other.example', path: '/live/summaries/1' },
  };
  const written: string[] = [];
  const write = vi
    .spyOn(process.stdout, 'write')
    .mockImplementation((text) => written.push(String(text)) > 0);
  onTestFinished(() => write.mockRestore());
  await expect(handler(event)).resolves.toMatchObject({
    principalId: 'c',
    context: { orgnrParent: '999999999', jkt: key.jwk.kid },
  });
  await expect(handler(event)).rejects.toThrow('Unauthorized');
  const common = { level: 'FATAL', service: 'journal', zone: 'public', request: 'r' };
  expect(written.map((line) => JSON.parse(line))).toMatchObject([
    { ...common, code: 'access.allowed', client: 'c', jkt: key.jwk.kid },
    { ...common, code: 'access.refused', check: 'replay', error: 'proof_invalid' },
    { service: 'journal', zone: 'public', Replays: 1 },
  ]);
});

test('and is small', () => {
  expect(size).toBeLessThan(120_000);
});
