import type { KeyEntry } from '@helseid-zones/protocol/record';
import { ROTATION_STEPS } from '../../aws/secrets/rotation.ts';
import type { TrailLine } from '../../aws/trail.ts';
import { findInState, readClientRecord, rotateClientKey } from '../client-record.ts';
import type { LocalSystem } from '../system.ts';
import { stepFailed } from './step.ts';

/** A key that was replaced, and by which one. */
export interface Replacement {
  old: KeyEntry;
  current: KeyEntry;
}

/**
 * Has a client's key replaced by the deployed rotation function, which Secrets Manager invokes for its four steps. Throws where a
 * step is missing, the old key is not retiring, or the issuer has not accepted the new one.
 */
export async function replaceKey(system: LocalSystem, client: string): Promise<Replacement> {
  const lines: TrailLine[] = [];
  const before = findInState(await readClientRecord(system, client), 'current');
  const stop = system.trail.subscribe((line) => lines.push(line));
  const after = await rotateClientKey(system, client).finally(stop);
  const current = findInState(after, 'current');
  if (before === undefined || current === undefined || current.kid === before.kid)
    throw stepFailed('there is no new current key');
  const old = after.keys.find(({ kid }) => kid === before.kid);
  if (old?.state !== 'retiring')
    throw stepFailed(`the replaced key is ${old?.state ?? 'gone'}, not retiring`);
  const missing = missingSteps(lines);
  if (missing.length > 0) throw stepFailed(`the rotation function did not get through ${missing.join(', ')}`);
  if (system.standIns !== undefined && !isAccepted(lines, current.kid))
    throw stepFailed('the issuer has not accepted the new key');
  return { old, current };
}

/** The steps of a rotation that the trail does not show as done. */
export function missingSteps(lines: readonly TrailLine[]): string[] {
  const done = lines
    .filter(({ kind, fields }) => kind === 'platform' && fields['event'] === 'rotation' && !fields['error'])
    .map(({ fields }) => fields['step']);
  return ROTATION_STEPS.filter((step) => !done.includes(step));
}

/** Whether the issuer gave a token to a client that authenticated with this key. */
export function isAccepted(lines: readonly TrailLine[], kid: string): boolean {
  return lines.some(
    ({ kind, fields }) => kind === 'stand-in' && fields['event'] === 'token' && fields['kid'] === kid,
  );
}

/** Names of the signers that made a client assertion with this key. */
export function assertionSigners(lines: readonly TrailLine[], kid: string): Set<string> {
  return new Set(
    lines.flatMap(({ function: name, fields }) =>
      name !== undefined &&
      fields['code'] === 'signed' &&
      fields['kind'] === 'client_assertion' &&
      fields['kid'] === kid
        ? [name]
        : [],
    ),
  );
}
