import { type JsonObject, listOf, objectOf, parseJson } from '../proof/assembly/json.ts';
import type { Live } from './live.ts';

/** How a type of resource is read, and what of it is compared. */
export interface Form {
  /** What is there under this id, with members as the type's template has them; more members do no harm. Undefined: nothing. */
  read(id: string, live: Live, expected: JsonObject): Promise<JsonObject | undefined>;
  /** What it means where it is not as it was deployed. */
  means: string;
  /** Members that must be there only where the template has them: whatever else would let somebody in or something out. */
  also?: readonly string[];
  /** Properties that decide nothing that was proved, or that AWS does not tell. */
  unread?: readonly string[];
}

/** Objects in a list of an answer; an empty list is an empty text in XML. */
export const items = (list: unknown): JsonObject[] => (list === '' ? [] : listOf(list).map(objectOf));

/** The value behind a path of members. */
const at = (from: unknown, ...path: readonly string[]) =>
  path.reduce<unknown>((value, member) => objectOf(value)[member], from);

const one = (list: unknown, member: string, value: unknown) =>
  items(list).find((item) => item[member] === value);

const without = (of: JsonObject | undefined, ...members: readonly string[]) =>
  of && Object.fromEntries(Object.entries(of).filter(([key]) => !members.includes(key)));

/** What EC2 has of one kind: its answers have one list. */
const kinds = async (live: Live, action: string) =>
  items(
    Object.values(without(await live('ec2', action), 'RequestId') ?? {}).find(
      (member) => typeof member === 'object' || member === '',
    ),
  );

/** Something of EC2 that its answer describes as a template does, with what it calls otherwise. */
function ec2(kind: string, id: string, otherwise: (of: JsonObject) => JsonObject = () => ({})): Form['read'] {
  return async (value, live) => {
    const found = one(await kinds(live, `Describe${kind}`), id, value);
    return found === undefined || GONE.test(JSON.stringify(found))
      ? undefined
      : { ...found, ...otherwise(found) };
  };
}

/** What EC2 still lists. */
const GONE = /"State":"(?:delet|reject|expired|fail)/i;

/** What comes with a VPC, or with what is found there by another kind, by kind. */
const OWN: Readonly<Record<string, (of: JsonObject) => boolean>> = {
  RouteTables: ({ AssociationSet }) => one(AssociationSet, 'Main', 'true') !== undefined,
  SecurityGroups: ({ GroupName }) => GroupName === 'default',
  NetworkInterfaces: ({ InterfaceType }) =>
    /^(?:lambda|vpc_endpoint|nat_?gateway)$/i.test(String(InterfaceType)),
};

/** What may stand in a VPC: how it is found, and the type that puts it there. An interface of nobody's is a machine in the zone. */
export const IN_VPC = {
  Subnets: ['Subnets', 'SubnetId', 'AWS::EC2::Subnet'],
  RouteTables: ['RouteTables', 'RouteTableId', 'AWS::EC2::RouteTable'],
  SecurityGroups: ['SecurityGroups', 'GroupId', 'AWS::EC2::SecurityGroup'],
  Endpoints: ['VpcEndpoints', 'VpcEndpointId', 'AWS::EC2::VPCEndpoint'],
  NatGateways: ['NatGateways', 'NatGatewayId', 'AWS::EC2::NatGateway'],
  InternetGateways: ['InternetGateways', 'InternetGatewayId', 'AWS::EC2::InternetGateway'],
  FlowLogs: ['FlowLogs', 'FlowLogId', 'AWS::EC2::FlowLog'],
  Peerings: ['VpcPeeringConnections', 'VpcPeeringConnectionId', ''],
  TransitGateways: ['TransitGatewayVpcAttachments', 'TransitGatewayAttachmentId', ''],
  VpnGateways: ['VpnGateways', 'VpnGatewayId', ''],
  OtherInterfaces: ['NetworkInterfaces', 'NetworkInterfaceId', ''],
} as const;

