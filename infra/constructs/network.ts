import {
  GatewayVpcEndpoint,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpoint,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { type Place, serviceHost } from './arns.ts';
import { restrictNames } from './dns-firewall.ts';

/** AWS services that a zone can have an endpoint for. */
export type EndpointService = 'lambda' | 'kms' | 'secretsmanager' | 'dynamodb';

/** A zone's network, before its endpoints get their policies. */
export interface Network {
  vpc: IVpc;
  /** Where functions run: no way out, or out through NAT only. */
  subnetType: SubnetType;
  /** Of every function of the zone. */
  functionGroup: SecurityGroup;
  /** Ids of the endpoints, for `aws:SourceVpce`. */
  endpoints: Readonly<Partial<Record<EndpointService, string>>>;
  /** Adds statements to an endpoint's policy. An endpoint without any would take everything, so each must get one. */
  allowThrough(service: EndpointService, statements: readonly PolicyStatement[]): void;
}

/** What a network is built from. */
export interface NetworkProps {
  place: Place;
  cidr: string;
  availabilityZones: number;
  /** Names the zone may open connections to; empty: no NAT, no way out. */
  hosts: readonly string[];
  services: readonly EndpointService[];
}

const INTERFACE_SERVICES = {
  lambda: InterfaceVpcEndpointAwsService.LAMBDA,
  kms: InterfaceVpcEndpointAwsService.KMS,
  secretsmanager: InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
} as const;

/**
 * One zone's VPC: no peering, no shared subnet, functions in subnets without a public address, endpoints for exactly the
 * services named, security groups that open 443 to those endpoints (and to the internet where the zone calls hosts), and a
 * DNS firewall that answers for those names only (invariant I4; docs/decisions/egress.md says what that does not stop).
 */
export function createNetwork(scope: Construct, props: NetworkProps): Network {
  const egress = props.hosts.length > 0;
  const subnetType = egress ? SubnetType.PRIVATE_WITH_EGRESS : SubnetType.PRIVATE_ISOLATED;
  const network = new Vpc(scope, 'Vpc', {
    ipAddresses: IpAddresses.cidr(props.cidr),
    maxAzs: props.availabilityZones,
    // One NAT gateway a zone: with one an availability zone, three zones would need more Elastic IPs than an account has.
    natGateways: egress ? 1 : 0,
    subnetConfiguration: [
      { name: 'functions', subnetType },
      ...(egress
        ? [{ name: 'nat', subnetType: SubnetType.PUBLIC, cidrMask: 28, mapPublicIpOnLaunch: false }]
        : []),
    ],
    // It would add a function of CDK's outside every zone. Nothing attaches the default group; the proof shows that.
    restrictDefaultSecurityGroup: false,
  });
  // CDK declares its optional members in a way that `exactOptionalPropertyTypes` does not take as an IVpc.
  const vpc = network as IVpc;
  const endpointGroup = new SecurityGroup(scope, 'EndpointGroup', {
    vpc,
    description: 'Endpoints of the zone: 443 from its functions, nothing out.',
    allowAllOutbound: false,
  });
  const functionGroup = new SecurityGroup(scope, 'FunctionGroup', {
    vpc,
    description: 'Functions of the zone: nothing in, 443 out.',
    allowAllOutbound: false,
  });
  functionGroup.addEgressRule(endpointGroup, Port.tcp(443), 'the endpoints of the zone');
  endpointGroup.addIngressRule(functionGroup, Port.tcp(443), 'the functions of the zone');
  // A gateway endpoint has no security group of its own; without NAT its route is the only one there is.
  if (egress || props.services.includes('dynamodb'))
    functionGroup.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'through the routes of the subnet');
  restrictNames(scope, vpc.vpcId, [
    ...props.hosts,
    ...props.services.map((service) => serviceHost(props.place, service)),
  ]);

  const endpoints = new Map<EndpointService, InterfaceVpcEndpoint | GatewayVpcEndpoint>();
  for (const service of props.services)
    endpoints.set(service, createEndpoint(scope, service, vpc, subnetType, endpointGroup));
  return {
    vpc,
    subnetType,
    functionGroup,
    endpoints: Object.fromEntries(
      [...endpoints].map(([service, { vpcEndpointId }]) => [service, vpcEndpointId]),
    ),
    allowThrough: (service, statements) => {
      for (const statement of statements) endpoints.get(service)?.addToPolicy(statement);
    },
  };
}

function createEndpoint(
  scope: Construct,
  service: EndpointService,
  vpc: IVpc,
  subnetType: SubnetType,
  securityGroup: SecurityGroup,
): InterfaceVpcEndpoint | GatewayVpcEndpoint {
  const id = `${service}-endpoint`;
  if (service === 'dynamodb')
    return new GatewayVpcEndpoint(scope, id, {
      vpc,
      service: GatewayVpcEndpointAwsService.DYNAMODB,
      subnets: [{ subnetType }],
    });
  return new InterfaceVpcEndpoint(scope, id, {
    vpc,
    service: INTERFACE_SERVICES[service],
    subnets: { subnetType },
    securityGroups: [securityGroup],
    // CDK would let the whole CIDR in.
    open: false,
    privateDnsEnabled: true,
  });
}
