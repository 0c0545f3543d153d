import { ZonesError } from '@helseid-zones/protocol/errors';
import { expect, test } from 'vitest';
import { readAssembly } from '../../../infra/proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../../../infra/proof/assembly/resolve.ts';
import { compareLive } from '../../../infra/verify/compare-live.ts';
import { onlyAdds } from '../../../infra/verify/expected.ts';
import { FORMS } from '../../../infra/verify/forms.ts';
import type { Live } from '../../../infra/verify/live.ts';
import { synthesizedFolder } from '../synthesize.ts';

const place = { account: '111111111111', region: 'eu-north-1' };
const arn = 'arn:aws:lambda:eu-north-1:111111111111:function:worker';
const policy = (Action: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource: '*' }],
});

const TEMPLATE = {
  Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.0.0.0/20' } },
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
  Key: {
    Type: 'AWS::KMS::Key',
    Properties: { KeyPolicy: policy('kms:DescribeKey'), EnableKeyRotation: true },
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
    },
  },
};

const IDS = {
  ...{
    Vpc: 'vpc-1',
    Table: 'rtb-1',
    Nat: 'nat-1',
    Route: 'route-1',
    Names: 'rslvr-frgassoc-1',
    Role: 'worker',
    Worker: 'worker',
  },
  ...{ Permission: 'p-1', Key: 'key-1', Alarm: 'failed', Api: 'api1', Root: 'm-1' },
};

