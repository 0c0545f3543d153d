import { type AwsCaller, createAwsCaller, readAwsConfig } from '@helseid-zones/client/aws';
import { createTable, startTables } from '../../local/aws/dynamodb/service.ts';

/** DynamoDB in this process. */
export interface Dynamo {
  /** What a function's environment says of it. */
  env: Record<string, string>;
  aws: AwsCaller;
  /** Makes a table with the string key `pk`, as all of ours have. */
  createTable(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Starts a DynamoDB without tables. */
export async function startDynamo(): Promise<Dynamo> {
  const { url, close } = await startTables([]);
  const env = {
    AWS_REGION: 'eu-north-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_DYNAMODB: url,
  };
  return {
    ...{ env, close, aws: createAwsCaller(readAwsConfig(env)) },
    createTable: (TableName) =>
      createTable(url, {
        TableName,
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
  };
}