async function readVpc(id: string, live: Live) {
  const beside = Object.entries(IN_VPC).map(async ([property, [kind, name]]) => {
    const there = (await kinds(live, `Describe${kind}`)).filter((of) => {
      const text = JSON.stringify(of);
      return text.includes(`"${id}"`) && !GONE.test(text) && !OWN[kind]?.(of);
    });
    return [property, there.map((of) => of[name])];
  });
  const attribute = async (name: string) => {
    const answer = await live('ec2', 'DescribeVpcAttribute', {
      VpcId: id,
      Attribute: `${name[0]?.toLowerCase()}${name.slice(1)}`,
    });
    return [name, at(answer, name, 'Value')];
  };
  const vpc = await ec2('Vpcs', 'VpcId')(id, live, {});
  const subnets = (await kinds(live, 'DescribeSubnets')).filter(({ VpcId }) => VpcId === id);
  // Of every version, since each has a network of its own.
  const functions = items((await live('lambda', `${LAMBDA}/`, { FunctionVersion: 'ALL' })).Functions).filter(
    ({ VpcConfig }) => subnets.some(({ SubnetId }) => listOf(at(VpcConfig, 'SubnetIds')).includes(SubnetId)),
  );
  return (
    vpc && {
      ...vpc,
      Functions: functions.map(({ FunctionName, Version }) =>
        Version === '$LATEST' ? FunctionName : `${FunctionName}:${Version}`,
      ),
      OtherBlocks: [vpc.CidrBlockAssociationSet, vpc.Ipv6CidrBlockAssociationSet]
        .flatMap((set) => items(set))
        .map(({ CidrBlock, Ipv6CidrBlock }) => CidrBlock ?? Ipv6CidrBlock)
        .filter((block) => block !== vpc.CidrBlock),
      ...Object.fromEntries(
        await Promise.all([...beside, attribute('EnableDnsHostnames'), attribute('EnableDnsSupport')]),
      ),
    }
  );
}

/** The rules of a security group. */
const rules = async (live: Live, group: string, outward: boolean) =>
  (await kinds(live, 'DescribeSecurityGroupRules'))
    .filter(({ GroupId, IsEgress }) => GroupId === group && (IsEgress === 'true') === outward)
    .map(({ IpProtocol, FromPort, ToPort, CidrIpv4, CidrIpv6, PrefixListId, ReferencedGroupInfo: of }) => ({
      ...{ IpProtocol, FromPort, ToPort, CidrIp: CidrIpv4, CidrIpv6, PrefixListId },
      [outward ? 'DestinationSecurityGroupId' : 'SourceSecurityGroupId']: at(of, 'GroupId'),
    }));

