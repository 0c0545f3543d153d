import type { AwsCaller } from '../../client/aws.ts';
import { isZonesError } from '../../client/errors.ts';
import type { ReplayCache } from './rules.ts';

/**
 * A replay cache on a DynamoDB table with the string key `pk` and the TTL attribute `expires`, shared by every
 * instance. The write itself decides: of two requests with one proof, one gets in. An item that has passed counts as
 * gone, because DynamoDB may take days to drop it. Throws what the caller throws: without the table nobody gets in.
 */
export function createReplayTable(aws: AwsCaller, table: string, now: () => number): ReplayCache {
  return {
    async claim(id, expires) {
      try {
        await aws.json({
          service: 'dynamodb',
          target: 'DynamoDB_20120810.PutItem',
          // A lost answer is not repeated: the second try would meet the first and call an honest proof replayed.
          repeatable: false,
          input: {
            TableName: table,
            Item: { pk: { S: id }, expires: { N: String(expires) } },
            ConditionExpression: 'attribute_not_exists(pk) OR #expires < :now',
            ExpressionAttributeNames: { '#expires': 'expires' },
            ExpressionAttributeValues: { ':now': { N: String(Math.floor(now())) } },
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