/** What AWS answers about {@link TEMPLATE} as it was deployed; in these shapes moto answers too, but for the firewall's. */
const answers = () => ({
  'cloudformation ListStackResources': {
    StackResourceSummaries: Object.entries(IDS).map(([LogicalResourceId, PhysicalResourceId]) => ({
      ...{ LogicalResourceId, PhysicalResourceId },
      ResourceType: TEMPLATE[LogicalResourceId as keyof typeof IDS].Type as string,
    })),
  },
  // Of other systems, and of this one's makers, are no business of verify's.
  'cloudformation DescribeStacks': {
    Stacks: ['s-signing', 's-frontend', 'other-zone-x'].map((StackName) => ({ StackName })),
  },
  'cloudformation GetTemplate': { TemplateBody: JSON.stringify({ Resources: TEMPLATE }) },
  'ec2 DescribeVpcs': { VpcSet: [{ VpcId: 'vpc-1', CidrBlock: '10.0.0.0/20' }] },
  'ec2 DescribeRouteTables': {
    RouteTableSet: [
      {
        ...{ RouteTableId: 'rtb-1', VpcId: 'vpc-1', AssociationSet: '' },
        RouteSet: [
          { DestinationCidrBlock: '10.0.0.0/20', GatewayId: 'local' } as Record<string, string>,
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
  'ec2 DescribeVpcEndpoints': { VpcEndpointSet: [] as object[] },
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
      CodeSha256: 'x',
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
  'lambda /2015-03-31/event-source-mappings/': { EventSourceMappings: [] },
  'kms DescribeKey': { KeyMetadata: { Enabled: true, KeyState: 'Enabled' } },
  'kms ListGrants': { Grants: [{ GranteePrincipal: 'dynamodb.eu-north-1.amazonaws.com' }] },
  'kms GetKeyPolicy': { Policy: JSON.stringify(policy('kms:DescribeKey')) },
  'kms GetKeyRotationStatus': { KeyRotationEnabled: true },
  'monitoring DescribeAlarms': {
    MetricAlarms: [{ AlarmName: 'failed', Threshold: '0.0', Period: '3600', ActionsEnabled: 'true' }],
  },
  'apigateway /restapis/api1': { Id: 'api1', Name: 'api', SecurityPolicy: 'TLS_1_2' },
  'apigateway /restapis/api1/resources': {
    Item: [{ Path: '/', ResourceMethods: { GET: { AuthorizationType: 'AWS_IAM' } } }] as object[],
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
  return async (service, action) => {
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
  expect(await compare(() => {})).toMatchObject({ differences: [], unread: [], read: 9 });
});

const worker = (of: Answers) => of['lambda /2015-03-31/functions/worker'].Configuration;
const role = (of: Answers) => of['iam GetAccountAuthorizationDetails'].RoleDetailList[0];

/** Each kind of difference: what somebody did, and where it is found. */
const CHANGES: [name: string, change: (of: Answers) => unknown, resource: string, property: string][] = [
  [
    'a policy is added',
    (of) =>
      role(of)?.RolePolicyList.push({ PolicyName: 'more', PolicyDocument: JSON.stringify(policy('*')) }),
    's-signing/Role',
    'Policies.more',
  ],
  [
    'a policy is widened',
    (of) => Object.assign(role(of)?.RolePolicyList[0] ?? {}, { PolicyDocument: JSON.stringify(policy('*')) }),
    's-signing/Role',
    'Policies.main.PolicyDocument.Statement[]',
  ],
  [
    'a managed policy is attached',
    (of) => role(of)?.AttachedManagedPolicies.push({ PolicyArn: 'arn:aws:iam::aws:policy/A' }),
    's-signing/Role',
    'ManagedPolicyArns',
  ],
  [
    'a role is gone',
    (of) => of['iam GetAccountAuthorizationDetails'].RoleDetailList.pop(),
    's-signing/Role',
    '',
  ],
  [
    'an environment is changed',
    (of) => (worker(of).Environment.Variables = { SIGNERS: '{"a":"b"}' }),
    's-signing/Worker',
    'Environment.Variables.SIGNERS',
  ],
  [
    'a variable is added',
    (of) => (worker(of).Environment.Variables = { SIGNERS: '{}', NODE_OPTIONS: '-r x' }),
    's-signing/Worker',
    'Environment.Variables.NODE_OPTIONS',
  ],
  [
    'a layer is added',
    (of) => Object.assign(worker(of), { Layers: [{ Arn: 'arn:l' }] }),
    's-signing/Worker',
    'Layers',
  ],
  [
    'somebody may invoke it',
    (of) =>
      Object.assign(of, {
        'lambda /2015-03-31/functions/worker/policy': {
          Policy: JSON.stringify({
            Statement: [{ Effect: 'Allow', Principal: '*', Action: 'lambda:InvokeFunction', Resource: arn }],
          }),
        },
      }),
    's-signing/Worker',
    'Permissions[]',
  ],
  [
    'it has a URL',
    (of) => Object.assign(of, { 'lambda /2021-10-31/functions/worker/url': { FunctionUrl: 'https://x' } }),
    's-signing/Worker',
    'FunctionUrl',
  ],
  [
    'another bundle is deployed',
    (of) =>
      (of['cloudformation GetTemplate'].TemplateBody = JSON.stringify({
        Resources: { Worker: { Properties: { Code: { S3Key: 'b.zip' } } } },
      })),
    's-signing/Worker',
    'Code.S3Key',
  ],
  [
    'a zone is no more declared, and its stack stands',
    (of) => of['cloudformation DescribeStacks'].Stacks.push({ StackName: 's-zone-former' }),
    's-zone-former',
    '',
  ],
  [
    'a key policy is changed',
    (of) => (of['kms GetKeyPolicy'].Policy = JSON.stringify(policy('kms:*'))),
    's-signing/Key',
    'KeyPolicy.Statement[]',
  ],
  [
    'a grant is made',
    (of) => of['kms ListGrants'].Grants.push({ GranteePrincipal: 'arn:aws:iam::111111111111:role/x' }),
    's-signing/Key',
    'Grants',
  ],
  [
    'a key is disabled',
    (of) => (of['kms DescribeKey'].KeyMetadata = { Enabled: false, KeyState: 'PendingDeletion' }),
    's-signing/Key',
    'Disabled',
  ],
  [
    'a route is added',
    (of) =>
      of['ec2 DescribeRouteTables'].RouteTableSet[0]?.RouteSet.push({
        DestinationCidrBlock: '10.9.0.0/16',
        VpcPeeringConnectionId: 'pcx-1',
      }),
    's-signing/Table',
    'Routes[]',
  ],
  [
    'a route is gone',
    (of) => of['ec2 DescribeRouteTables'].RouteTableSet[0]?.RouteSet.pop(),
    's-signing/Table',
    'Routes',
  ],
  [
    'an endpoint is added',
    (of) =>
      of['ec2 DescribeVpcEndpoints'].VpcEndpointSet.push({
        VpcEndpointId: 'vpce-9',
        VpcId: 'vpc-1',
        State: 'available',
      }),
    's-signing/Vpc',
    'Endpoints',
  ],
  [
    'a peering is made',
    (of) =>
      of['ec2 DescribeVpcPeeringConnections'].VpcPeeringConnectionSet.push({
        VpcPeeringConnectionId: 'pcx-1',
        AccepterVpcInfo: { VpcId: 'vpc-1' },
      }),
    's-signing/Vpc',
    'Peerings',
  ],
  [
    'a machine is put into it',
    (of) =>
      of['ec2 DescribeNetworkInterfaces'].NetworkInterfaceSet.push({
        NetworkInterfaceId: 'eni-2',
        VpcId: 'vpc-1',
        InterfaceType: 'interface',
      }),
    's-signing/Vpc',
    'OtherInterfaces',
  ],
  [
    'the firewall is detached',
    (of) => (of['route53resolver GetFirewallRuleGroupAssociation'] = undefined),
    's-signing/Names',
    '',
  ],
  ['an alarm is deleted', (of) => of['monitoring DescribeAlarms'].MetricAlarms.pop(), 's-signing/Alarm', ''],
  [
    'an alarm is muted',
    (of) => Object.assign(of['monitoring DescribeAlarms'].MetricAlarms[0] ?? {}, { ActionsEnabled: 'false' }),
    's-signing/Alarm',
    'Muted',
  ],
  [
    "an API's TLS is weakened",
    (of) => (of['apigateway /restapis/api1'].SecurityPolicy = 'TLS_1_0'),
    's-signing/Api',
    'SecurityPolicy',
  ],
  [
    'a method is opened',
    (of) =>
      (of['apigateway /restapis/api1/resources'].Item = [
        { Path: '/', ResourceMethods: { GET: { AuthorizationType: 'NONE' } } },
      ]),
    's-signing/Api',
    'Methods.GET /.AuthorizationType',
  ],
  [
    'a method is added',
    (of) =>
      of['apigateway /restapis/api1/resources'].Item.push({
        Path: '/x',
        ResourceMethods: { ANY: { AuthorizationType: 'NONE' } },
      }),
    's-signing/Api',
    'Methods.ANY /x',
  ],
  [
    'a resource is in the stack alone',
    (of) =>
      of['cloudformation ListStackResources'].StackResourceSummaries.push({
        LogicalResourceId: 'Old',
        PhysicalResourceId: 'old',
        ResourceType: 'AWS::SQS::Queue',
      }),
    's-signing/Old',
    '',
  ],
  [
    'a resource was never deployed',
    (of) => of['cloudformation ListStackResources'].StackResourceSummaries.splice(9, 1),
    's-signing/Alarm',
    '',
  ],
];

test.each(CHANGES)('it is found that %s', async (_name, change, resource, property) => {
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
  expect(types.filter((type) => !(type in FORMS) && !onlyAdds(type))).toEqual([]);
});
