import { createHook } from 'node:async_hooks';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { callGateway } from '../../../../local/aws/aws-client.ts';
import { AwsError } from '../../../../local/aws/errors.ts';
import { matchRoute } from '../../../../local/aws/gateway/match-route.ts';
import { startGateway } from '../../../../local/aws/gateway/server.ts';
import { createFunctionTable } from '../../../../local/aws/lambda/service.ts';
import type { GatewayApi, GatewayMethod } from '../../../../local/aws/template/gateways.ts';
import { ACCOUNT, contextOf, functionOf, poolOf, REGION, ROLE, rulesOf } from '../harness.ts';

const FUNCTION = functionOf('function');
const AUTHORIZER = functionOf('authorizer');
const METHOD: GatewayMethod = {
  httpMethod: 'GET',
  resourcePath: '/things/{id}',
  resourceId: 'abc',
  authorization: { type: 'NONE' },
  functionArn: FUNCTION.arn,
  streamed: false,
  timeout: undefined,
};
const PROBLEM: NonNullable<ReturnType<GatewayApi['responses']['get']>> = {
  headers: { 'Content-Type': 'application/problem+json' },
  authorizerHeaders: {},
  status: undefined,
  template: '{"title":$context.error.messageString}',
};

interface Options {
  api?: Partial<GatewayApi>;
  method?: Partial<GatewayMethod>;
  rules?: ReturnType<typeof rulesOf>;
  /** What the function returns, and the authorizer. */
  answers?: { function?: (event: never) => unknown; authorizer?: (event: never) => unknown };
}

async function start({ api = {}, method = {}, rules = rulesOf(), answers = {} }: Options = {}) {
  const events: Record<string, unknown>[] = [];
  const hello = () => ({ statusCode: 200, body: 'hello' });
  const functions = createFunctionTable([FUNCTION, AUTHORIZER]);
  const pool = poolOf((event: Record<string, unknown>, { name }) => {
    events.push(event);
    return (answers[name as 'function'] ?? hello)(event as never);
  });
  const context = contextOf({ authorize: rules.authorize, functions, pool });
  const { trail, credentials } = context;
  const gateway = await startGateway(context, {
    id: 'api',
    name: 'api',
    zone: 'public',
    stage: 'live',
    account: ACCOUNT,
    region: REGION,
    methods: [{ ...METHOD, ...method }],
    responses: new Map(),
    binary: false,
    ...api,
  });
  onTestFinished(gateway.close);
  const access = { url: gateway.url, region: REGION, credentials: credentials.issue(ROLE, 'test') };
  return { ...gateway, events, trail, access, asked: rules.asked };
}

/** Status and JSON of an answer. */
const told = async (answer: Response): Promise<unknown[]> => [answer.status, await answer.json()];

describe('routes', () => {
  const method = (httpMethod: string, resourcePath: string): GatewayMethod => ({
    ...METHOD,
    httpMethod,
    resourcePath,
  });
  const methods = ['/a', '/a/{id}', '/a/fixed', '/a/{id}/b', '/{proxy+}']
    .map((path) => method('GET', path))
    .concat(method('ANY', '/a'), method('POST', '/a/{id}'));
  it.each([
    ['GET', '/a', '/a', 'GET', {}],
    ['PUT', '/a', '/a', 'ANY', {}],
    ['GET', '/a/', '/a', 'GET', {}],
    ['GET', '/a/7', '/a/{id}', 'GET', { id: '7' }],
    ['GET', '/a/x%20y', '/a/{id}', 'GET', { id: 'x y' }],
    ['GET', '/a/fixed', '/a/fixed', 'GET', {}],
    ['GET', '/a/7/b', '/a/{id}/b', 'GET', { id: '7' }],
    ['GET', '/a/7/c', '/{proxy+}', 'GET', { proxy: 'a/7/c' }],
    ['POST', '/a/7', '/a/{id}', 'POST', { id: '7' }],
  ])('%s %s is %s', (verb, path, resourcePath, httpMethod, parameters) => {
    const method = { resourcePath, httpMethod };
    expect(matchRoute(methods, verb, path)).toMatchObject({ method, parameters });
  });

  it.each([
    ['DELETE', '/a/7'],
    ['POST', '/nowhere'],
    ['GET', '/'],
    ['POST', '/a/%E0%A4%A'],
  ])('%s %s is none', (verb, path) => {
    expect(matchRoute(methods, verb, path)).toBeUndefined();
  });
});

