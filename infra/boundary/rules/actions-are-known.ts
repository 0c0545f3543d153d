import { listOf, objectOf, stringOf, stringsOf } from '../json.ts';
import { namedActions } from '../named-actions.ts';
import { type ResolvedResource, resourcesOfType } from '../resolve.ts';
import type { ProofInput, Rule } from '../rule.ts';
import { CAPABILITIES } from './capabilities.ts';

/** Actions that give away or change nothing of the system. */
const HARMLESS = [
  'cloudwatch:GetMetricData',
  'cloudwatch:GetMetricStatistics',
  'cloudwatch:ListMetrics',
  'cloudwatch:PutMetricData',
  'kms:DescribeKey',
  'kms:GetKeyPolicy',
  'kms:GetKeyRotationStatus',
  'kms:GetPublicKey',
  'kms:ListAliases',
  'kms:ListKeyPolicies',
  'kms:ListKeys',
  'kms:ListResourceTags',
  'kms:Verify',
  'sts:GetCallerIdentity',
  'xray:GetSamplingRules',
  'xray:GetSamplingTargets',
  'xray:PutTelemetryRecords',
  'xray:PutTraceSegments',
];

/** Every action that a role's policies allow is one that a rule judges or that is known to be harmless: nothing is allowed by a wildcard. */
export const actionsAreKnown: Rule = {
  name: 'actions-are-known',
  invariant: 'I1',
  title: 'A role’s policies name every action they allow, and each is one that a rule judges.',
  check: (input) => {
    const known = new Set([...HARMLESS, ...CAPABILITIES.flatMap(({ actions }) => actions)].map(lower));
    return resourcesOfType(input.assembly, 'AWS::IAM::Role').flatMap((role) => {
      const { documents, foreign } = policiesOf(role, input);
      const strange = [...new Set(documents.flatMap(namedActions))].filter((name) => !known.has(lower(name)));
      const problems = [
        ...strange.map((name) => `allows ${name}, which no rule judges`),
        ...foreign.map((arn) => `has ${arn}, which is not in the templates and may change at any time`),
      ];
      return problems.map((problem) => ({
        resource: role.constructPath,
        message: `Role ${role.physicalId} ${problem}.`,
        path: [role.constructPath, 'its policies', problem],
        remedy: 'Name the actions one by one, on the resources of the zone, in a policy of the role’s own.',
      }));
    });
  },
};

/** The documents of a role's identity policies, and the ARNs of those that the templates lack. */
function policiesOf({ properties, account, physicalId }: ResolvedResource, { assembly }: ProofInput) {
  const managed = new Map(
    resourcesOfType(assembly, 'AWS::IAM::ManagedPolicy').map((policy) => [policy.arn, policy]),
  );
  const named = stringsOf(properties.ManagedPolicyArns);
  const attached = assembly.resources.filter(
    ({ type, account: owner, properties: { Roles, RoleName } }) =>
      ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy', 'AWS::IAM::RolePolicy'].includes(type) &&
      owner === account &&
      [...stringsOf(Roles), stringOf(RoleName)].includes(physicalId),
  );
  return {
    documents: [
      ...listOf(properties.Policies).map((policy) => objectOf(policy).PolicyDocument),
      ...attached.map((policy) => policy.properties.PolicyDocument),
      ...named.flatMap((arn) => managed.get(arn)?.properties.PolicyDocument ?? []),
    ],
    foreign: named.filter((arn) => !managed.has(arn)),
  };
}

function lower(text: string): string {
  return text.toLowerCase();
}
