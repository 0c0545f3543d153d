import { required } from '@helseid-zones/protocol/values';
import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import {
  CfnFirewallDomainList,
  CfnFirewallRuleGroup,
  CfnFirewallRuleGroupAssociation,
} from 'aws-cdk-lib/aws-route53resolver';
import { Construct } from 'constructs';
import type { ExitDeclaration, ZoneDeclaration } from '../declaration/schema.ts';
import { serviceHost } from './arns.ts';

/** AWS services that a zone can have an endpoint for. */
export type EndpointService = 'lambda' | 'kms' | 'secretsmanager' | 'sqs' | 'dynamodb';

/** What a network is built from. */
export interface ZoneNetworkProps {
  cidr: string;
  availabilityZones: number;
  /** A VPC that is there, to use in place of one of its own. */
  existing?: ZoneDeclaration['network'];
  /** Whether the zone calls hosts over the internet; else no NAT. */
  internet: boolean;
  /** Names that its resolver answers, beside those of its endpoints. */
  hosts: readonly string[];
  /** Ways to other networks. */
  exits: readonly ExitDeclaration[];
  services: readonly EndpointService[];
}

/** The most that a declaration may ask for; subnets are laid out for so many. */
const MAX_AVAILABILITY_ZONES = 3;

const INTERFACE_SERVICES = {
  lambda: ec2.InterfaceVpcEndpointAwsService.LAMBDA,
  kms: ec2.InterfaceVpcEndpointAwsService.KMS,
  secretsmanager: ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
  sqs: ec2.InterfaceVpcEndpointAwsService.SQS,
} as const;

/**
 * One zone's VPC: no peering, no shared subnet, functions in subnets without a public address, endpoints for exactly the
 * services named, security groups that open 443 to those endpoints (and to the internet where the zone calls hosts), and a
 * DNS firewall that answers for those names only (invariant I4; docs/decisions/egress.md says what that does not stop). Exits add
 * their ports at their ranges, and where the VPC is the zone's own an attachment and routes to those ranges.
 */
export class ZoneNetwork extends Construct {
  readonly vpc: ec2.IVpc;
  /** Where functions run: no way out, or out through NAT only. */
  readonly subnetType: ec2.SubnetType;
  /** Of every function of the zone. */
  readonly functionGroup: ec2.SecurityGroup;
  private readonly endpoints: ReadonlyMap<EndpointService, ec2.InterfaceVpcEndpoint | ec2.GatewayVpcEndpoint>;

  /** Dimensions of the figure of names that the resolver did not answer for, where its firewall is the zone's. */
  readonly blockedNames: ReturnType<typeof restrictNames> | undefined;

  constructor(scope: Construct, id: string, { hosts, services, exits, ...props }: ZoneNetworkProps) {
    super(scope, id);
    const { internet, existing } = props;
    const subnetType =
      internet && !existing ? ec2.SubnetType.PRIVATE_WITH_EGRESS : ec2.SubnetType.PRIVATE_ISOLATED;
    const vpc = existing ? importVpc(this, existing) : makeVpc(this, subnetType, props);
    const endpointGroup = new ec2.SecurityGroup(this, 'EndpointGroup', {
      vpc,
      description: 'Endpoints of the zone: 443 from its functions, nothing out.',
      allowAllOutbound: false,
    });
    const functionGroup = new ec2.SecurityGroup(this, 'FunctionGroup', {
      vpc,
      description: 'Functions of the zone: nothing in, 443 out.',
      allowAllOutbound: false,
    });
    functionGroup.addEgressRule(endpointGroup, ec2.Port.tcp(443), 'the endpoints of the zone');
    endpointGroup.addIngressRule(functionGroup, ec2.Port.tcp(443), 'the functions of the zone');
    // A gateway endpoint has no security group of its own; without NAT its route is the only one there is.
    if (internet || services.includes('dynamodb'))
      functionGroup.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(443), 'through the routes of the subnet');
    for (const { cidrs, ports } of exits)
      for (const cidr of cidrs)
        for (const port of ports)
          functionGroup.addEgressRule(ec2.Peer.ipv4(cidr), ec2.Port.tcp(port), 'an exit');
    addRoutes(this, vpc, subnetType, exits);
    const names = [...hosts, ...services.map((service) => serviceHost(Stack.of(this), service))];
    this.blockedNames = existing?.dnsFirewall === false ? undefined : restrictNames(this, vpc.vpcId, names);
    this.vpc = vpc;
    this.subnetType = subnetType;
    this.functionGroup = functionGroup;
    this.endpoints = new Map(
      services.map((service) => [service, createEndpoint(this, service, vpc, subnetType, endpointGroup)]),
    );
  }

  /**
   * Id of an endpoint, for `aws:SourceVpce`.
   * @throws {TypeError} where the zone has none for the service: no policy may name an endpoint that is not there
   */
  endpointId(service: EndpointService): string {
    return required(this.endpoints.get(service), `The endpoint for ${service}`).vpcEndpointId;
  }

  /** Whether the zone has an endpoint for the service. */
  has(service: EndpointService): boolean {
    return this.endpoints.has(service);
  }

  /** Adds statements to an endpoint's policy, if there is one. Without any it would take everything, so each must get some. */
  allowThrough(service: EndpointService, statements: readonly PolicyStatement[]): void {
    for (const statement of statements) this.endpoints.get(service)?.addToPolicy(statement);
  }
}

