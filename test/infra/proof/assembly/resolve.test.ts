import { describe, expect, it } from 'vitest';
import { integratedFunction, pathsOf } from '../../../../infra/proof/assembly/apis.ts';
import type { JsonObject } from '../../../../infra/proof/assembly/json.ts';
import type { AssemblyStack } from '../../../../infra/proof/assembly/read-assembly.ts';
import { resolveAssembly, resourceByArn } from '../../../../infra/proof/assembly/resolve.ts';
import { UNKNOWN, unknownValue } from '../../../../infra/proof/assembly/unknown.ts';

function stack(name: string, template: JsonObject, region?: string): AssemblyStack {
  return { name, account: undefined, region, template, assets: new Map(), constructPaths: new Map() };
}

/** What the property `value` of a bucket in stack `a`, beside the resources below, resolves to. */
function resolve(value: unknown, template: JsonObject = {}, region?: string): unknown {
  const resources = {
    Role: { Type: 'AWS::IAM::Role', Properties: { RoleName: 'journal-signer', Path: '/signing/' } },
    Key: { Type: 'AWS::KMS::Key' },
    Vpc: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.0.0.0/16' } },
    Endpoint: { Type: 'AWS::EC2::VPCEndpoint' },
    Secret: { Type: 'AWS::SecretsManager::Secret', Properties: { Name: 'journal/client/journal' } },
    Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: { 'Fn::Sub': '${AWS::StackName}-events' } } },
    Custom: { Type: 'Custom::Thing', Properties: { Value: 'x' } },
    Subject: { Type: 'AWS::S3::Bucket', Properties: { value } },
  };
  const other = stack('b', {
    Resources: { Q: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'q' } } },
    Outputs: {
      Out: { Value: { 'Fn::GetAtt': ['Q', 'Arn'] }, Export: { Name: { 'Fn::Sub': '${AWS::StackName}:q' } } },
    },
  });
  const stacks = [stack('a', { Resources: resources, ...template }, region), other];
  const resolved = resolveAssembly({ stacks });
  return resolved.resources.find(({ logicalId }) => logicalId === 'Subject')?.properties.value;
}

