import { type CapabilityRule, capabilityRule, OF_ROLE } from '../capability.ts';
import { type Invariant, wordsOf } from '../rule.ts';
import { everyOf } from '../targets.ts';

type Question = readonly [name: string, invariant: Invariant, title: string, actions: string];

/**
 * What a reader of the matrix asks first: the acts by which a boundary is usually taken away, by rule. They are not all of them:
 * whatever else a policy allows is a finding of `actions-are-known`, unless a rule judges it.
 */
const QUESTIONS: readonly Question[] = [
  [
    'identities-are-not-changed',
    'I1',
    'Nobody passes a role, or changes what a role may do or who can become it.',
    `iam:AttachRolePolicy iam:CreatePolicyVersion iam:DeleteRolePermissionsBoundary iam:PassRole iam:PutRolePolicy
    iam:UpdateAssumeRolePolicy`,
  ],
  [
    'roles-are-not-assumed',
    'I1',
    'No role assumes another one: not a signer’s, not an administrator’s, not the CDK’s bootstrap roles.',
    'sts:AssumeRole',
  ],
  [
    'keys-are-not-captured',
    'I1',
    'No role can re-policy, grant, delete, import or replicate a key.',
    'kms:CreateGrant kms:ImportKeyMaterial kms:PutKeyPolicy kms:ReplicateKey kms:ScheduleKeyDeletion',
  ],
  [
    'functions-are-not-changed',
    'I3',
    'Nobody changes a function’s code, configuration, permissions or triggers.',
    `lambda:AddPermission lambda:CreateEventSourceMapping lambda:DeleteResourcePolicy lambda:PutResourcePolicy
    lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration`,
  ],
  [
    'networks-are-not-changed',
    'I4',
    'Nobody makes or changes an endpoint, a route or a firewall’s names.',
    'ec2:CreateRoute ec2:CreateVpcEndpoint ec2:ModifyVpcEndpoint route53resolver:UpdateFirewallDomains',
  ],
  [
    'logs-are-not-tapped',
    'I7',
    'Nobody redirects or deletes logs, or stops the audit of AWS calls.',
    'cloudtrail:StopLogging logs:DeleteLogStream logs:PutSubscriptionFilter',
  ],
];

/** The rules that nobody in the system may do what would take a boundary away: by IAM, each held by two layers. */
export const FORBIDDEN_ACTIONS: readonly CapabilityRule[] = QUESTIONS.map(
  ([name, invariant, title, actions]) =>
    capabilityRule({
      name,
      invariant,
      title,
      actions: wordsOf(actions),
      // Roles are what sts:AssumeRole is about.
      ...(actions.startsWith('sts:') ? { on: () => [everyOf('iam')] } : {}),
      by: () => OF_ROLE,
      remedy: 'Remove it. That is for a deploy or an administrator, and no function is one.',
    }),
);
