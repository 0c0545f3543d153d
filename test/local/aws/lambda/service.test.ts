import { describe, expect, it } from 'vitest';
import { resolveAssembly } from '../../../../infra/proof/assembly/resolve.ts';
import { buildWorld } from '../../../../infra/proof/policy/world/build.ts';
import { createAuthorize, operatorRole } from '../../../../local/aws/authorize.ts';
import { callLambda } from '../../../../local/aws/aws-client.ts';
import { AwsError } from '../../../../local/aws/errors.ts';
import { createFunctionTable, startLambda } from '../../../../local/aws/lambda/service.ts';
import { readNetworks } from '../../../../local/aws/template/resources.ts';
import { oneClient } from '../../../infra/proof/one-client.ts';
import { ACCOUNT, functionOf, poolOf, REGION, rulesOf, serveAws, startAws } from '../harness.ts';

const signer = functionOf('signer');
const { arn } = signer;
const throttled = () => Promise.reject(new AwsError('TooManyRequestsException', 'Rate Exceeded.', 429));
const NOT_FOUND = { status: 404, error: 'ResourceNotFoundException' };
const DENIED = { facts: { status: 403, error: 'AccessDeniedException' } };
const failed = () => new Error('no');

async function startWith({ authorize, asked } = rulesOf(), of = signer) {
  const aws = await startAws((context) => startLambda([], context), {
    authorize,
    functions: createFunctionTable([of]),
    pool: poolOf((event: { throttle?: boolean; fail?: boolean }) =>
      event.throttle ? throttled() : event.fail ? failed() : event,
    ),
  });
  const invoke = (name: string, input: unknown, headers: Record<string, string> = {}) =>
    aws.call({
      service: 'lambda',
      path: `/2015-03-31/functions/${encodeURIComponent(name)}/invocations`,
      headers,
      body: typeof input === 'string' ? input : JSON.stringify(input),
      repeatable: false,
    });
  const putConcurrency = (name: string, ReservedConcurrentExecutions: unknown) =>
    aws.call({
      service: 'lambda',
      path: `/2017-10-31/functions/${name}/concurrency`,
      method: 'PUT',
      body: JSON.stringify({ ReservedConcurrentExecutions }),
      repeatable: false,
    });
  const deleteConcurrency = (name: string) =>
    aws.call({
      service: 'lambda',
      path: `/2017-10-31/functions/${name}/concurrency`,
      method: 'DELETE',
      repeatable: false,
    });
  return { invoke, putConcurrency, deleteConcurrency, asked };
}

describe('Lambda DeleteFunctionConcurrency', () => {
  it('leaves a function what the account has, for whoever may', async () => {
    const of = { ...signer, reservedConcurrency: 0 };
    const aws = await startWith(rulesOf(), of);
    await aws.deleteConcurrency('signer');
    expect(of.reservedConcurrency).toBeUndefined();
    expect(aws.asked).toMatchObject([{ action: 'lambda:DeleteFunctionConcurrency', resource: arn }]);
  });

  it('changes nothing for who may not', async () => {
    const of = { ...signer, reservedConcurrency: 0 };
    const { deleteConcurrency } = await startWith(
      rulesOf(() => true),
      of,
    );
    await expect(deleteConcurrency('signer')).rejects.toMatchObject(DENIED);
    expect(of.reservedConcurrency).toBe(0);
  });
});

describe('Lambda PutFunctionConcurrency', () => {
  it('bounds a function, for whoever may', async () => {
    const of = { ...signer };
    const aws = await startWith(rulesOf(), of);
    expect((await aws.putConcurrency('signer', 0)).body).toBe('{"ReservedConcurrentExecutions":0}');
    expect(of.reservedConcurrency).toBe(0);
    expect(aws.asked).toMatchObject([{ action: 'lambda:PutFunctionConcurrency', resource: arn }]);
  });

  it.each([-1, 1.5, '2', undefined])('takes no number like %j', async (wanted) => {
    const { putConcurrency } = await startWith();
    const facts = { status: 400, error: 'InvalidParameterValueException' };
    await expect(putConcurrency('signer', wanted)).rejects.toMatchObject({ facts });
  });

  it('changes nothing for who may not, or of an unknown function', async () => {
    const of = { ...signer };
    const { putConcurrency } = await startWith(
      rulesOf(() => true),
      of,
    );
    await expect(putConcurrency('signer', 0)).rejects.toMatchObject(DENIED);
    expect(of.reservedConcurrency).toBe(signer.reservedConcurrency);
    await expect(putConcurrency('nobody', 0)).rejects.toMatchObject({ facts: NOT_FOUND });
  });
});

