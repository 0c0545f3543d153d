import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { create } from 'dynalite/db/index.js';
import { checkTypes, checkValidations, toLowerFirst } from 'dynalite/validations/index.js';
import * as v from 'valibot';
import { forwardCall } from '../call.ts';
import type { AwsContext } from '../context.ts';
import { notImplemented, writeJson } from '../errors.ts';
import { useKey } from '../kms/keys.ts';
import { type Emulator, jsonEmulator, parseBody, parseInput } from '../operation.ts';
import type { readTables } from '../template/resources.ts';

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
  const tables = await openTables(model.tables, model.path);
  const service = { name: 'dynamodb', target: 'DynamoDB_20120810', version: '1.0', operations: {} } as const;
  const emulator = jsonEmulator(service, tables.close);
  return {
    ...emulator,
    async answer(request, call) {
      const operation = emulator.operation(request);
      if (![...ON_TABLE, ...ON_TABLES].includes(operation)) throw notImplemented(`dynamodb:${operation}`);
      const body = parseBody(request);
      const { names, index } = ON_TABLES.includes(operation)
        ? { names: Object.keys(parseInput(batchSchema, body, operation).RequestItems), index: '' }
        : tableAndIndex(parseInput(inputSchema, body, operation));
      for (const name of names) {
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
      const { status, output } = await tables.run(operation, body);
      return writeJson(service.version, status, output, call.requestId);
    },
  };
}

function tableAndIndex({ TableName, IndexName }: v.InferOutput<typeof inputSchema>) {
  return { names: [TableName], index: IndexName === undefined ? '' : `/index/${IndexName}` };
}

/** A `CreateTable` input. */
export type TableDefinition = Readonly<Record<string, unknown>> & { readonly TableName: string };

const failureSchema = v.object({ statusCode: v.number(), body: v.looseObject({ __type: v.string() }) });

/**
 * Opens dynalite's LevelDB in `path` (in memory without one), and makes the tables that are missing. Its operations are called,
 * not its server: that throws what LevelDB could not do (a damaged file, no room) where nobody can catch it.
 * @throws {ZonesError} local_failed
 */
export async function openTables(definitions: readonly TableDefinition[], path?: string) {
  const store = create({ createTableMs: 0, deleteTableMs: 0, path });

  /** Does an operation, with `input` to keep: the status and the output that DynamoDB answers, or its error. */
  async function run(operation: string, input: object): Promise<{ status: number; output: object }> {
    try {
      const name = toLowerFirst(operation);
      const { default: shape } = await import(`dynalite/validations/${name}.js`);
      const { default: act } = await import(`dynalite/actions/${name}.js`);
      const checked = checkTypes(input, shape.types);
      checkValidations(checked, shape.types, shape.custom, store);
      return { status: 200, output: await promisify(act)(store, checked) };
    } catch (error) {
      if (v.is(failureSchema, error)) return { status: error.statusCode, output: error.body };
      const message = `The tables failed: ${String(Object(error).message)}`;
      return { status: 500, output: { __type: 'InternalServerError', message } };
    }
  }

  /** Makes a table, unless there is one, and waits until it takes items, which dynalite has it do a moment later. */
  async function createTable(definition: TableDefinition): Promise<void> {
    const { TableName } = definition;
    const made = await run('CreateTable', structuredClone(definition));
    const text = JSON.stringify(made.output);
    const failed = (why: string) =>
      new ZonesError('local_failed', `dynalite ${why} Where the state is damaged, --fresh begins anew.`);
    if (made.status !== 200 && !text.includes('ResourceInUseException'))
      throw failed(`refused table ${TableName}: ${text}`);
    for (let tries = 0; tries < 5_000; tries += 1) {
      const { output } = await run('DescribeTable', { TableName });
      if (JSON.stringify(output).includes('"TableStatus":"ACTIVE"')) return;
      await setTimeout(1);
    }
    throw failed(`made table ${TableName}, which takes no items yet.`);
  }

  // Of one that could not be opened there is nothing to close.
  const close = () => store.lifecycleManager.gracefulClose().catch(() => {});
  for (const definition of definitions)
    await createTable(definition).catch((cause) => close().finally(() => Promise.reject(cause)));
  return { run, createTable, close };
}