describe('a Lambda proxy integration', () => {
  it('gets the request as an event of format 1.0', async () => {
    const { url, events, asked } = await start();
    await fetch(`${url}/things/7?a=1&a=2&b=%C3%B8`, { headers: { 'X-One': 'x' } });
    expect(events[0]).toMatchObject({
      resource: '/things/{id}',
      path: '/things/7',
      httpMethod: 'GET',
      pathParameters: { id: '7' },
      queryStringParameters: { a: '2', b: 'ø' },
      multiValueQueryStringParameters: { a: ['1', '2'], b: ['ø'] },
      body: null,
      isBase64Encoded: false,
      requestContext: { stage: 'live', apiId: 'api', resourcePath: '/things/{id}' },
    });
    expect(asked[0]).toMatchObject({
      caller: { arn: 'apigateway.amazonaws.com' },
      context: { 'aws:SourceArn': `arn:aws:execute-api:${REGION}:${ACCOUNT}:api/live/GET/things/{id}` },
    });
  });

  it('hands bytes over and back in base64 where everything is binary', async () => {
    const bytes = Buffer.from([0, 255, 1]);
    const { url, events } = await start({
      api: { binary: true },
      method: { httpMethod: 'POST' },
      answers: {
        function: () => ({ statusCode: 201, body: bytes.toString('base64'), isBase64Encoded: true }),
      },
    });
    const response = await fetch(`${url}/things/7`, { method: 'POST', body: bytes });
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
    expect(events[0]).toMatchObject({ body: bytes.toString('base64'), isBase64Encoded: true });
  });

  it('hands on base64 as it is where nothing is binary, as API Gateway does', async () => {
    const answer = { body: 'AP8B', isBase64Encoded: true };
    const { url } = await start({ answers: { function: () => answer } });
    expect(await (await fetch(`${url}/things/7`)).text()).toBe('AP8B');
  });

  it('answers with repeated headers and cookies, and remaps what API Gateway remaps', async () => {
    const answer = {
      statusCode: 401,
      headers: { 'WWW-Authenticate': 'DPoP', 'content-length': '7' },
      multiValueHeaders: { 'Set-Cookie': ['a=1', 'b=2'] },
      body: 'no',
    };
    const { url } = await start({ answers: { function: () => answer } });
    const response = await fetch(`${url}/things/7`);
    expect(response.status).toBe(401);
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(response.headers.get('x-amzn-remapped-www-authenticate')).toBe('DPoP');
    expect(await response.text()).toBe('no');
  });

  it.each([
    ['throws', () => new Error('secret detail')],
    ['returns no object', () => 'null'],
    ['returns a list', () => []],
    ['returns an unknown member', () => ({ statusCode: 200, cookies: [] })],
    ['returns a body that is no text', () => ({ statusCode: 200, body: {} })],
    ['returns no status that there is', () => ({ statusCode: 1000 })],
    ['returns a header that is an object', () => ({ statusCode: 200, headers: { a: {} } })],
    ['is throttled', () => Promise.reject(new AwsError('TooManyRequestsException', 'Rate Exceeded.', 429))],
  ])('answers 502 and tells nothing where the function %s', async (_, answer) => {
    const { url } = await start({ answers: { function: answer } });
    expect(await told(await fetch(`${url}/things/7`))).toEqual([502, { message: 'Internal server error' }]);
  });

  it('answers 504 where the function takes too long', async () => {
    const { promise, resolve } = Promise.withResolvers<object>();
    const { url } = await start({ answers: { function: () => promise }, method: { timeout: 20 } });
    const response = await fetch(`${url}/things/7`);
    resolve({ statusCode: 200 });
    expect(await told(response)).toEqual([504, { message: 'Endpoint request timed out' }]);
  });

  it.each([
    ['is answered', () => ({ statusCode: 200 }), 200],
    ['fails', () => Promise.reject(new Error('no')), 502],
  ])('waits no longer once it %s', async (_, answer, status) => {
    // Unlike any other time that something here waits for.
    const timeout = 28_657;
    const waiting = new Set<number>();
    const hook = createHook({
      init: (id, type, __, resource) => {
        if (type === 'Timeout' && Object(resource)._idleTimeout === timeout) waiting.add(id);
      },
      destroy: (id) => waiting.delete(id),
    }).enable();
    onTestFinished(() => void hook.disable());
    const begun: number[] = [];
    const counting = async () => {
      await setImmediate();
      begun.push(waiting.size);
      return answer();
    };
    const { url } = await start({ answers: { function: counting }, method: { timeout } });
    expect((await fetch(`${url}/things/7`)).status).toBe(status);
    await setImmediate();
    expect([begun, waiting.size]).toEqual([[1], 0]);
  });
});

