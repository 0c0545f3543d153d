import { ALGORITHMS } from '@helseid-zones/protocol/algorithms';
import { KEY_TAGS } from '../../../../functions/common/client-keys.ts';
import { exampleArn } from '../../assembly/physical.ts';
import { remembered } from '../../assembly/remembered.ts';
import { all, not } from '../../policy/condition.ts';
import { formulate } from '../../policy/decide.ts';
import { satisfiable } from '../../policy/solve.ts';
import { addResource } from '../../policy/world/world.ts';
import { type CapabilityRule, capabilityRule, requirement, throughOwnEndpoint } from '../capability.ts';
import { type Rule, violationsOf, wordsOf } from '../rule.ts';
import { everyOf, isAdmin, signingPlace } from '../targets.ts';
import { findWitness } from '../witness.ts';

/** Only rotation makes keys: of the declared kinds, with the system's tags, through the admin zone's endpoint. */
export const keysAreMadeByRotation: CapabilityRule = capabilityRule({
  name: 'keys-are-made-by-rotation',
  invariant: 'I1',
  title: 'Only rotation makes keys, of the declared kinds and with the system’s tags.',
  actions: ['kms:CreateKey', 'kms:TagResource'],
  allows: (actor, input) => {
    if (!isAdmin(actor, input, 'rotation')) return [];
    const { clients, name: system } = input.declaration;
    const specs = new Set(Object.values(clients).map(({ algorithm }) => ALGORITHMS[algorithm].kmsKeySpec));
    const equal = (key: string, value: string | readonly string[]) =>
      requirement({ StringEquals: { [key]: value } });
    const tagged = [
      throughOwnEndpoint(actor, 'kms'),
      equal(`aws:RequestTag/${KEY_TAGS.system}`, system),
      equal(`aws:RequestTag/${KEY_TAGS.client}`, Object.keys(clients)),
      requirement({ 'ForAllValues:StringEquals': { 'aws:TagKeys': Object.values(KEY_TAGS) } }),
    ];
    return [
      { actions: ['kms:TagResource'], resources: [everyOf('kms')], requires: tagged },
      {
        actions: ['kms:CreateKey'],
        resources: [everyOf('kms')],
        requires: [
          ...tagged,
          equal('kms:KeySpec', [...specs]),
          equal('kms:KeyUsage', 'SIGN_VERIFY'),
          equal('kms:KeyOrigin', 'AWS_KMS'),
          requirement({ Bool: { 'kms:MultiRegion': 'false' } }),
          requirement({ BoolIfExists: { 'kms:BypassPolicyLockoutSafetyCheck': 'false' } }),
        ],
      },
    ];
  },
  remedy:
    'Let rotation alone make keys, under these conditions (infra/constructs/admin-policies.ts). No condition binds the policy a key is made with.',
});

/** Only the admin zone disables and enables keys, and only the system's own. Which of them is code: IAM knows no record state. */
export const keysAreSwitchedByAdmin: CapabilityRule = capabilityRule({
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

/** What would be captured with a key whose policy names the role that made it. */
const CAPTURES = wordsOf(
  'kms:CreateGrant kms:ImportKeyMaterial kms:PutKeyPolicy kms:ReplicateKey kms:ScheduleKeyDeletion kms:Sign',
);

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
    const resource = exampleArn('kms', { account, region });
    return input.actors
      .filter(({ admin }) => admin)
      .flatMap(({ principal, role, view, path, name }) => {
        const world = { ...view, resources: new Map(view.resources) };
        const Statement = { Effect: 'Allow', Action: '*', Resource: '*', Principal: { AWS: '*' } };
        addResource(world, { arn: resource, account, policy: { Statement } });
        const found = CAPTURES.flatMap((action) => {
          const { identity, boundary } = formulate({ principal, action, resource }, view);
          const denies = [identity, ...(boundary ? [boundary] : [])].map((one) => not(one.denies));
          return satisfiable(all(denies)) ? [{ principal, action, resource }] : [];
        });
        const [first] = found;
        if (first === undefined) return [];
        const open = found.map(({ action }) => action).join(', ');
        const request = remembered(() => {
          const shown = findWitness(first, world);
          return shown && { ...shown, assuming: [`${role.arn} made the key, with a policy for itself`] };
        });
        return violationsOf(
          [[undefined, `may ${open} with a key whose policy names it, which it can make`, request]],
          {
            resource: path,
            subject: name,
            path: [path, 'kms:CreateKey with a policy of its choice', open],
            remedy: 'Deny these outright in the permissions boundary of the admin zone.',
          },
        );
      });
  },
};
