import type { AddressInfo } from 'node:net';
import { type AwsCaller, createAwsCaller, readAwsConfig } from '@helseid-zones/client/aws';
import dynalite from 'dynalite';

/** DynamoDB in this process. */
export interface Dynamo {
  /** What a function's environment says of it. */
  env: Record<string, string>;
  aws: AwsCaller;
  /** Makes a table with the string key `pk`, as all of ours have. */
  createTable(name: string): Promise<void>;
  close(): void;
}

/** Starts a DynamoDB without tables. */
export async function startDynamo(): Promise<Dynamo> {
  const server = dynalite({ createTableMs: 0 });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const env = {
    AWS_REGION: 'eu-north-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${port}`,
  };
  const aws = createAwsCaller(readAwsConfig(env));
  return {
    env,
    aws,
    async createTable(name) {
      await aws.json({
        service: 'dynamodb',
        target: 'DynamoDB_20120810.CreateTable',
        repeatable: false,
        input: {
          TableName: name,
          KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
          AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
          BillingMode: 'PAY_PER_REQUEST',
        },
      });
    },
    close: () => void server.close(),
  };
}
