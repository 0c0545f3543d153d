import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { trafficCost } from '../../infra/cost.ts';
import { sampled } from '../full.ts';

const million = { calls: 1_000_000, environments: 10, lifetime: 600, algorithm: 'ES256' } as const;

test('a million calls, as a person counts them', () => {
  // Ten environments of 730 hours with six tokens an hour; 15 cents for ten thousand signatures.
  const own = trafficCost('own', million);
  expect(own.KMS).toBeCloseTo(((1_000_000 + 2 * 43_800) * 0.15) / 10_000, 6);
  expect(own.DynamoDB).toBe(0);
  const shared = trafficCost('function', million);
  expect(shared.KMS).toBeCloseTo(((1_000_000 + 2 * 4380) * 0.15) / 10_000, 6);
  expect(shared.DynamoDB).toBeGreaterThan(0);
  // Each call goes through two functions instead of one.
  expect(shared.logs / own.logs).toBeCloseTo((2_000_000 + 4380) / 1_043_800, 6);
});

test.each([
  ['own', 1],
  ['function', 1],
] as const)('with %s nobody fetches more tokens than there are calls', (tokens, calls) => {
  expect(trafficCost(tokens, { ...million, calls }).KMS).toBeCloseTo((3 * 0.15) / 10_000, 9);
});

test('only the bytes of a longer signature cost more', () => {
  const [es, ps] = (['ES256', 'PS512'] as const).map((algorithm) =>
    trafficCost('own', { ...million, algorithm }),
  );
  expect(ps).toMatchObject({ KMS: es?.KMS, Lambda: es?.Lambda, logs: es?.logs });
  expect(ps?.NAT).toBeGreaterThan(es?.NAT ?? 0);
});

test.each([
  ['ES256', 'own'],
  ['ES256', 'function'],
  ['PS256', 'own'],
  ['PS256', 'function'],
] as const)('docs/cost.md says what it is with %s and %s', (algorithm, tokens) => {
  const parts = Object.values(trafficCost(tokens, { ...million, algorithm }));
  const cells = [parts.reduce((sum, usd) => sum + usd, 0), ...parts].map((usd) => usd.toFixed(2));
  const row = `| ${algorithm}, \`tokens: '${tokens}'\` | ${cells.join(' | ')} |`;
  expect(readFileSync('docs/cost.md', 'utf8')).toContain(row);
});

const run = (...args: string[]) =>
  execFileSync(process.execPath, ['infra/cost.ts', '--declaration', 'test/two-clients.zones.ts', ...args], {
    encoding: 'utf8',
    stdio: 'pipe',
  });

test('the command prints both ways and each algorithm, and says what is declared', () => {
  const said = run('--zone', 'internal');
  expect(said.match(/^ {2}[EP]S\d+, (own|function)/gm)).toHaveLength(12);
  expect(said.match(/\(declared\)/g)).toHaveLength(1);
});

test.each(
  sampled<[string[], string]>([
    [['--zone', 'internal', '--calls', '0'], '--calls takes a whole number'],
    [['--zone', 'internal', '--calls', '1e9'], '--calls takes a whole number'],
    [['--zone', 'nope'], 'signed: public, internal.'],
  ]),
)('%j: what is wrong', (args, message) => {
  expect(() => run(...args)).toThrow(message);
});
