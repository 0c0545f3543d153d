import type { NodeKind, Verb } from './model.ts';

/** What the map asks about a node of a kind: the verb, and the actions of which one is enough. */
export interface Asking {
  verb: Verb;
  actions: readonly string[];
  /** Whether AWS decides about them without naming the node, as about making a key. */
  unnamed?: boolean;
}

/**
 * The questions. The whole list of what leads to a signature is the rules' (infra/proof/rules); here stands what a
 * picture can show: use, administration, and taking over.
 */
export const ASKINGS: Readonly<Partial<Record<NodeKind, readonly Asking[]>>> = {
  function: [{ verb: 'invoke', actions: ['lambda:InvokeFunction'] }],
  signer: [{ verb: 'invoke', actions: ['lambda:InvokeFunction'] }],
  key: [
    { verb: 'sign with', actions: ['kms:Sign'] },
    { verb: 'read the public key of', actions: ['kms:GetPublicKey'] },
    { verb: 'make', actions: ['kms:CreateKey'], unnamed: true },
    { verb: 'disable and enable', actions: ['kms:DisableKey', 'kms:EnableKey'] },
    {
      verb: 'take over',
      actions: ['kms:PutKeyPolicy', 'kms:CreateGrant', 'kms:ScheduleKeyDeletion', 'kms:ReplicateKey'],
    },
  ],
  record: [
    { verb: 'read', actions: ['secretsmanager:GetSecretValue'] },
    {
      verb: 'change',
      actions: [
        'secretsmanager:PutSecretValue',
        'secretsmanager:UpdateSecret',
        'secretsmanager:UpdateSecretVersionStage',
      ],
    },
    { verb: 'take over', actions: ['secretsmanager:PutResourcePolicy', 'secretsmanager:DeleteSecret'] },
  ],
  table: [
    {
      verb: 'read and write',
      actions: [
        'dynamodb:GetItem',
        'dynamodb:Query',
        'dynamodb:Scan',
        'dynamodb:PutItem',
        'dynamodb:UpdateItem',
        'dynamodb:DeleteItem',
      ],
    },
  ],
};
