import { expect, test } from 'vitest';
import { defineSystem } from '../../infra/declaration/define.ts';
import { oversized } from '../../infra/limits.ts';
import { readAssembly } from '../../infra/proof/assembly/read-assembly.ts';
import { type ResolvedAssembly, resolveAssembly } from '../../infra/proof/assembly/resolve.ts';
import { prove } from '../../infra/proof/prove.ts';
import { FULL } from '../full.ts';
import system from '../one-client.zones.ts';
import { synthesizedFolder } from './synthesize.ts';

/** A system with long names, so many clients and zones, each zone with one client. */
function grown(clients: number, zones: number) {
  const { journal } = system.clients;
  const names = Array.from({ length: clients }, (_, index) => `longclientnam${index}`);
  return defineSystem({
    ...system,
    name: 'asystemname',
    exceptions: [],
    clients: Object.fromEntries(
      names.map((name, index) => [name, { ...journal, clientId: `client-${index}` }]),
    ),
    zones: {
      admin: { cidr: '10.40.0.0/20', admin: true, grants: [] },
      ...Object.fromEntries(
        Array.from({ length: zones }, (_, index) => [
          `longzone${index}`,
          {
            cidr: `10.${50 + index}.0.0/20`,
            events: { function: 'worker', sources: ['a'], detailTypes: ['b'] },
            grants: [
              {
                client: names[index % clients] ?? '',
                apis: [{ api: 'documents', methods: ['POST'], paths: ['/x'] }],
              },
            ],
          },
        ]),
      ),
    },
  });
}

const messages = (folder: string) =>
  oversized(resolveAssembly(readAssembly(folder))).map(({ description }) => description);

test.each([
  ...(FULL
    ? [
        { clients: 1, zones: 2 },
        { clients: 4, zones: 4 },
      ]
    : []),
  { clients: 10, zones: 10 },
])(
  '$clients clients with long names and $zones zones fit, and their boundaries hold in full',
  ({ clients, zones }) => {
    const declaration = grown(clients, zones);
    const folder = synthesizedFolder(declaration, { withCode: FULL });
    expect(messages(folder)).toEqual([]);
    if (FULL) expect(prove(folder, declaration).violations).toEqual([]);
  },
);

test('what outgrows a managed policy is said at synth', () => {
  expect(messages(synthesizedFolder(grown(14, 2), { withCode: false }))).toEqual([
    expect.stringMatching(
      /^asystemname-zone-admin\/Boundary-\S+: its policy \(characters\): \d+, and AWS takes 6144\.$/,
    ),
  ]);
});

const long = (characters: number) => ({ Statement: 'x'.repeat(characters) });

test.each([
  ['AWS::IAM::ManagedPolicy', { PolicyDocument: long(6_144) }],
  ['AWS::IAM::Role', { AssumeRolePolicyDocument: long(2_048) }],
  ['AWS::IAM::Role', { Policies: [{ PolicyDocument: long(5_200) }, { PolicyDocument: long(5_200) }] }],
  ['AWS::IAM::Role', { RoleName: 'x'.repeat(65) }],
  ['AWS::KMS::Key', { KeyPolicy: long(32_768) }],
  ['AWS::Lambda::ResourcePolicy', { PolicyDocument: long(20_480) }],
  ['AWS::EC2::VPCEndpoint', { PolicyDocument: long(20_480) }],
  ['AWS::SQS::QueuePolicy', { PolicyDocument: long(20_480) }],
  ['AWS::SNS::TopicPolicy', { PolicyDocument: long(20_480) }],
  ['AWS::Lambda::Function', { Environment: { Variables: { A: 'x'.repeat(4_096) } } }],
  ['AWS::Lambda::Function', { FunctionName: 'x'.repeat(65) }],
  ['AWS::Events::Rule', { Name: 'x'.repeat(65) }],
  ['AWS::Events::Rule', { EventPattern: { source: ['x'.repeat(2_048)] } }],
])('%s: %o', (type, properties) => {
  expect(oversized(assemblyOf([{ type, properties }]))).toHaveLength(1);
  expect(oversized(assemblyOf([{ type, properties: {} }]))).toEqual([]);
});

test.each([
  ['AWS::ApiGateway::Resource', 'RestApiId', 300],
  ['AWS::EC2::Route', 'RouteTableId', 50],
  ['AWS::EC2::SecurityGroupIngress', 'GroupId', 60],
  ['AWS::EC2::SecurityGroupEgress', 'GroupId', 60],
])('%s: more of one %s than %i', (type, parent, most) => {
  const some = (count: number, of: string) =>
    Array.from({ length: count }, () => ({ type, properties: { [parent]: of } }));
  expect(oversized(assemblyOf([...some(most, 'a'), ...some(1, 'b')]))).toEqual([]);
  expect(oversized(assemblyOf(some(most + 1, 'a')))).toHaveLength(1);
});

test.each(['SecurityGroupIngress', 'SecurityGroupEgress'])('%s: rules within a group count too', (kind) => {
  const group = (rules: number) => ({
    type: 'AWS::EC2::SecurityGroup',
    properties: { [kind]: Array(rules).fill({}) },
  });
  const apart = { type: `AWS::EC2::${kind}`, properties: { GroupId: 'p' } };
  expect(oversized(assemblyOf([group(59), apart]))).toEqual([]);
  expect(oversized(assemblyOf([group(60), apart]))).toHaveLength(1);
});

function assemblyOf(resources: { type: string; properties: Record<string, unknown> }[]): ResolvedAssembly {
  return {
    account: '',
    region: '',
    stacks: [],
    resources: resources.map((resource) => ({
      stack: 's',
      logicalId: 'l',
      physicalId: 'p',
      constructPath: 's/l',
      arn: undefined,
      names: [],
      zone: undefined,
      account: '',
      region: '',
      assetPath: undefined,
      certain: true,
      definition: {},
      ...resource,
    })),
  };
}
