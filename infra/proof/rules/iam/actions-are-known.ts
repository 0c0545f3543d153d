import { ACCOUNT_PLACEHOLDER } from '@helseid-zones/protocol/fill-key-policy';
import { type JsonObject, objectOf, parseJson } from '../../assembly/json.ts';
import type { ResolvedResource } from '../../assembly/resolve.ts';
import { policiesOf } from '../../assembly/roles.ts';
import { awsManagedActions } from '../../policy/world/build.ts';
import { KEY_POLICY_FILE } from '../../policy/world/virtual-keys.ts';
import { CAPABILITIES } from '../capabilities.ts';
import { actionsOf } from '../capability.ts';
import { actionsAllowedIn } from '../named-actions.ts';
import { type Rule, resourceRule } from '../rule.ts';
import { filesOf } from '../targets.ts';
import { FORBIDDEN_ACTIONS } from './forbidden-actions.ts';

/** Actions that give away or change nothing of the system. */
export const HARMLESS = actionsOf({
  cloudwatch: 'GetMetricData GetMetricStatistics ListMetrics PutMetricData',
  kms: `
    DescribeKey GetKeyPolicy GetKeyRotationStatus GetPublicKey ListAliases ListGrants ListKeyPolicies
    ListKeys ListResourceTags Verify
  `,
  sts: 'GetCallerIdentity',
  xray: 'GetSamplingRules GetSamplingStatisticSummaries GetSamplingTargets PutTelemetryRecords PutTraceSegments',
});

/** Every action that a rule judges or that is harmless, in lower case. */
const KNOWN = new Set([...HARMLESS, ...CAPABILITIES.flatMap(({ actions }) => actions)].map(lower));

/** What no policy but a role's is asked about: one of an endpoint or a resource has no business with it. */
const FORBIDDEN = new Set(FORBIDDEN_ACTIONS.flatMap(({ actions }) => actions).map(lower));

/**
 * Whatever a policy allows (of a role, a boundary, an endpoint or a resource) is an action that a rule judges. A wildcard is none,
 * nor is what a statement leaves by naming what it is not about. So what no rule asks about, no policy gives to anybody.
 */
export const actionsAreKnown: Rule = resourceRule({
  name: 'actions-are-known',
  invariant: 'I1',
  title:
    'Policies of roles, boundaries, endpoints and resources name every action they allow, and each is one that a rule judges.',
  problems: (resource, { assembly }) => {
    const attached = resource.type === 'AWS::IAM::Role' ? policiesOf(resource, assembly).foreign : [];
    const ofRole = resource.type.startsWith('AWS::IAM::');
    return [
      ...actionsAllowedIn(resource)
        .concat(actionsAllowedIn({ ...resource, properties: keyPoliciesIn(resource) }))
        .concat(attached.flatMap((arn) => awsManagedActions(arn) ?? []))
        .filter((name) => !KNOWN.has(lower(name)) || (!ofRole && FORBIDDEN.has(lower(name))))
        .map((name) => [name, `allows ${name}, which no rule lets anybody do`] as const),
      ...attached
        .filter((arn) => awsManagedActions(arn) === undefined)
        .map((arn) => [arn, `has ${arn}, which is not in the templates and may change at any time`] as const),
    ];
  },
  remedy:
    'Name the actions one by one, on the resources of the zone, and none that is for a deploy or an administrator.',
});

/** The policies of client keys in rotation's asset, as rotation gives them to the keys that it makes. */
function keyPoliciesIn(resource: ResolvedResource): JsonObject {
  const text = filesOf(resource).get(KEY_POLICY_FILE) ?? '{}';
  return objectOf(parseJson(text.replaceAll(ACCOUNT_PLACEHOLDER, resource.account)));
}

function lower(text: string): string {
  return text.toLowerCase();
}
