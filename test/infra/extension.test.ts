import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { required } from '@helseid-zones/protocol/values';
import { Dashboard } from 'aws-cdk-lib/aws-cloudwatch';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { describe, expect, test } from 'vitest';
import { buildApp } from '../../infra/build-app.ts';
import { defineSystem } from '../../infra/declaration/define.ts';
import { type Extension, loadExtension, type ZoneConstructs } from '../../infra/extension.ts';
import { readAssembly } from '../../infra/proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../../infra/proof/assembly/resolve.ts';
import { deriveAssembly } from '../../infra/proof/derived/derive.ts';
import { decide } from '../../infra/proof/policy/decide.ts';
import { rolePrincipal } from '../../infra/proof/policy/principal.ts';
import { buildWorld } from '../../infra/proof/policy/world/build.ts';
import { prove } from '../../infra/proof/prove.ts';
import { coded } from '../coded.ts';
import { FULL } from '../full.ts';
import own from '../own-things.zones.ts';
import { newFolder } from '../temporary.ts';

const { internal } = own.zones;
const system = defineSystem({
  ...own,
  zones: {
    ...own.zones,
    internal: {
      ...internal,
      functions: {
        ...internal.functions,
        worker: {
          ...internal.functions.worker,
          tables: { ...internal.functions.worker.tables, audit: 'cdk' },
        },
      },
    },
  },
});
const PLACE = { account: '000000000000', region: 'eu-north-1' };
const ARN = 'eu-north-1:000000000000:';

function build(extension?: Extension, withCode = false) {
  const outdir = newFolder();
  const added = new Map<string, string>();
  const app = buildApp(system, {
    ...PLACE,
    outdir,
    withCode,
    checkTemplates: false,
    ...(extension ? { extension } : {}),
    onAdditions(all) {
      for (const [path, type] of all) added.set(path, type);
    },
  });
  app.synth();
  return { outdir, added };
}

/** The declared table, with what a declaration can't say: an index. */
function addAudit({ stack, key, tableName }: ZoneConstructs) {
  const table = new Table(stack, 'Audit', {
    tableName: tableName('worker', 'audit'),
    partitionKey: { name: 'id', type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    encryption: TableEncryption.CUSTOMER_MANAGED,
    encryptionKey: key,
  });
  const partitionKey = { name: 'at', type: AttributeType.STRING };
  table.addGlobalSecondaryIndex({ indexName: 'by-time', partitionKey });
  return table;
}

type Use = (zone: ZoneConstructs, worker: ZoneConstructs['functions'][string]) => void;

/** An extension that makes the declared table, and uses the zone and a function of it. */
const inZone =
  (use: Use): Extension =>
  ({ internal }) => {
    const zone = required(internal, 'internal');
    addAudit(zone);
    use(zone, required(zone.functions['worker'], 'worker'));
  };

/** One app for everything that is only asked and never synthesized. */
const [zone, worker] = (() => {
  let found: Parameters<Use> | undefined;
  build(
    inZone((...given) => {
      found = given;
    }),
  );
  return required(found, 'the zone');
})();

/** What docs/functions.md shows, as a file from which packages are found. */
async function documented(): Promise<Extension> {
  const [, code = ''] =
    /^```ts\n(\/\/ zones\.cdk\.ts\n.*?)^```/ms.exec(readFileSync('docs/functions.md', 'utf8')) ?? [];
  const folder = join('.build', 'extension');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'zones.cdk.ts'), code);
  return required(await loadExtension(join(folder, 'zones.ts')), 'The documented extension');
}

test('the documented table with an index is made, and granting it works: role, boundary and endpoint hold it', {
  timeout: 60_000,
}, async () => {
  const extension = await documented();
  const { outdir, added } = build((zones) => {
    extension(zones);
    new Dashboard(required(zones['internal'], 'internal').stack, 'Figures');
  }, true);
  expect([...added.values()].sort()).toEqual(['AWS::CloudWatch::Dashboard', 'AWS::DynamoDB::Table']);
  const given = readAssembly(outdir);
  const { violations, input } = prove(given, system, { derived: deriveAssembly(system, given) });
  expect(violations).toEqual([]);
  expect(input.comparison?.additions.map(({ type }) => type).sort()).toEqual([...added.values()].sort());
  const world = buildWorld(resolveAssembly(given, PLACE));
  const query = (name: string) =>
    decide(
      {
        principal: rolePrincipal(`arn:aws:iam::000000000000:role/journal-internal-${name}`),
        action: 'dynamodb:Query',
        resource: `arn:aws:dynamodb:${ARN}table/journal-internal-worker-audit/index/by-time`,
      },
      world,
    ).verdict;
  expect([query('worker'), query('summary')]).toEqual(['when', 'never']);
});

