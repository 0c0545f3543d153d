import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  about,
  type Statement,
  statementsOf,
  synthesize,
  synthesizeTemplates,
  text,
  withZones,
} from './synthesize.ts';

// Who may invoke signers, make keys and read records is the proof's to say: own-signers-only, endpoints-admit-own-roles, made-keys-are-closed,
// keys-are-made-by-rotation and their like. Here is what its rules don't ask.
const assembly = synthesize();
const PUBLIC = 'journal-zone-public';
const INTERNAL = 'journal-zone-internal';
const ADMIN = 'journal-zone-admin';

const role = (stack: string, name: string) => statementsOf(assembly.find(stack, `${name}Role`));
/** The boundary of a function's role: its zone's, or in the admin zone its own. */
const boundary = (stack: string, name = 'rotation') =>
  statementsOf(assembly.find(stack, stack === ADMIN ? `Boundary${name}` : 'Boundary'));
const through = (stack: string, service: string) =>
  statementsOf(assembly.find(stack, `Network${service}endpoint`));
const endpointId = (stack: string, service: string) =>
  Object.keys(assembly.resources(stack)).find((id) => id.startsWith(`Network${service}endpoint`)) ?? '';
const allowed = (statements: readonly Statement[]) =>
  statements.flatMap(({ Effect, Action }) => (Effect === 'Allow' ? [Action].flat() : []));

describe('a function that only calls', () => {
  test('has no KMS, no secrets, no tables, no queues', () => {
    expect(allowed(role(PUBLIC, 'summary')).sort()).toEqual([...RUNNING, 'lambda:InvokeFunction'].sort());
  });
});

test('logs are kept as long as docs/operating.md says, and those of signers outlive their stack', () => {
  const kept = assembly.ofType('AWS::Logs::LogGroup').map(([, { Properties, DeletionPolicy }]) => {
    const whose = text(Properties['LogGroupName']).includes('-signer-') ? 'audit' : 'zone';
    return `${whose}: ${Properties['RetentionInDays']} days, ${DeletionPolicy}`;
  });
  expect([...new Set(kept)].sort()).toEqual([
    'audit: 400 days, RetainExceptOnCreate',
    'zone: 90 days, Delete',
  ]);
  const [rows = ''] = /^\| Log group \|.*?\n\n/ms.exec(readFileSync('docs/operating.md', 'utf8')) ?? [];
  const said = rows.split('\n').flatMap((row) => /\| ([^|]* months.*) \|$/.exec(row)?.[1] ?? []);
  expect(said).toEqual(['3 months', '13 months, also when the stack goes', '3 months', '3 months']);
});

const RUNNING = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DetachNetworkInterface',
  'ec2:UnassignPrivateIpAddresses',
  'logs:CreateLogStream',
  'logs:PutLogEvents',
  'xray:PutTelemetryRecords',
  'xray:PutTraceSegments',
];

