import { describe, expect, it } from 'vitest';
import helsenettet from '../../../examples/helsenettet.zones.ts';
import multiTenant from '../../../examples/multi-tenant.zones.ts';
import { resolveAssembly } from '../../../infra/proof/assembly/resolve.ts';
import { differencesOfResource } from '../../../infra/proof/derived/compare.ts';
import { deriveAssembly } from '../../../infra/proof/derived/derive.ts';
import { readInput } from '../../../infra/proof/read-input.ts';
import { CAPABILITIES } from '../../../infra/proof/rules/capabilities.ts';
import { RULES } from '../../../infra/proof/rules/index.ts';
import { wordsOf } from '../../../infra/proof/rules/rule.ts';
import { FULL } from '../../full.ts';
import system from '../../one-client.zones.ts';
import ownThings from '../../own-things.zones.ts';
import { CHANGES, changed } from './changes.ts';
import type { Template } from './mutate.ts';
import { oneClient } from './one-client.ts';

/** The properties that our constructs emit, by the rule that judges them on its own, the comparison off; the best one where several do. */
const JUDGED: Readonly<Record<string, string>> = {
  'actions-are-known': 'IAM::ManagedPolicy: PolicyDocument; IAM::Role: Policies',
  'alarms-ring': `
    CloudWatch::Alarm: AlarmActions ComparisonOperator EvaluationPeriods MetricName Namespace Period Statistic Threshold TreatMissingData InsufficientDataActions
  `,
  'data-is-encrypted': 'SQS::Queue: KmsMasterKeyId SqsManagedSseEnabled',
  'data-keys-are-closed': 'KMS::Key: KeyPolicy',
  'endpoints-admit-own-roles': 'EC2::VPCEndpoint: PolicyDocument',
  'endpoints-are-own': 'EC2::Subnet: VpcId; EC2::VPCEndpoint: SecurityGroupIds ServiceName SubnetIds VpcId',
  'events-are-declared': `
    SQS::Queue: RedrivePolicy; Events::EventBus: Name; Events::Rule: EventPattern ScheduleExpression
  `,
  'exits-are-declared': `
    EC2::Route: DestinationCidrBlock TransitGatewayId; EC2::SecurityGroup: SecurityGroupEgress;
    EC2::TransitGatewayAttachment: TransitGatewayId; EC2::VPCGatewayAttachment: VpnGatewayId
  `,
  'function-permissions-are-own': `
    Lambda::Permission: Action FunctionName Principal SourceArn SourceAccount
  `,
  'functions-have-own-roles': 'IAM::Role: RoleName; Lambda::Function: FunctionName Role',
  'logs-are-own': 'Logs::LogGroup: LogGroupName; ApiGateway::Account: CloudWatchRoleArn',
  'logs-are-kept': 'Logs::SubscriptionFilter: DestinationArn FilterPattern LogGroupName',
  'names-answered': `
    Route53Resolver::FirewallDomainList: Domains; Route53Resolver::FirewallRuleGroup: FirewallRules;
    Route53Resolver::FirewallRuleGroupAssociation: FirewallRuleGroupId VpcId
  `,
  'networks-are-declared': 'EC2::VPC: CidrBlock',
  'outsiders-are-not-admitted': 'SNS::TopicPolicy: PolicyDocument; SQS::QueuePolicy: PolicyDocument',
  'properties-are-understood': `
    ApiGateway::RestApi: SecurityPolicy BinaryMediaTypes EndpointAccessMode EndpointConfiguration;
    Lambda::Function: VpcConfig Code Environment LoggingConfig Architectures;
    Events::Rule: EventBusName Targets;
    Lambda::EventSourceMapping: EventSourceArn FunctionName FunctionResponseTypes ScalingConfig;
    EC2::SecurityGroup: VpcId; EC2::SecurityGroupIngress: FromPort IpProtocol SourceSecurityGroupId ToPort;
    EC2::Route: NatGatewayId GatewayId RouteTableId;
    ApiGateway::Stage: MethodSettings AccessLogSetting DeploymentId TracingEnabled;
    Logs::LogGroup: KmsKeyId RetentionInDays;
    EC2::FlowLog: LogGroupName LogDestinationType ResourceId ResourceType TrafficType;
    SecretsManager::Secret: KmsKeyId; SNS::Topic: KmsMasterKeyId;
    DynamoDB::Table: SSESpecification TableName; Events::EventBus: KmsKeyIdentifier DeadLetterConfig;
    ApiGateway::Authorizer: AuthorizerResultTtlInSeconds IdentitySource RestApiId Type;
    EC2::VPC: EnableDnsHostnames EnableDnsSupport InstanceTenancy; EC2::Subnet: AvailabilityZone CidrBlock;
    EC2::RouteTable: VpcId; EC2::SubnetRouteTableAssociation: RouteTableId SubnetId;
    EC2::SecurityGroupEgress: DestinationSecurityGroupId GroupId;
    Route53Resolver::FirewallRuleGroupAssociation: Priority;
    EC2::VPCEndpoint: PrivateDnsEnabled VpcEndpointType RouteTableIds; KMS::Key: EnableKeyRotation;
    IAM::ManagedPolicy: Path; SNS::TopicPolicy: Topics; EC2::TransitGatewayAttachment: SubnetIds VpcId;
    EC2::EIP: Domain; EC2::NatGateway: AllocationId SubnetId;
    EC2::VPCGatewayAttachment: InternetGatewayId VpcId; ApiGateway::Deployment: RestApiId;
    ApiGateway::Resource: ParentId RestApiId; ApiGateway::Method: RequestValidatorId RestApiId;
    ApiGateway::GatewayResponse: ResponseType RestApiId;
    ApiGateway::RequestValidator: RestApiId ValidateRequestBody ValidateRequestParameters;
    SQS::QueuePolicy: Queues;
    SecretsManager::RotationSchedule: RotateImmediatelyOnUpdate RotationRules SecretId;
    Logs::QueryDefinition: LogGroupNames
  `,
  'records-are-bare': `
    SecretsManager::Secret: Name SecretString; SecretsManager::RotationSchedule: RotationLambdaARN
  `,
  'roles-are-bounded': 'IAM::ManagedPolicy: ManagedPolicyName; IAM::Role: PermissionsBoundary',
  'roles-are-trusted-by-one-service': `
    IAM::Role: AssumeRolePolicyDocument; EC2::FlowLog: DeliverLogsPermissionArn
  `,
  'routes-are-authorized': `
    ApiGateway::Resource: PathPart; ApiGateway::Authorizer: AuthorizerUri;
    ApiGateway::Method: AuthorizerId AuthorizationType HttpMethod Integration ResourceId
  `,
  'signers-have-one-caller': 'Lambda::ResourcePolicy: PolicyDocument ResourceArn',
  'signers-are-declared': 'Lambda::Function: Handler ReservedConcurrentExecutions',
  'signing-is-bound': `
    EC2::SecurityGroupIngress: GroupId; EC2::SecurityGroupEgress: FromPort IpProtocol ToPort
  `,
  'signing-zone-has-no-way-out': 'EC2::Subnet: MapPublicIpOnLaunch',
  'zone-functions-are-declared': 'Lambda::Function: Runtime; ApiGateway::Stage: RestApiId StageName',
};

