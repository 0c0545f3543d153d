import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildApp } from '../../../infra/build-app.ts';
import { readAssembly } from '../../../infra/proof/assembly/read-assembly.ts';
import type { Invariant } from '../../../infra/proof/rules/rule.ts';
import system from '../../one-client.zones.ts';
import {
  allow,
  type Changeable,
  dropCondition,
  dropStatement,
  find,
  findings,
  idOf,
  proveInRounds,
  statementOf,
  statementsOf,
  type Template,
  withAsset,
  withTemplate,
} from './mutate.ts';

const folders = [mkdtempSync(join(tmpdir(), 'zones-'))];
buildApp(system, { outdir: folders[0] ?? '' }).synth();
const shipped = readAssembly(folders[0] ?? '');
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const SIGNING = 'journal-signing';
const PUBLIC = 'journal-zone-public';
const INTERNAL = 'journal-zone-internal';
const ADMIN = 'journal-zone-admin';
const GATEWAY = 'journal-gateway-account';
const SIGNER = 'Signerpublicjournal';

const ACCOUNT = '000000000000';
const arn = (service: string, rest: string) => `arn:aws:${service}:eu-north-1:${ACCOUNT}:${rest}`;
const signer = (zone: string) => arn('lambda', `function:journal-signer-journal-${zone}`);
const role = (name: string) => `arn:aws:iam::${ACCOUNT}:role/${name}`;
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** A change to a stack's template, and what finds it. */
type Mutation = readonly [
  name: string,
  stack: string,
  change: (resources: Template) => void,
  invariant: Invariant,
  rule: string,
];

/** Gives the role of a function an action. */
function gives(
  name: string,
  stack: string,
  prefix: string,
  action: string | string[],
  on: unknown,
  invariant: Invariant,
  rule: string,
): Mutation {
  return [name, stack, (r) => allow(find(r, prefix, 'IAM::Role'), action, on), invariant, rule];
}

/** Adds a resource. */
function adds(
  name: string,
  stack: string,
  Type: string,
  properties: (resources: Template) => Changeable,
  invariant: Invariant,
  rule: string,
): Mutation {
  return [
    name,
    stack,
    (r) => {
      r.Added = { Type, Properties: properties(r) };
    },
    invariant,
    rule,
  ];
}

/** Sets properties of a resource. */
function sets(
  name: string,
  stack: string,
  [prefix, type]: [string, string],
  properties: Changeable,
  invariant: Invariant,
  rule: string,
): Mutation {
  return [
    name,
    stack,
    (r) => void Object.assign(find(r, prefix, type).Properties, properties),
    invariant,
    rule,
  ];
}

const trust = (principal: Changeable) => ({
  AssumeRolePolicyDocument: {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: principal, Action: 'sts:AssumeRole' }],
  },
});

