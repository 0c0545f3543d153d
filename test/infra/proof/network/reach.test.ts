import { describe, expect, it } from 'vitest';
import { ZONE_TAG } from '../../../../infra/declaration/names.ts';
import type { SystemDeclaration } from '../../../../infra/declaration/schema.ts';
import {
  type Network,
  type Permission,
  type Route,
  readNetwork,
} from '../../../../infra/proof/assembly/network.ts';
import {
  type ResolvedAssembly,
  type ResolvedResource,
  resolveAssembly,
} from '../../../../infra/proof/assembly/resolve.ts';
import { computeReach, readAnsweredNames } from '../../../../infra/proof/network/reach.ts';
import oneClient from '../../../one-client.zones.ts';

/** `tcp 443 0.0.0.0/0`, or a range of ports. */
function permission(direction: Permission['direction'], text: string): Permission {
  const [protocol = '', ports = '', peer = ''] = text.split(' ');
  const [from, to = from] = ports.split('..').map(Number);
  return { direction, protocol, peer, from: from ?? 0, to: to ?? 0 };
}

/** `0.0.0.0/0 nat-1`. */
function route(text: string): Route {
  const [destination = '', through = ''] = text.split(' ');
  return { destination, through };
}

/** What a function reaches: a list of routes a subnet, what its group lets out, and an endpoint's group lets in. */
function reach(
  subnets: readonly (readonly string[] | undefined)[],
  out: readonly string[],
  endpoint: { vpc?: string; groups?: string[]; in?: string[] } = {},
) {
  const [ids, group] = [subnets.map((_, index) => `subnet-${index}`), 'sg-own'];
  const permissions = out.map((text) => permission('out', text));
  const into = ['tcp 443 0.0.0.0/0', ...out].map((text) => permission('out', text));
  const network: Network = {
    zones: new Map(),
    vpcs: [],
    subnets: new Map(
      subnets.flatMap((routes, index) =>
        routes ? [[`subnet-${index}`, { id: '', vpc: 'vpc-1', routes: routes.map(route) }]] : [],
      ),
    ),
    groups: new Map([
      [group, [permission('in', 'tcp 443 sg-own'), ...permissions]],
      ['sg-1', [...into, ...(endpoint.in ?? []).map((text) => permission('in', text))]],
      ['sg-2', []],
    ]),
    endpoints: [
      {
        id: 'vpce-1',
        vpc: endpoint.vpc ?? 'vpc-1',
        service: 'kms',
        kind: 'Interface' as const,
        groups: endpoint.groups ?? ['sg-1'],
        subnets: [],
        resource: {} as ResolvedResource,
      },
    ],
    functions: [{ subnets: ids, groups: [group], resource: { physicalId: 'f' } as ResolvedResource }],
  };
  const [found] = computeReach(network);
  if (found === undefined) throw new Error('no function');
  const { internet, elsewhere } = found;
  const ways = elsewhere.map(({ destination, through, ports }) => `${destination} ${through}: ${ports}`);
  return { internet, elsewhere: ways, endpoint: found.endpoints.length > 0 };
}

const [NAT, HTTPS, TGW] = ['0.0.0.0/0 nat-1', 'tcp 443 0.0.0.0/0', '10.2.0.0/16 tgw-1'];

