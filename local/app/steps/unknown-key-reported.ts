import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import type { TrailLine } from '../../aws/trail.ts';
import type { LocalSystem } from '../system.ts';
import { eventZone, needsEntries } from './facts.ts';
import { figureOf, runKeyWatch } from './run-key-watch.ts';
import { type Step, stepFailed } from './step.ts';

/** A key that somebody else has registered for the client is reported by the next hourly check, until it is removed (I3a). */
export const unknownKeyReported: Step = {
  name: 'unknown-key-reported',
  unfit(system) {
    if (system.standIns === undefined) return 'it registers a foreign key, which is for the stand-in only';
    return needsEntries(eventZone)(system) ?? needsList(system);
  },
  async run(system) {
    const { client } = eventZone(system).grant;
    const { clientId = '', issuer = '' } = system.declaration.clients[client] ?? {};
    const registry = system.standIns?.helseIds.get(issuer)?.registry;
    const { publicKey } = await generateKeyPair('ES256');
    const jwk = await exportJWK(publicKey);
    const kid = await calculateJwkThumbprint(jwk);
    registry?.register(clientId, { ...jwk, kid, alg: 'ES256', use: 'sig' }, 'Gui');
    const lines = await runKeyWatch(system).finally(() => registry?.remove(clientId, kid));
    const figure = figureOf(lines, client, 'UnknownKeys');
    if (!reports(lines, kid) || figure !== 1)
      throw stepFailed(`key-watch did not report the foreign key; UnknownKeys: ${figure}`);
    const after = figureOf(await runKeyWatch(system), client, 'UnknownKeys');
    if (after !== 0) throw stepFailed(`UnknownKeys is ${after} after the foreign key was removed`);
    return `KEY_UNKNOWN ${kid.slice(0, 8)}, UnknownKeys 1; removed: 0`;
  },
};

function needsList(system: LocalSystem): string | undefined {
  const { client } = eventZone(system).grant;
  return system.declaration.clients[client]?.selfService === undefined
    ? 'without a self-service API nobody can list the keys of a client'
    : undefined;
}

/** Whether the audit names the key as unknown. */
export function reports(lines: readonly TrailLine[], kid: string): boolean {
  return lines.some(({ fields }) => fields['code'] === 'KEY_UNKNOWN' && fields['kid'] === kid);
}
