import { createAwsCaller } from '@helseid-zones/client/aws';
import { parseXml } from '../../infra/verify/live.ts';

/** Something that somebody does to a deployed system by hand, and the difference by which it is found. */
interface Change {
  name: string;
  change(endpoint: string): Promise<unknown>;
  /** Matches type, property and resource of a difference. */
  found: RegExp;
}

const services = 'iam lambda kms kinesis ec2 monitoring apigateway sqs logs sns cloudformation'.split(' ');

const callerFor = (endpoint: string) =>
  createAwsCaller({
    region: 'eu-north-1',
    credentials: { accessKeyId: 'somebody', secretAccessKey: 'somebody' },
    endpoints: Object.fromEntries(services.map((service) => [service, endpoint])),
  });

const query = async (endpoint: string, service: string, of: Record<string, string>) => {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const body = new URLSearchParams(of).toString();
  return parseXml((await callerFor(endpoint).call({ service, headers, body, repeatable: false })).body);
};

const json = (endpoint: string, service: string, target: string, input: object) => {
  const version = service === 'sqs' ? '1.0' : '1.1';
  return callerFor(endpoint).json({ service, target, input, repeatable: false, version });
};

const rest = (endpoint: string, service: string, method: 'PUT' | 'POST', path: string, body: object) =>
  callerFor(endpoint).call({
    service,
    method,
    path,
    body: JSON.stringify(body),
    repeatable: false,
    headers: { 'content-type': 'application/json' },
  });

/** The physical id of the first resource of a type in a stack. */
async function idOf(endpoint: string, stack: string, type: string): Promise<string> {
  const asked = { Action: 'ListStackResources', Version: '2010-05-15', StackName: stack };
  const answer = await query(endpoint, 'cloudformation', asked);
  const { StackResourceSummaries } = answer['ListStackResourcesResult'] as {
    StackResourceSummaries: Record<string, string>[];
  };
  const found = StackResourceSummaries.find(({ ResourceType }) => ResourceType === type)?.[
    'PhysicalResourceId'
  ];
  if (found === undefined) throw new Error(`${stack} has no ${type}`);
  return found;
}

const allowing = (more: object) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: '*', Resource: '*', ...more }],
  });
const [anything, anybody] = [allowing({}), allowing({ Principal: '*' })];
const AUDIT = '/journal/signing/journal-signer-portal-public';

