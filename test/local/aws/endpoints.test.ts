import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { callJson, callLambda } from '../../../local/aws/aws-client.ts';
import { startEndpoints } from '../../../local/aws/endpoints.ts';
import { notImplemented } from '../../../local/aws/errors.ts';
import { listen } from '../../../local/aws/http.ts';
import { jsonEmulator, operation, text } from '../../../local/aws/operation.ts';
import { ACCOUNT, contextOf, REGION, ROLE, rulesOf, startAws } from './harness.ts';

const emulator = (name: string) =>
  jsonEmulator({
    name,
    target: `${name}Target`,
    version: '1.1',
    operations: {
      Echo: operation(
        { a: text() },
        () => [{ action: `${name}:Echo`, resource: 'arn:x' }],
        (input) => input,
      ),
      Break: operation(
        {},
        () => [],
        () => {
          throw new TypeError('a secret detail');
        },
      ),
      Later: operation(
        {},
        () => [],
        () => {
          throw notImplemented('later');
        },
      ),
    },
  });
const emulators = () => [emulator('kms'), emulator('secretsmanager')];
const start = (options: Parameters<typeof startAws>[1] = {}) => startAws(emulators, options);

describe('a listener of the local AWS', () => {
  it('answers, and puts who did what on the trail', async () => {
    const { access, context } = await start();
    const { body, headers } = await callJson(access, 'kms', 'kmsTarget.Echo', { a: '1', b: null });
    expect(body).toEqual({ a: '1' });
    const requestId = headers.get('x-amzn-requestid');
    expect(context.trail.lines()[0]).toMatchObject({
      kind: 'aws',
      fields: {
        service: 'kms',
        operation: 'Echo',
        action: 'kms:Echo',
        resource: 'arn:x',
        requestId,
        principal: expect.stringContaining('tester'),
      },
    });
  });

  it.each([
    ['an operation that is not there', 'kmsTarget.Nothing', 'UnknownOperationException', 400],
    ['a name that every object has', 'kmsTarget.constructor', 'UnknownOperationException', 400],
    ['a service that is not there', 'otherTarget.Echo', 'UnknownOperationException', 404],
    ['what is not implemented', 'kmsTarget.Later', 'NotImplementedException', 501],
    ['a member that is missing', 'kmsTarget.Echo', 'ValidationException', 400],
  ])("answers for %s with AWS's error shape", async (_, target, code, status) => {
    const { access } = await start();
    await expect(callJson(access, 'kms', target, {})).resolves.toMatchObject({ status, error: { code } });
  });

  it('tells nothing of a fault of its own, but to the trail', async () => {
    const { access, context } = await start();
    const { status, error } = await callJson(access, 'kms', 'kmsTarget.Break', {});
    expect([status, error?.code]).toEqual([500, 'InternalFailure']);
    expect(error?.message).not.toContain('secret');
    expect(context.trail.lines()[0]?.fields['fault']).toContain('a secret detail');
  });

  it('puts a denial on the trail with what was asked for', async () => {
    const { access, context } = await start({ authorize: rulesOf(() => true).authorize });
    await callJson(access, 'kms', 'kmsTarget.Echo', { a: '1' });
    const { fields } = context.trail.lines()[0] ?? {};
    expect(fields).toMatchObject({ error: 'AccessDeniedException', action: 'kms:Echo' });
  });

  it('refuses a body that is no JSON object, and one without end', async () => {
    const { access } = await start();
    const raw = (body: string | Buffer) =>
      fetch(access.url, { method: 'POST', body, headers: { 'x-amz-target': 'kmsTarget.Echo' } });
    expect((await raw(Buffer.alloc(10 * 1024 * 1024 + 1))).status).toBe(413);
    const text = await (await raw('[')).text();
    // Who has not signed learns nothing of the body.
    expect(JSON.parse(text)).toMatchObject({ __type: 'MissingAuthenticationTokenException' });
  });
});

