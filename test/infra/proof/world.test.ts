import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveAssembly } from '../../../infra/proof/assembly/resolve.ts';
import { decide } from '../../../infra/proof/policy/decide.ts';
import type { Context } from '../../../infra/proof/policy/facts.ts';
import { type Principal, rolePrincipal } from '../../../infra/proof/policy/principal.ts';
import { describeCondition } from '../../../infra/proof/policy/words.ts';
import { buildWorld } from '../../../infra/proof/policy/world/build.ts';
import { virtualKeyArn } from '../../../infra/proof/policy/world/virtual-keys.ts';
import type { World } from '../../../infra/proof/policy/world/world.ts';
import { authorize } from '../../../local/aws/evaluate.ts';
import { newFolder } from '../../temporary.ts';

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

const role = (more: object = {}) => ({
  Type: 'AWS::IAM::Role',
  Properties: { RoleName: 'worker', AssumeRolePolicyDocument: document(), ...more },
});
const worker = rolePrincipal(ROLE, 's');
const service = (name: string): Principal => ({ kind: 'service', service: `${name}.amazonaws.com` });
const may = (
  world: World,
  action: string,
  resource: string,
  { principal = worker, context = {} }: { principal?: Principal; context?: Context } = {},
) => authorize({ principal, action, resource, context }, world).allowed;

