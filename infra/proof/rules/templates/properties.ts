import { isObject } from '../../assembly/json.ts';
import type { ResolvedResource } from '../../assembly/resolve.ts';
import { hasUnknown, showUnknown } from '../../assembly/unknown.ts';
import { ADDABLE, isUnderstoodOfAdditions } from '../../derived/additions.ts';
import { type ProofInput, type Rule, resourceRule, wordsOf } from '../rule.ts';

const DOCUMENT = (path: string) => `${path}.Version=2012-10-17 ${path}.Statement!`;

/**
 * What is understood of a type: the places of its properties, lists marked by `[]`, and everything below a place by `*` at its end.
 * `!`: must be there, and a rule judges it. `=`: must be there, with one of these values. `@`: must be there, and names a
 * resource of that type in the same stack; `@@`: in any stack. `?` before `=` or `@`: need not be there. Nothing: of no consequence.
 * Every type has tags.
 */
const PLACES: Readonly<Record<string, string>> = {
  'EC2::VPC': 'CidrBlock! EnableDnsHostnames=true EnableDnsSupport=true InstanceTenancy=default',
  'EC2::Subnet': 'AvailabilityZone! CidrBlock! MapPublicIpOnLaunch=false VpcId@EC2::VPC',
  'EC2::RouteTable': 'VpcId@EC2::VPC',
  'EC2::SubnetRouteTableAssociation': 'RouteTableId@EC2::RouteTable SubnetId@EC2::Subnet',
  'EC2::Route': `DestinationCidrBlock=0.0.0.0/0 GatewayId?@EC2::InternetGateway NatGatewayId?@EC2::NatGateway
    RouteTableId@EC2::RouteTable`,
  'EC2::EIP': 'Domain=vpc',
  'EC2::InternetGateway': '',
  'EC2::NatGateway': 'AllocationId@EC2::EIP SubnetId@EC2::Subnet',
  'EC2::VPCGatewayAttachment': 'InternetGatewayId@EC2::InternetGateway VpcId@EC2::VPC',
  'EC2::SecurityGroup': `GroupDescription SecurityGroupEgress[].CidrIp SecurityGroupEgress[].Description
    SecurityGroupEgress[].FromPort SecurityGroupEgress[].IpProtocol SecurityGroupEgress[].ToPort VpcId@EC2::VPC`,
  'EC2::SecurityGroupIngress': `Description FromPort! GroupId@EC2::SecurityGroup IpProtocol!
    SourceSecurityGroupId@EC2::SecurityGroup ToPort!`,
  'EC2::SecurityGroupEgress': `Description DestinationSecurityGroupId@EC2::SecurityGroup FromPort=443
    GroupId@EC2::SecurityGroup IpProtocol=tcp ToPort=443`,
  'EC2::VPCEndpoint': `${DOCUMENT('PolicyDocument')} PrivateDnsEnabled?=true RouteTableIds[]?@EC2::RouteTable
    SecurityGroupIds[]?@EC2::SecurityGroup ServiceName! SubnetIds[]?@EC2::Subnet VpcEndpointType=Interface|Gateway
    VpcId@EC2::VPC`,
  'EC2::FlowLog': `DeliverLogsPermissionArn@IAM::Role LogDestinationType=cloud-watch-logs LogGroupName@Logs::LogGroup
    ResourceId@EC2::VPC ResourceType=VPC TrafficType=ALL`,
  'Route53Resolver::FirewallDomainList': 'Domains[]',
  'Route53Resolver::FirewallRuleGroup': `FirewallRules[].Action=ALLOW|BLOCK FirewallRules[].BlockResponse?=NXDOMAIN
    FirewallRules[].FirewallDomainListId@Route53Resolver::FirewallDomainList
    FirewallRules[].FirewallDomainRedirectionAction?=TRUST_REDIRECTION_DOMAIN FirewallRules[].Priority!`,
  'Route53Resolver::FirewallRuleGroupAssociation': `FirewallRuleGroupId@Route53Resolver::FirewallRuleGroup Priority!
    VpcId@EC2::VPC`,
  'KMS::Key': `Description EnableKeyRotation=true ${DOCUMENT('KeyPolicy')}`,
  'KMS::Alias': 'AliasName TargetKeyId@KMS::Key',
  'SecretsManager::Secret': 'Description GenerateSecretString* KmsKeyId@KMS::Key Name SecretString',
  'SecretsManager::RotationSchedule': `RotateImmediatelyOnUpdate=false RotationLambdaARN@Lambda::Function
    RotationRules.ScheduleExpression! SecretId@@SecretsManager::Secret`,
  // actions-are-known reads what AWS's own policies allow.
  'IAM::Role': `${DOCUMENT('AssumeRolePolicyDocument')} Description
    ManagedPolicyArns[]?=arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess PermissionsBoundary@IAM::ManagedPolicy
    ${DOCUMENT('Policies[].PolicyDocument')} Policies[].PolicyName! RoleName`,
  'IAM::ManagedPolicy': `Description ManagedPolicyName! Path=/ ${DOCUMENT('PolicyDocument')} Roles[]?@IAM::Role`,
  'IAM::Policy': `PolicyName ${DOCUMENT('PolicyDocument')} Roles[]@IAM::Role`,
  'Logs::LogGroup': 'KmsKeyId@KMS::Key LogGroupName RetentionInDays!',
  'Lambda::Function': `Architectures[]=arm64|x86_64 Code.S3Bucket! Code.S3Key! Description Environment.Variables.*
    Environment.Variables.IDEMPOTENCY_TABLE?@DynamoDB::Table Environment.Variables.SESSION_TABLE?@DynamoDB::Table
    FunctionName! Handler=index.handler LoggingConfig.LogFormat=Text LoggingConfig.LogGroup@Logs::LogGroup MemorySize
    ReservedConcurrentExecutions Role@IAM::Role Runtime! Timeout TracingConfig.Mode
    VpcConfig.SecurityGroupIds[]@EC2::SecurityGroup VpcConfig.SubnetIds[]@EC2::Subnet`,
  'Lambda::Permission': 'Action! FunctionName! Principal! SourceAccount SourceArn',
  'Lambda::ResourcePolicy': `${DOCUMENT('PolicyDocument')} ResourceArn@@Lambda::Function`,
  'Lambda::EventSourceMapping': `BatchSize EventSourceArn@SQS::Queue FunctionName@Lambda::Function
    FunctionResponseTypes[]=ReportBatchItemFailures ScalingConfig.MaximumConcurrency!`,
  'SNS::Topic': 'DisplayName KmsMasterKeyId@KMS::Key',
  'SNS::TopicPolicy': `${DOCUMENT('PolicyDocument')} Topics[]@SNS::Topic`,
  'SNS::Subscription': 'Endpoint Protocol! TopicArn@SNS::Topic',
  'CloudWatch::Alarm': `ActionsEnabled?=true AlarmActions[]?@SNS::Topic AlarmDescription AlarmName ComparisonOperator
    DatapointsToAlarm Dimensions[].Name Dimensions[].Value EvaluationPeriods InsufficientDataActions[]?@SNS::Topic MetricName
    Namespace OKActions[]?@SNS::Topic Period Statistic Threshold TreatMissingData`,
  'DynamoDB::Table': `AttributeDefinitions[].AttributeName AttributeDefinitions[].AttributeType BillingMode
    KeySchema[].AttributeName KeySchema[].KeyType SSESpecification.KMSMasterKeyId@KMS::Key SSESpecification.SSEEnabled?=true
    SSESpecification.SSEType?=KMS TableName TimeToLiveSpecification.AttributeName TimeToLiveSpecification.Enabled`,
  'SQS::Queue': `KmsMasterKeyId?@KMS::Key MessageRetentionPeriod QueueName RedrivePolicy.deadLetterTargetArn?@SQS::Queue
    RedrivePolicy.maxReceiveCount SqsManagedSseEnabled?=true VisibilityTimeout`,
  'SQS::QueuePolicy': `${DOCUMENT('PolicyDocument')} Queues[]@SQS::Queue`,
  'Events::EventBus': 'DeadLetterConfig.Arn@SQS::Queue Description KmsKeyIdentifier@KMS::Key Name!',
  'Events::Rule': `Description EventBusName?@Events::EventBus EventPattern.detail-type[] EventPattern.source[] Name ScheduleExpression Targets[].Arn!
    Targets[].DeadLetterConfig.Arn?@SQS::Queue Targets[].Id Targets[].Input Targets[].RetryPolicy.*`,
  'ApiGateway::Account': 'CloudWatchRoleArn@IAM::Role',
  // routes-are-authorized takes a policy that only denies.
  'ApiGateway::RestApi': `BinaryMediaTypes[]?=*/* EndpointAccessMode=BASIC|STRICT EndpointConfiguration.Types[]=REGIONAL Name!
    Policy* SecurityPolicy!`,
  'ApiGateway::Authorizer': `AuthorizerResultTtlInSeconds=0 AuthorizerUri! IdentitySource=method.request.header.Authorization
    Name RestApiId@ApiGateway::RestApi Type=REQUEST`,
  'ApiGateway::Deployment': 'Description RestApiId@ApiGateway::RestApi',
  'ApiGateway::Stage': `AccessLogSetting.DestinationArn@Logs::LogGroup AccessLogSetting.Format!
    DeploymentId@ApiGateway::Deployment MethodSettings[].DataTraceEnabled=false MethodSettings[].HttpMethod=*
    MethodSettings[].LoggingLevel MethodSettings[].MetricsEnabled MethodSettings[].ResourcePath=/*
    MethodSettings[].ThrottlingBurstLimit MethodSettings[].ThrottlingRateLimit! RestApiId@ApiGateway::RestApi StageName!
    TracingEnabled`,
  'ApiGateway::Resource':
    'ParentId@ApiGateway::Resource|ApiGateway::RestApi PathPart! RestApiId@ApiGateway::RestApi',
  // Without a proxy integration's body, mapping templates are constants.
  'ApiGateway::Method': `AuthorizationType! AuthorizerId?@ApiGateway::Authorizer HttpMethod!
    Integration.IntegrationHttpMethod?=POST Integration.IntegrationResponses* Integration.PassthroughBehavior
    Integration.RequestTemplates* Integration.ResponseTransferMode?=STREAM|BUFFERED Integration.TimeoutInMillis
    Integration.Type=AWS_PROXY|MOCK Integration.Uri MethodResponses* RequestParameters.method.request.path.*
    RequestValidatorId?@ApiGateway::RequestValidator ResourceId@ApiGateway::Resource|ApiGateway::RestApi
    RestApiId@ApiGateway::RestApi`,
  'ApiGateway::GatewayResponse':
    'ResponseParameters.gatewayresponse.header.* ResponseTemplates.application/json ResponseType! RestApiId@ApiGateway::RestApi StatusCode',
  'ApiGateway::RequestValidator': `Name RestApiId@ApiGateway::RestApi ValidateRequestBody=true
    ValidateRequestParameters=true`,
};

