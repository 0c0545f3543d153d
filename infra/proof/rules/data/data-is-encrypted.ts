import { eventNames } from '../../../declaration/names.ts';
import { objectOf } from '../../assembly/json.ts';
import { type ResolvedResource, resourcesOfType } from '../../assembly/resolve.ts';
import { type Rule, violationsOf } from '../rule.ts';

type Properties = ResolvedResource['properties'];

/** By type: the key that encrypts it, and the properties by which it would be copied or opened to others. */
const STORES: Readonly<Record<string, { key(properties: Properties): unknown; outlets: readonly string[] }>> =
  {
    'AWS::DynamoDB::Table': {
      key: ({ SSESpecification }) => objectOf(SSESpecification).KMSMasterKeyId,
      outlets: [
        'StreamSpecification',
        'KinesisStreamSpecification',
        'ResourcePolicy',
        'ImportSourceSpecification',
      ],
    },
    'AWS::SQS::Queue': { key: ({ KmsMasterKeyId }) => KmsMasterKeyId, outlets: [] },
    'AWS::SNS::Topic': { key: ({ KmsMasterKeyId }) => KmsMasterKeyId, outlets: [] },
    'AWS::Events::EventBus': { key: ({ KmsKeyIdentifier }) => KmsKeyIdentifier, outlets: ['Policy'] },
    'AWS::SecretsManager::Secret': { key: ({ KmsKeyId }) => KmsKeyId, outlets: ['ReplicaRegions'] },
  };

/** What a zone keeps is encrypted with a key of that zone, and copied nowhere. */
export const dataIsEncrypted: Rule = {
  name: 'data-is-encrypted',
  invariant: 'I8',
  title:
    'Tables, queues, topics, buses and secrets are encrypted with a key of their own zone, and copied nowhere.',
  check: ({ assembly, declaration }) => {
    const keys = resourcesOfType(assembly, 'AWS::KMS::Key');
    return assembly.resources.flatMap(({ type, properties, constructPath, stack, zone = '', physicalId }) => {
      const store = STORES[type];
      if (store === undefined) return [];
      const named = store.key(properties);
      const key = keys.find(({ arn, physicalId }) => named === arn || named === physicalId);
      // What EventBridge could not queue, perhaps for a fault of the zone's key.
      const managed = physicalId.endsWith(`/${eventNames(declaration.name, zone).undelivered}`);
      const problems = [
        ...(key?.stack === stack || (managed && properties.SqsManagedSseEnabled === true)
          ? []
          : ['is not encrypted with a key of its own zone']),
        ...store.outlets
          .filter((name) => properties[name] !== undefined)
          .map((name) => `has ${name}, by which its data leaves it`),
      ];
      return violationsOf(problems, {
        resource: constructPath,
        remedy: 'Encrypt it with the data key of its own stack, and let nothing copy it.',
      });
    });
  },
};