describe('the entry by events', () => {
  const queueOf = (id: string) => assembly.find(INTERNAL, id).Properties;

  test('goes from a bus of the zone through a rule for what is declared into a queue', () => {
    expect(queueOf('EventsRule')).toMatchObject({
      EventPattern: { source: ['journal.documents'], 'detail-type': ['DocumentCreated'] },
      Targets: [
        {
          Arn: { 'Fn::GetAtt': [expect.stringMatching(/^EventsQueue7/), 'Arn'] },
          DeadLetterConfig: { Arn: { 'Fn::GetAtt': [expect.stringMatching(/^EventsUndelivered/), 'Arn'] } },
        },
      ],
    });
    expect(text(queueOf('EventsBus')['KmsKeyIdentifier'])).toMatch(/^<Key\w+\.Arn>$/);
  });

  test('has queues under the zone’s key, but for what could not be queued, with a dead-letter queue, hidden for six times the function’s timeout', () => {
    const { Timeout } = queueOf('workerFunction') as { Timeout: number };
    const queues = assembly.ofType('AWS::SQS::Queue', INTERNAL).map(([, q]) => q.Properties);
    expect(queues).toHaveLength(3);
    for (const queue of queues) {
      if (text(queue['QueueName']).endsWith('-undelivered'))
        expect(queue).toMatchObject({ SqsManagedSseEnabled: true, QueueName: expect.any(String) });
      else expect(text(queue['KmsMasterKeyId'])).toMatch(/^<Key\w+\.Arn>$/);
      expect(queue['VisibilityTimeout']).toBeGreaterThanOrEqual(6 * Timeout);
    }
    expect(queueOf('EventsQueue7')).toMatchObject({ RedrivePolicy: { maxReceiveCount: 5 } });
  });

  test('tries as often and keeps as long as docs/operating.md says', () => {
    const page = readFileSync('docs/operating.md', 'utf8');
    const { VisibilityTimeout, RedrivePolicy } = queueOf('EventsQueue7') as {
      VisibilityTimeout: number;
      RedrivePolicy: { maxReceiveCount: number };
    };
    expect(page).toContain(
      `| 2 to ${RedrivePolicy.maxReceiveCount} | each ${VisibilityTimeout / 60} minutes after`,
    );
    const kept = assembly
      .ofType('AWS::SQS::Queue', INTERNAL)
      .filter(([, { Properties }]) => Properties['RedrivePolicy'] === undefined)
      .map(([, { Properties }]) => Number(Properties['MessageRetentionPeriod']) / 86_400);
    expect(kept).toEqual([14, 14]);
    expect(page).toContain('14 days');
    expect(queueOf('EventsQueue7')).toMatchObject({ MessageRetentionPeriod: 4 * 86_400 });
    expect(page).toContain('Nothing is lost for four days');
    expect(queueOf('EventsRule')).toMatchObject({
      Targets: [{ RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 } }],
    });
    expect(page).toContain('(it tries for a day)');
  });

  test('lets EventBridge use the key for this account, on the bus for that bus only', () => {
    const statements = statementsOf(assembly.find(INTERNAL, 'Key')).filter(({ Principal }) =>
      JSON.stringify(Principal).includes('events.amazonaws.com'),
    );
    expect(statements.length).toBeGreaterThan(0);
    for (const { Condition } of statements)
      expect(Condition?.['StringEquals']).toHaveProperty(['aws:SourceAccount'], { Ref: 'AWS::AccountId' });
    // For queues AWS documents no aws:SourceArn in the key's policy, and for topics that it does not work.
    const sources = about(statements, 'kms:Decrypt').map(({ Sid, Condition }) => [
      Sid,
      text(Condition?.['ArnEquals']?.['aws:SourceArn']).match(/event-bus\/journal-internal$/)?.[0],
    ]);
    expect(sources).toEqual([
      ['EventBus', 'event-bus/journal-internal'],
      ['EventsToQueue', undefined],
    ]);
  });

  test('takes events into its queue from its own rule alone, and what could not be queued from the bus too', () => {
    const taken = assembly.ofType('AWS::SQS::QueuePolicy', INTERNAL).map(([, policy]) =>
      about(statementsOf(policy), 'sqs:SendMessage').map(({ Condition }) => {
        expect(Condition?.['StringEquals']).toEqual({ 'aws:SourceAccount': { Ref: 'AWS::AccountId' } });
        const sources = [Condition?.['ArnEquals']?.['aws:SourceArn']].flat();
        return sources.map((arn) => text(arn).replace(/^.*<AWS::AccountId>:/, ''));
      }),
    );
    const rule = 'rule/journal-internal/journal-internal-events';
    expect(taken).toEqual([[[rule, 'event-bus/journal-internal']], [], [[rule]]]);
  });

  test('hands batches to the worker, a few at a time, with partial failures', () => {
    expect(queueOf('EventsDelivery')).toMatchObject({
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 5 },
    });
  });

  test('lets the worker read its queue and keep its table, and not the dead letters', () => {
    const worker = role(INTERNAL, 'worker');
    expect(text(about(worker, 'sqs:ReceiveMessage')[0]?.Resource)).toMatch(/:journal-internal-events$/);
    const [table] = about(worker, 'dynamodb:PutItem');
    expect(table?.Action).toEqual(['dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:PutItem']);
    expect(text(table?.Resource)).toMatch(/:table\/journal-internal-idempotency$/);
    expect(table?.Condition).toEqual({
      StringEquals: { 'aws:SourceVpce': { Ref: endpointId(INTERNAL, 'dynamodb') } },
    });
    expect(through(INTERNAL, 'dynamodb')).toMatchObject([{ Action: table?.Action, Principal: '*' }]);
  });
});

