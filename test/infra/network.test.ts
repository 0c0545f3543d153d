import { describe, expect, test } from 'vitest';
import { statementsOf, synthesizeTemplates, text, withZones } from './synthesize.ts';

const assembly = synthesizeTemplates(withZones({ quiet: { cidr: '10.50.0.0/20', grants: [] } }));
const SIGNING = 'journal-signing';
const zones = [SIGNING, ...['public', 'internal', 'admin', 'quiet'].map((zone) => `journal-zone-${zone}`)];

const properties = (type: string, stack: string) => assembly.ofType(type, stack).map(([, r]) => r.Properties);

// That the signing zone has no way out, and what groups let out and resolvers answer, is the proof's to say: signing-zone-has-no-way-out,
// exits-are-declared, properties-are-understood, names-answered.
describe('each zone is a network of its own (I4)', () => {
  test.each(zones)('%s puts its functions into subnets for functions', (stack) => {
    for (const { VpcConfig } of properties('AWS::Lambda::Function', stack)) {
      const { SubnetIds } = VpcConfig as { SubnetIds: unknown };
      expect(text(SubnetIds)).toMatch(
        /^<NetworkVpc\d+functionsSubnet1\w+> <NetworkVpc\d+functionsSubnet2\w+>$/,
      );
    }
  });
});

describe('endpoints', () => {
  test.each([
    [SIGNING, ['kms', 'secretsmanager']],
    ['journal-zone-public', ['dynamodb', 'lambda']],
    ['journal-zone-internal', ['dynamodb', 'lambda']],
    ['journal-zone-admin', ['kms', 'lambda', 'secretsmanager']],
    ['journal-zone-quiet', []],
  ])('%s has exactly those for what it calls', (stack, services) => {
    const found = properties('AWS::EC2::VPCEndpoint', stack).map(({ ServiceName }) =>
      text(ServiceName).split('.').at(-1),
    );
    expect(found.sort()).toEqual(services);
  });
});

describe('the DNS firewall', () => {
  const allowed = (stack: string) =>
    (assembly.find(stack, 'NetworkAllowedNames').Properties['Domains'] as unknown[]).map(text);

  test('a zone may ask for its issuer, its APIs and its endpoints', () => {
    expect(allowed('journal-zone-internal')).toEqual([
      'documents.example.no',
      'helseid-sts.test.nhn.no',
      'lambda.<AWS::Region>.amazonaws.com',
      'dynamodb.<AWS::Region>.amazonaws.com',
    ]);
    expect(allowed('journal-zone-public')).not.toContain('documents.example.no');
  });
});

test('every VPC keeps a flow log of all its traffic', () => {
  for (const stack of zones) {
    const [log] = properties('AWS::EC2::FlowLog', stack);
    expect(log).toMatchObject({ ResourceType: 'VPC', TrafficType: 'ALL' });
  }
});

test('a zone without an endpoint for Lambda invokes nothing, from nowhere', () => {
  const statements = statementsOf(assembly.find('journal-zone-quiet', 'Boundary'));
  expect(statements.find(({ Sid }) => Sid === 'InvokeHereOnly')).toEqual({
    Sid: 'InvokeHereOnly',
    Effect: 'Deny',
    Action: 'lambda:InvokeFunction',
    Resource: '*',
  });
});
