import { type AnySystem, connectZone } from '@helseid-zones/client/connect-zone';
import { createDynamoTable } from '../common/dynamo.ts';
import { TablePersistence } from './persistence.ts';
import { createWorker } from './process.ts';

// Of several declarations, not of zones.ts alone: so its names are not held against that one.
const zone = connectZone<AnySystem>();

/** Submits journal documents to the documents API: an EventBridge event a queue message. */
export const handler = createWorker({
  documents: (organization) => zone.api('documents', { organization }),
  persistence: new TablePersistence(createDynamoTable(zone.aws, zone.variable('IDEMPOTENCY_TABLE'))),
  audit: zone.log.audit,
});
