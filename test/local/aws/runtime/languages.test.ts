import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { readAssembly } from '../../../../infra/proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../../../../infra/proof/assembly/resolve.ts';
import { buildWorld } from '../../../../infra/proof/policy/world/build.ts';
import { callLambda } from '../../../../local/aws/aws-client.ts';
import { type LocalAws, startLocalAws } from '../../../../local/aws/local-aws.ts';
import { isMissing, programOf } from '../../../../local/aws/runtime/languages.ts';
import { createTrail } from '../../../../local/aws/trail.ts';
import { synthesizedFolder } from '../../../infra/synthesize.ts';
import system from '../../../own-things.zones.ts';
import { newFolder } from '../../../temporary.ts';

const PLACE = { account: '000000000000', region: 'eu-north-1' };
const PATH = process.env['PATH'];
const hasPython = !isMissing(
  programOf({ runtime: 'python3.13', handler: '', codeDirectory: '' }, { path: PATH, caFile: undefined }),
);
const LABELS = 'journal-internal-labels';

function start(path: string | undefined, calledUrls: readonly string[] = []) {
  const assembly = resolveAssembly(readAssembly(synthesizedFolder(system, PLACE)), PLACE);
  return startLocalAws({
    assembly,
    world: buildWorld(assembly),
    stateDirectory: newFolder(),
    path,
    calledUrls: () => calledUrls,
    gatewayPort: () => 0,
    trail: createTrail(Date.now),
  });
}

const invoke = (aws: LocalAws, event: object) =>
  callLambda({ url: aws.publicUrl, region: PLACE.region, credentials: aws.operator }, LABELS, event);

describe.runIf(hasPython)('a function in Python', () => {
  let aws: LocalAws;
  let port = 0;
  const server = createServer((_, response) => response.end('hei')).listen(0, '127.0.0.1');

  beforeAll(async () => {
    ({ port } = server.address() as AddressInfo);
    aws = await start(PATH, [`http://localhost:${port}`]);
  }, 60_000);
  afterAll(async () => {
    await aws.close();
    server.close();
  });

  test('gets event, context, variables and credentials of its own, one invocation after the other', async () => {
    expect(aws.notRun).toEqual([]);
    for (const id of [1, 2]) {
      const { status, body } = await invoke(aws, { id });
      expect([status, body]).toEqual([200, { event: { id }, greeting: 'hei', left: expect.any(Number) }]);
    }
  }, 60_000);

  test('answers what its handler raises as Lambda does, and is there for the next', async () => {
    const { body } = await invoke(aws, { fail: 'no paper' });
    expect(body).toMatchObject({ errorType: 'ValueError', errorMessage: 'no paper' });
    expect((await invoke(aws, { exit: 3 })).body).toMatchObject({
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringContaining('exit status 3'),
    });
    expect((await invoke(aws, {})).body).toMatchObject({ greeting: 'hei' });
  }, 60_000);

  test('reaches what its zone may reach, and nothing else', async () => {
    expect((await invoke(aws, { get: `http://localhost:${port}` })).body).toBe('hei');
    const refused = [
      ['localhost', port + 1],
      ['127.0.0.1', port + 1],
      ['sts.example.no', 443],
      ['localhost', 22],
    ];
    for (const connect of refused)
      expect((await invoke(aws, { connect })).body).toMatchObject({
        errorMessage: expect.stringContaining('is not reached from this network'),
      });
  }, 60_000);
});

test('a function whose language is not installed is not run, and its invocations say so', async () => {
  const aws = await start(newFolder());
  onTestFinished(aws.close);
  expect(aws.notRun).toEqual([`${LABELS}: python3 is missing`]);
  const { body } = await invoke(aws, {});
  expect(body).toMatchObject({
    errorType: 'Runtime.NotRunLocally',
    errorMessage: expect.stringContaining('not run locally: python3 is missing'),
  });
}, 60_000);

test('Java runs by the client in its lib/, provided by its bootstrap, and .NET not at all', () => {
  const codeDirectory = newFolder();
  const path = newFolder();
  writeFileSync(join(path, 'java'), '');
  const of = (runtime: string) =>
    programOf({ runtime, handler: 'a.B::c', codeDirectory }, { path, caFile: undefined });
  expect(of('java21')).toEqual({
    missing: 'aws-lambda-java-runtime-interface-client is missing in lib/ of its code',
  });
  mkdirSync(join(codeDirectory, 'lib'));
  writeFileSync(join(codeDirectory, 'lib', 'aws-lambda-java-runtime-interface-client-2.10.1.jar'), '');
  expect(of('java21')).toEqual({
    command: join(path, 'java'),
    args: expect.arrayContaining(['com.amazonaws.services.lambda.runtime.api.client.AWSLambda', 'a.B::c']),
  });
  expect(of('provided.al2023')).toEqual({ command: join(codeDirectory, 'bootstrap'), args: [] });
  expect(of('dotnet10')).toEqual({ missing: 'what runs dotnet10 is missing' });
});
