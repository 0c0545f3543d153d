import { describe, expect, it } from 'vitest';
import multiTenant from '../../../../examples/multi-tenant.zones.ts';
import type { BuildOptions } from '../../../../infra/build-app.ts';
import { defineSystem } from '../../../../infra/declaration/define.ts';
import type { SystemDeclaration, ZoneDeclaration } from '../../../../infra/declaration/schema.ts';
import { prove } from '../../../../infra/proof/prove.ts';
import { FULL, sampled } from '../../../full.ts';
import system from '../../../one-client.zones.ts';
import zones from '../../../two-clients.zones.ts';
import {
  adds,
  allow,
  type Changes,
  find,
  idOf,
  listed,
  sets,
  statementsOf,
  type Template,
  withTemplate,
} from '../mutate.ts';
import { oneClient, synthesize } from '../one-client.ts';

const zoneKey = (r: Template) => ({ 'Fn::GetAtt': [idOf(r, 'Key', 'KMS::Key'), 'Arn'] });

const TEMPLATES: Changes = {
  'signing: a signer’s tag': sets('SignerpublicjournalFunction', {
    Tags: [{ Key: 'team', Value: 'journal' }],
  }),
  'signing: a tag on a record': sets('Recordjournal', { Tags: [{ Key: 'team', Value: 'journal' }] }),
  'signing: another retention of the audit': sets('SignerpublicjournalLogs', { RetentionInDays: 3653 }),
  'signing: a signer’s concurrency': sets('SignerpublicjournalFunction', {
    ReservedConcurrentExecutions: 50,
  }),
  'signing: an alarm': adds('AWS::CloudWatch::Alarm', { MetricName: 'Errors' }),
  'signing: a metric of a log': adds('AWS::Logs::MetricFilter', { FilterPattern: '{$.event = "SIGNED"}' }),
  'signing: one more denial': (r) => {
    const denial = {
      Effect: 'Deny',
      Action: 'kms:Sign',
      Resource: '*',
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    };
    statementsOf(find(r, 'Boundary')).push(denial);
    statementsOf(find(r, 'SignerpublicjournalRole')).push(denial);
  },
  'signing: a statement in two': (r) => {
    const statements = statementsOf(find(r, 'SignerpublicjournalRole'));
    const sign = statements.find(({ Sid }) => Sid === 'Sign');
    statements.push({ ...sign, Sid: 'SignAgain' });
  },
  'internal: another log retention': sets('workerLogs', { RetentionInDays: 14 }),
  // An alarm counts a declared function's share of its time.
  'admin: a longer timeout': sets('keywatchFunction', { Timeout: 600 }),
  'internal: another batch size': sets('EventsDelivery', { BatchSize: 1 }),
  'internal: a longer life of messages': sets('EventsQueue7', { MessageRetentionPeriod: 1_209_600 }),
  'internal: a table': adds('AWS::DynamoDB::Table', (r) => ({
    TableName: 'journal-internal-more',
    SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: zoneKey(r) },
  })),
  'internal: a table with a function that uses it': (r) => {
    r.More = {
      Type: 'AWS::DynamoDB::Table',
      Properties: { TableName: 'journal-internal-more', SSESpecification: { KMSMasterKeyId: zoneKey(r) } },
    };
    const condition = { StringEquals: { 'aws:SourceVpce': { Ref: idOf(r, 'Networkdynamodbendpoint') } } };
    allow(
      find(r, 'workerRole'),
      'dynamodb:GetItem',
      { 'Fn::GetAtt': ['More', 'Arn'] },
      { Condition: condition },
    );
  },
  'internal: a queue': adds('AWS::SQS::Queue', (r) => ({ KmsMasterKeyId: zoneKey(r) })),
  'internal: a dashboard': adds('AWS::CloudWatch::Dashboard', { DashboardBody: '{}' }),
  'internal: an alias of a data key': adds('AWS::KMS::Alias', (r) => ({
    AliasName: 'alias/journal',
    TargetKeyId: zoneKey(r),
  })),
  'internal: measurements of a function’s own': (r) =>
    allow(find(r, 'workerRole'), 'cloudwatch:PutMetricData'),
  'public: more memory': sets('summaryFunction', { MemorySize: 1024 }),
  'public: concurrency of a zone function': sets('loginFunction', { ReservedConcurrentExecutions: 5 }),
  'public: another description': sets('summaryFunction', { Description: 'Reads one summary.' }),
  'public: no tracing': sets('summaryFunction', { TracingConfig: { Mode: 'PassThrough' } }),
  'public: throttling': sets('GatewayApiDeploymentStage', {
    MethodSettings: [
      { DataTraceEnabled: false, HttpMethod: '*', ResourcePath: '/*', ThrottlingRateLimit: 5 },
    ],
  }),
  'public: recovery of a table': sets('Tablesessions', {
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    DeletionProtectionEnabled: true,
  }),
  'public: a log group': adds('AWS::Logs::LogGroup', (r) => ({ KmsKeyId: zoneKey(r), RetentionInDays: 30 })),
  'public: a web ACL': adds('AWS::WAFv2::WebACL', { VisibilityConfig: { SampledRequestsEnabled: false } }),
  'public: a domain name': adds('AWS::ApiGateway::DomainName', {
    DomainName: 'journal.example.no',
    SecurityPolicy: 'SecurityPolicy_TLS13_1_3_2025_09',
  }),
  'public: statements in another order': (r) => {
    statementsOf(find(r, 'summaryRole')).reverse();
    statementsOf(find(r, 'Boundary')).reverse();
  },
  'public: a function without its signer': (r) => {
    const statements = statementsOf(find(r, 'logoutRole'));
    statements.splice(
      statements.findIndex(({ Sid }) => Sid === 'OwnSigners'),
      1,
    );
  },
  'admin: another schedule of rotation': sets(
    'KeyRotationjournal',
    { RotationRules: { ScheduleExpression: 'cron(0 8 1 * ? *)' } },
    'RotationSchedule',
  ),
  'admin: another schedule of the key watch': sets(
    'KeyAlarmshourly',
    { ScheduleExpression: 'rate(12 hours)' },
    'Events::Rule',
  ),
  'admin: an alarm that rings as the others do': adds('AWS::CloudWatch::CompositeAlarm', (r) => ({
    AlarmRule: 'ALARM("journal-journal-UnknownKeys")',
    AlarmActions: [{ Ref: idOf(r, 'KeyAlarmsTopic5') }],
  })),
  'admin: a parameter': adds('AWS::SSM::Parameter', { Type: 'String', Value: 'eu-north-1' }),
  'admin: somebody to ring': adds('AWS::SNS::Subscription', (r) => ({
    Protocol: 'email',
    Endpoint: 'operator@example.no',
    TopicArn: { Ref: idOf(r, 'KeyAlarmsTopic5') },
  })),
  'gateway: another description of a role': sets('Role', { Description: 'Logs of API Gateway.' }),
};

