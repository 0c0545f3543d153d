import { SIGNING } from '../../network/model.ts';
import type { Rule } from '../rule.ts';

/** Resource types that lead out of a VPC. */
const WAYS_OUT = [
  'AWS::EC2::NatGateway',
  'AWS::EC2::InternetGateway',
  'AWS::EC2::EgressOnlyInternetGateway',
  'AWS::EC2::EIP',
];

/** The signing zone has no gateway, no route and no public address. */
export const signingZoneHasNoWayOut: Rule = {
  name: 'signing-zone-has-no-way-out',
  invariant: 'I4',
  title: 'The signing zone has no gateway, no route out and no public address.',
  check: ({ assembly, network }) => {
    const stacks = network.vpcs
      .filter((vpc) => network.zones.get(vpc.physicalId) === SIGNING)
      .map((vpc) => vpc.stack);
    const subnets = [...network.subnets.values()].filter(({ vpc }) => network.zones.get(vpc) === SIGNING);
    const remedy =
      'Remove it: signers reach KMS and Secrets Manager through endpoints and need nothing else.';
    return [
      ...assembly.resources
        .filter(({ stack, type }) => stacks.includes(stack) && WAYS_OUT.includes(type))
        .map(({ constructPath, type }) => ({
          resource: constructPath,
          message: `The signing zone has ${type}.`,
          path: [SIGNING, type, 'the internet'],
          remedy,
        })),
      ...subnets.flatMap(({ routes, publicAddresses, resource }) => [
        ...routes.map((route) => ({
          resource: route.resource.constructPath,
          message: `A subnet of the signing zone has a route to ${route.destination}.`,
          path: [resource.constructPath, route.through, route.destination],
          remedy,
        })),
        ...(publicAddresses
          ? [
              {
                resource: resource.constructPath,
                message: 'A subnet of the signing zone gives out public addresses.',
                path: [resource.constructPath, 'a public address', 'the internet'],
                remedy,
              },
            ]
          : []),
      ]),
    ];
  },
};