const NETWORK: Readonly<Record<string, Form>> = {
  'AWS::EC2::VPC': {
    read: readVpc,
    means: 'The zone has another way in or out than was proved (I4), or lacks one.',
    also: [...Object.keys(IN_VPC), 'Functions', 'OtherBlocks'],
    unread: ['Tags'],
  },
  'AWS::EC2::Subnet': {
    read: ec2('Subnets', 'SubnetId'),
    means: 'The subnet has other addresses, or gives public ones.',
    unread: ['AvailabilityZone', 'Tags'],
  },
  'AWS::EC2::RouteTable': {
    async read(id, live) {
      const table = await ec2('RouteTables', 'RouteTableId')(id, live, {});
      // The VPC's own route, and those of its gateway endpoints, come with them; those to other endpoints somebody made.
      const own = (await kinds(live, 'DescribeVpcEndpoints'))
        .filter(({ VpcEndpointType }) => VpcEndpointType === 'Gateway')
        .map(({ VpcEndpointId }) => VpcEndpointId);
      return (
        table && {
          ...table,
          Routes: items(table.RouteSet)
            .filter(({ GatewayId }) => GatewayId !== 'local' && !own.includes(GatewayId))
            .map((route) => without(route, 'Origin', 'State')),
          Subnets: items(table.AssociationSet).map(({ SubnetId }) => SubnetId),
        }
      );
    },
    means: 'Packets of these subnets go another way than was proved.',
    also: ['Routes'],
    unread: ['Tags'],
  },
  'AWS::EC2::SecurityGroup': {
    async read(id, live) {
      const group = await ec2('SecurityGroups', 'GroupId')(id, live, {});
      const both = {
        SecurityGroupIngress: await rules(live, id, false),
        SecurityGroupEgress: await rules(live, id, true),
      };
      return group && { ...group, ...both };
    },
    means: 'Other connections are let through than was proved.',
    also: ['SecurityGroupIngress', 'SecurityGroupEgress'],
    unread: ['GroupDescription'],
  },
  'AWS::EC2::VPCEndpoint': {
    read: ec2('VpcEndpoints', 'VpcEndpointId', ({ GroupSet, SubnetIdSet, RouteTableIdSet }) => ({
      ...{ SubnetIds: SubnetIdSet, RouteTableIds: RouteTableIdSet },
      SecurityGroupIds: items(GroupSet).map(({ GroupId }) => GroupId),
    })),
    means: 'Something else may pass this endpoint than was proved (I2, I5).',
    also: ['SubnetIds', 'SecurityGroupIds', 'RouteTableIds'],
  },
  'AWS::EC2::NatGateway': {
    read: ec2('NatGateways', 'NatGatewayId'),
    means: 'The way out of this zone is missing or another.',
    unread: ['AllocationId', 'Tags'],
  },
  'AWS::EC2::InternetGateway': {
    read: ec2('InternetGateways', 'InternetGatewayId'),
    means: 'The way out of this zone is missing.',
    unread: ['Tags'],
  },
  'AWS::EC2::EIP': {
    read: ec2('Addresses', 'PublicIp'),
    means: 'The address that others know this zone by is gone.',
    unread: ['Tags'],
  },
  'AWS::EC2::FlowLog': {
    read: ec2('FlowLogs', 'FlowLogId'),
    means: 'Connections of this network are not recorded as they should be.',
    unread: ['ResourceType'],
  },
  'AWS::Route53Resolver::FirewallDomainList': {
    read: async (FirewallDomainListId, live) => {
      const { Domains } = await live('route53resolver', 'ListFirewallDomains', { FirewallDomainListId });
      // AWS writes names with their last dot.
      return { Domains: listOf(Domains).map((name) => String(name).replace(/(?<=.)\.$/, '')) };
    },
    means: 'Functions of this zone can look up other names than declared.',
  },
  'AWS::Route53Resolver::FirewallRuleGroup': {
    read: (FirewallRuleGroupId, live) =>
      live('route53resolver', 'ListFirewallRules', { FirewallRuleGroupId }),
    means: 'Names are allowed or refused by other rules than declared.',
  },
  'AWS::Route53Resolver::FirewallRuleGroupAssociation': {
    read: async (FirewallRuleGroupAssociationId, live) => {
      const asked = { FirewallRuleGroupAssociationId };
      return objectOf(
        (await live('route53resolver', 'GetFirewallRuleGroupAssociation', asked))
          .FirewallRuleGroupAssociation,
      );
    },
    means: 'DNS Firewall does not look at this network: any name can be looked up.',
  },
};

/** Every role and policy of the account. */
const identities = (live: Live) =>
  live('iam', 'GetAccountAuthorizationDetails', { Filter: ['Role', 'LocalManagedPolicy'], MaxItems: 1000 });

const IDENTITY: Readonly<Record<string, Form>> = {
  'AWS::IAM::Role': {
    async read(id, live) {
      const role = one((await identities(live)).RoleDetailList, 'RoleName', id);
      return (
        role && {
          ...role,
          PermissionsBoundary: at(role, 'PermissionsBoundary', 'PermissionsBoundaryArn'),
          Policies: role.RolePolicyList,
          ManagedPolicyArns: items(role.AttachedManagedPolicies).map(({ PolicyArn }) => PolicyArn),
        }
      );
    },
    means: 'This role may do something else than was proved.',
    also: ['Policies', 'ManagedPolicyArns'],
    unread: ['MaxSessionDuration'],
  },
  'AWS::IAM::ManagedPolicy': {
    async read(id, live) {
      const policy = one((await identities(live)).Policies, 'Arn', id);
      const version = one(policy?.PolicyVersionList, 'IsDefaultVersion', 'true');
      return policy && { ...policy, PolicyDocument: version?.Document };
    },
    means: 'The boundary of these roles is another: what they are given by hand may reach further.',
    // They are in its ARN.
    unread: ['ManagedPolicyName', 'Path'],
  },
};

const LAMBDA = '/2015-03-31/functions';
const SOURCES = '/2015-03-31/event-source-mappings';

