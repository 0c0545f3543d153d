import { ADMIN_FUNCTIONS } from './fields.ts';
import type { SystemDeclaration } from './schema.ts';

/** Reserved concurrency where nothing is declared, as of the admin zone's signers, whose grants are derived. */
const DEFAULT = 10;

/** Seconds that an invocation with one signature takes: KMS's eight milliseconds and the signer's own (docs/performance.md). */
const SIGNING_TIME = 0.01;

/** Batches of events that a zone's function works on at one time: what it reserves must be enough for them. */
export const EVENT_CONCURRENCY = 5;

/**
 * Reserved concurrency of the signer of a grant; `undefined` where the system reserves none. As many as are under way at a time
 * when the declared signatures a second are made (Little's law).
 */
export function signerConcurrency(system: SystemDeclaration, of: { zone: string; client: string }) {
  if (system.reservedConcurrency === 'none') return undefined;
  const declared = system.zones[of.zone]?.grants.find(({ client }) => client === of.client);
  const { signerConcurrency, signaturesPerSecond } = declared ?? {};
  return signerConcurrency ?? (signaturesPerSecond ? Math.ceil(signaturesPerSecond * SIGNING_TIME) : DEFAULT);
}

/**
 * Reserved concurrency of a zone's function; `undefined` where it shares what the account has left. Rotation and key watch run
 * one at a time: two at once cost calls that come too late, and no key (test/rotation/model.test.ts).
 */
export function functionConcurrency(system: SystemDeclaration, zone: string, name: string) {
  if (system.reservedConcurrency === 'none') return undefined;
  if (ADMIN_FUNCTIONS.some((own) => own === name)) return 1;
  return system.zones[zone]?.reservedConcurrency[name];
}
