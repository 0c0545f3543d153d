import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { compileHandler } from '../../../infra/bundling.ts';
import { startHelseId } from '../../../local/helseid/helseid.ts';
import { startDynamo } from '../../fakes/dynamo.ts';
import { hash, makeCertificate, makeClientKey, makeProof, makeWire } from '../../local/helseid/wire.ts';

const [files, key, dynamo] = await Promise.all([makeCertificate(), makeClientKey(), startDynamo()]);
const GATEWAY_URL = 'https://abc.execute-api.eu-north-1.amazonaws.com/live';
for (const [name, value] of Object.entries({ ...dynamo.env, REPLAY_TABLE: 'replays', GATEWAY_URL }))
  vi.stubEnv(name, value);
await dynamo.createTable('replays');
const helseId = await startHelseId({
  certificate: files.certificate,
  path: '/hid',
  apis: [{ audience: 'example:a', scopes: ['example:a/read'] }],
  clients: [
    {
      clientId: 'c',
      scopes: ['example:a/read'],
      jwks: { keys: [key.jwk] },
      tenancy: 'single-tenant',
      parent: '999999999',
    },
  ],
});
const outfile = join(files.dir, 'index.mjs');
const { code } = compileHandler('authorizer');
writeFileSync(outfile, code);
const config = {
  version: 1,
  system: 'journal',
  zone: 'public',
  apis: {},
  routes: [],
  clients: {
    journal: { clientId: 'c', issuer: helseId.issuer, tenancy: 'single-tenant', profile: helseIdProfile },
  },
  authorizer: { client: 'journal', audience: 'example:a', scopes: ['example:a/read'] },
};
writeFileSync(join(files.dir, 'config.json'), JSON.stringify(config));
const { handler } = await import(/* @vite-ignore */ pathToFileURL(outfile).href);
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
  const url = `${GATEWAY_URL}/summaries/1`;
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
  expect(code.length).toBeLessThan(120_000);
});
