import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import multiTenant from '../../../examples/multi-tenant.zones.ts';
import { type BuildOptions, buildApp } from '../../../infra/build-app.ts';
import { defineSystem } from '../../../infra/declaration/define.ts';
import type { SystemDeclaration, ZoneDeclaration } from '../../../infra/declaration/schema.ts';
import { readAssembly } from '../../../infra/proof/assembly/read-assembly.ts';
import { prove } from '../../../infra/proof/prove.ts';
import zones from '../../../zones.ts';
import system from '../../one-client.zones.ts';
import { allow, type Changeable, find, idOf, proveInRounds, statementsOf, type Template } from './mutate.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function synthesize(declaration: SystemDeclaration, options: BuildOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'zones-'));
  folders.push(folder);
  buildApp(declaration, { ...options, outdir: folder }).synth();
  return readAssembly(folder);
}

const shipped = synthesize(system);
const SIGNING = 'journal-signing';
const PUBLIC = 'journal-zone-public';
const INTERNAL = 'journal-zone-internal';
const ADMIN = 'journal-zone-admin';
const GATEWAY = 'journal-gateway-account';

const zoneKey = (r: Template) => ({ 'Fn::GetAtt': [idOf(r, 'Key', 'KMS::Key'), 'Arn'] });

type Harmless = readonly [name: string, stack: string, change: (resources: Template) => void];

function adds(name: string, stack: string, Type: string, properties: (r: Template) => Changeable): Harmless {
  return [name, stack, (r) => Object.assign(r, { Added: { Type, Properties: properties(r) } })];
}

function sets(
  name: string,
  stack: string,
  [prefix, type]: [string, string],
  properties: Changeable,
): Harmless {
  return [name, stack, (r) => Object.assign(find(r, prefix, type).Properties, properties)];
}

const TEMPLATES: readonly Harmless[] = [
  sets('a tag on a signer', SIGNING, ['SignerpublicjournalFunction', ''], {
    Tags: [{ Key: 'team', Value: 'journal' }],
  }),
  sets('a tag on a record', SIGNING, ['Recordjournal', ''], { Tags: [{ Key: 'team', Value: 'journal' }] }),
  sets('another log retention', INTERNAL, ['workerLogs', ''], { RetentionInDays: 14 }),
  sets('another retention of the audit', SIGNING, ['SignerpublicjournalLogs', ''], { RetentionInDays: 3653 }),
  sets('more memory', PUBLIC, ['summaryFunction', ''], { MemorySize: 1024 }),
  sets('a longer timeout', INTERNAL, ['workerFunction', ''], { Timeout: 60 }),
  sets('more concurrency of a signer', SIGNING, ['SignerpublicjournalFunction', ''], {
    ReservedConcurrentExecutions: 50,
  }),
  sets('concurrency of a zone function', PUBLIC, ['loginFunction', ''], { ReservedConcurrentExecutions: 5 }),
  sets('another description', PUBLIC, ['summaryFunction', ''], { Description: 'Reads one summary.' }),
  sets('no tracing', PUBLIC, ['summaryFunction', ''], { TracingConfig: { Mode: 'PassThrough' } }),
  sets('throttling', PUBLIC, ['ApiDeploymentStage', ''], {
    MethodSettings: [
      { DataTraceEnabled: false, HttpMethod: '*', ResourcePath: '/*', ThrottlingRateLimit: 5 },
    ],
  }),
  sets('another batch size', INTERNAL, ['Delivery', ''], { BatchSize: 1 }),
  sets('a longer life of messages', INTERNAL, ['EventsD', ''], { MessageRetentionPeriod: 1_209_600 }),
  sets('recovery of a table', PUBLIC, ['Tablesessions', ''], {
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  }),
  sets('another schedule of rotation', ADMIN, ['RotationOfjournal', 'RotationSchedule'], {
    RotationRules: { ScheduleExpression: 'cron(0 8 1 * ? *)' },
  }),
  sets('another schedule of the key watch', ADMIN, ['Watchdaily', 'Events::Rule'], {
    ScheduleExpression: 'rate(12 hours)',
  }),
  sets('another description of a role', GATEWAY, ['Role', ''], { Description: 'Logs of API Gateway.' }),
  adds('a table', INTERNAL, 'AWS::DynamoDB::Table', (r) => ({
    TableName: 'journal-internal-more',
    SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: zoneKey(r) },
  })),
  [
    'a table with a function that uses it',
    INTERNAL,
    (r) => {
      r.More = {
        Type: 'AWS::DynamoDB::Table',
        Properties: { TableName: 'journal-internal-more', SSESpecification: { KMSMasterKeyId: zoneKey(r) } },
      };
      const condition = { StringEquals: { 'aws:SourceVpce': { Ref: idOf(r, 'dynamodbendpoint') } } };
      allow(
        find(r, 'workerRole'),
        'dynamodb:GetItem',
        { 'Fn::GetAtt': ['More', 'Arn'] },
        { Condition: condition },
      );
    },
  ],
  adds('a queue', INTERNAL, 'AWS::SQS::Queue', (r) => ({ KmsMasterKeyId: zoneKey(r) })),
  adds('a log group', PUBLIC, 'AWS::Logs::LogGroup', (r) => ({ KmsKeyId: zoneKey(r), RetentionInDays: 30 })),
  adds('an alarm', SIGNING, 'AWS::CloudWatch::Alarm', () => ({ MetricName: 'Errors' })),
  adds('a dashboard', INTERNAL, 'AWS::CloudWatch::Dashboard', () => ({ DashboardBody: '{}' })),
  adds('a metric of a log', SIGNING, 'AWS::Logs::MetricFilter', () => ({
    FilterPattern: '{$.event = "SIGNED"}',
  })),
  adds('a web ACL', PUBLIC, 'AWS::WAFv2::WebACL', () => ({ Scope: 'REGIONAL' })),
  adds('a domain name', PUBLIC, 'AWS::ApiGateway::DomainName', () => ({ DomainName: 'journal.example.no' })),
  adds('a parameter', ADMIN, 'AWS::SSM::Parameter', () => ({ Type: 'String', Value: 'eu-north-1' })),
  adds('an alias of a data key', INTERNAL, 'AWS::KMS::Alias', (r) => ({
    AliasName: 'alias/journal',
    TargetKeyId: zoneKey(r),
  })),
  adds('somebody to ring', ADMIN, 'AWS::SNS::Subscription', (r) => ({
    Protocol: 'email',
    Endpoint: 'operator@example.no',
    TopicArn: { Ref: idOf(r, 'Alarms0') },
  })),
  [
    'statements in another order',
    PUBLIC,
    (r) => {
      statementsOf(find(r, 'summaryRole')).reverse();
      statementsOf(find(r, 'Boundary')).reverse();
    },
  ],
  [
    'one more denial',
    SIGNING,
    (r) => {
      const denial = {
        Effect: 'Deny',
        Action: 'kms:Sign',
        Resource: '*',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      };
      statementsOf(find(r, 'Boundary')).push(denial);
      statementsOf(find(r, 'SignerpublicjournalRole')).push(denial);
    },
  ],
  [
    'a statement in two',
    SIGNING,
    (r) => {
      const statements = statementsOf(find(r, 'SignerpublicjournalRole'));
      const sign = statements.find(({ Sid }) => Sid === 'Sign');
      statements.push({ ...sign, Sid: 'SignAgain' });
    },
  ],
  [
    'a function without its signer',
    PUBLIC,
    (r) => {
      const statements = statementsOf(find(r, 'logoutRole'));
      statements.splice(
        statements.findIndex(({ Sid }) => Sid === 'OwnSigners'),
        1,
      );
    },
  ],
  [
    'measurements of a function’s own',
    INTERNAL,
    (r) => allow(find(r, 'workerRole'), 'cloudwatch:PutMetricData'),
  ],
];

