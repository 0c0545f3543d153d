import { recordName, ZONE_TAG } from '../../declaration/names.ts';
import { isObject, listOf, objectOf } from '../assembly/json.ts';
import { type ResolvedResource, tagsOf } from '../assembly/resolve.ts';
import { namedActions } from '../assembly/roles.ts';
import { hasUnknown } from '../assembly/unknown.ts';
import { type Problem, type ProofInput, type Rule, violationsOf, wordsOf } from '../rules/rule.ts';
import type { Addition } from './compare.ts';

/** What is understood of a type that somebody adds: its properties, each judged by a rule, limited, or of no consequence. */
interface Understood {
  /** Of no consequence for a boundary, or judged by the rule that `judged` names. */
  properties: string;
  /** Which rules judge it, for who reads this table. */
  judged?: string;
  /** Properties that may name things of the addition's own zone alone. */
  own?: string;
  /** What else a property must not be. */
  limits?: Readonly<Record<string, (value: unknown, input: ProofInput) => string | false>>;
  /** Of properties in `own`: whether they may name other additions alone, nothing that the declaration yields. */
  addedOnly?: true;
}

const ALARM = {
  properties: `ActionsEnabled AlarmDescription AlarmName AlarmRule ComparisonOperator DatapointsToAlarm Dimensions
    EvaluateLowSampleCountPercentile EvaluationPeriods ExtendedStatistic MetricName Metrics Namespace Period Statistic Tags
    Threshold ThresholdMetricId TreatMissingData Unit`,
  // An alarm may invoke a function, of any zone.
  own: 'AlarmActions InsufficientDataActions OKActions',
};

/** Where notices go: to people, and to no function or queue. */
const PEOPLE: readonly unknown[] = ['email', 'email-json', 'sms'];

