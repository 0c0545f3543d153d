import { type AwsCaller, createAwsCaller, readAwsConfig } from '@helseid-zones/client/aws';
import { openTables } from '../../local/aws/dynamodb/service.ts';
import { listen, readBody } from '../../local/aws/http.ts';

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
  const tables = await openTables([]);
  const server = await listen(async (request, response) => {
    const operation = String(request.headers['x-amz-target']).replace('DynamoDB_20120810.', '');
    const input = JSON.parse(String(await readBody(request, 2 ** 24)));
    const { status, output } = await tables.run(operation, input);
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify(output));
  });
  const env = {
    AWS_REGION: 'eu-north-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_DYNAMODB: server.url,
  };
  return {
    env,
    aws: createAwsCaller(readAwsConfig(env)),
    createTable: (TableName) =>
      tables.createTable({
        TableName,
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    close: () => server.close().then(tables.close),
  };
}
