import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { listen } from '../../../../local/aws/http.ts';
import { createLogs } from '../../../../local/aws/runtime/log.ts';
import {
  createPool,
  type FunctionPool,
  type PoolOptions,
  type RunnableFunction,
} from '../../../../local/aws/runtime/pool.ts';
import { startRuntimeApi } from '../../../../local/aws/runtime/runtime-api.ts';
import { createTrail } from '../../../../local/aws/trail.ts';
import { sampled } from '../../../full.ts';
import { newFolder } from '../../../temporary.ts';

const folder = newFolder();
const trail = createTrail(Date.now);
const logs = createLogs(join(folder, 'logs'), trail);
const api = await startRuntimeApi();
const pools: FunctionPool[] = [];

afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
  await api.close();
});

function newPool(options: Partial<PoolOptions> = {}): FunctionPool {
  const pool = createPool({ api, now: Date.now, log: (of) => logs(of, 'stream'), ...options });
  pools.push(pool);
  return pool;
}

/** A function whose handler has this body. */
function functionOf(name: string, body: string, more: Partial<RunnableFunction> = {}): RunnableFunction {
  const codeDirectory = join(folder, name);
  mkdirSync(codeDirectory);
  writeFileSync(join(codeDirectory, 'index.mjs'), body);
  return {
    name,
    arn: `arn:aws:lambda:eu-north-1:000000000000:function:${name}`,
    roleArn: 'role',
    codeDirectory,
    environment: {
      LAMBDA_TASK_ROOT: codeDirectory,
      _HANDLER: 'index.handler',
      AWS_LAMBDA_FUNCTION_NAME: name,
    },
    timeout: 5000,
    memory: 128,
    ...more,
  };
}

async function invoke(pool: FunctionPool, of: RunnableFunction, event: unknown = {}) {
  const input = Buffer.from(JSON.stringify(event));
  const { payload, functionError, logTail, requestId } = await pool.invoke(of, input);
  return { result: JSON.parse(payload.toString()), functionError, logTail, requestId };
}