/** One place; see {@link PLACES}. */
interface Place {
  path: string;
  needed: boolean;
  values: readonly string[] | undefined;
  types: readonly string[] | undefined;
  anywhere: boolean;
}

function placeOf(word: string): Place {
  const [, path = '', mark, values, anywhere, types] =
    /^([^!?=@]+)([!?]?)(?:=(.*)|@(@?)(.*))?$/.exec(word) ?? [];
  return {
    path,
    needed: mark === '!' || (mark !== '?' && (values ?? types) !== undefined),
    values: values?.split('|'),
    types: types?.split('|').map((type) => `AWS::${type}`),
    anywhere: anywhere === '@',
  };
}

const UNDERSTOOD = new Map(
  Object.entries(PLACES).map(([type, words]) => [
    `AWS::${type}`,
    wordsOf(`${words} Tags[].Key Tags[].Value`).map(placeOf),
  ]),
);

/** The types of which every property is understood, or none by which an addition would lead somewhere. */
export const KNOWN_TYPES: readonly string[] = [...new Set([...UNDERSTOOD.keys(), ...ADDABLE])];

/** What {@link leavesOf} gives for a list or an object with nothing in it. */
const EMPTY = '';

/** Every value in `value` by its place; the statements of a policy are one, which the policy engine reads. */
function leavesOf(value: unknown, path: string): (readonly [path: string, value: unknown])[] {
  if (typeof value === 'object' && path && Object.keys(value ?? {}).length === 0) return [[path, EMPTY]];
  if (path.endsWith('.Statement')) return [[path, typeof value === 'object' ? '' : value]];
  if (Array.isArray(value)) return value.flatMap((item) => leavesOf(item, `${path}[]`));
  if (!isObject(value)) return [[path, value]];
  return Object.entries(value).flatMap(([name, member]) => leavesOf(member, path ? `${path}.${name}` : name));
}