describe('the entry by gateway', () => {
  const only = (type: string) => assembly.ofType(type, PUBLIC).map(([, r]) => r.Properties);

  test('streams the answers of forwarded routes, and only theirs', () => {
    const streamed = only('AWS::ApiGateway::Method').map(({ Integration }) => {
      const { ResponseTransferMode: mode, TimeoutInMillis, Uri } = Integration as Record<string, unknown>;
      const [, api] = /<(api)Function/.exec(text(Uri)) ?? [];
      return [api, mode, TimeoutInMillis, text(Uri).includes('/response-streaming-invocations')];
    });
    expect(streamed.filter(([api]) => api)).toEqual([['api', 'STREAM', 60_000, true]]);
    for (const [, mode, timeout, uri] of streamed.filter(([api]) => !api))
      expect([mode, timeout, uri]).toEqual([undefined, undefined, false]);
  });

  test('passes bytes on as they are: a forwarded API may answer with a PDF', () => {
    expect(only('AWS::ApiGateway::RestApi')[0]?.['BinaryMediaTypes']).toEqual(['*/*']);
  });

  test('checks parameters, throttles, and neither logs nor traces paths or callers’ addresses', () => {
    for (const method of only('AWS::ApiGateway::Method'))
      expect(method).toHaveProperty(['RequestValidatorId', 'Ref']);
    const demanded = only('AWS::ApiGateway::Method').map(({ RequestParameters }) => RequestParameters);
    // `/summaries/{id}`, and `/api/summaries/{id}`; the others have no parameter in the path.
    expect(demanded.filter((parameters) => Object.keys(parameters ?? {}).length > 0)).toEqual([
      { 'method.request.path.id': true },
      { 'method.request.path.id': true },
    ]);
    const [stage] = only('AWS::ApiGateway::Stage');
    expect(stage).toMatchObject({
      TracingEnabled: false,
      MethodSettings: [
        {
          HttpMethod: '*',
          ResourcePath: '/*',
          DataTraceEnabled: false,
          ThrottlingRateLimit: 50,
          ThrottlingBurstLimit: 100,
        },
      ],
    });
    expect(text(stage?.['AccessLogSetting'])).not.toMatch(
      /\$context\.(path|identity\.sourceIp|identity\.user)/,
    );
  });

  test('lets this API’s routes invoke their functions, and nothing else', () => {
    const permissions = only('AWS::Lambda::Permission').map(({ Principal, FunctionName, SourceArn }) => {
      expect(Principal).toBe('apigateway.amazonaws.com');
      const name = /^<(\w+?)Function/.exec(text(FunctionName))?.[1];
      const route = /:<GatewayApi\w+>\/[^/]+\/(.+)$/.exec(text(SourceArn))?.[1];
      return `${name} ${route}`;
    });
    expect(permissions.sort()).toEqual([
      'api GET/api/summaries/*',
      'callback GET/callback',
      'login GET/login',
      'logout GET/logout/callback',
      'logout POST/logout',
      'logout POST/logout/backchannel',
      'session GET/session',
      'session POST/session',
      'summary GET/summaries/*',
    ]);
  });

  test('waits for the account’s settings, which are a stack of their own', () => {
    expect(assembly.dependencies(PUBLIC)).toContain('journal-gateway-account');
    expect(assembly.ofType('AWS::ApiGateway::Account', PUBLIC)).toEqual([]);
  });
});

