import { ZonesError } from '@helseid-zones/protocol/errors';
import dynalite from 'dynalite';
import { listenWith } from '../http.ts';

/** A `CreateTable` input. */
export type TableDefinition = Readonly<Record<string, unknown>> & { readonly TableName: string };

/**
 * Starts dynalite over the LevelDB in `path` (in memory without one), on a port of the loopback that only this process talks to,
 * and makes the tables that are missing.
 * @throws {ZonesError} local_failed
 */
export async function startTables(definitions: readonly TableDefinition[], path?: string) {
  const { url, close } = await listenWith(dynalite({ createTableMs: 0, deleteTableMs: 0, path }), 0, 'http');
  for (const definition of definitions) await createTable(url, definition);
  return { url, close };
}

/**
 * Makes a table, unless dynalite has it.
 * @throws {ZonesError} local_failed
 */
export async function createTable(url: string, definition: TableDefinition): Promise<void> {
  const response = await askDynalite(url, 'DynamoDB_20120810.CreateTable', JSON.stringify(definition));
  const text = await response.text();
  if (!response.ok && !text.includes('ResourceInUseException')) {
    throw new ZonesError('local_failed', `dynalite refused table ${definition.TableName}: ${text}`);
  }
}

/** Sends dynalite a request with a signature that it does not look into. */
export function askDynalite(
  url: string,
  target: string,
  body: string | Buffer<ArrayBuffer>,
): Promise<Response> {
  const headers = {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': target,
    'x-amz-date': '20260101T000000Z',
    authorization: 'AWS4-HMAC-SHA256 Credential=x/x, SignedHeaders=x, Signature=x',
  };
  return fetch(url, { method: 'POST', headers, body });
}
