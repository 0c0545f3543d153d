import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { ClientRecord } from '@helseid-zones/protocol/record';
import { changeOwner, wasRegistered } from '@helseid-zones/protocol/record-states';
import { required } from '@helseid-zones/protocol/required';
import {
  findInState,
  type OperatorDeps,
  readClientRecord,
  readJwk,
  rotateClientKey,
} from './client-record.ts';

/** What became of a client's key. */
export type ClientKey = Awaited<ReturnType<typeof bootstrapKey>>;

/**
 * Has a current key for every client, by the path that every later key takes too: the operator rotates the client's record; the
 * rotation function makes a key and waits for its registration; the operator registers the public key (at the stand-in, as a
 * person does in HelseID's portal) and rotates again. Without stand-ins it stops at `created`, and takes up there at the next start;
 * whatever the declared issuer says, the public key is there to be registered.
 *
 * @throws {ZonesError} local_failed: the message names the step that failed
 */
export async function bootstrapKeys(deps: OperatorDeps): Promise<ClientKey[]> {
  const keys: ClientKey[] = [];
  // One after the other: the rotation function works on one client at a time.
  for (const client of Object.keys(deps.declaration.clients)) keys.push(await bootstrapKey(deps, client));
  return keys;
}

async function bootstrapKey(deps: OperatorDeps, client: string) {
  const { clientId, issuer, algorithm } = required(deps.declaration.clients[client], `Client ${client}`);
  let record = await readClientRecord(deps, client);
  requireOwner(record, { clientId, issuer });
  let problem: string | undefined;
  if (findInState(record, 'current') === undefined) {
    await rotateClientKey(deps, client).catch((error: unknown) => {
      if (deps.standIns !== undefined || !isZonesError(error, 'local_failed')) throw error;
      problem = error.message;
    });
    // As functions read it: keys that were made for another registration are retired for them, whether that was written or not.
    const owner = { client, clientId, issuer };
    record = changeOwner(await readClientRecord(deps, client), owner, Math.floor(Date.now() / 1000));
  }
  const key = findInState(record, 'current') ?? findInState(record, 'created') ?? record.keys.at(-1);
  if (key === undefined) {
    throw new ZonesError(
      'local_failed',
      problem ??
        `Rotation made no key for client ${client} (${algorithm}); the log of the rotation function says why.`,
    );
  }
  const { kid, keyArn, state } = key;
  return {
    ...{ client, clientId, issuer, kid, keyArn, state },
    /** The public key, with `kid` and `alg`: what is registered at the issuer. */
    jwk: await readJwk(deps.aws, key),
    /** Why the key has come no further, where that is a failure: a declared issuer that does not answer, say. */
    problem,
  };
}

/**
 * Makes sure that a record is of the declared registration: every function would refuse another.
 *
 * @throws {ZonesError} local_failed: the record that the state has is another registration's, of a start with other ports for the stand-ins or of
 * another declaration, and its keys have been registered there
 */
export function requireOwner(
  record: Partial<ClientRecord>,
  owner: Pick<ClientRecord, 'clientId' | 'issuer'>,
): void {
  if (record.keys?.some(wasRegistered) === false) return;
  for (const member of ['issuer', 'clientId'] as const) {
    const kept = record[member];
    if (kept !== undefined && kept !== owner[member])
      throw new ZonesError(
        'local_failed',
        `The state here was made for ${member} ${kept}, and the declaration now has ${owner[member]}. Start with the ports and declaration it was made with, begin anew with --fresh (not with --no-stand-in), or choose another folder with --directory.`,
      );
  }
}