/** In this order, each upon those before. */
export const CHANGES: readonly Change[] = [
  {
    name: 'a policy of a role is widened',
    change: (at) =>
      query(at, 'iam', {
        Action: 'PutRolePolicy',
        Version: '2010-05-08',
        RoleName: 'journal-internal-worker',
        PolicyName: 'more',
        PolicyDocument: anything,
      }),
    found: /^AWS::IAM::Role Policies of .*worker/,
  },
  {
    name: 'a boundary is taken off',
    change: (at) =>
      query(at, 'iam', {
        Action: 'DeleteRolePermissionsBoundary',
        Version: '2010-05-08',
        RoleName: 'journal-public-login',
      }),
    found: /^AWS::IAM::Role PermissionsBoundary of .*login/,
  },
  {
    name: "a function's environment is changed",
    change: (at) =>
      rest(at, 'lambda', 'PUT', '/2015-03-31/functions/journal-signer-portal-public/configuration', {
        Environment: { Variables: { GRANT: '{}', NODE_OPTIONS: '--inspect' } },
      }),
    found: /^AWS::Lambda::Function Environment.* of .*portal/,
  },
  {
    // Of a signer its own policy says so, which moto has not.
    name: 'somebody else may invoke a function',
    change: (at) =>
      rest(at, 'lambda', 'POST', '/2015-03-31/functions/journal-internal-worker/policy', {
        StatementId: 'more',
        Action: 'lambda:InvokeFunction',
        Principal: '999999999999',
      }),
    found: /^AWS::Lambda::Function Permissions.* of .*worker/,
  },
  {
    name: 'the policy of a key is changed',
    change: async (at) =>
      json(at, 'kms', 'TrentService.PutKeyPolicy', {
        PolicyName: 'default',
        Policy: anybody,
        KeyId: await idOf(at, 'journal-signing', 'AWS::KMS::Key'),
      }),
    found: /^AWS::KMS::Key KeyPolicy.* of journal-signing/,
  },
  {
    name: 'a route is added',
    change: async (at) =>
      query(at, 'ec2', {
        Action: 'CreateRoute',
        Version: '2016-11-15',
        DestinationCidrBlock: '0.0.0.0/0',
        RouteTableId: await idOf(at, 'journal-signing', 'AWS::EC2::RouteTable'),
        GatewayId: await idOf(at, 'journal-zone-public', 'AWS::EC2::InternetGateway'),
      }),
    found: /^AWS::EC2::RouteTable Routes.* of journal-signing/,
  },
  {
    name: 'an endpoint is added',
    change: async (at) =>
      query(at, 'ec2', {
        Action: 'CreateVpcEndpoint',
        Version: '2016-11-15',
        ServiceName: 'com.amazonaws.eu-north-1.kms',
        VpcEndpointType: 'Interface',
        VpcId: await idOf(at, 'journal-zone-public', 'AWS::EC2::VPC'),
      }),
    found: /^AWS::EC2::VPC Endpoints.* of journal-zone-public/,
  },
  {
    name: 'the policy of an endpoint is opened',
    change: async (at) =>
      query(at, 'ec2', {
        Action: 'ModifyVpcEndpoint',
        Version: '2016-11-15',
        PolicyDocument: anybody,
        VpcEndpointId: await idOf(at, 'journal-signing', 'AWS::EC2::VPCEndpoint'),
      }),
    found: /^AWS::EC2::VPCEndpoint PolicyDocument.* of journal-signing/,
  },
  {
    name: 'a security group lets more in',
    change: async (at) =>
      query(at, 'ec2', {
        Action: 'AuthorizeSecurityGroupIngress',
        Version: '2016-11-15',
        IpProtocol: 'tcp',
        FromPort: '22',
        ToPort: '22',
        CidrIp: '10.0.0.0/8',
        GroupId: await idOf(at, 'journal-zone-internal', 'AWS::EC2::SecurityGroup'),
      }),
    found: /^AWS::EC2::SecurityGroup SecurityGroupIngress.* of journal-zone-internal/,
  },
  {
    name: 'the policy of a queue is opened',
    change: async (at) =>
      json(at, 'sqs', 'AmazonSQS.SetQueueAttributes', {
        QueueUrl: await idOf(at, 'journal-zone-internal', 'AWS::SQS::Queue'),
        Attributes: { Policy: anybody },
      }),
    found: /^AWS::SQS::Queue Policy.* of journal-zone-internal/,
  },
  {
    name: 'an alarm is deleted',
    change: (at) =>
      query(at, 'monitoring', {
        Action: 'DeleteAlarms',
        Version: '2010-08-01',
        'AlarmNames.member.1': 'journal-portal-RotationFailed',
      }),
    found: /^AWS::CloudWatch::Alarm {2}of journal-zone-admin/,
  },
  {
    name: 'an alarm watches another client',
    change: (at) =>
      query(at, 'monitoring', {
        Action: 'PutMetricAlarm',
        Version: '2010-08-01',
        AlarmName: 'journal-public-portal-ClockDifference',
        Namespace: 'helseid-zones',
        MetricName: 'ClockDifference',
        Statistic: 'Maximum',
        Period: '300',
        EvaluationPeriods: '1',
        Threshold: '3',
        ComparisonOperator: 'GreaterThanOrEqualToThreshold',
        'Dimensions.member.1.Name': 'service',
        'Dimensions.member.1.Value': 'another',
      }),
    found: /^AWS::CloudWatch::Alarm Dimensions of journal-zone-public.*ClockDifference/,
  },
  {
    name: "a stage's logging is turned off",
    change: async (at) =>
      callerFor(at).call({
        service: 'apigateway',
        method: 'PATCH' as 'PUT',
        repeatable: false,
        path: `/restapis/${await idOf(at, 'journal-zone-public', 'AWS::ApiGateway::RestApi')}/stages/live`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          patchOperations: [{ op: 'replace', path: '/*/*/logging/loglevel', value: 'OFF' }],
        }),
      }),
    found: /^AWS::ApiGateway::Stage MethodSettings.* of journal-zone-public/,
  },
  {
    name: 'a log is kept for a day',
    change: (at) =>
      json(at, 'logs', 'Logs_20140328.PutRetentionPolicy', {
        logGroupName: AUDIT,
        retentionInDays: 1,
      }),
    found: /^AWS::Logs::LogGroup RetentionInDays of journal-signing/,
  },
  {
    name: 'the audit is sent to somebody by hand',
    async change(at) {
      await json(at, 'kinesis', 'Kinesis_20131202.CreateStream', { StreamName: 'x', ShardCount: 1 });
      await json(at, 'logs', 'Logs_20140328.PutSubscriptionFilter', {
        logGroupName: AUDIT,
        filterName: 'x',
        filterPattern: '',
        destinationArn: 'arn:aws:kinesis:eu-north-1:123456789012:stream/x',
      });
    },
    found: /^AWS::Logs::LogGroup SubscriptionFilters of journal-signing/,
  },
  {
    name: 'a zone is no more declared, and its stack stands',
    change: (at) =>
      query(at, 'cloudformation', {
        Action: 'CreateStack',
        Version: '2010-05-15',
        StackName: 'journal-zone-former',
        TemplateBody: JSON.stringify({ Resources: { Queue: { Type: 'AWS::SQS::Queue' } } }),
      }),
    found: /^stack {2}of journal-zone-former/,
  },
];
