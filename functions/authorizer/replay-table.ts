import type { DynamoTable } from '../common/dynamo.ts';
import type { ReplayCache } from './rules.ts';

/**
 * A replay cache on a DynamoDB table with the TTL attribute `expires`, shared by every instance. The write itself decides: of
 * two requests with one proof, one gets in. An item that has passed counts as gone, because DynamoDB may take days to drop it.
 * Throws what the table throws: without it nobody gets in.
 */
export function createReplayTable(table: DynamoTable, now: () => number): ReplayCache {
  return {
    claim(id, expires) {
      const when = 'attribute_not_exists(pk) OR #expires < :now';
      return table.put(id, { expires }, { when, values: { now: Math.floor(now()) } });
    },
  };
}
