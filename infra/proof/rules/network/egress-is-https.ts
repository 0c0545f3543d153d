import { computeReach } from '../../network/reach.ts';
import type { Rule } from '../rule.ts';

/** A function that reaches the internet reaches TCP port 443 and nothing else. */
export const egressIsHttps: Rule = {
  name: 'egress-is-https',
  invariant: 'I4',
  title: 'A function that reaches the internet reaches TCP port 443 and nothing else.',
  check: ({ network }) =>
    computeReach(network)
      .filter(({ internet }) => internet === 'any')
      .map(({ name, resource }) => ({
        resource: resource.constructPath,
        message: `${name} can open connections to ports other than 443, or its network is not in the templates.`,
        path: [name, 'its security groups', 'any port of the internet'],
        remedy: 'Let its security groups out to TCP 443 only.',
      })),
};