/** Of what the constructs yield, every property is understood: none is new, chosen by the deploy, or leads out of the templates. */
export const propertiesAreUnderstood: Rule = resourceRule({
  name: 'properties-are-understood',
  invariant: 'I10',
  title:
    'Of the types that a system is made of, every property is one that the proof understands, known before the deploy, and leads to resources of the templates.',
  of: KNOWN_TYPES,
  problems: (resource, input) => {
    const { type, properties, certain, stack, constructPath } = resource;
    // Another rule judges what was added.
    if (input.comparison?.additions.some((one) => one.stack === stack && one.resource === constructPath))
      return [];
    const places = UNDERSTOOD.get(type) ?? [];
    const leaves = leavesOf(properties, '');
    const found = new Map(places.map((place) => [place, leaves.filter(([path]) => isAt(path, place))]));
    return [
      !certain && 'exists only if the deploy decides so',
      ...leaves
        .filter(([path, value]) => !places.some((place) => isAt(path, place) || isAbove(path, value, place)))
        .filter(([path]) => !isAddable(type, path))
        .map(([path]) => [path, `has ${path}, which is not understood`] as const),
      ...[...found].flatMap(([place, values]) => [
        values.length === 0 && place.needed && ([place.path, `lacks ${place.path}`] as const),
        ...values.map(([path, value]) => {
          const problem = problemOf(path, value, place, resource, input);
          return problem && ([path, problem] as const);
        }),
      ]),
    ];
  },
  remedy:
    'Say it in zones.ts and synthesize again. What our constructs newly yield belongs into infra/proof/rules/templates/properties.ts, with the rule that judges it or without consequence.',
});

