import { ZonesError } from '@helseid-zones/protocol/errors';
import { type ClientRecord, parseRecord, type RecordOwner } from '@helseid-zones/protocol/record';
import { ageAt } from '@helseid-zones/protocol/values';
import { describeAwsError } from '../common/aws-error.ts';

/** How long a record that was read is used without reading it again, milliseconds. Rotation keeps old keys usable far longer. */
export const RECORD_TTL_MS = 30_000;

/** Reads the client record: from the cache while it is young, anew when asked to. */
export type ReadRecord = ReturnType<typeof createRecordReader>;

/**
 * Makes the reader of one client record. `readSecret` answers the secret's text; simultaneous reads share one call.
 * A failure is never cached, and an old record is never used in its place (I10). The reader throws:
 *
 * @throws {ZonesError} record_unavailable: the secret can't be read
 * @throws {ZonesError} record_invalid: it is not `owner`'s record
 */
export function createRecordReader(
  readSecret: () => Promise<string | undefined>,
  owner: RecordOwner,
  now: () => number,
) {
  let held: { record: ClientRecord; readAt: number } | undefined;
  let reading: Promise<ClientRecord> | undefined;

  const readAnew = async (): Promise<ClientRecord> => {
    const readAt = now();
    const text = await readSecret().catch((cause: unknown) => {
      const message =
        "The client record can't be read from Secrets Manager; check its endpoint and the signer's role, and retry.";
      throw new ZonesError('record_unavailable', message, { cause, facts: describeAwsError(cause) });
    });
    if (text === undefined)
      throw new ZonesError('record_invalid', 'The client record is a binary secret; it takes a string.');
    const record = parseRecord(text, owner);
    held = { record, readAt };
    return record;
  };

  return async ({ fresh = false }: { fresh?: boolean } = {}) => {
    const young = held && ageAt(now(), held.readAt) < RECORD_TTL_MS;
    if (!fresh && held && young) return { record: held.record, cached: true };
    reading ??= readAnew().finally(() => {
      reading = undefined;
    });
    return { record: await reading, cached: false };
  };
}