/** Types that people add to a system. Functions, roles, networks, entries and what triggers them come by declaration alone. */
const UNDERSTOOD: Readonly<Record<string, Understood>> = {
  'AWS::DynamoDB::Table': {
    properties: `AttributeDefinitions BillingMode ContributorInsightsSpecification DeletionProtectionEnabled GlobalSecondaryIndexes
      KeySchema LocalSecondaryIndexes OnDemandThroughput PointInTimeRecoverySpecification ProvisionedThroughput SSESpecification
      TableClass TableName Tags TimeToLiveSpecification WarmThroughput`,
    judged: 'data-is-encrypted own-data-only',
  },
  'AWS::SQS::Queue': {
    properties: `ContentBasedDeduplication DeduplicationScope DelaySeconds FifoQueue FifoThroughputLimit KmsDataKeyReusePeriodSeconds
      KmsMasterKeyId MaximumMessageSize MessageRetentionPeriod QueueName ReceiveMessageWaitTimeSeconds SqsManagedSseEnabled Tags
      VisibilityTimeout`,
    judged: 'data-is-encrypted own-data-only',
    own: 'RedrivePolicy RedriveAllowPolicy',
  },
  'AWS::SQS::QueuePolicy': {
    properties: 'PolicyDocument',
    judged: 'outsiders-are-not-admitted',
    own: 'Queues',
    addedOnly: true,
  },
  'AWS::S3::Bucket': {
    properties: `BucketEncryption BucketName IntelligentTieringConfigurations LifecycleConfiguration MetricsConfigurations
      ObjectLockConfiguration ObjectLockEnabled OwnershipControls Tags VersioningConfiguration`,
    judged: 'own-data-only',
    limits: {
      PublicAccessBlockConfiguration: (value) =>
        Object.values(objectOf(value)).some((member) => member !== true) && 'lets the public in',
    },
  },
  'AWS::S3::BucketPolicy': {
    properties: 'PolicyDocument',
    judged: 'outsiders-are-not-admitted own-data-only',
    own: 'Bucket',
    addedOnly: true,
  },
  'AWS::SecretsManager::Secret': {
    // Without SecretString, which everybody who sees the template would read.
    properties: 'Description GenerateSecretString KmsKeyId Name Tags',
    judged: 'data-is-encrypted',
  },
  'AWS::SNS::Topic': {
    properties:
      'ContentBasedDeduplication DisplayName FifoTopic KmsMasterKeyId SignatureVersion Tags TopicName TracingConfig',
    judged: 'data-is-encrypted',
  },
  'AWS::SNS::TopicPolicy': {
    properties: 'PolicyDocument',
    judged: 'outsiders-are-not-admitted',
    own: 'Topics',
    addedOnly: true,
  },
  'AWS::SNS::Subscription': {
    properties: 'Endpoint FilterPolicy FilterPolicyScope',
    own: 'TopicArn',
    limits: {
      Protocol: (value) => !PEOPLE.includes(value) && 'sends notices to something that is no person',
    },
  },
  'AWS::KMS::Key': {
    properties:
      'Description EnableKeyRotation Enabled KeyPolicy KeySpec KeyUsage PendingWindowInDays RotationPeriodInDays Tags',
    judged: 'data-keys-are-closed template-keys-encrypt-only',
  },
  'AWS::KMS::Alias': { properties: 'AliasName', own: 'TargetKeyId' },
  'AWS::IAM::Policy': {
    properties: 'Roles',
    judged: 'policies-are-for-own-roles actions-are-known, and every rule about who may do what',
    limits: { PolicyDocument: silencesLogs, PolicyName: overwritesPolicy },
  },
  'AWS::IAM::ManagedPolicy': {
    properties: 'Description ManagedPolicyName Path Roles',
    judged: 'as AWS::IAM::Policy',
    limits: { PolicyDocument: silencesLogs },
  },
  'AWS::Logs::LogGroup': {
    properties: 'DeletionProtectionEnabled KmsKeyId LogGroupClass LogGroupName RetentionInDays Tags',
    judged: 'logs-are-kept',
  },
  'AWS::Logs::MetricFilter': {
    properties: 'FilterName FilterPattern MetricTransformations',
    own: 'LogGroupName',
  },
  'AWS::Logs::QueryDefinition': { properties: 'LogGroupNames Name QueryLanguage QueryString' },
  'AWS::CloudWatch::Alarm': ALARM,
  'AWS::CloudWatch::CompositeAlarm': ALARM,
  'AWS::CloudWatch::Dashboard': { properties: 'DashboardBody DashboardName Tags' },
  'AWS::SSM::Parameter': {
    properties: 'AllowedPattern DataType Description Name Policies Tags Tier Type Value',
    judged: 'no-key-material',
  },
  'AWS::CertificateManager::Certificate': {
    properties:
      'CertificateTransparencyLoggingPreference DomainName DomainValidationOptions KeyAlgorithm SubjectAlternativeNames Tags ValidationMethod',
  },
  'AWS::Route53::RecordSet': {
    properties: `AliasTarget Comment Failover HealthCheckId HostedZoneId HostedZoneName Name Region ResourceRecords SetIdentifier TTL
      Type Weight`,
  },
  'AWS::ApiGateway::DomainName': {
    properties:
      'CertificateArn DomainName EndpointAccessMode EndpointConfiguration RegionalCertificateArn SecurityPolicy Tags',
    judged: 'callers-use-modern-tls',
  },
  'AWS::ApiGateway::BasePathMapping': { properties: 'BasePath DomainName Stage', own: 'RestApiId' },
  'AWS::ApiGateway::Method': {
    properties: `ApiKeyRequired AuthorizationType MethodResponses OperationName RequestModels RequestParameters
      RequestValidatorId ResourceId`,
    judged: 'routes-are-authorized',
    own: 'RestApiId',
    limits: {
      HttpMethod: (value) => value !== 'OPTIONS' && 'is more than a preflight (CORS)',
      Integration: (value) => objectOf(value).Type !== 'MOCK' && 'calls something',
    },
  },
  // One that lets nothing through. Endpoints of many other services take no policy.
  'AWS::EC2::VPCEndpoint': {
    properties: 'Tags',
    judged: 'endpoints-are-own',
    own: 'RouteTableIds VpcId',
    limits: {
      ServiceName: (value) =>
        !/^com\.amazonaws\.[a-z0-9-]+\.s3$/.test(String(value)) && 'leads to another service than S3',
      VpcEndpointType: (value) => value !== 'Gateway' && 'has interfaces in the network',
      PolicyDocument: (value) => namedActions(value).length > 0 && 'lets something through',
    },
  },
  'AWS::WAFv2::WebACL': {
    properties:
      'CaptchaConfig ChallengeConfig CustomResponseBodies DefaultAction Description Name Scope Tags TokenDomains',
    limits: { Rules: keepsSamples, VisibilityConfig: keepsSamples },
  },
  'AWS::WAFv2::WebACLAssociation': { properties: 'WebACLArn ResourceArn' },
  'AWS::CDK::Metadata': { properties: 'Analytics' },
};