function isAt(path: string, { path: known }: Place): boolean {
  if (!known.endsWith('*')) return path === known;
  const root = known.slice(0, -1);
  return (
    path === root || (path.startsWith(root) && (root.endsWith('.') || /^[.[]/.test(path.slice(root.length))))
  );
}

function isAbove(path: string, value: unknown, place: Place): boolean {
  return value === EMPTY && /^[.[]/.test(place.path.slice(path.length)) && place.path.startsWith(path);
}

/** Whether somebody who adds such a resource may give it the property, and we don't. */
function isAddable(type: string, path: string): boolean {
  const [property = ''] = path.split(/[.[]/);
  const ours = UNDERSTOOD.get(type)?.some((place) => place.path.split(/[.[*]/)[0] === property);
  return !ours && isUnderstoodOfAdditions(type, property);
}

function problemOf(
  path: string,
  value: unknown,
  { values, types, anywhere }: Place,
  { stack }: ResolvedResource,
  { assembly }: ProofInput,
): string | false {
  const text = String(value);
  if (hasUnknown(text)) return `has a ${path} that only the deploy decides (${showUnknown(text)})`;
  if (values !== undefined && !values.includes(text))
    return `has ${path} ${text}, which is not ${values.join(' or ')}`;
  const named =
    types === undefined ||
    assembly.resources.some(
      (one) =>
        types.includes(one.type) &&
        one.certain &&
        (anywhere || one.stack === stack) &&
        [text, `${text}:*`].some((name) => one.names.includes(name)),
    );
  return (
    !named &&
    `names ${text} in ${path}, which is no ${types.join(' or ')} of ${anywhere ? 'these templates' : 'its own stack'}`
  );
}
