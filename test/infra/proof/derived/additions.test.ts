import type { Stack } from 'aws-cdk-lib';
import { MockIntegration, RestApi } from 'aws-cdk-lib/aws-apigateway';
import { AttributeType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { IConstruct } from 'constructs';
import { describe, expect, it } from 'vitest';
import { deriveAssembly } from '../../../../infra/proof/derived/derive.ts';
import { prove } from '../../../../infra/proof/prove.ts';
import { reportSummary } from '../../../../infra/proof/report/summary.ts';
import { FULL } from '../../../full.ts';
import system from '../../../one-client.zones.ts';
import {
  adds,
  allow,
  find,
  findingsOf,
  idOf,
  STACKS,
  sets,
  statementsOf,
  type Template,
  withTemplate,
} from '../mutate.ts';
import { oneClient, synthesize } from '../one-client.ts';

const derived = deriveAssembly(system, oneClient);

/** The first construct of a class below `scope`. */
function childOf<Child>(scope: IConstruct, type: abstract new (...args: never[]) => Child): Child {
  const found = scope.node.findAll().find((one) => one instanceof type);
  if (!(found instanceof type)) throw new Error(`no ${type.name} in ${scope.node.path}`);
  return found;
}

describe('a system with a table, a queue, a secret and a bucket of its own, and a preflight', () => {
  const assembly = synthesize(system, {}, (app) => {
    const stack = app.node.findChild(STACKS.internal) as Stack;
    // By its ARN: the zone's key admits who uses it through these services, and its policy stays as it is.
    const encryptionKey = Key.fromKeyArn(stack, 'ZoneKey', childOf(stack, Key).keyArn);
    new Table(stack, 'Notes', {
      tableName: 'journal-internal-notes',
      partitionKey: { name: 'id', type: AttributeType.STRING },
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey,
    });
    new Queue(stack, 'Later', {
      encryption: QueueEncryption.KMS,
      encryptionMasterKey: encryptionKey,
      enforceSSL: true,
    });
    new Secret(stack, 'Password', { encryptionKey });
    new Bucket(stack, 'Files', { encryption: BucketEncryption.S3_MANAGED, enforceSSL: true });
    childOf(app.node.findChild(STACKS.public), RestApi).root.addMethod(
      'OPTIONS',
      new MockIntegration({ integrationResponses: [{ statusCode: '204' }] }),
      { methodResponses: [{ statusCode: '204' }] },
    );
  });
  const proof = prove(assembly, system, { derived });

  it('holds', () => {
    expect(proof.violations).toEqual([]);
    expect(proof.ok).toBe(true);
  });

  it('with its additions listed', () => {
    const report = reportSummary(proof, 160, true);
    const list = /WHAT THIS SYSTEM ADDS.*\n([\s\S]*?)\n\n/.exec(report)?.[1]?.split('\n') ?? [];
    expect(list.map((line) => line.trim().split(/ +/)).sort()).toEqual([
      ['internal', 'AWS::DynamoDB::Table', 'journal-zone-internal/Notes/Resource'],
      ['internal', 'AWS::S3::Bucket', 'journal-zone-internal/Files/Resource'],
      ['internal', 'AWS::S3::BucketPolicy', 'journal-zone-internal/Files/Policy/Resource'],
      ['internal', 'AWS::SQS::Queue', 'journal-zone-internal/Later/Resource'],
      ['internal', 'AWS::SQS::QueuePolicy', 'journal-zone-internal/Later/Policy/Resource'],
      ['internal', 'AWS::SecretsManager::Secret', 'journal-zone-internal/Password/Resource'],
      ['public', 'AWS::ApiGateway::Method', 'journal-zone-public/Gateway/Api/Default/OPTIONS/Resource'],
    ]);
  });
});

const DENY = { Effect: 'Deny', Principal: '*', Action: '*', Resource: '*' };
const fromHere = { NotIpAddress: { 'aws:SourceIp': '10.0.0.0/8' } };
const endpointToS3 = (r: Template, statement: object = DENY) => ({
  ServiceName: 'com.amazonaws.eu-north-1.s3',
  VpcEndpointType: 'Gateway',
  VpcId: { Ref: idOf(r, 'NetworkVpc', 'EC2::VPC') },
  PolicyDocument: { Version: '2012-10-17', Statement: [statement] },
});

/** Statements that deny a function its log, or may. */
const SILENCING = [
  { Effect: 'Deny', Action: { Ref: 'P' }, Resource: '*' },
  { Effect: 'Deny', Action: 'logs:Put*', Resource: '*' },
  { Effect: 'Deny', Action: '?ogs:*', Resource: '*' },
  { Effect: 'Deny', Action: ['s3:*', { 'Fn::Sub': '${P}:PutLogEvents' }], Resource: '*' },
  { Effect: 'Deny', NotAction: { Ref: 'P' }, Resource: '*' },
  { Effect: { Ref: 'P' }, Action: 'logs:PutLogEvents', Resource: { Ref: 'P' } },
  { 'Fn::If': ['P', { Effect: 'Deny', Action: 'logs:*', Resource: '*' }, { Ref: 'AWS::NoValue' }] },
];

describe('what narrows or changes nothing', () => {
  const CHANGES: readonly [keyof typeof STACKS, (r: Template) => void][] = [
    ['public', sets('GatewayApi4', { Policy: { Statement: [{ ...DENY, Condition: fromHere }] } })],
    ['internal', (r) => adds('AWS::EC2::VPCEndpoint', endpointToS3(r))(r)],
    [
      'public',
      (r) => {
        const VisibilityConfig = { SampledRequestsEnabled: false };
        const Properties = { Scope: 'REGIONAL', DefaultAction: { Allow: {} }, Rules: [], VisibilityConfig };
        r.Acl = { Type: 'AWS::WAFv2::WebACL', Properties };
        adds('AWS::WAFv2::WebACLAssociation', {
          WebACLArn: { 'Fn::GetAtt': ['Acl', 'Arn'] },
          ResourceArn: {
            'Fn::Sub': `arn:aws:apigateway:eu-north-1::/restapis/\${${idOf(r, 'GatewayApi4')}}/stages/live`,
          },
        })(r);
      },
    ],
    ['signing', (r) => fips(find(r, 'Networkkms', 'VPCEndpoint').Properties)],
    [
      'internal',
      sets('workerRole', { ManagedPolicyArns: [managed('AWSXRayDaemonWriteAccess')] }, 'IAM::Role'),
    ],
    [
      'public',
      (r) =>
        allow(
          find(r, 'apiRole', 'IAM::Role'),
          'dynamodb:DescribeTimeToLive',
          { 'Fn::GetAtt': [idOf(r, 'Tablesessions'), 'Arn'] },
          { Condition: { StringEquals: { 'aws:SourceVpce': { Ref: idOf(r, 'Networkdynamodbendpoint') } } } },
        ),
    ],
    [
      'internal',
      (r) => {
        const denied = { Effect: 'Deny', Action: ['s3:*', 'logs:DeleteLogGroup'], Resource: { Ref: 'P' } };
        statementsOf(find(r, 'workerRole', 'IAM::Role')).push(denied);
      },
    ],
  ];

  it('a policy that only denies, an endpoint that lets nothing through, one by validated cryptography, traces, a description', () => {
    const changed = CHANGES.reduce(
      (one, [stack, change]) => withTemplate(one, STACKS[stack], change),
      oneClient,
    );
    expect(prove(changed, system, { derived }).violations).toEqual([]);
    if (FULL) expect(prove(changed, system).violations).toEqual([]);
  });

  it.each<[string, string, RegExp, keyof typeof STACKS, (r: Template) => void]>([
    [
      'a policy of an API that allows',
      'as-derived',
      /has Policy/,
      'public',
      sets('GatewayApi4', { Policy: { Statement: [{ ...DENY, Effect: 'Allow' }] } }),
    ],
    [
      'a statement beside which variables are no variables',
      'as-derived',
      /or of another version/,
      'public',
      (r) => {
        allow(find(r, 'summaryRole', 'IAM::Role'), 'cloudwatch:PutMetricData');
        const { Policies } = find(r, 'summaryRole', 'IAM::Role').Properties;
        const [policy] = Policies as { PolicyDocument: { Version: string } }[];
        if (policy) policy.PolicyDocument.Version = '2008-10-17';
      },
    ],
    [
      'an endpoint that lets something through',
      'endpoints-are-own',
      /leads to s3/,
      'internal',
      (r) => adds('AWS::EC2::VPCEndpoint', endpointToS3(r, { ...DENY, Effect: 'Allow' }))(r),
    ],
    [
      'another service by the name of validated cryptography',
      'as-derived',
      /ServiceName/,
      'signing',
      sets('Networkkms', { ServiceName: 'com.amazonaws.eu-north-1.sts-fips' }, 'VPCEndpoint'),
    ],
    [
      'a policy of AWS’s that nobody has read',
      'actions-are-known',
      /may change at any time/,
      'internal',
      sets('workerRole', { ManagedPolicyArns: [managed('ReadOnlyAccess')] }, 'IAM::Role'),
    ],
    [
      'a denial that may silence a function',
      'additions-are-understood',
      /denies a function its log, or may/,
      'signing',
      (r) => void statementsOf(find(r, 'SignerpublicjournalRole', 'IAM::Role')).push(SILENCING[0] ?? {}),
    ],
  ])('but not %s', (_name, rule, message, stack, change) => {
    const found = findingsOf(rule, withTemplate(oneClient, STACKS[stack], change), system, derived);
    expect(found.map(({ message: text }) => text).join('\n')).toMatch(message);
  });

  it('nor a denial to the admin zone, in a role or in a policy of its own', () => {
    const denied = { Effect: 'Deny', Action: 'secretsmanager:GetSecretValue', Resource: '*' };
    const changed = withTemplate(oneClient, STACKS.admin, (r) => {
      statementsOf(find(r, 'keywatchRole', 'IAM::Role')).push(denied);
      const Roles = [{ Ref: idOf(r, 'rotationRole', 'IAM::Role') }];
      adds('AWS::IAM::Policy', { PolicyName: 'more', Roles, PolicyDocument: { Statement: denied } })(r);
    });
    const found = findingsOf('additions-are-understood', changed, system, derived);
    const messages = found.map(({ message }) => message);
    expect(messages).toHaveLength(2);
    for (const message of messages) expect(message).toContain('may stop rotation or the key watch');
  });

  it('nor a function that reads the sessions of the login', () => {
    const changed = withTemplate(oneClient, STACKS.public, (r) =>
      allow(find(r, 'summaryRole', 'IAM::Role'), 'dynamodb:GetItem', {
        'Fn::GetAtt': [idOf(r, 'Tablesessions'), 'Arn'],
      }),
    );
    expect(findingsOf('own-data-only', changed, system, derived)).not.toEqual([]);
  });

  it('nor policies that may silence a function', () => {
    const changed = withTemplate(oneClient, STACKS.signing, (r) => {
      const Roles = [{ Ref: idOf(r, 'SignerpublicjournalRole', 'IAM::Role') }];
      for (const [index, statement] of SILENCING.entries())
        adds('AWS::IAM::Policy', {
          PolicyName: `added${index}`,
          Roles,
          PolicyDocument: { Statement: statement },
        })(r);
    });
    const found = findingsOf('additions-are-understood', changed, system, derived);
    expect(found).toHaveLength(SILENCING.length);
  });
});

function managed(name: string): unknown {
  return { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:iam::aws:policy/${name}`]] };
}

function fips(properties: Record<string, unknown>): void {
  properties.ServiceName = JSON.parse(JSON.stringify(properties.ServiceName).replace('.kms"', '.kms-fips"'));
}