describe('identity policies', () => {
  const PolicyDocument = document(allow('sqs:SendMessage'));
  it.each<[string, Record<string, { Type: string; Properties?: unknown }>]>([
    ['inline', { Role: role({ Policies: [{ PolicyName: 'p', PolicyDocument }] }) }],
    [
      'AWS::IAM::Policy',
      {
        Role: role(),
        P: {
          Type: 'AWS::IAM::Policy',
          Properties: { PolicyName: 'p', Roles: [{ Ref: 'Role' }], PolicyDocument },
        },
      },
    ],
    [
      'AWS::IAM::RolePolicy',
      {
        Role: role(),
        P: {
          Type: 'AWS::IAM::RolePolicy',
          Properties: { PolicyName: 'p', RoleName: 'worker', PolicyDocument },
        },
      },
    ],
    [
      'a managed policy that names the role',
      {
        Role: role(),
        P: { Type: 'AWS::IAM::ManagedPolicy', Properties: { Roles: ['worker'], PolicyDocument } },
      },
    ],
    [
      'a managed policy that the role names',
      {
        Role: role({ ManagedPolicyArns: [{ Ref: 'P' }] }),
        P: { Type: 'AWS::IAM::ManagedPolicy', Properties: { PolicyDocument } },
      },
    ],
    [
      'an AWS managed policy',
      { Role: role({ ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess'] }) },
    ],
  ])('%s', (_name, resources) => {
    const world = worldOf(resources);
    expect(may(world, 'sqs:SendMessage', at('sqs', 'q'))).toBe(true);
    expect(world.roles.get(ROLE)?.constructPath).toBe('app/Role');
  });

  it('an AWS managed policy that is not known perhaps allows everything', () => {
    const world = worldOf({ Role: role({ ManagedPolicyArns: ['arn:aws:iam::aws:policy/Mystery'] }) });
    const question = { principal: worker, action: 'kms:CreateKey', resource: '*' };
    expect(decide(question, world).verdict).toBe('when');
    expect(may(world, 'kms:CreateKey', '*')).toBe(false);
  });

  it('a policy whose existence the deploy decides perhaps allows', () => {
    const policy = {
      Type: 'AWS::IAM::Policy',
      Properties: { Roles: ['worker'], PolicyDocument },
      Condition: 'Open',
    };
    const world = worldOf({ Role: role(), P: policy });
    const verdict = decide({ principal: worker, action: 'sqs:SendMessage', resource: at('sqs', 'q') }, world);
    expect(verdict.verdict === 'when' ? describeCondition(verdict.condition) : verdict.verdict).toMatch(
      /^it is unknown what comes of whether policy .* exists$/,
    );
    expect(may(world, 'sqs:SendMessage', at('sqs', 'q'))).toBe(false);
  });

  it('a permissions boundary limits', () => {
    const boundary = {
      Type: 'AWS::IAM::ManagedPolicy',
      Properties: { PolicyDocument: document(allow('s3:*')) },
    };
    const world = worldOf({
      Role: role({ Policies: [{ PolicyName: 'p', PolicyDocument }], PermissionsBoundary: { Ref: 'B' } }),
      B: boundary,
    });
    expect(may(world, 'sqs:SendMessage', at('sqs', 'q'))).toBe(false);
  });
});

const ofService = (world: World, service: string) =>
  [...world.resources.keys()].find((arn) => arn.split(':')[2] === service) ?? '';

describe('resource policies', () => {
  const toRole = (action: string) => document(allow(action, { Principal: { AWS: ROLE } }));
  it.each<[string, Record<string, { Type: string; Properties?: unknown }>, string, string]>([
    [
      'of a queue',
      {
        Q: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'q' } },
        P: {
          Type: 'AWS::SQS::QueuePolicy',
          Properties: { Queues: [{ Ref: 'Q' }], PolicyDocument: toRole('sqs:*') },
        },
      },
      'sqs:SendMessage',
      at('sqs', 'q'),
    ],
    [
      'of a topic',
      {
        T: { Type: 'AWS::SNS::Topic', Properties: { TopicName: 't' } },
        P: {
          Type: 'AWS::SNS::TopicPolicy',
          Properties: { Topics: [{ Ref: 'T' }], PolicyDocument: toRole('sns:*') },
        },
      },
      'sns:Publish',
      at('sns', 't'),
    ],
    [
      'of a bucket, for its objects',
      {
        B: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'b' } },
        P: {
          Type: 'AWS::S3::BucketPolicy',
          Properties: { Bucket: { Ref: 'B' }, PolicyDocument: toRole('s3:*') },
        },
      },
      's3:GetObject',
      'arn:aws:s3:::b/x/y',
    ],
    [
      'of a table',
      {
        T: {
          Type: 'AWS::DynamoDB::Table',
          Properties: { TableName: 't', ResourcePolicy: { PolicyDocument: toRole('dynamodb:*') } },
        },
      },
      'dynamodb:Query',
      at('dynamodb', 'table/t/index/i'),
    ],
    [
      'of a bus',
      {
        B: { Type: 'AWS::Events::EventBus', Properties: { Name: 'b' } },
        P: {
          Type: 'AWS::Events::EventBusPolicy',
          Properties: {
            EventBusName: { Ref: 'B' },
            StatementId: 's',
            Statement: allow('events:PutEvents', { Principal: { AWS: ROLE } }),
          },
        },
      },
      'events:PutEvents',
      at('events', 'event-bus/b'),
    ],
    [
      'of a function',
      {
        F: { Type: 'AWS::Lambda::Function', Properties: { FunctionName: 'f', Role: ROLE } },
        P: {
          Type: 'AWS::Lambda::Permission',
          Properties: { FunctionName: { Ref: 'F' }, Action: 'lambda:InvokeFunction', Principal: ROLE },
        },
      },
      'lambda:InvokeFunction',
      at('lambda', 'function:f'),
    ],
  ])('%s', (_name, resources, action, resource) => {
    const world = worldOf({ Role: role(), ...resources });
    expect(may(world, action, resource)).toBe(true);
    expect(may(world, action, resource, { principal: rolePrincipal(`${ROLE}2`, 's') })).toBe(false);
  });

  it('of a bus in the older form, one property an element, is not read: perhaps it allows', () => {
    const policy = { EventBusName: 'b', StatementId: 's', Action: 'events:PutEvents', Principal: '*' };
    const condition = { Type: 'StringEquals', Key: 'aws:PrincipalOrgID', Value: 'o-1' };
    const world = worldOf({
      Role: role(),
      B: { Type: 'AWS::Events::EventBus', Properties: { Name: 'b' } },
      P: { Type: 'AWS::Events::EventBusPolicy', Properties: { ...policy, Condition: condition } },
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
      S: { Type: 'AWS::SecretsManager::Secret', Properties: { Name: 's' } },
      P: {
        Type: 'AWS::SecretsManager::ResourcePolicy',
        Properties: { SecretId: { Ref: 'S' }, ResourcePolicy: toRole('secretsmanager:*') },
      },
    });
    const secret = ofService(world, 'secretsmanager');
    expect(may(world, 'secretsmanager:GetSecretValue', secret)).toBe(true);
  });

  it('of a key, which delegates or does not', () => {
    const key = (principal: unknown) =>
      worldOf({
        Role: role({ Policies: [{ PolicyName: 'p', PolicyDocument: document(allow('kms:*')) }] }),
        K: {
          Type: 'AWS::KMS::Key',
          Properties: { KeyPolicy: document(allow('kms:*', { Principal: principal })) },
        },
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

describe('permissions of a function', () => {
  const functions = (permission: object) =>
    worldOf({
      F: { Type: 'AWS::Lambda::Function', Properties: { FunctionName: 'f', Role: ROLE } },
      P: {
        Type: 'AWS::Lambda::Permission',
        Properties: {
          FunctionName: { 'Fn::GetAtt': ['F', 'Arn'] },
          Action: 'lambda:InvokeFunction',
          ...permission,
        },
      },
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
    const world = worldOf({
      V: { Type: 'AWS::EC2::VPC' },
      E: {
        Type: 'AWS::EC2::VPCEndpoint',
        Properties: {
          VpcId: { Ref: 'V' },
          ServiceName: { 'Fn::Sub': 'com.amazonaws.${AWS::Region}.kms' },
          VpcEndpointType: 'Interface',
        },
      },
    });
    const [endpoint] = world.endpoints.values();
    expect(endpoint).toMatchObject({
      service: 'kms',
      kind: 'Interface',
      policy: undefined,
      vpc: expect.stringMatching(/^vpc-0/),
    });
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
        F: {
          Type: 'AWS::Lambda::Function',
          Properties: {
            FunctionName: 'rotation',
            Role: ROLE,
            Code: { S3Bucket: 'b', S3Key: 'k.zip' },
            Environment: { Variables: { SIGNING_VPC: 'vpc-0a' } },
          },
        },
      },
      new Map([['k.zip', directory]]),
    );
    const key = virtualKeyArn('journal', ACCOUNT, REGION);
    expect(may(world, 'kms:Sign', key, { context: { 'aws:SourceVpc': 'vpc-0a' } })).toBe(true);
    expect(may(world, 'kms:Sign', key, { context: { 'aws:SourceVpc': 'vpc-0b' } })).toBe(false);
  });
});