it.each<[string, (readonly string[] | undefined)[], string[], string, string[]?]>([
  ['a subnet that no template shows', [undefined], [HTTPS], 'any'],
  [
    'addresses that have no route of their own',
    [[NAT, TGW]],
    ['tcp 443 10.9.0.0/16'],
    'https',
    ['10.2.0.0/16 tgw-1: no port'],
  ],
  ['nothing', [[]], [], 'none'],
  ['HTTPS', [[NAT]], [HTTPS], 'https'],
  ['HTTPS, by the number of TCP', [['0.0.0.0/0 igw-1']], ['6 443 0.0.0.0/0'], 'https'],
  ['a port beside', [[NAT]], ['tcp 443..444 0.0.0.0/0'], 'any'],
  ['a port before', [[NAT]], ['tcp 80..443 0.0.0.0/0'], 'any'],
  ['another protocol', [[NAT]], ['udp 443 0.0.0.0/0'], 'any'],
  ['another port too', [[NAT]], [HTTPS, 'tcp 80 0.0.0.0/0'], 'any'],
  ['what nobody can read', [[NAT]], ['tcp 443 unknown'], 'https'],
  ['no address', [[NAT]], ['tcp 443 sg-1'], 'none'],
  ['no route', [[]], [HTTPS], 'none'],
  ['a route of the second subnet', [[], [NAT]], [HTTPS], 'https'],
  ['no subnet', [], [HTTPS], 'any'],
  ['another network', [[NAT, TGW]], ['tcp 443 10.2.0.0/16'], 'none', ['10.2.0.0/16 tgw-1: tcp 443']],
  ['from one subnet', [[NAT, TGW], [NAT]], ['tcp 443 10.2.0.0/16'], 'https', ['10.2.0.0/16 tgw-1: tcp 443']],
  ['no port of it', [[TGW]], ['tcp 443 10.3.0.0/16', 'tcp 443 sg-1'], 'none', ['10.2.0.0/16 tgw-1: no port']],
  [
    'some ports of it',
    [[TGW]],
    ['udp 53..54 10.2.0.0/16', HTTPS, 'tcp 443 10.2.0.0/16'],
    'none',
    ['10.2.0.0/16 tgw-1: tcp 443, udp 53-54'],
  ],
  ['all through a VPC that was there', [['0.0.0.0/0 vpc-1']], [HTTPS], 'https'],
  ['an exit through it', [['10.2.0.0/16 vpc-1']], [HTTPS], 'none', ['10.2.0.0/16 vpc-1: tcp 443']],
])('what a function reaches: %s', (_name, subnets, out, internet, elsewhere = []) => {
  expect(reach(subnets, out)).toMatchObject({ internet, elsewhere });
});

it.each<[string, boolean, string[], Parameters<typeof reach>[2]]>([
  ['each lets the other', true, ['tcp 443 sg-1'], { in: ['tcp 443 sg-own'] }],
  ['addresses', true, [HTTPS], { in: [HTTPS] }],
  ['every protocol', true, ['-1 -1 sg-1'], { in: ['-1 -1 sg-own'] }],
  ['a range, by the number of TCP', true, ['6 1..443 sg-1'], { in: ['tcp 443..500 sg-own'] }],
  ['one of several', true, ['tcp 80 sg-1', 'tcp 443 sg-1'], { in: ['tcp 443 sg-2', 'tcp 443 sg-own'] }],
  ['another port', false, ['tcp 444..500 sg-1'], { in: [HTTPS] }],
  ['a lower port', false, ['tcp 80..442 sg-1'], { in: [HTTPS] }],
  ['another protocol', false, ['udp 443 sg-1'], { in: [HTTPS] }],
  ['not let out', false, ['tcp 443 sg-2'], { in: [HTTPS] }],
  ['not let in', false, ['tcp 443 sg-1'], { in: ['tcp 443 sg-2'] }],
  ['one group of two', true, [HTTPS], { groups: ['sg-2', 'sg-1'], in: [HTTPS] }],
  ['a group that no template shows', true, [HTTPS], { groups: ['sg-foreign'] }],
  ['a gateway', true, [], { groups: [] }],
  ['another VPC', false, [HTTPS], { vpc: 'vpc-2', in: [HTTPS] }],
])('an endpoint, by the groups: %s, %s', (_name, expected, out, endpoint) => {
  expect(reach([[]], out, endpoint).endpoint).toBe(expected);
});

