import { hash } from 'node:crypto';

/** Where a resource is deployed. */
export interface Place {
  account: string;
  region: string;
  stack: string;
  logicalId: string;
}

/** What a resource is called once it is deployed: what Ref gives, its ARN, and the attributes that GetAtt gives. */
export interface Identity {
  ref: string | undefined;
  arn: string | undefined;
  attributes: Readonly<Record<string, string>>;
}

/** Reads a resolved property that is a string. */
export type PropertyReader = (name: string) => string | undefined;

/**
 * The identity of a resource, from the names in its properties where they are fixed, else made
 * up: well formed, the same in every run, different for each resource. Undefined for a type that this
 * table does not know. Does not know the service-made names of a real deployment.
 */
export function identify(type: string, place: Place, property: PropertyReader): Identity | undefined {
  const form = FORMS[type];
  if (form === undefined) return undefined;
  const { ref, arn: end, attributes = {} } = form;
  const parts = partsOf(place, property, form);
  const fill = (text: string, arn = '') =>
    text.replace(/\{(\w+)\}/g, (_match, part: string) => (part === 'arn' ? arn : (parts[part]?.() ?? '')));
  const arn = end && arnOf(place, fill(end));
  const filled = Object.entries(attributes).map(([name, text]) => [name, fill(text, arn)]);
  return { ref: ref && fill(ref, arn), arn, attributes: Object.fromEntries(filled) };
}

/** A made-up ARN of a service: of the first kind of its resources that the table knows, or of some. */
export function exampleArn(service: string, place: Pick<Place, 'account' | 'region'>): string {
  const [type = ''] = Object.entries(FORMS).find(([, { arn }]) => arn?.startsWith(`${service}:`)) ?? [];
  const names = (property: string) => (property === 'Path' ? undefined : 'example');
  const { arn } = identify(type, { ...place, stack: '', logicalId: service }, names) ?? {};
  return arn?.replaceAll('*', 'example') ?? arnOf(place, `${service}:example`);
}

/** The ARN of a function of an account and region by its name, or its ARN as it is. */
export function functionArn({ account, region }: Pick<Place, 'account' | 'region'>, name: string): string {
  return name.startsWith('arn:') ? name : `arn:aws:lambda:${region}:${account}:function:${name}`;
}

/** An ARN from its end, `service:resource`. IAM and dashboards have no regions, S3 neither regions nor accounts, and API Gateway's ARNs no accounts. */
function arnOf({ region, account }: Pick<Place, 'account' | 'region'>, end: string): string {
  const service = end.slice(0, end.indexOf(':'));
  const where = /^(?:iam|s3|cloudwatch:dashboard)\b/.test(end) ? '' : region;
  const whose = service === 'apigateway' || service === 's3' ? '' : account;
  return `arn:aws:${service}:${where}:${whose}:${end.slice(service.length + 1)}`;
}

