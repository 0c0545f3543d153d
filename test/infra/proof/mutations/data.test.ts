import { expect, test } from 'vitest';
import { resolveAssembly } from '../../../../infra/proof/assembly/resolve.ts';
import { readInput } from '../../../../infra/proof/read-input.ts';
import { ownDataOnly } from '../../../../infra/proof/rules/data/stores.ts';
import system from '../../../one-client.zones.ts';
import { arn, find, gives, mutations, PUBLIC, sets, setsVariables } from '../mutate.ts';
import { oneClient } from '../one-client.ts';

const otherZoneKey = resolveAssembly(oneClient).resources.find(
  ({ stack, type }) => stack === PUBLIC && type === 'AWS::KMS::Key',
)?.arn;

mutations('properties-are-understood', {
  'signing: a record in two regions': sets('Recordjournal', { ReplicaRegions: [{ Region: 'eu-west-1' }] }),
  'signing: a record under AWS’s key': (r) => void delete find(r, 'Recordjournal').Properties.KmsKeyId,
  'signing: an alarm topic without a key': sets('AlarmsTopic3', { KmsMasterKeyId: undefined }),
  'internal: an alarm topic under another zone’s key': sets('AlarmsTopic3', { KmsMasterKeyId: otherZoneKey }),
  'internal: a stream of a table': sets('Tableidempotency', {
    StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
  }),
  'public: a table under AWS’s key': sets('Tablesessions', { SSESpecification: { SSEEnabled: false } }),
});

mutations('data-is-encrypted', {
  'internal: a queue without a key': sets('EventsQueue7', { KmsMasterKeyId: undefined }),
  'internal: a queue under SQS’s own key': sets('EventsQueue7', {
    KmsMasterKeyId: undefined,
    SqsManagedSseEnabled: true,
  }),
  'internal: undelivered events under no key': sets('EventsUndelivered2', { SqsManagedSseEnabled: false }),
});

mutations('queues-are-read-by-own', {
  'internal: a function takes events that failed': gives(
    'worker',
    ['sqs:ReceiveMessage', 'sqs:DeleteMessage'],
    arn('sqs', 'journal-internal-events-dead'),
  ),
  'internal: a function takes events that could not be queued': gives(
    'worker',
    'sqs:ReceiveMessage',
    arn('sqs', 'journal-internal-events-undelivered'),
  ),
});

mutations('own-data-only', {
  'internal: a zone reads another’s table': gives(
    'worker',
    'dynamodb:GetItem',
    arn('dynamodb', 'table/journal-public-sessions'),
  ),
  'public: a function reads the sessions of those that log in': (r) => {
    gives('summary', 'dynamodb:GetItem', arn('dynamodb', 'table/journal-public-sessions'))(r);
    setsVariables('summary', { SESSION_TABLE: 'journal-public-sessions' })(r);
  },
  'public: a zone reads another’s queue': gives(
    'summary',
    'sqs:ReceiveMessage',
    arn('sqs', 'journal-internal-events'),
  ),
  'public: a zone writes assets': gives('summary', 's3:PutObject', 'arn:aws:s3:::cdk-hnb659fds-assets-*/*'),
});

test('what is not meant of a pattern is of its own service', () => {
  const rows = ownDataOnly.rows(readInput(resolveAssembly(oneClient), system));
  const services = rows
    .filter(({ resource }) => resource.includes(' except '))
    .map(({ resource }) => new Set([...resource.matchAll(/arn:aws:(\w+):/g)].map(([, service]) => service)));
  expect(services.length).toBeGreaterThan(0);
  expect(services.filter(({ size }) => size !== 1)).toEqual([]);
});
