import { ZonesError } from '@helseid-zones/protocol/errors';
import { expect, test } from 'vitest';
import { readAssembly } from '../../../infra/proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../../../infra/proof/assembly/resolve.ts';
import { compareLive, FORMS } from '../../../infra/verify/compare-live.ts';
import { ADD_ONLY } from '../../../infra/verify/expected.ts';
import type { Live } from '../../../infra/verify/live.ts';
import { READERS } from '../../../infra/verify/readers.ts';
import { synthesizedFolder } from '../synthesize.ts';

const place = { account: '111111111111', region: 'eu-north-1' };
const arn = 'arn:aws:lambda:eu-north-1:111111111111:function:worker';
const BLOCK = { CidrBlock: '10.0.0.0/20' };
const policy = (Action: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource: '*' }],
});

const SIGNER = 'arn:aws:lambda:eu-north-1:111111111111:function:signer';
/** A signer's own policy, by whom it spares. */
const sparing = (...roles: string[]) => ({
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'OnlyItsZone',
      Effect: 'Deny',
      Principal: '*',
      Action: 'lambda:InvokeFunction*',
      Resource: [SIGNER, `${SIGNER}:*`],
      Condition: { ArnNotEquals: { 'aws:PrincipalArn': roles } },
    },
  ],
});
const ASKER = 'arn:aws:iam::111111111111:role/worker';

const of = <P extends object>(type: string, Properties: P) => ({ Type: `AWS::${type}`, Properties });
const INVOKES = { PolicyName: 'main', PolicyDocument: policy('lambda:InvokeFunction') };
const METHOD = { HttpMethod: 'GET', AuthorizationType: 'AWS_IAM', Integration: { Type: 'AWS_PROXY' } };
const TEMPLATE = {
  Vpc: of('EC2::VPC', { CidrBlock: '10.0.0.0/20' }),
  Subnet: of('EC2::Subnet', { VpcId: { Ref: 'Vpc' } }),
  Table: of('EC2::RouteTable', { VpcId: { Ref: 'Vpc' } }),
  Nat: of('EC2::NatGateway', { SubnetId: 'subnet-1' }),
  Route: of('EC2::Route', {
    RouteTableId: { Ref: 'Table' },
    DestinationCidrBlock: '0.0.0.0/0',
    NatGatewayId: { Ref: 'Nat' },
  }),
  Names: of('Route53Resolver::FirewallRuleGroupAssociation', {
    FirewallRuleGroupId: 'rslvr-frg-1',
    Priority: 101,
    VpcId: { Ref: 'Vpc' },
  }),
  Role: of('IAM::Role', { RoleName: 'worker', Policies: [INVOKES] }),
  Worker: of('Lambda::Function', {
    FunctionName: 'worker',
    Timeout: 30,
    Environment: { Variables: { SIGNERS: '{}' } },
    VpcConfig: { SubnetIds: ['subnet-1'] },
    Code: { S3Key: 'a.zip' },
  }),
  Permission: of('Lambda::Permission', {
    FunctionName: { 'Fn::GetAtt': ['Worker', 'Arn'] },
    Action: 'lambda:InvokeFunction',
    Principal: 'events.amazonaws.com',
  }),
  Signer: of('Lambda::Function', { FunctionName: 'signer' }),
  Callers: of('Lambda::ResourcePolicy', {
    ResourceArn: { 'Fn::GetAtt': ['Signer', 'Arn'] },
    PolicyDocument: sparing(ASKER),
  }),
  Key: of('KMS::Key', { KeyPolicy: policy('kms:DescribeKey'), EnableKeyRotation: true }),
  Bus: of('Events::EventBus', { Name: 'zone' }),
  Events: of('Events::Rule', {
    EventBusName: { Ref: 'Bus' },
    EventPattern: { source: ['ehr'] },
    Targets: [{ Id: 'Queue', Arn: 'arn:queue' }],
  }),
  Alarm: of('CloudWatch::Alarm', { AlarmName: 'failed', Threshold: 0, Period: 3600 }),
  Api: of('ApiGateway::RestApi', { Name: 'api', SecurityPolicy: 'TLS_1_2' }),
  Root: of('ApiGateway::Method', {
    RestApiId: { Ref: 'Api' },
    ResourceId: { 'Fn::GetAtt': ['Api', 'RootResourceId'] },
    ...METHOD,
  }),
  Stage: of('ApiGateway::Stage', {
    RestApiId: { Ref: 'Api' },
    StageName: 'prod',
    AccessLogSetting: { DestinationArn: 'arn:log:*' },
  }),
  Audit: of('Logs::LogGroup', { LogGroupName: 'audit', RetentionInDays: 400 }),
  Export: of('Logs::SubscriptionFilter', {
    LogGroupName: { Ref: 'Audit' },
    DestinationArn: 'arn:destination',
    FilterPattern: '',
  }),
  Source: of('Lambda::EventSourceMapping', { FunctionName: { Ref: 'Worker' }, BatchSize: 1 }),
};
const IDS = {
  Vpc: 'vpc-1',
  Subnet: 'subnet-1',
  Table: 'rtb-1',
  Nat: 'nat-1',
  Route: 'route-1',
  Names: 'rslvr-frgassoc-1',
  Role: 'worker',
  Worker: 'worker',
  Permission: 'p-1',
  Key: 'key-1',
  Alarm: 'failed',
  Api: 'api1',
  Root: 'm-1',
  Signer: 'signer',
  Callers: SIGNER,
  Audit: 'audit',
  Export: 'export-1',
  Bus: 'zone',
  Events: 'zone|events',
  Stage: 'prod',
  Source: 'source-1',
};