const COMPUTE: Readonly<Record<string, Form>> = {
  'AWS::Lambda::Function': {
    async read(id, live, { DeployedAt, OwnPolicy }) {
      const of = await live('lambda', `${LAMBDA}/${id}`);
      const LastModified = at(of, 'Configuration', 'LastModified');
      // One of its own is compared whole, for itself.
      const policy = OwnPolicy
        ? {}
        : parseJson((await ifThere(live('lambda', `${LAMBDA}/${id}/policy`)))?.Policy);
      return {
        ...objectOf(of.Configuration),
        ReservedConcurrentExecutions: at(of, 'Concurrency', 'ReservedConcurrentExecutions'),
        Permissions: items(at(policy, 'Statement')).map((it) => ({
          Statement: without(it, 'Sid', 'Resource'),
        })),
        EventSourceMappings: items(
          (await live('lambda', `${SOURCES}/`, { FunctionName: id })).EventSourceMappings,
        ).map(({ UUID }) => UUID),
        ChangedSince:
          Date.parse(String(LastModified)) > Date.parse(String(DeployedAt)) ? LastModified : undefined,
        AsyncDestinations: (await ifThere(live('lambda', `/2019-09-25/functions/${id}/event-invoke-config`)))
          ?.DestinationConfig,
        FunctionUrl: (await ifThere(live('lambda', `/2021-10-31/functions/${id}/url`)))?.FunctionUrl,
      };
    },
    means:
      'This function runs otherwise than was proved: its role, grant, network, code of others, or who may invoke it. ChangedSince: somebody updated its code or settings after the deploy.',
    also: [
      ...['Permissions', 'EventSourceMappings', 'FunctionUrl', 'Layers', 'FileSystemConfigs', 'Environment'],
      ...['ChangedSince', 'AsyncDestinations', 'DeadLetterConfig'],
    ],
    // The bundle is compared by its key in the template that was deployed.
    unread: ['Code', 'Tags', 'DeployedAt', 'OwnPolicy'],
  },
  'AWS::Lambda::ResourcePolicy': {
    async read(_, live, { ResourceArn }) {
      const path = `/2026-07-09/resource-policy/${encodeURIComponent(String(ResourceArn))}`;
      return { ResourceArn, PolicyDocument: (await live('lambda', path)).Policy };
    },
    means: 'Others than its zone may invoke this signer, or others than deploys change it (I2).',
  },
  'AWS::Lambda::EventSourceMapping': {
    async read(id, live) {
      const of = await live('lambda', `${SOURCES}/${id}`);
      const stopped = /^Disabl/.test(String(of.State)) ? of.State : undefined;
      return { ...of, FunctionName: String(of.FunctionArn).split(':').at(-1), Stopped: stopped };
    },
    means: 'Messages reach the function otherwise than declared, or not at all.',
    also: ['Stopped', 'FilterCriteria', 'DestinationConfig'],
  },
};

