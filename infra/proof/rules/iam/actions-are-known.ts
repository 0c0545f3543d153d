import { resourcesOfType } from '../../assembly/resolve.ts';
import { policiesOf } from '../../assembly/roles.ts';
import { CAPABILITIES } from '../capabilities.ts';
import { actionsOf } from '../capability.ts';
import { namedActions } from '../named-actions.ts';
import { type Rule, violationsOf } from '../rule.ts';

/** Actions that give away or change nothing of the system. */
const HARMLESS = actionsOf({
  cloudwatch: 'GetMetricData GetMetricStatistics ListMetrics PutMetricData',
  kms: `
    DescribeKey GetKeyPolicy GetKeyRotationStatus GetPublicKey ListAliases ListKeyPolicies ListKeys
    ListResourceTags Verify
  `,
  sts: 'GetCallerIdentity',
  xray: 'GetSamplingRules GetSamplingTargets PutTelemetryRecords PutTraceSegments',
});

/** Every action that a role's policies allow is one that a rule judges or that is known to be harmless: nothing is allowed by a wildcard. */
export const actionsAreKnown: Rule = {
  name: 'actions-are-known',
  invariant: 'I1',
  title: 'A role’s policies name every action they allow, and each is one that a rule judges.',
  check: (input) => {
    const known = new Set([...HARMLESS, ...CAPABILITIES.flatMap(({ actions }) => actions)].map(lower));
    return resourcesOfType(input.assembly, 'AWS::IAM::Role').flatMap((role) => {
      const { identity, foreign } = policiesOf(role, input.assembly);
      const strange = [...new Set(identity.flatMap(({ document }) => namedActions(document)))].filter(
        (name) => !known.has(lower(name)),
      );
      const problems = [
        ...strange.map((name) => `allows ${name}, which no rule judges`),
        ...foreign.map((arn) => `has ${arn}, which is not in the templates and may change at any time`),
      ];
      return violationsOf(problems, {
        resource: role.constructPath,
        subject: `Role ${role.physicalId}`,
        remedy: 'Name the actions one by one, on the resources of the zone, in a policy of the role’s own.',
      });
    });
  },
};

function lower(text: string): string {
  return text.toLowerCase();
}