/** The types that a system may add. */
export const ADDABLE: readonly string[] = Object.keys(UNDERSTOOD);

/** What some types do that nobody would guess from their names. Every other one is no less a finding. */
const DOES: Readonly<Record<string, string>> = {
  'AWS::BedrockAgentCore::OAuth2CredentialProvider':
    'it keeps an OAuth client’s secret, or has its assertions signed, past the signers',
  'AWS::EC2::VPCBlockPublicAccessExclusion': 'it takes a network out of the account’s Block Public Access',
  'AWS::EC2::VPCBlockPublicAccessOptions':
    'it decides for every VPC of the account, until its stack is deleted',
  'AWS::Lambda::CapacityProvider':
    'it runs functions on managed instances, where one process serves several requests at a time',
  'AWS::Lambda::MicrovmImage': 'it is a MicroVM, which runs what the proof does not read, for hours',
  'AWS::Lambda::NetworkConnector':
    'it is a network connector, which joins what Lambda runs elsewhere with a VPC',
  'AWS::Lambda::WebFunctionEndpoint':
    'it is a web function, which answers the internet past every declared route',
};

/** What is wrong with a resource of a type that nothing reads. */
export function notUnderstood(type: string): string {
  return `is a ${type}: ${DOES[type] ?? 'what it does is not understood; it may carry permissions, run code or lead somewhere'}`;
}

/** Whether {@link UNDERSTOOD} lets an addition of this type have a property. */
export function isUnderstoodOfAdditions(type: string, property: string): boolean {
  const { properties = '', own = '', limits = {} } = UNDERSTOOD[type] ?? {};
  return [...wordsOf(`${properties} ${own}`), ...Object.keys(limits)].includes(property);
}

/** Samples hold headers, and with them tokens and cookies. Of a list of rules, each says it for itself. */
function keepsSamples(value: unknown): string | false {
  const settings = Array.isArray(value) ? value.map((rule) => objectOf(rule).VisibilityConfig) : [value];
  const kept = settings.some((one) => objectOf(one).SampledRequestsEnabled !== false);
  return kept && 'keeps samples of requests with their headers';
}

/** What a denial takes away opens nothing, but for the lines of the audit, which Lambda writes with the function's role. */
function silencesLogs(document: unknown): string | false {
  const denied = namedActions(document, ['Deny']);
  return denied.some((name) => /^(?:\*|logs:)/i.test(name)) && 'denies a function its log';
}

/** IAM keeps one inline policy of a name, so a second one would take the first, with what it denies, away. */
function overwritesPolicy(value: unknown, { assembly }: ProofInput): string | false {
  const inline = assembly.resources.flatMap(({ type, properties: { Policies } }) =>
    type === 'AWS::IAM::Role' && Array.isArray(Policies)
      ? Policies.map((one) => objectOf(one).PolicyName)
      : [],
  );
  return (
    (inline.includes(value) || hasUnknown(String(value))) &&
    'has the name of a policy in a role, which it would replace'
  );
}