describe('functions in processes of their own', () => {
  it('tells in whose trace a line is that names none', async () => {
    const of = functionOf(
      'traced',
      `export const handler = async ({ named }) => {
         console.log(JSON.stringify({ message: 'traced', named, xray_trace_id: named }));
         return process.env._X_AMZN_TRACE_ID;
       };`,
    );
    const pool = newPool();
    const given: (string | undefined)[] = [];
    for (const event of [{}, {}, { named: '1-00000000-000000000000000000000000' }]) {
      const { result } = await invoke(pool, of, event);
      given.push(event.named ?? /Root=([^;]+)/.exec(result)?.[1]);
    }
    const lines = trail.lines().filter(({ fields }) => fields['message'] === 'traced');
    expect(lines.map(({ trace }) => trace)).toEqual(given);
    expect(new Set(given).size).toBe(3);
  });

  it('answers, stays warm, inherits nothing and logs to the trail', async () => {
    const of = functionOf(
      'warm',
      `let count = 0;
       export const handler = async (event, context) => {
         console.log(JSON.stringify({ message: 'hello', id: context.awsRequestId }));
         return { event, count: ++count, env: Object.keys(process.env).sort(), left: context.getRemainingTimeInMillis() };
       };`,
    );
    const pool = newPool();
    const first = await invoke(pool, of, { a: 1 });
    const second = await invoke(pool, of);

    expect(first.result).toMatchObject({ event: { a: 1 }, count: 1 });
    expect(second.result.count).toBe(2);
    expect(first.result.left).toBeGreaterThan(0);
    const own = first.result.env.filter((name: string) => !/^(AWS_|LAMBDA_|_|NODE_CHANNEL)/.test(name));
    expect(own).toEqual([]);
    expect(second.logTail).toContain(second.requestId);
    expect(second.logTail).not.toContain(first.requestId);
    expect(trail.lines().find(({ function: name }) => name === 'warm')?.fields).toEqual({
      message: 'hello',
      id: first.requestId,
    });
    expect(pool.running()).toHaveLength(1);
  });

  it('writes what the console is told as JSON with its level, where that is the format', async () => {
    const body = `export const handler = async () => {
      for (const method of ['debug', 'log', 'warn', 'error']) console[method](method, { a: 1 });
    };`;
    const environment = {
      LAMBDA_TASK_ROOT: join(folder, 'json'),
      _HANDLER: 'index.handler',
      AWS_LAMBDA_LOG_FORMAT: 'JSON',
    };
    await invoke(newPool(), functionOf('json', body, { environment }));
    const lines = trail.lines().filter(({ function: who }) => who === 'json');
    expect(lines.map(({ fields: { level, message } }) => `${level} ${message}`)).toEqual([
      'DEBUG debug { a: 1 }',
      'INFO log { a: 1 }',
      'WARN warn { a: 1 }',
      'ERROR error { a: 1 }',
    ]);
  });

  it.each([
    ['throws', 'throw new TypeError("no")', { errorType: 'TypeError', errorMessage: 'no' }],
    ['ends its process', 'process.exit(3)', { errorType: 'Runtime.ExitError' }],
    ['answers too much', 'return "x".repeat(7_000_000)', { errorType: 'Function.ResponseSizeTooLarge' }],
  ])('reports a handler that %s as Lambda does, and works again after it', async (what, body, error) => {
    const of = functionOf(
      what.replaceAll(' ', '-'),
      `export const handler = async (event) => { if (event.fail) { ${body}; } return 'fine'; };`,
    );
    const pool = newPool();
    expect((await invoke(pool, of)).result).toBe('fine');
    const { result, functionError } = await invoke(pool, of, { fail: true });
    expect(result).toMatchObject(error);
    expect(functionError).toBe('Unhandled');
    expect((await invoke(pool, of)).result).toBe('fine');
  });

  it.each([
    ['cannot be loaded', 'import "nowhere";', 'Error'],
    ['has no handler', 'export const other = 1;', 'Runtime.HandlerNotFound'],
  ])('reports a bundle that %s', async (what, body, errorType) => {
    const { result, functionError } = await invoke(newPool(), functionOf(what.replaceAll(' ', '-'), body));
    expect(result.errorType).toBe(errorType);
    expect(functionError).toBe('Unhandled');
  });

  const slow = `export const handler = () => new Promise((resolve) => setTimeout(() => resolve(process.pid), 50));`;

  it('refuses invocations above the reserved concurrency, and not below', async () => {
    const of = functionOf('reserved', slow, { reservedConcurrency: 2 });
    const pool = newPool();
    const outcomes = await Promise.allSettled([invoke(pool, of), invoke(pool, of), invoke(pool, of)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(outcomes[2]).toMatchObject({
      reason: { code: 'TooManyRequestsException', status: 429, members: { Type: 'User' } },
    });
    await expect(invoke(pool, of)).resolves.toBeDefined();
  });

  it('lets invocations wait for a process where the machine has room for fewer', async () => {
    const of = functionOf('waiting', slow, { reservedConcurrency: 10 });
    const pool = newPool({ instancesPerFunction: 1 });
    const results = await Promise.all([1, 2, 3].map(() => invoke(pool, of)));
    expect(new Set(results.map(({ result }) => result)).size).toBe(1);
  });

  it('ends the process that rested longest when there are too many', async () => {
    const pool = newPool({ instances: 1 });
    await invoke(pool, functionOf('first', slow));
    await invoke(pool, functionOf('second', slow));
    expect(pool.running().map(({ function: name }) => name)).toEqual(['second']);
  });

  it('ends a second process of a function before the only one of another', async () => {
    const pool = newPool({ instances: 3 });
    await invoke(pool, functionOf('only', slow));
    const twice = functionOf('twice', slow);
    await Promise.all([invoke(pool, twice), invoke(pool, twice)]);
    await invoke(pool, functionOf('new', slow));
    expect(pool.running().map(({ function: name }) => name)).toEqual(['only', 'twice', 'new']);
  });

  it('starts anew after recycle, and leaves no process after close', async () => {
    const of = functionOf('recycled', slow);
    const pool = newPool();
    const { result: before } = await invoke(pool, of);
    await pool.recycle();
    const { result: after } = await invoke(pool, of);
    expect(after).not.toBe(before);
    await pool.close();
    expect(pool.running()).toEqual([]);
    expect(() => process.kill(after, 0)).toThrow();
    await expect(invoke(pool, of)).rejects.toMatchObject({ code: 'TooManyRequestsException' });
  });
});

describe('the time that a function has', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  /** Resolves once the function has written `text`. */
  const written = (name: string, text: string) =>
    new Promise<void>((resolve) => {
      const end = trail.subscribe(({ function: who, fields }) => {
        if (who !== name || fields['message'] !== text) return;
        end();
        resolve();
      });
    });

  it('begins once it has initialised', async () => {
    const { promise: initialise, resolve } = Promise.withResolvers<void>();
    const gate = await listen((_, response) => void initialise.then(() => response.end()));
    const of = functionOf(
      'late',
      `console.log('initialising');
       await fetch('${gate.url}');
       export const handler = (_, context) => context.getRemainingTimeInMillis();`,
    );
    const initialising = written('late', 'initialising');
    const answered = invoke(newPool(), of);
    await initialising;
    vi.advanceTimersByTime(of.timeout + 1000);
    resolve();
    const { result, functionError } = await answered;
    expect(functionError).toBeUndefined();
    expect(result).toBeGreaterThan(0);
    expect(result).toBeLessThanOrEqual(of.timeout);
    await gate.close();
  });

  it.each([
    ['waits', 'await new Promise(() => setInterval(() => {}, 1000))'],
    ['spins', 'for (;;);'],
  ])('ends a handler that %s longer, and it works again after it', async (name, body) => {
    const of = functionOf(
      name,
      `export const handler = async (event) => { if (event.hang) { console.log('begun'); ${body}; } return 'fine'; };`,
    );
    const pool = newPool();
    const begun = written(name, 'begun');
    const ended = invoke(pool, of, { hang: true });
    await begun;
    vi.advanceTimersByTime(of.timeout);
    await expect(ended).resolves.toMatchObject({
      result: { errorType: 'Sandbox.Timedout' },
      functionError: 'Unhandled',
    });
    expect((await invoke(pool, of)).result).toBe('fine');
  });
});

it('ends what works and what waits for a process when it is closed', async () => {
  const code = 'export const handler = () => new Promise(() => setInterval(() => {}, 1000));';
  const of = functionOf('stuck', code);
  const pool = newPool({ instancesPerFunction: 1 });
  const answers = [1, 2, 3].map(() => invoke(pool, of));
  await pool.close();
  for (const { result } of await Promise.all(answers))
    expect(result).toMatchObject({ errorType: 'Runtime.ExitError' });
});

describe('a function whose local system was killed', () => {
  it.each(
    sampled([
      ['works', 'work'],
      ['rests', 'rest'],
    ]),
  )('ends too, when it %s', async (_, event) => {
    const { codeDirectory } = functionOf(
      `orphan-${event}`,
      `export const handler = (event) => {
         console.log('pid ' + process.pid);
         return event === 'work' ? new Promise(() => setInterval(() => {}, 1000)) : 'done';
       };`,
    );
    const args = ['test/local/aws/runtime/hold-pool.ts', codeDirectory, JSON.stringify(event)];
    const holder = spawn(process.execPath, args);
    const pid = await new Promise<number>((resolve) => {
      holder.stdout.on('data', (chunk) => resolve(Number(/pid (\d+)/.exec(String(chunk))?.[1])));
    });
    holder.kill('SIGKILL');
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow(), 5000);
  });
});