describe('intrinsics', () => {
  const roleArn = 'arn:aws:iam::000000000000:role/signing/journal-signer';
  it.each([
    ['Ref of a role is its name', { Ref: 'Role' }, 'journal-signer'],
    ['GetAtt of a role has its path', { 'Fn::GetAtt': ['Role', 'Arn'] }, roleArn],
    ['GetAtt as one string', { 'Fn::GetAtt': 'Role.Arn' }, roleArn],
    ['an import', { 'Fn::ImportValue': 'b:q' }, 'arn:aws:sqs:eu-north-1:000000000000:q'],
    ['an attribute that repeats a property', { 'Fn::GetAtt': ['Vpc', 'CidrBlock'] }, '10.0.0.0/16'],
    [
      'a name that is itself an intrinsic',
      { 'Fn::GetAtt': ['Queue', 'Arn'] },
      'arn:aws:sqs:eu-north-1:000000000000:a-events',
    ],
    [
      'pseudo parameters',
      { 'Fn::Join': [':', [{ Ref: 'AWS::Partition' }, { Ref: 'AWS::Region' }]] },
      'aws:eu-north-1',
    ],
    [
      'Sub with a resource, a variable and a literal',
      { 'Fn::Sub': ['${Role}-${x}-${!aws:userid}', { x: 1 }] },
      'journal-signer-1-${aws:userid}',
    ],
    ['Sub leaves a variable with the literal form only', { 'Fn::Sub': '${AWS::AccountId}' }, '000000000000'],
    [
      'Select of Split',
      { 'Fn::Select': [5, { 'Fn::Split': [':', { 'Fn::GetAtt': ['Role', 'Arn'] }] }] },
      'role/signing/journal-signer',
    ],
    [
      'GetStackOutput',
      { 'Fn::GetStackOutput': { StackName: 'b', OutputName: 'Out', Region: { Ref: 'AWS::Region' } } },
      'arn:aws:sqs:eu-north-1:000000000000:q',
    ],
    ['availability zones', { 'Fn::Select': [1, { 'Fn::GetAZs': '' }] }, 'eu-north-1b'],
    ['zones of a region', { 'Fn::GetAZs': 'eu-west-1' }, ['eu-west-1a', 'eu-west-1b', 'eu-west-1c']],
    ['Join of what is no text', { 'Fn::Join': ['-', ['a', 1, true]] }, 'a-1-true'],
    ['Sub with an attribute', { 'Fn::Sub': '${Role.Arn}' }, roleArn],
    ['Ref with a second member, which is none', { Ref: 'Role', x: 1 }, { Ref: 'Role', x: 1 }],
    ['NoValue in a list', [1, { Ref: 'AWS::NoValue' }], [1]],
    ['NoValue in an object', { a: { Ref: 'AWS::NoValue' }, b: 1 }, { b: 1 }],
  ])('%s', (_name, value, expected) => {
    expect(resolve(value)).toEqual(expected);
  });

  it.each([
    ['an endpoint', { Ref: 'Endpoint' }, /^vpce-0[0-9a-f]{16}$/],
    ['a VPC', { Ref: 'Vpc' }, /^vpc-0[0-9a-f]{16}$/],
    [
      'a stack',
      { Ref: 'AWS::StackId' },
      /^arn:aws:cloudformation:eu-north-1:000000000000:stack\/a\/[0-9a-f-]{36}$/,
    ],
    [
      'a key',
      { 'Fn::GetAtt': ['Key', 'Arn'] },
      /^arn:aws:kms:eu-north-1:000000000000:key\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    ],
    [
      'a secret',
      { Ref: 'Secret' },
      /^arn:aws:secretsmanager:eu-north-1:000000000000:secret:journal\/client\/journal-[0-9a-f]{6}$/,
    ],
  ])('%s gets a made-up value that is well formed and the same in every run', (_name, value, form) => {
    expect(resolve(value)).toMatch(form);
    expect(resolve(value)).toEqual(resolve(value));
  });

  it.each([
    ['a parameter, whatever its default', { Ref: 'P' }],
    ['an attribute of a custom resource', { 'Fn::GetAtt': ['Custom', 'Value'] }],
    ['an import of what no stack exports', { 'Fn::ImportValue': 'b:none' }],
    ['what no map says', { 'Fn::FindInMap': ['M', 'a', 'c'] }],
    ['what a map says of the region', { 'Fn::FindInMap': ['M', { Ref: 'AWS::Region' }, 'b'] }],
    ['what a map says, or else', { 'Fn::FindInMap': ['M', 'a', 'b', { DefaultValue: 'x' }] }],
    ['how long a list is', { 'Fn::Length': [1, 2] }],
    ['a function that is not known', { 'Fn::Transform': { Name: 'X' } }],
    ['a dynamic reference', 'x{{resolve:ssm:/name}}'],
    ['Split of an unknown text', { 'Fn::Select': [0, { 'Fn::Split': [':', { Ref: 'P' }] }] }],
    ['Split of a list', { 'Fn::Select': [0, { 'Fn::Split': [':', ['a:b']] }] }],
    ['Split by an object', { 'Fn::Select': [0, { 'Fn::Split': [{}, 'a'] }] }],
    ['Join of an object', { 'Fn::Join': ['', ['a', { b: 1 }]] }],
    ['Join of a text', { 'Fn::Join': ['', 'a'] }],
    ['Sub with a list', { 'Fn::Sub': ['${x}', { x: ['a'] }] }],
    ['an output of no stack', { 'Fn::GetStackOutput': { StackName: 'c', OutputName: 'Out' } }],
    [
      'an output by a role, which may be of another account',
      { 'Fn::GetStackOutput': { StackName: 'b', OutputName: 'Out', RoleArn: 'arn:aws:iam::1:role/x' } },
    ],
    [
      'an output in another region',
      { 'Fn::GetStackOutput': { StackName: 'b', OutputName: 'Out', Region: 'us-east-1' } },
    ],
    ['no output of a stack', { 'Fn::GetStackOutput': { StackName: 'b', OutputName: 'None' } }],
    ['If, whatever its condition', { 'Fn::If': ['OnParameter', 'x', 'y'] }],
  ])('%s stays unknown and equal to itself', (_name, value) => {
    const template = {
      Parameters: { P: { Type: 'String', Default: 'x' } },
      Mappings: { M: { a: { b: 'x' }, 'eu-north-1': { b: 'x' } } },
      Conditions: { OnParameter: { 'Fn::Equals': [{ Ref: 'P' }, 'x'] } },
    };
    const result = resolve(value, template);
    expect(result).toMatch(/^x?\uE000[^\uE000\uE001]+\uE001$/);
    expect(resolve({ 'Fn::Join': ['', [value, '-', value]] }, template)).toBe(`${result}-${result}`);
  });
});

it('whether a resource under a condition exists is not certain, whatever the condition', () => {
  const Conditions = { Never: { 'Fn::Equals': ['a', 'b'] } };
  const Resources = {
    Always: { Type: 'AWS::SQS::Queue' },
    Perhaps: { Type: 'AWS::SQS::Queue', Condition: 'Never' },
  };
  const { resources } = resolveAssembly({ stacks: [stack('a', { Resources, Conditions })] });
  expect(resources.map(({ certain }) => certain)).toEqual([true, false]);
});

