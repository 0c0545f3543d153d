import type { JsonObject } from '../proof/assembly/json.ts';
import { listOf } from '../proof/assembly/json.ts';
import { ask, at, items, one, type Read, without } from './answers.ts';
import type { Live } from './live.ts';

/** What EC2 has of one kind: its answers have one list. */
const kinds = async (live: Live, action: string) =>
  items(
    Object.values(without(await live('ec2', action), 'RequestId') ?? {}).find(
      (member) => typeof member === 'object' || member === '',
    ),
  );

/** Something of EC2 that its answer describes as a template does, with what it calls otherwise. */
function ec2(kind: string, id: string, otherwise: (of: JsonObject) => JsonObject = () => ({})): Read {
  return async (value, live) => {
    const found = one(await kinds(live, `Describe${kind}`), id, value);
    return found === undefined || GONE.test(JSON.stringify(found))
      ? undefined
      : { ...found, ...otherwise(found) };
  };
}

/** What EC2 still lists. */
const GONE = /"State":"(?:delet|reject|expired|fail)/i;

/** What comes with a VPC, or with what is found there by another kind, by kind. */
const OWN: Readonly<Record<string, (of: JsonObject) => boolean>> = {
  RouteTables: ({ AssociationSet }) => one(AssociationSet, 'Main', 'true') !== undefined,
  SecurityGroups: ({ GroupName }) => GroupName === 'default',
  NetworkInterfaces: ({ InterfaceType }) =>
    /^(?:lambda|vpc_endpoint|nat_?gateway)$/i.test(String(InterfaceType)),
};

/** What may stand in a VPC: how it is found, and the type that puts it there. An interface of nobody's is a machine in the zone. */
export const IN_VPC = {
  Subnets: ['Subnets', 'SubnetId', 'AWS::EC2::Subnet'],
  RouteTables: ['RouteTables', 'RouteTableId', 'AWS::EC2::RouteTable'],
  SecurityGroups: ['SecurityGroups', 'GroupId', 'AWS::EC2::SecurityGroup'],
  Endpoints: ['VpcEndpoints', 'VpcEndpointId', 'AWS::EC2::VPCEndpoint'],
  NatGateways: ['NatGateways', 'NatGatewayId', 'AWS::EC2::NatGateway'],
  InternetGateways: ['InternetGateways', 'InternetGatewayId', 'AWS::EC2::InternetGateway'],
  FlowLogs: ['FlowLogs', 'FlowLogId', 'AWS::EC2::FlowLog'],
  Peerings: ['VpcPeeringConnections', 'VpcPeeringConnectionId', ''],
  TransitGateways: [
    'TransitGatewayVpcAttachments',
    'TransitGatewayAttachmentId',
    'AWS::EC2::TransitGatewayAttachment',
  ],
  VpnGateways: ['VpnGateways', 'VpnGatewayId', ''],
  OtherInterfaces: ['NetworkInterfaces', 'NetworkInterfaceId', ''],
} as const;

async function readVpc(id: string, live: Live) {
  const beside = Object.entries(IN_VPC).map(async ([property, [kind, name]]) => {
    const there = (await kinds(live, `Describe${kind}`)).filter((of) => {
      const text = JSON.stringify(of);
      return text.includes(`"${id}"`) && !GONE.test(text) && !OWN[kind]?.(of);
    });
    return [property, there.map((of) => of[name])];
  });
  const attribute = async (name: string) => {
    const answer = await live('ec2', 'DescribeVpcAttribute', {
      VpcId: id,
      Attribute: `${name[0]?.toLowerCase()}${name.slice(1)}`,
    });
    return [name, at(answer, name, 'Value')];
  };
  const vpc = await ec2('Vpcs', 'VpcId')(id, live, {});
  const subnets = (await kinds(live, 'DescribeSubnets')).filter(({ VpcId }) => VpcId === id);
  // Of every version, since each has a network of its own.
  const functions = items(
    (await live('lambda', '/2015-03-31/functions/', { FunctionVersion: 'ALL' })).Functions,
  ).filter(({ VpcConfig }) =>
    subnets.some(({ SubnetId }) => listOf(at(VpcConfig, 'SubnetIds')).includes(SubnetId)),
  );
  return (
    vpc && {
      ...vpc,
      Functions: functions.map(({ FunctionName, Version }) =>
        Version === '$LATEST' ? FunctionName : `${FunctionName}:${Version}`,
      ),
      OtherBlocks: [vpc.CidrBlockAssociationSet, vpc.Ipv6CidrBlockAssociationSet]
        .flatMap((set) => items(set))
        .map(({ CidrBlock, Ipv6CidrBlock }) => CidrBlock ?? Ipv6CidrBlock)
        .filter((block) => block !== vpc.CidrBlock),
      ...Object.fromEntries(
        await Promise.all([...beside, attribute('EnableDnsHostnames'), attribute('EnableDnsSupport')]),
      ),
    }
  );
}

