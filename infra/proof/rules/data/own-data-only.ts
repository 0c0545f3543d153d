import type { Actor } from '../actors.ts';
import { NO_ZONE } from '../actors.ts';
import { actionsOf, capabilityRule } from '../capability.ts';
import type { ProofInput } from '../rule.ts';
import { resourcesOfZone } from '../targets.ts';

/** Types of a zone's own stores and channels. */
const STORES = [
  'AWS::DynamoDB::Table',
  'AWS::SQS::Queue',
  'AWS::SNS::Topic',
  'AWS::Events::EventBus',
  'AWS::S3::Bucket',
];

/** A zone's functions read and write the tables, queues, topics, buses and buckets of their own zone only: sessions hold tokens, and queues name patients. */
export const ownDataOnly = capabilityRule({
  name: 'own-data-only',
  invariant: 'I8',
  title: 'A zone’s functions use tables, queues, topics, buses and buckets of their own zone only.',
  actions: actionsOf({
    dynamodb: `
      BatchGetItem BatchWriteItem ConditionCheckItem DeleteItem DescribeTable GetItem PartiQLDelete
      PartiQLInsert PartiQLSelect PartiQLUpdate PutItem Query Scan UpdateItem
    `,
    sqs: `
      ChangeMessageVisibility DeleteMessage GetQueueAttributes GetQueueUrl PurgeQueue ReceiveMessage
      SendMessage
    `,
    sns: 'Publish',
    events: 'PutEvents',
    s3: 'GetObject ListBucket',
    kinesis: 'GetRecords PutRecord PutRecords',
    firehose: 'PutRecord PutRecordBatch',
    ssm: 'GetParameter GetParameters GetParametersByPath',
    elasticfilesystem: 'ClientRootAccess ClientWrite',
  }),
  allows: (actor, input) => [{ resources: storesOf(actor, input), requires: [] }],
  remedy: 'Name the resources of the zone itself; zones exchange nothing but through a signer.',
});

/** The zone's stores, what lies in them, and the names that are reserved for it: no other zone's name begins with them. */
function storesOf({ zone, kind, role, region }: Actor, input: ProofInput): string[] {
  if (zone === NO_ZONE || kind !== 'function') return [];
  const own = resourcesOfZone(input, zone, STORES).flatMap(({ arn }) =>
    arn === undefined ? [] : [arn, `${arn}/*`],
  );
  return [...own, `arn:aws:dynamodb:${region}:${role.account}:table/${input.declaration.name}-${zone}-*`];
}
