import { KEY_TAGS } from '../../../../functions/common/client-keys.ts';
import { capabilityRule, requirement } from '../capability.ts';
import { everyOf, ownEndpoint } from '../targets.ts';

const TWO = ['identity policy', 'permissions boundary'] as const;

/** Only the admin zone disables and enables keys, and only the system's own. Which of them is code: IAM knows no record state. */
export const keysAreSwitchedByAdmin = capabilityRule({
  name: 'keys-are-switched-by-admin',
  invariant: 'I1',
  title: 'Only the admin zone disables and enables keys, and only the system’s own.',
  actions: ['kms:DisableKey', 'kms:EnableKey'],
  allows: (actor, { declaration }) =>
    actor.admin
      ? [
          {
            resources: [everyOf('kms')],
            requires: [
              requirement(
                { StringEquals: { [`aws:ResourceTag/${KEY_TAGS.system}`]: declaration.name } },
                TWO,
              ),
              requirement({ StringEquals: { 'aws:SourceVpce': ownEndpoint(actor, 'kms') } }, TWO),
            ],
          },
        ]
      : [],
  remedy:
    'Leave it to the functions of the admin zone, for keys with the system’s tag, through their endpoint.',
});