/** The rules of a security group. */
const rules = async (live: Live, group: string, outward: boolean) =>
  (await kinds(live, 'DescribeSecurityGroupRules'))
    .filter(({ GroupId, IsEgress }) => GroupId === group && (IsEgress === 'true') === outward)
    .map(({ IpProtocol, FromPort, ToPort, CidrIpv4, CidrIpv6, PrefixListId, ReferencedGroupInfo: of }) => ({
      ...{ IpProtocol, FromPort, ToPort, CidrIp: CidrIpv4, CidrIpv6, PrefixListId },
      [outward ? 'DestinationSecurityGroupId' : 'SourceSecurityGroupId']: at(of, 'GroupId'),
    }));

async function readRouteTable(id: string, live: Live) {
  const table = await ec2('RouteTables', 'RouteTableId')(id, live, {});
  // The VPC's own route, and those of its gateway endpoints, come with them; those to other endpoints somebody made.
  const own = (await kinds(live, 'DescribeVpcEndpoints'))
    .filter(({ VpcEndpointType }) => VpcEndpointType === 'Gateway')
    .map(({ VpcEndpointId }) => VpcEndpointId);
  return (
    table && {
      ...table,
      Routes: items(table.RouteSet)
        .filter(({ GatewayId }) => GatewayId !== 'local' && !own.includes(GatewayId))
        .map((route) => without(route, 'Origin', 'State')),
      Subnets: items(table.AssociationSet).map(({ SubnetId }) => SubnetId),
    }
  );
}

async function readSecurityGroup(id: string, live: Live) {
  const group = await ec2('SecurityGroups', 'GroupId')(id, live, {});
  const [SecurityGroupIngress, SecurityGroupEgress] = [
    await rules(live, id, false),
    await rules(live, id, true),
  ];
  return group && { ...group, SecurityGroupIngress, SecurityGroupEgress };
}

/** How what networks are made of is read. */
export const NETWORK = {
  'AWS::EC2::VPC': readVpc,
  'AWS::EC2::Subnet': ec2('Subnets', 'SubnetId'),
  'AWS::EC2::RouteTable': readRouteTable,
  'AWS::EC2::SecurityGroup': readSecurityGroup,
  'AWS::EC2::VPCEndpoint': ec2(
    'VpcEndpoints',
    'VpcEndpointId',
    ({ GroupSet, SubnetIdSet, RouteTableIdSet }) => ({
      ...{ SubnetIds: SubnetIdSet, RouteTableIds: RouteTableIdSet },
      SecurityGroupIds: items(GroupSet).map(({ GroupId }) => GroupId),
    }),
  ),
  'AWS::EC2::NatGateway': ec2('NatGateways', 'NatGatewayId'),
  'AWS::EC2::InternetGateway': ec2('InternetGateways', 'InternetGatewayId'),
  'AWS::EC2::EIP': ec2('Addresses', 'PublicIp'),
  'AWS::EC2::FlowLog': ec2('FlowLogs', 'FlowLogId'),
  'AWS::EC2::TransitGatewayAttachment': ec2('TransitGatewayVpcAttachments', 'TransitGatewayAttachmentId'),
  'AWS::Route53Resolver::FirewallDomainList': async (FirewallDomainListId, live) => {
    const { Domains } = await live('route53resolver', 'ListFirewallDomains', { FirewallDomainListId });
    // AWS writes names with their last dot.
    return { Domains: listOf(Domains).map((name) => String(name).replace(/(?<=.)\.$/, '')) };
  },
  'AWS::Route53Resolver::FirewallRuleGroup': ask(
    ...(['route53resolver', 'ListFirewallRules', 'FirewallRuleGroupId'] as const),
  ),
  'AWS::Route53Resolver::FirewallRuleGroupAssociation': ask(
    ...(['route53resolver', 'GetFirewallRuleGroupAssociation'] as const),
    ...(['FirewallRuleGroupAssociationId', 'FirewallRuleGroupAssociation'] as const),
  ),
} as const satisfies Record<string, Read>;
