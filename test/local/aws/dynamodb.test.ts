import { describe, expect, it, onTestFinished } from 'vitest';
import { createAwsCaller } from '../../../client/aws.ts';
import { createDynamoDb } from '../../../local/aws/dynamodb/service.ts';
import { startTables } from '../../../local/aws/dynamodb/tables.ts';
import { ACCOUNT, REGION, rulesOf, startAws } from './harness.ts';

async function start(rules = rulesOf()) {
  const tables = await startTables([
    {
      TableName: 'sessions',
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    },
  ]);
  const aws = await startAws([createDynamoDb(tables.url, { account: ACCOUNT, region: REGION })], rules);
  onTestFinished(async () => {
    await aws.close();
    await tables.close();
  });
  const caller = createAwsCaller(
    { region: REGION, credentials: aws.config.credentials, endpoints: { dynamodb: aws.url } },
    { attempts: 1 },
  );
  const call = (operation: string, input: object) =>
    caller.json({ service: 'dynamodb', target: `DynamoDB_20120810.${operation}`, input, repeatable: false });
  return { call, asked: rules.asked };
}

const item = { pk: { S: 'a' }, n: { N: '1' } };

describe('DynamoDB', () => {
  it("keeps items, and refuses a condition that does not hold with AWS's error", async () => {
    const { call, asked } = await start();
    const put = { TableName: 'sessions', Item: item, ConditionExpression: 'attribute_not_exists(pk)' };
    await call('PutItem', put);
    await expect(call('GetItem', { TableName: 'sessions', Key: { pk: item.pk } })).resolves.toEqual({
      Item: item,
    });
    await expect(call('PutItem', put)).rejects.toMatchObject({
      facts: { error: 'ConditionalCheckFailedException' },
    });
    expect(asked[0]).toMatchObject({
      action: 'dynamodb:PutItem',
      resource: `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/sessions`,
    });
  });

  it('denies whoever may not, and changes nothing', async () => {
    const { call } = await start(rulesOf(({ action }) => action === 'dynamodb:PutItem'));
    await expect(call('PutItem', { TableName: 'sessions', Item: item })).rejects.toMatchObject({
      facts: { error: 'AccessDeniedException' },
    });
    await expect(call('GetItem', { TableName: 'sessions', Key: { pk: item.pk } })).resolves.toEqual({});
  });

  it.each([
    [
      'an unknown table',
      'GetItem',
      { TableName: 'nobody', Key: { pk: item.pk } },
      'ResourceNotFoundException',
    ],
    [
      'an operation on several tables',
      'TransactWriteItems',
      { TransactItems: [] },
      'NotImplementedException',
    ],
    ['no table', 'GetItem', { Key: {} }, 'ValidationException'],
  ])("answers for %s in AWS's shape", async (_, operation, input, error) => {
    const { call } = await start();
    await expect(call(operation, input)).rejects.toMatchObject({ facts: { error } });
  });
});
