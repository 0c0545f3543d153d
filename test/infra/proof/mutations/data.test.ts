import { adds, arn, find, gives, INTERNAL, mutations, PUBLIC, SIGNING, sets } from '../mutate.ts';

mutations('data-is-encrypted', 'I8', {
  [SIGNING]: {
    'a record in two regions': sets('Recordjournal', { ReplicaRegions: [{ Region: 'eu-west-1' }] }),
    'a record under AWS’s key': (r) => void delete find(r, 'Recordjournal').Properties.KmsKeyId,
  },
  [INTERNAL]: {
    'a queue without a key': sets('EventsQueue7', { KmsMasterKeyId: undefined }),
    'a queue under SQS’s own key': sets('EventsQueue7', {
      KmsMasterKeyId: undefined,
      SqsManagedSseEnabled: true,
    }),
    'undelivered events under no key': sets('EventsUndelivered2', { SqsManagedSseEnabled: false }),
    'a stream of a table': sets('Tableidempotency', { StreamSpecification: { StreamViewType: 'NEW_IMAGE' } }),
  },
  [PUBLIC]: {
    'a table under AWS’s key': sets('Tablesessions', { SSESpecification: { SSEEnabled: false } }),
  },
});

mutations('no-data-outlets', 'I8', {
  [PUBLIC]: {
    'a table in every region': adds('AWS::DynamoDB::GlobalTable'),
  },
});

mutations('own-data-only', 'I8', {
  [INTERNAL]: {
    'a zone reads another’s table': gives(
      'worker',
      'dynamodb:GetItem',
      arn('dynamodb', 'table/journal-public-sessions'),
    ),
  },
  [PUBLIC]: {
    'a zone reads another’s queue': gives(
      'summary',
      'sqs:ReceiveMessage',
      arn('sqs', 'journal-internal-events'),
    ),
  },
});
