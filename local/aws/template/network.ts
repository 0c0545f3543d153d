import { listOf, objectOf, stringsOf } from '../../../infra/proof/assembly/json.ts';
import { type ResolvedAssembly, resourcesOfType } from '../../../infra/proof/assembly/resolve.ts';
import { zoneOf } from './zone-of.ts';

/** A VPC endpoint of the template. */
export interface TemplateEndpoint {
  id: string;
  vpc: string;
  zone: string | undefined;
  /** Signing name of the service behind it. */
  service: string;
}

/** The networks of the template, as far as functions notice them. */
export interface Networks {
  endpoints: readonly TemplateEndpoint[];
  /** The VPC of a function's subnets; undefined for a function outside every VPC. */
  vpcOf(subnets: readonly string[]): string | undefined;
  /** Whether the VPC has a way to AWS's public endpoints. */
  hasEgress(vpc: string): boolean;
}

/** Reads VPC endpoints, subnets and NAT gateways. Does not look at routes or security groups: the boundary proof does. */
export function readNetworks(assembly: ResolvedAssembly): Networks {
  const vpcBySubnet = new Map(
    resourcesOfType(assembly, 'AWS::EC2::Subnet').map(({ physicalId, properties }) => [
      physicalId,
      String(properties['VpcId']),
    ]),
  );
  const withNat = new Set(
    resourcesOfType(assembly, 'AWS::EC2::NatGateway').map(({ properties }) =>
      vpcBySubnet.get(String(properties['SubnetId'])),
    ),
  );
  return {
    endpoints: resourcesOfType(assembly, 'AWS::EC2::VPCEndpoint').map(
      ({ physicalId, properties, stack }) => ({
        id: physicalId,
        vpc: String(properties['VpcId']),
        zone: zoneOf(stack),
        service: String(properties['ServiceName']).split('.').at(-1) ?? '',
      }),
    ),
    vpcOf: ([first]) => (first === undefined ? undefined : vpcBySubnet.get(first)),
    hasEgress: (vpc) => withNat.has(vpc),
  };
}

/** The subnets that a function's `VpcConfig` names. */
export function subnetsOf(properties: Readonly<Record<string, unknown>>): string[] {
  return stringsOf(listOf(objectOf(properties['VpcConfig'])['SubnetIds']));
}
