import { ALGORITHM_NAMES, ALGORITHMS, type Algorithm } from '@helseid-zones/protocol/algorithms';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { loadSystem } from './declaration/load.ts';
import { DECLARATION_OPTIONS, readArguments } from './declaration/options.ts';
import { type JsonObject, listOf, objectOf } from './proof/assembly/json.ts';
import { readAssembly } from './proof/assembly/read-assembly.ts';
import { print, runCommand, table } from './terminal.ts';

/**
 * What a system costs a month: what stands (`cdk synth` reports it), and what calls cause (`npm run cost`).
 * @module
 */

/** Hours of a month as AWS's own calculator takes them. */
const HOURS = 730;

/** Metrics that an alarm watches: several where it computes. */
function watched({ Metrics, ...own }: JsonObject): JsonObject[] {
  const metrics = listOf(Metrics).map((query) => objectOf(objectOf(objectOf(query).MetricStat).Metric));
  return Metrics === undefined ? [own] : metrics.filter(({ MetricName }) => MetricName !== undefined);
}

const isOwn = ({ Namespace }: JsonObject) => !String(Namespace).startsWith('AWS/');

/** Interfaces of an endpoint, one an availability zone. */
function interfacesOf({ VpcEndpointType, SubnetIds }: JsonObject): number {
  const isPaid = VpcEndpointType === 'Interface' || VpcEndpointType === 'GatewayLoadBalancer';
  return isPaid ? Math.max(1, listOf(SubnetIds).length) : 0;
}

/** What of a type of resource is paid for while nothing happens, in a word; USD a month for one; how many a resource is (default 1). */
type Price = [type: string, what: string, usd: number, count?: (properties: JsonObject) => number];

/**
 * List prices in USD of eu-north-1, without tax, as of November 2026 and without free tiers. The public pages are
 * {@link https://aws.amazon.com/privatelink/pricing/}, {@link https://aws.amazon.com/vpc/pricing/} (NAT gateways, public IPv4
 * addresses), {@link https://aws.amazon.com/kms/pricing/}, {@link https://aws.amazon.com/secrets-manager/pricing/},
 * {@link https://aws.amazon.com/transit-gateway/pricing/}, {@link https://aws.amazon.com/cloudwatch/pricing/} and {@link https://aws.amazon.com/route53/pricing/}. Nothing here asks AWS
 * for today's: an order of magnitude to decide by.
 */
const PRICES: readonly Price[] = [
  ['AWS::EC2::VPCEndpoint', 'endpoints', 0.0105 * HOURS, interfacesOf],
  ['AWS::EC2::NatGateway', 'NAT', 0.046 * HOURS],
  ['AWS::EC2::EIP', 'IPv4', 0.005 * HOURS],
  ['AWS::EC2::TransitGatewayAttachment', 'attachments', 0.05 * HOURS],
  ['AWS::KMS::Key', 'keys', 1],
  ['AWS::SecretsManager::Secret', 'secrets', 0.4],
  ['AWS::CloudWatch::Alarm', 'alarms', 0.1, (alarm) => watched(alarm).length],
  ['AWS::CloudWatch::Alarm', 'metrics', 0.3, (alarm) => watched(alarm).filter(isOwn).length],
  ['AWS::CloudWatch::Dashboard', 'dashboards', 3],
  ['AWS::Route53Resolver::FirewallDomainList', 'names', 0.0005, ({ Domains }) => listOf(Domains).length],
];

/** Services of which nothing is paid for but what is done or stored, or nothing at all; in others and in EC2, types. */
const IDLE_FREE =
  /^AWS::(?:(?:ApiGateway|CloudFormation|Events|IAM|Lambda|Logs|SNS|SQS)::.*|DynamoDB::Table|EC2::(?:FlowLog|InternetGateway|Route|RouteTable|SecurityGroup|SecurityGroupIngress|SecurityGroupEgress|Subnet|SubnetRouteTableAssociation|VPC|VPCGatewayAttachment)|KMS::Alias|Route53Resolver::FirewallRuleGroup(?:Association)?|SecretsManager::RotationSchedule|SSM::Parameter)$/;

/** What a stack costs a month while nothing happens. */
type StackCost = ReturnType<typeof idleCost>[number];

/**
 * What each stack of the cloud assembly in `directory` costs while nothing happens, by {@link PRICES}. Counts what the templates
 * hold, and names the types that no price here is known for: neither client keys, which rotation makes, nor anything that traffic causes.
 */
