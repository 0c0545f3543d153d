import { type JsonObject, listOf, objectOf } from './proof/assembly/json.ts';
import { readAssembly } from './proof/assembly/read-assembly.ts';
import { table } from './terminal.ts';

/** Hours of a month as AWS's own calculator takes them. */
const HOURS = 730;

/** What of a resource is paid for while nothing happens. */
interface Price {
  type: string;
  /** In a word; docs/deploying.md has the sentence. */
  what: string;
  /** USD a month for one. */
  usd: number;
  /** How many a resource is (default 1). */
  count?: (properties: JsonObject) => number;
}

/** Metrics that an alarm watches: several where it computes. */
function watched({ Metrics, ...own }: JsonObject): JsonObject[] {
  const metrics = listOf(Metrics).map((query) => objectOf(objectOf(objectOf(query).MetricStat).Metric));
  return Metrics === undefined ? [own] : metrics.filter(({ MetricName }) => MetricName !== undefined);
}

/**
 * List prices in USD of eu-north-1, without tax, as of November 2026 and without free tiers. The public pages are
 * {@link https://aws.amazon.com/privatelink/pricing/}, {@link https://aws.amazon.com/vpc/pricing/} (NAT gateways, public IPv4
 * addresses), {@link https://aws.amazon.com/kms/pricing/}, {@link https://aws.amazon.com/secrets-manager/pricing/},
 * {@link https://aws.amazon.com/transit-gateway/pricing/}, {@link https://aws.amazon.com/cloudwatch/pricing/} and {@link https://aws.amazon.com/route53/pricing/}. Nothing here asks AWS
 * for today's: an order of magnitude to decide by.
 */
export const PRICES: readonly Price[] = [
  {
    ...{ type: 'AWS::EC2::VPCEndpoint', what: 'endpoints' },
    usd: 0.0105 * HOURS,
    count: ({ VpcEndpointType, SubnetIds }) =>
      VpcEndpointType === 'Interface' || VpcEndpointType === 'GatewayLoadBalancer'
        ? Math.max(1, listOf(SubnetIds).length)
        : 0,
  },
  { type: 'AWS::EC2::NatGateway', what: 'NAT', usd: 0.046 * HOURS },
  { type: 'AWS::EC2::EIP', what: 'IPv4', usd: 0.005 * HOURS },
  { type: 'AWS::EC2::TransitGatewayAttachment', what: 'attachments', usd: 0.05 * HOURS },
  { type: 'AWS::KMS::Key', what: 'keys', usd: 1 },
  { type: 'AWS::SecretsManager::Secret', what: 'secrets', usd: 0.4 },
  {
    ...{ type: 'AWS::CloudWatch::Alarm', what: 'alarms', usd: 0.1 },
    count: (alarm) => watched(alarm).length,
  },
  {
    ...{ type: 'AWS::CloudWatch::Alarm', what: 'metrics', usd: 0.3 },
    count: (alarm) => watched(alarm).filter(({ Namespace }) => !String(Namespace).startsWith('AWS/')).length,
  },
  { type: 'AWS::CloudWatch::Dashboard', what: 'dashboards', usd: 3 },
  {
    ...{ type: 'AWS::Route53Resolver::FirewallDomainList', what: 'names', usd: 0.0005 },
    count: ({ Domains }) => listOf(Domains).length,
  },
];

/** Services of which nothing is paid for but what is done or stored, or nothing at all; in others and in EC2, types. */
const IDLE_FREE =
  /^AWS::(?:(?:ApiGateway|CloudFormation|Events|IAM|Lambda|Logs|SNS|SQS)::.*|DynamoDB::Table|EC2::(?:FlowLog|InternetGateway|Route|RouteTable|SecurityGroup|SecurityGroupIngress|SecurityGroupEgress|Subnet|SubnetRouteTableAssociation|VPC|VPCGatewayAttachment)|KMS::Alias|Route53Resolver::FirewallRuleGroup(?:Association)?|SecretsManager::RotationSchedule|SSM::Parameter)$/;

/** Part of what a stack costs a month. */
export interface CostItem {
  what: string;
  count: number;
  usd: number;
}

/** What a stack costs a month while nothing happens. */
export interface StackCost {
  stack: string;
  usd: number;
  items: readonly CostItem[];
  /** Types of resources that it has and that no price here is known for. */
  unpriced: readonly string[];
}

/**
 * What each stack of the cloud assembly in `directory` costs while nothing happens, by {@link PRICES}. Counts what the templates
 * hold: neither client keys, which rotation makes, nor anything that traffic causes.
 */
export function idleCost(directory: string): StackCost[] {
  return readAssembly(directory).stacks.map(({ name, template }) => {
    const resources = Object.values(objectOf(template.Resources)).map(objectOf);
    const items = PRICES.map(({ type, what, usd, count = () => 1 }) => {
      const counted = resources
        .filter(({ Type }) => Type === type)
        .reduce((sum, { Properties }) => sum + count(objectOf(Properties)), 0);
      return { what, count: counted, usd: counted * usd };
    }).filter((item) => item.count > 0);
    const unpriced = [...new Set(resources.map(({ Type }) => String(Type)))].filter(
      (type) => !IDLE_FREE.test(type) && !PRICES.some((price) => price.type === type),
    );
    return { stack: name, usd: sumOf(items), items, unpriced };
  });
}

/** {@link idleCost} as text, a line a stack, whole USD. */
export function reportCost(stacks: readonly StackCost[], width = 120): string {
  const rows = stacks.map(({ stack, usd, items, unpriced }) => [
    stack,
    usd.toFixed(0),
    [
      ...items
        .filter((item) => item.usd >= 0.5)
        .map(({ what, count, usd }) => `${count} ${what} ${usd.toFixed(0)}`),
      ...unpriced.map((type) => `${type}: price not known here`),
    ].join(', '),
  ]);
  return [
    'Idle cost, USD a month (list prices of eu-north-1, November 2026, no tax, no traffic; docs/deploying.md):',
    table([['Stack', 'USD', 'Of which'], ...rows, ['All', sumOf(stacks).toFixed(0), '']], width),
  ].join('\n');
}

function sumOf(parts: readonly { usd: number }[]): number {
  return parts.reduce((sum, { usd }) => sum + usd, 0);
}
