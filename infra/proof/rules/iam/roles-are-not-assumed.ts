import { actionsOf, capabilityRule } from '../capability.ts';
import { everyOf } from '../targets.ts';

/** No role assumes another one: not a signer’s, not an administrator’s, not the CDK’s bootstrap roles. */
export const rolesAreNotAssumed = capabilityRule({
  name: 'roles-are-not-assumed',
  invariant: 'I1',
  title:
    'No role assumes another one: not a signer’s, not an administrator’s, not the CDK’s bootstrap roles.',
  actions: actionsOf({
    sts: [
      'AssumeRole',
      'AssumeRoleWithSAML',
      'AssumeRoleWithWebIdentity',
      'AssumeRoot',
      'GetFederationToken',
      'GetSessionToken',
      'SetContext',
      'SetSourceIdentity',
      'TagSession',
    ],
  }),
  on: () => [everyOf('iam')],
  remedy: 'Remove it. A function acts with the role that Lambda gives it and with no other.',
});
