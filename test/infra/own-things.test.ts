import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readAssembly } from '../../infra/proof/assembly/read-assembly.ts';
import { deriveAssembly } from '../../infra/proof/derived/derive.ts';
import { prove } from '../../infra/proof/prove.ts';
import { readZoneMap } from '../../infra/proof/report/map/read.ts';
import { sampled } from '../full.ts';
import system from '../own-things.zones.ts';
import {
  allow,
  type Change,
  find,
  findingsOf,
  gives,
  sets,
  setsVariables,
  statementsOf as statements,
  withTemplate,
} from './proof/mutate.ts';
import { about, statementsOf, synthesize, synthesizeTemplates, text, withZones } from './synthesize.ts';

/** As `npm start` has it. */
const PLACE = { account: '000000000000', region: 'eu-north-1' };
const assembly = synthesize(system, PLACE);
const ZONE = 'journal-zone-internal';
const role = (name: string) => statementsOf(assembly.find(ZONE, `${name}Role`));
const boundary = statementsOf(assembly.find(ZONE, 'Boundary'));
const through = (service: string) => statementsOf(assembly.find(ZONE, `Network${service}endpoint`));
const endpoint = (service: string) =>
  Object.keys(assembly.resources(ZONE)).find((id) => id.startsWith(`Network${service}endpoint`)) ?? '';
const arn = (rest: string) => `arn:aws:${rest.replace(':', ':eu-north-1:000000000000:')}`;
const LETTERS = arn('dynamodb:table/journal-internal-worker-letters');
const DRAFTS = arn('dynamodb:table/journal-internal-worker-drafts');
const OUTBOX = arn('sqs:journal-internal-outbox');

/** Resources of the statements that allow an action, with the endpoint that they demand. */
function allowed(list: ReturnType<typeof role>, action: string) {
  return about(list, action)
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap(({ Resource, Condition }) =>
      [Resource].flat().map((one) => {
        const vpce = (Condition?.['StringEquals'] as Record<string, unknown>)?.['aws:SourceVpce'];
        return `${text(one)} ${vpce === undefined ? '' : text(vpce)}`.trim();
      }),
    )
    .sort();
}