/** What AWS answers about {@link TEMPLATE} as it was deployed; in these shapes moto answers too, but for the firewall's. */
const answers = () => ({
  'cloudformation ListStackResources': {
    StackResourceSummaries: Object.entries(IDS).map(([LogicalResourceId, PhysicalResourceId]) => ({
      LogicalResourceId,
      PhysicalResourceId,
      ResourceType: TEMPLATE[LogicalResourceId as keyof typeof IDS].Type as string,
      LastUpdatedTimestamp: '2026-11-01T10:00:00.000Z',
    })),
  },
  // Of other systems, and of this one's makers, are no business of verify's.
  'cloudformation DescribeStacks': {
    Stacks: ['s-signing', 's-frontend', 'other-zone-x'].map((StackName) => ({ StackName })),
  },
  'cloudformation GetTemplate': { TemplateBody: JSON.stringify({ Resources: TEMPLATE }) },
  'ec2 DescribeVpcs': {
    VpcSet: [{ VpcId: 'vpc-1', ...BLOCK, CidrBlockAssociationSet: [BLOCK] }],
  },
  'ec2 DescribeSubnets': { SubnetSet: [{ SubnetId: 'subnet-1', VpcId: 'vpc-1' }] },
  'ec2 DescribeSecurityGroups': {
    SecurityGroupInfo: [{ GroupId: 'sg-1', GroupName: 'default', VpcId: 'vpc-1' }],
  },
  'ec2 DescribeRouteTables': {
    RouteTableSet: [
      {
        RouteTableId: 'rtb-1',
        VpcId: 'vpc-1',
        AssociationSet: '',
        RouteSet: [
          { DestinationCidrBlock: '10.0.0.0/20', GatewayId: 'local' } as Record<string, string>,
          { DestinationPrefixListId: 'pl-1', GatewayId: 'vpce-1' },
          {
            DestinationCidrBlock: '0.0.0.0/0',
            NatGatewayId: 'nat-1',
            State: 'active',
            Origin: 'CreateRoute',
          },
        ],
      },
    ],
  },
  'ec2 DescribeNatGateways': {
    NatGatewaySet: [{ NatGatewayId: 'nat-1', VpcId: 'vpc-1', SubnetId: 'subnet-1', State: 'available' }],
  },
  // Of another network, so that it needs no resource here.
  'ec2 DescribeVpcEndpoints': {
    VpcEndpointSet: [{ VpcEndpointId: 'vpce-1', VpcEndpointType: 'Gateway' }] as object[],
  },
  'ec2 DescribeVpcPeeringConnections': { VpcPeeringConnectionSet: [] as object[] },
  'ec2 DescribeNetworkInterfaces': {
    NetworkInterfaceSet: [{ NetworkInterfaceId: 'eni-1', VpcId: 'vpc-1', InterfaceType: 'lambda' }],
  },
  'route53resolver GetFirewallRuleGroupAssociation': {
    FirewallRuleGroupAssociation: {
      FirewallRuleGroupId: 'rslvr-frg-1',
      Priority: 101,
      VpcId: 'vpc-1',
      Status: 'COMPLETE',
    },
  } as object | undefined,
  'iam GetAccountAuthorizationDetails': {
    RoleDetailList: [
      {
        RoleName: 'worker',
        AttachedManagedPolicies: [] as object[],
        RolePolicyList: [
          {
            PolicyName: 'main',
            PolicyDocument: encodeURIComponent(JSON.stringify(policy('lambda:InvokeFunction'))),
          },
        ],
      },
    ],
  },
  'lambda /2015-03-31/functions/worker': {
    Configuration: {
      FunctionName: 'worker',
      Timeout: 30,
      LastModified: '2026-11-01T09:59:58.000+0000',
      CodeSha256: 'x',
      VpcConfig: { SubnetIds: ['subnet-1'], VpcId: 'vpc-1' },
      Environment: { Variables: { SIGNERS: '{}' } as object },
    },
  },
  'lambda /2015-03-31/functions/worker/policy': {
    Policy: JSON.stringify({
      Statement: [
        {
          Sid: 'p-1',
          Effect: 'Allow',
          Principal: { Service: 'events.amazonaws.com' },
          Action: 'lambda:InvokeFunction',
          Resource: arn,
        },
      ],
    }),
  },
  'lambda /2015-03-31/functions/signer': { Configuration: { FunctionName: 'signer' } },
  // As AWS may show it by its older call too.
  'lambda /2015-03-31/functions/signer/policy': { Policy: JSON.stringify(sparing(ASKER)) },
  [`lambda /2026-07-09/resource-policy/${encodeURIComponent(SIGNER)}`]: {
    Policy: JSON.stringify(sparing(ASKER)),
  },
  'lambda /2015-03-31/event-source-mappings/': { EventSourceMappings: [{ UUID: 'source-1' }] },
  'lambda /2015-03-31/event-source-mappings/source-1': { FunctionArn: arn, BatchSize: 1, State: 'Enabled' },
  'lambda /2015-03-31/functions/': {
    Functions: [
      { FunctionName: 'worker', Version: '$LATEST', VpcConfig: { SubnetIds: ['subnet-1'] } },
      { FunctionName: 'other', Version: '$LATEST', VpcConfig: { SubnetIds: ['subnet-9'] } },
    ],
  },
  'events DescribeEventBus': { Name: 'zone' },
  'events ListRules': { Rules: [{ Name: 'events' }] },
  'events DescribeRule': {
    Name: 'events',
    EventBusName: 'zone',
    State: 'ENABLED',
    EventPattern: '{"source":["ehr"]}',
  },
  'events ListTargetsByRule': { Targets: [{ Id: 'Queue', Arn: 'arn:queue' }] },
  'logs DescribeLogGroups': { LogGroups: [{ LogGroupName: 'audit', RetentionInDays: 400 }] },
  'logs DescribeSubscriptionFilters': {
    SubscriptionFilters: [
      {
        FilterName: 'export-1',
        LogGroupName: 'audit',
        Distribution: 'ByLogStream',
        DestinationArn: 'arn:destination',
        FilterPattern: '',
        CreationTime: 1,
        ApplyOnTransformedLogs: false,
      },
    ],
  },
  'kms DescribeKey': { KeyMetadata: { Enabled: true, KeyState: 'Enabled' } },
  'kms ListGrants': { Grants: [{ GranteePrincipal: 'dynamodb.eu-north-1.amazonaws.com' }] },
  'kms GetKeyPolicy': { Policy: JSON.stringify(policy('kms:DescribeKey')) },
  'kms GetKeyRotationStatus': { KeyRotationEnabled: true },
  'monitoring DescribeAlarms': {
    MetricAlarms: [{ AlarmName: 'failed', Threshold: '0.0', Period: '3600', ActionsEnabled: 'true' }],
  },
  'apigateway /restapis/api1': { Id: 'api1', Name: 'api', SecurityPolicy: 'TLS_1_2' },
  'apigateway /restapis/api1/resources': {
    Item: [
      {
        Path: '/',
        ResourceMethods: {
          GET: {
            AuthorizationType: 'AWS_IAM',
            MethodIntegration: { Type: 'AWS_PROXY', TimeoutInMillis: 29000 },
          },
        },
      },
    ] as object[],
  },
  'apigateway /restapis/api1/stages': { Item: [{ StageName: 'prod' }] },
  'apigateway /restapis/api1/stages/prod': {
    StageName: 'prod',
    CacheClusterEnabled: false,
    AccessLogSettings: { DestinationArn: 'arn:log' },
  },
  'apigateway /restapis/api1/gatewayresponses': {
    Item: [{ ResponseType: 'DEFAULT_4XX', DefaultResponse: true }],
  },
});

