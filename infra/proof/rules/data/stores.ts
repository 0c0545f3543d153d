import { eventNames } from '../../../declaration/names.ts';
import { objectOf } from '../../assembly/json.ts';
import { type Actor, NO_ZONE } from '../actors.ts';
import { actionsOf, type CapabilityRule, capabilityRule } from '../capability.ts';
import { type ProofInput, type Rule, resourceRule } from '../rule.ts';
import { ownedIn, ownKey, resourcesOfZone } from '../targets.ts';

/** By type: the property (in another one) with the key that encrypts it, and those by which it would be copied or opened to others. */
const STORES: Readonly<Record<string, { key: string; in?: string; outlets?: readonly string[] }>> = {
  'AWS::DynamoDB::Table': {
    ...{ key: 'KMSMasterKeyId', in: 'SSESpecification' },
    outlets: [
      'StreamSpecification',
      'KinesisStreamSpecification',
      'ResourcePolicy',
      'ImportSourceSpecification',
    ],
  },
  'AWS::SQS::Queue': { key: 'KmsMasterKeyId' },
  'AWS::SNS::Topic': { key: 'KmsMasterKeyId' },
  'AWS::Events::EventBus': { key: 'KmsKeyIdentifier', outlets: ['Policy'] },
  'AWS::SecretsManager::Secret': { key: 'KmsKeyId', outlets: ['ReplicaRegions'] },
};

/** What a zone keeps is encrypted with a key of that zone, and copied nowhere. */
export const dataIsEncrypted: Rule = resourceRule({
  name: 'data-is-encrypted',
  invariant: 'I8',
  title:
    'Tables, queues, topics, buses and secrets are encrypted with a key of their own zone, and copied nowhere.',
  of: Object.keys(STORES),
  problems: (resource, input) => {
    const { properties, type, zone = '', physicalId } = resource;
    const { key, in: within, outlets = [] } = STORES[type] ?? { key: '' };
    const holder = within === undefined ? properties : objectOf(properties[within]);
    // What EventBridge could not queue, perhaps for a fault of the zone's key.
    const { undelivered } = eventNames(input.declaration.name, zone);
    const managed = physicalId.endsWith(`/${undelivered}`) && properties.SqsManagedSseEnabled === true;
    return [
      !managed &&
        !ownKey(resource, holder[key], input) && [key, 'is not encrypted with a key of its own zone'],
      ...outlets.map(
        (name) =>
          properties[name] !== undefined && ([name, `has ${name}, by which its data leaves it`] as const),
      ),
    ];
  },
  remedy: 'Encrypt it with the data key of its own stack, and let nothing copy it.',
});

/** Types of a zone's own stores and channels. */
const OWN = [
  'AWS::DynamoDB::Table',
  'AWS::SQS::Queue',
  'AWS::SNS::Topic',
  'AWS::Events::EventBus',
  'AWS::S3::Bucket',
];

/** A zone's functions read and write the tables, queues, topics, buses and buckets of their own zone only: sessions hold tokens, and queues name patients. */
export const ownDataOnly: CapabilityRule = capabilityRule({
  name: 'own-data-only',
  invariant: 'I8',
  title:
    'A zone’s functions use tables, queues, topics, buses and buckets of their own zone only, and no table that another function has.',
  actions: actionsOf({
    dynamodb: `
      BatchGetItem BatchWriteItem ConditionCheckItem DeleteItem DescribeTable DescribeTimeToLive GetItem
      PartiQLDelete PartiQLInsert PartiQLSelect PartiQLUpdate PutItem Query Scan UpdateItem
    `,
    sqs: `
      ChangeMessageVisibility DeleteMessage GetQueueAttributes GetQueueUrl PurgeQueue ReceiveMessage
      SendMessage
    `,
    sns: 'Publish',
    events: 'PutEvents',
    s3: 'DeleteObject GetObject ListBucket PutObject',
    ssm: 'GetParameter GetParameters GetParametersByPath',
  }),
  allows: (actor, input) => [{ resources: storesOf(actor, input), requires: [] }],
  remedy: 'Name the resources of the zone itself; zones exchange nothing but through a signer.',
});

/** The zone's stores and what lies in them, but for tables that other functions have. */
function storesOf(actor: Actor, input: ProofInput): string[] {
  const { zone, kind } = actor;
  if (zone === NO_ZONE || kind !== 'function') return [];
  const { own, taken } = ownedIn(input, actor, 'table');
  return resourcesOfZone(input, zone, OWN).flatMap(({ arn }) =>
    arn === undefined || (taken.includes(arn) && !own.includes(arn)) ? [] : [arn, `${arn}/*`],
  );
}
