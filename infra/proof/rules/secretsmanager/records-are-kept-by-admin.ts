import { capabilityRule, requirement, throughOwnEndpoint } from '../capability.ts';
import { isAdmin, recordArns, rotationArn } from '../targets.ts';

/** Actions that move a record from version to version. */
const KEEPING = ['secretsmanager:PutSecretValue', 'secretsmanager:UpdateSecretVersionStage'];

/** Only the admin zone writes the client records or starts their rotation, and nobody re-policies, replicates or deletes a secret. */
export const recordsAreKeptByAdmin = capabilityRule({
  name: 'records-are-kept-by-admin',
  invariant: 'I1',
  title: 'Only the admin zone writes client records, and nobody re-policies, replicates or deletes a secret.',
  actions: [
    ...KEEPING,
    'secretsmanager:CancelRotateSecret',
    'secretsmanager:CreateSecret',
    'secretsmanager:DeleteResourcePolicy',
    'secretsmanager:DeleteSecret',
    'secretsmanager:PutResourcePolicy',
    'secretsmanager:RemoveRegionsFromReplication',
    'secretsmanager:ReplicateSecretToRegions',
    'secretsmanager:RestoreSecret',
    'secretsmanager:RotateSecret',
    'secretsmanager:StopReplicationToReplica',
    'secretsmanager:TagResource',
    'secretsmanager:UntagResource',
    'secretsmanager:UpdateSecret',
  ],
  allows: (actor, input) => {
    if (!actor.admin) return [];
    const records = recordArns(input);
    const rotation = rotationArn(actor, input);
    const here = throughOwnEndpoint(actor, 'secretsmanager');
    const started = [
      here,
      requirement({ ArnEqualsIfExists: { 'secretsmanager:RotationLambdaARN': rotation } }),
      requirement({ BoolIfExists: { 'secretsmanager:ModifyRotationRules': 'false' } }),
    ];
    return [
      { actions: KEEPING, resources: records, requires: [here] },
      ...(isAdmin(actor, input, 'key-watch')
        ? [{ actions: ['secretsmanager:RotateSecret'], resources: records, requires: started }]
        : []),
    ];
  },
  remedy:
    'Leave the records to the functions of the admin zone, through their endpoint, and the rest to an administrator.',
});