describe('the names that a resolver answers', () => {
  type Rule = [priority: number, action: string, list: string, qtype?: string];
  const LISTS: Readonly<Record<string, unknown>> = {
    all: ['*'],
    a: ['a.no.'],
    b: ['b.no'],
    none: [],
    file: undefined,
  };
  const answered = (...groups: [priority: number, rules: Rule[], vpc?: string][]) => {
    const of = (type: string, physicalId: string, properties: object) =>
      ({ type: `AWS::Route53Resolver::${type}`, physicalId, properties }) as ResolvedResource;
    const resources = groups.flatMap(([Priority, rules, VpcId = 'vpc-1'], index) => [
      of('FirewallRuleGroupAssociation', `x${index}`, { VpcId, Priority, FirewallRuleGroupId: `g${index}` }),
      of('FirewallRuleGroup', `g${index}`, {
        FirewallRules: rules.map(([priority, Action, FirewallDomainListId, Qtype]) => ({
          Priority: priority,
          Action,
          FirewallDomainListId,
          Qtype,
        })),
      }),
    ]);
    const lists = Object.entries(LISTS).map(([id, Domains]) => of('FirewallDomainList', id, { Domains }));
    return readAnsweredNames({ resources: [...resources, ...lists] } as unknown as ResolvedAssembly, 'vpc-1');
  };

  it.each<[string, Parameters<typeof answered>, 'every name' | string[]]>([
    ['no group', [], 'every name'],
    ['another VPC', [[1, [[1, 'BLOCK', 'all']], 'vpc-2']], 'every name'],
    [
      'nothing else is blocked',
      [
        [
          1,
          [
            [1, 'ALLOW', 'a'],
            [2, 'BLOCK', 'b'],
          ],
        ],
      ],
      'every name',
    ],
    [
      'allowed before',
      [
        [
          1,
          [
            [2, 'BLOCK', 'all'],
            [1, 'ALLOW', 'a'],
          ],
        ],
      ],
      ['a.no'],
    ],
    [
      'allowed after',
      [
        [
          1,
          [
            [2, 'ALLOW', 'a'],
            [1, 'BLOCK', 'all'],
          ],
        ],
      ],
      [],
    ],
    [
      'by the priority of groups',
      [
        [2, [[1, 'BLOCK', 'all']]],
        [1, [[1, 'ALLOW', 'b']]],
      ],
      ['b.no'],
    ],
    [
      'a name blocked',
      [
        [
          1,
          [
            [1, 'BLOCK', 'b'],
            [2, 'ALLOW', 'a'],
            [3, 'BLOCK', 'all'],
          ],
        ],
      ],
      ['a.no'],
    ],
    [
      'an alert answers',
      [
        [
          1,
          [
            [1, 'ALERT', 'b'],
            [2, 'BLOCK', 'all'],
          ],
        ],
      ],
      ['b.no'],
    ],
    ['one type of record blocked', [[1, [[1, 'BLOCK', 'all', 'A']]]], 'every name'],
    [
      'all allowed before',
      [
        [
          1,
          [
            [1, 'ALLOW', 'all'],
            [2, 'BLOCK', 'all'],
          ],
        ],
      ],
      ['*'],
    ],
    [
      'an empty list',
      [
        [
          1,
          [
            [1, 'ALLOW', 'none'],
            [2, 'BLOCK', 'all'],
          ],
        ],
      ],
      [],
    ],
    [
      'a list that no template shows',
      [
        [
          1,
          [
            [1, 'ALLOW', 'foreign'],
            [2, 'BLOCK', 'all'],
          ],
        ],
      ],
      ['*'],
    ],
    [
      'a list in a file',
      [
        [
          1,
          [
            [1, 'ALLOW', 'file'],
            [2, 'BLOCK', 'all'],
          ],
        ],
      ],
      ['*'],
    ],
    ['a list in a file, blocked', [[1, [[1, 'BLOCK', 'file']]]], 'every name'],
  ])('%s', (_name, groups, expected) => {
    expect(answered(...groups)).toEqual(expected);
  });
});

