import { type SmallCase, smallCases } from '../small-cases.ts';
import { endpoint, NAT, type Resources, zoneNetwork } from '../small-system.ts';

const publicNetwork = zoneNetwork('10.10.0.0/20', [
  'helseid-sts.test.nhn.no',
  'summaries.example.no',
  'lambda.eu-north-1.amazonaws.com',
]);

/** A zone with something beside the smallest network, and what the rule says of it. */
const inPublic = (more: Resources, expected?: RegExp): SmallCase => [
  { 'journal-zone-public': { ...publicNetwork, ...more } },
  expected,
];
const inSigning = (more: Resources, expected?: RegExp): SmallCase => [
  { 'journal-signing': { ...zoneNetwork('10.30.0.0/20'), ...more } },
  expected,
];
const inAdmin = (more: Resources, expected?: RegExp): SmallCase => [
  { 'journal-zone-admin': { ...zoneNetwork('10.40.0.0/20'), ...more } },
  expected,
];

const one = (Type: string, Properties: object = {}): Resources => ({
  It: { Type: `AWS::${Type}`, Properties: { ...Properties } },
});
const https = { IpProtocol: 'tcp', FromPort: 443, ToPort: 443 };
const functions = { Ref: 'Functions' };
const toEverywhere = { GroupId: functions, CidrIp: '0.0.0.0/0' };
const out = (egress: object) => one('EC2::SecurityGroupEgress', { ...toEverywhere, ...egress });
const into = (source: object) =>
  one('EC2::SecurityGroupIngress', { GroupId: { Ref: 'Endpoints' }, ...https, ...source });
const route = (target: object) =>
  one('EC2::Route', { RouteTableId: { Ref: 'Table' }, DestinationCidrBlock: '10.20.0.0/20', ...target });
const placed = (VpcConfig: object): Resources => ({
  Function: { Type: 'AWS::Lambda::Function', Properties: { VpcConfig } },
});
const subnet = { Ref: 'Subnet' };

const lambda = endpoint('lambda');
const kms = endpoint('kms');
const rule = (Priority: number, id: string, more: object = {}) => ({
  ...{ Priority, Action: 'ALLOW', FirewallDomainListId: { 'Fn::GetAtt': [id, 'Id'] } },
  ...more,
});
const firewall = (...FirewallRules: object[]): Resources => ({
  ...lambda,
  Names: { Type: 'AWS::Route53Resolver::FirewallRuleGroup', Properties: { FirewallRules } },
});
smallCases({
  'properties-are-understood': {
    'a function in a foreign subnet': inAdmin(
      placed({ SubnetIds: ['subnet-foreign'], SecurityGroupIds: [] }),
      /names subnet-foreign in VpcConfig\.SubnetIds\[\], which is no AWS::EC2::Subnet of its own stack/,
    ),
    'a subnet of another VPC': inPublic(
      { Other: { Type: 'AWS::EC2::Subnet', Properties: { VpcId: 'vpc-other' } } },
      /names vpc-other in VpcId/,
    ),
    peering: inPublic(route({ VpcPeeringConnectionId: 'pcx-1' }), /has VpcPeeringConnectionId, which is not/),
    'a transit gateway': inPublic(
      route({ TransitGatewayId: 'tgw-1' }),
      /names tgw-1 in TransitGatewayId, which is no/,
    ),
    'an appliance': inPublic(route({ NetworkInterfaceId: 'eni-1' }), /has NetworkInterfaceId, which is not/),
    IPv6: inPublic(route({ EgressOnlyInternetGatewayId: 'eigw-1' }), /has EgressOnlyInternetGatewayId/),
    "another zone's CIDR": inPublic(into({ CidrIp: '10.20.0.0/20' }), /has CidrIp, which is not understood/),
    'a foreign group': inPublic(into({ SourceSecurityGroupId: 'sg-foreign' }), /names sg-foreign in Source/),
    'more ports': inPublic(into({ SourceSecurityGroupId: functions, ToPort: 8443 }), /ToPort 8443, which is/),
    'a foreign group on an endpoint': inPublic(
      endpoint('lambda', { SecurityGroupIds: ['sg-foreign'] }),
      /names sg-foreign in SecurityGroupIds/,
    ),
  },
  'signing-zone-has-no-way-out': {
    'no way out': inSigning({}),
    'NAT in another zone': inPublic(NAT),
    NAT: inSigning(one('EC2::NatGateway'), /has AWS::EC2::NatGateway/),
    'a route': inSigning(route({ GatewayId: 'igw-1' }), /has a route to/),
  },
  'egress-is-https': {
    'no route out': inPublic(out({ IpProtocol: '-1' })),
    '443': inPublic({ ...NAT, ...out(https) }),
    'every port': inPublic({ ...NAT, ...out({ IpProtocol: '-1' }) }, /ports other than 443/),
    'a range with 443 in it': inPublic({ ...NAT, ...out({ ...https, ToPort: 444 }) }, /ports other than 443/),
    'UDP 443': inPublic({ ...NAT, ...out({ ...https, IpProtocol: 'udp' }) }, /ports other than 443/),
    "AWS's own rule of a group without any": inPublic(
      { ...NAT, Functions: { Type: 'AWS::EC2::SecurityGroup', Properties: { VpcId: { Ref: 'Vpc' } } } },
      /ports other than 443/,
    ),
    'a group outside the templates': inPublic(
      { ...NAT, ...placed({ SubnetIds: [subnet], SecurityGroupIds: ['sg-foreign'] }) },
      /not in the templates/,
    ),
  },
  'names-answered': {
    'declared names': inPublic(lambda),
    'no association': inPublic({ NamesOfVpc: { Type: 'AWS::EC2::FlowLog' } }, /answers for every name/),
    'a blocked list of some record types': inPublic(
      firewall(rule(1, 'Everything', { Action: 'BLOCK', Qtype: 'A' })),
      /every name/,
    ),
    'everything allowed first': inPublic(
      firewall(rule(1, 'Everything'), rule(2, 'Everything', { Action: 'BLOCK' })),
      /answers for \*/,
    ),
  },
  'endpoints-are-own': {
    'a Lambda endpoint': inPublic(lambda),
    'KMS in the signing zone': inSigning(kms),
    'KMS in the admin zone': inAdmin(kms),
    'KMS in another zone': inPublic(kms, /leads to kms, which the zone does not call/),
    'Lambda in the signing zone': inSigning(lambda, /leads to lambda/),
    'the default group': inPublic(
      endpoint('lambda', { VpcEndpointType: 'Interface', SecurityGroupIds: undefined }),
      /has the default security group/,
    ),
    'a foreign subnet': inPublic(
      endpoint('lambda', { SubnetIds: ['subnet-foreign'] }),
      /subnet-foreign, outside its VPC/,
    ),
  },
  'networks-are-declared': {
    'the declared CIDR': inPublic({}),
    'another CIDR': inPublic(zoneNetwork('10.11.0.0/20'), /the declaration says 10\.10\.0\.0\/20/),
    'a stack of no zone': [{ 'journal-more': zoneNetwork('10.50.0.0/20') }, /belongs to no declared zone/],
    'a second VPC': inPublic(
      one('EC2::VPC', { CidrBlock: '10.10.0.0/20' }),
      /is a second one in zone public/,
    ),
  },
});
