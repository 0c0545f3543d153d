import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { APIGatewayProxyResult } from 'aws-lambda';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { compileHandler } from '../../../infra/bundling.ts';
import { deriveZoneConfig } from '../../../infra/declaration/derive.ts';
import { newFolder } from '../../temporary.ts';
import system from '../../two-clients.zones.ts';

/** Nobody listens here. */
const NOWHERE = 'https://127.0.0.1:9';
const folder = newFolder();
const written: string[] = [];
let handler: (event: unknown) => Promise<APIGatewayProxyResult>;

beforeAll(async () => {
  const config = deriveZoneConfig(system, 'public', 'summary');
  const env = {
    LAMBDA_TASK_ROOT: folder,
    AWS_REGION: 'eu-north-1',
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'example',
    SIGNERS: JSON.stringify(Object.fromEntries(Object.keys(config.clients).map((name) => [name, 'arn']))),
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  const clients = Object.entries(config.clients).map(([name, of]) => [name, { ...of, issuer: NOWHERE }]);
  const told = { ...config, clients: Object.fromEntries(clients) };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(told));
  writeFileSync(join(folder, 'index.mjs'), compileHandler('summary').code);
  ({ handler } = await import(/* @vite-ignore */ join(folder, 'index.mjs')));
});
afterAll(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const EVENT = { httpMethod: 'GET', resource: '/summaries/{id}', pathParameters: { id: 'abc' } };

test('the function as it is deployed gives nothing to an event without an identity of IAM', async () => {
  const answer = await handler({ ...EVENT, requestContext: { requestId: 'r' } });
  expect(answer.statusCode).toBe(500);
  expect(JSON.parse(written.at(-1) ?? '')).toMatchObject({
    level: 'FATAL',
    service: 'journal',
    zone: 'public',
    code: 'route.refused',
    requestId: 'r',
    message: expect.stringContaining('authorize: iam'),
  });
});

test('and works on one that has it, as far as the issuer that is not there', async () => {
  const identity = { userArn: 'arn:aws:iam::000000000000:user/caller' };
  const answer = await handler({ ...EVENT, requestContext: { requestId: 'r', identity } });
  expect(answer.statusCode).toBe(503);
  expect(JSON.parse(written.at(-1) ?? '')).toMatchObject({
    code: 'route.failed',
    reason: 'issuer_unreachable',
    requestId: 'r',
    message: expect.stringMatching(/\w+ \w+/),
  });
});
