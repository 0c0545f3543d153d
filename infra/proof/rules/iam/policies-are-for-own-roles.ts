import { stringsOf } from '../../assembly/json.ts';
import type { Rule } from '../rule.ts';

/** Types that give identities permissions. */
const POLICIES = ['AWS::IAM::ManagedPolicy', 'AWS::IAM::Policy', 'AWS::IAM::RolePolicy'];

/** No policy of the templates is attached to a user, a group or a role that the templates do not have: the proof could not ask what they may do. */
export const policiesAreForOwnRoles: Rule = {
  name: 'policies-are-for-own-roles',
  invariant: 'I1',
  title: 'No policy of the templates is for a user, a group, or a role that the templates do not have.',
  check: ({ assembly, actors }) =>
    assembly.resources
      .filter(({ type }) => POLICIES.includes(type))
      .flatMap(({ properties, account, constructPath }) => {
        const own = actors.filter(({ role }) => role.account === account).map(({ name }) => name);
        const roles = [...stringsOf(properties.Roles), ...stringsOf(properties.RoleName)];
        const others = [
          ...roles.filter((name) => !own.includes(name)).map((name) => `role ${name}`),
          ...stringsOf(properties.Users).map((name) => `user ${name}`),
          ...stringsOf(properties.Groups).map((name) => `group ${name}`),
        ];
        return others.map((other) => ({
          resource: constructPath,
          message: `A policy of the templates is for ${other}, which they do not have.`,
          path: [other, constructPath, 'whatever the policy allows'],
          remedy: 'Attach it to roles of the templates only.',
        }));
      }),
};
