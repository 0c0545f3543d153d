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
      ...{ Sid: 'OnlyItsZone', Effect: 'Deny', Principal: '*', Action: 'lambda:InvokeFunction*' },
      Resource: [SIGNER, `${SIGNER}:*`],
      Condition: { ArnNotEquals: { 'aws:PrincipalArn': roles } },
    },
  ],
});
const ASKER = 'arn:aws:iam::111111111111:role/worker';

const TEMPLATE = {
  Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.0.0.0/20' } },
  Subnet: { Type: 'AWS::EC2::Subnet', Properties: { VpcId: { Ref: 'Vpc' } } },
  Table: { Type: 'AWS::EC2::RouteTable', Properties: { VpcId: { Ref: 'Vpc' } } },
  Nat: { Type: 'AWS::EC2::NatGateway', Properties: { SubnetId: 'subnet-1' } },
  Route: {
    Type: 'AWS::EC2::Route',
    Properties: {
      RouteTableId: { Ref: 'Table' },
      DestinationCidrBlock: '0.0.0.0/0',
      NatGatewayId: { Ref: 'Nat' },
    },
  },
  Names: {
    Type: 'AWS::Route53Resolver::FirewallRuleGroupAssociation',
    Properties: { FirewallRuleGroupId: 'rslvr-frg-1', Priority: 101, VpcId: { Ref: 'Vpc' } },
  },
  Role: {
    Type: 'AWS::IAM::Role',
    Properties: {
      RoleName: 'worker',
      Policies: [{ PolicyName: 'main', PolicyDocument: policy('lambda:InvokeFunction') }],
    },
  },
  Worker: {
    Type: 'AWS::Lambda::Function',
    Properties: {
      FunctionName: 'worker',
      Timeout: 30,
      Environment: { Variables: { SIGNERS: '{}' } },
      VpcConfig: { SubnetIds: ['subnet-1'] },
      Code: { S3Key: 'a.zip' },
    },
  },
  Permission: {
    Type: 'AWS::Lambda::Permission',
    Properties: {
      FunctionName: { 'Fn::GetAtt': ['Worker', 'Arn'] },
      Action: 'lambda:InvokeFunction',
      Principal: 'events.amazonaws.com',
    },
  },
  Signer: { Type: 'AWS::Lambda::Function', Properties: { FunctionName: 'signer' } },
  Callers: {
    Type: 'AWS::Lambda::ResourcePolicy',
    Properties: { ResourceArn: { 'Fn::GetAtt': ['Signer', 'Arn'] }, PolicyDocument: sparing(ASKER) },
  },
  Key: {
    Type: 'AWS::KMS::Key',
    Properties: { KeyPolicy: policy('kms:DescribeKey'), EnableKeyRotation: true },
  },
  Bus: { Type: 'AWS::Events::EventBus', Properties: { Name: 'zone' } },
  Events: {
    Type: 'AWS::Events::Rule',
    Properties: {
      EventBusName: { Ref: 'Bus' },
      EventPattern: { source: ['ehr'] },
      Targets: [{ Id: 'Queue', Arn: 'arn:queue' }],
    },
  },
  Alarm: { Type: 'AWS::CloudWatch::Alarm', Properties: { AlarmName: 'failed', Threshold: 0, Period: 3600 } },
  Api: { Type: 'AWS::ApiGateway::RestApi', Properties: { Name: 'api', SecurityPolicy: 'TLS_1_2' } },
  Root: {
    Type: 'AWS::ApiGateway::Method',
    Properties: {
      RestApiId: { Ref: 'Api' },
      ResourceId: { 'Fn::GetAtt': ['Api', 'RootResourceId'] },
      HttpMethod: 'GET',
      AuthorizationType: 'AWS_IAM',
      Integration: { Type: 'AWS_PROXY' },
    },
  },
  Stage: {
    Type: 'AWS::ApiGateway::Stage',
    Properties: {
      RestApiId: { Ref: 'Api' },
      StageName: 'prod',
      AccessLogSetting: { DestinationArn: 'arn:log:*' },
    },
  },
  Audit: { Type: 'AWS::Logs::LogGroup', Properties: { LogGroupName: 'audit', RetentionInDays: 400 } },
  Export: {
    Type: 'AWS::Logs::SubscriptionFilter',
    Properties: { LogGroupName: { Ref: 'Audit' }, DestinationArn: 'arn:destination', FilterPattern: '' },
  },
  Source: {
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: { FunctionName: { Ref: 'Worker' }, BatchSize: 1 },
  },
};