describe('the admin zone', () => {
  test('disables and enables the system’s keys that sign only: a tag is no more than who makes keys can set', () => {
    for (const statements of [
      role(ADMIN, 'rotation'),
      role(ADMIN, 'keywatch'),
      boundary(ADMIN),
      boundary(ADMIN, 'keywatch'),
    ]) {
      const [statement] = about(statements, 'kms:DisableKey');
      expect(statement?.Condition?.['StringEquals']).toEqual({
        'aws:SourceVpce': { Ref: endpointId(ADMIN, 'kms') },
        'kms:KeyUsage': 'SIGN_VERIFY',
        'aws:ResourceTag/helseid-zones:system': 'journal',
      });
    }
  });

  test('starts rotations with the function that is scheduled, and invokes it through no call of its own', () => {
    const [rotate] = about(role(ADMIN, 'keywatch'), 'secretsmanager:RotateSecret');
    expect(text(rotate?.Condition?.['ArnEqualsIfExists']?.['secretsmanager:RotationLambdaARN'])).toMatch(
      /:function:journal-admin-rotation$/,
    );
    const [invoke] = about(role(ADMIN, 'keywatch'), 'lambda:InvokeFunction').filter(
      ({ Sid }) => Sid === 'RotationByService',
    );
    expect(invoke?.Condition).toEqual({ Bool: { 'aws:ViaAWSService': 'true' } });
    expect(about(role(ADMIN, 'rotation'), 'secretsmanager:RotateSecret')).toEqual([]);
  });

  test('rotates on a schedule and not at deploy, one at a time, with a quarter of an hour', () => {
    expect(assembly.find(ADMIN, 'rotationFunction').Properties).toMatchObject({
      ReservedConcurrentExecutions: 1,
      Timeout: 900,
    });
    const schedule = assembly.ofType('AWS::SecretsManager::RotationSchedule', ADMIN)[0]?.[1].Properties;
    expect(schedule).toMatchObject({
      RotateImmediatelyOnUpdate: false,
      RotationRules: { ScheduleExpression: 'cron(0 8 1 1,3,5,7,9,11 ? *)' },
    });
  });

  test('watches hourly, and rings for every figure of every client', () => {
    const rules = assembly.ofType('AWS::Events::Rule', ADMIN);
    expect(rules.map(([, rule]) => rule.Properties['ScheduleExpression'])).toEqual(['rate(1 hour)']);
    const alarms = assembly.ofType('AWS::CloudWatch::Alarm', ADMIN).map(([, alarm]) => alarm.Properties);
    expect(alarms.map(({ AlarmName }) => AlarmName)).toContain('journal-journal-UnknownKeys');
    for (const alarm of alarms) expect(alarm['AlarmActions']).toHaveLength(1);
    // What stays away rings, but not before it has come once: nothing is in ALARM on a fresh deploy.
    for (const alarm of alarms) expect(alarm['TreatMissingData']).not.toBe('breaching');
    const awaited = alarms.filter(({ TreatMissingData }) => TreatMissingData === 'missing');
    expect(awaited.map(({ AlarmName }) => AlarmName)).toEqual([
      'journal-journal-UnknownKeys',
      'journal-journal-WatchFailed',
    ]);
    for (const alarm of awaited) expect(alarm['InsufficientDataActions']).toEqual(alarm['AlarmActions']);
  });
});

describe('a zone whose users log in, with a route for others’ tokens', () => {
  const login = {
    client: 'journal',
    scopes: ['openid'],
    forward: [{ method: 'GET', path: '/summaries/{id}', to: '/v1/summaries/{id}', api: 'summaries' }],
  } as const;
  const grants = [
    { client: 'journal', apis: [{ api: 'summaries', methods: ['GET'], paths: ['/v1/summaries/*'] }] },
  ] as const;
  const routes = [
    { method: 'GET', path: '/summaries/{id}', function: 'summary', authorize: 'helseid' },
  ] as const;
  const authorizer = { client: 'journal', audience: 'example:vendor', scopes: ['example:vendor/read'] };
  const portal = synthesizeTemplates(
    withZones(
      { public: { cidr: '10.10.0.0/20', gateway: { routes, login, authorizer }, grants } },
      { apiGatewayAccount: false },
    ),
  );
  const portalRole = (name: string) => statementsOf(portal.find(PUBLIC, `${name}Role`));

  test('can leave the account’s gateway settings to others', () => {
    expect(portal.stacks).not.toContain('journal-gateway-account');
    expect(portal.dependencies(PUBLIC)).not.toContain('journal-gateway-account');
  });

  test('gives each function what it does with its table, and no more', () => {
    expect(allowed(portalRole('login')).filter((action) => action.startsWith('dynamodb:'))).toEqual([
      'dynamodb:GetItem',
      'dynamodb:PutItem',
    ]);
    expect(allowed(portalRole('authorizer')).filter((action) => action.startsWith('dynamodb:'))).toEqual([
      'dynamodb:PutItem',
    ]);
    expect(text(about(portalRole('authorizer'), 'dynamodb:PutItem')[0]?.Resource)).toMatch(
      /journal-public-replays$/,
    );
    expect(text(about(portalRole('login'), 'dynamodb:PutItem')[0]?.Resource)).toMatch(
      /journal-public-sessions$/,
    );
  });

  test('lets the authorizer ask no signer', () => {
    expect(allowed(portalRole('authorizer'))).not.toContain('lambda:InvokeFunction');
    expect(allowed(portalRole('login'))).toContain('lambda:InvokeFunction');
  });

  test('tells the functions behind it where they are', () => {
    const { Variables } = portal.find(PUBLIC, 'loginFunction').Properties['Environment'] as {
      Variables: Record<string, unknown>;
    };
    expect(text(Variables['GATEWAY_URL'])).toMatch(
      /^https:\/\/<GatewayApi\w+>\.execute-api\.<AWS::Region>\.amazonaws\.com\/live$/,
    );
  });
});