/** What forms are filled with. Hexadecimal characters are what only the place decides. */
function partsOf(place: Place, property: PropertyReader, { name = '' }: Form): Record<string, () => string> {
  const { account, region, stack, logicalId } = place;
  const hex = (length: number, salt = '') =>
    hash('sha256', [account, region, stack, logicalId, salt].join('/')).slice(0, length);
  // As CloudFormation makes names.
  const named = () =>
    property(name) ?? `${stack.slice(0, 24)}-${logicalId.slice(0, 24)}-${hex(12).toUpperCase()}`;
  const bus = property('EventBusName')?.replace(/^arn:.*event-bus\//, '') ?? 'default';
  const onBus = (separator: string) => (bus === 'default' ? '' : `${bus}${separator}`);
  return {
    account: () => account,
    region: () => region,
    name: named,
    lowerName: () => named().toLowerCase(),
    bareName: () => named().replace(/^\//, ''),
    path: () => property('Path') ?? '/',
    hex6: () => hex(6),
    hex10: () => hex(10),
    root: () => hex(10, 'root'),
    HEX: () => hex(17).toUpperCase(),
    // As EC2 makes ids, after their prefix.
    id: () => `0${hex(16)}`,
    default: () => `0${hex(16, 'default')}`,
    uuid: () => hex(32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    busInArn: () => onBus('/'),
    busInRef: () => onBus('|'),
  };
}

/** How the identity of a type looks; the parts in braces are those of {@link partsOf}, and `{arn}`. */
interface Form {
  /** The property with its name. */
  name?: string;
  ref?: string;
  /** Service and resource. */
  arn?: string;
  attributes?: Readonly<Record<string, string>>;
}

/** Types whose Ref is an id, which is an attribute too. */
function withId(ref: string, attribute: string, arn?: string): Form {
  return { ref, attributes: { [attribute]: ref }, ...(arn === undefined ? {} : { arn: `${arn}/${ref}` }) };
}

/** Types whose Ref is their name. */
function named(name: string, arn: string, attributes: Form['attributes'] = {}): Form {
  return { name, ref: '{name}', arn, attributes: { Arn: '{arn}', ...attributes } };
}

function resolver(prefix: string, kind: string): Form {
  const ref = `rslvr-${prefix}-{id}`;
  return { ref, arn: `route53resolver:firewall-${kind}/${ref}`, attributes: { Id: ref, Arn: '{arn}' } };
}

const FORMS: Readonly<Record<string, Form>> = {
  'AWS::IAM::Role': named('RoleName', 'iam:role{path}{name}', { RoleId: 'AROA{HEX}' }),
  'AWS::IAM::Policy': { name: 'PolicyName', ref: '{name}', attributes: { Id: '{name}' } },
  'AWS::IAM::ManagedPolicy': {
    name: 'ManagedPolicyName',
    ref: '{arn}',
    arn: 'iam:policy{path}{name}',
    attributes: { PolicyArn: '{arn}', PolicyId: 'ANPA{HEX}' },
  },

  'AWS::Lambda::Function': named('FunctionName', 'lambda:function:{name}'),
  'AWS::KMS::Key': { ref: '{uuid}', arn: 'kms:key/{uuid}', attributes: { Arn: '{arn}', KeyId: '{uuid}' } },
  'AWS::KMS::Alias': { name: 'AliasName', ref: '{name}', arn: 'kms:{name}' },
  'AWS::SecretsManager::Secret': {
    name: 'Name',
    ref: '{arn}',
    arn: 'secretsmanager:secret:{name}-{hex6}',
    attributes: { Id: '{arn}' },
  },
  'AWS::SecretsManager::SecretTargetAttachment': { name: 'SecretId', ref: '{name}' },

  'AWS::SQS::Queue': {
    name: 'QueueName',
    ref: 'https://sqs.{region}.amazonaws.com/{account}/{name}',
    arn: 'sqs:{name}',
    attributes: {
      Arn: '{arn}',
      QueueName: '{name}',
      QueueUrl: 'https://sqs.{region}.amazonaws.com/{account}/{name}',
    },
  },
  'AWS::SNS::Topic': {
    name: 'TopicName',
    ref: '{arn}',
    arn: 'sns:{name}',
    attributes: { TopicArn: '{arn}', TopicName: '{name}' },
  },
  'AWS::Events::EventBus': named('Name', 'events:event-bus/{name}', { Name: '{name}' }),
  'AWS::Events::Rule': { ...named('Name', 'events:rule/{busInArn}{name}'), ref: '{busInRef}{name}' },
  'AWS::DynamoDB::Table': named('TableName', 'dynamodb:table/{name}', {
    StreamArn: '{arn}/stream/2026-01-01T00:00:00.000',
  }),
  'AWS::S3::Bucket': {
    name: 'BucketName',
    ref: '{lowerName}',
    arn: 's3:{lowerName}',
    attributes: { Arn: '{arn}', DomainName: '{lowerName}.s3.amazonaws.com' },
  },

  'AWS::ApiGateway::RestApi': {
    ref: '{hex10}',
    arn: 'apigateway:/restapis/{hex10}',
    attributes: { RestApiId: '{hex10}', RootResourceId: '{root}' },
  },
  'AWS::WAFv2::WebACL': {
    ...named('Name', 'wafv2:regional/webacl/{name}/{uuid}'),
    ref: '{name}|{uuid}|REGIONAL',
  },
  'AWS::ApiGateway::DomainName': { name: 'DomainName', ref: '{name}' },
  'AWS::ApiGateway::Resource': withId('{hex6}', 'ResourceId'),
  'AWS::ApiGateway::Deployment': withId('{hex6}', 'DeploymentId'),
  'AWS::ApiGateway::Authorizer': withId('{hex6}', 'AuthorizerId'),
  'AWS::ApiGateway::RequestValidator': withId('{hex6}', 'RequestValidatorId'),
  'AWS::ApiGateway::Stage': { name: 'StageName', ref: '{name}' },
  'AWS::ApiGateway::Account': withId('{uuid}', 'Id'),

  'AWS::Logs::LogGroup': named('LogGroupName', 'logs:log-group:{name}:*'),
  'AWS::CloudWatch::Alarm': named('AlarmName', 'cloudwatch:alarm:{name}'),
  'AWS::CloudWatch::CompositeAlarm': named('AlarmName', 'cloudwatch:alarm:{name}'),
  'AWS::CloudWatch::Dashboard': { name: 'DashboardName', ref: '{name}', arn: 'cloudwatch:dashboard/{name}' },
  'AWS::SSM::Parameter': { name: 'Name', ref: '{name}', arn: 'ssm:parameter/{bareName}' },

  'AWS::EC2::VPC': {
    ref: 'vpc-{id}',
    arn: 'ec2:vpc/vpc-{id}',
    attributes: {
      VpcId: 'vpc-{id}',
      DefaultSecurityGroup: 'sg-{default}',
      DefaultNetworkAcl: 'acl-{default}',
    },
  },
  'AWS::EC2::Subnet': withId('subnet-{id}', 'SubnetId', 'ec2:subnet'),
  'AWS::EC2::RouteTable': withId('rtb-{id}', 'RouteTableId', 'ec2:route-table'),
  'AWS::EC2::InternetGateway': withId('igw-{id}', 'InternetGatewayId', 'ec2:internet-gateway'),
  'AWS::EC2::EgressOnlyInternetGateway': withId('eigw-{id}', 'Id'),
  'AWS::EC2::NatGateway': withId('nat-{id}', 'NatGatewayId', 'ec2:natgateway'),
  'AWS::EC2::EIP': { arn: 'ec2:elastic-ip/eipalloc-{id}', attributes: { AllocationId: 'eipalloc-{id}' } },
  'AWS::EC2::SecurityGroup': withId('sg-{id}', 'GroupId', 'ec2:security-group'),
  'AWS::EC2::NetworkAcl': withId('acl-{id}', 'Id', 'ec2:network-acl'),
  'AWS::EC2::VPCEndpoint': withId('vpce-{id}', 'Id', 'ec2:vpc-endpoint'),
  'AWS::EC2::FlowLog': withId('fl-{id}', 'Id', 'ec2:vpc-flow-log'),
  'AWS::Route53Resolver::FirewallDomainList': resolver('fdl', 'domain-list'),
  'AWS::Route53Resolver::FirewallRuleGroup': resolver('frg', 'rule-group'),
  'AWS::Route53Resolver::FirewallRuleGroupAssociation': resolver('frgassoc', 'rule-group-association'),
};
