import type { Trail, TrailLine } from '../aws/trail.ts';
import { type OperatorDeps, readClientRecord, registerByHand } from './client-record.ts';

/**
 * Stands for the person who registers keys in HelseID's portal: a key that a rotation waits for is registered at the stand-in, so
 * that `npm run keys -- verify` finds it there. Returns what ends it. Not for a system without stand-ins: there a real person does it.
 */
export function openPortal(deps: OperatorDeps, trail: Trail): () => void {
  const note = (fields: Record<string, string>) =>
    trail.add({ kind: 'stand-in', fields: { service: 'portal', ...fields } });
  return trail.subscribe((line) => {
    const { client, kid } = readWaiting(line) ?? {};
    if (client === undefined || kid === undefined) return;
    readClientRecord(deps, client)
      .then(({ keys }) =>
        registerByHand(
          deps,
          client,
          keys.find((key) => key.kid === kid),
        ),
      )
      .then(
        (done) => note({ event: 'key', client, kid, detail: done ? 'registered by hand' : 'not registered' }),
        (error: unknown) => note({ event: 'refused', detail: String(error) }),
      );
  });
}

/** Whether a line says that a rotation waits for a key to be registered by hand, and which one. */
export function readWaiting({ kind, fields }: TrailLine): { client: string; kid: string } | undefined {
  const { code, client, kid } = fields;
  if (kind !== 'log' || code !== 'ROTATION_WAITS_FOR_REGISTRATION') return undefined;
  return typeof client === 'string' && typeof kid === 'string' ? { client, kid } : undefined;
}