it('what templates say of a network is read, and of one that was there what they do not', () => {
  const tagged = { Tags: [{ Key: ZONE_TAG, Value: 'public' }] };
  const of = (Type: string, Properties: object) => ({
    Type: `AWS::EC2::${Type}`,
    Properties: { ...tagged, ...Properties },
  });
  const endpoint = (service: string, more: object) =>
    of('VPCEndpoint', { VpcId: 'vpc-1', ServiceName: `com.amazonaws.eu-north-1.${service}`, ...more });
  const rule = { GroupId: 'sg-1', IpProtocol: 'tcp', FromPort: 443, ToPort: 444 };
  const Resources = {
    Vpc: of('VPC', {}),
    Subnet: of('Subnet', { VpcId: { Ref: 'Vpc' } }),
    Bare: of('Subnet', { VpcId: { Ref: 'Vpc' } }),
    Joined: of('SubnetRouteTableAssociation', { SubnetId: { Ref: 'Subnet' }, RouteTableId: 'rtb-1' }),
    ToInternet: of('Route', { RouteTableId: 'rtb-1', DestinationCidrBlock: '0.0.0.0/0', GatewayId: 'igw-1' }),
    ToOther: of('Route', { RouteTableId: 'rtb-1', TransitGatewayId: 'tgw-1' }),
    Elsewhere: of('Route', {
      RouteTableId: 'rtb-2',
      DestinationCidrBlock: '0.0.0.0/0',
      NatGatewayId: 'nat-1',
    }),
    One: of('SecurityGroup', {
      GroupId: 'sg-1',
      SecurityGroupIngress: { IpProtocol: '-1', CidrIp: '10.0.0.0/8' },
    }),
    Into: of('SecurityGroupIngress', { ...rule, SourceSecurityGroupId: 'sg-2' }),
    Out: of('SecurityGroupEgress', { ...rule, DestinationSecurityGroupId: 'sg-3' }),
    OutOfOther: of('SecurityGroupEgress', { ...rule, GroupId: 'sg-4' }),
    Open: of('SecurityGroup', { GroupId: 'sg-5' }),
    kms: endpoint('kms-fips', { VpcEndpointType: 'Interface' }),
    s3: endpoint('s3', {}),
    more: endpoint('more', { VpcEndpointType: 'GatewayLoadBalancer', SecurityGroupIds: ['sg-1'] }),
  };
  const { zones, ...declaration } = oneClient;
  const network = { vpcId: 'vpc-there', subnets: [{ subnetId: 'subnet-there', routeTableId: 'rtb-there' }] };
  const internal = { ...zones.internal, network, exits: { far: { cidrs: ['10.9.0.0/16'] } } };
  const system = { ...declaration, zones: { ...zones, internal } } as unknown as SystemDeclaration;
  const [name, account] = ['journal-zone-internal', '111122223333'];
  const stack = {
    name,
    account,
    region: 'eu-west-1',
    template: { Resources },
    assets: new Map(),
    constructPaths: new Map(),
  };
  const assembly = resolveAssembly({ stacks: [stack] });
  const read = readNetwork(assembly, system);
  const id = (logicalId: string) =>
    assembly.resources.find((one) => one.logicalId === logicalId)?.physicalId ?? '';

  expect(read.zones).toEqual(
    new Map([
      [id('Vpc'), 'public'],
      ['vpc-there', 'internal'],
    ]),
  );
  expect(read.vpcs[0]).toMatchObject({
    stack: name,
    account,
    region: 'eu-west-1',
    zone: 'internal',
    type: 'AWS::EC2::VPC',
    certain: true,
    physicalId: 'vpc-there',
    names: ['vpc-there'],
    constructPath: name,
    properties: { CidrBlock: '10.20.0.0/20' },
  });
  expect([...read.subnets.values()]).toEqual([
    {
      id: id('Subnet'),
      vpc: id('Vpc'),
      routes: [route('0.0.0.0/0 igw-1'), route('unknown tgw-1')].map((one) => expect.objectContaining(one)),
    },
    { id: id('Bare'), vpc: id('Vpc'), routes: [] },
    {
      id: 'subnet-there',
      vpc: 'vpc-there',
      routes: [route('0.0.0.0/0 vpc-there'), route('10.9.0.0/16 vpc-there')],
    },
  ]);
  expect([...read.groups.values()]).toEqual([
    [
      { direction: 'in', protocol: '-1', from: -1, to: -1, peer: '10.0.0.0/8' },
      permission('in', 'tcp 443..444 sg-2'),
      permission('out', 'tcp 443..444 sg-3'),
    ],
    [permission('out', '-1 -1 0.0.0.0/0')],
  ]);
  expect(read.endpoints.map(({ service, kind, groups }) => [service, kind, groups])).toEqual([
    ['kms', 'Interface', ['the default group']],
    ['s3', 'Gateway', []],
    ['more', 'other', ['sg-1']],
  ]);
});
