import { readFileSync } from 'node:fs';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { createDynamoTable } from '../common/dynamo.ts';
import { createLog } from '../common/log.ts';
import { wireApi } from '../common/zone-client.ts';
import { TablePersistence } from './persistence.ts';
import { createWorker } from './process.ts';
import { submitDocument } from './submit.ts';

const { IDEMPOTENCY_TABLE: table } = process.env;
if (!table)
  throw new ZonesError('config_invalid', 'The variable IDEMPOTENCY_TABLE is missing; deploy once more.');

const config = readFileSync(new URL('./config.json', import.meta.url), 'utf8');
const documents = wireApi(config, process.env, 'documents');
const { system, zone } = documents;

/** Submits journal documents to the documents API: an EventBridge event a queue message. */
export const handler = createWorker({
  submit: (event) => submitDocument(documents, event),
  persistence: new TablePersistence(createDynamoTable(documents.aws, table)),
  audit: createLog({ service: system, zone, env: process.env }).audit,
});
