import type { Rule } from '../rule.ts';

/** Resource types that join networks or let another one in, with what each does. None has a use in this system. */
const JOINING: Readonly<Record<string, string>> = {
  'AWS::EC2::VPCPeeringConnection': 'joins two VPCs',
  'AWS::EC2::TransitGateway': 'routes between VPCs',
  'AWS::EC2::TransitGatewayAttachment': 'attaches a VPC to a router between VPCs',
  'AWS::EC2::TransitGatewayVpcAttachment': 'attaches a VPC to a router between VPCs',
  'AWS::EC2::TransitGatewayPeeringAttachment': 'joins two routers between VPCs',
  'AWS::EC2::VPNGateway': 'joins a VPC with a network outside',
  'AWS::EC2::VPNConnection': 'joins a VPC with a network outside',
  'AWS::EC2::ClientVpnEndpoint': 'lets computers outside into a VPC',
  'AWS::EC2::CarrierGateway': 'joins a VPC with a carrier network',
  'AWS::EC2::LocalGatewayRouteTableVPCAssociation': 'joins a VPC with a network outside',
  'AWS::EC2::VPCEndpointService': 'offers a service of this VPC to other networks',
  'AWS::EC2::VPCEndpointServicePermissions': 'offers a service of this VPC to other accounts',
  'AWS::EC2::InstanceConnectEndpoint': 'lets administrators into a VPC from outside',
  'AWS::EC2::VerifiedAccessEndpoint': 'lets users into a VPC from outside',
  'AWS::NetworkManager::VpcAttachment': 'attaches a VPC to a router between VPCs',
  'AWS::VpcLattice::Service': 'offers a service across VPCs',
  'AWS::VpcLattice::ServiceNetwork': 'joins VPCs',
  'AWS::VpcLattice::ServiceNetworkVpcAssociation': 'joins VPCs',
  'AWS::VpcLattice::ResourceGateway': 'lets other networks into a VPC',
  'AWS::VpcLattice::ResourceConfiguration': 'offers a resource of this VPC to other networks',
  'AWS::RAM::ResourceShare': 'shares subnets or gateways with other accounts',
  'AWS::EC2::SubnetCidrBlock': 'gives a subnet IPv6 addresses, which no rule of a zone is written for',
  'AWS::EC2::VPCCidrBlock': 'gives a VPC addresses that the declaration does not know',
  'AWS::Route53Resolver::ResolverEndpoint': 'joins the resolvers of two networks',
  'AWS::Route53Resolver::ResolverRule': 'sends names to another resolver',
  'AWS::Route53Resolver::ResolverRuleAssociation': 'sends names to another resolver',
  'AWS::EC2::DHCPOptions': 'may send names to another resolver, past the DNS Firewall',
  'AWS::EC2::VPCDHCPOptionsAssociation': 'may send names to another resolver, past the DNS Firewall',
  'AWS::EFS::MountTarget': 'puts a shared file system into a subnet',
};

/** No resource joins two networks, or a zone with a network outside. */
export const noJoinedNetworks: Rule = {
  name: 'no-joined-networks',
  invariant: 'I4',
  title: 'No resource joins two networks, or a zone with a network outside.',
  check: ({ assembly }) =>
    assembly.resources
      .filter(({ type }) => Object.hasOwn(JOINING, type))
      .map((resource) => ({
        resource: resource.constructPath,
        message: `${resource.type} ${JOINING[resource.type]}.`,
        path: [resource.stack, resource.type, 'another network'],
        remedy: 'Remove it. Zones meet in nothing but the invocation of a signer.',
      })),
};