describe('a grant of what the declaration holds is done', () => {
  const granted: Record<string, Use> = {
    'sending to its queue': ({ stack }, worker) =>
      Queue.fromQueueArn(stack, 'Q1', `arn:aws:sqs:${ARN}journal-internal-outbox`).grantSendMessages(worker),
    'a read of its table': ({ stack }, worker) =>
      Table.fromTableArn(
        stack,
        'T2',
        `arn:aws:dynamodb:${ARN}table/journal-internal-worker-letters`,
      ).grantReadData(worker),
  };
  test.each(Object.entries(granted))('%s', (_, grant) => {
    expect(() => grant(zone, worker)).not.toThrow();
  });
});

describe('a grant of anything else throws, and says what to declare', () => {
  const refused: Record<string, [Use, RegExp]> = {
    'a table that is not declared': [
      ({ stack, key }, worker) =>
        new Table(stack, 'Other', {
          partitionKey: { name: 'id', type: AttributeType.STRING },
          encryptionKey: key,
        }).grantReadData(worker),
      /zones\.internal\.functions\.worker is given dynamodb:BatchGetItem.*declare it there, in tables.*'cdk'/,
    ],
    'a table that another function has': [
      ({ stack, functions }) =>
        Table.fromTableArn(
          stack,
          'T3',
          `arn:aws:dynamodb:${ARN}table/journal-internal-worker-drafts`,
        ).grantReadData(required(functions['summary'], 'summary')),
      /zones\.internal\.functions\.summary is given dynamodb/,
    ],
    'writing to a table that it may read': [
      ({ stack, functions }) =>
        Table.fromTableArn(
          stack,
          'T4',
          `arn:aws:dynamodb:${ARN}table/journal-internal-worker-letters`,
        ).grantWriteData(required(functions['summary'], 'summary')),
      /dynamodb:BatchWriteItem/,
    ],
    'a bucket': [({ stack }, worker) => new Bucket(stack, 'B5').grantRead(worker), /no way to s3/],
    'a secret of another': [
      ({ stack }, worker) => new Secret(stack, 'S6').grantRead(worker),
      /secretsmanager:GetSecretValue.*in secrets/,
    ],
    'another queue': [({ stack }, worker) => new Queue(stack, 'Q7').grantSendMessages(worker), /in queues/],
    'another function': [
      ({ functions }, worker) => required(functions['summary'], 'summary').grantInvoke(worker),
      /lambda:InvokeFunction/,
    ],
    'a policy': [
      (_, worker) => worker.role?.addManagedPolicy(ManagedPolicy.fromAwsManagedPolicyName('ReadOnlyAccess')),
      /a managed policy/,
    ],
    'what denies': [
      (_, worker) =>
        worker.addToRolePolicy(PolicyStatement.fromJson({ Effect: 'Deny', Action: 's3:*', Resource: '*' })),
      /no list of what is allowed/,
    ],
    everything: [
      (_, worker) => worker.addToRolePolicy(new PolicyStatement({ actions: ['*'], resources: ['*'] })),
      /is given \* on \*/,
    ],
    'the key, but for services': [
      ({ key }, worker) => key.grant(worker, 'kms:CreateGrant'),
      /kms:CreateGrant/,
    ],
  };
  test.each(Object.entries(refused))('%s', (_, [grant, message]) => {
    expect(() => grant(zone, worker)).toThrow(coded('declaration_invalid', message));
  });

  test('a table that is declared to be made here and is not', () => {
    for (const extension of [undefined, () => {}])
      expect(() => build(extension)).toThrow(
        /tables\.audit is 'cdk', and nothing makes journal-internal-worker-audit/,
      );
    expect(() => zone.tableName('worker', 'drafts')).toThrow(/drafts is not 'cdk'/);
  });
});

test.runIf(FULL)('what changes the declaration’s own is found by the proof', { timeout: 60_000 }, () => {
  const { outdir } = build(
    inZone((_, worker) => {
      (worker as unknown as { addEnvironment(name: string, value: string): void }).addEnvironment(
        'MORE',
        '1',
      );
    }),
    true,
  );
  const given = readAssembly(outdir);
  const { violations } = prove(given, system, { derived: deriveAssembly(system, given) });
  expect(violations.map(({ rule, message }) => `${rule}: ${message}`)).toEqual([
    expect.stringMatching(/as-derived: .*(?:workerFunction|worker\/Function).*Environment/),
    expect.stringMatching(/zone-functions-are-declared: .*worker has MORE in its environment/),
  ]);
});

test('the file beside a declaration is found by its name', async () => {
  const folder = newFolder();
  mkdirSync(folder, { recursive: true });
  await expect(loadExtension(join(folder, 'zones.ts'))).resolves.toBeUndefined();
  writeFileSync(join(folder, 'zones.cdk.ts'), 'export default () => {};');
  await expect(loadExtension(join(folder, 'zones.ts'))).resolves.toBeTypeOf('function');
  writeFileSync(join(folder, 'other.cdk.ts'), 'export const x = 1;');
  await expect(loadExtension(join(folder, 'other.ts'))).rejects.toThrow(/other\.cdk\.ts exports no function/);
});
