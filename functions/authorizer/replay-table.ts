import { randomUUID } from 'node:crypto';
import type { AwsCaller } from '@helseid-zones/client/aws';
import { isZonesError } from '@helseid-zones/protocol/errors';
import type { ReplayCache } from './rules.ts';

/**
 * A replay cache on a DynamoDB table with the string key `pk` and the TTL attribute `expires`, shared by every
 * instance. The write itself decides: of two requests with one proof, one gets in. Each claim has an id of its own, so that
 * one whose answer got lost is repeated and knows itself again. An item that has passed counts as gone, because DynamoDB
 * may take days to drop it. Throws what the caller throws: without the table nobody gets in.
 */
export function createReplayTable(aws: AwsCaller, table: string, now: () => number): ReplayCache {
  return {
    async claim(id, expires) {
      const own = { S: randomUUID() };
      try {
        await aws.json({
          service: 'dynamodb',
          target: 'DynamoDB_20120810.PutItem',
          repeatable: true,
          input: {
            TableName: table,
            Item: { pk: { S: id }, expires: { N: String(expires) }, claim: own },
            ConditionExpression: 'attribute_not_exists(pk) OR #expires < :now OR #claim = :own',
            ExpressionAttributeNames: { '#expires': 'expires', '#claim': 'claim' },
            ExpressionAttributeValues: { ':now': { N: String(Math.floor(now())) }, ':own': own },
          },
        });
        return true;
      } catch (error) {
        if (isZonesError(error, 'aws_refused') && error.facts['error'] === 'ConditionalCheckFailedException')
          return false;
        throw error;
      }
    },
  };
}
