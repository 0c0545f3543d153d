import type { Authorize, Need } from '../authorize.ts';
import { type Call, forwardCall, type Input } from '../call.ts';
import { AwsError, notImplemented } from '../errors.ts';
import { type WireResponse, writeJsonError } from '../json-protocol.ts';
import type { KeyStore } from '../kms/keys.ts';
import { useKey, withKmsErrorAs } from '../kms/use-key.ts';
import type { WireService } from '../service.ts';
import type { WireRequest } from '../sigv4.ts';

const TARGET = 'DynamoDB_20120810.';

/** Operations on one table; the value is the member that names it. */
const ON_TABLE = new Set([
  'GetItem',
  'PutItem',
  'UpdateItem',
  'DeleteItem',
  'Query',
  'Scan',
  'DescribeTable',
]);

/** What DynamoDB needs. */
export interface DynamoDbDeps {
  /** dynalite's. */
  tablesUrl: string;
  /** Table to the key that encrypts it. */
  tableKeys: ReadonlyMap<string, string>;
  keys: KeyStore;
  authorize: Authorize;
  account: string;
  region: string;
}

/**
 * DynamoDB: dynalite does the work, behind the same signatures and policies as every other call. Operations on one table
 * only, and no expiry: an item whose time has passed stays until somebody asks, which DynamoDB allows itself too (it takes days).
 */
export function createDynamoDb(deps: DynamoDbDeps): WireService {
  return {
    name: 'dynamodb',
    matches: ({ method, headers }) => method === 'POST' && (headers['x-amz-target'] ?? '').startsWith(TARGET),
    operation: operationOf,
    async answer(request, call) {
      const table = tableOf(request);
      call.require(needOf(deps, request, table));
      useTableKey(deps, call, table);
      return forward(deps.tablesUrl, request, call);
    },
    writeError: (error, requestId) => writeJsonError('1.0', error, requestId),
  };
}

function operationOf({ headers }: WireRequest): string {
  return (headers['x-amz-target'] ?? '').slice(TARGET.length);
}

/** Name of the table that a request is about, which may name it by its ARN. Throws `NotImplementedException`, `ValidationException`. */
function tableOf(request: WireRequest): string {
  const operation = operationOf(request);
  if (!ON_TABLE.has(operation)) throw notImplemented(`dynamodb:${operation}`);
  const { TableName } = parse(request);
  if (typeof TableName !== 'string') {
    throw new AwsError('ValidationException', 'TableName must be a string');
  }
  return TableName.replace(/^arn:.*:table\//, '');
}

function needOf({ account, region }: DynamoDbDeps, request: WireRequest, table: string): Need {
  const { IndexName } = parse(request);
  const index = typeof IndexName === 'string' ? `/index/${IndexName}` : '';
  const resource = `arn:aws:dynamodb:${region}:${account}:table/${table}${index}`;
  return { action: `dynamodb:${operationOf(request)}`, resource };
}

/** DynamoDB decrypts a table's key on behalf of whoever uses the table. It caches that for minutes; here it asks each time. */
function useTableKey(
  { keys, tableKeys, authorize, account, region }: DynamoDbDeps,
  call: Call,
  table: string,
) {
  const keyId = tableKeys.get(table);
  if (keyId === undefined) return;
  withKmsErrorAs('AccessDeniedException', "DynamoDB can't use the key of the table", () =>
    useKey(keys, forwardCall(authorize, call, 'dynamodb.amazonaws.com'), keyId, {
      viaService: `dynamodb.${region}.amazonaws.com`,
      actions: ['kms:Decrypt'],
      encryptionContext: { 'aws:dynamodb:tableName': table, 'aws:dynamodb:subscriberId': account },
    }),
  );
}

function parse({ body }: WireRequest): Input {
  try {
    return JSON.parse(Buffer.from(body).toString()) as Input;
  } catch {
    throw new AwsError('SerializationException', 'The request body is not JSON');
  }
}

async function forward(url: string, { headers, body }: WireRequest, call: Call): Promise<WireResponse> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': headers['x-amz-target'] ?? '',
      // dynalite wants to see a signature and does not look into it; the true one was verified before.
      'x-amz-date': headers['x-amz-date'] ?? '',
      authorization: headers['authorization'] ?? '',
    },
    body: Buffer.from(body),
  });
  return {
    status: response.status,
    headers: {
      'content-type': response.headers.get('content-type') ?? 'application/x-amz-json-1.0',
      'x-amzn-requestid': call.requestId,
    },
    body: await response.text(),
  };
}
