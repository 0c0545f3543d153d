import { integratedFunction } from '../../assembly/apis.ts';
import { listOf, objectOf } from '../../assembly/json.ts';
import type { ResolvedResource } from '../../assembly/resolve.ts';
import { type Problems, type ProofInput, type Rule, resourceRule } from '../rule.ts';
import { recordArns, rotationOf } from '../targets.ts';

const ROTATION = 'AWS::SecretsManager::RotationSchedule';

/** What leads from a resource to others: a name for it, and the ARN. */
type Link = readonly [what: string, arn: unknown];

/** What CloudWatch does when an alarm changes: publish to a topic, or call a function, or more. */
const alarmLinks = ({
  AlarmActions,
  OKActions,
  InsufficientDataActions,
}: ResolvedResource['properties']): Link[] =>
  [AlarmActions, OKActions, InsufficientDataActions].flatMap(listOf).map((arn) => ['rings', arn]);

/** By type, where each of its resources leads. */
const LINKS: Readonly<Record<string, (properties: ResolvedResource['properties']) => readonly Link[]>> = {
  'AWS::Lambda::EventSourceMapping': ({ EventSourceArn, FunctionName, DestinationConfig }) => [
    ['reads', EventSourceArn],
    ['calls', FunctionName],
    ['fails into', objectOf(objectOf(DestinationConfig).OnFailure).Destination],
  ],
  'AWS::Events::Rule': ({ Targets, RoleArn, EventBusName }) => [
    ['listens to', EventBusName === 'default' ? undefined : EventBusName],
    ...listOf(Targets)
      .map(objectOf)
      .flatMap(({ Arn, RoleArn: role, DeadLetterConfig }): Link[] => [
        ['calls', Arn],
        ['acts as', role],
        ['fails into', objectOf(DeadLetterConfig).Arn],
      ]),
    ['acts as', RoleArn],
  ],
  'AWS::ApiGateway::Method': ({ Integration }) => {
    const { Uri, Type, Credentials } = objectOf(Integration);
    const calls: readonly Link[] =
      Type === 'MOCK' || Integration === undefined ? [] : [['calls', integrated(Uri)]];
    return [...calls, ['acts as', Credentials]];
  },
  'AWS::ApiGateway::Authorizer': ({ AuthorizerUri, AuthorizerCredentials }) => [
    ['asks', integrated(AuthorizerUri)],
    ['acts as', AuthorizerCredentials],
  ],
  'AWS::ApiGateway::BasePathMapping': ({ RestApiId }) => [['leads to', RestApiId]],
  'AWS::SQS::Queue': ({ RedrivePolicy }) => [['fails into', objectOf(RedrivePolicy).deadLetterTargetArn]],
  'AWS::S3::Bucket': ({ NotificationConfiguration, ReplicationConfiguration }) => [
    ['notifies', NotificationConfiguration === undefined ? undefined : 'whatever its notifications name'],
    ['copies to', ReplicationConfiguration === undefined ? undefined : 'whatever its replication names'],
  ],
  'AWS::SNS::Subscription': ({ Protocol, Endpoint }) => [
    ['sends to', ['email', 'email-json', 'sms', 'https'].includes(String(Protocol)) ? undefined : Endpoint],
  ],
  'AWS::CloudWatch::Alarm': alarmLinks,
  'AWS::CloudWatch::CompositeAlarm': alarmLinks,
  'AWS::EC2::FlowLog': ({ LogDestination }) => [['writes to', LogDestination]],
};

/** Rules, mappings, routes, alarms and schedules lead to resources of their own zone only; records are rotated by rotation. */
export const entriesAreOwn: Rule = resourceRule({
  name: 'entries-are-own',
  invariant: 'I2',
  title:
    'Rules, mappings, routes, alarms and subscriptions lead to resources of their own zone; records are rotated by rotation only.',
  of: [...Object.keys(LINKS), ROTATION],
  problems: (resource, input) =>
    resource.type === ROTATION ? rotationProblems(resource, input) : linkProblems(resource, input),
  subject: ({ type }) => `A resource of type ${type}`,
  remedy: 'Lead it to a resource of its own zone. Zones meet in nothing but the invocation of a signer.',
});

function linkProblems({ type, properties, stack }: ResolvedResource, { assembly }: ProofInput): Problems {
  const isOwn = (named: unknown) =>
    assembly.resources.some(
      ({ arn, physicalId, stack: own }) => own === stack && (named === arn || named === physicalId),
    );
  return (LINKS[type]?.(properties) ?? []).map(
    ([what, named]) =>
      named !== undefined && !isOwn(named) && `${what} ${String(named)}, which is not in its own zone`,
  );
}

/** The function behind an integration; the whole URI where it is none. */
function integrated(uri: unknown): string {
  return integratedFunction(uri)?.arn ?? String(uri);
}

function rotationProblems({ properties }: ResolvedResource, input: ProofInput): Problems {
  const { SecretId, RotationLambdaARN, HostedRotationLambda } = properties;
  return [
    HostedRotationLambda !== undefined && 'has AWS make a function for the rotation',
    recordArns(input).includes(String(SecretId)) &&
      RotationLambdaARN !== rotationOf(input)?.arn &&
      `has ${String(RotationLambdaARN)} rotate a client record`,
  ];
}
