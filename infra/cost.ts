import { parseArgs } from 'node:util';
import { ALGORITHM_NAMES, ALGORITHMS, type Algorithm } from '@helseid-zones/protocol/algorithms';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { loadSystem } from './declaration/load.ts';
import { DECLARATION_OPTIONS } from './declaration/options.ts';
import { print, runCommand, table } from './terminal.ts';

/**
 * What calls cost a month (`npm run cost`), beyond what stands anyway (docs/deploying.md).
 * @module
 */

/** Hours of a month as AWS's own calculator takes them. */
const HOURS = 730;

function sumOf(usd: readonly number[]): number {
  return usd.reduce((sum, one) => sum + one, 0);
}

/**
 * List prices in USD of eu-north-1, without tax, as of November 2026 and without free tiers. The public pages are
 * {@link https://aws.amazon.com/kms/pricing/}, {@link https://aws.amazon.com/lambda/pricing/} (arm64), {@link https://aws.amazon.com/vpc/pricing/} (NAT
 * gateways), {@link https://aws.amazon.com/privatelink/pricing/}, {@link https://aws.amazon.com/cloudwatch/pricing/} and
 * {@link https://aws.amazon.com/dynamodb/pricing/on-demand/}. Nothing here asks AWS for today's: an order of magnitude to decide by. KMS takes the same for a
 * signature with each of HelseID's algorithms.
 */
const PRICES = {
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
 * USD a month of what calls cause beyond what stands anyway, by service. With `own` each environment fetches tokens and
 * asks the signer; with `function` one table has the zone's, and each call goes through the zone's tokens function. A proof is a
 * signature, a token two; nonces are known, nothing is tried again. Neither the functions' own work nor traces.
 */
export function trafficCost(
  tokens: 'own' | 'function',
  { calls, environments, lifetime, algorithm }: Traffic,
) {
  const fetched = Math.min(calls, (tokens === 'own' ? environments : 1) * ((HOURS * 3600) / lifetime));
  const signatures = calls + 2 * fetched;
  const signed = calls + fetched;
  const asked = tokens === 'own' ? 0 : calls;
  const bytes = (ALGORITHMS[algorithm].signatureBytes * 8) / 6 / 1e9;
  const seconds = signed * RECKONED.signing + calls * RECKONED.waiting + asked * RECKONED.tokens * 2;
  return {
    KMS: signatures * PRICES.signature,
    Lambda: (signed + asked) * PRICES.invocation + seconds * RECKONED.memory * PRICES.gigabyteSecond,
    NAT: (calls * (RECKONED.headers + bytes) + fetched * (RECKONED.request + 2 * bytes)) * PRICES.natGigabyte,
    endpoints: (signed + asked) * (RECKONED.request + bytes) * PRICES.endpointGigabyte,
    logs: (signed + asked) * RECKONED.logs * PRICES.logGigabyte,
    DynamoDB:
      tokens === 'own'
        ? 0
        : fetched * 2 * PRICES.tableWrite + fetched * (environments + 1) * PRICES.tableRead,
  };
}

const USAGE = `npm run cost -- --zone NAME [--calls 1000000] [--environments 10] [--token-lifetime 600] [--declaration FILE] [--stage NAME]
  What a month of API calls costs in a zone, by service, both ways and with each algorithm (docs/cost.md).`;

async function main(args: string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
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
    if (!Number.isInteger(value) || value < 1) throw invalid(`--${name} takes a whole number of at least 1`);
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

function invalid(message: string): ZonesError {
  return new ZonesError('config_invalid', `${message}.\n${USAGE}`);
}

if (import.meta.main) await runCommand(main, { usage: USAGE });
