import type { Rule } from '../rule.ts';

/**
 * Nothing attaches a VPC's default security group. CloudFormation can't empty it, so it still lets its members talk to
 * each other and out; without members that is nothing.
 */
export const defaultGroupUnused: Rule = {
  name: 'default-group-unused',
  invariant: 'I4',
  title: "Nothing attaches a VPC's default security group, or one that the templates do not show.",
  check: ({ network }) =>
    [...network.functions, ...network.endpoints].flatMap(({ groups, resource }) =>
      groups
        .filter((id) => !network.groups.has(id))
        .map((id) => ({
          resource: resource.constructPath,
          message: `It attaches ${id}, the default security group or one outside these templates.`,
          path: [resource.constructPath, id, 'whatever that group lets in and out'],
          remedy: "Attach the zone's own security group.",
        })),
    ),
};
