import { readFileSync } from 'node:fs';
import { createDynamoTable } from '../common/dynamo.ts';
import { readVariable } from '../common/environment.ts';
import { createLog } from '../common/log.ts';
import { wireApi } from '../common/zone-client.ts';
import { TablePersistence } from './persistence.ts';
import { createWorker } from './process.ts';

const config = readFileSync(new URL('./config.json', import.meta.url), 'utf8');
const { env } = process;
const documents = wireApi(config, env, 'documents');
const { system, zone } = documents;

/** Submits journal documents to the documents API: an EventBridge event a queue message. */
export const handler = createWorker({
  ...documents,
  persistence: new TablePersistence(createDynamoTable(documents.aws, readVariable(env, 'IDEMPOTENCY_TABLE'))),
  audit: createLog({ service: system, zone, env }).audit,
});
