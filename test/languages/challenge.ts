import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';

/** How each example is run without a Lambda: its handler, called once, in the folder of the example. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  python: ['python3', '-B', '-c', 'import handler; print(handler.handler({}, None))'],
  java: ['java', '-cp', 'target/lambda/lib/*', resolve(import.meta.dirname, 'Run.java')],
  go: [resolve('examples/languages/go/target/bootstrap')],
};

const DEADLINE = { 'lambda-runtime-deadline-ms': '4102444800000' };

/**
 * Runs an example against an API that wants a nonce, then refuses the token, then answers; or, where it `redirects`, sends it to another
 * host. Resolves to what the tokens function was asked, a request each time, what the example printed or answered, and what the
 * other host was sent. The AWS here is none: it answers `Invoke` with headers that are counted, and Go's program is given one event.
 */
export async function challenge(name: string, redirects = false) {
  const asked: Record<string, unknown>[] = [];
  const followed: unknown[] = [];
  let invoked = false;
  let posted = '';
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.url?.endsWith('/invocation/next')) {
      // There is no second event: the program waits for one until it is ended.
      if (!invoked) response.writeHead(200, { 'lambda-runtime-aws-request-id': '1', ...DEADLINE }).end('{}');
      invoked = true;
      return;
    }
    if (request.url?.includes('/invocation/1/')) {
      posted = Buffer.concat(await request.toArray()).toString();
      response.writeHead(202).end();
      child.kill();
      return;
    }
    if (request.url === '/elsewhere') followed.push(request.headers);
    if (request.url?.startsWith('/2015-03-31/functions/')) {
      asked.push(JSON.parse(Buffer.concat(await request.toArray()).toString()));
      response.end(
        JSON.stringify({
          authorization: `DPoP token${asked.length}`,
          dpop: `proof${asked.length}`,
          expires_in: 60,
        }),
      );
      return;
    }
    if (redirects && request.url !== '/elsewhere') {
      const location = url.replace('127.0.0.1', 'localhost');
      response.writeHead(302, { location: `${location}/elsewhere` }).end();
      return;
    }
    const { authorization, dpop } = request.headers;
    const error = { 1: 'use_dpop_nonce', 2: 'invalid_token' }[asked.length];
    const isLast = authorization === `DPoP token${asked.length}` && dpop === `proof${asked.length}`;
    if (error || !isLast) {
      response.writeHead(401, { 'www-authenticate': `DPoP error="${error}"`, 'dpop-nonce': 'nonce1' }).end();
    } else response.end('{"summary":"none"}');
  };
  const server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const [command = '', ...args] = COMMANDS[name] ?? [];
  const child = spawn(command, args, {
    cwd: resolve('examples/languages', name),
    env: {
      PATH: process.env['PATH'],
      AWS_REGION: 'eu-north-1',
      AWS_DEFAULT_REGION: 'eu-north-1',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'none',
      AWS_ENDPOINT_URL_LAMBDA: url,
      TOKENS_FUNCTION: 'tokens',
      SUMMARIES_API: url,
      AWS_LAMBDA_RUNTIME_API: new URL(url).host,
    },
    stdio: ['ignore', 'pipe', redirects ? 'ignore' : 'inherit'],
  });
  const said = Buffer.concat(await child.stdout.toArray()).toString();
  server.close();
  server.closeAllConnections();
  return { asked, said: said + posted, followed };
}
