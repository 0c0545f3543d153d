import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTables, startDynamoDb } from '../../../../local/aws/dynamodb/service.ts';
import { newFolder } from '../../../temporary.ts';
import { ACCOUNT, answered, DATA_KEY, REGION, rulesOf, startAws } from '../harness.ts';

const model = {
  tables: [
    {
      TableName: 'sessions',
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    },
  ],
  tableKeys: new Map([['sessions', DATA_KEY]]),
};

async function start({ authorize, asked } = rulesOf()) {
  const route = { vpce: 'vpce-1' };
  const aws = await startAws((context) => startDynamoDb(model, context), { authorize, route });
  const call = (operation: string, input: object) =>
    aws.json('dynamodb', `DynamoDB_20120810.${operation}`, input);
  return { call, asked };
}

it('says of tables that it can’t open what to do, instead of ending the process', async () => {
  const path = newFolder();
  await (await openTables(model.tables, path)).close();
  writeFileSync(join(path, 'CURRENT'), '');
  await expect(openTables(model.tables, path)).rejects.toMatchObject({
    code: 'local_failed',
    message: expect.stringMatching(/table sessions: .*The tables failed.*--fresh begins anew/),
  });
});

it('has items of a table as soon as it is made', async () => {
  const { run, createTable, close } = await openTables([]);
  for (let n = 0; n < 20; n += 1) {
    const TableName = `table-${n}`;
    await createTable({ ...model.tables[0], TableName });
    const put = await run('PutItem', { TableName, Item: { pk: { S: 'a' } } });
    expect(put.status).toBe(200);
  }
  await close();
});

const item = { pk: { S: 'a' }, n: { N: '1' } };

describe('DynamoDB', () => {
  it("keeps items, and refuses a condition that does not hold with AWS's error", async () => {
    const { call, asked } = await start();
    const put = { TableName: 'sessions', Item: item, ConditionExpression: 'attribute_not_exists(pk)' };
    await call('PutItem', put);
    const stored = { TableName: 'sessions', Key: { pk: item.pk } };
    await expect(call('GetItem', stored)).resolves.toEqual({ Item: item });
    await expect(call('PutItem', put)).rejects.toThrow(answered('ConditionalCheckFailedException'));
    expect(asked[0]).toMatchObject({
      action: 'dynamodb:PutItem',
      resource: `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/sessions`,
    });
  });

  it.each(['dynamodb:PutItem', 'kms:Decrypt'])('denies without %s, and changes nothing', async (denied) => {
    let may = false;
    const { call } = await start(rulesOf(({ action }) => !may && action === denied));
    await expect(call('PutItem', { TableName: 'sessions', Item: item })).rejects.toThrow(
      answered('AccessDeniedException'),
    );
    may = true;
    await expect(call('GetItem', { TableName: 'sessions', Key: { pk: item.pk } })).resolves.toEqual({});
  });

  it('asks for the key of the table on behalf of the caller, without the endpoint', async () => {
    const { call, asked } = await start();
    await call('GetItem', { TableName: 'sessions', Key: { pk: item.pk } });
    expect(asked.map(({ action }) => action)).toEqual(['dynamodb:GetItem', 'kms:Decrypt']);
    expect(asked[0]?.context).toMatchObject({ 'aws:SourceVpce': 'vpce-1' });
    expect(asked[1]?.context).toMatchObject({
      'kms:ViaService': `dynamodb.${REGION}.amazonaws.com`,
      'kms:EncryptionContext:aws:dynamodb:tableName': 'sessions',
    });
    expect(asked[1]?.context).not.toHaveProperty('aws:SourceVpce');
  });

  it.each([
    ['no such table', 'GetItem', { TableName: 'nobody', Key: { pk: item.pk } }, 'ResourceNotFoundException'],
    ['one on several tables', 'TransactWriteItems', { TransactItems: [] }, 'NotImplementedException'],
    ['no table', 'GetItem', { Key: {} }, 'ValidationException'],
  ])("answers for %s in AWS's shape", async (_, operation, input, error) => {
    const { call } = await start();
    await expect(call(operation, input)).rejects.toMatchObject({ facts: { error } });
  });
});
