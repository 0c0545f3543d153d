import { computeReach } from '../../network/reach.ts';
import type { Rule } from '../rule.ts';

/** Every function runs in subnets of its own zone's VPC, and nowhere else. */
export const functionsInOwnZone: Rule = {
  name: 'functions-in-own-zone',
  invariant: 'I4',
  title: "Every function runs in its own zone's VPC, and nowhere else.",
  check: ({ network }) =>
    computeReach(network)
      .map((reach) => ({ ...reach, own: reach.resource.zone ?? 'no zone' }))
      .filter(({ zones, own }) => zones.length !== 1 || zones[0] !== own)
      .map(({ name, resource, zones, own }) => ({
        resource: resource.constructPath,
        message: `${name} belongs to ${own} and runs in ${zones.join(' and ')}.`,
        path: [name, 'its network interfaces', ...zones],
        remedy: "Place it in subnets of its own zone's VPC. A function in no VPC reaches the whole internet.",
      })),
};
