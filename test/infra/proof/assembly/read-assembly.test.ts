import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  App,
  aws_s3_assets as assets,
  aws_iam as iam,
  aws_lambda as lambda,
  Stack,
  Stage,
  aws_sqs as sqs,
} from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import { readAssembly } from '../../../../infra/proof/assembly/read-assembly.ts';
import { resolveAssembly, resourcesOfType } from '../../../../infra/proof/assembly/resolve.ts';
import { coded } from '../../../coded.ts';
import { newFolder } from '../../../temporary.ts';

const directory = newFolder();

/** Two stacks with a reference between them, and one in a stage with an account of its own. */
function synthesize(): string {
  const path = join(directory, 'code');
  mkdirSync(path);
  writeFileSync(join(path, 'index.mjs'), 'export const handler = () => 1;');
  const app = new App({
    outdir: join(directory, 'cdk.out'),
    analyticsReporting: false,
    builtinCloudFormationValidation: false,
  });
  const queue = new sqs.Queue(new Stack(app, 'journal-queues'), 'Queue');
  const functions = new Stack(app, 'journal-functions');
  const role = new iam.Role(functions, 'Role', {
    roleName: 'journal-worker',
    assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
  });
  queue.grantSendMessages(role);
  const code = new assets.Asset(functions, 'Code', { path });
  new lambda.CfnFunction(functions, 'Function', {
    role: role.roleArn,
    runtime: 'nodejs24.x',
    handler: 'index.handler',
    code: { s3Bucket: code.s3BucketName, s3Key: code.s3ObjectKey },
  });
  const stage = new Stage(app, 'Elsewhere', { env: { account: '111122223333', region: 'eu-west-1' } });
  new sqs.Queue(new Stack(stage, 'Other'), 'Queue', { queueName: 'other' });
  app.synth();
  return app.outdir;
}

describe('a cloud assembly that the CDK wrote', () => {
  it('gives every stack, the assets of functions, and references across stacks', () => {
    const assembly = resolveAssembly(readAssembly(synthesize()));

    expect(assembly.stacks.map(({ name, account, region }) => `${name} ${account} ${region}`).sort()).toEqual(
      [
        'Elsewhere-Other 111122223333 eu-west-1',
        'journal-functions 111122223333 eu-west-1',
        'journal-queues 111122223333 eu-west-1',
      ],
    );
    const [fn] = resourcesOfType(assembly, 'AWS::Lambda::Function');
    const queues = resourcesOfType(assembly, 'AWS::SQS::Queue');
    const [queue, other] = queues.sort((a, b) => b.stack.localeCompare(a.stack));
    const [policy] = resourcesOfType(assembly, 'AWS::IAM::Policy');
    expect(fn?.assetPath).toMatch(/asset\.[0-9a-f]{64}$/);
    expect(fn?.properties.Role).toBe('arn:aws:iam::111122223333:role/journal-worker');
    expect(policy?.properties.Roles).toEqual(['journal-worker']);
    expect(policy?.constructPath).toBe('journal-functions/Role/DefaultPolicy/Resource');
    expect(JSON.stringify(policy?.properties)).toContain(`"Resource":"${queue?.arn}"`);
    expect(other?.arn).toBe('arn:aws:sqs:eu-west-1:111122223333:other');
  });
});

describe('a construct path', () => {
  it('counts where it lies in its own stack, and once: exceptions go by it', () => {
    const folder = newFolder();
    const write = (name: string, value: unknown) => writeFileSync(join(folder, name), JSON.stringify(value));
    const artifact = (stack: string, paths: Readonly<Record<string, string>>) => {
      write(`${stack}.template.json`, { Resources: { Nameless: {} } });
      const metadata = Object.entries(paths).map(([id, path]) => [
        path,
        [{ type: 'aws:cdk:logicalId', data: id }],
      ]);
      return { type: 'aws:cloudformation:stack', metadata: Object.fromEntries(metadata) };
    };
    write('manifest.json', {
      artifacts: {
        own: artifact('own', { A: '/app/own/A', B: '/vendor/B', C: '/own/Twice', D: '/own/Nameless' }),
        vendor: artifact('vendor', {
          A: '/vendor/A',
          B: '/own/B',
          C: '/own/vendor/C',
          D: '/elsewhere/D',
          E: '/own/Twice',
        }),
      },
    });
    const paths = readAssembly(folder).stacks.map(({ constructPaths }) => [...constructPaths.values()]);
    expect(paths).toEqual([['app/own/A'], ['vendor/A']]);
  });
});

it('has the tags of a stack that the manifest gives its deploy, for key material to be looked for in', () => {
  const folder = newFolder();
  const data = [{ Key: 'team', Value: 'a' }];
  writeFileSync(join(folder, 'own.template.json'), '{}');
  const metadata = { '/own': [{ type: 'aws:cdk:stack-tags', data }] };
  const artifacts = { own: { type: 'aws:cloudformation:stack', metadata } };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ artifacts }));
  expect(readAssembly(folder).stacks.map(({ deployment }) => deployment)).toEqual([{ stackTags: data }]);
});

describe('a broken assembly', () => {
  it.each([
    ['[]', /manifest\.json holds no JSON object/],
    ['{', /manifest\.json can't be read as JSON/],
    ['{"artifacts": {}, "artifacts": {}}', /has two members of one name/],
    ['[{"a": "\\\\", "b": {"x": 1, "\\u0078" : 2}}]', /has two members of one name/],
    ['{"artifacts": {"toString": {}}}', /has a member toString: call it otherwise/],
    ['{"__proto__": {}}', /has a member __proto__/],
    [
      '{"artifacts": {"a": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "."}}}}',
      /manifest\.json names its own folder/,
    ],
  ])('%s is refused with the file that is wrong', (text, message) => {
    writeFileSync(join(directory, 'manifest.json'), text);
    expect(() => readAssembly(directory)).toThrow(message);
    expect(() => readAssembly(directory)).toThrow(coded('assembly_invalid'));
  });
});
