import type { Group, Network, Permission } from '../../network/model.ts';
import { isHttps } from '../../network/reach.ts';
import type { Rule } from '../rule.ts';

/** A security group lets in TCP 443 from groups of its own VPC and nothing else. */
export const groupsAreClosed: Rule = {
  name: 'groups-are-closed',
  invariant: 'I4',
  title: 'A security group lets in TCP 443 from groups of its own VPC, and nothing else.',
  check: ({ network }) =>
    [...network.groups.values()].flatMap((group) =>
      group.permissions
        .filter((permission) => permission.direction === 'in' && !isOwn(permission, group, network))
        .map((permission) => ({
          resource: permission.resource.constructPath,
          message: `A security group lets ${permission.peer} in, on ${describe(permission)}.`,
          path: [permission.peer, group.resource.constructPath, 'what the group protects'],
          remedy: "Name the security group of the zone's functions as the source, and port 443.",
        })),
    ),
};

function isOwn(permission: Permission, group: Group, network: Network): boolean {
  return isHttps(permission) && network.groups.get(permission.peer)?.vpc === group.vpc;
}

function describe({ protocol, from, to }: Permission): string {
  if (protocol === '-1') return 'every port';
  return from === to ? `${protocol} ${from}` : `${protocol} ${from}-${to}`;
}