const PERMISSIONS: readonly Mutation[] = [
  gives('a zone may sign', PUBLIC, 'summary', 'kms:Sign', '*', 'I1', 'sign-is-for-signers'),
  gives(
    'an event zone may sign',
    INTERNAL,
    'worker',
    'kms:Sign',
    arn('kms', 'key/*'),
    'I1',
    'sign-is-for-signers',
  ),
  gives('rotation may sign', ADMIN, 'rotation', 'kms:Sign', '*', 'I1', 'sign-is-for-signers'),
  gives(
    'rotation may re-policy keys',
    ADMIN,
    'rotation',
    'kms:PutKeyPolicy',
    '*',
    'I1',
    'keys-are-not-captured',
  ),
  gives('rotation may grant', ADMIN, 'rotation', 'kms:CreateGrant', '*', 'I1', 'keys-are-not-captured'),
  gives(
    'rotation may delete keys',
    ADMIN,
    'rotation',
    'kms:ScheduleKeyDeletion',
    '*',
    'I1',
    'keys-are-not-captured',
  ),
  gives(
    'the key watch may delete keys',
    ADMIN,
    'keywatch',
    'kms:ScheduleKeyDeletion',
    '*',
    'I1',
    'keys-are-not-captured',
  ),
  gives('a signer may grant', SIGNING, SIGNER, 'kms:CreateGrant', '*', 'I1', 'keys-are-not-captured'),
  gives('a signer may replicate', SIGNING, SIGNER, 'kms:ReplicateKey', '*', 'I1', 'keys-are-not-captured'),
  gives('a signer may do everything with keys', SIGNING, SIGNER, 'kms:*', '*', 'I1', 'actions-are-known'),
  gives('a role may do everything', PUBLIC, 'login', '*', '*', 'I1', 'actions-are-known'),
  [
    'a role may do everything but one thing',
    PUBLIC,
    (r) =>
      void statementsOf(find(r, 'loginRole')).push({
        Effect: 'Allow',
        NotAction: 's3:GetObject',
        Resource: '*',
      }),
    'I1',
    'actions-are-known',
  ],
  gives('a zone passes roles', PUBLIC, 'summary', 'iam:PassRole', '*', 'I1', 'identities-are-not-changed'),
  gives(
    'a zone takes boundaries off',
    INTERNAL,
    'worker',
    'iam:DeleteRolePermissionsBoundary',
    '*',
    'I1',
    'identities-are-not-changed',
  ),
  gives(
    'rotation changes policies',
    ADMIN,
    'rotation',
    ['iam:PutRolePolicy', 'iam:CreatePolicyVersion'],
    '*',
    'I1',
    'identities-are-not-changed',
  ),
  gives(
    'a zone becomes a signer',
    PUBLIC,
    'summary',
    'sts:AssumeRole',
    role('journal-signer-journal-public'),
    'I1',
    'roles-are-not-assumed',
  ),
  gives(
    'a zone becomes the deployer',
    INTERNAL,
    'worker',
    'sts:AssumeRole',
    role('cdk-hnb659fds-deploy-role-*'),
    'I1',
    'roles-are-not-assumed',
  ),
  gives(
    'a zone changes signers',
    PUBLIC,
    'summary',
    'lambda:UpdateFunctionCode',
    signer('public'),
    'I3',
    'functions-are-not-changed',
  ),
  gives(
    'a zone configures signers',
    PUBLIC,
    'summary',
    'lambda:UpdateFunctionConfiguration',
    signer('*'),
    'I3',
    'functions-are-not-changed',
  ),
  gives(
    'rotation lets others in',
    ADMIN,
    'rotation',
    'lambda:AddPermission',
    '*',
    'I3',
    'functions-are-not-changed',
  ),
  gives(
    'a zone makes mappings',
    INTERNAL,
    'worker',
    'lambda:CreateEventSourceMapping',
    '*',
    'I3',
    'functions-are-not-changed',
  ),
  gives(
    'a zone starves signers',
    PUBLIC,
    'summary',
    'lambda:PutFunctionConcurrency',
    '*',
    'I3',
    'functions-are-not-changed',
  ),
  gives(
    'a zone asks another’s signer',
    PUBLIC,
    'summary',
    'lambda:InvokeFunction',
    signer('internal'),
    'I2',
    'own-signers-only',
  ),
  gives(
    'a zone asks old versions',
    PUBLIC,
    'summary',
    'lambda:InvokeFunction',
    `${signer('public')}:*`,
    'I2',
    'own-signers-only',
  ),
  gives(
    'a zone asks its signer from anywhere',
    PUBLIC,
    'summary',
    'lambda:InvokeFunction',
    signer('public'),
    'I2',
    'own-signers-only',
  ),
  gives('a signer asks others', SIGNING, SIGNER, 'lambda:InvokeFunction', '*', 'I2', 'own-signers-only'),
  gives(
    'API Gateway’s role asks a signer',
    GATEWAY,
    'Role',
    'lambda:InvokeFunction',
    '*',
    'I2',
    'own-signers-only',
  ),
  gives(
    'a zone writes records',
    INTERNAL,
    'worker',
    'secretsmanager:PutSecretValue',
    '*',
    'I1',
    'records-are-kept-by-admin',
  ),
  gives(
    'a zone rotates with another function',
    PUBLIC,
    'summary',
    'secretsmanager:RotateSecret',
    '*',
    'I1',
    'records-are-kept-by-admin',
  ),
  gives(
    'rotation starts rotations',
    ADMIN,
    'rotation',
    'secretsmanager:RotateSecret',
    '*',
    'I1',
    'records-are-kept-by-admin',
  ),
  gives(
    'rotation opens records',
    ADMIN,
    'rotation',
    'secretsmanager:PutResourcePolicy',
    '*',
    'I1',
    'records-are-kept-by-admin',
  ),
  gives(
    'the key watch replicates records',
    ADMIN,
    'keywatch',
    'secretsmanager:ReplicateSecretToRegions',
    '*',
    'I1',
    'records-are-kept-by-admin',
  ),
  gives(
    'a zone reads records',
    PUBLIC,
    'summary',
    'secretsmanager:GetSecretValue',
    '*',
    'I1',
    'records-are-read-by-own',
  ),
  gives(
    'a signer reads every secret',
    SIGNING,
    SIGNER,
    'secretsmanager:GetSecretValue',
    '*',
    'I1',
    'records-are-read-by-own',
  ),
  gives(
    'the key watch makes keys',
    ADMIN,
    'keywatch',
    'kms:CreateKey',
    '*',
    'I1',
    'keys-are-made-by-rotation',
  ),
  ...(
    [
      'kms:KeySpec',
      'kms:KeyUsage',
      'kms:KeyOrigin',
      'aws:RequestTag/helseid-zones:system',
      'aws:SourceVpce',
    ] as const
  ).map(
    (key): Mutation => [
      `rotation makes keys whatever their ${key}`,
      ADMIN,
      (r) => dropCondition(statementOf(find(r, 'rotationRole'), 'CreateKeys'), 'StringEquals', key),
      'I1',
      'keys-are-made-by-rotation',
    ],
  ),
  ...(['Bool', 'BoolIfExists', 'ForAllValues:StringEquals'] as const).map(
    (operator): Mutation => [
      `rotation makes keys without ${operator}`,
      ADMIN,
      (r) => dropCondition(statementOf(find(r, 'Boundary'), 'CreateKeys'), operator),
      'I1',
      'keys-are-made-by-rotation',
    ],
  ),
  [
    'the admin zone switches keys of others',
    ADMIN,
    (r) =>
      dropCondition(
        statementOf(find(r, 'keywatchRole'), 'SwitchKeys'),
        'StringEquals',
        'aws:ResourceTag/helseid-zones:system',
      ),
    'I1',
    'keys-are-switched-by-admin',
  ],
  gives(
    'a zone makes endpoints',
    PUBLIC,
    'summary',
    'ec2:CreateVpcEndpoint',
    '*',
    'I4',
    'networks-are-not-changed',
  ),
  gives(
    'a zone changes endpoints',
    PUBLIC,
    'summary',
    'ec2:ModifyVpcEndpoint',
    '*',
    'I4',
    'networks-are-not-changed',
  ),
  gives(
    'a zone changes the firewall',
    PUBLIC,
    'summary',
    'route53resolver:UpdateFirewallDomains',
    '*',
    'I4',
    'networks-are-not-changed',
  ),
  gives('a signer changes routes', SIGNING, SIGNER, 'ec2:CreateRoute', '*', 'I4', 'networks-are-not-changed'),
  [
    'a zone’s code makes interfaces',
    PUBLIC,
    (r) => dropStatement(find(r, 'summaryRole'), 'NoInterfacesForCode'),
    'I4',
    'interfaces-are-lambdas',
  ],
  gives('a zone deploys', PUBLIC, 'summary', 'cloudformation:UpdateStack', '*', 'I1', 'nobody-deploys'),
  gives(
    'a zone writes assets',
    PUBLIC,
    'summary',
    's3:PutObject',
    'arn:aws:s3:::cdk-hnb659fds-assets-*/*',
    'I1',
    'nobody-deploys',
  ),
  gives(
    'a zone taps logs',
    PUBLIC,
    'summary',
    'logs:PutSubscriptionFilter',
    '*',
    'I7',
    'logs-are-not-tapped',
  ),
  gives(
    'a signer deletes its audit',
    SIGNING,
    SIGNER,
    'logs:DeleteLogStream',
    '*',
    'I7',
    'logs-are-not-tapped',
  ),
  gives(
    'a zone writes another’s logs',
    PUBLIC,
    'summary',
    'logs:PutLogEvents',
    arn('logs', 'log-group:/journal/internal/*:*'),
    'I7',
    'logs-are-own',
  ),
  gives('a zone reads logs', PUBLIC, 'summary', 'logs:FilterLogEvents', '*', 'I7', 'logs-are-own'),
  gives(
    'a zone reads another’s table',
    INTERNAL,
    'worker',
    'dynamodb:GetItem',
    arn('dynamodb', 'table/journal-public-sessions'),
    'I8',
    'own-data-only',
  ),
  gives(
    'a zone reads another’s queue',
    PUBLIC,
    'summary',
    'sqs:ReceiveMessage',
    arn('sqs', 'journal-internal-events'),
    'I8',
    'own-data-only',
  ),
  gives(
    'a zone decrypts as it likes',
    INTERNAL,
    'worker',
    'kms:Decrypt',
    arn('kms', 'key/*'),
    'I8',
    'own-data-keys-only',
  ),
  [
    'a zone uses its key directly',
    INTERNAL,
    (r) => dropCondition(statementOf(find(r, 'workerRole'), 'OwnDataKey'), 'StringEquals'),
    'I8',
    'own-data-keys-only',
  ],
  gives(
    'a zone changes targets',
    PUBLIC,
    'summary',
    'events:PutTargets',
    '*',
    'I2',
    'entries-are-not-changed',
  ),
  gives(
    'a zone changes queues',
    INTERNAL,
    'worker',
    'sqs:SetQueueAttributes',
    '*',
    'I2',
    'entries-are-not-changed',
  ),
  sets(
    'an administrator’s policy',
    PUBLIC,
    ['summary', 'IAM::Role'],
    { ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess'] },
    'I1',
    'actions-are-known',
  ),
  ...(['kms:MessageType', 'aws:SourceVpce', 'kms:SigningAlgorithm'] as const).map(
    (key): Mutation => [
      `a signer’s own policy does not bind ${key}`,
      SIGNING,
      (r) => dropCondition(statementOf(find(r, `${SIGNER}Role`), 'Sign'), 'StringEquals', key),
      'I5',
      'signing-is-bound',
    ],
  ),
];

const BOUNDARIES: readonly Mutation[] = [
  [
    'no boundary',
    PUBLIC,
    (r) => void delete find(r, 'summaryRole').Properties.PermissionsBoundary,
    'I1',
    'roles-are-bounded',
  ],
  sets(
    'an administrator’s boundary',
    INTERNAL,
    ['worker', 'IAM::Role'],
    { PermissionsBoundary: 'arn:aws:iam::aws:policy/AdministratorAccess' },
    'I1',
    'roles-are-bounded',
  ),
  sets(
    'another zone’s boundary',
    PUBLIC,
    ['summary', 'IAM::Role'],
    { PermissionsBoundary: `arn:aws:iam::${ACCOUNT}:policy/journal-boundary-signing` },
    'I1',
    'roles-are-bounded',
  ),
  [
    'no boundary of API Gateway’s role',
    GATEWAY,
    (r) => void delete find(r, 'Role').Properties.PermissionsBoundary,
    'I1',
    'roles-are-bounded',
  ],
  [
    'a boundary lets a zone sign',
    PUBLIC,
    (r) => {
      dropStatement(find(r, 'Boundary'), 'NeverClientKeys');
      allow(find(r, 'Boundary'), 'kms:*');
    },
    'I1',
    'sign-is-for-signers',
  ],
  [
    'a boundary lets a zone pass roles',
    INTERNAL,
    (r) => allow(find(r, 'Boundary'), 'iam:*'),
    'I1',
    'identities-are-not-changed',
  ],
  [
    'the admin zone may sign with keys that name it',
    ADMIN,
    (r) => dropStatement(find(r, 'Boundary'), 'NeverClientKeys'),
    'I1',
    'made-keys-are-closed',
  ],
  [
    'a zone’s boundary lets it invoke from anywhere',
    PUBLIC,
    (r) => dropStatement(find(r, 'Boundary'), 'InvokeHereOnly'),
    'I2',
    'own-signers-only',
  ],
  ...(['SignHereOnly', 'SignDigestsOnly'] as const).map(
    (sid): Mutation => [
      `the signers’ boundary without ${sid}`,
      SIGNING,
      (r) => dropStatement(find(r, 'Boundary'), sid),
      'I5',
      'signing-is-bound',
    ],
  ),
];

const ENDPOINTS: readonly Mutation[] = [
  [
    'a zone’s Lambda endpoint leads to every function',
    PUBLIC,
    (r) => void Object.assign(statementOf(find(r, 'lambdaendpoint'), 0), { Resource: '*' }),
    'I2',
    'own-signers-only',
  ],
  [
    'a zone’s Lambda endpoint has no policy',
    INTERNAL,
    (r) => void delete find(r, 'lambdaendpoint').Properties.PolicyDocument,
    'I4',
    'endpoints-are-own',
  ],
  [
    'a zone’s Lambda endpoint takes anybody',
    PUBLIC,
    (r) => void delete statementOf(find(r, 'lambdaendpoint'), 0).Condition,
    'I4',
    'endpoints-admit-own-roles',
  ],
  [
    'the signing zone’s KMS endpoint takes anything to sign',
    SIGNING,
    (r) => dropCondition(statementOf(find(r, 'kmsendpoint'), 0), 'StringEquals'),
    'I5',
    'signing-is-bound',
  ],
  [
    'the signing zone’s KMS endpoint takes every action',
    SIGNING,
    (r) => void Object.assign(statementOf(find(r, 'kmsendpoint'), 1), { Action: 'kms:*' }),
    'I1',
    'keys-are-not-captured',
  ],
  [
    'the signing zone’s endpoint leads to every secret',
    SIGNING,
    (r) => void Object.assign(statementOf(find(r, 'secretsmanagerendpoint'), 0), { Resource: '*' }),
    'I1',
    'records-are-read-by-own',
  ],
  [
    'the admin zone’s KMS endpoint takes anybody',
    ADMIN,
    (r) => void delete statementOf(find(r, 'kmsendpoint'), 0).Condition,
    'I4',
    'endpoints-admit-own-roles',
  ],
  adds(
    'a zone has a KMS endpoint',
    PUBLIC,
    'AWS::EC2::VPCEndpoint',
    (r) => ({
      VpcId: { Ref: idOf(r, 'Vpc8') },
      VpcEndpointType: 'Interface',
      ServiceName: 'com.amazonaws.eu-north-1.kms',
      PolicyDocument: { Statement: [] },
    }),
    'I4',
    'endpoints-are-own',
  ),
];

const NETWORKS: readonly Mutation[] = [
  adds(
    'NAT in the signing zone',
    SIGNING,
    'AWS::EC2::NatGateway',
    () => ({}),
    'I4',
    'signing-zone-has-no-way-out',
  ),
  adds(
    'an internet gateway in the signing zone',
    SIGNING,
    'AWS::EC2::InternetGateway',
    () => ({}),
    'I4',
    'signing-zone-has-no-way-out',
  ),
  adds(
    'a route out of the signing zone',
    SIGNING,
    'AWS::EC2::Route',
    (r) => ({
      RouteTableId: { Ref: idOf(r, 'VpcfunctionsSubnet1RouteTable', 'EC2::RouteTable') },
      DestinationCidrBlock: '0.0.0.0/0',
      GatewayId: 'igw-1',
    }),
    'I4',
    'signing-zone-has-no-way-out',
  ),
  adds('peering', PUBLIC, 'AWS::EC2::VPCPeeringConnection', () => ({}), 'I4', 'no-joined-networks'),
  adds(
    'a transit gateway',
    INTERNAL,
    'AWS::EC2::TransitGatewayAttachment',
    () => ({}),
    'I4',
    'no-joined-networks',
  ),
  adds(
    'a service offered to other networks',
    SIGNING,
    'AWS::EC2::VPCEndpointService',
    () => ({}),
    'I4',
    'no-joined-networks',
  ),
  adds('shared subnets', SIGNING, 'AWS::RAM::ResourceShare', () => ({}), 'I4', 'no-joined-networks'),
  adds('another resolver', PUBLIC, 'AWS::EC2::DHCPOptions', () => ({}), 'I4', 'no-joined-networks'),
  adds(
    'a route to another zone',
    PUBLIC,
    'AWS::EC2::Route',
    (r) => ({
      RouteTableId: { Ref: idOf(r, 'VpcfunctionsSubnet1RouteTable', 'EC2::RouteTable') },
      DestinationCidrBlock: '10.20.0.0/20',
      VpcPeeringConnectionId: 'pcx-1',
    }),
    'I4',
    'no-route-elsewhere',
  ),
  sets(
    'a function in foreign subnets',
    PUBLIC,
    ['summary', 'Lambda::Function'],
    { VpcConfig: { SubnetIds: ['subnet-foreign'], SecurityGroupIds: [] } },
    'I4',
    'functions-in-own-zone',
  ),
  [
    'a function outside every network',
    INTERNAL,
    (r) => void delete find(r, 'workerFunction').Properties.VpcConfig,
    'I4',
    'functions-in-own-zone',
  ],
  [
    'a signer outside every network',
    SIGNING,
    (r) => void delete find(r, `${SIGNER}Function`).Properties.VpcConfig,
    'I4',
    'functions-in-own-zone',
  ],
  adds(
    'egress on every port',
    ADMIN,
    'AWS::EC2::SecurityGroupEgress',
    () => ({
      GroupId: { 'Fn::GetAtt': ['FunctionGroupE4DF928A', 'GroupId'] },
      IpProtocol: '-1',
      CidrIp: '0.0.0.0/0',
    }),
    'I4',
    'egress-is-https',
  ),
  adds(
    'the internet let in',
    PUBLIC,
    'AWS::EC2::SecurityGroupIngress',
    () => ({
      GroupId: { 'Fn::GetAtt': ['FunctionGroupE4DF928A', 'GroupId'] },
      IpProtocol: 'tcp',
      FromPort: 443,
      ToPort: 443,
      CidrIp: '0.0.0.0/0',
    }),
    'I4',
    'groups-are-closed',
  ),
  adds(
    'another zone let in to the endpoints',
    SIGNING,
    'AWS::EC2::SecurityGroupIngress',
    () => ({
      GroupId: { 'Fn::GetAtt': ['EndpointGroupFCFEDB84', 'GroupId'] },
      IpProtocol: 'tcp',
      FromPort: 443,
      ToPort: 443,
      CidrIp: '10.10.0.0/20',
    }),
    'I4',
    'groups-are-closed',
  ),
  [
    'a resolver that answers everything',
    PUBLIC,
    (r) => void ((r.NameRules ?? find(r, 'NameRules')).Properties.FirewallRules as unknown[]).pop(),
    'I4',
    'names-answered',
  ],
  sets(
    'a name too many',
    SIGNING,
    ['AllowedNames', ''],
    { Domains: ['example.com'] },
    'I4',
    'names-answered',
  ),
  sets('a wildcard of names', INTERNAL, ['AllowedNames', ''], { Domains: ['*.no'] }, 'I4', 'names-answered'),
  sets(
    'a firewall that fails open',
    ADMIN,
    ['NamesFailClosed', ''],
    { FirewallFailOpen: 'ENABLED' },
    'I4',
    'names-answered',
  ),
  sets('another network', PUBLIC, ['Vpc8', ''], { CidrBlock: '10.50.0.0/20' }, 'I4', 'networks-are-declared'),
  sets(
    'public addresses in the signing zone',
    SIGNING,
    ['VpcfunctionsSubnet1Subnet', ''],
    { MapPublicIpOnLaunch: true },
    'I4',
    'signing-zone-has-no-way-out',
  ),
  [
    'the default group on a function',
    PUBLIC,
    (r) => {
      const placed = find(r, 'summaryFunction').Properties.VpcConfig as Changeable;
      placed.SecurityGroupIds = [{ 'Fn::GetAtt': [idOf(r, 'Vpc8'), 'DefaultSecurityGroup'] }];
    },
    'I4',
    'default-group-unused',
  ],
];

const TEMPLATES: readonly Mutation[] = [
  adds(
    'a policy for a role outside',
    SIGNING,
    'AWS::IAM::Policy',
    () => ({
      PolicyName: 'x',
      Roles: ['somebody'],
      PolicyDocument: {
        Statement: [{ Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: signer('public') }],
      },
    }),
    'I1',
    'policies-are-for-own-roles',
  ),
  adds(
    'a role with a signer’s name',
    PUBLIC,
    'AWS::IAM::Role',
    () => ({ RoleName: 'journal-signer-journal-more', ...trust({ Service: 'lambda.amazonaws.com' }) }),
    'I1',
    'sign-is-for-signers',
  ),
  adds(
    'another zone’s events',
    PUBLIC,
    'AWS::Events::Rule',
    () => ({ EventBusName: 'journal-internal', EventPattern: {}, Targets: [] }),
    'I2',
    'entries-are-own',
  ),
  sets(
    'a macro',
    ADMIN,
    ['Alarms0', ''],
    { DisplayName: { 'Fn::Transform': { Name: 'Macro' } } },
    'I1',
    'templates-are-final',
  ),
  adds(
    'a permission for another account',
    SIGNING,
    'AWS::Lambda::Permission',
    () => ({ FunctionName: signer('public'), Action: 'lambda:InvokeFunction', Principal: '111122223333' }),
    'I2',
    'function-permissions-are-own',
  ),
  adds(
    'a permission for another zone’s role',
    SIGNING,
    'AWS::Lambda::Permission',
    () => ({
      FunctionName: signer('public'),
      Action: 'lambda:InvokeFunction',
      Principal: role('journal-internal-worker'),
    }),
    'I2',
    'function-permissions-are-own',
  ),
  adds(
    'a permission for everybody',
    INTERNAL,
    'AWS::Lambda::Permission',
    () => ({
      FunctionName: arn('lambda', 'function:journal-internal-worker'),
      Action: 'lambda:InvokeFunction',
      Principal: '*',
    }),
    'I2',
    'outsiders-are-not-admitted',
  ),
  [
    'a permission without a source',
    PUBLIC,
    (r) => void delete find(r, 'ApisummariesidGETApiPermission').Properties.SourceArn,
    'I2',
    'function-permissions-are-own',
  ],
  [
    'a rotation for any account',
    ADMIN,
    (r) => void delete find(r, 'RotationOfjournalPermission').Properties.SourceAccount,
    'I2',
    'function-permissions-are-own',
  ],
  adds(
    'a function URL',
    SIGNING,
    'AWS::Lambda::Url',
    () => ({ AuthType: 'NONE', TargetFunctionArn: signer('public') }),
    'I2',
    'no-function-doors',
  ),
  adds(
    'a destination of answers',
    SIGNING,
    'AWS::Lambda::EventInvokeConfig',
    () => ({ FunctionName: signer('public') }),
    'I2',
    'no-function-doors',
  ),
  adds(
    'a version beside the signer',
    SIGNING,
    'AWS::Lambda::Version',
    () => ({ FunctionName: signer('public') }),
    'I2',
    'no-function-doors',
  ),
  adds('an API that nobody reads', PUBLIC, 'AWS::ApiGatewayV2::Api', () => ({}), 'I2', 'no-function-doors'),
  adds('a schedule', INTERNAL, 'AWS::Scheduler::Schedule', () => ({}), 'I2', 'no-function-doors'),
  sets(
    'a layer',
    SIGNING,
    [`${SIGNER}Function`, ''],
    { Layers: [arn('lambda', 'layer:more:1')] },
    'I3',
    'functions-run-plainly',
  ),
  sets(
    'inline code',
    INTERNAL,
    ['workerFunction', ''],
    { Code: { ZipFile: 'exports.handler = () => {}' } },
    'I3',
    'functions-run-plainly',
  ),
  sets(
    'a container image',
    PUBLIC,
    ['summaryFunction', ''],
    { PackageType: 'Image', Runtime: undefined },
    'I3',
    'functions-run-plainly',
  ),
  ...(
    [
      ['AWS_LAMBDA_EXEC_WRAPPER', '/opt/run'],
      ['AWS_ENDPOINT_URL_KMS', 'https://elsewhere.example'],
      ['NODE_OPTIONS', '--require /tmp/more.js'],
      ['AWS_LAMBDA_LOG_LEVEL', 'FATAL'],
      ['POWERTOOLS_METRICS_DISABLED', 'true'],
    ] as const
  ).map(
    ([name, value]): Mutation => [
      `${name} in a signer`,
      SIGNING,
      (r) => {
        (find(r, `${SIGNER}Function`).Properties.Environment as { Variables: Changeable }).Variables[name] =
          value;
      },
      'I3',
      'functions-run-plainly',
    ],
  ),
  [
    'another record',
    SIGNING,
    (r) => {
      (
        find(r, `${SIGNER}Function`).Properties.Environment as { Variables: Changeable }
      ).Variables.RECORD_ARN = 'arn:other';
    },
    'I3',
    'signers-are-declared',
  ],
  [
    'a signer without concurrency of its own',
    SIGNING,
    (r) => void delete find(r, `${SIGNER}Function`).Properties.ReservedConcurrentExecutions,
    'I3',
    'signers-are-declared',
  ],
  [
    'one more signer',
    SIGNING,
    (r) => {
      const copy = structuredClone(find(r, `${SIGNER}Function`));
      copy.Properties.FunctionName = 'journal-signer-journal-more';
      r.More = copy;
    },
    'I3',
    'signers-are-declared',
  ],
  [
    'other signers for a zone',
    PUBLIC,
    (r) => {
      (find(r, 'summaryFunction').Properties.Environment as { Variables: Changeable }).Variables.SIGNERS =
        JSON.stringify({ journal: signer('internal') });
    },
    'I3',
    'zone-functions-are-declared',
  ],
  sets(
    'a role shared by two functions',
    SIGNING,
    [`${SIGNER}Function`, ''],
    { Role: { 'Fn::GetAtt': ['SignerinternaljournalRoleDB31C00A', 'Arn'] } },
    'I2',
    'functions-have-own-roles',
  ),
  sets(
    'a role outside the templates',
    PUBLIC,
    ['summaryFunction', ''],
    { Role: role('admin') },
    'I2',
    'functions-have-own-roles',
  ),
  sets(
    'a signer’s role that a zone can become',
    SIGNING,
    [`${SIGNER}Role`, ''],
    trust({ AWS: role('journal-public-summary') }),
    'I1',
    'roles-are-trusted-by-one-service',
  ),
  sets(
    'a signer’s role that the account can become',
    SIGNING,
    [`${SIGNER}Role`, ''],
    trust({ AWS: `arn:aws:iam::${ACCOUNT}:root` }),
    'I1',
    'roles-are-trusted-by-one-service',
  ),
  sets(
    'a role for another issuer’s identities',
    PUBLIC,
    ['summaryRole', ''],
    trust({ Federated: 'token.actions.githubusercontent.com' }),
    'I1',
    'roles-are-trusted-by-one-service',
  ),
  sets(
    'API Gateway’s role for functions',
    GATEWAY,
    ['Role', ''],
    trust({ Service: 'lambda.amazonaws.com' }),
    'I1',
    'roles-are-trusted-by-one-service',
  ),
  adds('a user', SIGNING, 'AWS::IAM::User', () => ({}), 'I1', 'no-other-identities'),
  adds(
    'an access key',
    ADMIN,
    'AWS::IAM::AccessKey',
    () => ({ UserName: 'somebody' }),
    'I1',
    'no-other-identities',
  ),
  adds('an identity provider', GATEWAY, 'AWS::IAM::OIDCProvider', () => ({}), 'I1', 'no-other-identities'),
  adds(
    'a custom resource',
    SIGNING,
    'Custom::VpcRestrictDefaultSG',
    () => ({ ServiceToken: signer('public') }),
    'I1',
    'no-deploying-resources',
  ),
  adds('a nested stack', ADMIN, 'AWS::CloudFormation::Stack', () => ({}), 'I1', 'no-deploying-resources'),
  adds('a build project', PUBLIC, 'AWS::CodeBuild::Project', () => ({}), 'I1', 'no-deploying-resources'),
  adds('a type that nobody knows', PUBLIC, 'AWS::Made::Up', () => ({}), 'I1', 'resource-types-are-known'),
  adds(
    'a policy on the record',
    SIGNING,
    'AWS::SecretsManager::ResourcePolicy',
    () => ({ SecretId: { Ref: 'Recordjournal' }, ResourcePolicy: { Statement: [] } }),
    'I1',
    'no-key-resources',
  ),
  adds('a replica of a key', SIGNING, 'AWS::KMS::ReplicaKey', () => ({}), 'I1', 'no-key-resources'),
  adds(
    'a signing key in a template',
    INTERNAL,
    'AWS::KMS::Key',
    () => ({ KeyUsage: 'SIGN_VERIFY', KeySpec: 'ECC_NIST_P256', KeyPolicy: { Statement: [] } }),
    'I1',
    'template-keys-encrypt-only',
  ),
  sets(
    'a record that a deploy overwrites',
    SIGNING,
    ['Recordjournal', ''],
    { SecretString: '{}' },
    'I1',
    'records-are-bare',
  ),
  sets(
    'a record in two regions',
    SIGNING,
    ['Recordjournal', ''],
    { ReplicaRegions: [{ Region: 'eu-west-1' }] },
    'I8',
    'data-is-encrypted',
  ),
  [
    'a record under AWS’s key',
    SIGNING,
    (r) => void delete find(r, 'Recordjournal').Properties.KmsKeyId,
    'I8',
    'data-is-encrypted',
  ],
  [
    'a data key for the whole account',
    SIGNING,
    (r) => allow(find(r, 'RecordKey'), 'kms:*', '*', { Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` } }),
    'I8',
    'data-keys-are-closed',
  ],
  [
    'a data key for a service of anybody',
    INTERNAL,
    (r) => allow(find(r, 'Key'), 'kms:Decrypt', '*', { Principal: { Service: 'events.amazonaws.com' } }),
    'I8',
    'data-keys-are-closed',
  ],
  adds(
    'a subscription of the audit',
    SIGNING,
    'AWS::Logs::SubscriptionFilter',
    () => ({}),
    'I7',
    'no-log-outlets',
  ),
  [
    'a log without a key',
    SIGNING,
    (r) => void delete find(r, `${SIGNER}Logs`).Properties.KmsKeyId,
    'I7',
    'logs-are-kept',
  ],
  [
    'a log for ever',
    INTERNAL,
    (r) => void delete find(r, 'workerLogs').Properties.RetentionInDays,
    'I7',
    'logs-are-kept',
  ],
  [
    'an audit that goes with its stack',
    SIGNING,
    (r) => {
      find(r, `${SIGNER}Logs`).DeletionPolicy = 'Delete';
    },
    'I7',
    'logs-are-kept',
  ],
  [
    'a log that Lambda filters by level',
    SIGNING,
    (r) => {
      Object.assign(find(r, `${SIGNER}Function`).Properties.LoggingConfig as Changeable, {
        ...{ LogFormat: 'JSON', ApplicationLogLevel: 'FATAL' },
      });
    },
    'I7',
    'logs-are-kept',
  ],
  [
    'a log that Lambda makes',
    ADMIN,
    (r) => void delete find(r, 'rotationFunction').Properties.LoggingConfig,
    'I7',
    'logs-are-kept',
  ],
  sets(
    'whole requests in the log',
    PUBLIC,
    ['ApiDeploymentStage', ''],
    { MethodSettings: [{ DataTraceEnabled: true, HttpMethod: '*', ResourcePath: '/*' }] },
    'I7',
    'logs-hold-no-tokens',
  ),
  [
    'claims in the access log',
    PUBLIC,
    (r) => {
      (find(r, 'ApiDeploymentStage').Properties.AccessLogSetting as Changeable).Format =
        '{"who":"$context.authorizer.claims.sub"}';
    },
    'I7',
    'logs-hold-no-tokens',
  ],
  [
    'whole events in the log',
    INTERNAL,
    (r) => {
      (
        find(r, 'workerFunction').Properties.Environment as { Variables: Changeable }
      ).Variables.POWERTOOLS_LOGGER_LOG_EVENT = 'true';
    },
    'I7',
    'logs-hold-no-tokens',
  ],
  sets(
    'a route without authorization',
    PUBLIC,
    ['ApisummariesidGET2', ''],
    { AuthorizationType: 'NONE' },
    'I8',
    'routes-are-authorized',
  ),
  sets(
    'a route that is not declared',
    PUBLIC,
    ['ApisummariesidGET2', ''],
    { HttpMethod: 'DELETE' },
    'I8',
    'routes-are-authorized',
  ),
  adds(
    'a cached authorizer',
    PUBLIC,
    'AWS::ApiGateway::Authorizer',
    () => ({ AuthorizerResultTtlInSeconds: 300 }),
    'I8',
    'routes-are-authorized',
  ),
  sets(
    'a route to another zone',
    PUBLIC,
    ['ApisummariesidGET2', ''],
    {
      Integration: {
        Type: 'AWS_PROXY',
        Uri: `arn:aws:apigateway:eu-north-1:lambda:path/2015-03-31/functions/${signer('internal')}/invocations`,
      },
    },
    'I2',
    'entries-are-own',
  ),
  sets(
    'a streamed route to another zone',
    PUBLIC,
    ['ApisummariesidGET2', ''],
    {
      Integration: {
        Type: 'AWS_PROXY',
        ResponseTransferMode: 'STREAM',
        Uri: `arn:aws:apigateway:eu-north-1:lambda:path/2021-11-15/functions/${signer('internal')}/response-streaming-invocations`,
      },
    },
    'I2',
    'entries-are-own',
  ),
  sets(
    'a queue without a key',
    INTERNAL,
    ['EventsD', ''],
    { KmsMasterKeyId: undefined },
    'I8',
    'data-is-encrypted',
  ),
  sets(
    'a table under AWS’s key',
    PUBLIC,
    ['Tablesessions', ''],
    { SSESpecification: { SSEEnabled: false } },
    'I8',
    'data-is-encrypted',
  ),
  sets(
    'a stream of a table',
    INTERNAL,
    ['Tableidempotency', ''],
    { StreamSpecification: { StreamViewType: 'NEW_IMAGE' } },
    'I8',
    'data-is-encrypted',
  ),
  adds('a table in every region', PUBLIC, 'AWS::DynamoDB::GlobalTable', () => ({}), 'I8', 'no-data-outlets'),
  [
    'a queue for everybody',
    INTERNAL,
    (r) => allow(find(r, 'EventsPolicy'), 'sqs:SendMessage', '*', { Principal: '*' }),
    'I2',
    'outsiders-are-not-admitted',
  ],
  [
    'a queue for any rule',
    INTERNAL,
    (r) => void delete statementOf(find(r, 'EventsPolicy'), 1).Condition,
    'I2',
    'outsiders-are-not-admitted',
  ],
  adds(
    'a bus for another account',
    INTERNAL,
    'AWS::Events::EventBusPolicy',
    () => ({
      StatementId: 'x',
      EventBusName: 'journal-internal',
      Action: 'events:PutEvents',
      Principal: '111122223333',
    }),
    'I2',
    'no-function-doors',
  ),
  adds(
    'a rule for another zone’s function',
    INTERNAL,
    'AWS::Events::Rule',
    () => ({
      EventPattern: {},
      Targets: [{ Id: 'x', Arn: arn('lambda', 'function:journal-public-summary') }],
    }),
    'I2',
    'entries-are-own',
  ),
  adds(
    'a rule for a signer',
    ADMIN,
    'AWS::Events::Rule',
    () => ({ ScheduleExpression: 'rate(1 day)', Targets: [{ Id: 'x', Arn: signer('admin') }] }),
    'I2',
    'entries-are-own',
  ),
  adds(
    'a mapping for another zone’s function',
    INTERNAL,
    'AWS::Lambda::EventSourceMapping',
    () => ({ EventSourceArn: arn('sqs', 'journal-internal-events'), FunctionName: signer('internal') }),
    'I2',
    'entries-are-own',
  ),
  sets(
    'a rotation by another function',
    ADMIN,
    ['RotationOfjournal', 'RotationSchedule'],
    { RotationLambdaARN: arn('lambda', 'function:journal-admin-key-watch') },
    'I2',
    'entries-are-own',
  ),
  sets(
    'a PEM in an environment',
    PUBLIC,
    ['summaryFunction', ''],
    { Environment: { Variables: { KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }) } } },
    'I6',
    'no-key-material',
  ),
  adds(
    'a JWK in a parameter',
    ADMIN,
    'AWS::SSM::Parameter',
    () => ({ Value: JSON.stringify(privateKey.export({ format: 'jwk' })) }),
    'I6',
    'no-key-material',
  ),
  adds(
    'a secret with a key in it',
    GATEWAY,
    'AWS::SecretsManager::Secret',
    () => ({ SecretString: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64') }),
    'I6',
    'no-key-material',
  ),
];

/** A change to a file of a function's asset, and what finds it. */
type AssetMutation = readonly [
  name: string,
  functionName: string,
  file: string,
  change: (text: string) => string,
  invariant: Invariant,
  rule: string,
];

const KEY_POLICY = 'key-policy.json';
const ROTATION = 'journal-admin-rotation';

/** A change to the policy that rotation gives the keys it makes. */
function keyPolicy(
  name: string,
  change: (statements: Changeable[]) => void,
  invariant: Invariant,
  rule: string,
): AssetMutation {
  const edit = (text: string) => {
    const policies = JSON.parse(text) as Record<string, { Statement: Changeable[] }>;
    for (const { Statement } of Object.values(policies)) change(Statement);
    return JSON.stringify(policies);
  };
  return [name, ROTATION, KEY_POLICY, edit, invariant, rule];
}

const signing = (statements: Changeable[]) => statements.find(({ Sid }) => Sid === 'Sign') ?? {};

const CONTENTS: readonly AssetMutation[] = [
  [
    'a wider grant',
    'journal-signer-journal-public',
    'grant.json',
    (text) => text.replace('"GET"', '"DELETE"'),
    'I3',
    'signers-are-declared',
  ],
  [
    'another client’s grant',
    'journal-signer-journal-internal',
    'grant.json',
    (text) => text.replace('"client": "journal"', '"client": "other"'),
    'I3',
    'signers-are-declared',
  ],
  [
    'another signer’s code',
    'journal-signer-journal-public',
    'index.mjs',
    (text) => `${text};`,
    'I3',
    'signers-are-declared',
  ],
  [
    'a file beside a signer',
    'journal-signer-journal-public',
    'more.mjs',
    () => '',
    'I3',
    'signers-are-declared',
  ],
  [
    'other APIs for a zone',
    'journal-public-summary',
    'config.json',
    (text) => text.replace('summaries.example.no', 'elsewhere.example.no'),
    'I3',
    'zone-functions-are-declared',
  ],
  [
    'KMS Sign in a zone',
    'journal-internal-worker',
    'index.mjs',
    (text) => `${text};f("TrentService.Sign")`,
    'I6',
    'only-signers-can-sign',
  ],
  [
    'the SDK’s Sign in the admin zone',
    ROTATION,
    'index.mjs',
    (text) => `${text};new SignCommand({})`,
    'I6',
    'only-signers-can-sign',
  ],
  [
    'a key in code',
    'journal-public-login',
    'index.mjs',
    (text) => `${text};"${privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64')}"`,
    'I6',
    'no-key-material',
  ],
  [
    'a key in a configuration',
    'journal-internal-worker',
    'config.json',
    (text) => text.replace('{', `{"k":${JSON.stringify(privateKey.export({ format: 'jwk' }))},`),
    'I6',
    'no-key-material',
  ],
  keyPolicy(
    'keys for the whole account',
    (all) =>
      void all.push({
        Effect: 'Allow',
        Principal: { AWS: 'arn:aws:iam::${Account}:root' },
        Action: 'kms:*',
        Resource: '*',
      }),
    'I1',
    'keys-do-not-delegate',
  ),
  keyPolicy(
    'grants by the account',
    (all) => Object.assign(all[0] ?? {}, { Action: ['kms:DescribeKey', 'kms:CreateGrant'] }),
    'I1',
    'keys-do-not-delegate',
  ),
  keyPolicy(
    'keys for another account',
    (all) =>
      void all.push({
        Effect: 'Allow',
        Principal: { AWS: 'arn:aws:iam::999999999999:root' },
        Action: 'kms:Sign',
        Resource: '*',
      }),
    'I1',
    'keys-do-not-delegate',
  ),
  keyPolicy(
    'keys for every role of the system',
    (all) =>
      void Object.assign(signing(all).Condition as Changeable, {
        ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::${Account}:role/journal-*' },
      }),
    'I1',
    'sign-is-for-signers',
  ),
  keyPolicy(
    'keys for a zone’s role',
    (all) =>
      void all.push({
        Effect: 'Allow',
        Principal: { AWS: role('journal-public-summary') },
        Action: 'kms:Sign',
        Resource: '*',
      }),
    'I1',
    'sign-is-for-signers',
  ),
  ...(['kms:MessageType', 'aws:SourceVpc', 'kms:SigningAlgorithm'] as const).map((key) =>
    keyPolicy(
      `keys that do not bind ${key}`,
      (all) => dropCondition(signing(all), 'StringEquals', key),
      'I5',
      'signing-is-bound',
    ),
  ),
];

const MUTATIONS = [...PERMISSIONS, ...BOUNDARIES, ...ENDPOINTS, ...NETWORKS, ...TEMPLATES];

const foundAfter = proveInRounds(shipped, system, MUTATIONS);

describe('mutations of the shipped system', () => {
  it('has no finding before them', () => {
    expect(findings(shipped, system)).toEqual([]);
  });

  it.each(MUTATIONS.map((mutation) => ({ mutation, name: mutation[0], stack: mutation[1] })))(
    '$name ($stack)',
    ({ mutation }) => {
      const [, , , invariant, rule] = mutation;
      expect(foundAfter(mutation)).toContainEqual(expect.objectContaining({ rule, invariant }));
    },
  );

  it('a policy that another stack puts on a role', () => {
    const policy = {
      Type: 'AWS::IAM::Policy',
      Properties: {
        PolicyName: 'more',
        Roles: ['journal-signer-journal-internal'],
        PolicyDocument: { Statement: [{ Effect: 'Allow', Action: 'kms:PutKeyPolicy', Resource: '*' }] },
      },
    };
    const found = findings(
      withTemplate(shipped, PUBLIC, (resources) => Object.assign(resources, { policy })),
      system,
    );
    expect(found).toContainEqual(
      expect.objectContaining({ rule: 'keys-are-not-captured', invariant: 'I1', stack: SIGNING }),
    );
  });

  it.each(CONTENTS)('%s (%s)', (_name, functionName, file, change, invariant, rule) => {
    const found = findings(withAsset(shipped, functionName, file, change, folders), system);
    expect(found).toContainEqual(expect.objectContaining({ rule, invariant }));
  });

  it('are at least 80, in every stack', () => {
    expect(MUTATIONS.length + CONTENTS.length).toBeGreaterThanOrEqual(80);
    expect(new Set(MUTATIONS.map(([, stack]) => stack))).toEqual(
      new Set(shipped.stacks.map(({ name }) => name)),
    );
  });
});
