import { allowedHosts } from '../../../declaration/derive.ts';
import { SIGNING } from '../../assembly/network.ts';
import { readAnsweredNames } from '../../network/names.ts';
import type { ProofInput, Rule } from '../rule.ts';
import { resourceRule } from '../rule.ts';

/** Types that lead out of a VPC. */
const GATEWAYS = ['AWS::EC2::NatGateway', 'AWS::EC2::InternetGateway', 'AWS::EC2::EIP'];

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
    of: [...GATEWAYS, 'AWS::EC2::Route', 'AWS::EC2::Subnet'],
    problems: ({ type, zone, properties: { DestinationCidrBlock: to, MapPublicIpOnLaunch: open } }) =>
      zone !== SIGNING
        ? []
        : [
            GATEWAYS.includes(type) && `has ${type}`,
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
  // The resolver of a zone's VPC answers for declared hosts and AWS endpoints of the zone.
  resourceRule({
    name: 'names-answered',
    invariant: 'I4',
    title: "A zone's resolver answers for declared hosts and its own endpoints only.",
    of: ['AWS::EC2::VPC'],
    problems: ({ physicalId, region }, input) => {
      const names = readAnsweredNames(input.assembly, physicalId);
      const allowed = allowedNames(input, physicalId, region);
      const surplus = names === 'every name' ? [names] : names.filter((name) => !allowed.includes(name));
      return surplus.map((name) => `answers for ${name}, which the declaration does not call for`);
    },
    subject: ({ physicalId }, { network }) =>
      `The resolver of ${network.zones.get(physicalId) ?? 'a VPC of no zone'}`,
    path: ({ physicalId, constructPath }, { network }) => [
      network.zones.get(physicalId) ?? constructPath,
      'the VPC resolver',
      'names outside the declaration',
    ],
    remedy: 'Associate a DNS Firewall rule group that allows the derived names and blocks *.',
  }),
];

function allowedNames({ declaration, network }: ProofInput, vpc: string, region: string): string[] {
  const zone = network.zones.get(vpc);
  const services = network.endpoints.filter((endpoint) => endpoint.vpc === vpc).map(({ service }) => service);
  const hosts = zone === undefined || zone === SIGNING ? [] : allowedHosts(declaration, zone);
  return [...hosts, ...services.map((service) => `${service}.${region}.amazonaws.com`)];
}
