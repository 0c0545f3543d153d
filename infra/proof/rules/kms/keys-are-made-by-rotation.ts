import { ALGORITHMS } from '@helseid-zones/protocol/algorithms';
import { KEY_TAGS } from '../../../../functions/common/client-keys.ts';
import { capabilityRule, requirement, throughOwnEndpoint } from '../capability.ts';
import { everyOf, isAdmin } from '../targets.ts';

/** Only rotation makes keys: of the declared kinds, with the system's tags, through the admin zone's endpoint. */
export const keysAreMadeByRotation = capabilityRule({
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