describe('Lambda Invoke', () => {
  it.each(['signer', arn])('finds a function by %s', async (name) => {
    const { invoke, asked } = await startWith();
    expect((await invoke(name, { a: 1 })).body).toBe('{"a":1}');
    expect(asked).toMatchObject([{ action: 'lambda:InvokeFunction', resource: arn }]);
  });

  it('marks an error of the function, with status 200', async () => {
    const { invoke } = await startWith();
    const { headers, body } = await invoke('signer', { fail: true });
    expect(headers.get('x-amz-function-error')).toBe('Unhandled');
    expect(JSON.parse(body)).toEqual({ errorType: 'Error', errorMessage: 'no' });
  });

  it('returns the log only when asked for it', async () => {
    const { invoke } = await startWith();
    expect((await invoke('signer', {})).headers.get('x-amz-log-result')).toBeNull();
    const { headers } = await invoke('signer', {}, { 'x-amz-log-type': 'Tail' });
    expect(Buffer.from(headers.get('x-amz-log-result') ?? '', 'base64').toString()).toBe('the log');
  });

  it.each(['Event', 'DryRun'])('refuses an invocation of type %s', async (type) => {
    const { invoke } = await startWith();
    const answer = invoke('signer', {}, { 'x-amz-invocation-type': type });
    await expect(answer).rejects.toMatchObject({ facts: { error: 'NotImplementedException' } });
  });

  it.each([
    ['an unknown function', 'nobody', {}, NOT_FOUND],
    ["another account's function", arn.replace(ACCOUNT, '9'.repeat(12)), {}, NOT_FOUND],
    ['a version', `${arn}:7`, {}, NOT_FOUND],
    ['no JSON', 'signer', 'x', { status: 400, error: 'InvalidRequestContentException' }],
  ])("answers for %s in Lambda's shape", async (_, name, input, facts) => {
    const { invoke } = await startWith();
    await expect(invoke(name, input)).rejects.toMatchObject({ code: 'aws_refused', facts });
  });

  it('answers a throttled invocation with 429', async () => {
    const { invoke } = await startWith();
    await expect(invoke('signer', { throttle: true })).rejects.toMatchObject({
      code: 'aws_throttled',
      facts: { status: 429, error: 'TooManyRequestsException' },
    });
  });

  it('denies with 403 whoever may not', async () => {
    const { invoke } = await startWith(rulesOf(() => true));
    await expect(invoke('signer', {})).rejects.toMatchObject(DENIED);
  });
});

describe('a signer’s own policy', () => {
  const own = (zone: string) => `journal-public-${zone}`;
  const roleOf = (name: string) => `arn:aws:iam::${ACCOUNT}:role/${name}`;
  const signerOf = functionOf('journal-signer-journal-public');

  /** Invokes it in the system of one client, as an administrator of this name, by the endpoint of a zone or by none. */
  async function invokeAs(name: string, zone?: string) {
    const assembly = resolveAssembly(oneClient);
    const world = buildWorld(assembly);
    const administrator = operatorRole(ACCOUNT, name);
    const { endpoints } = readNetworks(assembly);
    const found = endpoints.find((endpoint) => endpoint.zone === zone && endpoint.service === 'lambda');
    const { url, context, close } = await serveAws((context) => startLambda([], context), {
      authorize: createAuthorize({
        ...world,
        roles: new Map([...world.roles, [administrator.arn, administrator]]),
      }),
      functions: createFunctionTable([signerOf]),
      pool: poolOf(() => 'signed'),
      route: { vpce: found?.id, vpc: found?.vpc, account: found?.account },
    });
    const credentials = context.credentials.issue({ arn: roleOf(name), account: ACCOUNT }, 'test');
    const { status, error } = await callLambda({ url, region: REGION, credentials }, signerOf.arn, {});
    await close();
    return error?.message ?? status;
  }

  it('lets its zone’s role in, through its zone’s endpoint, and no other principal of the account', async () => {
    expect(await invokeAs(own('summary'), 'public')).toBe(200);
    const denied = /InvokeFunction on resource: .* with an explicit deny in a resource-based policy$/;
    expect(await invokeAs(own('summary'))).toMatch(denied);
    expect(await invokeAs('administrator')).toMatch(denied);
  });
});
