import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import staged from '../../examples/stages.zones.ts';
import { readAssembly } from '../../infra/proof/assembly/read-assembly.ts';
import { compareWithDerived } from '../../infra/proof/derived/compare.ts';
import { deriveAssembly } from '../../infra/proof/derived/derive.ts';
import { sampled } from '../full.ts';
import { type Assembly, synthesize, synthesizedFolder, text } from './synthesize.ts';

/** The example's two stages as they might share an account: other names, one role of API Gateway. */
const NAMES = ['clinic', 'clinictwo'] as const;
const account = '111111111111';
const [one, two] = [
  synthesize({ ...staged('test'), name: NAMES[0], account }),
  synthesize({ ...staged('production'), name: NAMES[1], account, apiGatewayAccount: false }),
] as [Assembly, Assembly];

/** Names that a template fixes, by type. Those of services and metrics, and those within an API, are not among them. */
function fixedNames({ ofType, resources, stacks }: Assembly): string[] {
  const types = new Set(stacks.flatMap((stack) => Object.values(resources(stack)).map(({ Type }) => Type)));
  return [...types].flatMap((type) =>
    (type === 'AWS::ApiGateway::RequestValidator' ? [] : ofType(type)).flatMap(([, { Properties = {} }]) =>
      Object.entries(Properties)
        .filter(([property, value]) => /(^|[a-z])Name$/.test(property) && typeof value === 'string')
        .filter(([property]) => !['ServiceName', 'StageName', 'MetricName'].includes(property))
        .map(([property, value]) => `${type}.${property}: ${value}`),
    ),
  );
}

/** Strings anywhere in a value. */
function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  if ('Fn::Join' in value) return [text(value)];
  return Object.values(value).flatMap(strings);
}

test('a process of its own derives what the CDK command line synthesizes, ids included', () => {
  vi.stubEnv(
    'CDK_CONTEXT_JSON',
    '{"aws:cdk:enable-path-metadata":true,"aws:cdk:enable-asset-metadata":true}',
  );
  const system = staged('test');
  const byCommand = readAssembly(synthesizedFolder(system, {}, () => {}));
  vi.unstubAllEnvs();
  const compared = compareWithDerived(byCommand, deriveAssembly(system, byCommand));
  expect(compared).toEqual({ violations: [], additions: [] });
});

test.each(
  sampled<[string, number, string, string, string, RegExp]>([
    [
      'keys',
      1,
      'account',
      '999999999999',
      'eu-north-1',
      /account asked is 999999999999, .* goes to 111111111111/,
    ],
    ['verify', 2, 'region', '111111111111', 'eu-west-1', /region asked is eu-west-1, .* goes to eu-north-1/],
  ]),
)(
  'npm run %s refuses, with %i, a stage with another %s',
  async (command, code, _, account, AWS_REGION, message) => {
    const answer = `<R><GetCallerIdentityResult><Account>${account}</Account></GetCallerIdentityResult></R>`;
    const sts = createServer((_request, response) => response.end(answer)).listen(0, '127.0.0.1');
    await once(sts, 'listening');
    const { port } = sts.address() as AddressInfo;
    const args = [`infra/${command}/main.ts`, '--declaration', 'examples/stages.zones.ts', '--stage', 'test'];
    const credentials = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 's' };
    const endpoint = { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` };
    const env = { ...process.env, ...credentials, ...endpoint, AWS_REGION };
    const refused = await promisify(execFile)(process.execPath, args, { env }).catch((error) => error);
    sts.close();
    expect(refused).toMatchObject({ code, stderr: expect.stringMatching(message) });
  },
);

describe('two stages in one account', () => {
  test('share no name', () => {
    const [names, others] = [fixedNames(one), fixedNames(two)];
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => others.includes(name))).toEqual([]);
    expect(one.stacks.filter((stack) => two.stacks.includes(stack))).toEqual([]);
  });

  test('have policies whose patterns end the name, so that none reaches the other', () => {
    const written = one.stacks.flatMap((stack) => Object.values(one.resources(stack)).flatMap(strings));
    const patterns = written.filter((each) => each.includes('*') && each.includes(NAMES[0]));
    expect(patterns.length).toBeGreaterThan(5);
    // A name has no hyphen, so a pattern for `clinic-*` is none for `clinictwo-…`.
    for (const pattern of patterns) expect(pattern).toMatch(new RegExp(`\\b${NAMES[0]}[-/]`));
    expect(written.filter((each) => each.includes(NAMES[1]))).toEqual([]);
  });

  test('set the role of API Gateway once', () => {
    expect(one.ofType('AWS::ApiGateway::Account')).toHaveLength(1);
    expect(two.ofType('AWS::ApiGateway::Account')).toEqual([]);
  });
});

test('stages run the same code: what differs is in their configs', () => {
  const functions = [one, two].map(({ ofType }, at) =>
    ofType('AWS::Lambda::Function').map(([, { Properties }]) =>
      String(Properties['FunctionName']).replace(`${NAMES[at]}-`, ''),
    ),
  );
  expect(functions[0]).toEqual(functions[1]);
  for (const name of functions[0] ?? []) {
    const [first, second] = [one, two].map((assembly, at) =>
      assembly.asset(`${NAMES[at]}-${name}`, 'index.mjs'),
    );
    expect(first === second, name).toBe(true);
  }
  const [first, second] = [one, two].map((assembly, at) =>
    assembly.asset(`${NAMES[at]}-signer-reader-public`, 'grant.json'),
  );
  expect(first).toContain('https://helseid-sts.test.nhn.no');
  expect(second).toContain('https://helseid-sts.nhn.no');
});
