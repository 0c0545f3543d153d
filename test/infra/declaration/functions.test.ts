import { describe, expect, test } from 'vitest';
import { findProblems } from '../../../infra/declaration/define.ts';
import system from '../../own-things.zones.ts';
import { ABSENT, changed } from './change.ts';

const WORKER = 'zones.internal.functions.worker';
const HOOK = 'zones.public.gateway.routes[1]';
const LABELS = 'zones.internal.functions.labels';
const SUMMARY = 'zones.internal.functions.summary';

describe('accepted', () => {
  const accepted: Record<string, unknown[]> = {
    [`${WORKER}.environment`]: [
      { BASE_PATH: '/fhir/R4/DocumentReference', TENANT: '2f6b1d9a-0c3e-4b58-8d17-5e9a7c4f3d20' },
      { KEYWORDS: 'a,b', EMPTY: '', HOST: 'https://sftp.partner.no/in?page=1' },
    ],
    [`${WORKER}.timeout`]: [1, 900],
    [`${WORKER}.memory`]: [128, 10_240],
    [`${WORKER}.tables.drafts`]: [
      { partitionKey: { name: 'id', type: 'B' }, sortKey: { name: 'n', type: 'N' }, ttl: 'gone' },
    ],
    [`${SUMMARY}.schedules`]: [
      {
        a: 'rate(1 minute)',
        b: 'rate(90 days)',
        c: 'cron(0/15 8-17 ? * MON-FRI *)',
        d: 'cron(5 4 1 JAN,JUL ? *)',
        e: 'cron(05 23 01-15/3 1,12 ? 2030/2)',
      },
    ],
    [`${LABELS}.code`]: ['build/labels.zip', ABSENT],
    [`${LABELS}.handler`]: ['labels/main.print'],
    [`${SUMMARY}.events.detail`]: [{ a: [1, 'x', true, null] }, { a: { b: { c: ['x'] } } }, ABSENT],
    [`${WORKER}.hosts`]: [['www.partner.no', 'a1b2c3.execute-api.eu-north-1.amazonaws.com']],
  };
  const cases = Object.entries(accepted).flatMap(([field, values]) =>
    values.map((value) => [field, value] as const),
  );
  test.each(cases)('%s as %j', (path, value) => {
    expect(findProblems(changed(path, value, system))).toEqual([]);
  });
});

