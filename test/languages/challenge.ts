import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';

/** How each example is run without a Lambda: its handler, called once, in the folder of the example. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  python: ['python3', '-B', '-c', 'import handler; print(handler.handler({}, None))'],
  java: [...['java', '-cp', 'target/lambda/lib/*', resolve(import.meta.dirname, 'Run.java')]],
};

/** Whether an example's handler can be called without a Lambda: Go's is in a program that asks the Runtime API. */
export const canBeChallenged = (name: string) => Object.hasOwn(COMMANDS, name);

/**
 * Runs an example against an API that wants a nonce, then refuses the token, then answers. Resolves to what the tokens function was asked, a
 * request each time, and what the example printed. The AWS here is none: it answers `Invoke` with headers that are counted.
 */
export async function challenge(name: string): Promise<{ asked: Record<string, unknown>[]; said: string }> {
  const asked: Record<string, unknown>[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
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
      ...{ PATH: process.env['PATH'], AWS_REGION: 'eu-north-1', AWS_DEFAULT_REGION: 'eu-north-1' },
      ...{ AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'none', AWS_ENDPOINT_URL_LAMBDA: url },
      ...{ TOKENS_FUNCTION: 'tokens', SUMMARIES_API: url },
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = Buffer.concat(await child.stdout.toArray()).toString();
  server.close();
  return { asked, said };
}
