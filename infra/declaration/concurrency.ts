import { ADMIN_FUNCTIONS } from './fields.ts';
import type { SystemDeclaration } from './schema.ts';

/** Reserved concurrency where a grant is derived: the admin zone's signers. */
const DERIVED = 10;

/** Batches of events that a zone's function works on at one time: what it reserves must be enough for them. */
export const EVENT_CONCURRENCY = 5;

/** Reserved concurrency of the signer of a grant; `undefined` where the system reserves none. */
export function signerConcurrency(
  system: SystemDeclaration,
  of: { zone: string; client: string },
): number | undefined {
  if (system.reservedConcurrency === 'none') return undefined;
  const declared = system.zones[of.zone]?.grants.find(({ client }) => client === of.client);
  return declared?.signerConcurrency ?? DERIVED;
}

/**
 * Reserved concurrency of a zone's function; `undefined` where it shares what the account has left. Rotation and key watch run
 * one at a time: two at once cost calls that come too late, and no key (test/rotation/model.test.ts).
 */
export function functionConcurrency(
  system: SystemDeclaration,
  zone: string,
  name: string,
): number | undefined {
  if (system.reservedConcurrency === 'none') return undefined;
  if (ADMIN_FUNCTIONS.some((own) => own === name)) return 1;
  return system.zones[zone]?.reservedConcurrency[name];
}
