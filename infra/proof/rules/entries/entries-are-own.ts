import { functionName } from '../../../declaration/names.ts';
import { listOf, objectOf, stringOf } from '../../assembly/json.ts';
import type { ResolvedResource } from '../../assembly/resolve.ts';
import type { ProofInput, Rule } from '../rule.ts';
import { recordArns } from '../targets.ts';

/** What leads from a resource to others: a name for it, and the ARN. */
type Link = readonly [what: string, arn: unknown];

const INTEGRATION =
  /^arn:[^:]+:apigateway:[^:]+:lambda:path\/[^/]+\/functions\/(.+)\/(?:response-streaming-)?invocations$/;

/** By type, where each of its resources leads. */
const LINKS: Readonly<Record<string, (properties: ResolvedResource['properties']) => readonly Link[]>> = {
  'AWS::Lambda::EventSourceMapping': ({ EventSourceArn, FunctionName, DestinationConfig }) => [
    ['reads', EventSourceArn],
    ['calls', FunctionName],
    ...failures(DestinationConfig),
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
  'AWS::SQS::Queue': ({ RedrivePolicy }) => [['fails into', objectOf(RedrivePolicy).deadLetterTargetArn]],
  'AWS::S3::Bucket': ({ NotificationConfiguration, ReplicationConfiguration }) => [
    ['notifies', NotificationConfiguration === undefined ? undefined : 'whatever its notifications name'],
    ['copies to', ReplicationConfiguration === undefined ? undefined : 'whatever its replication names'],
  ],
  'AWS::SNS::Subscription': ({ Protocol, Endpoint }) => [
    ['sends to', ['email', 'email-json', 'sms', 'https'].includes(String(Protocol)) ? undefined : Endpoint],
  ],
  'AWS::EC2::FlowLog': ({ LogDestination }) => [['writes to', LogDestination]],
};

/** Rules, mappings, routes and schedules lead to resources of their own zone only; records are rotated by rotation. */
export const entriesAreOwn: Rule = {
  name: 'entries-are-own',
  invariant: 'I2',
  title:
    'Rules, mappings, routes and subscriptions lead to resources of their own zone; records are rotated by rotation only.',
  check: (input) => {
    const stackOf = new Map(
      input.assembly.resources.flatMap(({ arn, physicalId, stack }) =>
        [arn, physicalId].map((id): [unknown, string] => [id, stack]),
      ),
    );
    return input.assembly.resources.flatMap((resource) => [
      ...(LINKS[resource.type]?.(resource.properties) ?? [])
        .filter(([, arn]) => arn !== undefined && stackOf.get(arn) !== resource.stack)
        .map(([what, arn]) => violation(resource, `${what} ${String(arn)}, which is not in its own zone`)),
      ...rotationProblems(resource, input).map((problem) => violation(resource, problem)),
    ]);
  },
};

function violation({ constructPath, type }: ResolvedResource, problem: string) {
  return {
    resource: constructPath,
    message: `A resource of type ${type} ${problem}.`,
    path: [constructPath, problem],
    remedy: 'Lead it to a resource of its own zone. Zones meet in nothing but the invocation of a signer.',
  };
}

function failures(config: unknown): Link[] {
  return [['fails into', objectOf(objectOf(config).OnFailure).Destination]];
}

/** The function behind an integration; the whole URI where it is none. */
function integrated(uri: unknown): string {
  return INTEGRATION.exec(String(uri))?.[1] ?? String(uri);
}

function rotationProblems({ type, properties }: ResolvedResource, input: ProofInput): string[] {
  const { declaration, assembly } = input;
  if (type !== 'AWS::SecretsManager::RotationSchedule') return [];
  const { SecretId, RotationLambdaARN, HostedRotationLambda } = properties;
  const names = Object.entries(declaration.zones)
    .filter(([, { admin }]) => admin === true)
    .map(([zone]) => functionName(declaration.name, zone, 'rotation'));
  const rotation = assembly.resources.find(
    ({ type, physicalId }) => type === 'AWS::Lambda::Function' && names.includes(physicalId),
  );
  return [
    ...(HostedRotationLambda === undefined ? [] : ['has AWS make a function for the rotation']),
    ...(recordArns(input).includes(stringOf(SecretId) ?? '') && RotationLambdaARN !== rotation?.arn
      ? [`has ${String(RotationLambdaARN)} rotate a client record`]
      : []),
  ];
}