type Answers = ReturnType<typeof answers>;

/** An account that answers so; of what it has nothing to say, it has nothing. */
function accountWith(change: (of: Answers) => unknown): Live {
  const all = answers();
  change(all);
  return async (service, action, input) => {
    // Nothing feeds a signer.
    if (input?.FunctionName === 'signer') return {};
    const answer = all[`${service} ${action}` as keyof Answers];
    if (answer !== undefined || service === 'ec2') return { ...answer };
    const facts = { service, error: 'ResourceNotFoundException', status: 404 };
    throw new ZonesError('aws_refused', `${service} answered 404`, { facts });
  };
}

const stack = {
  name: 's-signing',
  ...place,
  assets: new Map(),
  constructPaths: new Map(),
  template: { Resources: TEMPLATE },
};

const compare = (change: (of: Answers) => unknown) =>
  compareLive(resolveAssembly({ stacks: [stack] }, place), accountWith(change));

test('what is live as it was synthesized is no difference', async () => {
  expect(await compare(() => {})).toMatchObject({ differences: [], unread: [], read: 17 });
});

const worker = (of: Answers) => of['lambda /2015-03-31/functions/worker'].Configuration;
const role = (of: Answers) => of['iam GetAccountAuthorizationDetails'].RoleDetailList[0];

