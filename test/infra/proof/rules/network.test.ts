import system from '../../../one-client.zones.ts';
import own from '../../../own-things.zones.ts';
import { type SmallCase, smallCases } from '../small-cases.ts';
import { allowed, document } from '../small-roles.ts';
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
const inInternal = (more: Resources, expected?: RegExp): SmallCase => [
  { 'journal-zone-internal': { ...zoneNetwork('10.20.0.0/20'), ...more } },
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
  Priority,
  Action: 'ALLOW',
  FirewallDomainListId: { 'Fn::GetAtt': [id, 'Id'] },
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
    'tables in the admin zone': inAdmin(endpoint('dynamodb')),
    'queues that it has not': inPublic(endpoint('sqs'), /leads to sqs/),
    'secrets that it has not': inPublic(endpoint('secretsmanager'), /leads to secretsmanager/),
    'of no zone': [{ 'journal-more': { ...zoneNetwork('10.50.0.0/20'), ...lambda } }, /a VPC of no zone/],
    'objects, and nothing of them': inPublic(endpoint('s3')),
    objects: inPublic(
      endpoint('s3', { PolicyDocument: document({ ...allowed('s3:GetObject'), Principal: '*' }) }),
      /leads to s3/,
    ),
    'no policy': inPublic(endpoint('lambda', { PolicyDocument: undefined }), /has no policy/),
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
    'a second VPC': inPublic(one('EC2::VPC', { CidrBlock: '10.10.0.0/20' }), /a second one in zone public/),
  },
});

smallCases(
  {
    'endpoints-are-own': {
      queues: inInternal(endpoint('sqs')),
      secrets: inPublic(endpoint('secretsmanager')),
      'queues of another zone': inPublic(endpoint('sqs'), /leads to sqs/),
    },
  },
  own,
);

// The public zone calls all its hosts through an exit, the internal one some, the admin zone none.
const { zones } = system;
const tgw = { hosts: ['helseid-sts.test.nhn.no', 'summaries.example.no'], through: 'tgw-1' };
const exit = { ...tgw, cidrs: ['91.186.80.0/24'], ports: [443, 8443] };
const other = { ...exit, hosts: [], through: 'vgw-1', cidrs: ['10.99.0.0/24'], ports: [22] };
const way = (target: object) => route({ DestinationCidrBlock: '91.186.80.0/24', ...target });
const tcp = (port: number, CidrIp: string) =>
  out({ IpProtocol: 'tcp', FromPort: port, ToPort: port, CidrIp });
const EVERYWHERE = { DestinationCidrBlock: '0.0.0.0/0' };
const to = (where: string, zone = 'public') => new RegExp(`${where}, which no exit of zone ${zone} names`);
smallCases(
  {
    'exits-are-declared': {
      'its range and ports': inPublic({
        ...way({ TransitGatewayId: 'tgw-1' }),
        ...tcp(8443, '91.186.80.0/24'),
      }),
      'TCP by its number': inPublic(out({ ...https, IpProtocol: '6', CidrIp: '91.186.80.0/24' })),
      'the range of another exit, on its port': inPublic(tcp(22, '10.99.0.0/24')),
      'another exit’s port': inPublic(tcp(22, '91.186.80.0/24'), to('tcp 22 to 22 out to 91.186.80.0/24')),
      'a range of ports': inPublic(
        out({ ...https, ToPort: 8443, CidrIp: '91.186.80.0/24' }),
        to('tcp 443 to 8443 out to 91.186.80.0/24'),
      ),
      UDP: inPublic(out({ ...https, IpProtocol: 'udp', CidrIp: '91.186.80.0/24' }), to('udp 443 to 443 .*')),
      'what is let in': inPublic(one('EC2::SecurityGroupIngress', { ...toEverywhere, ...https })),
      'half of all addresses': inPublic(tcp(443, '255.0.0.0/1'), to('out to 255.0.0.0/1')),
      'a list of ranges': inPublic(
        out({ ...https, CidrIp: undefined, DestinationPrefixListId: 'pl-1' }),
        to('out to unknown'),
      ),
      'everywhere, with nothing on the internet': inPublic(out(https), to('out to 0.0.0.0/0')),
      'everywhere, for the endpoint of its tables': inPublic({
        ...endpoint('dynamodb', { VpcEndpointType: 'Gateway', SecurityGroupIds: undefined }),
        ...out(https),
      }),
      'everywhere, with another endpoint': inPublic(
        { ...endpoint('lambda', { VpcEndpointType: 'Interface' }), ...out(https) },
        to('out to 0.0.0.0/0'),
      ),
      'everywhere, with hosts on the internet': inInternal(out(https)),
      'everywhere, on another port': inInternal(tcp(8443, '0.0.0.0/0'), to('out to 0.0.0.0/0', 'internal')),
      'everywhere, of no exit': inAdmin(out(https)),
      'the signing zone': inSigning(out(https), to('out to 0.0.0.0/0', 'signing')),
      'another route to its gateway': inPublic(
        way({ TransitGatewayId: 'tgw-1', ...EVERYWHERE }),
        to('leads 0.0.0.0/0 to tgw-1'),
      ),
      'another gateway’s range': inPublic(way({ GatewayId: 'vgw-1' }), to('leads 91.186.80.0/24 to vgw-1')),
      'its VPN': inPublic(one('EC2::VPCGatewayAttachment', { VpnGatewayId: 'vgw-1' })),
      'another VPN': inPublic(
        one('EC2::VPCGatewayAttachment', { VpnGatewayId: 'vgw-2' }),
        to('leads its network to vgw-2'),
      ),
      'another transit gateway': inInternal(
        one('EC2::TransitGatewayAttachment', { TransitGatewayId: 'tgw-1' }),
        to('leads its network to tgw-1', 'internal'),
      ),
      ...Object.fromEntries(
        ['NatGateway', 'InternetGateway', 'EIP', 'VPCGatewayAttachment'].flatMap((type) => [
          [
            `${type}, with nothing on the internet`,
            inPublic(one(`EC2::${type}`), to('its network to the internet')),
          ],
          [`${type}, with hosts on the internet`, inInternal(one(`EC2::${type}`))],
        ]),
      ),
      // Functions moved to the subnets of a NAT gateway, or of an internet gateway itself.
      'NAT and a route, with nothing on the internet': inPublic(NAT, to('0.0.0.0/0 to the internet')),
      'a route to an internet gateway, with nothing on the internet': inPublic(
        way({ GatewayId: 'igw-1', ...EVERYWHERE }),
        to('0.0.0.0/0 to the internet'),
      ),
      'NAT and a route, with hosts on the internet': inInternal(NAT),
      'a route to some of the internet': inInternal(
        way({ GatewayId: 'igw-1' }),
        to('91.186.80.0/24 to the internet', 'internal'),
      ),
      'NAT of no zone': [{ 'journal-more': NAT }, to('to the internet', 'no zone')],
      'a route in a network that is there': inAdmin(
        way({ GatewayId: 'igw-1', ...EVERYWHERE }),
        /changes the network vpc-there/,
      ),
    },
  },
  {
    ...system,
    zones: {
      public: { ...zones.public, exits: { one: exit, other } },
      internal: { ...zones.internal, exits: { other } },
      admin: { ...zones.admin, network: { vpcId: 'vpc-there', subnets: [], dnsFirewall: true } },
    },
  },
);
