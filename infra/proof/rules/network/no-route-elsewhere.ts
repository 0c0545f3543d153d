import type { Rule } from '../rule.ts';

/** What a route of a zone may lead through. */
const ALLOWED = ['igw-', 'nat-'];

/** Every route of a subnet leads to the zone's own internet or NAT gateway. */
export const noRouteElsewhere: Rule = {
  name: 'no-route-elsewhere',
  invariant: 'I4',
  title: 'No route leads to another network; gateways to the internet are IPv4 and the zone’s own.',
  check: ({ network }) =>
    [...network.subnets.values()].flatMap((subnet) =>
      subnet.routes
        .filter(
          ({ through, resource }) =>
            !ALLOWED.some((prefix) => through.startsWith(prefix)) || resource.stack !== subnet.resource.stack,
        )
        .map(({ through, destination, resource }) => ({
          resource: resource.constructPath,
          message: `A route to ${destination} leads through ${through}.`,
          path: [subnet.resource.constructPath, through, destination],
          remedy: "Remove the route, or lead it through the zone's own NAT gateway.",
        })),
    ),
};
