import type { IPolicyValidationPlugin, PolicyViolation } from 'aws-cdk-lib';
import { type JsonObject, objectOf } from './proof/assembly/json.ts';
import { directoryOf, readAssembly } from './proof/assembly/read-assembly.ts';
import { type ResolvedAssembly, resolveAssembly } from './proof/assembly/resolve.ts';

/** What AWS counts of a resource, and how much of it it takes. */
interface Limit {
  type: string;
  what: string;
  most: number;
  count(properties: JsonObject): number;
  fix: string;
}

const FEWER =
  'Fewer clients, zones or grants in one system, or shorter names: two systems may share an account.';

/** A policy as IAM counts it: JSON without white space. */
function sizeOf(policy: unknown): number {
  return policy === undefined ? 0 : JSON.stringify(policy).length;
}

/**
 * Sizes that a deploy would stumble over late, per resource.
 * {@link https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html},
 * {@link https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html},
 * {@link https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html}
 */
const LIMITS: readonly Limit[] = [
  ...(
    [
      ['AWS::IAM::ManagedPolicy', 'its policy', 6_144, 'PolicyDocument'],
      ['AWS::IAM::Role', 'its trust policy', 2_048, 'AssumeRolePolicyDocument'],
      ['AWS::KMS::Key', 'its key policy', 32_768, 'KeyPolicy'],
      ['AWS::Lambda::ResourcePolicy', 'its policy', 20_480, 'PolicyDocument'],
      ['AWS::EC2::VPCEndpoint', 'its endpoint policy', 20_480, 'PolicyDocument'],
      ['AWS::SQS::QueuePolicy', 'its policy', 20_480, 'PolicyDocument'],
      ['AWS::SNS::TopicPolicy', 'its policy', 20_480, 'PolicyDocument'],
    ] as const
  ).map(([type, what, most, property]) => ({
    ...{ type, what: `${what} (characters)`, most, fix: FEWER },
    count: (properties: JsonObject) => sizeOf(properties[property]),
  })),
  {
    type: 'AWS::IAM::Role',
    what: 'its inline policies together (characters)',
    most: 10_240,
    count: ({ Policies }) =>
      Array.isArray(Policies)
        ? Policies.reduce((sum: number, policy) => sum + sizeOf(objectOf(policy).PolicyDocument), 0)
        : 0,
    fix: FEWER,
  },
  {
    type: 'AWS::Lambda::Function',
    what: 'its environment (characters)',
    most: 4_096,
    count: ({ Environment }) => sizeOf(objectOf(Environment).Variables),
    fix: FEWER,
  },
  ...(
    [
      ['AWS::IAM::Role', 'RoleName'],
      ['AWS::Lambda::Function', 'FunctionName'],
      ['AWS::Events::Rule', 'Name'],
    ] as const
  ).map(([type, property]) => ({
    ...{ type, what: `its name (characters)`, most: 64, fix: 'Shorten the names in zones.ts.' },
    count: (properties: JsonObject) => String(properties[property] ?? '').length,
  })),
];

/** Members of one parent, by the property that names it. */
const PARTS = [
  ['AWS::ApiGateway::Resource', 'RestApiId', 300, 'path parts of one API'],
  ['AWS::EC2::Route', 'RouteTableId', 50, 'routes of one table'],
  ['AWS::EC2::SecurityGroupIngress', 'GroupId', 60, 'inbound rules of one security group'],
  ['AWS::EC2::SecurityGroupEgress', 'GroupId', 60, 'outbound rules of one security group'],
] as const;

/**
 * What of a cloud assembly AWS would refuse for its size, one line each, most of it after minutes of a deploy. References count as
 * what they will be, ids as long as AWS makes them. Quotas of an account are not looked at: nobody knows here what else it holds.
 */
export function oversized(assembly: ResolvedAssembly): PolicyViolation[] {
  const found = assembly.resources.flatMap(({ type, properties, constructPath }) =>
    LIMITS.filter((limit) => limit.type === type).flatMap((limit) => {
      const size = limit.count(properties);
      return size > limit.most ? [violation(constructPath, limit.what, size, limit.most, limit.fix)] : [];
    }),
  );
  const crowded = PARTS.flatMap(([type, parent, most, what]) => {
    const parts = assembly.resources.filter((resource) => resource.type === type);
    const counts = Map.groupBy(parts, ({ properties }) => String(properties[parent]));
    return [...counts.values()].flatMap((members) =>
      members.length > most && members[0]
        ? [
            violation(
              members[0].constructPath,
              what,
              members.length,
              most,
              'Declare fewer routes or hosts in this zone.',
            ),
          ]
        : [],
    );
  });
  return [...found, ...crowded];
}

function violation(resource: string, what: string, size: number, most: number, fix: string): PolicyViolation {
  return {
    ruleName: 'limits',
    description: `${resource}: ${what}: ${size}, and AWS takes ${most}.`,
    fix,
    severity: 'fatal',
    violatingResources: [{ constructPath: resource, locations: [] }],
  };
}

/** {@link oversized} at every synth. */
export function limitsPlugin(): IPolicyValidationPlugin {
  return {
    name: 'helseid-zones-limits',
    ruleIds: ['limits'],
    validate: ({ templatePaths }) => {
      const directory = directoryOf(templatePaths);
      const violations = directory === undefined ? [] : oversized(resolveAssembly(readAssembly(directory)));
      return { success: violations.length === 0, violations };
    },
  };
}
