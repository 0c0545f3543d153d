import { type AnySystem, connectZone } from '@helseid-zones/client';
import { openClientKeys } from '@helseid-zones/client/custody';

const zone = connectZone<AnySystem>();
const reporting = openClientKeys(zone, 'reporting');
const summaries = reporting.api('summaries');

/** By the schedule `rotate` makes the key or replaces it, and answers the public keys; by any other reads the day's summary. */
export const handler = async ({ resources }: { resources: readonly string[] }) => {
  if (resources[0]?.endsWith('-rotate')) return reporting.rotate();
  const { status } = await summaries('/v1/summaries/today', { signal: AbortSignal.timeout(15_000) });
  return { status };
};
