import { SIGNING_ZONE, zoneStackName } from '../../declaration/names.ts';
import type { SystemDeclaration } from '../../declaration/schema.ts';
import { type JsonObject, listOf, objectOf, stringOf, stringsOf } from './json.ts';
import { type ResolvedAssembly, type ResolvedResource, resourcesOfType } from './resolve.ts';

/** A route of a subnet: where it goes, and through what (an id, or the id of what a gateway endpoint serves). */
export interface Route {
  destination: string;
  through: string;
}

/**
 * A subnet with the routes of its table; without an association it would have the VPC's main table, which has no routes here. One that
 * was there before has routes that nobody knows: to everywhere, and to the zone's exits, through its VPC.
 */
export interface Subnet {
  id: string;
  vpc: string;
  routes: readonly Route[];
}

/** One permission of a security group. `peer` is a CIDR, another group's id, or `unknown`. */
export interface Permission {
  direction: 'in' | 'out';
  protocol: string;
  /** Inclusive; -1 for all. */
  from: number;
  to: number;
  peer: string;
}

/** A VPC endpoint. `service` is the last part of its name, e.g. `kms`, also of `kms-fips`. */
export interface VpcEndpoint {
  id: string;
  vpc: string;
  service: string;
  kind: 'Interface' | 'Gateway' | 'other';
  groups: readonly string[];
  subnets: readonly string[];
  resource: ResolvedResource;
}

/** Where a function runs; both lists empty outside every VPC. */
export interface Placement {
  subnets: readonly string[];
  groups: readonly string[];
  resource: ResolvedResource;
}

/** The network of the whole assembly. Ids are those of `resolveAssembly`. */
export interface Network {
  /** Zone name by VPC id, also of one that was there before; the signing zone is `signing`. A VPC of no declared zone is absent. */
  zones: ReadonlyMap<string, string>;
  /** Those that were there before first, as if templates had them. */
  vpcs: readonly ResolvedResource[];
  subnets: ReadonlyMap<string, Subnet>;
  /** Of each security group every permission of the templates, inline or apart. */
  groups: ReadonlyMap<string, readonly Permission[]>;
  endpoints: readonly VpcEndpoint[];
  functions: readonly Placement[];
}

/** The name that the proof gives to the zone of the signers. */
export const SIGNING = SIGNING_ZONE;

/** Reads VPCs, subnets, routes, groups, endpoints and placements out of `assembly`. Does not judge them. */
export function readNetwork(assembly: ResolvedAssembly, declaration: SystemDeclaration): Network {
  const vpcs = resourcesOfType(assembly, 'AWS::EC2::VPC');
  const zones = vpcs.flatMap(({ physicalId, zone = '' }): [string, string][] =>
    zone === SIGNING || Object.hasOwn(declaration.zones, zone) ? [[physicalId, zone]] : [],
  );
  const there = Object.entries(declaration.zones).flatMap(([zone, { network, exits, cidr: CidrBlock }]) => {
    if (network === undefined) return [];
    const { vpcId: vpc } = network;
    const ranges = ['0.0.0.0/0', ...Object.values(exits).flatMap(({ cidrs }) => cidrs)];
    const routes = ranges.map((destination) => ({ destination, through: vpc }));
    const subnets = network.subnets.map(({ subnetId: id }): Subnet => ({ id, vpc, routes }));
    const stack = zoneStackName(declaration.name, zone);
    const { account, region } = assembly.stacks.find(({ name }) => name === stack) ?? assembly;
    const resource: ResolvedResource = {
      stack,
      account,
      region,
      zone,
      logicalId: '',
      physicalId: vpc,
      arn: undefined,
      names: [vpc],
      type: 'AWS::EC2::VPC',
      properties: { CidrBlock },
      definition: {},
      certain: true,
      constructPath: stack,
      assetPath: undefined,
    };
    return [{ zone, vpc, subnets, resource }];
  });
  const routes = Map.groupBy(
    resourcesOfType(assembly, 'AWS::EC2::Route').map(({ properties }) => ({
      table: properties.RouteTableId,
      destination: firstOf(properties, ['DestinationCidrBlock']),
      through: firstOf(properties, ROUTE_TARGETS),
    })),
    ({ table }) => table,
  );
  const tables = Map.groupBy(
    resourcesOfType(assembly, 'AWS::EC2::SubnetRouteTableAssociation').map(({ properties }) => properties),
    ({ SubnetId }) => SubnetId,
  );
  const subnets = resourcesOfType(assembly, 'AWS::EC2::Subnet').map((resource): Subnet => {
    const { physicalId: id, properties } = resource;
    const associated = (tables.get(id) ?? []).flatMap(({ RouteTableId: table }) => routes.get(table) ?? []);
    return { id, vpc: String(properties.VpcId), routes: associated };
  });
  const groups = resourcesOfType(assembly, 'AWS::EC2::SecurityGroup').map((group) => {
    const id = stringOf(group.properties.GroupId) ?? group.physicalId;
    return [id, permissionsOf(group, id, assembly)] as const;
  });
  return {
    zones: new Map([...zones, ...there.map(({ vpc, zone }) => [vpc, zone] as const)]),
    vpcs: [...there.map(({ resource }) => resource), ...vpcs],
    subnets: new Map([...subnets, ...there.flatMap((of) => of.subnets)].map((subnet) => [subnet.id, subnet])),
    groups: new Map(groups),
    endpoints: readEndpoints(assembly),
    functions: resourcesOfType(assembly, 'AWS::Lambda::Function').map((resource) => {
      const { SubnetIds, SecurityGroupIds } = objectOf(resource.properties.VpcConfig);
      return { subnets: stringsOf(SubnetIds), groups: stringsOf(SecurityGroupIds), resource };
    }),
  };
}