export function idleCost(directory: string) {
  return readAssembly(directory).stacks.map(({ name, template }) => {
    const resources = Object.values(objectOf(template.Resources)).map(objectOf);
    const items = PRICES.map(([type, what, usd, count = () => 1]) => {
      const counted = resources
        .filter(({ Type }) => Type === type)
        .reduce((sum, { Properties }) => sum + count(objectOf(Properties)), 0);
      return { what, count: counted, usd: counted * usd };
    }).filter((item) => item.count > 0);
    const unpriced = [...new Set(resources.map(({ Type }) => String(Type)))].filter(
      (type) => !IDLE_FREE.test(type) && !PRICES.some(([priced]) => priced === type),
    );
    return { stack: name, usd: sumOf(items.map((item) => item.usd)), items, unpriced };
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
    table(
      [['Stack', 'USD', 'Of which'], ...rows, ['All', sumOf(stacks.map(({ usd }) => usd)).toFixed(0), '']],
      width,
    ),
  ].join('\n');
}

const sumOf = (usd: readonly number[]): number => usd.reduce((sum, one) => sum + one, 0);

/**
 * List prices in USD of what is done, as {@link PRICES} has those of what stands: eu-north-1, November 2026, without tax
 * and free tiers; {@link https://aws.amazon.com/lambda/pricing/} (arm64), {@link https://aws.amazon.com/dynamodb/pricing/on-demand/} and
 * the pages named there. KMS takes the same for a signature with each of HelseID's algorithms.
 */
const TRAFFIC_PRICES = {
  signature: 0.15 / 10_000,
  invocation: 0.2 / 1e6,
  gigabyteSecond: 0.0000133334,
  natGigabyte: 0.046,
  endpointGigabyte: 0.01,
  logGigabyte: 0.5,
  tableRead: 0.125 / 1e6,
  tableWrite: 0.625 / 1e6,
} as const;

/** What is not counted but reckoned: seconds and gigabytes of an invocation or a call, and a function's gigabytes of memory. */
const RECKONED = {
  signing: 0.015,
  waiting: 0.02,
  tokens: 0.02,
  memory: 0.5,
  logs: 1.5e-6,
  headers: 2e-6,
  request: 4e-6,
};

/** What a month of calls is reckoned from. */
interface Traffic {
  /** Calls of APIs. */
  calls: number;
  /** Environments of the zone's functions that call, each with tokens of its own (`own`). */
  environments: number;
  /** Seconds for which a token lasts. */
  lifetime: number;
  algorithm: Algorithm;
}

/**
 * USD a month of what calls cause beyond what stands anyway (`idleCost`), by service. With `own` each environment fetches tokens and
 * asks the signer; with `function` one table has the zone's, and each call goes through the zone's tokens function. A proof is a
 * signature, a token two; nonces are known, nothing is tried again. Neither the functions' own work nor traces.
 */
export function trafficCost(tokens: 'own' | 'function', traffic: Traffic) {
  const { calls, environments, lifetime, algorithm } = traffic;
  const price = TRAFFIC_PRICES;
  const fetched = Math.min(calls, (tokens === 'own' ? environments : 1) * ((HOURS * 3600) / lifetime));
  const signatures = calls + 2 * fetched;
  const signed = calls + fetched;
  const asked = tokens === 'own' ? 0 : calls;
  const bytes = (ALGORITHMS[algorithm].signatureBytes * 8) / 6 / 1e9;
  const seconds = signed * RECKONED.signing + calls * RECKONED.waiting + asked * RECKONED.tokens * 2;
  return {
    KMS: signatures * price.signature,
    Lambda: (signed + asked) * price.invocation + seconds * RECKONED.memory * price.gigabyteSecond,
    NAT: (calls * (RECKONED.headers + bytes) + fetched * (RECKONED.request + 2 * bytes)) * price.natGigabyte,
    endpoints: (signed + asked) * (RECKONED.request + bytes) * price.endpointGigabyte,
    logs: (signed + asked) * RECKONED.logs * price.logGigabyte,
    DynamoDB:
      tokens === 'own' ? 0 : fetched * 2 * price.tableWrite + fetched * (environments + 1) * price.tableRead,
  };
}

const USAGE = `npm run cost -- --zone NAME [--calls 1000000] [--environments 10] [--token-lifetime 600] [--declaration FILE] [--stage NAME]
  What a month of API calls costs in a zone, by service, both ways and with each algorithm (docs/cost.md).`;

async function main(args: string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = readArguments({
    args,
    options: {
      ...DECLARATION_OPTIONS,
      zone: text,
      calls: { ...text, default: '1000000' },
      environments: { ...text, default: '10' },
      'token-lifetime': { ...text, default: '600' },
    },
  });
  const { zones, clients } = await loadSystem(values.declaration, values.stage);
  // What a function signs by keys of its own costs no signature of KMS, and the admin zone calls hardly ever.
  const signing = Object.entries(zones).filter(([, { grants }]) => grants.length > 0);
  const [, zone] = signing.find(([name]) => name === values.zone) ?? [];
  if (!zone)
    throw invalid(`--zone is one that has something signed: ${signing.map(([name]) => name).join(', ')}`);
  const [calls = 0, environments = 0, lifetime = 0] = (
    ['calls', 'environments', 'token-lifetime'] as const
  ).map((name) => {
    const value = Number(values[name]);
    if (!/^\d{1,15}$/.test(values[name]) || value < 1)
      throw invalid(`--${name} takes a whole number of at least 1`);
    return value;
  });
  const used = new Set(zone.grants.map(({ client }) => clients[client]?.algorithm));
  const rows = ALGORITHM_NAMES.flatMap((algorithm) =>
    (['own', 'function'] as const).map((tokens) => {
      const parts = Object.values(trafficCost(tokens, { calls, environments, lifetime, algorithm }));
      const all = sumOf(parts);
      const declared = used.has(algorithm) && zone.tokens === tokens ? ' (declared)' : '';
      return [`${algorithm}, ${tokens}${declared}`, ...[all, ...parts].map((usd) => usd.toFixed(2))];
    }),
  );
  const said = `USD a month for ${calls} calls of zone ${values.zone}, beyond what stands idle (list prices of eu-north-1, November 2026):`;
  print(
    `${said}\n${table([['Signed with', 'All', 'KMS', 'Lambda', 'NAT', 'Endpoints', 'Logs', 'DynamoDB'], ...rows], 120)}`,
  );
  return 0;
}

const invalid = (message: string): ZonesError => new ZonesError('config_invalid', `${message}.\n${USAGE}`);

if (import.meta.main) await runCommand(main, { usage: USAGE });
