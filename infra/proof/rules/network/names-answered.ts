import { allowedHosts } from '../../../declaration/derive.ts';
import { SIGNING } from '../../network/model.ts';
import { readAnsweredNames } from '../../network/names.ts';
import { type ProofInput, type Rule, violationsOf } from '../rule.ts';

/** The resolver of a zone's VPC answers for declared hosts and AWS endpoints of the zone, and nothing makes it fail open. */
export const namesAnswered: Rule = {
  name: 'names-answered',
  invariant: 'I4',
  title:
    "A zone's resolver answers for declared hosts and its own endpoints only, also when the DNS Firewall fails.",
  check: (input) =>
    input.network.vpcs.flatMap((vpc) => {
      const { names, failsOpen } = readAnsweredNames(input.assembly, vpc.physicalId);
      const zone = input.network.zones.get(vpc.physicalId);
      const allowed = allowedNames(input, vpc.physicalId, vpc.region, zone);
      const surplus = names === 'every name' ? [names] : names.filter((name) => !allowed.includes(name));
      const problems = [
        ...surplus.map((name) => `answers for ${name}, which the declaration does not call for`),
        ...(failsOpen ? ['answers everything when the DNS Firewall itself fails'] : []),
      ];
      return violationsOf(problems, {
        resource: vpc.constructPath,
        subject: `The resolver of ${zone ?? 'a VPC of no zone'}`,
        path: [zone ?? vpc.constructPath, 'the VPC resolver', 'names outside the declaration'],
        remedy:
          'Associate a DNS Firewall rule group that allows the derived names and blocks *, and leave FirewallFailOpen at its default, DISABLED.',
      });
    }),
};

function allowedNames(
  { declaration, network }: ProofInput,
  vpc: string,
  region: string,
  zone: string | undefined,
) {
  const services = network.endpoints.filter((endpoint) => endpoint.vpc === vpc).map(({ service }) => service);
  const hosts = zone === undefined || zone === SIGNING ? [] : allowedHosts(declaration, zone);
  return [...hosts, ...services.map((service) => `${service}.${region}.amazonaws.com`)];
}
