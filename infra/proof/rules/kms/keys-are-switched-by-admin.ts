import { KEY_TAGS } from '../../../../functions/common/client-keys.ts';
import { capabilityRule, requirement, throughOwnEndpoint } from '../capability.ts';
import { everyOf } from '../targets.ts';

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
              requirement({ StringEquals: { [`aws:ResourceTag/${KEY_TAGS.system}`]: declaration.name } }),
              throughOwnEndpoint(actor, 'kms'),
            ],
          },
        ]
      : [],
  remedy:
    'Leave it to the functions of the admin zone, for keys with the system’s tag, through their endpoint.',
});