describe('refused, by field and with what would be right', () => {
  const refused: [string, unknown, RegExp][] = [
    ...[
      'AWS_REGION',
      'NODE_OPTIONS',
      'SIGNERS',
      'HTTPS_PROXY',
      'TZ',
      'POWERTOOLS_LOG_LEVEL',
      'IDEMPOTENCY_TABLE',
    ].map((name): [string, unknown, RegExp] => [`${WORKER}.environment.${name}`, 'x', /choose another name/]),
    [`${WORKER}.environment.DRAFTS_TABLE`, 'x', /is the variable of tables\.drafts/],
    [`${WORKER}.environment.pageSize`, '1', /capital letters.*PAGE_SIZE/],
    ...['PARTNER_PASSWORD', 'ACCESS_TOKEN', 'CLIENT_SECRET', 'API_KEY', 'APIKEY'].map(
      (name): [string, unknown, RegExp] => [`${WORKER}.environment.${name}`, 'x', /name it in secrets/],
    ),
    ...[
      '-----BEGIN PRIVATE KEY-----',
      'https://me:hemmelig@partner.no',
      'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY123',
      '9f86d081884c7d659a2feaa0c55ad015',
    ].map((value): [string, unknown, RegExp] => [
      `${WORKER}.environment.PARTNER`,
      value,
      /name it in secrets/,
    ]),
    [`${WORKER}.timeout`, 901, /from 1 to 900 seconds/],
    [`${WORKER}.memory`, 64, /from 128 to 10240 MB/],
    [`${WORKER}.tables.drafts.partitionKey`, {}, /is missing/],
    [`${WORKER}.tables.drafts.sortKey`, { name: 'id' }, /has id twice/],
    [`${WORKER}.tables.Drafts`, { partitionKey: { name: 'id' } }, /lower-case/],
    [`${WORKER}.tables.idempotency`, { partitionKey: { name: 'id' } }, /IDEMPOTENCY_TABLE names it/],
    [`${SUMMARY}.tables.letters.of`, 'nobody', /has no table letters/],
    [`${SUMMARY}.tables.letters.of`, 'summary', /has no table letters/],
    [`${WORKER}.queues`, ['outbox', 'nowhere'], /is read by nothing.*reads: \['nowhere'\]/],
    [`${SUMMARY}.reads`, ['outbox', 'nothing'], /nothing sends to.*queues: \['nothing'\]/],
    [`${WORKER}.reads`, ['outbox'], /is read by 2 functions/],
    [`${WORKER}.secrets`, ['partner-key', 'partner-key'], /named twice/],
    [`${WORKER}.events`, { sources: ['a'], detailTypes: ['b'] }, /put both into one/],
    ...[
      'rate(1 minutes)',
      'rate(0 days)',
      'every day',
      'cron(0 3 * * * *)',
      'cron(0 3 L * ? *)',
      'cron(0 3 * * ?)',
      'cron(60 3 * * ? *)',
      'cron(0 24 * * ? *)',
      'cron(0 3 32 * ? *)',
      'cron(0 3 ? 13 MON *)',
      'cron(0 3 ? * MONDAY *)',
      'cron(0 3 ? * 0 *)',
    ].map((value): [string, unknown, RegExp] => [
      `${SUMMARY}.schedules.nightly`,
      value,
      /rate\(5 minutes\) or cron/,
    ]),
    ...['https://partner.no', 'partner.no:8443', '10.0.0.1', '*.partner.no', 'Partner.no'].map(
      (value): [string, unknown, RegExp] => [`${WORKER}.hosts[0]`, value, /host/],
    ),
    [`${WORKER}.hosts[0]`, 'kms.eu-north-1.amazonaws.com', /AWS itself/],
    ['zones.internal.functions.idle', {}, /is started by nothing.*gateway\.routes$/],
    ['zones.public.functions', { sumary: {} }, /started by nothing.*they start summary.*: is that its name/],
    ['zones.internal.functions.rotation', { schedules: {} }, /the system places that function itself/],
    ['zones.admin.functions.worker', { schedules: { a: 'rate(1 day)' } }, /is in the admin zone/],
    ['zones.public.functions.summary', { timeout: 29 }, /at most 28 seconds, since a route/],
    ['zones.internal.reservedConcurrency', { summary: 9 }, /at least 10/],
    [`${WORKER}.tabels`, {}, /is not a field/],
    [`${WORKER}.code`, 'x.zip', /name their runtime too, or leave it out/],
    [`${WORKER}.handler`, 'a.b', /name their runtime too, or leave it out/],
    [`${LABELS}.environment.DOCUMENTS_API`, 'x', /is the variable of an API of its grants/],
    [`${LABELS}.runtime`, 'python', /expected.*python3\.14/],
    [`${LABELS}.runtime`, 'java21', /write example\.Handler::handleRequest/],
    [`${LABELS}.runtime`, 'dotnet10', /write Assembly::Namespace/],
    ['zones.public.functions.summary.runtime', 'python3.14', /whose guard is compiled/],
    ...[[], {}, { status: [] }, { status: 'read' }, { status: [{ prefix: 'r' }] }, { $or: ['x'] }].map(
      (value): [string, unknown, RegExp] => [
        `${SUMMARY}.events.detail`,
        value,
        /name a field|at least one|list of values|values are matched|no operators/,
      ],
    ),
    [`${HOOK}.webhook`, ABSENT, /is missing: write \{ secret/],
    [`${HOOK}.authorize`, 'iam', /leave it out/],
    [
      `${HOOK}.webhook.secret`,
      'other',
      /no secret of summary: add it to zones\.public\.functions\.summary\.secrets/,
    ],
    [`${HOOK}.method`, 'GET', /must be POST/],
    [`${HOOK}.webhook.tolerance`, 0, /at least 1/],
  ];
  test.each(refused)('%s as %j', (path, value, message) => {
    const problems = findProblems(changed(path, value, system));
    expect(problems.map(({ message: said }) => said)).toContainEqual(expect.stringMatching(message));
    expect(problems.some(({ field }) => field.startsWith(path.split('.').slice(0, 4).join('.')))).toBe(true);
  });
});

test.each([
  ['worker-partner', { secrets: ['key'] }, ['secrets']],
  ['worker-partner', { secrets: ['keys'] }, []],
  ['summarynight', { schedules: { ly: 'rate(1 day)' } }, ['schedules.ly']],
  ['summarynight', { schedules: { daily: 'rate(1 day)' } }, []],
])('names that would share an id in a template are refused: %s %j', (name, has, fields) => {
  const at = `zones.internal.functions.${name}`;
  const other = changed(at, { schedules: { often: 'rate(1 hour)' }, ...has }, system);
  expect(findProblems(other)).toEqual(
    fields.map((field) => ({
      field: `${at}.${field}`,
      message: expect.stringMatching(
        /same logical id name as zones\.internal\.functions\.(?:worker|summary)\./,
      ),
    })),
  );
});

test('refused: a queue of the name that the zone’s events have', () => {
  const named = changed(`${SUMMARY}.reads`, ['events'], changed(`${WORKER}.queues`, ['events'], system));
  expect(findProblems(named)).toContainEqual({
    field: `${SUMMARY}.reads`,
    message: expect.stringMatching(/same queue name as zones\.internal\.events/),
  });
});