describe('the Runtime API', () => {
  it('answers nobody who was not told the address', async () => {
    const instance = { next() {}, response: async () => {}, error() {}, initError() {} };
    const { address, unregister } = api.register(instance);
    const [host = ''] = address.split('/');
    const response = await fetch(`http://${host}/${'0'.repeat(32)}/2018-06-01/runtime/invocation/next`);
    expect(response.status).toBe(403);
    unregister();
  });
});

describe('connections of a function', () => {
  /** What came of fetching each URL: the status, or the code of what failed. */
  const FETCH = `const give = (error) => error.cause?.code ?? error.name;
    const impatient = () => ({ signal: AbortSignal.timeout(100) });
    export const handler = (urls) => Promise.all(urls.map((url) =>
      fetch(url, url.includes('169.254') ? impatient() : {}).then(({ status }) => status, give)));`;

  it('reach what the network lets them reach, and fail as on AWS elsewhere', async () => {
    const [open, closed] = await Promise.all(
      [0, 1].map(() => listen((_, response) => response.end('hello'))),
    );
    const { environment, ...of } = functionOf('fetching', FETCH);
    const urls = [open?.url, closed?.url, 'http://169.254.169.254/', 'https://example.no/'];
    const restricted = { ...of, environment: { ...environment, LOCAL_REACHABLE: `127.0.0.1:${open?.port}` } };
    const { result } = await invoke(newPool(), restricted, urls);
    expect(result).toEqual([200, 'ECONNREFUSED', 'TimeoutError', 'ENOTFOUND']);
    const throwing = functionOf('throwing', `export const handler = () => fetch('https://example.no/');`);
    await invoke(newPool(), { ...throwing, environment: { ...throwing.environment, LOCAL_REACHABLE: '' } });
    const thrown = trail.lines().find(({ function: who }) => who === 'throwing');
    const cause = 'getaddrinfo ENOTFOUND example.no';
    expect(thrown?.fields).toMatchObject({ errorMessage: 'fetch failed', cause });
    const free = await invoke(newPool(), { ...of, environment }, urls.slice(0, 2));
    expect(free.result).toEqual([200, 200]);
    await Promise.all([open?.close(), closed?.close()]);
  });

  const CONNECT = `import { connect } from 'node:net';
    import { connect as connectHttp2 } from 'node:http2';
    import { Worker } from 'node:worker_threads';
    import { fork } from 'node:child_process';
    const reach = (options) => new Promise((give) => {
      const socket = connect(options, () => { give('connected'); socket.destroy(); });
      socket.on('error', ({ code }) => give(code));
      setTimeout(() => { give('silent'); socket.destroy(); }, 300).unref();
    });
    const inWorker = (url) => new Promise((give) => new Worker(
      'fetch(process.argv[2]).then(({ status }) => status, ({ cause }) => cause.code).then((is) => require("node:worker_threads").parentPort.postMessage(is))',
      { eval: true, argv: [url] }).on('message', give).on('error', ({ message }) => give(message)));
    const inFork = (url) => new Promise((give) => fork(import.meta.filename.replace('index', 'forked'), [url]).on('message', give));
    const overHttp2 = (url) => new Promise((give) => {
      const seen = [];
      const session = connectHttp2(url, () => seen.push('connect'));
      session.on('error', ({ code }) => seen.push(code)).on('close', () => give(seen.join()));
    });
    export const handler = async ({ targets, url }) => ({
      targets: await Promise.all(targets.map(reach)), worker: await inWorker(url),
      fork: await inFork(url), http2: await overHttp2(url) });`;

  it('are held by it in every form of a target, in worker threads, forks and over HTTP/2', async () => {
    const [open, closed] = await Promise.all(
      [0, 1].map(() => listen((_, response) => response.end('hello'))),
    );
    const { environment, ...of } = functionOf('connecting', CONNECT);
    const forked =
      'fetch(process.argv[2]).then(({ status }) => status, ({ cause }) => cause.code).then((is) => process.send(is));';
    writeFileSync(join(of.codeDirectory, 'forked.mjs'), forked);
    const reachable = { LOCAL_REACHABLE: `localhost:${open?.port},127.0.0.1:${open?.port}` };
    const cases: [host: string, expected: string][] = [
      ['127.0.0.1', 'ECONNREFUSED'],
      ['127.1.2.3', 'ECONNREFUSED'],
      ['0.0.0.0', 'ECONNREFUSED'],
      ['::', 'ECONNREFUSED'],
      ['::1', 'ECONNREFUSED'],
      ['0:0:0:0:0:0:0:1', 'ECONNREFUSED'],
      ['::ffff:127.0.0.1', 'ECONNREFUSED'],
      ['localhost', 'ECONNREFUSED'],
      ['LOCALHOST.', 'ECONNREFUSED'],
      ['', 'ECONNREFUSED'],
      ['localhost.example.org', 'ENOTFOUND'],
      ['127.example.org', 'ENOTFOUND'],
      ['10.0.0.1', 'silent'],
    ];
    const targets = [
      ...cases.map(([host]) => ({ host, port: closed?.port })),
      { host: '127.0.0.1', port: closed?.port, path: '' },
      { host: 'LOCALHOST', port: open?.port },
      { host: '127.0.0.1', port: open?.port },
    ];
    const restricted = { ...of, environment: { ...environment, ...reachable } };
    const { result } = await invoke(newPool(), restricted, { targets, url: closed?.url });
    expect(result).toEqual({
      targets: [...cases.map(([, expected]) => expected), 'ECONNREFUSED', 'connected', 'connected'],
      worker: 'ECONNREFUSED',
      fork: 'ECONNREFUSED',
      http2: 'ECONNREFUSED',
    });
    await Promise.all([open?.close(), closed?.close()]);
  });
});
