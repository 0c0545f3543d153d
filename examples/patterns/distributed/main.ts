import { createServer } from 'node:http';
import { isZonesError } from '@helseid-zones/client';
import { type Journal, type Key, openJournal, readSettings, type Settings } from '../journal.ts';
import { readKey } from './key.ts';

// Distributed software within one closed network: a service for the public, in a cluster. Every pod mounts the key, which is a
// Kubernetes secret; it may change under a pod that runs (kubernetes.yaml).

/** Opens the service in one pod; the others have the same mount. */
export const openService = (settings: Settings, key: Key): Promise<Journal> => openJournal(key, settings);

/** Behind the cluster's ingress. `/healthz` tells whether the key can be read, and nothing about it. */
export function serve(journal: Journal, port: number) {
  const server = createServer(async (request, response) => {
    const answer = async (): Promise<string> => {
      if (request.method !== 'GET') return '405';
      if (request.url === '/healthz') return (await journal.custody.publicKeys()).length > 0 ? '204' : '503';
      return request.url === '/summary' ? journal.call() : '404';
    };
    const [status = '503', ...body] = await answer()
      .catch((error) => {
        console.error(isZonesError(error) ? error.code : error);
        return '503';
      })
      .then((text) => text.split(' '));
    response.writeHead(Number(status), { 'cache-control': 'no-store' }).end(body.join(' '));
  });
  return server.listen(port);
}

if (import.meta.main) {
  const { env } = process;
  const journal = await openService(readSettings(env), readKey(env));
  const server = serve(journal, Number(env['PORT'] ?? 8080));
  process.on('SIGTERM', () => server.close());
}
