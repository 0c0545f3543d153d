import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import staged from '../../examples/stages.zones.ts';
import { evaluate } from '../../infra/proof/policy/condition.ts';
import { parsePolicy } from '../../infra/proof/policy/statement.ts';
import { synthesizeTemplates } from './synthesize.ts';

const { account = '' } = staged('test');
const assembly = synthesizeTemplates(staged('test'));

describe('the pipeline', () => {
  const workflow = readFileSync('examples/pipeline.yml', 'utf8');
  const jobs = Object.fromEntries(
    workflow
      .slice(workflow.indexOf('\njobs:'))
      .split(/^ {2}(?=\w+:$)/m)
      .slice(1)
      .map((job) => [job.slice(0, job.indexOf(':')), job]),
  );
  const runs = [...workflow.matchAll(/^ {6}- run: (.+)$/gm)].map(([, command = '']) => command);
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));

  /** What is wrong with a step's command: an npm script or a binary of node_modules that is not there. */
  function missing(command: string): string | undefined {
    const [, script] = /^npm (?:run (?:--silent )?)?([\w:-]+)/.exec(command) ?? [];
    if (script !== undefined) return script === 'ci' || script in scripts ? undefined : script;
    const [, binary] = /^npx (\w+)/.exec(command) ?? [];
    if (binary !== undefined) return existsSync(join('node_modules/.bin', binary)) ? undefined : binary;
    return command.startsWith('echo ') ? undefined : command;
  }

  test('runs commands that exist', () => {
    expect(runs.length).toBe(workflow.split('run: ').length - 1);
    expect(runs.length).toBeGreaterThan(10);
    expect(runs.map(missing)).toEqual(runs.map(() => undefined));
    expect(['npm run no', 'npx no', 'curl x'].map(missing)).toEqual(['no', 'no', 'curl x']);
  });

  test('uses actions by commit, with the version beside it', () => {
    const uses = workflow.split('\n').filter((line) => line.includes('uses:'));
    expect(uses.length).toBeGreaterThan(5);
    for (const line of uses)
      expect(line).toMatch(/^ {6}- uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test('goes from the proof to the test stage, past a person, to production', () => {
    const needs = Object.entries(jobs).map(([job, steps]) => [job, / {4}needs: (\w+)/.exec(steps)?.[1]]);
    expect(needs).toEqual([
      ['proof', undefined],
      ['change', undefined],
      ['test', 'proof'],
      ['conformance', 'test'],
      ['production', 'conformance'],
    ]);
    for (const stage of ['test', 'production']) {
      expect(jobs['change']).toContain(`zones -- --stage ${stage} --against "origin/$GITHUB_BASE_REF"`);
      expect(jobs[stage]).toContain(`    environment: ${stage}\n`);
      expect(jobs[stage]?.indexOf(`--app assembly/${stage}`)).toBeLessThan(
        jobs[stage]?.indexOf(`verify -- --stage ${stage}`) ?? 0,
      );
    }
  });

  test('gives AWS only to jobs of an environment, for which it needs no secret', () => {
    for (const [job, steps] of Object.entries(jobs))
      expect([job, steps.includes('id-token: write')]).toEqual([job, ['test', 'production'].includes(job)]);
    expect(workflow).not.toMatch(
      /secrets\.|aws-(access-key-id|secret-access-key)|permissions: write-all|pull_request_target/,
    );
  });
});

describe('the role of the pipeline', () => {
  const { Resources } = JSON.parse(readFileSync('examples/pipeline-role.json', 'utf8'));
  /** As CloudFormation fills it in for the test stage. */
  const filled = (value: unknown): unknown =>
    JSON.parse(
      JSON.stringify(value, (_, member) => {
        if (typeof member !== 'object' || member === null) return member;
        if ('Fn::Sub' in member) return fill(member['Fn::Sub']);
        return 'Fn::If' in member ? PROVIDER : member;
      }),
    );
  const PROVIDER = `arn:aws:iam::${account}:oidc-provider/token.actions.githubusercontent.com`;
  const FACTS: Readonly<Record<string, string>> = {
    Repository: 'vendor/clinic',
    Environment: 'test',
    'AWS::AccountId': account,
    'AWS::Region': 'eu-north-1',
  };
  const fill = (pattern: string) =>
    pattern.replace(/\$\{([\w:]+)\}/g, (_, name) => FACTS[name] ?? `?${name}`);
  const role = filled(Resources.Role.Properties) as {
    AssumeRolePolicyDocument: { Statement: { Principal: unknown }[] };
    Policies: {
      PolicyDocument: { Statement: { Action: string | string[]; Resource: string | string[] }[] };
    }[];
  };

  const statements = role.Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);

  const right = { aud: 'sts.amazonaws.com', sub: 'repo:vendor/clinic:environment:test' };
  test.each([
    ['a job of that environment', right, true],
    ['another environment', { ...right, sub: 'repo:vendor/clinic:environment:production' }, false],
    ['no environment, on main', { ...right, sub: 'repo:vendor/clinic:ref:refs/heads/main' }, false],
    ['a pull request', { ...right, sub: 'repo:vendor/clinic:pull_request' }, false],
    ['another repository', { ...right, sub: 'repo:vendor/clinic2:environment:test' }, false],
    ['another owner', { ...right, sub: 'repo:vendor2/clinic:environment:test' }, false],
    ['a longer environment', { ...right, sub: 'repo:vendor/clinic:environment:test2' }, false],
    ['a token for somebody else', { ...right, aud: 'https://github.com/vendor' }, false],
    ['no subject', { aud: right.aud }, false],
  ])('is assumed by %s: %#', (_, claims, expected) => {
    const given = new Map(
      Object.entries(claims).map(([claim, value]) => [
        `token.actions.githubusercontent.com:${claim}`,
        [value],
      ]),
    );
    const facts = { values: (key: string) => given.get(key) ?? [], resource: '*', session: 'GitHubActions' };
    const [statement, ...more] = parsePolicy('trust', role.AssumeRolePolicyDocument).statements;
    expect(more).toEqual([]);
    expect(statement && evaluate(statement.condition, facts)).toBe(expected);
    expect(role.AssumeRolePolicyDocument.Statement[0]?.Principal).toEqual({ Federated: PROVIDER });
  });

  test('may assume the roles of the bootstrap stack that this deploy names, and no other', () => {
    const manifests = readdirSync(assembly.folder).filter((file) => /^manifest|\.assets\.json$/.test(file));
    const named = manifests.flatMap((file) =>
      [...readFileSync(join(assembly.folder, file), 'utf8').matchAll(/"assumeRoleArn": ?"([^"]+)"/g)].map(
        ([, arn = '']) =>
          arn
            .replace('${AWS::Partition}', 'aws')
            .replaceAll('${AWS::AccountId}', account)
            .replaceAll('${AWS::Region}', 'eu-north-1'),
      ),
    );
    const [deploy, ...others] = statements;
    expect(deploy).toMatchObject({ Action: 'sts:AssumeRole' });
    expect(new Set(named)).toEqual(new Set(deploy?.Resource));
    expect(others.flatMap(({ Action }) => Action).filter((action) => action.startsWith('sts:'))).toEqual([]);
  });

  test('reads what `npm run verify` asks for, and no data', () => {
    const policy = parsePolicy('role', role.Policies[0]?.PolicyDocument);
    const may = (action: string) =>
      policy.statements.some(({ isAbout }) => isAbout(action.toLowerCase()) === true);
    const sources = readdirSync('infra/verify').map((file) =>
      readFileSync(join('infra/verify', file), 'utf8'),
    );
    const asked = sources.flatMap((source) =>
      [...source.matchAll(/live\('(\w+)', *'(\w+)'/g)].map(
        ([, service = '', action]) => `${service === 'monitoring' ? 'cloudwatch' : service}:${action}`,
      ),
    );
    expect(asked.length).toBeGreaterThan(15);
    // GetCallerIdentity needs no permission.
    expect(asked.filter((action) => action !== 'sts:GetCallerIdentity' && !may(action))).toEqual([]);
    const reads = ['apigateway:GET', 'ec2:DescribeVpcs', 'lambda:GetFunction', 'lambda:GetFunctionUrlConfig'];
    for (const action of reads) expect([action, may(action)]).toEqual([action, true]);
    for (const action of [
      'secretsmanager:GetSecretValue',
      'kms:Sign',
      'kms:Decrypt',
      'kms:CreateGrant',
      'dynamodb:GetItem',
      'dynamodb:Scan',
      'logs:FilterLogEvents',
      'logs:GetLogEvents',
      'sqs:ReceiveMessage',
      's3:GetObject',
      'lambda:InvokeFunction',
      'iam:PassRole',
      'iam:CreateRole',
      'ec2:CreateRoute',
      'execute-api:Invoke',
    ])
      expect([action, may(action)]).toEqual([action, false]);
  });
});
