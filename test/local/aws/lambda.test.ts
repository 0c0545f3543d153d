import { createAwsCaller } from '@helseid-zones/client/aws';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AwsError } from '../../../local/aws/errors.ts';
import { createFunctionTable } from '../../../local/aws/lambda/invoke.ts';
import { createLambda } from '../../../local/aws/lambda/service.ts';
import type { FunctionPool, RunnableFunction } from '../../../local/aws/runtime/pool.ts';
import { ACCOUNT, REGION, rulesOf, startAws } from './harness.ts';

const arn = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:signer`;
const signer: RunnableFunction = {
  name: 'signer',
  arn,
  codeDirectory: '',
  environment: {},
  timeout: 1000,
  memory: 128,
};

async function startLambda(rules = rulesOf()) {
  const queued: string[] = [];
  const pool: Pick<FunctionPool, 'invoke'> = {
    async invoke(_, payload) {
      const { throttle, fail } = JSON.parse(payload.toString());
      if (throttle)
        throw new AwsError('TooManyRequestsException', 'Rate Exceeded.', 429, {
          Type: 'User',
          Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
        });
      const outcome = fail
        ? { payload: Buffer.from('{"errorType":"E"}'), functionError: 'Unhandled' as const }
        : { payload };
      return { ...outcome, requestId: 'id', logTail: 'the log' };
    },
  };
  const asynchronous = {
    enqueue: (_: unknown, payload: Buffer) => void queued.push(payload.toString()),
    close() {},
  };
  const lambda = createLambda(createFunctionTable([signer]), pool as FunctionPool, asynchronous);
  const aws = await startAws([lambda], rules);
  onTestFinished(aws.close);
  const caller = createAwsCaller(
    { region: REGION, credentials: aws.config.credentials, endpoints: { lambda: aws.url } },
    { attempts: 1 },
  );
  const invoke = (name: string, input: unknown, headers: Record<string, string> = {}) =>
    caller.call({
      service: 'lambda',
      path: `/2015-03-31/functions/${encodeURIComponent(name)}/invocations`,
      headers,
      body: typeof input === 'string' ? input : JSON.stringify(input),
      repeatable: false,
    });
  return { invoke, queued, asked: rules.asked };
}

describe('Lambda Invoke', () => {
  it.each(['signer', arn, `${arn}:$LATEST`, `${ACCOUNT}:function:signer`])(
    'finds a function by %s',
    async (name) => {
      const { invoke, asked } = await startLambda();
      expect((await invoke(name, { a: 1 })).body).toBe('{"a":1}');
      expect(asked).toMatchObject([{ action: 'lambda:InvokeFunction', resource: arn }]);
    },
  );

  it('marks an error of the function, with status 200', async () => {
    const { invoke } = await startLambda();
    const { headers, body } = await invoke('signer', { fail: true });
    expect(headers.get('x-amz-function-error')).toBe('Unhandled');
    expect(body).toBe('{"errorType":"E"}');
  });

  it('returns the log only when asked for it', async () => {
    const { invoke } = await startLambda();
    expect((await invoke('signer', {})).headers.get('x-amz-log-result')).toBeNull();
    const { headers } = await invoke('signer', {}, { 'x-amz-log-type': 'Tail' });
    expect(Buffer.from(headers.get('x-amz-log-result') ?? '', 'base64').toString()).toBe('the log');
  });

  it('accepts an asynchronous invocation at once, and invokes nothing for a dry run', async () => {
    const { invoke, queued } = await startLambda();
    await invoke('signer', { n: 1 }, { 'x-amz-invocation-type': 'Event' });
    await invoke('signer', { n: 2 }, { 'x-amz-invocation-type': 'DryRun' });
    expect(queued).toEqual(['{"n":1}']);
  });

  it.each([
    ['an unknown function', 'nobody', {}, { status: 404, error: 'ResourceNotFoundException' }],
    [
      "another account's function",
      arn.replace(ACCOUNT, '9'.repeat(12)),
      {},
      { status: 404, error: 'ResourceNotFoundException' },
    ],
    ['a version', `${arn}:7`, {}, { status: 404, error: 'ResourceNotFoundException' }],
    ['no JSON', 'signer', 'x', { status: 400, error: 'InvalidRequestContentException' }],
  ])("answers for %s in Lambda's shape", async (_, name, input, facts) => {
    const { invoke } = await startLambda();
    await expect(invoke(name, input)).rejects.toMatchObject({ code: 'aws_refused', facts });
  });

  it('answers a throttled invocation with 429', async () => {
    const { invoke } = await startLambda();
    await expect(invoke('signer', { throttle: true })).rejects.toMatchObject({
      code: 'aws_throttled',
      facts: { status: 429, error: 'TooManyRequestsException' },
    });
  });

  it.each(['RequestResponse', 'Event'])('denies with 403 whoever may not (%s)', async (type) => {
    const { invoke, queued } = await startLambda(rulesOf(() => true));
    await expect(invoke('signer', {}, { 'x-amz-invocation-type': type })).rejects.toMatchObject({
      facts: { status: 403, error: 'AccessDeniedException' },
    });
    expect(queued).toEqual([]);
  });
});
