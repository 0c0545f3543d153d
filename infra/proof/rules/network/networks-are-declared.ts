import { SIGNING } from '../../network/model.ts';
import { type Rule, violationsOf } from '../rule.ts';

/** Every VPC belongs to one declared zone and has exactly its CIDR; every zone has one. */
export const networksAreDeclared: Rule = {
  name: 'networks-are-declared',
  invariant: 'I4',
  title: 'Every VPC is the one of a declared zone, with its CIDR; subnets lie in their own VPC.',
  check: ({ network, declaration }) => {
    const cidrs = new Map<string, string>([
      [SIGNING, declaration.signing.cidr],
      ...Object.entries(declaration.zones).map(([zone, { cidr }]): [string, string] => [zone, cidr]),
    ]);
    const seen: string[] = [];
    return network.vpcs.flatMap((vpc) => {
      const zone = network.zones.get(vpc.physicalId);
      const problems = [
        ...(zone === undefined ? ['belongs to no declared zone'] : []),
        ...(zone !== undefined && seen.includes(zone) ? [`is a second one in zone ${zone}`] : []),
        ...(zone !== undefined && cidrs.get(zone) !== vpc.properties.CidrBlock
          ? [`has ${String(vpc.properties.CidrBlock)}, and the declaration says ${cidrs.get(zone)}`]
          : []),
      ];
      if (zone !== undefined) seen.push(zone);
      return violationsOf(problems, {
        resource: vpc.constructPath,
        subject: 'A VPC',
        path: [vpc.constructPath],
        remedy: 'Declare the zone in zones.ts and let the stacks derive from it.',
      });
    });
  },
};