type Change = (of: Answers) => unknown;
/** Members of an answer, by the call that it is to. */
const membersOf = (of: Answers, call: string) =>
  (of as unknown as Record<string, Record<string, object[]>>)[call] ?? expect.fail(call);
const adds =
  (call: string, list: string, item: object): Change =>
  (of) =>
    membersOf(of, call)[list]?.push(item);
const drops =
  (call: string, list: string): Change =>
  (of) =>
    membersOf(of, call)[list]?.pop();
const sets =
  (call: string, more: object): Change =>
  (of) =>
    Object.assign(membersOf(of, call), more);
const setsFirst =
  (call: string, list: string, more: object): Change =>
  (of) =>
    Object.assign(membersOf(of, call)[list]?.[0] ?? expect.fail(list), more);
const answersWith =
  (call: string, answer: object | undefined): Change =>
  (of) =>
    Object.assign(of, { [call]: answer });
const hasMethod = (method: object) =>
  sets(RESOURCES, { Item: [{ Path: '/', ResourceMethods: { GET: method } }] });

const FILTERS = ['logs DescribeSubscriptionFilters', 'SubscriptionFilters'] as const;
const ENDPOINTS = ['ec2 DescribeVpcEndpoints', 'VpcEndpointSet'] as const;
const INTERFACES = ['ec2 DescribeNetworkInterfaces', 'NetworkInterfaceSet'] as const;
const PEERINGS = ['ec2 DescribeVpcPeeringConnections', 'VpcPeeringConnectionSet'] as const;
const FUNCTIONS = ['lambda /2015-03-31/functions/', 'Functions'] as const;
const ALARMS = ['monitoring DescribeAlarms', 'MetricAlarms'] as const;
const STACKS = ['cloudformation DescribeStacks', 'Stacks'] as const;
const [RESOURCES, STAGES] = ['apigateway /restapis/api1/resources', 'apigateway /restapis/api1/stages'];
const WORKER = 'lambda /2015-03-31/functions/worker';
const OWN_POLICY = `lambda /2026-07-09/resource-policy/${encodeURIComponent(SIGNER)}`;
const INVOKE_CONFIG = 'lambda /2019-09-25/functions/worker/event-invoke-config';

