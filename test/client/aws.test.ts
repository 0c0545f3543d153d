import { inspect } from 'node:util';
import { type AwsCallerOptions, createAwsCaller, readAwsConfig } from '@helseid-zones/client/aws';
import { expect, onTestFinished, test, vi } from 'vitest';
import { coded } from '../coded.ts';
import { CREDENTIALS, createFakeAws } from '../fakes/aws.ts';
import { createFakeNetwork } from '../fakes/network.ts';
import { failure } from './make-client.ts';

const ENV = {
  AWS_REGION: 'eu-north-1',
  AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  AWS_SESSION_TOKEN: CREDENTIALS.sessionToken,
};

const now = () => 1_790_000_000_000;

async function makeAws(options: AwsCallerOptions = {}) {
  const network = await createFakeNetwork();
  onTestFinished(() => network.close());
  const fake = createFakeAws('dynamodb', 'eu-north-1', now);
  network.mount('https://dynamodb.eu-north-1.amazonaws.com', fake.handle);
  const waits: number[] = [];
  const aws = createAwsCaller(readAwsConfig(ENV), {
    fetch: network.fetch,
    now,
    random: () => 0.5,
    wait: async (milliseconds) => {
      waits.push(milliseconds);
    },
    ...options,
  });
  const input = { TableName: 'sessions', Key: { id: { S: 'æ' } } };
  const request = { service: 'dynamodb', target: 'DynamoDB_20120810.GetItem', input };
  const get = (repeatable = true, signal?: AbortSignal) =>
    aws.json({ ...request, repeatable, ...(signal ? { signal } : {}) });
  return { network, fake, aws, get, waits };
}

const answer = (status: number, type: string) => () => Response.json({ __type: type }, { status });

test('a JSON call is signed, and its answer parsed', async () => {
  const { fake, get } = await makeAws();
  fake.answers = [() => Response.json({ Item: { id: { S: '1' } } })];
  expect(await get()).toEqual({ Item: { id: { S: '1' } } });
  const [request] = fake.requests;
  expect(request?.headers.get('x-amz-target')).toBe('DynamoDB_20120810.GetItem');
  expect(request?.headers.get('content-type')).toBe('application/x-amz-json-1.0');
  expect(JSON.parse(request?.body ?? '')).toMatchObject({ Key: { id: { S: 'æ' } } });
});

test('a call says which invocation it belongs to, beside the signature', async () => {
  const { fake, network } = await makeAws();
  const env: Record<string, string> = { ...ENV };
  const aws = createAwsCaller(readAwsConfig(env), { fetch: network.fetch, now });
  for (const trace of [undefined, 'Root=1-2-3;Parent=4;Sampled=1', 'Root=1-5-6;Sampled=0']) {
    if (trace !== undefined) env['_X_AMZN_TRACE_ID'] = trace;
    await aws.json({ service: 'dynamodb', target: 'T.Get', input: {}, repeatable: true });
    const { headers } = fake.requests.at(-1) ?? {};
    expect(headers?.get('x-amzn-trace-id')).toBe(trace ?? null);
    expect(headers?.get('authorization')).toMatch(/SignedHeaders=(?!\S*trace)\S+,/);
  }
});

test('a REST call with query, encoded path and no body is signed', async () => {
  const { fake, aws } = await makeAws();
  const path = '/a/arn%3Aaws%3Ax/%C3%A6?b=2&a=x%20y';
  await aws.call({ service: 'dynamodb', method: 'GET', path, repeatable: true });
  expect(fake.requests[0]).toMatchObject({ method: 'GET', body: '' });
});

