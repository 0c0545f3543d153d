import { externalPrincipals, isAdmitted, unknownRole } from '../external-principals.ts';
import type { Rule } from '../rule.ts';
import { clientKeyArn, signingPlace } from '../targets.ts';

/** What a client key's policy must not leave to the account: whatever an identity policy could then add to any role. */
const USES = [
  'kms:Anything',
  'kms:CreateGrant',
  'kms:Decrypt',
  'kms:DeriveSharedSecret',
  'kms:Encrypt',
  'kms:GenerateMac',
  'kms:GetParametersForImport',
  'kms:ImportKeyMaterial',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
  'kms:ReplicateKey',
  'kms:Sign',
  'kms:UpdatePrimaryRegion',
];

/** What nobody outside the account may do to it at all. */
const ADMINISTRATION = ['kms:DisableKey', 'kms:GetKeyPolicy', 'kms:PutKeyPolicy', 'kms:ScheduleKeyDeletion'];

/** The policy of client keys leaves administration to the account and nothing else; nobody else is in it but the signers. */
export const keysDoNotDelegate: Rule = {
  name: 'keys-do-not-delegate',
  invariant: 'I1',
  title:
    'No identity policy can add kms:Sign or a grant: a client key’s policy leaves the account administration only.',
  check: (input) => {
    const { account } = signingPlace(input);
    const rotation = input.assembly.resources.find(
      ({ type, physicalId }) => type === 'AWS::Lambda::Function' && physicalId.endsWith('-rotation'),
    );
    return Object.keys(input.declaration.clients).flatMap((client) => {
      const key = clientKeyArn(input, client);
      const may = (who: Parameters<typeof isAdmitted>[0], actions: readonly string[]) =>
        actions.filter((action) => isAdmitted(who, action, key, input.world, { delegation: true }));
      const own = unknownRole(account);
      const strangers = externalPrincipals(input).filter(
        ({ principal }) => !('account' in principal) || principal.account !== account,
      );
      return [
        { name: own.name, actions: may(own.principal, USES) },
        ...strangers.map(({ name, principal }) => ({
          name,
          actions: may(principal, [...USES, ...ADMINISTRATION]),
        })),
      ]
        .filter(({ actions }) => actions.length > 0)
        .map(({ name, actions }) => ({
          resource: rotation?.constructPath ?? key,
          message: `The policy of the keys of ${client} lets ${name} do ${actions.join(', ')}.`,
          path: [name, `policy of the keys of ${client}`, key],
          remedy:
            'Leave the account administration only; name signers, and nobody else, for kms:Sign (infra/key-policy.ts).',
        }));
    });
  },
};
