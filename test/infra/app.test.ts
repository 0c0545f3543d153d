import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack, Validations } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { MockIntegration, RestApi } from 'aws-cdk-lib/aws-apigateway';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { bundleFunction, compileHandler, compileHandlers } from '../../infra/bundling.ts';
import { answerWithPage, challengeCallers } from '../../infra/constructs/rest-entry.ts';
import { functionName } from '../../infra/declaration/names.ts';
import { oversized } from '../../infra/limits.ts';
import { readAssembly } from '../../infra/proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../../infra/proof/assembly/resolve.ts';
import { coded } from '../coded.ts';
import { FULL as RUN_FULL } from '../full.ts';
import system from '../one-client.zones.ts';
import { SHIPPED } from '../shipped.ts';
import { FULL } from './declaration/change.ts';
import { type Assembly, synthesize } from './synthesize.ts';

// From one place, since the assembly says which line of code made what.
const [assembly, again] = [1, 2].map(() => synthesize(system, {}, () => {})) as [Assembly, Assembly];
/** Without the check of templates against CloudFormation's schemas, which takes seconds. */
const UNCHECKED = { builtinCloudFormationValidation: false };
const account = '222233334444';
const nag = (app: App) => {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
};
// Templates are checked against CloudFormation's schemas by .ci/lint-templates too, and in full by .ci/run.
const full = synthesize(FULL, { account, region: 'eu-north-1', checkTemplates: RUN_FULL }, nag);

describe('synth', () => {
  test('writes the same bytes twice', () => {
    const files = (folder: string) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(folder.length))
        .sort();
    expect(files(again.folder)).toEqual(files(assembly.folder));
    for (const file of files(assembly.folder))
      expect(
        readFileSync(join(again.folder, file)).equals(readFileSync(join(assembly.folder, file))),
        file,
      ).toBe(true);
  });

  test.each([
    ['without account and region', assembly],
    ['with both', full],
  ])('needs nothing from AWS, %s', (_, { folder }) => {
    const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
    expect(manifest.missing).toBeUndefined();
  });

  test('has a stack a zone, the signing zone, and the account’s gateway settings', () => {
    const names = ['gateway-account', 'signing', 'zone-admin', 'zone-internal', 'zone-public'];
    expect([...assembly.stacks].sort()).toEqual(names.map((name) => `journal-${name}`));
  });
});

describe.each([
  ['the shipped system', assembly],
  ['a system with everything', full],
])('%s', (_, { folder, ofType, resources, stacks }) => {
  test('has no function and no custom resource of CDK’s own', () => {
    const names = ofType('AWS::Lambda::Function').map(([, f]) => f.Properties['FunctionName']);
    for (const name of names) expect(name).toMatch(/^journal-[a-z-]+$/);
    for (const stack of stacks)
      for (const { Type } of Object.values(resources(stack)))
        expect(Type).not.toMatch(/^(Custom::|AWS::CloudFormation::CustomResource|AWS::Lambda::LayerVersion)/);
  });

  test('keeps policies in roles and boundaries, where they are seen', () => {
    for (const type of ['AWS::IAM::Policy', 'AWS::IAM::RolePolicy', 'AWS::IAM::User', 'AWS::IAM::Group'])
      expect(ofType(type)).toEqual([]);
    for (const [, role] of ofType('AWS::IAM::Role'))
      expect(role.Properties).not.toHaveProperty('ManagedPolicyArns');
  });

  test('has nothing that outgrows what AWS takes', () => {
    expect(oversized(resolveAssembly(readAssembly(folder)))).toEqual([]);
  });

  test('runs every function on Node 24, or as declared, Arm, traced, with a log group of its own', () => {
    const named = (zone: string, [name, { runtime }]: [string, { runtime?: string | undefined }]) =>
      [functionName(FULL.name, zone, name), runtime] as const;
    const declared = new Map<unknown, string | undefined>(
      Object.entries(FULL.zones).flatMap(([zone, { functions }]) =>
        Object.entries(functions).map((each) => named(zone, each)),
      ),
    );
    for (const [, { Properties }] of ofType('AWS::Lambda::Function'))
      expect(Properties).toMatchObject({
        Runtime: declared.get(Properties['FunctionName']) ?? 'nodejs24.x',
        Architectures: ['arm64'],
        TracingConfig: { Mode: 'Active' },
        LoggingConfig: { LogGroup: { Ref: expect.any(String) }, LogFormat: 'Text' },
      });
  });
});