/** The others: whatever they say opens nothing, so only the comparison finds another value. By the reason. */
const OF_NO_CONSEQUENCE: Readonly<Record<string, string>> = {
  'how much, how long: never who': `
    Lambda::Function: MemorySize Timeout; DynamoDB::Table: BillingMode;
    SQS::Queue: MessageRetentionPeriod VisibilityTimeout; Lambda::EventSourceMapping: BatchSize
  `,
  'what a caller reads where API Gateway itself refuses': `
    ApiGateway::GatewayResponse: ResponseParameters ResponseTemplates
  `,
  'functions check their own parameters': 'ApiGateway::Method: RequestParameters',
  'a figure that nobody emits rings as missing or not at all: only the comparison knows which one is meant': `
    CloudWatch::Alarm: Dimensions
  `,
  'a name that no policy and no rule goes by': `
    ApiGateway::Authorizer: Name; CloudWatch::Alarm: AlarmName; ApiGateway::RestApi: Name;
    ApiGateway::RequestValidator: Name; SQS::Queue: QueueName; Events::Rule: Name
  `,
  'how a store is laid out, and what of it can be had back': `
    DynamoDB::Table: AttributeDefinitions KeySchema PointInTimeRecoverySpecification TimeToLiveSpecification;
    SecretsManager::Secret: GenerateSecretString
  `,
  'the zone of a stack is what all of its tags say': `
    EC2::VPC: Tags; EC2::Subnet: Tags; EC2::RouteTable: Tags; KMS::Key: Tags; IAM::Role: Tags;
    Lambda::Function: Tags; EC2::EIP: Tags; EC2::NatGateway: Tags; EC2::InternetGateway: Tags;
    DynamoDB::Table: Tags
  `,
  'for people': `
    EC2::SecurityGroup: GroupDescription; EC2::SecurityGroupIngress: Description;
    EC2::SecurityGroupEgress: Description; KMS::Key: Description; SecretsManager::Secret: Description;
    IAM::ManagedPolicy: Description; IAM::Role: Description; SNS::Topic: DisplayName;
    CloudWatch::Alarm: AlarmDescription; ApiGateway::Deployment: Description; Events::EventBus: Description;
    Events::Rule: Description; CloudWatch::Dashboard: DashboardBody DashboardName;
    Logs::QueryDefinition: Name QueryString
  `,
  'whether X-Ray is told': 'Lambda::Function: TracingConfig',
};

/** `type property` of each entry of a table. */
function namesIn(table: string): string[] {
  return table.split(';').flatMap((entry) => {
    const [type = '', properties = ''] = entry.trim().split(': ');
    return wordsOf(properties).map((property) => `AWS::${type} ${property}`);
  });
}

