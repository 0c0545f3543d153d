import { zoneQueues } from '../../../declaration/function-resources.ts';
import { eventNames, functionName } from '../../../declaration/names.ts';
import { resourcesOfType } from '../../assembly/resolve.ts';
import { type Actor, NO_ZONE } from '../actors.ts';
import { actionsOf, type CapabilityRule, capabilityRule, SHARED_BOUNDARY } from '../capability.ts';
import { type ProofInput, type Rule, resourceRule, wordsOf } from '../rule.ts';
import { ownedIn, ownKey, resourcesOfZone } from '../targets.ts';

/** What waits in a queue is encrypted with a key of its zone; of other stores properties-are-understood says so, and that nothing copies them. */
export const dataIsEncrypted: Rule = resourceRule({
  name: 'data-is-encrypted',
  invariant: 'I8',
  title:
    'Queues are encrypted with a key of their own zone, and those of events that EventBridge could not queue by SQS.',
  of: ['AWS::SQS::Queue'],
  problems: (queue, input) => {
    const { properties, zone = '', physicalId } = queue;
    // Perhaps for a fault of the zone's key.
    const { undelivered } = eventNames(input.declaration.name, zone);
    const managed = physicalId.endsWith(`/${undelivered}`) && properties.SqsManagedSseEnabled === true;
    const { KmsMasterKeyId: key } = properties;
    const isEncrypted = managed || ownKey(queue, key, input);
    return [!isEncrypted && ['KmsMasterKeyId', 'is not encrypted with a key of its own zone']];
  },
  remedy: 'Encrypt it with the data key of its own stack.',
});

/** Types of a zone's own stores and channels. */
const OWN = wordsOf(
  'AWS::DynamoDB::Table AWS::Events::EventBus AWS::S3::Bucket AWS::SNS::Topic AWS::SQS::Queue',
);

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

/** Queues hold what is about patients: of those that the declaration gives a zone only their own function takes messages. */
export const queuesAreReadByOwn: CapabilityRule = capabilityRule({
  name: 'queues-are-read-by-own',
  invariant: 'I8',
  title:
    'A queue of events or messages is emptied by the function that the declaration names, and by no other.',
  actions: actionsOf({ sqs: 'ChangeMessageVisibility DeleteMessage PurgeQueue ReceiveMessage' }),
  on: ({ assembly, declaration }, { zone, name }) => {
    const declared = declaration.zones[zone];
    const queues = declared ? zoneQueues(declaration.name, zone, declared) : [];
    const others = queues.filter(({ reader }) => functionName(declaration.name, zone, reader) !== name);
    const { undelivered } = eventNames(declaration.name, zone);
    const dead = queues.map(({ deadLetters }) => deadLetters);
    const names = [...others.map(({ queue }) => queue), ...dead, undelivered];
    return resourcesOfType(assembly, 'AWS::SQS::Queue').flatMap(({ arn = '' }) =>
      names.includes(arn.split(':').at(-1) ?? '') ? [arn] : [],
    );
  },
  who: ({ kind }) => kind === 'function',
  alone: () => SHARED_BOUNDARY,
  remedy: 'Name the queue in the role of the function that the declaration says reads it, and in no other.',
});

/** The zone's stores and what lies in them, but for tables that other functions have; what is added, and queues, a zone shares. */
function storesOf(actor: Actor, input: ProofInput): string[] {
  const { zone, kind } = actor;
  if (zone === NO_ZONE || kind !== 'function') return [];
  const { own, taken } = ownedIn(input, actor, 'table');
  return resourcesOfZone(input, zone, OWN).flatMap(({ arn = '' }) =>
    taken.includes(arn) && !own.includes(arn) ? [] : [arn, `${arn}/*`],
  );
}
