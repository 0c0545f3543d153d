import { describe, expect, it } from 'vitest';
import type { Rule } from '../../../../infra/proof/rules/rule.ts';
import { endpoint, inputOf, NAT, type Resources, ruleNamed, zoneNetwork } from '../small-system.ts';

const functionsInOwnZone = ruleNamed('functions-in-own-zone');
const defaultGroupUnused = ruleNamed('default-group-unused');
const egressIsHttps = ruleNamed('egress-is-https');
const endpointsAreOwn = ruleNamed('endpoints-are-own');
const groupsAreClosed = ruleNamed('groups-are-closed');
const namesAnswered = ruleNamed('names-answered');
const networksAreDeclared = ruleNamed('networks-are-declared');
const noRouteElsewhere = ruleNamed('no-route-elsewhere');
const signingZoneHasNoWayOut = ruleNamed('signing-zone-has-no-way-out');

const noJoinedNetworks = ruleNamed('no-joined-networks');

const SIGNING = 'journal-signing';
const PUBLIC = 'journal-zone-public';
const ADMIN = 'journal-zone-admin';
const publicNetwork = zoneNetwork('10.10.0.0/20', [
  'helseid-sts.test.nhn.no',
  'summaries.example.no',
  'lambda.eu-north-1.amazonaws.com',
]);

/** A group of the public network with `egress` beside what it had. */
function out(egress: object): Resources {
  return {
    More: {
      Type: 'AWS::EC2::SecurityGroupEgress',
      Properties: { GroupId: { Ref: 'Functions' }, CidrIp: '0.0.0.0/0', ...egress },
    },
  };
}

function into(source: object): Resources {
  return {
    More: {
      Type: 'AWS::EC2::SecurityGroupIngress',
      Properties: { GroupId: { Ref: 'Endpoints' }, IpProtocol: 'tcp', FromPort: 443, ToPort: 443, ...source },
    },
  };
}

function placed(VpcConfig: object | undefined): Resources {
  return { Function: { Type: 'AWS::Lambda::Function', Properties: VpcConfig ? { VpcConfig } : {} } };
}

function route(target: object): Resources {
  return {
    Route: {
      Type: 'AWS::EC2::Route',
      Properties: { RouteTableId: { Ref: 'Table' }, DestinationCidrBlock: '10.20.0.0/20', ...target },
    },
  };
}

const lambda = endpoint('lambda');
const kms = endpoint('kms');
const https = { IpProtocol: 'tcp', FromPort: 443, ToPort: 443 };
const subnet = [{ Ref: 'Subnet' }];
const otherSubnet = { Other: { Type: 'AWS::EC2::Subnet', Properties: { VpcId: 'vpc-other' } } };
const allowRule = (id: string) => ({
  Priority: 1,
  Action: 'ALLOW',
  FirewallDomainListId: { 'Fn::GetAtt': [id, 'Id'] },
});

