import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { APIGatewayAuthorizerResult } from 'aws-lambda';
import dynalite from 'dynalite';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createAwsCaller, readAwsConfig } from '../../../client/aws.ts';
import { helseIdProfile } from '../../../client/profile.ts';
import { compileHandler } from '../../../infra/bundle.ts';
import { startHelseId } from '../../../local/stand-in/helseid.ts';
import type { HelseIdServer } from '../../../local/stand-in/types.ts';
import { type ClientKey, hash, makeCa, makeClientKey, makeProof, makeWire } from '../../stand-in/wire.ts';

const server = dynalite({ createTableMs: 0 });
let files: Awaited<ReturnType<typeof makeCa>>;
let key: ClientKey;
let helseId: HelseIdServer;
let handler: (event: unknown) => Promise<APIGatewayAuthorizerResult>;
let size: number;

beforeAll(async () => {
  [files, key] = await Promise.all([makeCa(), makeClientKey()]);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const env = {
    AWS_REGION: 'eu-north-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    REPLAY_TABLE: 'replays',
    GATEWAY_URL: 'https://abc.execute-api.eu-north-1.amazonaws.com/live',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const aws = createAwsCaller(readAwsConfig(env));
  await aws.json({
    service: 'dynamodb',
    target: 'DynamoDB_20120810.CreateTable',
    repeatable: false,
    input: {
      TableName: 'replays',
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
    },
  });
  helseId = await startHelseId({
    ca: files.ca,
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
    authorizer: { client: 'journal', audience: 'example:a', scopes: ['example:a/read'] },
  };
  writeFileSync(join(files.dir, 'config.json'), JSON.stringify(config));
  ({ handler } = await import(/* @vite-ignore */ outfile));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  server.close();
  await helseId.close();
  await files.remove();
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
    multiValueHeaders: {
      Authorization: [`DPoP ${token}`],
      DPoP: [await makeProof('GET', url, key, { ath: hash(token) })],
    },
    requestContext: { requestId: 'r', domainName: 'other.example', path: '/live/summaries/1' },
  };
  await expect(handler(event)).resolves.toMatchObject({
    principalId: 'c',
    context: { orgnrParent: '999999999', jkt: key.jwk.kid },
  });
  await expect(handler(event)).rejects.toThrow('Unauthorized');
});

test('and is small', () => {
  expect(size).toBeLessThan(120_000);
});