test('AWS_ENDPOINT_URL_<SERVICE> replaces the endpoint, port included', async () => {
  const network = await createFakeNetwork();
  onTestFinished(() => network.close());
  const fake = createFakeAws('dynamodb', 'eu-north-1');
  network.mount('http://127.0.0.1:8000', fake.handle);
  const config = readAwsConfig({ ...ENV, AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:8000' });
  const aws = createAwsCaller(config, { fetch: network.fetch });
  await aws.json({ service: 'dynamodb', target: 'x', input: {}, repeatable: true, version: '1.1' });
  expect(fake.requests[0]?.headers.get('content-type')).toBe('application/x-amz-json-1.1');
});

test('an endpoint that is no URL is refused before anything is sent', async () => {
  const config = readAwsConfig({ ...ENV, AWS_ENDPOINT_URL_DYNAMODB: 'localhost' });
  const fetch = vi.fn();
  const calling = createAwsCaller(config, { fetch }).call({
    service: 'dynamodb',
    body: '{}',
    repeatable: true,
  });
  await expect(calling).rejects.toThrow(coded('config_invalid', /endpoint of dynamodb is no URL/));
  expect(fetch).not.toHaveBeenCalled();
});

test.each(['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])('%s must be there', (name) => {
  expect(() => readAwsConfig({ ...ENV, [name]: '' })).toThrow(name);
});

test.each([
  ['ThrottlingException', 400],
  ['ProvisionedThroughputExceededException', 400],
  ['anything', 429],
])('%s with status %i is sent again, with a growing wait, until it succeeds', async (type, status) => {
  const { fake, get, waits } = await makeAws();
  fake.answers = [answer(status, type), answer(status, type), () => Response.json({ ok: 1 })];
  expect(await get(false)).toEqual({ ok: 1 });
  expect(waits).toEqual([50, 100]);
});

test('throttling that lasts ends after three attempts', async () => {
  const { fake, get } = await makeAws();
  fake.answers = [answer(400, 'com.amazonaws.dynamodb.v20120810#ThrottlingException')];
  const error = await failure(get(), 'aws_throttled');
  expect(error.facts).toEqual({ service: 'dynamodb', status: 400, error: 'ThrottlingException' });
  expect(fake.requests.length).toBe(3);
});

test.each([
  [true, 3],
  [false, 1],
])('a 5xx of a call with repeatable %s is sent %i times', async (repeatable, count) => {
  const { fake, get } = await makeAws();
  fake.answers = [answer(500, 'InternalServerError')];
  await failure(get(repeatable), 'aws_unavailable');
  expect(fake.requests.length).toBe(count);
});

test('a refusal is not sent again and carries AWS’s code, from header or body', async () => {
  const { fake, get } = await makeAws();
  const headers = { 'x-amzn-errortype': 'AccessDeniedException:http://internal.amazon.com/' };
  fake.answers = [
    answer(400, 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException'),
    () => new Response('<xml>', { status: 403, headers }),
    () => new Response('gone', { status: 404 }),
  ];
  const codes = [];
  for (let n = 0; n < 3; n += 1) codes.push((await failure(get(), 'aws_refused')).facts['error']);
  expect(codes).toEqual(['ConditionalCheckFailedException', 'AccessDeniedException', 'Unknown']);
  expect(fake.requests.length).toBe(3);
});

test.each([
  [true, 3],
  [false, 1],
])('a lost connection, repeatable %s: %i', async (repeatable, count) => {
  const { aws, network } = await makeAws();
  const error = await failure(aws.call({ service: 'sqs', repeatable }), 'aws_unavailable');
  expect(network.sent.length).toBe(count);
  expect(error.facts).toEqual({ service: 'sqs', network: 'name', network_code: 'ENOTFOUND' });
  expect(inspect(error, { depth: 9 })).not.toContain(CREDENTIALS.secretAccessKey);
});

test('an attempt that takes too long is given up', async () => {
  const { fake, get } = await makeAws({ timeout: 30, attempts: 1 });
  fake.answers = [() => new Promise(() => {})];
  const error = await failure(get(), 'aws_unavailable');
  expect(error.facts).toEqual({ service: 'dynamodb', network: 'timeout' });
});

test('an aborted call is not sent, and not sent again', async () => {
  const { fake, get, network } = await makeAws();
  await failure(get(true, AbortSignal.abort()), 'request_aborted');
  expect(network.sent).toEqual([]);
  const stop = new AbortController();
  fake.answers = [
    () => {
      stop.abort();
      return new Promise(() => {});
    },
  ];
  await failure(get(true, stop.signal), 'request_aborted');
  expect(network.sent.length).toBe(1);
});
