import { SIGNING_ZONE } from '../../declaration/names.ts';
import type { SystemDeclaration } from '../../declaration/schema.ts';
import { listOf, objectOf, stringOf, stringsOf } from '../assembly/json.ts';
import { type ResolvedAssembly, type ResolvedResource, resourcesOfType } from '../assembly/resolve.ts';

/** A route of a subnet: where it goes, and through what (an id, or the id of what a gateway endpoint serves). */
export interface NetworkRoute {
  destination: string;
  through: string;
  resource: ResolvedResource;
}

/** A subnet with the routes of its table; without an association it would have the VPC's main table, which has no routes here. */
export interface Subnet {
  id: string;
  vpc: string;
  routes: readonly NetworkRoute[];
  publicAddresses: boolean;
  resource: ResolvedResource;
}

/** One permission of a security group. `peer` is a CIDR, a prefix list or another group's id. */
export interface Permission {
  direction: 'in' | 'out';
  protocol: string;
  /** Inclusive; -1 for all. */
  from: number;
  to: number;
  peer: string;
  resource: ResolvedResource;
}

/** A security group with every permission of the templates, inline or apart. */
export interface Group {
  id: string;
  vpc: string;
  permissions: readonly Permission[];
  resource: ResolvedResource;
}

/** A VPC endpoint. `service` is the last part of its name, e.g. `kms`. */
export interface Endpoint {
  id: string;
  vpc: string;
  service: string;
  groups: readonly string[];
  subnets: readonly string[];
  resource: ResolvedResource;
}

/** Where a function runs; both lists empty outside every VPC. */
export interface Placement {
  name: string;
  subnets: readonly string[];
  groups: readonly string[];
  resource: ResolvedResource;
}

/** The network of the whole assembly. Ids are those of `resolveAssembly`. */
export interface Network {
  /** Zone name by VPC id; the signing zone is `signing`. A VPC of no declared zone is absent. */
  zones: ReadonlyMap<string, string>;
  vpcs: readonly ResolvedResource[];
  subnets: ReadonlyMap<string, Subnet>;
  groups: ReadonlyMap<string, Group>;
  endpoints: readonly Endpoint[];
  functions: readonly Placement[];
}

/** The name that the proof gives to the zone of the signers. */
export const SIGNING = SIGNING_ZONE;

/** Reads VPCs, subnets, routes, groups, endpoints and placements out of `assembly`. Does not judge them. */
export function readNetwork(assembly: ResolvedAssembly, declaration: SystemDeclaration): Network {
  const vpcs = resourcesOfType(assembly, 'AWS::EC2::VPC');
  const zones = vpcs.flatMap((vpc): [string, string][] => {
    const { zone = '' } = vpc;
    return zone === SIGNING || Object.hasOwn(declaration.zones, zone) ? [[vpc.physicalId, zone]] : [];
  });
  const routes = readRoutes(assembly);
  const subnets = resourcesOfType(assembly, 'AWS::EC2::Subnet').map((resource): Subnet => {
    const { VpcId, MapPublicIpOnLaunch } = resource.properties;
    const tables = resourcesOfType(assembly, 'AWS::EC2::SubnetRouteTableAssociation')
      .filter(({ properties }) => properties.SubnetId === resource.physicalId)
      .map(({ properties }) => String(properties.RouteTableId));
    return {
      id: resource.physicalId,
      vpc: String(VpcId),
      routes: tables.flatMap((table) => routes.get(table) ?? []),
      publicAddresses: MapPublicIpOnLaunch === true,
      resource,
    };
  });
  const groups = resourcesOfType(assembly, 'AWS::EC2::SecurityGroup').map((resource): Group => {
    const id = stringOf(resource.properties.GroupId) ?? resource.physicalId;
    return {
      id,
      vpc: String(resource.properties.VpcId),
      permissions: permissionsOf(assembly, resource, id),
      resource,
    };
  });
  return {
    zones: new Map(zones),
    vpcs,
    subnets: new Map(subnets.map((subnet) => [subnet.id, subnet])),
    groups: new Map(groups.map((group) => [group.id, group])),
    endpoints: resourcesOfType(assembly, 'AWS::EC2::VPCEndpoint').map(readEndpoint),
    functions: resourcesOfType(assembly, 'AWS::Lambda::Function').map((resource) => {
      const placed = objectOf(resource.properties.VpcConfig);
      return {
        name: resource.physicalId,
        subnets: stringsOf(placed.SubnetIds),
        groups: stringsOf(placed.SecurityGroupIds),
        resource,
      };
    }),
  };
}