const MORE_FILTER = {
  FilterName: 'x',
  LogGroupName: 'audit',
  Distribution: 'ByLogStream',
  ApplyOnTransformedLogs: false,
  DestinationArn: 'arn:other',
  FilterPattern: '',
  CreationTime: 1,
};
const DEFAULT_GROUP = { GroupSet: [{ GroupId: 'sg-1', GroupName: 'default' }] };
const ENDPOINT = { VpcEndpointId: 'vpce-9', VpcId: 'vpc-1', State: 'available' };
const MACHINE = { NetworkInterfaceId: 'eni-2', VpcId: 'vpc-1' };
const PEERING = { VpcPeeringConnectionId: 'pcx-1', AccepterVpcInfo: { VpcId: 'vpc-1' } };
const WITHIN = { VpcConfig: { SubnetIds: ['subnet-1'] } };
const OPEN = [{ Effect: 'Allow', Principal: '*', Action: 'lambda:InvokeFunction', Resource: arn }];
const OTHER_CODE = { Resources: { Worker: { Properties: { Code: { S3Key: 'b.zip' } } } } };
const ROLE = 'arn:aws:iam::111111111111:role/batch';
const OLD = { LogicalResourceId: 'Old', PhysicalResourceId: 'old', LastUpdatedTimestamp: '' };
const AFTER = '2026-11-01T10:00:01.000+0000';
const routes = (of: Answers) => of['ec2 DescribeRouteTables'].RouteTableSet[0]?.RouteSet;
const summaries = (of: Answers) => of['cloudformation ListStackResources'].StackResourceSummaries;
const variables = (more: object) => (of: Answers) => Object.assign(worker(of).Environment.Variables, more);
const wide = { PolicyName: 'more', PolicyDocument: JSON.stringify(policy('*')) };
const widens: Change = (of) => {
  Object.assign(role(of)?.RolePolicyList[0] ?? expect.fail(), { PolicyDocument: wide.PolicyDocument });
};
const throughBalancer: Change = (of) => {
  adds(...ENDPOINTS, { VpcEndpointId: 'vpce-2', VpcEndpointType: 'GatewayLoadBalancer' })(of);
  routes(of)?.push({ DestinationCidrBlock: '10.9.0.0/16', GatewayId: 'vpce-2' });
};

