import { type CapabilityRule, capabilityRule } from '../capability.ts';
import type { Capability } from '../judge.ts';
import { wordsOf } from '../rule.ts';
import { everyOf } from '../targets.ts';

/** A rule that nobody may do some things; the actions apart by blanks. */
interface ForbiddenActions extends Omit<Capability, 'actions' | 'allows' | 'who' | 'remedy'> {
  actions: string;
}

/**
 * What a reader of the matrix asks first: the acts by which a boundary is usually taken away. They are not all of them: whatever
 * else a policy allows is a finding of `actions-are-known`, unless a rule judges it.
 */
const TABLE: readonly ForbiddenActions[] = [
  {
    name: 'identities-are-not-changed',
    invariant: 'I1',
    title: 'Nobody passes a role, or changes what a role may do or who can become it.',
    actions: `iam:AttachRolePolicy iam:CreatePolicyVersion iam:DeleteRolePermissionsBoundary iam:PassRole iam:PutRolePolicy
      iam:UpdateAssumeRolePolicy`,
  },
  {
    name: 'roles-are-not-assumed',
    invariant: 'I1',
    title:
      'No role assumes another one: not a signer’s, not an administrator’s, not the CDK’s bootstrap roles.',
    actions: 'sts:AssumeRole',
    on: () => [everyOf('iam')],
  },
  {
    name: 'keys-are-not-captured',
    invariant: 'I1',
    title: 'No role can re-policy, grant, delete, import or replicate a key.',
    actions:
      'kms:CreateGrant kms:ImportKeyMaterial kms:PutKeyPolicy kms:ReplicateKey kms:ScheduleKeyDeletion',
    by: ({ client }) => [
      'identity policy',
      'permissions boundary',
      ...(client === undefined ? [] : (['endpoint policy'] as const)),
    ],
  },
  {
    name: 'functions-are-not-changed',
    invariant: 'I3',
    title: 'Nobody changes a function’s code, configuration, permissions or triggers.',
    actions: `lambda:AddPermission lambda:CreateEventSourceMapping lambda:DeleteResourcePolicy lambda:PutResourcePolicy
      lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration`,
  },
  {
    name: 'networks-are-not-changed',
    invariant: 'I4',
    title: 'Nobody makes or changes an endpoint, a route or a firewall’s names.',
    actions:
      'ec2:CreateRoute ec2:CreateVpcEndpoint ec2:ModifyVpcEndpoint route53resolver:UpdateFirewallDomains',
  },
  {
    name: 'logs-are-not-tapped',
    invariant: 'I7',
    title: 'Nobody redirects or deletes logs, or stops the audit of AWS calls.',
    actions: 'cloudtrail:StopLogging logs:DeleteLogStream logs:PutSubscriptionFilter',
  },
];

/** The rules that nobody in the system may do what would take a boundary away: by IAM, each held by two layers. */
export const FORBIDDEN_ACTIONS: readonly CapabilityRule[] = TABLE.map((rule) =>
  capabilityRule({
    ...rule,
    actions: wordsOf(rule.actions),
    remedy: 'Remove it. That is for a deploy or an administrator, and no function is one.',
  }),
);
