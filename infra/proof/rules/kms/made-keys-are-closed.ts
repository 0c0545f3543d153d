import { all, not } from '../../policy/condition.ts';
import { formulate, satisfiable } from '../../policy/index.ts';
import type { Rule } from '../rule.ts';
import { signingPlace } from '../targets.ts';

/** What would be captured with a key whose policy names the role that made it. */
const CAPTURES = [
  'kms:CreateGrant',
  'kms:ImportKeyMaterial',
  'kms:PutKeyPolicy',
  'kms:ReplicateKey',
  'kms:ScheduleKeyDeletion',
  'kms:Sign',
];

/**
 * Whoever makes a key chooses its policy, which may name the maker's own session, and that needs no Allow anywhere else. So
 * the admin zone's boundary denies outright, whatever a key's policy says, that its functions sign with a key or keep it.
 */
export const madeKeysAreClosed: Rule = {
  name: 'made-keys-are-closed',
  invariant: 'I1',
  title:
    'Whatever policy the admin zone gives a key that it makes, its functions can neither sign with it nor keep it.',
  check: (input) => {
    const { account, region } = signingPlace(input);
    const key = `arn:aws:kms:${region}:${account}:key/*`;
    return input.actors
      .filter(({ admin }) => admin)
      .flatMap(({ principal, view, path, name }) => {
        const open = CAPTURES.filter((action) => {
          const { identity, boundary } = formulate({ principal, action, resource: key }, view).answers;
          const denies = [identity.denies, ...(boundary ? [boundary.denies] : [])];
          return satisfiable(all(denies.map(not)));
        });
        if (open.length === 0) return [];
        return [
          {
            resource: path,
            message: `${name} may ${open.join(', ')} with a key whose policy names it, which it can make.`,
            path: [path, 'kms:CreateKey with a policy of its choice', open.join(', ')],
            remedy: 'Deny these outright in the permissions boundary of the admin zone.',
          },
        ];
      });
  },
};