/** Each kind of difference: what somebody did, and where it is found: a resource of the stack, or a stack, and its property. */
const CHANGES: [name: string, place: string, change: Change][] = [
  ['a policy is added', 'Role Policies', (of) => role(of)?.RolePolicyList.push(wide)],
  ['a log is sent to somebody else as well', 'Audit SubscriptionFilters', adds(...FILTERS, MORE_FILTER)],
  ...[
    { FilterPattern: '{ $.code = "none" }' },
    { ApplyOnTransformedLogs: true },
    { FieldSelectionCriteria: '@aws.account = "1"' },
    { EmitSystemFields: ['@aws.account'] },
    { RoleArn: 'arn:aws:iam::111122223333:role/other' },
    { Distribution: 'Random' },
  ].map((change): (typeof CHANGES)[number] => [
    `a log is sent in part, or otherwise: ${Object.keys(change)}`,
    ...(['Audit SubscriptionFilters', setsFirst(...FILTERS, change)] as const),
  ]),
  [
    'a function that shares what the account has is cut off',
    'Worker ReservedConcurrentExecutions',
    sets(WORKER, { Concurrency: { ReservedConcurrentExecutions: 0 } }),
  ],
  ['a log is sent nowhere any more', 'Audit SubscriptionFilters', drops(...FILTERS)],
  ['a policy is widened', 'Role Policies', widens],
  [
    'a managed policy is attached',
    'Role ManagedPolicyArns',
    (of) => role(of)?.AttachedManagedPolicies.push({ PolicyArn: 'arn:aws:iam::aws:policy/A' }),
  ],
  ['a role is gone', 'Role', drops('iam GetAccountAuthorizationDetails', 'RoleDetailList')],
  ['an environment is changed', 'Worker Environment.Variables.SIGNERS', variables({ SIGNERS: '{"a":"b"}' })],
  ['a variable is added', 'Worker Environment.Variables.NODE_OPTIONS', variables({ NODE_OPTIONS: '-r x' })],
  ['a layer is added', 'Worker Layers', (of) => Object.assign(worker(of), { Layers: [{ Arn: 'arn:l' }] })],
  [
    'somebody may invoke it',
    'Worker Permissions',
    answersWith(`${WORKER}/policy`, { Policy: JSON.stringify({ Statement: OPEN }) }),
  ],
  [
    'a signer spares one more role',
    'Callers PolicyDocument.Statement',
    answersWith(OWN_POLICY, { Policy: JSON.stringify(sparing(ASKER, ROLE)) }),
  ],
  ['a signer’s policy is gone', 'Callers', answersWith(OWN_POLICY, undefined)],
  [
    'it has a URL',
    'Worker FunctionUrl',
    answersWith('lambda /2021-10-31/functions/worker/url', { FunctionUrl: 'https://x' }),
  ],
  [
    'another bundle is deployed',
    'Worker Code.S3Key',
    sets('cloudformation GetTemplate', { TemplateBody: JSON.stringify(OTHER_CODE) }),
  ],
  ['a zone is no more declared', '/s-zone-former', adds(...STACKS, { StackName: 's-zone-former' })],
  [
    'a key policy is changed',
    'Key KeyPolicy.Statement',
    sets('kms GetKeyPolicy', { Policy: JSON.stringify(policy('kms:*')) }),
  ],
  ['a grant is made', 'Key Grants', adds('kms ListGrants', 'Grants', { GranteePrincipal: ROLE })],
  [
    'a key is disabled',
    'Key Disabled',
    sets('kms DescribeKey', { KeyMetadata: { Enabled: false, KeyState: 'PendingDeletion' } }),
  ],
  [
    'a route is added',
    'Table Routes',
    (of) => routes(of)?.push({ DestinationCidrBlock: '10.9.0.0/16', VpcPeeringConnectionId: 'pcx-1' }),
  ],
  ['a route is gone', 'Table Routes', (of) => routes(of)?.pop()],
  ['an endpoint is added', 'Vpc Endpoints', adds(...ENDPOINTS, ENDPOINT)],
  ['a peering is made', 'Vpc Peerings', adds(...PEERINGS, PEERING)],
  ...([{ InterfaceType: 'interface' }, { InterfaceType: 'branch' }] as const).flatMap((kind) =>
    [{}, DEFAULT_GROUP].map((group): (typeof CHANGES)[number] => [
      `a machine is put into it: ${kind.InterfaceType}, ${Object.keys(group)}`,
      ...(['Vpc OtherInterfaces', adds(...INTERFACES, { ...MACHINE, ...kind, ...group })] as const),
    ]),
  ),
  [
    'one with the default group is added',
    'Vpc Endpoints',
    adds(...ENDPOINTS, { ...ENDPOINT, ...DEFAULT_GROUP }),
  ],
  [
    'a function of somebody else is put into it',
    'Vpc Functions',
    adds(...FUNCTIONS, { FunctionName: 'mine', Version: '$LATEST', ...WITHIN }),
  ],
  [
    'a version of a function is published',
    'Vpc Functions',
    adds(...FUNCTIONS, { FunctionName: 'worker', Version: '1', ...WITHIN }),
  ],
  [
    'addresses are added',
    'Vpc OtherBlocks',
    (of) => of['ec2 DescribeVpcs'].VpcSet[0]?.CidrBlockAssociationSet.push({ CidrBlock: '10.1.0.0/20' }),
  ],
  ['packets go through a Gateway Load Balancer', 'Table Routes', throughBalancer],
  ['it is updated later', 'Worker ChangedSince', (of) => Object.assign(worker(of), { LastModified: AFTER })],
  [
    'what a function answers goes elsewhere too',
    'Worker AsyncDestinations',
    answersWith(INVOKE_CONFIG, { DestinationConfig: { OnSuccess: { Destination: 'arn:x' } } }),
  ],
  [
    'messages are filtered',
    'Source FilterCriteria',
    sets('lambda /2015-03-31/event-source-mappings/source-1', {
      FilterCriteria: { Filters: [{ Pattern: '{"a":[1]}' }] },
    }),
  ],
  ['a bus has another rule', 'Bus Rules', adds('events ListRules', 'Rules', { Name: 'more' })],
  [
    'a rule has one more condition',
    'Events EventPattern.detail',
    sets('events DescribeRule', { EventPattern: '{"source":["ehr"],"detail":{"a":[1]}}' }),
  ],
  ...['Input', 'InputTransformer', 'RoleArn'].map((member): (typeof CHANGES)[number] => [
    `a target has ${member}`,
    'Events Targets',
    setsFirst('events ListTargetsByRule', 'Targets', { [member]: 'x' }),
  ]),
  ...['Credentials', 'ConnectionId', 'TlsConfig'].map((member): (typeof CHANGES)[number] => [
    `an integration has ${member}`,
    `Api Methods.GET /.Integration.${member}`,
    hasMethod({ AuthorizationType: 'AWS_IAM', MethodIntegration: { Type: 'AWS_PROXY', [member]: 'x' } }),
  ]),
  ['an API has another stage', 'Api Stages', adds(STAGES, 'Item', { StageName: 'more' })],
  ['answers are cached', 'Stage Cached', sets(`${STAGES}/prod`, { CacheClusterEnabled: true })],
  ['an alarm counts in another unit', 'Alarm Unit', setsFirst(...ALARMS, { Unit: 'Bytes' })],
  [
    'the firewall is detached',
    'Names',
    answersWith('route53resolver GetFirewallRuleGroupAssociation', undefined),
  ],
  ['an alarm is deleted', 'Alarm', drops(...ALARMS)],
  ['an alarm is muted', 'Alarm Muted', setsFirst(...ALARMS, { ActionsEnabled: 'false' })],
  [
    "an API's TLS is weakened",
    'Api SecurityPolicy',
    sets('apigateway /restapis/api1', { SecurityPolicy: 'TLS_1_0' }),
  ],
  ['a method is opened', 'Api Methods.GET /.AuthorizationType', hasMethod({ AuthorizationType: 'NONE' })],
  [
    'a method is added',
    'Api Methods.ANY /x',
    adds(RESOURCES, 'Item', { Path: '/x', ResourceMethods: { ANY: { AuthorizationType: 'NONE' } } }),
  ],
  [
    'one is in the stack alone',
    'Old',
    (of) => summaries(of).push({ ...OLD, ResourceType: 'AWS::SQS::Queue' }),
  ],
  ['one was never deployed', 'Alarm', (of) => summaries(of).splice(Object.keys(IDS).indexOf('Alarm'), 1)],
];