describe('the ways to the local AWS', () => {
  async function ways() {
    const { authorize, asked } = rulesOf();
    const context = contextOf({ authorize });
    const network = {
      endpoints: ['kms', 'secretsmanager'].map((service, at) => ({
        id: `vpce-${at + 1}`,
        vpc: 'vpc-1',
        zone: 'signing',
        service,
        account: ACCOUNT,
      })),
      vpcOf: ([subnet]: readonly string[]) => ({ a: 'vpc-1', b: 'vpc-2' })[subnet ?? ''],
      hasEgress: (vpc: string) => vpc === 'vpc-2',
    };
    const endpoints = await startEndpoints({ ...context, services: emulators() }, network);
    onTestFinished(endpoints.close);
    const credentials = context.credentials.issue(ROLE, 'test');
    const call = (url: string, target: string) =>
      callJson({ url, region: REGION, credentials }, target.slice(0, -11), target, { a: '1' });
    return { endpoints, asked, call };
  }

  it("decide aws:SourceVpce: the endpoint's own listener has it, the public one has not", async () => {
    const { endpoints, asked, call } = await ways();
    await call(endpoints.all[0]?.url ?? '', 'kmsTarget.Echo');
    await call(endpoints.publicUrl, 'kmsTarget.Echo');
    expect(asked[0]?.context).toMatchObject({ 'aws:SourceVpce': 'vpce-1', 'aws:SourceVpc': 'vpc-1' });
    for (const key of ['aws:SourceVpce', 'aws:SourceVpc', 'aws:VpceAccount'])
      expect(asked[1]?.context).not.toHaveProperty(key);
  });

  it('decide aws:VpceAccount, for services that have it', async () => {
    const { endpoints, asked, call } = await ways();
    await call(endpoints.all[0]?.url ?? '', 'kmsTarget.Echo');
    await call(endpoints.all[1]?.url ?? '', 'secretsmanagerTarget.Echo');
    expect(asked[0]?.context).toMatchObject({ 'aws:VpceAccount': ACCOUNT });
    expect(asked[1]?.context).toMatchObject({ 'aws:SourceVpce': 'vpce-2' });
    expect(asked[1]?.context).not.toHaveProperty('aws:VpceAccount');
  });

  it("serve an endpoint's service and no other", async () => {
    const { endpoints } = await ways();
    const access = {
      url: endpoints.all[0]?.url ?? '',
      region: REGION,
      credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
    };
    await expect(callJson(access, 'secretsmanager', 'secretsmanagerTarget.Echo', {})).resolves.toMatchObject({
      status: 404,
    });
    await expect(callLambda(access, 'f', {})).resolves.toMatchObject({ status: 404 });
  });

  it("are what a function's network has", async () => {
    const { endpoints } = await ways();
    const url = endpoints.all[0]?.url;
    expect(endpoints.reachableFrom(['a'])).toEqual({
      endpoints: new Map([
        ['kms', url],
        ['secretsmanager', endpoints.all[1]?.url],
      ]),
      publicUrl: undefined,
    });
    expect(endpoints.reachableFrom(['b'])).toEqual({ endpoints: new Map(), publicUrl: endpoints.publicUrl });
    expect(endpoints.reachableFrom([])).toEqual({ endpoints: new Map(), publicUrl: endpoints.publicUrl });
  });
});

it('is reached by the loopback’s one address, and by no other of this machine', async () => {
  const { port, close } = await listen(() => {});
  onTestFinished(close);
  const reach = async (host: string) => {
    const socket = connect(port, host);
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
  };
  await reach('127.0.0.1');
  // Of what begins with 127 all is this machine's.
  await expect(reach('127.0.0.2')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

it('closes, though somebody has begun to speak TLS and goes no further', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const { port, close } = await listen(() => {}, 0, { key, cert: '' });
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(Buffer.from([0x16, 3, 1]));
  await close();
});