/** Each rule with conforming and violating systems: the stack, what it has beside the smallest network, and what the message says. */
const CASES: readonly [Rule, string, string, Resources, RegExp | undefined][] = [
  [noJoinedNetworks, 'nothing joins', PUBLIC, publicNetwork, undefined],
  [
    noJoinedNetworks,
    'peering',
    PUBLIC,
    { Peering: { Type: 'AWS::EC2::VPCPeeringConnection' } },
    /joins two VPCs/,
  ],
  [
    noJoinedNetworks,
    'a transit gateway attachment',
    PUBLIC,
    { A: { Type: 'AWS::EC2::TransitGatewayAttachment' } },
    /router between/,
  ],
  [
    noJoinedNetworks,
    'an endpoint service',
    SIGNING,
    { A: { Type: 'AWS::EC2::VPCEndpointService' } },
    /offers a service/,
  ],
  [
    noJoinedNetworks,
    'a resource share',
    SIGNING,
    { A: { Type: 'AWS::RAM::ResourceShare' } },
    /shares subnets/,
  ],
  [noJoinedNetworks, 'IPv6 addresses', PUBLIC, { A: { Type: 'AWS::EC2::VPCCidrBlock' } }, /does not know/],
  [
    noJoinedNetworks,
    'another resolver',
    PUBLIC,
    { A: { Type: 'AWS::Route53Resolver::ResolverRule' } },
    /another resolver/,
  ],

  [functionsInOwnZone, 'its own VPC', PUBLIC, publicNetwork, undefined],
  [functionsInOwnZone, 'no VPC', PUBLIC, placed(undefined), /runs in outside/],
  [
    functionsInOwnZone,
    "another zone's stack",
    ADMIN,
    { ...publicNetwork, ...placed({ SubnetIds: ['subnet-foreign'], SecurityGroupIds: [] }) },
    /belongs to admin and runs in outside/,
  ],
  [
    functionsInOwnZone,
    'two VPCs',
    PUBLIC,
    {
      ...otherSubnet,
      ...placed({ SubnetIds: [...subnet, { Ref: 'Other' }], SecurityGroupIds: [{ Ref: 'Functions' }] }),
    },
    /public and outside/,
  ],

  [noRouteElsewhere, 'NAT', PUBLIC, NAT, undefined],
  [noRouteElsewhere, 'peering', PUBLIC, route({ VpcPeeringConnectionId: 'pcx-1' }), /leads through pcx-1/],
  [
    noRouteElsewhere,
    'a transit gateway',
    PUBLIC,
    route({ TransitGatewayId: 'tgw-1' }),
    /leads through tgw-1/,
  ],
  [noRouteElsewhere, 'an appliance', PUBLIC, route({ NetworkInterfaceId: 'eni-1' }), /leads through eni-1/],
  [
    noRouteElsewhere,
    'IPv6',
    PUBLIC,
    route({ EgressOnlyInternetGatewayId: 'eigw-1' }),
    /leads through eigw-1/,
  ],

  [signingZoneHasNoWayOut, 'no way out', SIGNING, zoneNetwork('10.30.0.0/20'), undefined],
  [signingZoneHasNoWayOut, 'NAT in another zone', PUBLIC, NAT, undefined],
  [
    signingZoneHasNoWayOut,
    'NAT',
    SIGNING,
    { Nat: { Type: 'AWS::EC2::NatGateway' } },
    /has AWS::EC2::NatGateway/,
  ],
  [signingZoneHasNoWayOut, 'a route', SIGNING, route({ GatewayId: 'igw-1' }), /has a route to/],
  [
    signingZoneHasNoWayOut,
    'public addresses',
    SIGNING,
    {
      Subnet: { Type: 'AWS::EC2::Subnet', Properties: { VpcId: { Ref: 'Vpc' }, MapPublicIpOnLaunch: true } },
    },
    /public addresses/,
  ],

  [egressIsHttps, 'no route out', PUBLIC, out({ IpProtocol: '-1' }), undefined],
  [egressIsHttps, '443', PUBLIC, { ...NAT, ...out(https) }, undefined],
  [egressIsHttps, 'every port', PUBLIC, { ...NAT, ...out({ IpProtocol: '-1' }) }, /ports other than 443/],
  [
    egressIsHttps,
    'a range with 443 in it',
    PUBLIC,
    { ...NAT, ...out({ ...https, ToPort: 444 }) },
    /ports other than 443/,
  ],
  [
    egressIsHttps,
    'UDP 443',
    PUBLIC,
    { ...NAT, ...out({ ...https, IpProtocol: 'udp' }) },
    /ports other than 443/,
  ],
  [
    egressIsHttps,
    "AWS's own rule of a group without any",
    PUBLIC,
    { ...NAT, Functions: { Type: 'AWS::EC2::SecurityGroup', Properties: { VpcId: { Ref: 'Vpc' } } } },
    /ports other than 443/,
  ],
  [
    egressIsHttps,
    'a group outside the templates',
    PUBLIC,
    { ...NAT, ...placed({ SubnetIds: subnet, SecurityGroupIds: ['sg-foreign'] }) },
    /not in the templates/,
  ],

  [namesAnswered, 'declared names', PUBLIC, lambda, undefined],
  [
    namesAnswered,
    'no association',
    PUBLIC,
    { NamesOfVpc: { Type: 'AWS::EC2::FlowLog' } },
    /answers for every name/,
  ],
  [
    namesAnswered,
    'a name too many',
    PUBLIC,
    { ...lambda, ...zoneNetwork('10.10.0.0/20', ['example.com']) },
    /answers for example.com/,
  ],
  [namesAnswered, 'a wildcard', PUBLIC, zoneNetwork('10.10.0.0/20', ['*.nhn.no']), /answers for \*\.nhn\.no/],
  [
    namesAnswered,
    'a blocked list of some record types',
    PUBLIC,
    {
      ...lambda,
      Names: {
        Type: 'AWS::Route53Resolver::FirewallRuleGroup',
        Properties: { FirewallRules: [{ ...allowRule('Everything'), Action: 'BLOCK', Qtype: 'A' }] },
      },
    },
    /every name/,
  ],
  [
    namesAnswered,
    'everything allowed first',
    PUBLIC,
    {
      ...lambda,
      Names: {
        Type: 'AWS::Route53Resolver::FirewallRuleGroup',
        Properties: {
          FirewallRules: [
            allowRule('Everything'),
            { ...allowRule('Everything'), Priority: 2, Action: 'BLOCK' },
          ],
        },
      },
    },
    /answers for \*/,
  ],
  [
    namesAnswered,
    'fails open',
    PUBLIC,
    {
      ...lambda,
      Open: {
        Type: 'AWS::Route53Resolver::FirewallConfig',
        Properties: { ResourceId: { Ref: 'Vpc' }, FirewallFailOpen: 'USE_LOCAL_RESOURCE_SETTING' },
      },
    },
    /when the DNS Firewall itself fails/,
  ],

  [groupsAreClosed, "the zone's functions", PUBLIC, publicNetwork, undefined],
  [groupsAreClosed, 'the internet', PUBLIC, into({ CidrIp: '0.0.0.0/0' }), /lets 0\.0\.0\.0\/0 in/],
  [
    groupsAreClosed,
    "another zone's CIDR",
    PUBLIC,
    into({ CidrIp: '10.20.0.0/20' }),
    /lets 10\.20\.0\.0\/20 in/,
  ],
  [
    groupsAreClosed,
    'a foreign group',
    PUBLIC,
    into({ SourceSecurityGroupId: 'sg-foreign' }),
    /lets sg-foreign in/,
  ],
  [
    groupsAreClosed,
    'more ports',
    PUBLIC,
    into({ SourceSecurityGroupId: { Ref: 'Functions' }, ToPort: 8443 }),
    /on tcp 443-8443/,
  ],

  [defaultGroupUnused, "the zone's group", PUBLIC, lambda, undefined],
  [
    defaultGroupUnused,
    'the default group on a function',
    PUBLIC,
    placed({ SubnetIds: subnet, SecurityGroupIds: [{ 'Fn::GetAtt': ['Vpc', 'DefaultSecurityGroup'] }] }),
    /default security group/,
  ],
  [
    defaultGroupUnused,
    'the default group on an endpoint',
    PUBLIC,
    endpoint('lambda', { SecurityGroupIds: ['sg-foreign'] }),
    /attaches sg-foreign/,
  ],

  [endpointsAreOwn, 'a Lambda endpoint', PUBLIC, lambda, undefined],
  [endpointsAreOwn, 'KMS in the signing zone', SIGNING, kms, undefined],
  [endpointsAreOwn, 'KMS in the admin zone', ADMIN, kms, undefined],
  [endpointsAreOwn, 'KMS in another zone', PUBLIC, kms, /leads to kms, which the zone does not call/],
  [endpointsAreOwn, 'Lambda in the signing zone', SIGNING, lambda, /leads to lambda/],
  [
    endpointsAreOwn,
    'no policy',
    PUBLIC,
    {
      lambdaEndpoint: {
        Type: 'AWS::EC2::VPCEndpoint',
        Properties: { VpcId: { Ref: 'Vpc' }, ServiceName: 'com.amazonaws.eu-north-1.lambda' },
      },
    },
    /has no policy/,
  ],
  [
    endpointsAreOwn,
    'a foreign subnet',
    PUBLIC,
    endpoint('lambda', { SubnetIds: ['subnet-foreign'] }),
    /subnet-foreign, outside its VPC/,
  ],

  [networksAreDeclared, 'the declared CIDR', PUBLIC, publicNetwork, undefined],
  [
    networksAreDeclared,
    'another CIDR',
    PUBLIC,
    zoneNetwork('10.11.0.0/20'),
    /the declaration says 10\.10\.0\.0\/20/,
  ],
  [
    networksAreDeclared,
    'a stack of no zone',
    'journal-more',
    zoneNetwork('10.50.0.0/20'),
    /belongs to no declared zone/,
  ],
  [
    networksAreDeclared,
    'a second VPC',
    PUBLIC,
    { Second: { Type: 'AWS::EC2::VPC', Properties: { CidrBlock: '10.10.0.0/20' } } },
    /is a second one in zone public/,
  ],
];

describe('network rules', () => {
  it.each(CASES)('$0.name: $1', (rule, _name, stack, more, expected) => {
    const base =
      stack === SIGNING
        ? zoneNetwork('10.30.0.0/20')
        : stack === PUBLIC
          ? publicNetwork
          : zoneNetwork('10.40.0.0/20');
    const messages = rule.check(inputOf({ [stack]: { ...base, ...more } })).map(({ message }) => message);
    if (expected === undefined) expect(messages).toEqual([]);
    else expect(messages.join('\n')).toMatch(expected);
  });

  it('has a violating and a conforming system for each rule', () => {
    for (const rule of new Set(CASES.map(([rule]) => rule))) {
      const verdicts = CASES.filter(([other]) => other === rule).map(
        ([, , , , expected]) => expected !== undefined,
      );
      expect(new Set(verdicts), rule.name).toEqual(new Set([true, false]));
    }
  });
});