test.each(CHANGES)('it is found that %s', async (_name, place, change) => {
  const [name = '', ...path] = place.split(' ');
  const resource = name.startsWith('/') ? name.slice(1) : `s-signing/${name}`;
  const property = path.join(' ');
  const { differences, unread } = await compare(change);
  expect(unread).toEqual([]);
  const found = differences.filter((of) => of.resource === resource).map((of) => of.property);
  expect(found.map((path) => path.slice(0, property.length))).toContain(property);
  for (const { means } of differences) expect(means).toMatch(/\S\.$/);
});

test('what may not be read is said, and is not taken for equal', async () => {
  const live: Live = async (service, action, input) => {
    if (service === 'kms')
      throw new ZonesError('aws_refused', 'kms answered 400 AccessDeniedException.', {
        facts: { error: 'AccessDeniedException' },
      });
    return accountWith(() => {})(service, action, input);
  };
  const { differences, unread } = await compareLive(resolveAssembly({ stacks: [stack] }, place), live);
  expect(differences).toEqual([]);
  expect(unread).toEqual([
    { resource: 's-signing/Key', type: 'AWS::KMS::Key', reason: 'kms answered 400 AccessDeniedException.' },
  ]);
});

test('an assembly without stacks is nothing to compare', async () => {
  const live = accountWith(() => {});
  await expect(compareLive(resolveAssembly({ stacks: [] }, place), live)).rejects.toThrow('no stacks');
});

test('a stack of another account is not asked for, and said', async () => {
  const elsewhere = { ...stack, name: 'other', account: '222222222222' };
  const resolved = resolveAssembly({ stacks: [elsewhere] }, place);
  const { unread } = await compareLive(
    resolved,
    accountWith(() => {}),
  );
  expect(unread).toEqual([
    { resource: 'other', type: expect.any(String), reason: expect.stringContaining('222222222222') },
  ]);
});

test('every type of the templates can be read', () => {
  const { resources } = resolveAssembly(readAssembly(synthesizedFolder()), place);
  const types = [...new Set(resources.map(({ type }) => type))];
  expect(types.filter((type) => !(type in FORMS) && !(type in ADD_ONLY))).toEqual([]);
  expect(Object.keys(FORMS).filter((type) => !(type in READERS))).toEqual([]);
  expect(Object.keys(FORMS).filter((type) => type in ADD_ONLY)).toEqual([]);
});
