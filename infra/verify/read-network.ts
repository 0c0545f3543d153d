import { type JsonObject, listOf, objectOf } from '../proof/assembly/json.ts';
import { at, items, type Live, one, type Read } from './live.ts';

/** What EC2 lists, by the type that makes it: the list, the member that names one, and as which property of its VPC one is found. */
export const KINDS: Readonly<Record<string, readonly [list: string, id: string, inVpc?: string]>> = {
  'AWS::EC2::VPC': ['Vpcs', 'VpcId'],
  'AWS::EC2::EIP': ['Addresses', 'PublicIp'],
  'AWS::EC2::Subnet': ['Subnets', 'SubnetId', 'Subnets'],
  'AWS::EC2::RouteTable': ['RouteTables', 'RouteTableId', 'RouteTables'],
  'AWS::EC2::SecurityGroup': ['SecurityGroups', 'GroupId', 'SecurityGroups'],
  'AWS::EC2::VPCEndpoint': ['VpcEndpoints', 'VpcEndpointId', 'Endpoints'],
  'AWS::EC2::NatGateway': ['NatGateways', 'NatGatewayId', 'NatGateways'],
  'AWS::EC2::InternetGateway': ['InternetGateways', 'InternetGatewayId', 'InternetGateways'],
  'AWS::EC2::FlowLog': ['FlowLogs', 'FlowLogId', 'FlowLogs'],
  'AWS::EC2::TransitGatewayAttachment': [
    ...(['TransitGatewayVpcAttachments', 'TransitGatewayAttachmentId', 'TransitGateways'] as const),
  ],
  // What no template makes. An interface of nobody's is a machine in the zone.
  peering: ['VpcPeeringConnections', 'VpcPeeringConnectionId', 'Peerings'],
  vpnGateway: ['VpnGateways', 'VpnGatewayId', 'VpnGateways'],
  interface: ['NetworkInterfaces', 'NetworkInterfaceId', 'OtherInterfaces'],
};

/** What EC2 still lists. */
const GONE = /"State":"(?:delet|reject|expired|fail)/i;

/** What EC2 has of one kind: its answers have one list. */
const all = async (live: Live, kind: string) => {
  const answer = Object.values(await live('ec2', `Describe${kind}`));
  const found = items(answer.find((member) => typeof member === 'object' || member === ''));
  return found.filter((of) => !GONE.test(JSON.stringify(of)));
};

/** What EC2 says of one of a type, which is as a template has it but for what a reader adds. */
const ec2 = async (type: keyof typeof KINDS, value: string, live: Live) => {
  const [kind = '', id = ''] = KINDS[type] ?? [];
  return one(await all(live, kind), id, value);
};

/** What comes with a VPC, or with what is found there by another kind, by kind. */
const OWN: Readonly<Record<string, (of: JsonObject) => boolean>> = {
  RouteTables: ({ AssociationSet }) => one(AssociationSet, 'Main', 'true') !== undefined,
  SecurityGroups: ({ GroupName }) => GroupName === 'default',
  NetworkInterfaces: ({ InterfaceType }) =>
    /^(?:lambda|vpc_endpoint|nat_?gateway)$/i.test(String(InterfaceType)),
};

async function readVpc(id: string, live: Live) {
  const vpc = await ec2('AWS::EC2::VPC', id, live);
  const beside = Object.values(KINDS).map(async ([kind, name, property]) => {
    if (property === undefined) return [];
    const isHere = (of: JsonObject) => JSON.stringify(of).includes(`"${id}"`) && !OWN[kind]?.(of);
    return [[property, (await all(live, kind)).filter(isHere).map((of) => of[name])]];
  });
  const dns = ['EnableDnsHostnames', 'EnableDnsSupport'].map(async (name) => {
    const asked = { VpcId: id, Attribute: name.replace('E', 'e') };
    return [[name, at(await live('ec2', 'DescribeVpcAttribute', asked), name, 'Value')]];
  });
  const ofVpc = (await all(live, 'Subnets')).filter(({ VpcId }) => VpcId === id);
  const subnets = ofVpc.map(({ SubnetId }) => SubnetId);
  // Of every version, since each has a network of its own.
  const { Functions } = await live('lambda', '/2015-03-31/functions/', { FunctionVersion: 'ALL' });
  const inside = items(Functions).filter(({ VpcConfig }) =>
    listOf(at(VpcConfig, 'SubnetIds')).some((subnet) => subnets.includes(subnet)),
  );
  const blocks = [vpc?.CidrBlockAssociationSet, vpc?.Ipv6CidrBlockAssociationSet].flatMap(items);
  return (
    vpc && {
      ...vpc,
      Functions: inside.map(({ FunctionName, Version }) =>
        Version === '$LATEST' ? FunctionName : `${FunctionName}:${Version}`,
      ),
      OtherBlocks: blocks
        .map(({ CidrBlock, Ipv6CidrBlock }) => CidrBlock ?? Ipv6CidrBlock)
        .filter((block) => block !== vpc.CidrBlock),
      ...Object.fromEntries((await Promise.all([...beside, ...dns])).flat()),
    }
  );
}

