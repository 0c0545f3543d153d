import type { Trail, TrailLine } from '../aws/trail.ts';
import { type OperatorDeps, readClientRecord, readJwk } from './client-record.ts';

/**
 * Stands for the person who registers keys in HelseID's portal: a key that a rotation waits for is registered at the stand-in, so
 * that `npm run keys -- verify` finds it there. Returns what ends it. Not for a system without stand-ins: there a real person does it.
 */
export function openPortal(deps: OperatorDeps, trail: Trail): () => void {
  return trail.subscribe((line) => {
    const waiting = readWaiting(line);
    if (waiting === undefined) return;
    register(deps, waiting).then(
      (fields) => trail.add({ kind: 'stand-in', fields: { service: 'portal', event: 'key', ...fields } }),
      (error: unknown) =>
        trail.add({
          kind: 'stand-in',
          fields: { service: 'portal', event: 'refused', detail: String(error) },
        }),
    );
  });
}

/** Whether a line says that a rotation waits for a key to be registered by hand, and which one. */
export function readWaiting({ kind, fields }: TrailLine): { client: string; kid: string } | undefined {
  const { code, client, kid } = fields;
  if (kind !== 'log' || code !== 'ROTATION_WAITS_FOR_REGISTRATION') return undefined;
  return typeof client === 'string' && typeof kid === 'string' ? { client, kid } : undefined;
}

async function register(deps: OperatorDeps, { client, kid }: { client: string; kid: string }) {
  const { clientId = '', issuer = '' } = deps.declaration.clients[client] ?? {};
  const key = (await readClientRecord(deps, client)).keys.find((entry) => entry.kid === kid);
  const helseId = deps.standIns?.helseIds.get(issuer);
  if (key === undefined || helseId === undefined) return { client: clientId, kid, detail: 'not registered' };
  helseId.registry.register(clientId, await readJwk(deps.aws, key), 'Gui');
  return { client: clientId, kid, detail: 'registered by hand' };
}