describe('what the gateway refuses itself', () => {
  it('answers an unknown route like a missing token, and tells no route on the trail', async () => {
    const { url, trail, events } = await start();
    const response = await fetch(`${url}/persons/15816590040`);
    expect(await told(response)).toEqual([403, { message: 'Missing Authentication Token' }]);
    expect(response.headers.get('x-amzn-errortype')).toBe('MissingAuthenticationTokenException');
    expect(JSON.stringify(trail.lines())).not.toContain('15816590040');
    expect(events).toEqual([]);
  });

  it('uses the gateway responses of the API', async () => {
    const responses = new Map([['DEFAULT_4XX', { ...PROBLEM, status: 404 }]]);
    const { url } = await start({ api: { responses } });
    const response = await fetch(`${url}/nowhere`);
    expect(await told(response)).toEqual([404, { title: 'Missing Authentication Token' }]);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  });

  it('does not hold a function responsible for a client that goes away in the middle of its body', async () => {
    const { port, trail, events } = await start({ method: { httpMethod: 'POST' } });
    const entry = new Promise((resolve) => trail.subscribe((added) => resolve(added.fields['status'])));
    const socket = connect(port, '127.0.0.1');
    socket.end('POST /things/7 HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf');
    expect(await entry).toBe(400);
    expect(events).toEqual([]);
  });

  it('refuses a body over 10 MB', async () => {
    const { url } = await start({ method: { httpMethod: 'POST' } });
    const body = Buffer.alloc(10 * 1024 * 1024 + 1);
    const response = await fetch(`${url}/things/7`, { method: 'POST', body });
    expect(response.status).toBe(413);
  });
});

describe('authorization by IAM', () => {
  const method = { authorization: { type: 'AWS_IAM' as const } };

  it('lets a signed request in and tells the function whose it is', async () => {
    const { access, events, asked } = await start({ method });
    expect((await callGateway(access, '/things/7')).status).toBe(200);
    expect(asked[0]).toMatchObject({
      action: 'execute-api:Invoke',
      resource: `arn:aws:execute-api:${REGION}:${ACCOUNT}:api/live/GET/things/7`,
      caller: { arn: ROLE.arn },
    });
    expect(events[0]).toMatchObject({
      requestContext: {
        identity: { accountId: ACCOUNT, userArn: `arn:aws:sts::${ACCOUNT}:assumed-role/tester/test` },
      },
    });
  });

  it('refuses no signature, a signature for another path, and whoever may not', async () => {
    const { url, access, events } = await start({ method });
    expect(await told(await fetch(`${url}/things/7`))).toEqual([
      403,
      { message: 'Missing Authentication Token' },
    ]);
    const forged = { ...access, credentials: { ...access.credentials, secretAccessKey: 'other' } };
    await expect(callGateway(forged, '/things/7')).resolves.toMatchObject({
      status: 403,
      error: { code: 'InvalidSignatureException' },
    });
    const denied = await start({ method, rules: rulesOf(({ action }) => action === 'execute-api:Invoke') });
    await expect(callGateway(denied.access, '/things/7')).resolves.toMatchObject({
      status: 403,
      error: { code: 'AccessDeniedException' },
    });
    expect([...events, ...denied.events]).toEqual([]);
  });
});