async function readRouteTable(id: string, live: Live) {
  const table = await ec2('AWS::EC2::RouteTable', id, live);
  // The VPC's own route, and those of its gateway endpoints, come with them; those to other endpoints somebody made.
  const own = (await all(live, 'VpcEndpoints')).flatMap(({ VpcEndpointType, VpcEndpointId }) =>
    VpcEndpointType === 'Gateway' ? VpcEndpointId : [],
  );
  const Routes = items(table?.RouteSet)
    .filter(({ GatewayId }) => ![...own, 'local'].includes(GatewayId))
    .map(({ Origin: _, State: __, ...route }) => route);
  return table && { ...table, Routes, Subnets: items(table.AssociationSet).map(({ SubnetId }) => SubnetId) };
}

async function readSecurityGroup(id: string, live: Live) {
  const group = await ec2('AWS::EC2::SecurityGroup', id, live);
  const rules = (await all(live, 'SecurityGroupRules')).filter(({ GroupId }) => GroupId === id);
  // Each has one peer.
  const towards = (egress: string, peer: string) =>
    rules
      .filter(({ IsEgress }) => IsEgress === egress)
      .map((of) => ({ ...of, CidrIp: of.CidrIpv4, [peer]: at(of.ReferencedGroupInfo, 'GroupId') }));
  return (
    group && {
      ...group,
      SecurityGroupIngress: towards('false', 'SourceSecurityGroupId'),
      SecurityGroupEgress: towards('true', 'DestinationSecurityGroupId'),
    }
  );
}

/** How what networks are made of is read. */
export const NETWORK: Readonly<Record<string, Read>> = {
  ...Object.fromEntries(
    Object.keys(KINDS).map((type): [string, Read] => [type, (id, live) => ec2(type, id, live)]),
  ),
  'AWS::EC2::VPC': readVpc,
  'AWS::EC2::RouteTable': readRouteTable,
  'AWS::EC2::SecurityGroup': readSecurityGroup,
  async 'AWS::EC2::VPCEndpoint'(id, live) {
    const endpoint = await ec2('AWS::EC2::VPCEndpoint', id, live);
    const { SubnetIdSet: SubnetIds, RouteTableIdSet: RouteTableIds, GroupSet } = endpoint ?? {};
    const SecurityGroupIds = items(GroupSet).map(({ GroupId }) => GroupId);
    return endpoint && { ...endpoint, SubnetIds, RouteTableIds, SecurityGroupIds };
  },
  async 'AWS::Route53Resolver::FirewallDomainList'(FirewallDomainListId, live) {
    const { Domains } = await live('route53resolver', 'ListFirewallDomains', { FirewallDomainListId });
    // AWS writes names with their last dot.
    return { Domains: listOf(Domains).map((name) => String(name).replace(/(?<=.)\.$/, '')) };
  },
  'AWS::Route53Resolver::FirewallRuleGroup': (FirewallRuleGroupId, live) =>
    live('route53resolver', 'ListFirewallRules', { FirewallRuleGroupId }),
  async 'AWS::Route53Resolver::FirewallRuleGroupAssociation'(FirewallRuleGroupAssociationId, live) {
    const asked = { FirewallRuleGroupAssociationId };
    const answer = await live('route53resolver', 'GetFirewallRuleGroupAssociation', asked);
    return objectOf(answer.FirewallRuleGroupAssociation);
  },
};