describe('bundles', () => {
  test.each([
    ['worker', 200_000],
    ['summary', 200_000],
    ['signer', 400_000],
  ])('%s is below %i bytes', (name, limit) => {
    expect(compileHandler(name).code.byteLength).toBeLessThan(limit);
  });

  test('of the signing and the admin zone alone has an SDK client and a KMS call in it (I6)', () => {
    const folders = join(import.meta.dirname, '../../functions');
    const names = SHIPPED.filter((name) => existsSync(join(folders, name, 'handler.ts'))).sort();
    const code = (name: string) => Buffer.from(compileHandler(name).code).toString('utf8');
    const withClient = names.filter((name) => /@aws-sdk|TrentService|SignCommand/.test(code(name)));
    expect(withClient).toEqual(['key-watch', 'rotation', 'signer']);
    expect(code('signer')).toMatch(/TrentService/);
    expect(names.length).toBeGreaterThan(10);
  });

  test('a trace names our files and lines', () => {
    const folder = bundleFunction(join(assembly.folder, 'bundles'), 'traced', 'worker', {});
    const options = { env: { NODE_OPTIONS: '--enable-source-maps' }, encoding: 'utf8' } as const;
    // It has no config.json, and says so while it is loaded.
    const { stderr } = spawnSync(process.execPath, [join(folder, 'index.mjs')], options);
    expect(stderr).toMatch(/functions\/worker\/handler\.ts:\d+:\d+/);
    expect(readFileSync(join(folder, 'index.mjs.map'), 'utf8')).not.toContain('sourcesContent');
  });

  test.each([
    [
      'default-export',
      'export default async () => 1;',
      /functions\/default-export\/handler\.ts exports no "handler".*write: export const handler/,
    ],
    ['not-exported', 'const handler = async () => 1; console.log(handler);', /exports no "handler"/],
    [
      'with-tests',
      "import { startTestZone } from '@helseid-zones/client/testing'; export const handler = startTestZone;",
      /imports @helseid-zones\/client\/testing, which is for tests/,
    ],
    [
      'broken',
      'export const handler = (',
      /^Functions do not compile\.\n\S*functions\/broken\/handler\.ts:1:25: Unexpected end of file\.$/,
    ],
    [
      'without-package',
      "import a from 'left-pad/x'; import b from '@none/of'; import './c.ts'; export const handler = [a, b];",
      /1:15: Could not resolve "left-pad\/x": npm install left-pad, or .*\n.*"@none\/of": npm install @none\/of, or .*\n.*"\.\/c\.ts"\.$/,
    ],
  ])('what is no handler for a deploy is refused at the build: %s', (name, code, message) => {
    const clone = join(import.meta.dirname, '../../.build/handlers');
    mkdirSync(join(clone, 'functions', name), { recursive: true });
    writeFileSync(join(clone, 'functions', name, 'handler.ts'), code);
    const at = vi.spyOn(process, 'cwd').mockReturnValue(clone);
    onTestFinished(() => at.mockRestore());
    expect(() => compileHandler(name)).toThrow(coded('config_invalid'));
    expect(() => compileHandler(name)).toThrow(message);
  });

  test('functions without a handler are said, all of them, with where they were looked for', () => {
    expect(() => compileHandlers(['nowhere', 'signer', 'anywhere'])).toThrow(
      coded('config_invalid', /nowhere\S+, functions\/anywhere\/handler\.ts \(looked in \/\S*\/functions\)/),
    );
  });
});

test.each<readonly [string, Assembly]>([
  ...(RUN_FULL ? [['the shipped system', synthesize(system, {}, nag)] as const] : []),
  ['a system with everything', full],
])('cdk-nag’s AwsSolutions and Serverless packs pass: %s', (_, { folder }) => {
  const report = JSON.parse(readFileSync(join(folder, 'validation-report.json'), 'utf8'));
  const findings = report.pluginReports.flatMap((plugin: { violations: { ruleName: string }[] }) =>
    plugin.violations.map(({ ruleName }) => ruleName),
  );
  expect(findings).toEqual([]);
});

test('cdk-nag would have found something: a queue that takes plain HTTP', () => {
  const app = new App({ outdir: join(assembly.folder, 'bad'), ...UNCHECKED });
  new Queue(new Stack(app, 'S'), 'Queue');
  nag(app);
  expect(() => app.synth()).toThrow(/AwsSolutions-SQS4.*Serverless-SQSRedrivePolicy/s);
});

test('refusals of the authorizer say how to authenticate', () => {
  const api = new RestApi(new Stack(new App(UNCHECKED), 'S'), 'Api', { cloudWatchRole: false });
  api.root.addMethod('GET', new MockIntegration());
  challengeCallers(api);
  const responses = Template.fromStack(Stack.of(api)).findResources('AWS::ApiGateway::GatewayResponse');
  const found = Object.values(responses).map(({ Properties }) => [
    Properties.ResponseType,
    Properties.ResponseParameters['gatewayresponse.header.WWW-Authenticate'],
  ]);
  expect(Object.fromEntries(found)).toEqual({
    UNAUTHORIZED: `'DPoP error="invalid_token", algs="ES256 ES384 ES512 PS256 PS384 PS512"'`,
    ACCESS_DENIED: 'context.authorizer.challenge',
  });
});

test('an address without a route is answered with a page, in what a gateway response can say', () => {
  const api = new RestApi(new Stack(new App(UNCHECKED), 'S'), 'Api', { cloudWatchRole: false });
  api.root.addMethod('GET', new MockIntegration());
  answerWithPage(api);
  const responses = Template.fromStack(Stack.of(api)).findResources('AWS::ApiGateway::GatewayResponse');
  const [{ Properties } = { Properties: {} }, ...others] = Object.values(responses);
  expect([Properties.ResponseType, others]).toEqual(['MISSING_AUTHENTICATION_TOKEN', []]);
  const headers = Object.entries<string>(Properties.ResponseParameters);
  // A fixed value is in single quotes and can hold none.
  for (const [, value] of headers) expect(value).toMatch(/^'(?!undefined)[^']+'$/);
  expect(Object.fromEntries(headers)).toMatchObject({
    'gatewayresponse.header.Content-Type': "'text/html; charset=utf-8'",
    'gatewayresponse.header.Cache-Control': "'no-store'",
    'gatewayresponse.header.X-Frame-Options': "'DENY'",
  });
  const body = Properties.ResponseTemplates['application/json'];
  expect(body).toContain('<h1>Her er det ingenting</h1>');
  // API Gateway would read them as variables.
  expect(body).not.toMatch(/[$#]/);
});