/** What is added to a system is of a type that the proof understands, and so is each of its properties. */
export const additionsAreUnderstood: Rule = {
  name: 'additions-are-understood',
  invariant: 'I10',
  title: 'Whatever is there beside what the declaration yields is understood, by type and by property.',
  check: (input) =>
    (input.comparison?.additions ?? []).flatMap((addition) => {
      const { resource, statements } = addition;
      const added = input.assembly.resources.find((one) => isOf(addition, one));
      // What certainly does not exist is for nobody.
      if (added === undefined) return [];
      // More statements of a role are for the rules about who may do what; of denials only one is for none of them.
      const policies = listOf(added.properties.Policies).map((policy) => objectOf(policy).PolicyDocument);
      const problems = statements ? policies.map(silencesLogs) : problemsOf(added, input);
      return violationsOf(problems, {
        resource,
        remedy:
          'Declare it in zones.ts if that can say it; else leave it out, or declare an exception with its reason. A type or property that gives nobody a permission and leads nowhere belongs into infra/proof/derived/additions.ts.',
      });
    }),
};

/** By logical id: construct paths are what the manifest says, and two may be the same. */
function isOf({ stack, logicalId }: Addition, resource: ResolvedResource): boolean {
  return resource.stack === stack && resource.logicalId === logicalId;
}

function problemsOf(added: ResolvedResource, input: ProofInput): Problem[] {
  const { type, properties, definition } = added;
  const understood = UNDERSTOOD[type];
  if (understood === undefined) return [notUnderstood(type)];
  const written = definition.Properties ?? {};
  if (!isObject(written) || Object.keys(written).some((name) => name.startsWith('Fn::') || name === 'Ref'))
    return ['has properties that only the deploy decides'];
  const { own = '', limits = {} } = understood;
  const [free, bound] = [wordsOf(understood.properties), wordsOf(own)];
  const problems = (property: string, value: unknown): string[] => {
    if (isDecidedAtDeploy(value)) return [`has a ${property} that only the deploy decides`];
    const taken = takenName(property, value, added, input);
    if (taken) return [`takes a name that is ${taken} (${property})`];
    const limited = limits[property]?.(value, input);
    if (limited) return [`${limited} (${property})`];
    if (free.includes(property) || property in limits) return [];
    if (!bound.includes(property)) return [`has ${property}, which is not understood`];
    return foreignNames(value, added, input, understood.addedOnly).map(
      (name) => `names ${name} in ${property}, which is not of its own zone`,
    );
  };
  return Object.entries(properties).flatMap(([property, value]) =>
    problems(property, value).map((problem) => [property, problem] as const),
  );
}

/** Whether a condition that only the deploy knows chooses the value, or a part of it: both would have to be looked at. */
function isDecidedAtDeploy(value: unknown): boolean {
  const text = JSON.stringify(value) ?? '';
  return hasUnknown(text) && /"Fn::(If|FindInMap|Select|Transform)/.test(text.replaceAll('\\', ''));
}

/** Words in a redrive policy that name nothing. */
const NO_NAME = /^(?:byQueue|denyAll|\d+)$/;

/** Texts in a value that name no resource of the same zone. */
function foreignNames(
  value: unknown,
  { zone }: ResolvedResource,
  { assembly, comparison }: ProofInput,
  addedOnly = false,
): string[] {
  const own = new Set(
    assembly.resources
      .filter((one) => !addedOnly || comparison?.additions.some((addition) => isOf(addition, one)))
      .filter((one) => one.zone === zone)
      .flatMap(({ arn, physicalId }) => [arn, physicalId]),
  );
  return textsOf(value).filter((text) => !own.has(text) && !NO_NAME.test(text));
}

/** Whose a physical name or a tag is that is kept for others: their roles may use whatever is called so. */
function takenName(
  property: string,
  value: unknown,
  { zone }: ResolvedResource,
  { declaration: { name, zones } }: ProofInput,
): string | undefined {
  const others = Object.keys(zones).filter((other) => other !== zone);
  const tagged = property === 'Tags' ? tagsOf(value).get(ZONE_TAG) : undefined;
  if (tagged !== undefined && tagged !== zone) return `zone ${tagged}'s`;
  if (!property.endsWith('Name') || typeof value !== 'string') return undefined;
  if (value.startsWith(recordName(name, ''))) return "a client record's";
  const other = others.find((one) => value.startsWith(`${name}-${one}-`));
  return other && `zone ${other}'s`;
}

function textsOf(value: unknown): string[] {
  return typeof value === 'string' ? [value] : Object.values(Object(value)).flatMap(textsOf);
}