const DATA: Readonly<Record<string, Form>> = {
  'AWS::KMS::Key': {
    async read(KeyId, live) {
      const { KeyMetadata } = await live('kms', 'DescribeKey', { KeyId });
      const { Grants } = await live('kms', 'ListGrants', { KeyId });
      return {
        ...objectOf(KeyMetadata),
        KeyPolicy: (await live('kms', 'GetKeyPolicy', { KeyId, PolicyName: 'default' })).Policy,
        EnableKeyRotation: (await live('kms', 'GetKeyRotationStatus', { KeyId })).KeyRotationEnabled,
        // Services that encrypt with a key have grants for it.
        Grants: items(Grants).filter(
          ({ GranteePrincipal }) => !/\.amazonaws\.com$/.test(String(GranteePrincipal)),
        ),
        Disabled: at(KeyMetadata, 'Enabled') === true ? undefined : at(KeyMetadata, 'KeyState'),
      };
    },
    means: 'Who may use or administer this key is not what was proved (I1).',
    also: ['Grants', 'Disabled'],
    unread: ['Tags', 'PendingWindowInDays'],
  },
  'AWS::SecretsManager::Secret': {
    async read(SecretId, live) {
      const of = await live('secretsmanager', 'DescribeSecret', { SecretId });
      const { RotationLambdaARN, RotationRules, RotationEnabled, DeletedDate } = of;
      const Policy = (await live('secretsmanager', 'GetResourcePolicy', { SecretId })).ResourcePolicy;
      return DeletedDate
        ? undefined
        : {
            ...of,
            Policy,
            Rotation: RotationEnabled === true ? { RotationLambdaARN, RotationRules } : undefined,
          };
    },
    means: "A client's record can be read or changed by others, or its keys are not rotated as declared.",
    also: ['Policy', 'Rotation', 'ReplicationStatus'],
    unread: ['SecretString'],
  },
  'AWS::DynamoDB::Table': {
    async read(TableName, live) {
      const of = objectOf((await live('dynamodb', 'DescribeTable', { TableName })).Table);
      const ttl = objectOf(
        (await live('dynamodb', 'DescribeTimeToLive', { TableName })).TimeToLiveDescription,
      );
      const sse = objectOf(of.SSEDescription);
      const policy = await ifThere(live('dynamodb', 'GetResourcePolicy', { ResourceArn: of.TableArn }));
      return {
        ...{ ...of, Policy: policy?.Policy, BillingMode: at(of, 'BillingModeSummary', 'BillingMode') },
        SSESpecification: {
          ...sse,
          KMSMasterKeyId: sse.KMSMasterKeyArn,
          SSEEnabled: sse.Status === 'ENABLED',
        },
        TimeToLiveSpecification: { ...ttl, Enabled: /^ENABL/.test(String(ttl.TimeToLiveStatus)) },
      };
    },
    means: 'What is kept here is kept under another key, for another time, or can be read by others.',
    also: ['Policy', 'Replicas', 'StreamSpecification'],
    unread: ['Tags'],
  },
  'AWS::Logs::LogGroup': {
    read: async (logGroupNamePrefix, live) =>
      one(
        (await live('logs', 'DescribeLogGroups', { logGroupNamePrefix })).LogGroups,
        'LogGroupName',
        logGroupNamePrefix,
      ),
    means: 'The log is kept under another key, for another time, or not at all.',
  },
};

const EVENTS: Readonly<Record<string, Form>> = {
  'AWS::SQS::Queue': {
    async read(QueueUrl, live) {
      const of = objectOf(
        (await live('sqs', 'GetQueueAttributes', { QueueUrl, AttributeNames: ['All'] })).Attributes,
      );
      return { ...of, QueueName: String(of.QueueArn).split(':').at(-1) };
    },
    means: 'Others may read or write this queue, or messages in it are kept otherwise than declared.',
    also: ['Policy', 'RedrivePolicy', 'KmsMasterKeyId'],
  },
  'AWS::SNS::Topic': {
    async read(TopicArn, live) {
      const { Attributes } = await live('sns', 'GetTopicAttributes', { TopicArn });
      return Object.fromEntries(items(Attributes).map(({ key, value }) => [key, value]));
    },
    means: 'Alarms reach nobody, or others may publish or subscribe.',
    also: ['Policy'],
  },
  'AWS::Events::EventBus': {
    // An archive has a rule too.
    read: async (Name, live) => ({
      ...(await live('events', 'DescribeEventBus', { Name })),
      Rules: items((await live('events', 'ListRules', { EventBusName: Name })).Rules).map((of) => of.Name),
    }),
    means: 'Others may put events on this bus, they are kept under another key, or go elsewhere too.',
    also: ['Policy', 'Rules'],
  },
  'AWS::Events::Rule': {
    async read(id, live) {
      // On a bus of one's own, CloudFormation calls a rule by both names.
      const [Rule = id, ...bus] = id.split('|').reverse();
      const of = { ...(bus.length === 0 ? {} : { EventBusName: bus[0] }) };
      const rule = await live('events', 'DescribeRule', { Name: Rule, ...of });
      return {
        ...rule,
        ...(await live('events', 'ListTargetsByRule', { Rule, ...of })),
        Stopped: rule.State === 'ENABLED' ? undefined : rule.State,
      };
    },
    means: 'Events, or the hourly and daily checks of keys, go elsewhere or nowhere.',
    also: ['Stopped'],
  },
  'AWS::CloudWatch::Alarm': {
    async read(id, live) {
      const of = one(
        (await live('monitoring', 'DescribeAlarms', { AlarmNames: [id] })).MetricAlarms,
        'AlarmName',
        id,
      );
      return (
        of && {
          ...of,
          Threshold: Number(of.Threshold),
          Muted: of.ActionsEnabled === 'true' ? undefined : true,
        }
      );
    },
    means: 'What this alarm is for happens unseen.',
    also: ['Muted', 'Unit', 'Dimensions'],
  },
};