const IDS = {
  ...{
    Vpc: 'vpc-1',
    Subnet: 'subnet-1',
    Table: 'rtb-1',
    Nat: 'nat-1',
    Route: 'route-1',
    Names: 'rslvr-frgassoc-1',
    Role: 'worker',
    Worker: 'worker',
  },
  ...{ Permission: 'p-1', Key: 'key-1', Alarm: 'failed', Api: 'api1', Root: 'm-1' },
  ...{ Signer: 'signer', Callers: SIGNER },
  ...{ Audit: 'audit', Export: 'export-1' },
  ...{ Bus: 'zone', Events: 'zone|events', Stage: 'prod', Source: 'source-1' },
};

/** What AWS answers about {@link TEMPLATE} as it was deployed; in these shapes moto answers too, but for the firewall's. */
const answers = () => ({
  'cloudformation ListStackResources': {
    StackResourceSummaries: Object.entries(IDS).map(([LogicalResourceId, PhysicalResourceId]) => ({
      ...{ LogicalResourceId, PhysicalResourceId },
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
    VpcSet: [
      {
        ...{ VpcId: 'vpc-1', CidrBlock: '10.0.0.0/20' },
        CidrBlockAssociationSet: [{ CidrBlock: '10.0.0.0/20' }],
      },
    ],
  },
  'ec2 DescribeSubnets': { SubnetSet: [{ SubnetId: 'subnet-1', VpcId: 'vpc-1' }] },
  'ec2 DescribeSecurityGroups': {
    SecurityGroupInfo: [{ GroupId: 'sg-1', GroupName: 'default', VpcId: 'vpc-1' }],
  },
  'ec2 DescribeRouteTables': {
    RouteTableSet: [
      {
        ...{ RouteTableId: 'rtb-1', VpcId: 'vpc-1', AssociationSet: '' },
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
        ...{ RoleName: 'worker', AttachedManagedPolicies: [] as object[] },
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
    ...{ Name: 'events', EventBusName: 'zone', State: 'ENABLED' },
    EventPattern: '{"source":["ehr"]}',
  },
  'events ListTargetsByRule': { Targets: [{ Id: 'Queue', Arn: 'arn:queue' }] },
  'logs DescribeLogGroups': { LogGroups: [{ LogGroupName: 'audit', RetentionInDays: 400 }] },
  'logs DescribeSubscriptionFilters': {
    SubscriptionFilters: [
      {
        ...{ FilterName: 'export-1', LogGroupName: 'audit', Distribution: 'ByLogStream' },
        ...{ DestinationArn: 'arn:destination', FilterPattern: '', CreationTime: 1 },
        ...{ ApplyOnTransformedLogs: false },
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
    ...{ StageName: 'prod', CacheClusterEnabled: false },
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

/** Each kind of difference: what somebody did, and where it is found: a resource of the stack, or a stack, and its property. */
const CHANGES: [name: string, place: string, change: (of: Answers) => unknown][] = [
  [
    'a policy is added',
    'Role Policies',
    (of) =>
      role(of)?.RolePolicyList.push({ PolicyName: 'more', PolicyDocument: JSON.stringify(policy('*')) }),
  ],
  [
    'a log is sent to somebody else as well',
    'Audit SubscriptionFilters',
    (of) =>
      of['logs DescribeSubscriptionFilters'].SubscriptionFilters.push({
        ...{ FilterName: 'x', LogGroupName: 'audit', Distribution: 'ByLogStream' },
        ...{ DestinationArn: 'arn:other', FilterPattern: '', CreationTime: 1 },
        ...{ ApplyOnTransformedLogs: false },
      }),
  ],
  ...[
    { FilterPattern: '{ $.code = "none" }' },
    { ApplyOnTransformedLogs: true },
    { FieldSelectionCriteria: '@aws.account = "1"' },
    { EmitSystemFields: ['@aws.account'] },
    { RoleArn: 'arn:aws:iam::111122223333:role/other' },
    { Distribution: 'Random' },
  ].map((change): (typeof CHANGES)[number] => [
    `a log is sent in part, or otherwise: ${Object.keys(change)}`,
    'Audit SubscriptionFilters',
    (of) => Object.assign(of['logs DescribeSubscriptionFilters'].SubscriptionFilters[0] ?? {}, change),
  ]),
  [
    'a function that shares what the account has is cut off',
    'Worker ReservedConcurrentExecutions',
    (of) =>
      Object.assign(of['lambda /2015-03-31/functions/worker'], {
        Concurrency: { ReservedConcurrentExecutions: 0 },
      }),
  ],
  [
    'a log is sent nowhere any more',
    'Audit SubscriptionFilters',
    (of) => of['logs DescribeSubscriptionFilters'].SubscriptionFilters.pop(),
  ],
  [
    'a policy is widened',
    'Role Policies',
    (of) => Object.assign(role(of)?.RolePolicyList[0] ?? {}, { PolicyDocument: JSON.stringify(policy('*')) }),
  ],
  [
    'a managed policy is attached',
    'Role ManagedPolicyArns',
    (of) => role(of)?.AttachedManagedPolicies.push({ PolicyArn: 'arn:aws:iam::aws:policy/A' }),
  ],
  ['a role is gone', 'Role', (of) => of['iam GetAccountAuthorizationDetails'].RoleDetailList.pop()],
  [
    'an environment is changed',
    'Worker Environment.Variables.SIGNERS',
    (of) => (worker(of).Environment.Variables = { SIGNERS: '{"a":"b"}' }),
  ],
  [
    'a variable is added',
    'Worker Environment.Variables.NODE_OPTIONS',
    (of) => (worker(of).Environment.Variables = { SIGNERS: '{}', NODE_OPTIONS: '-r x' }),
  ],
  ['a layer is added', 'Worker Layers', (of) => Object.assign(worker(of), { Layers: [{ Arn: 'arn:l' }] })],
  [
    'somebody may invoke it',
    'Worker Permissions',
    (of) =>
      Object.assign(of, {
        'lambda /2015-03-31/functions/worker/policy': {
          Policy: JSON.stringify({
            Statement: [{ Effect: 'Allow', Principal: '*', Action: 'lambda:InvokeFunction', Resource: arn }],
          }),
        },
      }),
  ],
  [
    'a signer spares one more role',
    'Callers PolicyDocument.Statement',
    (of) =>
      Object.assign(of, {
        [`lambda /2026-07-09/resource-policy/${encodeURIComponent(SIGNER)}`]: {
          Policy: JSON.stringify(sparing(ASKER, 'arn:aws:iam::111111111111:role/batch')),
        },
      }),
  ],
  [
    'a signer’s policy is gone',
    'Callers',
    (of) =>
      Object.assign(of, { [`lambda /2026-07-09/resource-policy/${encodeURIComponent(SIGNER)}`]: undefined }),
  ],
  [
    'it has a URL',
    'Worker FunctionUrl',
    (of) => Object.assign(of, { 'lambda /2021-10-31/functions/worker/url': { FunctionUrl: 'https://x' } }),
  ],
  [
    'another bundle is deployed',
    'Worker Code.S3Key',
    (of) =>
      (of['cloudformation GetTemplate'].TemplateBody = JSON.stringify({
        Resources: { Worker: { Properties: { Code: { S3Key: 'b.zip' } } } },
      })),
  ],
  [
    'a zone is no more declared, and its stack stands',
    '/s-zone-former',
    (of) => of['cloudformation DescribeStacks'].Stacks.push({ StackName: 's-zone-former' }),
  ],
  [
    'a key policy is changed',
    'Key KeyPolicy.Statement',
    (of) => (of['kms GetKeyPolicy'].Policy = JSON.stringify(policy('kms:*'))),
  ],
  [
    'a grant is made',
    'Key Grants',
    (of) => of['kms ListGrants'].Grants.push({ GranteePrincipal: 'arn:aws:iam::111111111111:role/x' }),
  ],
  [
    'a key is disabled',
    'Key Disabled',
    (of) => (of['kms DescribeKey'].KeyMetadata = { Enabled: false, KeyState: 'PendingDeletion' }),
  ],
  [
    'a route is added',
    'Table Routes',
    (of) =>
      of['ec2 DescribeRouteTables'].RouteTableSet[0]?.RouteSet.push({
        DestinationCidrBlock: '10.9.0.0/16',
        VpcPeeringConnectionId: 'pcx-1',
      }),
  ],
  ['a route is gone', 'Table Routes', (of) => of['ec2 DescribeRouteTables'].RouteTableSet[0]?.RouteSet.pop()],
  [
    'an endpoint is added',
    'Vpc Endpoints',
    (of) =>
      of['ec2 DescribeVpcEndpoints'].VpcEndpointSet.push({
        VpcEndpointId: 'vpce-9',
        VpcId: 'vpc-1',
        State: 'available',
      }),
  ],
  [
    'a peering is made',
    'Vpc Peerings',
    (of) =>
      of['ec2 DescribeVpcPeeringConnections'].VpcPeeringConnectionSet.push({
        VpcPeeringConnectionId: 'pcx-1',
        AccepterVpcInfo: { VpcId: 'vpc-1' },
      }),
  ],
  [
    'a machine is put into it',
    'Vpc OtherInterfaces',
    (of) =>
      of['ec2 DescribeNetworkInterfaces'].NetworkInterfaceSet.push({
        NetworkInterfaceId: 'eni-2',
        VpcId: 'vpc-1',
        InterfaceType: 'interface',
      }),
  ],
  ...[{ InterfaceType: 'interface' }, { InterfaceType: 'branch' }].map((kind): (typeof CHANGES)[number] => [
    `a machine with the default group is put into it: ${kind.InterfaceType}`,
    'Vpc OtherInterfaces',
    (of) =>
      of['ec2 DescribeNetworkInterfaces'].NetworkInterfaceSet.push({
        ...{ NetworkInterfaceId: 'eni-2', VpcId: 'vpc-1', ...kind },
        ...{ GroupSet: [{ GroupId: 'sg-1', GroupName: 'default' }] },
      }),
  ]),
  [
    'an endpoint with the default group is added',
    'Vpc Endpoints',
    (of) =>
      of['ec2 DescribeVpcEndpoints'].VpcEndpointSet.push({
        ...{ VpcEndpointId: 'vpce-9', VpcId: 'vpc-1', State: 'available' },
        GroupSet: [{ GroupId: 'sg-1', GroupName: 'default' }],
      }),
  ],
  [
    'a function of somebody else is put into it',
    'Vpc Functions',
    (of) =>
      of['lambda /2015-03-31/functions/'].Functions.push({
        ...{ FunctionName: 'mine', Version: '$LATEST', VpcConfig: { SubnetIds: ['subnet-1'] } },
      }),
  ],
  [
    'a version of a function is published',
    'Vpc Functions',
    (of) =>
      of['lambda /2015-03-31/functions/'].Functions.push({
        ...{ FunctionName: 'worker', Version: '1', VpcConfig: { SubnetIds: ['subnet-1'] } },
      }),
  ],
  [
    'addresses are added',
    'Vpc OtherBlocks',
    (of) => of['ec2 DescribeVpcs'].VpcSet[0]?.CidrBlockAssociationSet.push({ CidrBlock: '10.1.0.0/20' }),
  ],
  [
    'packets go through a Gateway Load Balancer',
    'Table Routes',
    (of) => {
      of['ec2 DescribeVpcEndpoints'].VpcEndpointSet.push({
        ...{ VpcEndpointId: 'vpce-2', VpcEndpointType: 'GatewayLoadBalancer' },
      });
      of['ec2 DescribeRouteTables'].RouteTableSet[0]?.RouteSet.push({
        ...{ DestinationCidrBlock: '10.9.0.0/16', GatewayId: 'vpce-2' },
      });
    },
  ],
  [
    'a function is updated after the deploy',
    'Worker ChangedSince',
    (of) => Object.assign(worker(of), { LastModified: '2026-11-01T10:00:01.000+0000' }),
  ],
  [
    'what a function answers goes elsewhere too',
    'Worker AsyncDestinations',
    (of) =>
      Object.assign(of, {
        'lambda /2019-09-25/functions/worker/event-invoke-config': {
          DestinationConfig: { OnSuccess: { Destination: 'arn:x' } },
        },
      }),
  ],
  [
    'messages are filtered',
    'Source FilterCriteria',
    (of) =>
      Object.assign(of['lambda /2015-03-31/event-source-mappings/source-1'], {
        FilterCriteria: { Filters: [{ Pattern: '{"a":[1]}' }] },
      }),
  ],
  ['a bus has another rule', 'Bus Rules', (of) => of['events ListRules'].Rules.push({ Name: 'more' })],
  [
    'a rule has one more condition',
    'Events EventPattern.detail',
    (of) => (of['events DescribeRule'].EventPattern = '{"source":["ehr"],"detail":{"a":[1]}}'),
  ],
  ...['Input', 'InputTransformer', 'RoleArn'].map((member): (typeof CHANGES)[number] => [
    `a target has ${member}`,
    'Events Targets',
    (of) => Object.assign(of['events ListTargetsByRule'].Targets[0] ?? {}, { [member]: 'x' }),
  ]),
  ...['Credentials', 'ConnectionId', 'TlsConfig'].map((member): (typeof CHANGES)[number] => [
    `an integration has ${member}`,
    `Api Methods.GET /.Integration.${member}`,
    (of) =>
      (of['apigateway /restapis/api1/resources'].Item = [
        {
          Path: '/',
          ResourceMethods: {
            GET: { AuthorizationType: 'AWS_IAM', MethodIntegration: { Type: 'AWS_PROXY', [member]: 'x' } },
          },
        },
      ]),
  ]),
  [
    'an API has another stage',
    'Api Stages',
    (of) => of['apigateway /restapis/api1/stages'].Item.push({ StageName: 'more' }),
  ],
  [
    'answers are cached',
    'Stage Cached',
    (of) => (of['apigateway /restapis/api1/stages/prod'].CacheClusterEnabled = true),
  ],
  [
    'an alarm counts in another unit',
    'Alarm Unit',
    (of) => Object.assign(of['monitoring DescribeAlarms'].MetricAlarms[0] ?? {}, { Unit: 'Bytes' }),
  ],
  [
    'the firewall is detached',
    'Names',
    (of) => (of['route53resolver GetFirewallRuleGroupAssociation'] = undefined),
  ],
  ['an alarm is deleted', 'Alarm', (of) => of['monitoring DescribeAlarms'].MetricAlarms.pop()],
  [
    'an alarm is muted',
    'Alarm Muted',
    (of) => Object.assign(of['monitoring DescribeAlarms'].MetricAlarms[0] ?? {}, { ActionsEnabled: 'false' }),
  ],
  [
    "an API's TLS is weakened",
    'Api SecurityPolicy',
    (of) => (of['apigateway /restapis/api1'].SecurityPolicy = 'TLS_1_0'),
  ],
  [
    'a method is opened',
    'Api Methods.GET /.AuthorizationType',
    (of) =>
      (of['apigateway /restapis/api1/resources'].Item = [
        { Path: '/', ResourceMethods: { GET: { AuthorizationType: 'NONE' } } },
      ]),
  ],
  [
    'a method is added',
    'Api Methods.ANY /x',
    (of) =>
      of['apigateway /restapis/api1/resources'].Item.push({
        Path: '/x',
        ResourceMethods: { ANY: { AuthorizationType: 'NONE' } },
      }),
  ],
  [
    'a resource is in the stack alone',
    'Old',
    (of) =>
      of['cloudformation ListStackResources'].StackResourceSummaries.push({
        LogicalResourceId: 'Old',
        PhysicalResourceId: 'old',
        ResourceType: 'AWS::SQS::Queue',
        LastUpdatedTimestamp: '',
      }),
  ],
  [
    'a resource was never deployed',
    'Alarm',
    (of) =>
      of['cloudformation ListStackResources'].StackResourceSummaries.splice(
        Object.keys(IDS).indexOf('Alarm'),
        1,
      ),
  ],
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
  const { unread } = await compareLive(
    resolveAssembly({ stacks: [elsewhere] }, place),
    accountWith(() => {}),
  );
  expect(unread).toEqual([
    expect.objectContaining({ resource: 'other', reason: expect.stringContaining('222222222222') }),
  ]);
});

test('every type of the templates can be read', () => {
  const { resources } = resolveAssembly(readAssembly(synthesizedFolder()), place);
  const types = [...new Set(resources.map(({ type }) => type))];
  expect(types.filter((type) => !(type in FORMS) && !(type in ADD_ONLY))).toEqual([]);
  expect(Object.keys(FORMS).filter((type) => !(type in READERS))).toEqual([]);
  expect(Object.keys(FORMS).filter((type) => type in ADD_ONLY)).toEqual([]);
});