/** The VPC endpoints of `assembly`. */
export function readEndpoints(assembly: ResolvedAssembly): VpcEndpoint[] {
  return resourcesOfType(assembly, 'AWS::EC2::VPCEndpoint').map((resource) => {
    const { VpcId, ServiceName, SecurityGroupIds, SubnetIds, VpcEndpointType } = resource.properties;
    const kind = VpcEndpointType ?? 'Gateway';
    // EC2 gives an interface without groups the default one.
    const isDefault = kind === 'Interface' && SecurityGroupIds === undefined;
    return {
      id: resource.physicalId,
      vpc: String(VpcId),
      service: String(ServiceName).replace(/^.*\.|-fips$/g, ''),
      kind: kind === 'Interface' || kind === 'Gateway' ? kind : 'other',
      groups: isDefault ? ['the default group'] : stringsOf(SecurityGroupIds),
      subnets: stringsOf(SubnetIds),
      resource,
    };
  });
}

/** Others are no properties that are understood. */
const ROUTE_TARGETS = ['GatewayId', 'NatGatewayId', 'TransitGatewayId'];
const PEERS = ['CidrIp', 'DestinationSecurityGroupId', 'SourceSecurityGroupId'];

/** The first of these properties that is a text; `unknown` where none is. */
function firstOf(properties: JsonObject, names: readonly string[]): string {
  return names.map((name) => stringOf(properties[name])).find(Boolean) ?? 'unknown';
}

/** The permissions of a group: those in its properties, and those of resources of the properties' names. */
function permissionsOf(group: ResolvedResource, id: string, assembly: ResolvedAssembly): Permission[] {
  return (['in', 'out'] as const).flatMap((direction) => {
    const name = direction === 'in' ? 'SecurityGroupIngress' : 'SecurityGroupEgress';
    const apart = resourcesOfType(assembly, `AWS::EC2::${name}`).map(({ properties }) => properties);
    const rules = [...listOf(group.properties[name]), ...apart.filter(({ GroupId }) => GroupId === id)];
    // A group that names no way out, also one with an empty list, gets AWS's own rule: everything, to everywhere.
    if (direction === 'out' && rules.length === 0) rules.push({ IpProtocol: '-1', CidrIp: '0.0.0.0/0' });
    return rules.map(objectOf).map((fields) => ({
      direction,
      protocol: String(fields.IpProtocol),
      peer: firstOf(fields, PEERS),
      from: Number(fields.FromPort ?? -1),
      to: Number(fields.ToPort ?? -1),
    }));
  });
}
