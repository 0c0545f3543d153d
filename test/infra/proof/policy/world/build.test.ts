import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveAssembly } from '../../../../../infra/proof/assembly/resolve.ts';
import { decide } from '../../../../../infra/proof/policy/decide.ts';
import { type Principal, rolePrincipal } from '../../../../../infra/proof/policy/principal.ts';
import type { Context } from '../../../../../infra/proof/policy/request.ts';
import { describeCondition } from '../../../../../infra/proof/policy/words.ts';
import { buildWorld } from '../../../../../infra/proof/policy/world/build.ts';
import { virtualKeyArn } from '../../../../../infra/proof/policy/world/virtual-keys.ts';
import type { World } from '../../../../../infra/proof/policy/world/world.ts';
import { decideRequest } from '../../../../../local/aws/decide-request.ts';
import { newFolder } from '../../../../temporary.ts';

const ACCOUNT = '000000000000';
const REGION = 'eu-north-1';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/worker`;
const at = (service: string, rest: string) => `arn:aws:${service}:${REGION}:${ACCOUNT}:${rest}`;
const document = (...Statement: unknown[]) => ({ Version: '2012-10-17', Statement });
const allow = (Action: string, more: object = {}) => ({ Effect: 'Allow', Action, Resource: '*', ...more });

function worldOf(
  Resources: Record<string, { Type: string; Properties?: unknown; Condition?: string }>,
  assets: ReadonlyMap<string, string> = new Map(),
): World {
  const Conditions = { Open: { 'Fn::Equals': [{ Ref: 'Parameter' }, 'x'] } };
  const template = { Resources, Conditions };
  const stack = {
    name: 's',
    account: undefined,
    region: undefined,
    template,
    assets,
    constructPaths: new Map([['Role', 'app/Role']]),
  };
  return buildWorld(resolveAssembly({ stacks: [stack] }));
}

type Of = { Type: string; Properties: object };
const of = (type: string, Properties: object = {}): Of => ({ Type: `AWS::${type}`, Properties });
const role = (more: object = {}) =>
  of('IAM::Role', { RoleName: 'worker', AssumeRolePolicyDocument: document(), ...more });
const worker = rolePrincipal(ROLE, 's');
const service = (name: string): Principal => ({ kind: 'service', service: `${name}.amazonaws.com` });
const may = (
  world: World,
  action: string,
  resource: string,
  { principal = worker, context = {} }: { principal?: Principal; context?: Context } = {},
) => decideRequest({ principal, action, resource, context }, world).allowed;

describe('identity policies', () => {
  const PolicyDocument = document(allow('sqs:SendMessage'));
  const managed = (arn: unknown) => ({ ManagedPolicyArns: [arn] });
  const P = { PolicyName: 'p', PolicyDocument };
  it.each<[string, object, Of?]>([
    ['inline', { Policies: [P] }],
    ['AWS::IAM::Policy', {}, of('IAM::Policy', { ...P, Roles: [{ Ref: 'Role' }] })],
    ['AWS::IAM::RolePolicy', {}, of('IAM::RolePolicy', { ...P, RoleName: 'worker' })],
    ['a managed policy that names the role', {}, of('IAM::ManagedPolicy', { ...P, Roles: ['worker'] })],
    ['a managed policy that the role names', managed({ Ref: 'P' }), of('IAM::ManagedPolicy', P)],
    ['an AWS managed policy', managed('arn:aws:iam::aws:policy/AdministratorAccess')],
  ])('%s', (_name, of, P) => {
    const world = worldOf({ Role: role(of), ...(P && { P }) });
    expect(may(world, 'sqs:SendMessage', at('sqs', 'q'))).toBe(true);
    expect(world.roles.get(ROLE)?.constructPath).toBe('app/Role');
  });

  it('an AWS managed policy that is not known perhaps allows everything', () => {
    const world = worldOf({ Role: role(managed('arn:aws:iam::aws:policy/Mystery')) });
    const question = { principal: worker, action: 'kms:CreateKey', resource: '*' };
    expect(decide(question, world).verdict).toBe('when');
    expect(may(world, 'kms:CreateKey', '*')).toBe(false);
  });

  it('a policy whose existence the deploy decides perhaps allows', () => {
    const policy = { ...of('IAM::Policy', { Roles: ['worker'], PolicyDocument }), Condition: 'Open' };
    const world = worldOf({ Role: role(), P: policy });
    const verdict = decide({ principal: worker, action: 'sqs:SendMessage', resource: at('sqs', 'q') }, world);
    expect(verdict.verdict === 'when' ? describeCondition(verdict.condition) : verdict.verdict).toMatch(
      /^it is unknown what comes of whether policy .* exists$/,
    );
    expect(may(world, 'sqs:SendMessage', at('sqs', 'q'))).toBe(false);
  });

  it('a permissions boundary limits', () => {
    const B = of('IAM::ManagedPolicy', { PolicyDocument: document(allow('s3:*')) });
    const world = worldOf({ Role: role({ Policies: [P], PermissionsBoundary: { Ref: 'B' } }), B });
    expect(may(world, 'sqs:SendMessage', at('sqs', 'q'))).toBe(false);
  });
});

const ofService = (world: World, service: string) =>
  [...world.resources.keys()].find((arn) => arn.split(':')[2] === service) ?? '';

describe('resource policies', () => {
  const toRole = (action: string) => document(allow(action, { Principal: { AWS: ROLE } }));
  const It = { Ref: 'It' };
  const names = (list: string, action: string) => ({ [list]: [It], PolicyDocument: toRole(action) });
  const Statement = allow('events:PutEvents', { Principal: { AWS: ROLE } });
  const BUCKET = { Bucket: It, PolicyDocument: toRole('s3:*') };
  const INVOKED = { FunctionName: It, Action: 'lambda:InvokeFunction', Principal: ROLE };
  const TABLE = { TableName: 't', ResourcePolicy: { PolicyDocument: toRole('dynamodb:*') } };
  const POLICIES: [name: string, action: string, resource: string, It: Of, Policy?: Of][] = [
    [
      ...(['of a queue', 'sqs:SendMessage', at('sqs', 'q')] as const),
      ...([of('SQS::Queue', { QueueName: 'q' }), of('SQS::QueuePolicy', names('Queues', 'sqs:*'))] as const),
    ],
    [
      ...(['of a topic', 'sns:Publish', at('sns', 't')] as const),
      ...([of('SNS::Topic', { TopicName: 't' }), of('SNS::TopicPolicy', names('Topics', 'sns:*'))] as const),
    ],
    [
      ...(['of a bucket, for its objects', 's3:GetObject', 'arn:aws:s3:::b/x/y'] as const),
      ...([of('S3::Bucket', { BucketName: 'b' }), of('S3::BucketPolicy', BUCKET)] as const),
    ],
    ['of a table', 'dynamodb:Query', at('dynamodb', 'table/t/index/i'), of('DynamoDB::Table', TABLE)],
    [
      ...(['of a bus', 'events:PutEvents', at('events', 'event-bus/b')] as const),
      of('Events::EventBus', { Name: 'b' }),
      of('Events::EventBusPolicy', { EventBusName: It, StatementId: 's', Statement }),
    ],
    [
      ...(['of a function', 'lambda:InvokeFunction', at('lambda', 'function:f')] as const),
      ...([
        of('Lambda::Function', { FunctionName: 'f', Role: ROLE }),
        of('Lambda::Permission', INVOKED),
      ] as const),
    ],
  ];
  it.each(POLICIES)('%s', (_name, action, resource, It, Policy) => {
    const world = worldOf({ Role: role(), It, ...(Policy && { Policy }) });
    expect(may(world, action, resource)).toBe(true);
    expect(may(world, action, resource, { principal: rolePrincipal(`${ROLE}2`, 's') })).toBe(false);
  });

  it('of a bus in the older form, one property an element, is not read: perhaps it allows', () => {
    const policy = { EventBusName: 'b', StatementId: 's', Action: 'events:PutEvents', Principal: '*' };
    const condition = { Type: 'StringEquals', Key: 'aws:PrincipalOrgID', Value: 'o-1' };
    const world = worldOf({
      Role: role(),
      B: of('Events::EventBus', { Name: 'b' }),
      P: of('Events::EventBusPolicy', { ...policy, Condition: condition }),
    });
    const put = (context: Context) =>
      may(world, 'events:PutEvents', at('events', 'event-bus/b'), { context });
    expect(put({ 'aws:PrincipalOrgID': 'o-1' })).toBe(false);
    const question = { principal: rolePrincipal(ROLE), action: 'events:PutEvents' };
    expect(decide({ ...question, resource: at('events', 'event-bus/b') }, world).verdict).toBe('when');
  });

  it('of a secret', () => {
    const world = worldOf({
      Role: role(),
      It: of('SecretsManager::Secret', { Name: 's' }),
      P: of('SecretsManager::ResourcePolicy', { SecretId: It, ResourcePolicy: toRole('secretsmanager:*') }),
    });
    const secret = ofService(world, 'secretsmanager');
    expect(may(world, 'secretsmanager:GetSecretValue', secret)).toBe(true);
  });

  it('of a key, which delegates or does not', () => {
    const key = (principal: unknown) =>
      worldOf({
        Role: role({ Policies: [{ PolicyName: 'p', PolicyDocument: document(allow('kms:*')) }] }),
        K: of('KMS::Key', { KeyPolicy: document(allow('kms:*', { Principal: principal })) }),
      });
    for (const [principal, allowed] of [
      [{ AWS: { 'Fn::Sub': 'arn:aws:iam::${AWS::AccountId}:root' } }, true],
      [{ AWS: `${ROLE}2` }, false],
    ] as const) {
      const world = key(principal);
      const arn = ofService(world, 'kms');
      expect(may(world, 'kms:Sign', arn)).toBe(allowed);
    }
  });
});

it.each([
  ['queue', 'SQS::Queue', { QueueName: 'q' }, 'Queues', at('sqs', 'q'), 'sqs:SendMessage'],
  ['topic', 'SNS::Topic', { TopicName: 'q' }, 'Topics', at('sns', 'q'), 'sns:Publish'],
  ['bucket', 'S3::Bucket', { BucketName: 'q' }, 'Bucket', 'arn:aws:s3:::q', 's3:GetObject'],
])('of two policies of one %s either may be the one', (_, type, properties, target, resource, action) => {
  const named = type === 'S3::Bucket' ? 'q' : [resource];
  const put = (Effect: string) =>
    of(`${type}Policy`, {
      [target]: named,
      PolicyDocument: document({ ...allow(action, { Principal: { AWS: ROLE } }), Effect }),
    });
  const given = { Role: role(), It: of(type, properties), A: put('Allow'), B: put('Deny') };
  const asked = { principal: worker, action, resource };
  expect(decide(asked, worldOf(given)).verdict).not.toBe('never');
  const { A, ...alone } = given;
  expect(decide(asked, worldOf(alone)).verdict).toBe('never');
  const { B, ...open } = given;
  expect(decide(asked, worldOf(open)).verdict).toBe('always');
});

describe('permissions of a function', () => {
  const functions = (permission: object) =>
    worldOf({
      F: of('Lambda::Function', { FunctionName: 'f', Role: ROLE }),
      P: of('Lambda::Permission', {
        FunctionName: { 'Fn::GetAtt': ['F', 'Arn'] },
        Action: 'lambda:InvokeFunction',
        ...permission,
      }),
    });
  const invoke = (world: World, context: Context, resource = at('lambda', 'function:f')) =>
    may(world, 'lambda:InvokeFunction', resource, { principal: service('secretsmanager'), context });

  it('hold for the source they name', () => {
    const world = functions({
      Principal: 'secretsmanager.amazonaws.com',
      SourceAccount: ACCOUNT,
      SourceArn: at('secretsmanager', 'secret:*'),
    });
    const right = { 'aws:SourceAccount': ACCOUNT, 'aws:SourceArn': at('secretsmanager', 'secret:s-abcdef') };
    expect(invoke(world, right)).toBe(true);
    expect(invoke(world, { ...right, 'aws:SourceAccount': '111122223333' })).toBe(false);
    expect(invoke(world, { 'aws:SourceAccount': ACCOUNT })).toBe(false);
  });
  it('cover the unqualified function, not its versions', () => {
    const world = functions({ Principal: 'secretsmanager.amazonaws.com' });
    expect(invoke(world, {})).toBe(true);
    expect(invoke(world, {}, at('lambda', 'function:f:7'))).toBe(false);
  });
});

describe('endpoints', () => {
  it('have their service, VPC, policy and place', () => {
    const ServiceName = { 'Fn::Sub': 'com.amazonaws.${AWS::Region}.kms' };
    const E = of('EC2::VPCEndpoint', { VpcId: { Ref: 'V' }, ServiceName, VpcEndpointType: 'Interface' });
    const [endpoint] = worldOf({ V: of('EC2::VPC'), E }).endpoints.values();
    const vpc = expect.stringMatching(/^vpc-0/);
    expect(endpoint).toMatchObject({ service: 'kms', kind: 'Interface', policy: undefined, vpc });
  });
});

describe('keys that rotation makes', () => {
  const directory = newFolder();

  it('are there as one key a client, with the policy of the asset', () => {
    const sign = allow('kms:Sign', {
      Principal: '*',
      Condition: { StringEquals: { 'aws:SourceVpc': '${SigningVpc}', 'kms:CallerAccount': '${Account}' } },
    });
    writeFileSync(join(directory, 'key-policy.json'), JSON.stringify({ journal: document(sign) }));
    const world = worldOf(
      {
        Role: role(),
        F: of('Lambda::Function', {
          FunctionName: 'rotation',
          Role: ROLE,
          Code: { S3Bucket: 'b', S3Key: 'k.zip' },
          Environment: { Variables: { SIGNING_VPC: 'vpc-0a' } },
        }),
      },
      new Map([['k.zip', directory]]),
    );
    const key = virtualKeyArn('journal', ACCOUNT, REGION);
    expect(may(world, 'kms:Sign', key, { context: { 'aws:SourceVpc': 'vpc-0a' } })).toBe(true);
    expect(may(world, 'kms:Sign', key, { context: { 'aws:SourceVpc': 'vpc-0b' } })).toBe(false);
  });
});