describe('unknown values', () => {
  it('are equal when their names are', () => {
    expect(unknownValue('a')).toBe(unknownValue('a'));
    expect(unknownValue('a')).not.toBe(unknownValue('b'));
    expect(unknownValue(`${unknownValue('a')}b`)).toBe(unknownValue('ab'));
    const attributes = ['A', 'B'].map((name) => ({ 'Fn::GetAtt': ['Custom', name] }));
    const expressions = [{ Ref: 'P' }, { Ref: 'Q' }, ...attributes];
    expect(new Set(expressions.map((one) => resolve(one))).size).toBe(expressions.length);
  });
  it('stand for what is exported under a condition, which another stack may export', () => {
    const conditional = {
      ...stack('c', { Outputs: { Out: { Condition: 'C', Value: 'x', Export: { Name: 'c:x' } } } }),
    };
    const given = { Resources: { A: { Type: 'A', Properties: { X: { 'Fn::ImportValue': 'c:x' } } } } };
    const { resources } = resolveAssembly({ stacks: [conditional, stack('a', given)] });
    expect(resources[0]?.properties.X).toContain(UNKNOWN);
  });
  it('stand for what another region exports', () => {
    expect(resolve({ 'Fn::ImportValue': 'b:q' }, {}, 'eu-west-1')).toContain(UNKNOWN);
  });
});

describe('the zone of a stack', () => {
  const tagged = (zone: string) => ({
    Type: 'AWS::IAM::Role',
    Properties: { Tags: [{ Key: 'helseid-zones:zone', Value: zone }] },
  });
  const queue = { Type: 'AWS::SQS::Queue' };
  it.each<[string, JsonObject, string | undefined]>([
    ['what its resources are tagged with, for others too', { A: tagged('public'), B: queue }, 'public'],
    ['none without a tag', { A: queue }, undefined],
    ['none where two differ', { A: tagged('public'), B: tagged('signing') }, undefined],
  ])('is %s', (_name, Resources, zone) => {
    const { resources, stacks } = resolveAssembly({ stacks: [stack('s', { Resources })] });
    expect([...resources, ...stacks].map((one) => one.zone)).toEqual(
      [...resources, ...stacks].map(() => zone),
    );
  });
});

it('a resource is found by its ARN, if it has one, and is called as references call it', () => {
  const Resources = {
    A: { Type: 'Custom::Thing' },
    Q: { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'q' } },
  };
  const resolved = resolveAssembly({ stacks: [stack('s', { Resources })] });
  expect(resourceByArn(resolved, undefined)).toBeUndefined();
  const arn = 'arn:aws:sns:eu-north-1:000000000000:q';
  expect(resourceByArn(resolved, arn)).toMatchObject({ constructPath: 's/Q', names: [arn, arn, arn, 'q'] });
  expect(resolved.resources[0]).toMatchObject({ physicalId: unknownValue('s: Ref A'), names: [] });
  expect(resolve({ Ref: 'Custom' })).toBe(unknownValue('a: Ref Custom'));
});

describe('API Gateway', () => {
  const FUNCTION = 'arn:aws:lambda:eu-north-1:000000000000:function:f';
  const uri = (version: string, end: string) =>
    `arn:aws:apigateway:eu-north-1:lambda:path/${version}/functions/${FUNCTION}/${end}`;
  it.each([
    [uri('2015-03-31', 'invocations'), { arn: FUNCTION, streams: false }],
    [uri('2021-11-15', 'response-streaming-invocations'), { arn: FUNCTION, streams: true }],
    [uri('2015-03-31', 'versions'), undefined],
    [`${uri('2015-03-31', 'invocations')}/x`, undefined],
    [`x${uri('2015-03-31', 'invocations')}`, undefined],
    ['https://example.no', undefined],
    [undefined, undefined],
  ])('%s leads to %o', (integration, expected) => {
    expect(integratedFunction(integration)).toEqual(expected);
  });

  it('has a path of parts', () => {
    const of = (ParentId: unknown, PathPart: string) => ({
      Type: 'AWS::ApiGateway::Resource',
      Properties: { ParentId, PathPart },
    });
    const Resources = { A: of('root', 'a'), B: of({ Ref: 'A' }, '{id}'), C: { Type: 'AWS::SQS::Queue' } };
    const paths = pathsOf(resolveAssembly({ stacks: [stack('s', { Resources })] }));
    expect([...paths.values()]).toEqual(['/a', '/a/{id}']);
  });
});
