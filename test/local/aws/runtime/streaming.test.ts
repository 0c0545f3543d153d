import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createCredentialTable } from '../../../../local/aws/credentials.ts';
import { startGateway } from '../../../../local/aws/gateway/server.ts';
import { createPool, type RunnableFunction } from '../../../../local/aws/runtime/pool.ts';
import { startRuntimeApi } from '../../../../local/aws/runtime/runtime-api.ts';
import { createTrail } from '../../../../local/aws/trail.ts';
import { newFolder } from '../../../temporary.ts';
import { ACCOUNT, REGION, rulesOf } from '../harness.ts';

// A function in its own process, the Runtime API and the gateway, as an answer goes through them in pieces.
const folder = newFolder();
const api = await startRuntimeApi();
const pool = createPool({ api, now: Date.now, log: () => ({ stream: 's', line: () => undefined }) });
/** Where functions wait until the test has seen what they wrote; whoever comes first waits for the other. */
/** For machines that are busy. */
const PATIENCE = { timeout: 15_000 };
const waiting: (() => void)[] = [];
let released = 0;
const gate = createServer((_, response) => {
  waiting.push(() => response.end('go on'));
  letGo();
});

function release(): void {
  released += 1;
  letGo();
}

function letGo(): void {
  while (released > 0 && waiting.length > 0) {
    released -= 1;
    waiting.shift()?.();
  }
}

await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve));
afterAll(async () => {
  await pool.close();
  await api.close();
  gate.close();
  gate.closeAllConnections();
});

let functions = 0;

/** A streaming function with this body, given `out` with a head of status 200, and `gate` to wait at. */
function streaming(body: string, more: Partial<RunnableFunction> = {}): RunnableFunction {
  return functionOf(
    `import { once } from 'node:events';
     const gate = () => fetch(process.env.GATE).then((answer) => answer.text());
     const open = (stream) => awslambda.HttpResponseStream.from(stream, {
       statusCode: 201, headers: { 'x-one': '1', 'Content-Length': '7' }, multiValueHeaders: { 'x-two': ['a', 'b'] } });
     export const handler = awslambda.streamifyResponse(async (event, stream) => { ${body} });`,
    more,
  );
}

function functionOf(code: string, more: Partial<RunnableFunction> = {}): RunnableFunction {
  const name = `f${functions++}`;
  const codeDirectory = join(folder, name);
  mkdirSync(codeDirectory);
  writeFileSync(join(codeDirectory, 'index.mjs'), code);
  const { port } = gate.address() as AddressInfo;
  const environment = {
    LAMBDA_TASK_ROOT: codeDirectory,
    _HANDLER: 'index.handler',
    GATE: `http://127.0.0.1:${port}/`,
  };
  return { name, arn: name, roleArn: name, codeDirectory, environment, timeout: 5000, memory: 128, ...more };
}

async function serve(of: RunnableFunction) {
  const trail = createTrail(Date.now);
  const entries: unknown[] = [];
  trail.subscribe((entry) => entries.push(entry.fields));
  const { authorize } = rulesOf();
  const credentials = createCredentialTable();
  const gateway = await startGateway(
    {
      authorize,
      credentials,
      trail,
      now: Date.now,
      invoke: (_call, _name, payload, sink) => pool.invoke(of, payload, sink),
    },
    {
      id: 'api',
      name: 'api',
      zone: 'public',
      stage: 'live',
      account: ACCOUNT,
      region: REGION,
      methods: [
        {
          httpMethod: 'GET',
          resourcePath: '/a',
          resourceId: 'a',
          authorization: { type: 'NONE' },
          functionArn: of.arn,
          streamed: true,
          timeout: undefined,
        },
      ],
      responses: new Map(),
      binary: false,
    },
  );
  onTestFinished(gateway.close);
  return { url: `${gateway.url}/a`, port: gateway.port, entries };
}

const warm = (of: RunnableFunction) => pool.invoke(of, Buffer.from('{}'));

