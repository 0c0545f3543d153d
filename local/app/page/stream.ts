import type { ServerResponse } from 'node:http';
import type { KeyEntry } from '@helseid-zones/protocol/record';
import type { Trail, TrailLine } from '../../aws/trail.ts';
import { describeLine, type Names } from './describe-line.ts';

/** A client's keys as the page shows them. */
export interface ClientKeys {
  client: string;
  clientId: string;
  keys: readonly KeyEntry[];
  /** Why the record can't be read, where it can't. */
  problem?: string;
}

/** Lines that a page which has just been opened is shown. */
const RECENT = 120;

/** Operations after which keys may be in another state. */
const KEY_CHANGES = ['PutSecretValue', 'UpdateSecretVersionStage'];

/** What the stream is made from. */
export interface StreamDeps {
  trail: Trail;
  names: Names;
  keys(): readonly ClientKeys[];
}

/**
 * Sends server-sent events (HTML 9.2) until the browser goes away: `line` with a `LineView` for every line of the trail,
 * recent ones first, and `keys` with every client's keys, now and whenever a record changes.
 */
export function streamTrail({ trail, names, keys }: StreamDeps, response: ServerResponse): void {
  const send = (event: string, data: unknown) =>
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  const sendLine = (line: TrailLine) => {
    const view = describeLine(line, names);
    if (view !== undefined) send('line', view);
  };
  const now = keys();
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  send('keys', now);
  for (const line of trail.lines().slice(-RECENT)) sendLine(line);
  const stop = trail.subscribe((line) => {
    sendLine(line);
    if (KEY_CHANGES.includes(String(line.fields['operation']))) send('keys', keys());
  });
  response.on('close', stop);
}
