import { describe, expect, test } from 'vitest';
import { statementsOf, synthesize, text, withZones } from './synthesize.ts';

const assembly = synthesize(withZones({ quiet: { cidr: '10.50.0.0/20', grants: [] } }));
const SIGNING = 'journal-signing';
const EGRESS = ['journal-zone-public', 'journal-zone-internal', 'journal-zone-admin'];
const CLOSED = [SIGNING, 'journal-zone-quiet'];
const zones = [...EGRESS, ...CLOSED];

const count = (type: string, stack: string) => assembly.ofType(type, stack).length;
const properties = (type: string, stack: string) => assembly.ofType(type, stack).map(([, r]) => r.Properties);

describe('each zone is a network of its own (I4)', () => {
  test.each(CLOSED)('%s has no way out: no internet gateway, no NAT, no default route', (stack) => {
    for (const type of [
      'AWS::EC2::InternetGateway',
      'AWS::EC2::NatGateway',
      'AWS::EC2::EIP',
      'AWS::EC2::Route',
    ])
      expect(count(type, stack)).toBe(0);
  });

  test.each(EGRESS)(
    '%s goes out through one NAT gateway, functions from subnets without public addresses',
    (stack) => {
      expect(count('AWS::EC2::NatGateway', stack)).toBe(1);
      for (const { MapPublicIpOnLaunch } of properties('AWS::EC2::Subnet', stack))
        expect(MapPublicIpOnLaunch).toBe(false);
      const gateways = properties('AWS::EC2::Route', stack).filter(({ GatewayId }) => GatewayId);
      const natTables = Object.entries(assembly.resources(stack))
        .filter(([id, { Type }]) => Type === 'AWS::EC2::RouteTable' && id.includes('natSubnet'))
        .map(([id]) => id);
      for (const { RouteTableId } of gateways)
        expect(natTables).toContain((RouteTableId as { Ref: string }).Ref);
    },
  );

  test.each(zones)('%s puts its functions into subnets for functions', (stack) => {
    for (const { VpcConfig } of properties('AWS::Lambda::Function', stack)) {
      const { SubnetIds } = VpcConfig as { SubnetIds: unknown };
      expect(text(SubnetIds)).toMatch(
        /^<NetworkVpc\d+functionsSubnet1\w+> <NetworkVpc\d+functionsSubnet2\w+>$/,
      );
    }
  });
});

describe('security groups', () => {
  test('the signing zone lets functions out to its endpoints only', () => {
    const { SecurityGroupEgress } = assembly.find(SIGNING, 'NetworkFunctionGroup7').Properties;
    expect(SecurityGroupEgress).toBeUndefined();
    const [rule, ...others] = properties('AWS::EC2::SecurityGroupEgress', SIGNING);
    expect(others).toEqual([]);
    expect(text(rule?.['DestinationSecurityGroupId'])).toMatch(/^<NetworkEndpointGroup/);
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

  test('only the admin zone may ask for the self-service API', () => {
    const asking = zones.filter((stack) => allowed(stack).includes('api.selvbetjening.test.nhn.no'));
    expect(asking).toEqual(['journal-zone-admin']);
  });

  test('the signing zone may ask for its endpoints only', () => {
    expect(allowed(SIGNING)).toEqual([
      'kms.<AWS::Region>.amazonaws.com',
      'secretsmanager.<AWS::Region>.amazonaws.com',
    ]);
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
    ...{ Sid: 'InvokeHereOnly', Effect: 'Deny', Action: 'lambda:InvokeFunction', Resource: '*' },
  });
});
