import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { idleCost, reportCost } from '../../infra/cost.ts';
import { newFolder } from '../temporary.ts';
import zones from '../two-clients.zones.ts';
import { synthesizedFolder } from './synthesize.ts';

const shipped = idleCost(synthesizedFolder(zones));
const usd = Object.fromEntries(shipped.map(({ stack, usd }) => [stack, usd]));
const all = shipped.reduce((sum, stack) => sum + stack.usd, 0);

/** USD a month of one: 0.0105, 0.046 and 0.005 an hour of 730. */
const [ENDPOINT, NAT, IPV4, KEY, SECRET, ALARM, METRIC, DASHBOARD] = [
  7.665, 33.58, 3.65, 1, 0.4, 0.1, 0.3, 3,
];

test('the shipped example costs what a person counts in it', () => {
  // By services, availability zones and clients: two endpoints in two zones, two keys, four signers with six alarms each, four of them on
  // figures of their own; names not answered for; the dashboard.
  expect(usd['journal-signing']).toBeCloseTo(
    2 * 2 * ENDPOINT + 2 * KEY + 2 * SECRET + 4 * (6 * ALARM + 4 * METRIC) + ALARM + DASHBOARD,
    1,
  );
  // Of every zone: memory, and a function's time; of a client there: tokens, its key, the clock.
  const watched = ALARM + METRIC + ALARM + 3 * (ALARM + METRIC);
  // An endpoint for Lambda; that for DynamoDB is free. The gateway, the table of sessions, names.
  expect(usd['journal-zone-public']).toBeCloseTo(2 * ENDPOINT + NAT + IPV4 + KEY + 3 * ALARM + watched, 1);
  // Dead letters, undelivered events, the oldest event, two tables, names, and the tokens function's errors and throttles.
  expect(usd['journal-zone-internal']).toBeCloseTo(2 * ENDPOINT + NAT + IPV4 + KEY + 8 * ALARM + watched, 1);
  // Endpoints for Lambda, KMS and Secrets Manager; eight figures of each client's keys; memory.
  expect(usd['journal-zone-admin']).toBeCloseTo(
    3 * 2 * ENDPOINT + NAT + IPV4 + KEY + 2 * 8 * (ALARM + METRIC) + ALARM + (ALARM + METRIC),
    1,
  );
  expect(usd['journal-gateway-account']).toBe(0);
});

test('it is about 247 USD a month, six sevenths of it endpoints and NAT gateways; every type is known', () => {
  expect(all).toBeGreaterThan(235);
  expect(all).toBeLessThan(250);
  const share = (14 * ENDPOINT + 3 * NAT) / all;
  expect(share).toBeGreaterThan(0.84);
  expect(share).toBeLessThan(0.88);
  expect(shipped.flatMap(({ unpriced }) => unpriced)).toEqual([]);
});

test('docs/deploying.md has what the synth says, to a dollar', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/deploying.md'), 'utf8');
  const rows = new Map([...page.matchAll(/^\| `?([a-z-]+|All)`? \| (\d+) \|/gm)].map(([, of, n]) => [of, n]));
  expect([...rows.keys()].sort()).toEqual(['All', ...Object.keys(usd)].sort());
  for (const [stack, figure] of Object.entries({ ...usd, All: all }))
    expect(Math.abs(Number(rows.get(stack)) - figure), stack).toBeLessThanOrEqual(1);
});

test('the report has a line a stack, and their sum', () => {
  const [head, ...lines] = reportCost(shipped, 200).split('\n');
  expect(head).toMatch(/list prices of eu-north-1, November 2026, no tax, no traffic/);
  expect(lines).toHaveLength(1 + shipped.length + 1);
  expect(lines[1]).toMatch(/^ {2}journal-signing +44 +4 endpoints 31, 2 keys 2/);
  expect(lines.at(-1)).toMatch(/^ {2}All +24\d$/);
});

/** The cost of one stack with these resources. */
function costOf(...resources: { Type: string; Properties?: object }[]) {
  const folder = newFolder();
  mkdirSync(folder, { recursive: true });
  const artifacts = {
    some: { type: 'aws:cloudformation:stack', properties: { templateFile: 'some.json' } },
  };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ artifacts }));
  writeFileSync(join(folder, 'some.json'), JSON.stringify({ Resources: { ...resources } }));
  return idleCost(folder);
}

const endpoint = (Properties: object) => ({ Type: 'AWS::EC2::VPCEndpoint', Properties });
const alarm = (Properties: object) => ({ Type: 'AWS::CloudWatch::Alarm', Properties });
const query = (MetricName: string, Namespace: string) => ({
  MetricStat: { Metric: { MetricName, Namespace } },
});

test.each([
  ['an endpoint in three zones', endpoint({ VpcEndpointType: 'Interface', SubnetIds: [1, 2, 3] }), 23],
  ['a gateway endpoint', endpoint({ VpcEndpointType: 'Gateway', RouteTableIds: [1, 2] }), 0],
  ['an endpoint of the type that is taken where none is named', endpoint({ ServiceName: 'x' }), 0],
  ['an alarm on a metric of AWS', alarm({ MetricName: 'Errors', Namespace: 'AWS/Lambda' }), 0.1],
  ['an alarm on a metric of its own', alarm({ MetricName: 'Failed', Namespace: 'own' }), 0.4],
  [
    'an alarm that computes',
    alarm({ Metrics: [query('a', 'AWS/Lambda'), query('b', 'own'), { Expression: 'a+b' }] }),
    0.5,
  ],
  ['a function', { Type: 'AWS::Lambda::Function' }, 0],
])('what is added counts: %s', (_, resource, expected) => {
  const [stack] = costOf(resource);
  expect(stack?.usd).toBeCloseTo(expected, 1);
  expect(stack?.unpriced).toEqual([]);
});

test('a type that no price is known for is named, not taken for free', () => {
  const stacks = costOf({ Type: 'AWS::RDS::DBInstance' }, { Type: 'AWS::EC2::Instance' });
  expect(stacks[0]?.unpriced).toEqual(['AWS::RDS::DBInstance', 'AWS::EC2::Instance']);
  expect(reportCost(stacks)).toContain('AWS::RDS::DBInstance: price not known here');
});
