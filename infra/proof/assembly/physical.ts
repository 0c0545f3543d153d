import { createHash } from 'node:crypto';

/** Where a resource is deployed. */
export interface Place {
  partition: string;
  account: string;
  region: string;
  stack: string;
  logicalId: string;
}

/** What a resource is called once it is deployed: what Ref gives, its ARN, and the attributes that GetAtt gives. */
export interface Identity {
  ref: string;
  arn?: string;
  attributes: Readonly<Record<string, string>>;
}

/** Reads a resolved property that is a string. */
type PropertyReader = (name: string) => string | undefined;

/**
 * The identity of a resource, from the names in its properties where they are fixed, else made
 * up: well formed, the same in every run, different for each resource. Undefined for a type that this
 * table does not know. Does not know the service-made names of a real deployment.
 */
export function identify(type: string, place: Place, property: PropertyReader): Identity | undefined {
  return IDENTITIES[type]?.(makerAt(place, property));
}

/** Hexadecimal characters that only the place decides. */
function hash(place: Place, salt = ''): string {
  const { account, region, stack, logicalId } = place;
  return createHash('sha256').update([account, region, stack, logicalId, salt].join('/')).digest('hex');
}

/** The makers of names that the table below draws on. */
function makerAt(place: Place, property: PropertyReader) {
  const { partition, account, region, stack, logicalId } = place;
  const hex = (length: number, salt = '') => hash(place, salt).slice(0, length);
  return {
    place,
    property,
    hex,
    /** The name in a property, or one as CloudFormation makes them. */
    name: (of: string) =>
      property(of) ?? `${stack.slice(0, 24)}-${logicalId.slice(0, 24)}-${hex(12).toUpperCase()}`,
    /** An id as EC2 makes them: `vpc-0` and 16 more hexadecimal characters. */
    id: (prefix: string) => `${prefix}-0${hex(16)}`,
    uuid: () => hex(32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    arn: (service: string, resource: string) =>
      `arn:${partition}:${service}:${region}:${account}:${resource}`,
    globalArn: (service: string, resource: string) =>
      `arn:${partition}:${service}::${service === 's3' ? '' : account}:${resource}`,
  };
}

type Maker = ReturnType<typeof makerAt>;
type Identify = (maker: Maker) => Identity;

/** Types of EC2 and its neighbours whose Ref is an id of the form `prefix-0…`. */
function withId(prefix: string, idAttribute: string, resource?: string): Identify {
  return (make) => {
    const id = make.id(prefix);
    const identity = { ref: id, attributes: { [idAttribute]: id } };
    return resource === undefined ? identity : { ...identity, arn: make.arn('ec2', `${resource}/${id}`) };
  };
}

/** Types whose Ref is a name and whose ARN ends in it. */
function named(
  property: string,
  service: string,
  prefix: string,
  attributes: readonly string[] = [],
): Identify {
  return (make) => {
    const ref = make.name(property);
    const arn = make.arn(service, `${prefix}${ref}`);
    const names = Object.fromEntries(attributes.map((attribute) => [attribute, ref]));
    return { ref, arn, attributes: { Arn: arn, ...names } };
  };
}

/** Types whose Ref is their ARN. */
function arnNamed(
  property: string,
  service: string,
  prefix: string,
  attributes: Readonly<Record<string, 'name' | 'arn'>> = {},
): Identify {
  return (make) => {
    const name = make.name(property);
    const arn = make.arn(service, `${prefix}${name}`);
    const rest = Object.entries(attributes).map(([key, what]) => [key, what === 'arn' ? arn : name]);
    return { ref: arn, arn, attributes: Object.fromEntries(rest) };
  };
}

function iam(property: string, kind: string, idPrefix: string, idAttribute: string): Identify {
  return (make) => {
    const ref = make.name(property);
    const path = make.property('Path') ?? '/';
    const arn = make.globalArn('iam', `${kind}${path}${ref}`);
    return { ref, arn, attributes: { Arn: arn, [idAttribute]: `${idPrefix}${make.hex(17).toUpperCase()}` } };
  };
}

const IDENTITIES: Readonly<Record<string, Identify>> = {
  'AWS::IAM::Role': iam('RoleName', 'role', 'AROA', 'RoleId'),
  'AWS::IAM::Policy': (make) => ({
    ref: make.name('PolicyName'),
    attributes: { Id: make.name('PolicyName') },
  }),
  'AWS::IAM::ManagedPolicy': (make) => {
    const name = make.name('ManagedPolicyName');
    const arn = make.globalArn('iam', `policy${make.property('Path') ?? '/'}${name}`);
    return { ref: arn, arn, attributes: { PolicyArn: arn, PolicyId: `ANPA${make.hex(17).toUpperCase()}` } };
  },

  'AWS::Lambda::Function': named('FunctionName', 'lambda', 'function:'),
  'AWS::Lambda::Version': (make) => {
    const arn = `${functionArn(make)}:1`;
    return { ref: arn, arn, attributes: { FunctionArn: arn, Version: '1' } };
  },
  'AWS::Lambda::Alias': (make) => {
    const arn = `${functionArn(make)}:${make.name('Name')}`;
    return { ref: arn, arn, attributes: { AliasArn: arn } };
  },
  'AWS::Lambda::EventSourceMapping': (make) => {
    const id = make.uuid();
    const arn = make.arn('lambda', `event-source-mapping:${id}`);
    return { ref: id, arn, attributes: { Id: id, EventSourceMappingArn: arn } };
  },

  'AWS::KMS::Key': (make) => {
    const id = make.uuid();
    const arn = make.arn('kms', `key/${id}`);
    return { ref: id, arn, attributes: { Arn: arn, KeyId: id } };
  },
  'AWS::KMS::Alias': (make) => {
    const ref = make.name('AliasName');
    return { ref, arn: make.arn('kms', ref), attributes: {} };
  },
  'AWS::SecretsManager::Secret': (make) => {
    const arn = make.arn('secretsmanager', `secret:${make.name('Name')}-${make.hex(6)}`);
    return { ref: arn, arn, attributes: { Id: arn } };
  },

  'AWS::SQS::Queue': (make) => {
    const name = make.name('QueueName');
    const { account, region } = make.place;
    const url = `https://sqs.${region}.amazonaws.com/${account}/${name}`;
    const arn = make.arn('sqs', name);
    return { ref: url, arn, attributes: { Arn: arn, QueueName: name, QueueUrl: url } };
  },
  'AWS::SNS::Topic': arnNamed('TopicName', 'sns', '', { TopicArn: 'arn', TopicName: 'name' }),
  'AWS::Events::EventBus': named('Name', 'events', 'event-bus/', ['Name']),
  'AWS::Events::Rule': (make) => {
    const bus = make.property('EventBusName')?.replace(/^arn:.*event-bus\//, '');
    const name = make.name('Name');
    const onBus = bus !== undefined && bus !== 'default';
    const arn = make.arn('events', onBus ? `rule/${bus}/${name}` : `rule/${name}`);
    return { ref: onBus ? `${bus}|${name}` : name, arn, attributes: { Arn: arn } };
  },
  'AWS::Scheduler::Schedule': (make) => {
    const ref = make.name('Name');
    const arn = make.arn('scheduler', `schedule/${make.property('GroupName') ?? 'default'}/${ref}`);
    return { ref, arn, attributes: { Arn: arn } };
  },
  'AWS::DynamoDB::Table': (make) => {
    const ref = make.name('TableName');
    const arn = make.arn('dynamodb', `table/${ref}`);
    return { ref, arn, attributes: { Arn: arn, StreamArn: `${arn}/stream/2026-01-01T00:00:00.000` } };
  },
  'AWS::S3::Bucket': (make) => {
    const ref = make.name('BucketName').toLowerCase();
    const arn = make.globalArn('s3', ref);
    return { ref, arn, attributes: { Arn: arn, DomainName: `${ref}.s3.amazonaws.com` } };
  },

  'AWS::ApiGateway::RestApi': (make) => {
    const ref = make.hex(10);
    const arn = `arn:${make.place.partition}:apigateway:${make.place.region}::/restapis/${ref}`;
    return { ref, arn, attributes: { RestApiId: ref, RootResourceId: make.hex(10, 'root') } };
  },
  'AWS::ApiGateway::Resource': (make) => ({ ref: make.hex(6), attributes: { ResourceId: make.hex(6) } }),
  'AWS::ApiGateway::Deployment': (make) => ({ ref: make.hex(6), attributes: { DeploymentId: make.hex(6) } }),
  'AWS::ApiGateway::Authorizer': (make) => ({ ref: make.hex(6), attributes: { AuthorizerId: make.hex(6) } }),
  'AWS::ApiGateway::RequestValidator': (make) => ({
    ref: make.hex(6),
    attributes: { RequestValidatorId: make.hex(6) },
  }),
  'AWS::ApiGateway::Stage': (make) => ({ ref: make.name('StageName'), attributes: {} }),
  'AWS::ApiGateway::Account': (make) => ({ ref: make.uuid(), attributes: { Id: make.uuid() } }),

  'AWS::Logs::LogGroup': (make) => {
    const ref = make.name('LogGroupName');
    const arn = `${make.arn('logs', `log-group:${ref}`)}:*`;
    return { ref, arn, attributes: { Arn: arn } };
  },
  'AWS::EFS::FileSystem': withId('fs', 'FileSystemId'),
  'AWS::ECR::Repository': named('RepositoryName', 'ecr', 'repository/'),
  'AWS::CloudWatch::Alarm': named('AlarmName', 'cloudwatch', 'alarm:'),
  'AWS::SSM::Parameter': (make) => {
    const ref = make.name('Name');
    return { ref, arn: make.arn('ssm', `parameter/${ref.replace(/^\//, '')}`), attributes: {} };
  },

  'AWS::EC2::VPC': (make) => {
    const ref = make.id('vpc');
    const attributes = {
      VpcId: ref,
      DefaultSecurityGroup: `sg-0${make.hex(16, 'default')}`,
      DefaultNetworkAcl: `acl-0${make.hex(16, 'default')}`,
    };
    return { ref, arn: make.arn('ec2', `vpc/${ref}`), attributes };
  },
  'AWS::EC2::Subnet': withId('subnet', 'SubnetId', 'subnet'),
  'AWS::EC2::RouteTable': withId('rtb', 'RouteTableId', 'route-table'),
  'AWS::EC2::InternetGateway': withId('igw', 'InternetGatewayId', 'internet-gateway'),
  'AWS::EC2::EgressOnlyInternetGateway': withId('eigw', 'Id'),
  'AWS::EC2::NatGateway': withId('nat', 'NatGatewayId', 'natgateway'),
  'AWS::EC2::EIP': (make) => {
    const ip = `203.0.113.${Number.parseInt(make.hex(2), 16)}`;
    return { ref: ip, attributes: { AllocationId: make.id('eipalloc'), PublicIp: ip } };
  },
  'AWS::EC2::SecurityGroup': withId('sg', 'GroupId', 'security-group'),
  'AWS::EC2::NetworkAcl': withId('acl', 'Id', 'network-acl'),
  'AWS::EC2::VPCEndpoint': withId('vpce', 'Id', 'vpc-endpoint'),
  'AWS::EC2::FlowLog': withId('fl', 'Id'),
  'AWS::Route53Resolver::FirewallDomainList': resolver('rslvr-fdl', 'firewall-domain-list'),
  'AWS::Route53Resolver::FirewallRuleGroup': resolver('rslvr-frg', 'firewall-rule-group'),
  'AWS::Route53Resolver::FirewallRuleGroupAssociation': resolver(
    'rslvr-frgassoc',
    'firewall-rule-group-association',
  ),
  'AWS::Route53Resolver::ResolverQueryLoggingConfig': resolver('rqlc', 'resolver-query-log-config'),
  'AWS::NetworkFirewall::Firewall': arnNamed('FirewallName', 'network-firewall', 'firewall/', {
    FirewallArn: 'arn',
  }),
  'AWS::NetworkFirewall::FirewallPolicy': arnNamed(
    'FirewallPolicyName',
    'network-firewall',
    'firewall-policy/',
    { FirewallPolicyArn: 'arn' },
  ),
  'AWS::NetworkFirewall::RuleGroup': arnNamed('RuleGroupName', 'network-firewall', 'stateful-rulegroup/', {
    RuleGroupArn: 'arn',
  }),
};

function resolver(prefix: string, kind: string): Identify {
  return (make) => {
    const ref = make.id(prefix);
    const arn = make.arn('route53resolver', `${kind}/${ref}`);
    return { ref, arn, attributes: { Id: ref, Arn: arn } };
  };
}

function functionArn(make: Maker): string {
  const name = make.name('FunctionName');
  return name.startsWith('arn:') ? name : make.arn('lambda', `function:${name}`);
}
