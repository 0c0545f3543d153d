import type { Need } from '../authorize.ts';
import type { Call, Input } from '../call.ts';
import { AwsError, notImplemented } from '../errors.ts';
import { type WireResponse, writeJsonError } from '../json-protocol.ts';
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

/**
 * DynamoDB: dynalite does the work, behind the same signatures and policies as every other call. Operations on one table
 * only, and no expiry: an item whose time has passed stays until somebody asks, which DynamoDB allows itself too (it takes days).
 */
export function createDynamoDb(
  dynaliteUrl: string,
  { account, region }: { account: string; region: string },
): WireService {
  return {
    name: 'dynamodb',
    matches: ({ method, headers }) => method === 'POST' && (headers['x-amz-target'] ?? '').startsWith(TARGET),
    operation: operationOf,
    async answer(request, call) {
      call.require(needOf(request, `arn:aws:dynamodb:${region}:${account}:table/`));
      return forward(dynaliteUrl, request, call);
    },
    writeError: (error, requestId) => writeJsonError('1.0', error, requestId),
  };
}

function operationOf({ headers }: WireRequest): string {
  return (headers['x-amz-target'] ?? '').slice(TARGET.length);
}

function needOf(request: WireRequest, prefix: string): Need {
  const operation = operationOf(request);
  if (!ON_TABLE.has(operation)) throw notImplemented(`dynamodb:${operation}`);
  const { TableName, IndexName } = parse(request);
  if (typeof TableName !== 'string') {
    throw new AwsError('ValidationException', 'TableName must be a string');
  }
  const arn = TableName.startsWith('arn:') ? TableName : `${prefix}${TableName}`;
  const index = typeof IndexName === 'string' ? `/index/${IndexName}` : '';
  return { action: `dynamodb:${operation}`, resource: `${arn}${index}` };
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