const apiItems = async (live: Live, path: string, input: JsonObject = {}) =>
  items((await live('apigateway', path, { limit: 500, ...input })).Item);

const ENTRIES: Readonly<Record<string, Form>> = {
  'AWS::ApiGateway::RestApi': {
    async read(id, live) {
      const path = `/restapis/${id}`;
      const methods = (await apiItems(live, `${path}/resources`, { embed: 'methods' })).flatMap(
        ({ Path, ResourceMethods }) =>
          Object.entries(objectOf(ResourceMethods)).map(([verb, method]) => {
            const integration = objectOf(at(method, 'MethodIntegration'));
            return [
              `${verb} ${Path}`,
              {
                ...objectOf(method),
                Integration: { ...integration, IntegrationHttpMethod: integration.HttpMethod },
              },
            ];
          }),
      );
      const responses = (await apiItems(live, `${path}/gatewayresponses`)).filter(
        ({ DefaultResponse }) => DefaultResponse !== true,
      );
      return {
        ...(await live('apigateway', path)),
        Stages: items((await live('apigateway', `${path}/stages`)).Item).map(({ StageName }) => StageName),
        Methods: Object.fromEntries(methods),
        GatewayResponses: Object.fromEntries(responses.map(({ ResponseType, ...of }) => [ResponseType, of])),
      };
    },
    means: 'Something can be called from outside that was not proved, or in another way.',
    also: ['Policy', 'Methods', 'GatewayResponses', 'Stages'],
  },
  'AWS::ApiGateway::RequestValidator': {
    read: (id, live, { RestApiId }) => live('apigateway', `/restapis/${RestApiId}/requestvalidators/${id}`),
    means: 'The gateway lets requests through that it should refuse.',
    unread: ['RestApiId'],
  },
  'AWS::ApiGateway::Deployment': {
    read: (id, live, { RestApiId }) => live('apigateway', `/restapis/${RestApiId}/deployments/${id}`),
    means: 'The stage serves another state of the API.',
    unread: ['RestApiId'],
  },
  'AWS::ApiGateway::Stage': {
    async read(id, live, { RestApiId }) {
      const of = await live('apigateway', `/restapis/${RestApiId}/stages/${id}`);
      // Settings are by path and verb, `*/*` where the template says `/*` and `*`.
      const settings = Object.entries(objectOf(of.MethodSettings)).map(([key, setting]) => {
        const [path, verb] = key.split(/\/(?=[^/]*$)/);
        return { ...objectOf(setting), HttpMethod: verb, ResourcePath: `/${path?.replaceAll('~1', '/')}` };
      });
      const log = objectOf(of.AccessLogSettings);
      // The template's ARN of a log group ends with `:*`, and API Gateway keeps it without.
      const destination = `${String(log.DestinationArn).replace(/:\*$/, '')}:*`;
      return {
        ...{ ...of, MethodSettings: settings, AccessLogSetting: { ...log, DestinationArn: destination } },
        Cached: of.CacheClusterEnabled === true ? true : undefined,
      };
    },
    means: 'The gateway serves another state of the API, with other limits, or logs calls otherwise.',
    also: ['CanarySettings', 'Cached', 'Variables'],
    unread: ['RestApiId'],
  },
  'AWS::ApiGateway::Account': {
    read: async (_, live) => ({
      CloudWatchRoleArn: (await live('apigateway', '/account')).CloudwatchRoleArn,
    }),
    means: 'API Gateway writes no logs, or by another role.',
  },
};

/** How each type of resource is read and compared. */
export const FORMS = { ...NETWORK, ...IDENTITY, ...COMPUTE, ...DATA, ...EVENTS, ...ENTRIES };

/** What `ask` resolves to; undefined where AWS says, in one of its ways, that there is no such thing. */
export async function ifThere<T>(ask: Promise<T>): Promise<T | undefined> {
  try {
    return await ask;
  } catch (error) {
    if (/NotFound|NoSuch|NonExist|DoesNotExist/.test(awsError(error))) return undefined;
    throw error;
  }
}

/** AWS's code of an error. */
export function awsError(error: unknown): string {
  return String(at(error, 'facts', 'error') ?? '');
}
