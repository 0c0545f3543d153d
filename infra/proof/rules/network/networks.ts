import { internetHosts, resolvedHosts } from '../../../declaration/derive.ts';
import { registrations } from '../../../declaration/registrations.ts';
import { SIGNING } from '../../assembly/network.ts';
import { readAnsweredNames } from '../../network/reach.ts';
import type { ProofInput, Rule } from '../rule.ts';
import { resourceRule, violationsOf } from '../rule.ts';

/** Types that lead out of a VPC. */
const GATEWAYS = ['AWS::EC2::NatGateway', 'AWS::EC2::InternetGateway', 'AWS::EC2::EIP'];

/** Types that lead to other networks, or may. */
const WAYS = ['AWS::EC2::Route', 'AWS::EC2::TransitGatewayAttachment', 'AWS::EC2::VPCGatewayAttachment'];

/** Where the CDK lets a group out that has no way out. */
const NOWHERE = '255.255.255.255/32';

/** The rules about VPCs, their routes and what their resolvers answer. */
export const NETWORKS: readonly Rule[] = [
  resourceRule({
    name: 'networks-are-declared',
    invariant: 'I4',
    title: 'Every VPC is the one of a declared zone, with its CIDR; subnets lie in their own VPC.',
    of: ['AWS::EC2::VPC'],
    problems: (vpc, { network, declaration }) => {
      const zone = network.zones.get(vpc.physicalId);
      if (zone === undefined) return ['belongs to no declared zone'];
      const { CidrBlock: cidr } = vpc.properties;
      const declared = zone === SIGNING ? declaration.signing.cidr : declaration.zones[zone]?.cidr;
      const first = network.vpcs.find(({ physicalId }) => network.zones.get(physicalId) === zone);
      return [
        first !== vpc && `is a second one in zone ${zone}`,
        declared !== cidr && `has ${String(cidr)}, and the declaration says ${declared}`,
      ];
    },
    subject: () => 'A VPC',
    path: ({ constructPath }) => [constructPath],
    remedy: 'Declare the zone in zones.ts and let the stacks derive from it.',
  }),
  resourceRule({
    name: 'signing-zone-has-no-way-out',
    invariant: 'I4',
    title: 'The signing zone has no gateway, no route out and no public address.',
    of: [...GATEWAYS, ...WAYS, 'AWS::EC2::Subnet'],
    problems: ({ type, zone, properties: { DestinationCidrBlock: to, MapPublicIpOnLaunch: open } }) =>
      zone !== SIGNING
        ? []
        : [
            type !== 'AWS::EC2::Route' && type !== 'AWS::EC2::Subnet' && `has ${type}`,
            type === 'AWS::EC2::Route' && `has a route to ${String(to)}`,
            type === 'AWS::EC2::Subnet' && open === true && 'gives out public addresses',
          ],
    subject: () => 'The signing zone',
    path: ({ constructPath }) => [SIGNING, constructPath, 'the internet'],
    remedy: 'Remove it: signers reach KMS and Secrets Manager through endpoints and need nothing else.',
  }),
  resourceRule({
    name: 'egress-is-https',
    invariant: 'I4',
    title: 'A function that reaches the internet reaches TCP port 443 and nothing else.',
    of: ['AWS::Lambda::Function'],
    problems: (fn, { reach }) => [
      reach.find(({ resource }) => resource === fn)?.internet === 'any' &&
        'can open connections to ports other than 443, or its network is not in the templates',
    ],
    subject: ({ physicalId }) => physicalId,
    path: ({ physicalId }) => [physicalId, 'its security groups', 'any port of the internet'],
    remedy: 'Let its security groups out to TCP 443 only.',
  }),
  resourceRule({
    name: 'exits-are-declared',
    invariant: 'I4',
    title:
      'A zone leads to other networks by its declared exits only: through their gateways, to their ranges, on their ports; and it changes no network that was there.',
    of: [...GATEWAYS, ...WAYS, 'AWS::EC2::SecurityGroup'],
    problems: (resource, { declaration, network }) => {
      const { type, zone = 'no zone', physicalId, properties } = resource;
      const own = declaration.zones[zone];
      const exits = Object.values(own?.exits ?? {});
      const isOnline = own !== undefined && internetHosts(declaration, zone).length > 0;
      const no = `which no exit of zone ${zone} names`;
      if (type === 'AWS::EC2::SecurityGroup') {
        // A gateway endpoint has no group.
        const hasGateway = network.endpoints.some(
          ({ vpc, kind }) => kind === 'Gateway' && network.zones.get(vpc) === zone,
        );
        const out = network.groups.get(String(properties.GroupId ?? physicalId)) ?? [];
        return out.map(({ direction, protocol, from, to, peer }) => {
          if (direction !== 'out' || peer.startsWith('sg-') || peer === NOWHERE) return false;
          const isTcp = (protocol === 'tcp' || protocol === '6') && from === to;
          const isDeclared = exits.some(({ cidrs, ports }) => cidrs.includes(peer) && ports.includes(from));
          const isHttps = (isOnline || hasGateway) && peer === '0.0.0.0/0' && from === 443;
          const isFine = isTcp && (isDeclared || isHttps);
          return !isFine && `lets ${protocol} ${from} to ${to} out to ${peer}, ${no}`;
        });
      }
      const { DestinationCidrBlock: to, TransitGatewayId, VpnGatewayId, GatewayId } = properties;
      const through = [TransitGatewayId, VpnGatewayId, GatewayId]
        .map(String)
        .find((id) => /^[tv]gw-/.test(id));
      const named = exits.flatMap((exit) => (exit.through === through ? exit.cidrs : []));
      const ranges = through ? named : isOnline ? ['0.0.0.0/0'] : [];
      const isDeclared = to === undefined ? ranges.length > 0 : ranges.includes(String(to));
      return [
        own?.network && `changes the network ${own.network.vpcId}, which is there`,
        !isDeclared && `leads ${to ?? 'its network'} to ${through ?? 'the internet'}, ${no}`,
      ];
    },
    path: ({ zone = 'no zone', constructPath }) => [zone, constructPath, 'another network'],
    remedy: 'Declare the exit in zones.ts, with its gateway, ranges and ports, or remove it.',
  }),
  // The resolver of a zone's VPC answers for declared hosts and AWS endpoints of the zone.
  {
    name: 'names-answered',
    invariant: 'I4',
    title:
      "A zone's resolver answers for declared hosts and its own endpoints only, and for a self-service API in the admin zone and where a client's keys are kept.",
    check: (input) =>
      input.network.vpcs.flatMap(({ physicalId: vpc, region, constructPath: resource }) => {
        const names = readAnsweredNames(input.assembly, vpc);
        const allowed = allowedNames(input, vpc, region);
        const surplus = names === 'every name' ? [names] : names.filter((name) => !allowed.includes(name));
        const zone = input.network.zones.get(vpc);
        if (input.declaration.zones[zone ?? '']?.network?.dnsFirewall === false) return [];
        return violationsOf(
          surplus.map((name) => `answers for ${name}, which the declaration does not call for`),
          {
            resource,
            subject: `The resolver of ${zone ?? 'a VPC of no zone'}`,
            path: [zone ?? resource, 'the VPC resolver', 'names outside the declaration'],
            remedy: 'Associate a DNS Firewall rule group that allows the derived names and blocks *.',
          },
        );
      }),
  },
];

function allowedNames({ declaration, network }: ProofInput, vpc: string, region: string): string[] {
  const zone = network.zones.get(vpc);
  const services = network.endpoints.filter((endpoint) => endpoint.vpc === vpc).map(({ service }) => service);
  const hosts = zone === undefined || zone === SIGNING ? [] : resolvedHosts(declaration, zone);
  const { admin } = declaration.zones[zone ?? ''] ?? {};
  const places = (mayCall: boolean) =>
    registrations(declaration)
      .filter((one) => (admin || one.zone === zone) === mayCall)
      .flatMap(({ selfService }) => (selfService ? [new URL(selfService.baseUrl).hostname] : []));
  const closed = places(false).filter((host) => !places(true).includes(host));
  return [
    ...hosts.filter((host) => !closed.includes(host)),
    ...services.map((service) => `${service}.${region}.amazonaws.com`),
  ];
}