const { public: entry, internal } = system.zones as Record<'public' | 'internal', ZoneDeclaration>;
const withoutLogin = {
  ...entry,
  gateway: { routes: entry.gateway?.routes ?? [], endpointAccessMode: 'STRICT' },
} satisfies ZoneDeclaration;
const journal = system.clients.journal as SystemDeclaration['clients'][string];
const [grant] = internal.grants as [ZoneDeclaration['grants'][number]];
const more = { baseUrl: 'https://more.example.no', audience: 'example:more', scopes: ['example:more/read'] };

/** Declarations that are fine; some differ from `zones.ts` in several ways, since a synth takes long. */
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
          grants: [{ ...grant, apis: grant.apis.concat({ api: 'more', methods: ['GET'], paths: ['/*'] }) }],
        },
        reports: { ...internal, cidr: '10.60.0.0/20' },
        quiet: { cidr: '10.61.0.0/20', grants: [] },
      },
      exceptions: system.exceptions.map((one) => ({ ...one, about: [...one.about, 'zones.reports'] })),
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
    'another name, no login, one availability zone, no account of API Gateway, no reserved concurrency',
    {
      ...system,
      name: 'other',
      availabilityZones: 1,
      apiGatewayAccount: false,
      reservedConcurrency: 'none',
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

/** Changes at once, by their names: none of them hides what another does. In full one by one. */
const ROUNDS = FULL ? listed(TEMPLATES).map((change) => [change]) : [listed(TEMPLATES)];

describe('harmless changes', () => {
  it.each(ROUNDS.map((round) => ({ round, names: round.map(({ name }) => name).join(', ') })))(
    '$names',
    ({ round }) => {
      const changed = round.reduce((all, { stack, change }) => withTemplate(all, stack, change), oneClient);
      expect(prove(changed, system).violations).toEqual([]);
    },
  );

  it.each(sampled(DECLARATIONS, 5))('%s', (_name, declaration, options) => {
    expect(prove(synthesize(declaration, options), declaration).violations).toEqual([]);
  });

  it('finds that the shipped boundaries hold, without an exception', () => {
    expect(prove(synthesize(zones), zones)).toMatchObject({ ok: true, violations: [], exceptions: [] });
  });
});