const { public: entry, internal } = system.zones as Record<'public' | 'internal', ZoneDeclaration>;
const withoutLogin = { ...entry, gateway: { routes: entry.gateway?.routes ?? [] } };
const journal = system.clients.journal as SystemDeclaration['clients'][string];
const [grant] = internal.grants as [ZoneDeclaration['grants'][number]];
const more = { baseUrl: 'https://more.example.no', audience: 'example:more', scopes: ['example:more/read'] };

/** Declarations that are fine; some differ from the shipped one in several ways, since a synth takes long. */
const DECLARATIONS: readonly [name: string, declaration: SystemDeclaration, options?: BuildOptions][] = [
  ['a multi-tenant client, a route for HelseID’s tokens', multiTenant],
  [
    'a third zone, a second API, a zone without grants',
    defineSystem({
      ...system,
      apis: { ...system.apis, more },
      zones: {
        ...system.zones,
        internal: {
          ...internal,
          grants: [{ ...grant, apis: [...grant.apis, { api: 'more', methods: ['GET'], paths: ['/*'] }] }],
        },
        reports: { ...internal, cidr: '10.60.0.0/20' },
        quiet: { cidr: '10.61.0.0/20', grants: [] },
      },
    }),
  ],
  [
    'zones in accounts of their own',
    {
      ...system,
      zones: {
        ...system.zones,
        public: { ...entry, account: '222222222222' },
        internal: { ...internal, account: '333333333333' },
      },
    },
    { account: '111111111111', region: 'eu-west-1' },
  ],
  [
    'another name, no login, one availability zone, no account of API Gateway',
    {
      ...system,
      name: 'other',
      availabilityZones: 1,
      apiGatewayAccount: false,
      zones: { ...system.zones, public: withoutLogin },
      exceptions: system.exceptions.map((one) => ({
        ...one,
        resource: one.resource.replace('journal-', 'other-'),
      })),
    },
  ],
  [
    'another algorithm, three availability zones',
    { ...system, availabilityZones: 3, clients: { journal: { ...journal, algorithm: 'PS384' } } },
  ],
];

const foundAfter = proveInRounds(shipped, system, TEMPLATES);

describe('harmless changes', () => {
  it.each(TEMPLATES.map((change) => ({ change, name: change[0], stack: change[1] })))(
    '$name ($stack)',
    ({ change }) => {
      expect(foundAfter(change)).toEqual([]);
    },
  );

  it.each(DECLARATIONS)('%s', (_name, declaration, options) => {
    expect(prove(synthesize(declaration, options), declaration).violations).toEqual([]);
  });

  it('finds that the shipped boundaries hold, without an exception', () => {
    expect(prove(synthesize(zones), zones)).toMatchObject({ ok: true, violations: [], exceptions: [] });
  });

  it('are at least 30', () => {
    expect(TEMPLATES.length + DECLARATIONS.length).toBeGreaterThanOrEqual(30);
  });
});