function makeVpc(
  scope: Construct,
  subnetType: ec2.SubnetType,
  { cidr, availabilityZones, internet }: Pick<ZoneNetworkProps, 'cidr' | 'availabilityZones' | 'internet'>,
): ec2.IVpc {
  // With another CIDR another network is made beside the old one, down to its addresses: one replaced in place would ask for an
  // internet gateway and an Elastic IP that the old one still holds, and CloudFormation takes the old away last.
  // CDK declares its optional members in a way that `exactOptionalPropertyTypes` does not take as an IVpc.
  return new ec2.Vpc(scope, `Vpc-${cidr.replace('/', '-')}`, {
    ipAddresses: ec2.IpAddresses.cidr(cidr),
    maxAzs: availabilityZones,
    // Every subnet keeps its addresses whatever the number of availability zones, and whether or not there is a way out.
    reservedAzs: MAX_AVAILABILITY_ZONES - availabilityZones,
    // One NAT gateway a zone: with one an availability zone, three zones would need more Elastic IPs than an account has.
    natGateways: internet ? 1 : 0,
    subnetConfiguration: [
      { name: 'functions', subnetType },
      {
        name: 'nat',
        subnetType: ec2.SubnetType.PUBLIC,
        cidrMask: 28,
        mapPublicIpOnLaunch: false,
        reserved: !internet,
      },
    ],
    // It would add a function of CDK's outside every zone. Nothing attaches the default group; the proof shows that.
    restrictDefaultSecurityGroup: false,
  }) as ec2.IVpc;
}

/** Looks nothing up, so that a synth needs no credentials: of availability zones it knows that each subnet has another. */
function importVpc(scope: Construct, { vpcId, subnets }: NonNullable<ZoneDeclaration['network']>): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(scope, 'Vpc', {
    vpcId,
    availabilityZones: subnets.map((_, index) => `zone ${index}`),
    isolatedSubnetIds: subnets.map(({ subnetId }) => subnetId),
    isolatedSubnetRouteTableIds: subnets.map(({ routeTableId }) => routeTableId),
  });
}

/** What leads from the functions' subnets to the ranges of exits, and nowhere else; none in a VPC that is there, where exits say nothing of it. */
function addRoutes(
  scope: Construct,
  vpc: ec2.IVpc,
  subnetType: ec2.SubnetType,
  exits: readonly ExitDeclaration[],
) {
  const { subnets, subnetIds } = vpc.selectSubnets({ subnetType });
  const { vpcId } = vpc;
  for (const through of new Set(exits.flatMap((exit) => exit.through ?? []))) {
    const [id, isTransit] = [`Attachment-${through}`, through.startsWith('tgw-')];
    const transit = { vpcId, subnetIds, transitGatewayId: through };
    const attachment = isTransit
      ? new ec2.CfnTransitGatewayAttachment(scope, id, transit)
      : new ec2.CfnVPCGatewayAttachment(scope, id, { vpcId, vpnGatewayId: through });
    const target = isTransit ? { transitGatewayId: through } : { gatewayId: through };
    for (const destinationCidrBlock of exits.flatMap((exit) => (exit.through === through ? exit.cidrs : [])))
      for (const [index, { routeTable: table }] of subnets.entries()) {
        const route = { routeTableId: table.routeTableId, destinationCidrBlock, ...target };
        const to = destinationCidrBlock.replace('/', '-');
        new ec2.CfnRoute(scope, `Route-${to}-${index}`, route).addResourceDependency(attachment);
      }
  }
}

function createEndpoint(
  scope: Construct,
  service: EndpointService,
  vpc: ec2.IVpc,
  subnetType: ec2.SubnetType,
  securityGroup: ec2.SecurityGroup,
): ec2.InterfaceVpcEndpoint | ec2.GatewayVpcEndpoint {
  const id = `${service}-endpoint`;
  if (service === 'dynamodb')
    return new ec2.GatewayVpcEndpoint(scope, id, {
      vpc,
      service: ec2.GatewayVpcEndpointAwsService.DYNAMODB,
      subnets: [{ subnetType }],
    });
  return new ec2.InterfaceVpcEndpoint(scope, id, {
    vpc,
    service: INTERFACE_SERVICES[service],
    subnets: { subnetType },
    securityGroups: [securityGroup],
    // CDK would let the whole CIDR in.
    open: false,
    privateDnsEnabled: true,
  });
}

/**
 * Makes the VPC's resolver answer for `names` only, and for nothing when the firewall itself fails: AWS's default, and
 * the type that would say so (`AWS::Route53Resolver::FirewallConfig`) is in no region's CloudFormation schema of 2026-10-20.
 * Returns the dimensions of the figure of names that it did not answer for. Limits names asked of the resolver; a connection to an address is another matter (docs/decisions/egress.md).
 */
function restrictNames(scope: Construct, vpcId: string, names: readonly string[]) {
  const allowed = new CfnFirewallDomainList(scope, 'AllowedNames', { domains: [...names] });
  const everything = new CfnFirewallDomainList(scope, 'EveryName', { domains: ['*'] });
  const rules = new CfnFirewallRuleGroup(scope, 'NameRules', {
    firewallRules: [
      {
        priority: 100,
        action: 'ALLOW',
        firewallDomainListId: allowed.attrId,
        // Hosts of others sit behind CNAMEs that change; without this, each hop would have to be on the list.
        firewallDomainRedirectionAction: 'TRUST_REDIRECTION_DOMAIN',
      },
      { priority: 200, action: 'BLOCK', blockResponse: 'NXDOMAIN', firewallDomainListId: everything.attrId },
    ],
  });
  new CfnFirewallRuleGroupAssociation(scope, 'NameRulesOfVpc', {
    firewallRuleGroupId: rules.attrId,
    vpcId,
    priority: 101,
  });
  return { FirewallRuleGroupId: rules.attrId, FirewallDomainListId: everything.attrId };
}
