import { ALGORITHMS, type Algorithm } from '@helseid-zones/protocol/algorithms';
import { ACCOUNT_PLACEHOLDER, VPC_PLACEHOLDER } from '@helseid-zones/protocol/fill-key-policy';

/** What a key policy is rendered from. The account and the VPC are known to CloudFormation only; see {@link keyPolicyTemplate}. */
export interface KeyPolicyFacts {
  system: string;
  /** The client's name in the declaration. */
  client: string;
  algorithm: Algorithm;
  /** The signing zone's account. */
  account: string;
  /** Id of the signing zone's VPC. */
  signingVpc: string;
}

/** An IAM policy document, as JSON. */
export interface KeyPolicyDocument {
  Version: '2012-10-17';
  Statement: readonly Readonly<Record<string, unknown>>[];
}

/** What administrators of the account may do with any key of the system: neither use it nor hand its use on. */
export const KEY_ADMINISTRATION = [
  'kms:CancelKeyDeletion',
  'kms:CreateAlias',
  'kms:DeleteAlias',
  'kms:DescribeKey',
  'kms:DisableKey',
  'kms:EnableKey',
  'kms:GetKeyPolicy',
  'kms:ListGrants',
  'kms:ListKeyPolicies',
  'kms:ListResourceTags',
  'kms:PutKeyPolicy',
  'kms:RevokeGrant',
  'kms:ScheduleKeyDeletion',
  'kms:TagResource',
  'kms:UntagResource',
  'kms:UpdateAlias',
  'kms:UpdateKeyDescription',
] as const;

/**
 * The key policy of a client's keys (invariants I1, I5). No identity policy can add `kms:Sign`: the only statement about it
 * admits the client's signers, by name pattern since keys outlive roles, through the signing zone's VPC, for digests and
 * the one algorithm. The exact endpoint sits in the signers' identity policies and boundary, which deploys can update; a
 * key's policy, they can't. No Deny: one that named the caller of CreateKey would fail its lockout check.
 */
export function renderKeyPolicy(facts: KeyPolicyFacts): KeyPolicyDocument {
  const { system, client, algorithm, account, signingVpc } = facts;
  const fromSigners = {
    StringEquals: { 'kms:CallerAccount': account, 'aws:SourceVpc': signingVpc },
    ArnLike: { 'aws:PrincipalArn': `arn:aws:iam::${account}:role/${system}-signer-${client}-*` },
  };
  const digests = {
    'kms:MessageType': 'DIGEST',
    'kms:SigningAlgorithm': ALGORITHMS[algorithm].kmsSigningAlgorithm,
  };
  const signing = { ...fromSigners, StringEquals: { ...fromSigners.StringEquals, ...digests } };
  const administration = [...KEY_ADMINISTRATION, 'kms:GetPublicKey'];
  return {
    Version: '2012-10-17',
    Statement: [
      allow('Administration', { AWS: `arn:aws:iam::${account}:root` }, administration),
      allow('Sign', '*', 'kms:Sign', signing),
      allow('ReadPublicKey', '*', 'kms:GetPublicKey', fromSigners),
    ],
  };
}

function allow(Sid: string, Principal: unknown, Action: string | string[], Condition?: object) {
  return { Sid, Effect: 'Allow', Principal, Action, Resource: '*', ...(Condition ? { Condition } : {}) };
}

/** {@link renderKeyPolicy} with placeholders for what is not known at synth: what lies in the rotation function's asset. */
export const keyPolicyTemplate = (facts: Omit<KeyPolicyFacts, 'account' | 'signingVpc'>): KeyPolicyDocument =>
  renderKeyPolicy({ ...facts, account: ACCOUNT_PLACEHOLDER, signingVpc: VPC_PLACEHOLDER });