describe('authorization by a Lambda authorizer', () => {
  const authorizer = { id: 'auth', functionArn: AUTHORIZER.arn, identityHeaders: ['authorization'] };
  const method = { authorization: { type: 'CUSTOM' as const, authorizer } };
  const policyOf = (...Statement: object[]) => ({
    principalId: 'somebody',
    policyDocument: { Version: '2012-10-17', Statement },
    context: { scope: 'read', count: 1 },
  });
  const allow = (Effect: string, Resource: string) =>
    policyOf({ Effect, Action: 'execute-api:Invoke', Resource });
  const FORBIDDEN = { title: 'User is not authorized to access this resource' };
  const FAULT = { message: 'Internal server error' };
  const call = async (
    answer: (event: { methodArn: string }) => unknown,
    headers: Record<string, string> = { authorization: 'DPoP x' },
  ) => {
    const denied = { ...PROBLEM, authorizerHeaders: { 'WWW-Authenticate': 'challenge' } };
    const started = await start({
      method,
      answers: { authorizer: answer },
      api: { responses: new Map([['ACCESS_DENIED', denied]]) },
    });
    const response = await fetch(`${started.url}/things/7`, { headers });
    const challenge = response.headers.get('www-authenticate');
    const body = await response.json().catch(() => undefined);
    return { ...started, status: response.status, challenge, body };
  };

  it('lets in whom it allows, with its context as text', async () => {
    const { status, events, asked } = await call(({ methodArn }) => allow('Allow', methodArn));
    expect(status).toBe(200);
    expect(events[0]).toMatchObject({
      type: 'REQUEST',
      methodArn: `arn:aws:execute-api:${REGION}:${ACCOUNT}:api/live/GET/things/7`,
    });
    expect(events[1]).toMatchObject({
      requestContext: { authorizer: { principalId: 'somebody', scope: 'read', count: '1' } },
    });
    expect(asked[0]).toMatchObject({
      context: { 'aws:SourceArn': `arn:aws:execute-api:${REGION}:${ACCOUNT}:api/authorizers/auth` },
    });
  });

  it.each([
    ['when it says Unauthorized', () => new Error('Unauthorized'), 401, { message: 'Unauthorized' }],
    ['when it fails', () => new Error('unauthorized'), 500, FAULT],
    ['when it denies', () => allow('Deny', '*'), 403, FORBIDDEN],
    [
      'when it allows another method',
      () => allow('Allow', 'arn:aws:execute-api:*:*:api/live/POST/*'),
      403,
      FORBIDDEN,
    ],
    [
      'when it allows another action',
      () => policyOf({ Effect: 'Allow', Action: 's3:*', Resource: '*' }),
      403,
      FORBIDDEN,
    ],
    ['when it allows nothing', () => policyOf(), 403, FORBIDDEN],
    [
      'when its policy has a condition',
      () => policyOf({ Effect: 'Allow', Action: '*', Resource: '*', Condition: {} }),
      500,
      FAULT,
    ],
    ['when it names nobody', () => ({ ...allow('Allow', '*'), principalId: undefined }), 500, FAULT],
    ['when it has another member', () => ({ ...allow('Allow', '*'), scopes: 'read' }), 500, FAULT],
    [
      'when its context has a list',
      () => ({ ...allow('Allow', '*'), context: { scopes: ['read'] } }),
      500,
      FAULT,
    ],
    ['when it answers something else', () => 'null', 500, FAULT],
  ] as [string, () => unknown, number, object][])('refuses %s', async (_, answer, status, body) => {
    const refused = await call(answer);
    expect([refused.status, refused.body]).toEqual([status, body]);
    expect(refused.challenge).toBeNull();
    expect(refused.events).toMatchObject([{ type: 'REQUEST' }]);
  });

  it('refuses without the header that it looks for, and asks it nothing', async () => {
    const { status, body, events } = await call(() => allow('Allow', '*'), {});
    expect([status, body, events]).toEqual([401, { message: 'Unauthorized' }, []]);
  });

  it('answers with what the authorizer said, where a gateway response takes it', async () => {
    const refused = await call(() => ({ ...allow('Deny', '*'), context: { challenge: 'DPoP error="x"' } }));
    expect([refused.status, refused.challenge]).toEqual([403, 'DPoP error="x"']);
  });
});
