import { boundaryName } from '../../../declaration/names.ts';
import { resourcesOfType } from '../../assembly/resolve.ts';
import type { Rule } from '../rule.ts';

/** Every role has the permissions boundary of its own zone, so that a policy attached to it later can't give it more. */
export const rolesAreBounded: Rule = {
  name: 'roles-are-bounded',
  invariant: 'I1',
  title: 'Every role has the permissions boundary of its own zone.',
  check: ({ assembly, declaration }) => {
    const boundaries = new Map(
      resourcesOfType(assembly, 'AWS::IAM::ManagedPolicy').map(({ arn = '', properties }) => [
        arn,
        properties.ManagedPolicyName,
      ]),
    );
    return resourcesOfType(assembly, 'AWS::IAM::Role').flatMap(
      ({ properties, zone, constructPath, physicalId }) => {
        const expected = boundaryName(declaration.name, zone ?? 'gateway-account');
        const boundary = properties.PermissionsBoundary;
        const found = boundaries.get(String(boundary)) ?? boundary;
        if (found === expected) return [];
        return [
          {
            resource: constructPath,
            message: `Role ${physicalId} has ${found === undefined ? 'no permissions boundary' : `the permissions boundary ${String(found)}`}; its zone's is ${expected}.`,
            path: [constructPath, 'whatever is attached to it', 'every action'],
            remedy: `Give it the permissions boundary ${expected}.`,
          },
        ];
      },
    );
  },
};