describe('a streamed answer', () => {
  it('arrives in pieces, the first of them before the function has ended', async () => {
    const { url, entries } = await serve(
      streaming(
        `const out = open(stream); out.write('first,'); await gate(); out.write('second'); out.end();`,
      ),
    );
    const response = await fetch(url);
    const { status, headers } = response;
    expect([status, headers.get('x-one'), headers.get('x-two')]).toEqual([201, '1', 'a, b']);
    expect(response.headers.get('content-length')).toBeNull();
    const reader = response.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('first,');
    release();
    let rest = '';
    for (let piece = await reader?.read(); piece && !piece.done; piece = await reader?.read())
      rest += Buffer.from(piece.value).toString();
    expect(rest).toBe('second');
    expect(entries).toMatchObject([{ status: 201 }]);
  });

  it('has its head before any body, and may have no body', async () => {
    const { url } = await serve(
      streaming(`const out = open(stream); out.write(''); await gate(); out.end();`),
    );
    const response = await fetch(url);
    expect(response.status).toBe(201);
    release();
    expect(await response.text()).toBe('');
  });

  it('may be far larger than what Lambda answers at once', async () => {
    const { url } = await serve(
      streaming(`const out = open(stream);
        for (let i = 0; i < 128; i++) if (!out.write(Buffer.alloc(65536, i))) await once(out, 'drain');
        out.end();`),
    );
    const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
    expect([bytes.length, bytes[0], bytes.at(-1)]).toEqual([8 * 1024 * 1024, 0, 127]);
  });

  it.each([
    ['throws', `const out = open(stream); out.write('half'); throw new Error('a secret');`],
    ['exits', `const out = open(stream); out.write('half'); await gate(); process.exit(1);`],
  ])('is broken off where the function %s in the middle, and does not look whole', async (_, body) => {
    const { port, entries } = await serve(streaming(body));
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /a HTTP/1.1\r\nhost: a\r\n\r\n');
    socket.on('data', (chunk) => chunk.includes('half') && release());
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1.1 201 /);
    expect(answer).toContain('half');
    // The last chunk of a whole answer has no bytes (RFC 9112 7.1).
    expect(answer).not.toContain('\r\n0\r\n');
    expect(answer).not.toContain('secret');
    expect(entries).toMatchObject([{ status: 502 }]);
  });

  it.each([
    ['throws before it', `throw new Error('a secret');`],
    ['writes none', `stream.write('hello'); stream.end();`],
    ['writes one that is no JSON', `stream.write('{' + '\\0'.repeat(8) + 'hello'); stream.end();`],
    ['writes one with other members', `stream.write('{"a":1}' + '\\0'.repeat(8)); stream.end();`],
    ['writes one that does not end', `stream.write('x'.repeat(20000)); stream.end();`],
  ])('without a head is a 502: the function %s', async (_, body) => {
    const of = streaming(body);
    const { url } = await serve(of);
    const response = await fetch(url);
    expect([response.status, await response.json()]).toEqual([502, { message: 'Internal server error' }]);
    expect((await fetch(url)).status).toBe(502);
    expect(pool.running().filter((one) => one.function === of.name)).toHaveLength(1);
  });

  it('ends with the function’s timeout where the stream is not ended', async () => {
    const of = streaming(`const out = open(stream); out.write('half');`, { timeout: 300 });
    const { url } = await serve(of);
    const response = await fetch(url);
    await expect(response.text()).rejects.toThrow('terminated');
  });

  it('that nobody waited for is no failure of the function', async () => {
    const { port, entries } = await serve(
      streaming(`await gate(); const out = open(stream); out.write('hello'); await gate(); out.end();`),
    );
    const socket = connect(port, '127.0.0.1', () => socket.write('GET /a HTTP/1.1\r\nhost: a\r\n\r\n'));
    await vi.waitFor(() => expect(waiting).toHaveLength(1), PATIENCE);
    socket.destroy();
    await once(socket, 'close');
    release();
    release();
    await vi.waitFor(() => expect(entries).toMatchObject([{ status: 201 }]), PATIENCE);
  });

  it('that nobody reads any more does not hold the function', async () => {
    const of = streaming(`const out = open(stream);
      for (let i = 0; i < 64; i++) if (!out.write(Buffer.alloc(65536))) await once(out, 'drain');
      out.end();`);
    const { url } = await serve(of);
    const leave = new AbortController();
    await fetch(url, { signal: leave.signal });
    leave.abort();
    await pool.idle(of.name);
    expect(pool.running().find((one) => one.function === of.name)).toMatchObject({ busy: false });
  });

  it('is the payload, head and all, where a function is invoked without a response stream', async () => {
    const invoked = await warm(streaming(`const out = open(stream); out.write('hello'); out.end();`));
    expect(invoked.functionError).toBeUndefined();
    expect(invoked.payload.toString()).toMatch(/^\{"statusCode":201.*\}\0{8}hello$/);
  });

  it('is one an unwrapped function does not give', async () => {
    const { url } = await serve(
      functionOf(`export const handler = async () => ({ statusCode: 200, body: 'a' });`),
    );
    expect((await fetch(url)).status).toBe(502);
  });
});