const judges = new Map(
  Object.entries(JUDGED).flatMap(([rule, table]) => namesIn(table).map((name) => [name, rule] as const)),
);
const decided = [...judges.keys(), ...Object.values(OF_NO_CONSEQUENCE).flatMap(namesIn)];
const resourcesOf = ({ stacks }: Pick<typeof oneClient, 'stacks'>) =>
  stacks.flatMap((stack) =>
    Object.entries(stack.template.Resources as Template).map(([id, resource]) => ({ stack, id, resource })),
  );

describe('every property that a construct emits', () => {
  const emitted = [system, multiTenant, ownThings, helsenettet]
    .flatMap((declaration) => resourcesOf(deriveAssembly(declaration, { stacks: [] })))
    .flatMap(({ resource }) =>
      Object.keys(resource.Properties ?? {}).map((property) => `${resource.Type} ${property}`),
    );

  it('is judged by a rule, or opens nothing whatever it is', () => {
    expect([...new Set(emitted)].filter((name) => !decided.includes(name))).toEqual([]);
  });

  it('is decided once, and by rules that there are', () => {
    expect(decided.filter((name, index) => decided.indexOf(name) !== index)).toEqual([]);
    expect(decided.filter((name) => !emitted.includes(name))).toEqual([]);
    expect(Object.keys(JUDGED).filter((name) => !RULES.some((rule) => rule.name === name))).toEqual([]);
  });
});

/** One change of one property of one resource. */
interface Case {
  name: string;
  change: string;
  stack: (typeof oneClient.stacks)[number];
  id: string;
  property: string;
}

const CASES: readonly Case[] = resourcesOf(oneClient).flatMap(({ stack, id, resource }) =>
  Object.keys(resource.Properties ?? {}).flatMap((property) =>
    Object.keys(CHANGES).map((change) => ({
      name: `${resource.Type} ${property}`,
      change,
      stack,
      id,
      property,
    })),
  ),
);

/** The first resource that has each property. In full all of them; else a few, spread over types and changes. */
const FIRST = [...new Map(CASES.map((one) => [`${one.name} ${one.change}`, one])).values()];
const TRIED = FULL ? FIRST : FIRST.filter((_, index) => index % 47 === 0);

/** About the declaration, or about the comparison. */
const OTHERS = ['as-derived', 'additions-are-understood', 'zones-of-a-client-need-the-same-scopes'];
const CHEAP_FIRST = [
  ...RULES.filter((rule) => !CAPABILITIES.some(({ name }) => name === rule.name)),
  ...CAPABILITIES,
].filter(({ name }) => !OTHERS.includes(name));

/** Whether the rules, the comparison off, say nothing of a change. */
function isSilent({ name, change, stack, id, property }: Case): boolean {
  const Resources = stack.template.Resources as Template;
  const { [id]: resource } = Resources;
  if (resource === undefined) return true;
  const made = { ...resource, Properties: changed(resource.Properties, property, CHANGES[change] ?? String) };
  const template = { ...stack.template, Resources: { ...Resources, [id]: made } };
  const stacks = oneClient.stacks.map((one) => (one === stack ? { ...stack, template } : one));
  const input = readInput(resolveAssembly({ stacks }), system);
  const first = CHEAP_FIRST.filter((rule) => rule.name === judges.get(name));
  return ![...first, ...CHEAP_FIRST].some((rule) => rule.check(input).length > 0);
}

/** Whether the comparison says nothing of a change. */
function isAsDerived({ stack, id, property, change }: Case): boolean {
  const resource = (stack.template.Resources as Template)[id];
  if (resource === undefined) return true;
  const Properties = changed(resource.Properties, property, CHANGES[change] ?? String);
  return differencesOfResource({ ...resource, Properties }, resource, stack.bucket).length === 0;
}

function share(silent: readonly Case[], of: readonly Case[]): number {
  const percent = (100 * silent.length) / of.length;
  console.log(`${silent.length} of ${of.length} changes are silent (${percent.toFixed(1)} %)`);
  return percent;
}

describe('changes of emitted properties', () => {
  it('pass in silence in at most 15 of 100 where the comparison is off', { timeout: 900_000 }, () => {
    const silent = TRIED.filter(isSilent);
    expect(share(silent, TRIED)).toBeLessThanOrEqual(15);
    // What the table says is judged is found at least when it is taken away, replaced, decided at deploy or widened.
    const deaf = [...judges.keys()].filter((name) =>
      Object.keys(CHANGES).every((change) =>
        silent.some((one) => one.name === name && one.change === change),
      ),
    );
    expect(deaf).toEqual([]);
  });

  it('pass in silence in at most 2 of 100 where it is on', { timeout: 900_000 }, () => {
    const silent = FIRST.filter(isAsDerived).filter((one) => !FULL || isSilent(one));
    expect(share(silent, FIRST)).toBeLessThanOrEqual(2);
  });
});
