import { required } from '@helseid-zones/protocol/values';
import type { IPolicyValidationPlugin, PolicyViolation } from 'aws-cdk-lib';
import { type JsonObject, listOf, objectOf } from './proof/assembly/json.ts';
import { directoryOf, readAssembly } from './proof/assembly/read-assembly.ts';
import { type ResolvedAssembly, resolveAssembly } from './proof/assembly/resolve.ts';

/** A policy as IAM counts it: JSON without white space. */
const sizeOf = (policy: unknown): number => (policy === undefined ? 0 : JSON.stringify(policy).length);

const sizeOfAll = (inline: unknown): number =>
  listOf(inline).reduce<number>((sum, policy) => sum + sizeOf(objectOf(policy).PolicyDocument), 0);

const lengthOf = (name: unknown) => String(name ?? '').length;

const PATTERN = 'its event pattern';

/**
 * Sizes that a deploy would stumble over late: a type of resource, what AWS counts of it, in characters, and how many it takes.
 * {@link https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html},
 * {@link https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html},
 * {@link https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html},
 * {@link https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html}
 */
const LIMITS: readonly [type: string, what: string, most: number, count: (of: JsonObject) => number][] = [
  ['IAM::ManagedPolicy', 'its policy', 6_144, (of) => sizeOf(of.PolicyDocument)],
  ['IAM::Role', 'its trust policy', 2_048, (of) => sizeOf(of.AssumeRolePolicyDocument)],
  ['IAM::Role', 'its inline policies together', 10_240, ({ Policies }) => sizeOfAll(Policies)],
  ['KMS::Key', 'its key policy', 32_768, (of) => sizeOf(of.KeyPolicy)],
  ['Lambda::ResourcePolicy', 'its policy', 20_480, (of) => sizeOf(of.PolicyDocument)],
  ['EC2::VPCEndpoint', 'its endpoint policy', 20_480, (of) => sizeOf(of.PolicyDocument)],
  ['SQS::QueuePolicy', 'its policy', 20_480, (of) => sizeOf(of.PolicyDocument)],
  ['SNS::TopicPolicy', 'its policy', 20_480, (of) => sizeOf(of.PolicyDocument)],
  ['Lambda::Function', 'its environment', 4_096, (of) => sizeOf(objectOf(of.Environment).Variables)],
  ['IAM::Role', 'its name', 64, (of) => lengthOf(of.RoleName)],
  ['Lambda::Function', 'its name', 64, (of) => lengthOf(of.FunctionName)],
  ['Events::Rule', 'its name', 64, (of) => lengthOf(of.Name)],
  ['Events::Rule', PATTERN, 2_048, (of) => sizeOf(of.EventPattern)],
];

/** Members of one parent: a type, the property that names the parent, how many it takes, and what they are. */
const PARTS = [
  ['ApiGateway::Resource', 'RestApiId', 300, 'path parts of one API'],
  ['EC2::Route', 'RouteTableId', 50, 'routes of one table'],
  ['EC2::SecurityGroupIngress', 'GroupId', 60, 'inbound rules of one security group'],
  ['EC2::SecurityGroupEgress', 'GroupId', 60, 'outbound rules of one security group'],
] as const;

const FIXES = {
  names: 'Shorten the names in zones.ts.',
  pattern: 'Declare fewer sources, types or values of detail for one function.',
  policies:
    'Fewer clients, zones or grants in one system, or shorter names: two systems may share an account.',
  parts: 'Declare fewer routes, hosts, or addresses and ports of exits in this zone.',
};

/**
 * What of a cloud assembly AWS would refuse for its size, one line each, most of it after minutes of a deploy. References count as
 * what they will be, ids as long as AWS makes them. Quotas of an account are not looked at: nobody knows here what else it holds.
 */
export function oversized({ resources }: ResolvedAssembly): PolicyViolation[] {
  const ofType = (type: string) => resources.filter((resource) => resource.type === `AWS::${type}`);
  const sizes = LIMITS.flatMap(([type, what, most, count]) =>
    ofType(type).map(({ constructPath, properties }) => {
      const fix = what === 'its name' ? FIXES.names : what === PATTERN ? FIXES.pattern : FIXES.policies;
      return { constructPath, what: `${what} (characters)`, size: count(properties), most, fix };
    }),
  );
  // A group holds rules of its own too, by addresses; those by another group stand apart.
  const within = (type: string) =>
    ofType('EC2::SecurityGroup').flatMap(({ constructPath, physicalId: GroupId, properties }) =>
      listOf(properties[type.replace('EC2::', '')]).map(() => ({ constructPath, properties: { GroupId } })),
    );
  const counts = PARTS.flatMap(([type, parent, most, what]) => {
    const all = [...ofType(type), ...within(type)];
    const groups = Map.groupBy(all, ({ properties }) => String(objectOf(properties)[parent]));
    return [...groups.values()].map((members) => {
      const { constructPath } = required(members[0], 'A member of a group');
      return { constructPath, what, size: members.length, most, fix: FIXES.parts };
    });
  });
  const exceeding = [...sizes, ...counts].filter(({ size, most }) => size > most);
  return exceeding.map(({ constructPath, what, size, most, fix }) => ({
    ruleName: 'limits',
    fix,
    severity: 'fatal' as const,
    description: `${constructPath}: ${what}: ${size}, and AWS takes ${most}.`,
    violatingResources: [{ constructPath, locations: [] }],
  }));
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
