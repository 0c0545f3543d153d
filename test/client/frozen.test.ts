import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createApiFetch } from '@helseid-zones/client/api-fetch';
import { createAwsCaller } from '@helseid-zones/client/aws';
import { createRemoteSigner } from '@helseid-zones/client/invoke';
import { machineTokens } from '@helseid-zones/client/machine-token';
import { decodeJwt } from 'jose';
import { afterEach, expect, test } from 'vitest';
import { CREDENTIALS } from '../fakes/aws.ts';
import { API, makeWorld } from './make-client.ts';

// A Lambda function that nobody calls is frozen, and its sockets end meanwhile. Here this thread is, and the server has one of its own.
const SERVER = `
  const { createServer } = require('node:http');
  const { parentPort, workerData } = require('node:worker_threads');
  const seen = new Int32Array(workerData.shared);
  const sockets = new Set();
  const answer = JSON.stringify({ signatures: [{ jws: 'a.b.c', kid: 'k'.repeat(43), jkt: 'k'.repeat(43) }] });
  const server = createServer((request, response) => {
    Atomics.add(seen, 1, 1);
    request.resume().on('end', () => response.end(answer));
  });
  parentPort.on('message', () => {
    for (const socket of sockets) {
      if (workerData.end === 'closed') socket.destroy();
      else socket.removeAllListeners('data').pause();
    }
    Atomics.store(seen, 2, 1);
    Atomics.notify(seen, 2);
  });
  server.on('connection', (socket) => {
    Atomics.add(seen, 0, 1);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

let worker: Worker | undefined;
let url: string;
/** Connections, requests, and whether the sockets are dead. */
let seen: Int32Array;
async function start(end: string) {
  const shared = new SharedArrayBuffer(12);
  seen = new Int32Array(shared);
  worker = new Worker(SERVER, { eval: true, workerData: { shared, end } });
  const [port] = await once(worker, 'message');
  url = `http://127.0.0.1:${port}`;
}
afterEach(() => worker?.terminate());

test.each([
  ['closed', 5000],
  // What forgets a connection without a word, as a NAT gateway does: only time tells.
  ['forgotten', 200],
])(
  'after a freeze in which the socket was %s, a signer answers, at the cost of one retry at most',
  async (what, timeout) => {
    await start(what);
    const config = { region: 'eu-north-1', credentials: CREDENTIALS, endpoints: { lambda: url } };
    const aws = createAwsCaller(config, { timeout, attempts: 2 });
    const signer = createRemoteSigner({ aws, functionArn: 'arn' });
    const intent = { kind: 'client_assertion', client: 'journal', issuer: 'https://sts.test' } as const;
    await signer.sign([intent]);
    // The first answer is over and its socket kept; then this thread stands still until the sockets are dead.
    await new Promise(setImmediate);
    worker?.postMessage('end');
    expect(Atomics.wait(seen, 2, 0, 10_000)).not.toBe('timed-out');
    expect(await signer.sign([intent])).toHaveLength(1);
    // Each request reached it once.
    expect(seen[1]).toBe(2);
  },
);

test.each([2, 60, 600])(
  'after %i s of standing still, and a connection that died meanwhile, an API is called with a token that lives and a proof of now',
  async (seconds) => {
    const { client, issuer, api, network, clock } = await makeWorld();
    issuer.behaviour.expiresIn = 300;
    const call = createApiFetch(client, machineTokens(client, { scopes: ['documents/read'] }));
    expect((await call(`${API}/v1/a`)).status).toBe(200);
    // Long ago: the issuer's nonce is one that it no longer takes, too.
    clock.now += seconds * 1000;
    issuer.expireNonces();
    network.breakNext(1);
    // Issuer and API judge times by the clock that went on.
    expect((await call(`${API}/v1/b`)).status).toBe(200);
    expect(issuer.tokens.size).toBe(seconds < 300 ? 1 : 2);
    // Neither was sent with what is over.
    expect(api.requests).toHaveLength(2);
    const { iat = 0 } = decodeJwt(api.requests.at(-1)?.headers.get('dpop') ?? '');
    expect(Math.abs(iat - clock.now / 1000)).toBeLessThan(2);
  },
);