describe('each thing brings statements with exact ARNs, through the zone’s own endpoint', () => {
  const [tables, queues, secrets] = ['dynamodb', 'sqs', 'secretsmanager'].map((of) => `<${endpoint(of)}>`);
  const PARTNER = `<${Object.keys(assembly.resources(ZONE)).find((id) => id.startsWith('Secretworkerpartnerkey'))}>`;

  test.each([
    ['worker', 'dynamodb:Query', [`${DRAFTS} ${tables}`, `${LETTERS} ${tables}`]],
    [
      'worker',
      'dynamodb:DeleteItem',
      [DRAFTS, arn('dynamodb:table/journal-internal-idempotency'), LETTERS].map((of) => `${of} ${tables}`),
    ],
    ['summary', 'dynamodb:Query', [`${LETTERS} ${tables}`]],
    ['summary', 'dynamodb:PutItem', []],
    ['worker', 'sqs:SendMessage', [`${OUTBOX} ${queues}`]],
    ['summary', 'sqs:SendMessage', []],
    ['summary', 'sqs:ReceiveMessage', [OUTBOX, arn('sqs:journal-internal-summary-events')]],
    ['worker', 'secretsmanager:GetSecretValue', [`${PARTNER} ${secrets}`]],
  ])('the role of %s: %s', (name, action, expected) => {
    expect(allowed(role(name), action)).toEqual([...expected].sort());
  });

  test('the boundary holds what the roles hold, and no pattern of a table, queue or secret', () => {
    const own = ['dynamodb:Query', 'dynamodb:PutItem', 'sqs:SendMessage', 'sqs:ReceiveMessage'];
    const actions = [...own, 'secretsmanager:GetSecretValue'];
    for (const action of actions) {
      const roles = ['worker', 'summary'].flatMap((name) => allowed(role(name), action));
      expect(allowed(boundary, action)).toEqual([...new Set(roles)].sort());
    }
    expect(JSON.stringify(boundary)).not.toMatch(/(dynamodb|sqs|secretsmanager):[^"]*\*/);
  });

  test.each([
    ['dynamodb', 'dynamodb:Scan', ['journal-internal-worker', 'journal-internal-summary'], LETTERS],
    ['sqs', 'sqs:SendMessage', ['journal-internal-worker', 'journal-internal-labels'], OUTBOX],
    ['secretsmanager', 'secretsmanager:GetSecretValue', ['journal-internal-worker'], PARTNER],
  ])('the %s endpoint lets %s of %s through to it', (service, action, roles, to) => {
    const [statement] = about(through(service), action).filter(({ Resource }) =>
      [Resource].flat().map(text).includes(to),
    );
    const named = [statement?.Condition?.['ArnEquals']?.['aws:PrincipalArn']].flat().map(text);
    expect(named).toEqual(roles.map((name) => `arn:aws:iam::000000000000:role/${name}`));
  });

  test('the key is used through the services of what the function has', () => {
    const services = (name: string) =>
      about(role(name), 'kms:Decrypt').flatMap(({ Condition }) =>
        [Condition?.['StringEquals']?.['kms:ViaService']].flat(),
      );
    expect(services('worker').sort()).toEqual(
      ['dynamodb', 'secretsmanager', 'sqs'].map((of) => `${of}.eu-north-1.amazonaws.com`),
    );
  });
});

test('variables name the things; settings, time and memory are the declared ones', () => {
  const { Environment, Timeout, MemorySize } = assembly.find(ZONE, 'workerFunction').Properties;
  const { Variables } = Environment as { Variables: Record<string, unknown> };
  expect(Variables).toMatchObject({
    PAGE_SIZE: '50',
    LETTERS_TABLE: 'journal-internal-worker-letters',
    DRAFTS_TABLE: 'journal-internal-worker-drafts',
    OUTBOX_QUEUE: 'https://sqs.eu-north-1.amazonaws.com/000000000000/journal-internal-outbox',
    PARTNER_KEY_SECRET: { Ref: expect.stringMatching(/^Secretworkerpartnerkey/) },
  });
  expect([Timeout, MemorySize]).toEqual([60, 1024]);
});

test('what a function has outlives stack and declaration, with its key; queues wait six times the function’s time', () => {
  const kept = (prefix: string) => assembly.find(ZONE, prefix).DeletionPolicy;
  const kinds = ['Tableworkerletters', 'Secretsummarymail', 'Key'].map(kept);
  expect(kinds).toEqual(['RetainExceptOnCreate', 'RetainExceptOnCreate', 'RetainExceptOnCreate']);
  expect(assembly.find(ZONE, 'Tableworkerletters').Properties).toMatchObject({
    KeySchema: [
      { AttributeName: 'id', KeyType: 'HASH' },
      { AttributeName: 'at', KeyType: 'RANGE' },
    ],
    TimeToLiveSpecification: { AttributeName: 'gone', Enabled: true },
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  });
  const queues = assembly.ofType('AWS::SQS::Queue', ZONE).map(([, { Properties }]) => Properties);
  expect(queues).toContainEqual(
    expect.objectContaining({ QueueName: 'journal-internal-events', VisibilityTimeout: 360 }),
  );
});

test('code in another language is deployed as it lies, in the same place as all others', () => {
  const {
    Environment,
    Code,
    Role: _,
    FunctionName: __,
    LoggingConfig: ___,
    ...properties
  } = assembly.find(...([ZONE, 'labelsFunction'] as const)).Properties;
  const { Runtime, Handler, VpcConfig, Architectures, TracingConfig } = properties;
  expect([Runtime, Handler]).toEqual(['python3.13', 'handler.handler']);
  const { Variables } = Environment as { Variables: Record<string, unknown> };
  expect(Variables).toMatchObject({
    GREETING: 'hei',
    DOCUMENTS_API: 'https://documents.example.no/fhir',
    SIGNERS: expect.anything(),
  });
  expect(Object.keys(Variables)).not.toContain('NODE_OPTIONS');
  const summary = assembly.find(ZONE, 'summaryFunction').Properties;
  expect([VpcConfig, Architectures, TracingConfig]).toEqual([
    summary['VpcConfig'],
    summary['Architectures'],
    summary['TracingConfig'],
  ]);
  expect(assembly.asset('journal-internal-labels', 'handler.py')).toBe(
    readFileSync('test/languages/labels/handler.py', 'utf8'),
  );
  expect(Code).not.toHaveProperty('ZipFile');
});

test('a rule has the declared pattern, with the detail', () => {
  const patterns = assembly
    .ofType('AWS::Events::Rule', ZONE)
    .map(([, { Properties }]) => Properties['EventPattern']);
  expect(patterns).toContainEqual({
    source: ['journal.letters'],
    'detail-type': ['LetterRead'],
    detail: { status: ['read', null], reader: { age: [7, 8] } },
  });
});

test('a schedule starts the function, dead letters and failures ring, and names are answered', () => {
  const rules = assembly
    .ofType('AWS::Events::Rule', ZONE)
    .map(([, { Properties }]) => [Properties['Name'], Properties['ScheduleExpression']]);
  expect(rules).toContainEqual(['journal-internal-summary-nightly', 'cron(0 3 * * ? *)']);
  const alarms = assembly
    .ofType('AWS::CloudWatch::Alarm', ZONE)
    .map(([, { Properties }]) => Properties['AlarmName']);
  expect(alarms).toEqual(
    expect.arrayContaining([
      'journal-internal-DeadLetters',
      'journal-internal-outbox-DeadLetters',
      'journal-internal-summary-events-DeadLetters',
      'journal-internal-summary-FunctionErrors',
    ]),
  );
  expect(JSON.stringify(assembly.ofType('AWS::Route53Resolver::FirewallDomainList', ZONE))).toContain(
    'sftp.partner.no',
  );
});

test('a queue and a function that takes events may have one name', () => {
  const renamed = JSON.parse(JSON.stringify(system.zones.internal).replaceAll('"outbox"', '"summary"'));
  const { ofType } = synthesizeTemplates(withZones({ ...system.zones, internal: renamed }));
  const names = ofType('AWS::CloudWatch::Alarm', ZONE).map(([, { Properties }]) => Properties['AlarmName']);
  expect(names).toEqual(
    expect.arrayContaining([
      'journal-internal-summary-DeadLetters',
      'journal-internal-summary-events-DeadLetters',
    ]),
  );
});

const given = readAssembly(assembly.folder);
const proof = prove(given, system, { derived: deriveAssembly(system, given) });

test('the map shows what functions have, and who uses it', () => {
  const map = readZoneMap(proof.input);
  const label = new Map(map.nodes.map(({ id, label }) => [id, label]));
  const calls = map.calls.map(({ from, verb, to }) => `${label.get(from)} ${verb} ${label.get(to)}`);
  expect(calls).toEqual(
    expect.arrayContaining([
      'worker read worker-letters',
      'worker write worker-letters',
      'summary read worker-letters',
      'worker send to outbox',
      'outbox start summary',
      'worker read worker/partner-key',
      'worker open https to sftp.partner.no',
    ]),
  );
  expect(calls).not.toContain('summary read worker/partner-key');
  expect(calls).not.toContain('summary write worker-letters');
  expect(map.nodes.find(({ label }) => label === 'sftp.partner.no')?.notes).toEqual(['host of worker']);
  const hook = map.nodes.find(({ kind, label }) => kind === 'route' && label.includes('/hooks/lab'));
  expect(hook?.notes).toEqual(['webhooks signed by HMAC']);
});

describe('the proof', () => {
  test('holds, by the rules alone and compared with what the declaration yields', () => {
    expect(proof.violations).toEqual([]);
  });

  const both =
    (prefix: string, action: string, on: unknown): Change =>
    (r) => {
      gives(prefix, action, on)(r);
      allow(find(r, 'Boundary', 'ManagedPolicy'), action, on);
    };
  const secretOf = (r: Parameters<Change>[0], prefix: string) => ({
    Ref: Object.keys(r).find((id) => id.startsWith(prefix)),
  });
  test('finds a webhook that leads to a function without the guard, and another open route', () => {
    const open =
      (prefix: string, more: object): Change =>
      (r) =>
        void Object.assign(find(r, prefix, 'ApiGateway::Method').Properties, {
          AuthorizationType: 'NONE',
          ...more,
        });
    const lead =
      (to: string): Change =>
      (r) => {
        const { Integration } = find(r, 'GatewayApihookslabPOST', 'ApiGateway::Method').Properties as {
          Integration: { Uri: unknown };
        };
        Integration.Uri = JSON.parse(
          JSON.stringify(Integration.Uri).replace(/summaryFunction[0-9A-F]+/g, to),
        );
      };
    const found = (change: Change) =>
      findingsOf('routes-are-authorized', withTemplate(given, 'journal-zone-public', change), system).map(
        ({ message }) => message,
      );
    expect(found(() => {})).toEqual([]);
    const session = Object.keys(assembly.resources('journal-zone-public')).find((id) =>
      id.startsWith('sessionFunction'),
    );
    expect(found(lead(session ?? ''))).toContainEqual(
      expect.stringContaining('without the guard of webhooks'),
    );
    expect(found(open('GatewayApisummariesidGET', {}))).toEqual([expect.stringContaining('not by AWS_IAM')]);
  });

  const [READ_BY_OWN, DECLARED, EVENTS] = [
    'records-are-read-by-own',
    'zone-functions-are-declared',
    'events-are-declared',
  ] as const;
  const pastEndpoint: Change = (r) => {
    for (const resource of [find(r, 'workerRole'), find(r, 'Boundary', 'ManagedPolicy')])
      for (const statement of statements(resource))
        if ([statement['Action']].flat().includes('secretsmanager:GetSecretValue'))
          delete statement['Condition'];
  };
  const otherDetail: Change = (r) => {
    const named = ({ Properties }: { Properties: Record<string, unknown> }) =>
      Properties['Name'] === 'journal-internal-summary-events';
    const pattern = Object.values(r).find(named)?.Properties['EventPattern'] as { detail: object };
    pattern.detail = { status: ['read', 'unread'] };
  };
  const otherTarget: Change = (r) => {
    const { Targets } = find(r, 'Schedulesummarynightly', 'Events::Rule').Properties;
    Object.assign((Targets as object[])[0] ?? {}, { Arn: arn('lambda:function:journal-public-summary') });
  };
  const NIGHTLY = sets('Schedulesummarynightly', { ScheduleExpression: 'rate(1 minute)' }, 'Events::Rule');
  const mutations: Record<string, [rule: string, change: Change]> = {
    'a function reads a table of another': ['own-data-only', both('summary', 'dynamodb:GetItem', DRAFTS)],
    'a function sends to the queue of another zone': [
      'own-data-only',
      both('worker', 'sqs:SendMessage', arn('sqs:journal-public-outbox')),
    ],
    'a function reads a secret that another has': [
      READ_BY_OWN,
      (r) => both('summary', 'secretsmanager:GetSecretValue', secretOf(r, 'Secretworkerpartnerkey'))(r),
    ],
    'a secret is read past the endpoint': [READ_BY_OWN, pastEndpoint],
    'a table under AWS’s key': [
      'properties-are-understood',
      (r) => void delete find(r, 'Tableworkerdrafts').Properties['SSESpecification'],
    ],
    'a schedule is another than the declared one': [EVENTS, NIGHTLY],
    'a rule takes events of another detail': [EVENTS, otherDetail],
    'a function in Python runs in Node': [DECLARED, sets('labelsFunction', { Runtime: 'nodejs24.x' })],
    'a function in Python calls another API': [
      DECLARED,
      setsVariables('labels', { DOCUMENTS_API: 'https://other.example.no' }),
    ],
    'a function in Python begins elsewhere': [DECLARED, sets('labelsFunction', { Handler: 'other.handler' })],
    'a compiled function runs in Python': [DECLARED, sets('summaryFunction', { Runtime: 'python3.13' })],
    'a queue leads to another function': [
      EVENTS,
      (r) =>
        void Object.assign(find(r, 'QueuesoutboxDelivery').Properties, {
          FunctionName: secretOf(r, 'workerFunction'),
        }),
    ],
    'a schedule starts another zone’s function': ['properties-are-understood', otherTarget],
  };
  // Of the rules nothing is found before: the proof above holds.
  test.each(sampled(Object.entries(mutations), 3))(
    'finds that %s, with the comparison off',
    (_, [rule, change]) => {
      expect(findingsOf(rule, withTemplate(given, ZONE, change), system)).not.toEqual([]);
    },
  );
});
