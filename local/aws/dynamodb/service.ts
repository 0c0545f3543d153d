import { create as createDomain } from 'node:domain';
import type { RequestListener } from 'node:http';
import { ZonesError } from '@helseid-zones/protocol/errors';
import dynalite from 'dynalite';
import * as v from 'valibot';
import { type Call, forwardCall } from '../call.ts';
import type { AwsContext } from '../context.ts';
import { notImplemented, type WireResponse, writeJsonError } from '../errors.ts';
import { listenWith } from '../http.ts';
import { useKey } from '../kms/keys.ts';
import { type Emulator, parseBody, parseInput } from '../operation.ts';
import type { WireRequest } from '../sigv4.ts';
import type { readTables } from '../template/resources.ts';

const TARGET = 'DynamoDB_20120810.';

/** Operations on one table. */
const ON_TABLE = ['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'Query', 'Scan', 'DescribeTable'];

/** Operations on several tables, each with its own permission. */
const ON_TABLES = ['BatchGetItem', 'BatchWriteItem'];

const batchSchema = v.looseObject({ RequestItems: v.record(v.string(), v.unknown()) });

const inputSchema = v.looseObject({ TableName: v.string(), IndexName: v.optional(v.string()) });

/** The tables of the template, and the folder of the items; in memory without one. */
type DynamoDbModel = ReturnType<typeof readTables> & { path?: string | undefined };

/**
 * DynamoDB: dynalite does the work, behind the same signatures and policies as every other call. Operations on one table
 * only, and no expiry: an item whose time has passed stays until somebody asks, which DynamoDB allows itself too (it takes days).
 * @throws {ZonesError} local_failed: dynalite refuses a table
 */
export async function startDynamoDb(model: DynamoDbModel, context: AwsContext): Promise<Emulator> {
  const { account, region, authorize, keys } = context;
  const tables = await startTables(model.tables, model.path);
  return {
    name: 'dynamodb',
    matches: ({ method, headers }) =>
      method === 'POST' && headers['x-amz-target']?.startsWith(TARGET) === true,
    operation: operationOf,
    async answer(request, call) {
      const operation = operationOf(request);
      if (![...ON_TABLE, ...ON_TABLES].includes(operation)) throw notImplemented(`dynamodb:${operation}`);
      const body = parseBody(request);
      const asked = ON_TABLES.includes(operation)
        ? Object.keys(parseInput(batchSchema, body, operation).RequestItems).map(
            (name) => [name, ''] as const,
          )
        : [tableAndIndex(parseInput(inputSchema, body, operation))];
      for (const [name, index] of asked) {
        const table = name.replace(/^arn:.*:table\//, '');
        const resource = `arn:aws:dynamodb:${region}:${account}:table/${table}${index}`;
        call.require({ action: `dynamodb:${operation}`, resource });
        // DynamoDB decrypts a table's key on behalf of whoever uses the table. It caches that for minutes; here it asks each time.
        useKey(keys, forwardCall(authorize, call, 'dynamodb.amazonaws.com'), model.tableKeys.get(table), {
          viaService: `dynamodb.${region}.amazonaws.com`,
          actions: ['kms:Decrypt'],
          encryptionContext: { 'aws:dynamodb:tableName': table, 'aws:dynamodb:subscriberId': account },
          refusal: { code: 'AccessDeniedException', message: "DynamoDB can't use the key of the table" },
        });
      }
      return forward(tables.url, request, call);
    },
    writeError: (error, requestId) => writeJsonError('1.0', error, requestId),
    close: tables.close,
  };
}

function tableAndIndex({ TableName, IndexName }: v.InferOutput<typeof inputSchema>) {
  return [TableName, IndexName === undefined ? '' : `/index/${IndexName}`] as const;
}

function operationOf({ headers }: WireRequest): string {
  return (headers['x-amz-target'] ?? '').slice(TARGET.length);
}

async function forward(url: string, { headers, body }: WireRequest, call: Call): Promise<WireResponse> {
  // dynalite wants to see a signature and does not look into it; the true one was verified before.
  const response = await askDynalite(url, headers['x-amz-target'] ?? '', Buffer.from(body));
  const { 'content-type': type = 'application/x-amz-json-1.0' } = Object.fromEntries(response.headers);
  return {
    status: response.status,
    headers: { 'content-type': type, 'x-amzn-requestid': call.requestId },
    body: await response.text(),
  };
}

/** A `CreateTable` input. */
export type TableDefinition = Readonly<Record<string, unknown>> & { readonly TableName: string };

/**
 * Starts dynalite over the LevelDB in `path` (in memory without one), on a port of the loopback that only this process talks to,
 * and makes the tables that are missing.
 * @throws {ZonesError} local_failed
 */
export async function startTables(definitions: readonly TableDefinition[], path?: string) {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, path });
  const [work] = server.listeners('request') as [RequestListener];
  server.removeAllListeners('request').on('request', answering(work));
  const { url, close } = await listenWith(server, 0, 'http');
  for (const definition of definitions)
    await createTable(url, definition).catch((cause) => close().finally(() => Promise.reject(cause)));
  return { url, close };
}

/** dynalite throws what LevelDB could not do (a damaged file, no room) where nobody can catch it: here it is the answer. */
function answering(work: RequestListener): RequestListener {
  return (request, response) => {
    const domain = createDomain();
    domain.on('error', ({ message }) => {
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'application/x-amz-json-1.0' });
      response.end(
        JSON.stringify({ __type: 'InternalServerError', message: `The tables failed: ${message}` }),
      );
    });
    // It works on once the request's body has ended.
    domain.add(request);
    domain.run(() => work(request, response));
  };
}

/**
 * Makes a table, unless dynalite has it.
 * @throws {ZonesError} local_failed
 */
export async function createTable(url: string, definition: TableDefinition): Promise<void> {
  const response = await askDynalite(url, 'DynamoDB_20120810.CreateTable', JSON.stringify(definition));
  const text = await response.text();
  if (!response.ok && !text.includes('ResourceInUseException'))
    throw new ZonesError(
      'local_failed',
      `dynalite refused table ${definition.TableName}: ${text} Where the state is damaged, --fresh begins anew.`,
    );
}

/** Sends dynalite a request with a signature that it does not look into. */
function askDynalite(url: string, target: string, body: string | Buffer<ArrayBuffer>): Promise<Response> {
  const headers = {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': target,
    'x-amz-date': '20260101T000000Z',
    authorization: 'AWS4-HMAC-SHA256 Credential=x/x, SignedHeaders=x, Signature=x',
  };
  return fetch(url, { method: 'POST', headers, body });
}