const ROUTE_TARGETS = [
  'GatewayId',
  'NatGatewayId',
  'VpcPeeringConnectionId',
  'TransitGatewayId',
  'EgressOnlyInternetGatewayId',
  'InstanceId',
  'NetworkInterfaceId',
  'LocalGatewayId',
  'CarrierGatewayId',
  'CoreNetworkArn',
  'VpcEndpointId',
] as const;

const ROUTE_DESTINATIONS = [
  'DestinationCidrBlock',
  'DestinationIpv6CidrBlock',
  'DestinationPrefixListId',
] as const;

function readRoutes(assembly: ResolvedAssembly): Map<string, NetworkRoute[]> {
  const routes = new Map<string, NetworkRoute[]>();
  for (const resource of resourcesOfType(assembly, 'AWS::EC2::Route')) {
    const { properties } = resource;
    const table = String(properties.RouteTableId);
    const destination =
      ROUTE_DESTINATIONS.map((name) => stringOf(properties[name])).find(Boolean) ?? 'unknown';
    const through = ROUTE_TARGETS.map((name) => stringOf(properties[name])).find(Boolean) ?? 'unknown';
    routes.set(table, [...(routes.get(table) ?? []), { destination, through, resource }]);
  }
  return routes;
}

function permissionsOf(assembly: ResolvedAssembly, group: ResolvedResource, id: string): Permission[] {
  const inline = [
    ...listOf(group.properties.SecurityGroupIngress).map((rule) => readPermission('in', rule, group)),
    ...listOf(group.properties.SecurityGroupEgress).map((rule) => readPermission('out', rule, group)),
  ];
  const apart = (type: string, direction: 'in' | 'out') =>
    resourcesOfType(assembly, type)
      .filter(({ properties }) => properties.GroupId === id)
      .map((resource) => readPermission(direction, resource.properties, resource));
  return [
    ...inline,
    ...apart('AWS::EC2::SecurityGroupIngress', 'in'),
    ...apart('AWS::EC2::SecurityGroupEgress', 'out'),
    // A group that names no way out gets AWS's own rule: everything, to everywhere.
    ...(group.properties.SecurityGroupEgress === undefined &&
    apart('AWS::EC2::SecurityGroupEgress', 'out').length === 0
      ? [readPermission('out', { IpProtocol: '-1', CidrIp: '0.0.0.0/0' }, group)]
      : []),
  ];
}

function readPermission(direction: 'in' | 'out', rule: unknown, resource: ResolvedResource): Permission {
  const fields = objectOf(rule);
  const peers = [
    fields.CidrIp,
    fields.CidrIpv6,
    fields.DestinationSecurityGroupId,
    fields.SourceSecurityGroupId,
    fields.SourceSecurityGroupName,
    fields.DestinationPrefixListId,
    fields.SourcePrefixListId,
  ];
  return {
    direction,
    protocol: String(fields.IpProtocol),
    from: Number(fields.FromPort ?? -1),
    to: Number(fields.ToPort ?? -1),
    peer: peers.map(stringOf).find(Boolean) ?? 'unknown',
    resource,
  };
}

function readEndpoint(resource: ResolvedResource): Endpoint {
  const { VpcId, ServiceName, SecurityGroupIds, SubnetIds } = resource.properties;
  return {
    id: resource.physicalId,
    vpc: String(VpcId),
    service: String(ServiceName).split('.').at(-1) ?? '',
    groups: stringsOf(SecurityGroupIds),
    subnets: stringsOf(SubnetIds),
    resource,
  };
}
