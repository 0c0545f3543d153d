import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import system from '../../examples/distributed.zones.ts';
import { defineSystem, findProblems } from '../../infra/declaration/define.ts';
import { deriveZoneConfig } from '../../infra/declaration/derive.ts';
import type { SystemDeclaration } from '../../infra/declaration/schema.ts';
import { findWarnings } from '../../infra/declaration/warnings.ts';
import { readAssembly } from '../../infra/proof/assembly/read-assembly.ts';
import { deriveAssembly } from '../../infra/proof/derived/derive.ts';
import { prove } from '../../infra/proof/prove.ts';
import { readZoneMap } from '../../infra/proof/report/map/read.ts';
import { reportSignable } from '../../infra/proof/report/signable.ts';
import { ABSENT, changed } from './declaration/change.ts';
import {
  adds,
  allow,
  type Change,
  find,
  findingsOf,
  gives,
  idOf,
  sets,
  setsVariables,
  statementOf,
  type Template,
  withTemplate,
} from './proof/mutate.ts';
import { synthesize as read } from './proof/one-client.ts';
import { about, statementsOf as statements, synthesize, text } from './synthesize.ts';

/** As `npm start` has it. */
const PLACE = { account: '000000000000', region: 'eu-north-1' };
const assembly = synthesize(system, PLACE);
const [REPORTS, RECORDS] = ['surgery-zone-reports', 'surgery-zone-records'];
const FUNCTION = 'zones.reports.functions.report';
const KEYS = 'surgery/reports/report/reporting';
const given = readAssembly(assembly.folder);
const proof = prove(given, system, { derived: deriveAssembly(system, given) });

describe('keys of a client that one function keeps', () => {
  it('hold by the proof, compared with what is declared and by the rules alone', () => {
    expect(findWarnings(system)).toEqual([]);
    expect(proof.violations).toEqual([]);
    expect(proof.verdict).toBe('holds');
    expect(prove(given, system).violations).toEqual([]);
  });

  it('are in a secret that no deploy has a value for, encrypted by the zone’s key, and kept', () => {
    const { Properties, DeletionPolicy } = assembly.find(REPORTS, 'ClientKeysreportreporting');
    expect(Properties).toEqual({ Name: KEYS, Description: expect.any(String), KmsKeyId: expect.anything() });
    expect(DeletionPolicy).toBe('RetainExceptOnCreate');
    expect(assembly.find(REPORTS, 'Key').DeletionPolicy).toBe('RetainExceptOnCreate');
  });

  it('are read and replaced by the function’s role, through the zone’s endpoint, and by nobody else', () => {
    const secret = Object.keys(assembly.resources(REPORTS)).find((id) => id.startsWith('ClientKeys'));
    const actions = ['DescribeSecret', 'GetSecretValue', 'PutSecretValue', 'UpdateSecretVersionStage'];
    for (const name of ['reportRole', 'Boundary', 'Networksecretsmanagerendpoint']) {
      const [statement] = about(statements(assembly.find(REPORTS, name)), 'secretsmanager:PutSecretValue');
      expect(statement?.Action).toEqual(actions.map((action) => `secretsmanager:${action}`));
      expect([statement?.Resource].flat().map(text)).toEqual([`<${secret}>`]);
    }
  });

  it('have alarms on their client’s requests, and on the schedule that replaces them', () => {
    const alarms = assembly
      .ofType('AWS::CloudWatch::Alarm', REPORTS)
      .map(([, { Properties }]) => Properties['AlarmName']);
    for (const name of ['reporting-TokenFailures', 'reporting-InvalidClient', 'report-FunctionErrors'])
      expect(alarms).toContain(`surgery-reports-${name}`);
  });

  it('are opened as docs/patterns.md shows', () => {
    const page = readFileSync('docs/patterns.md', 'utf8');
    expect(page).toContain(
      `\`\`\`ts\n// functions/report/handler.ts\n${readFileSync('functions/report/handler.ts', 'utf8')}\`\`\``,
    );
  });

  it('are said to sign anything, by whom, and are on the map', () => {
    expect(reportSignable(proof.input, 200, { zone: 'reports' })).toMatch(
      /surgery\/reports\/report\/reporting\n.*for +surgery-reports-report\n.*anything +of client reporting.*can be read out/,
    );
    const map = readZoneMap(proof.input);
    const label = new Map(map.nodes.map(({ id, label }) => [id, label]));
    const calls = map.calls.map(({ from, verb, to }) => `${label.get(from)} ${verb} ${label.get(to)}`);
    expect(calls.filter((call) => call.endsWith('report/reporting'))).toEqual([
      'report read report/reporting',
      'report replace report/reporting',
    ]);
    expect(map.nodes.find(({ label }) => label === 'report/reporting')?.notes).toEqual([
      'client key, can be read out',
    ]);
    expect(calls).toContain('report open https to api.selvbetjening.test.nhn.no');
    expect(calls).not.toContain('worker open https to api.selvbetjening.test.nhn.no');
  });
});

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const PEM = privateKey.export({ format: 'pem', type: 'pkcs8' });

/** Two functions in the zone, of which one keeps the keys. */
const two = defineSystem({
  ...system,
  zones: {
    ...system.zones,
    reports: {
      ...system.zones.reports,
      functions: {
        ...system.zones.reports.functions,
        summary: { schedules: { daily: 'rate(1 day)' }, secrets: ['mail'] },
      },
    },
  },
});
const whole = read(two, PLACE);
const secret = (r: Template) => ({ Ref: idOf(r, 'ClientKeys') });
const mail = (r: Template) => ({ Ref: idOf(r, 'Secretsummarymail') });
const READ = ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'];
const WRITE = ['secretsmanager:PutSecretValue', 'secretsmanager:UpdateSecretVersionStage'];

/** In role, boundary and endpoint, as whoever opens the keys would have to. */
const opens =
  (prefix: string, actions: string[], on: (r: Template) => unknown = secret): Change =>
  (r) => {
    for (const resource of [find(r, prefix, 'IAM::Role'), find(r, 'Boundary', 'ManagedPolicy')])
      allow(resource, actions, on(r));
  };

const [READING, WRITING, BARE] = [
  'records-are-read-by-own',
  'records-are-kept-by-admin',
  'records-are-bare',
] as const;
const ARN = `arn:aws:secretsmanager:eu-north-1:000000000000:secret:${KEYS}-??????`;

const pastEndpoint: Change = (r) => {
  for (const resource of [find(r, 'reportRole'), find(r, 'Boundary', 'ManagedPolicy')])
    delete statementOf(resource, 'OwnClientKeys')['Condition'];
};
/** What lies beside a resource's properties. */
const marks =
  (prefix: string, more: object, type?: string): Change =>
  (r) =>
    void Object.assign(find(r, prefix, type), more);
const OPEN = ['secretsmanager:PutResourcePolicy', 'secretsmanager:ReplicateSecretToRegions'];
const POLICY = adds('AWS::SecretsManager::ResourcePolicy', (r) => ({
  SecretId: secret(r),
  ResourcePolicy: {},
}));
const ROTATION = adds('AWS::SecretsManager::RotationSchedule', (r) => ({
  SecretId: secret(r),
  HostedRotationLambda: { RotationType: 'MySQLSingleUser' },
}));
const FOREIGN = 'arn:aws:kms:eu-north-1:999999999999:key/x';
const [UNDERSTOOD, DECLARED] = ['properties-are-understood', 'zone-functions-are-declared'];

/** Hostile changes, with the rule that finds each where nothing is compared. */
const HOSTILE: readonly [name: string, stack: string, rule: string, change: Change][] = [
  ['another function of the zone reads', REPORTS, READING, opens('summary', READ)],
  ['another function of the zone writes', REPORTS, WRITING, opens('summary', WRITE)],
  ['a function of another zone reads', RECORDS, READING, opens('worker', READ, () => ARN)],
  ['a function of another zone writes', RECORDS, WRITING, opens('worker', WRITE, () => ARN)],
  ['a function writes what it reads', REPORTS, WRITING, opens('summary', WRITE, mail)],
  ['the admin zone reads', 'surgery-zone-admin', READING, gives('rotation', READ, ARN)],
  ['the admin zone writes', 'surgery-zone-admin', WRITING, gives('rotation', WRITE, ARN)],
  ['a signer reads', 'surgery-signing', READING, gives('Signerrecordsjournal', READ, ARN)],
  ['the function reads past the endpoint', REPORTS, READING, pastEndpoint],
  ['the function writes past the endpoint', REPORTS, WRITING, pastEndpoint],
  ['the function opens them to others', REPORTS, WRITING, opens('report', OPEN)],
  ['a policy of the secret lets somebody in', REPORTS, 'resource-types-are-known', POLICY],
  [
    'a copy elsewhere',
    REPORTS,
    UNDERSTOOD,
    sets('ClientKeys', { ReplicaRegions: [{ Region: 'eu-west-1' }] }),
  ],
  ['a key of another account', REPORTS, UNDERSTOOD, sets('ClientKeys', { KmsKeyId: FOREIGN })],
  [
    'no key of the zone',
    REPORTS,
    UNDERSTOOD,
    (r) => void delete find(r, 'ClientKeys').Properties['KmsKeyId'],
  ],
  ['a key in the template', REPORTS, 'no-key-material', sets('ClientKeys', { SecretString: PEM })],
  ['the keys of another secret', REPORTS, DECLARED, setsVariables('summary', { OTHER_KEYS: 'x' })],
  ['a value of a deploy', REPORTS, BARE, sets('ClientKeys', { SecretString: '{}' })],
  ['a value that a deploy makes up', REPORTS, BARE, sets('ClientKeys', { GenerateSecretString: {} })],
  ['keys that go with their stack', REPORTS, BARE, marks('ClientKeys', { DeletionPolicy: 'Delete' })],
  ['their key goes with it', REPORTS, BARE, marks('Key', { UpdateReplacePolicy: 'Delete' }, 'KMS::Key')],
  ['keys under another name', REPORTS, DECLARED, sets('ClientKeys', { Name: `${KEYS}-2` })],
  ['a rotation by somebody', REPORTS, BARE, ROTATION],
  [
    'report is told of others',
    REPORTS,
    DECLARED,
    setsVariables('report', { REPORTING_CLIENT_KEYS: 'arn:x' }),
  ],
  ['summary is told of another', REPORTS, DECLARED, setsVariables('summary', { MAIL_SECRET: 'arn:x' })],
  ['a way out', REPORTS, 'names-answered', sets('NetworkAllowedNames', { Domains: ['example.org'] })],
];

describe('a change that gives the keys to others is found without a comparison', () => {
  it('without one there is nothing', () => {
    const rules = new Set(HOSTILE.map(([, , rule]) => rule));
    expect(findingsOf([...rules], whole, two)).toEqual([]);
  });

  it.each(HOSTILE)('%s', (_, stack, rule, change) => {
    const found = findingsOf(rule, withTemplate(whole, stack, change), two);
    expect(found.map(({ resource }) => resource.split('/')[0])).toContain(stack);
  });
});

it('a resolver answers for the self-service API where keys are kept and in the admin zone, whatever leads there', () => {
  const host = 'api.selvbetjening.test.nhn.no';
  const hosts = { hosts: ['documents.example.no'], cidrs: ['91.186.80.0/24'], ports: [443] };
  const exits = { way: { ...hosts, proxy: { url: `https://${host}:443` } } };
  const url = findProblems(changed('zones.records.exits', exits, system));
  expect(url).toContainEqual({
    field: 'zones.records.exits.way.proxy.url',
    message: expect.stringMatching(/self-service API.*I3a/),
  });
  const { records } = system.zones;
  const zones = { ...system.zones, records: { ...records, exits } };
  const unchecked: SystemDeclaration = { ...system, zones };
  const answers = withTemplate(given, RECORDS, sets('NetworkAllowedNames', { Domains: [host] }));
  expect(findingsOf('names-answered', answers, unchecked)).toMatchObject([
    { message: expect.stringMatching(`answers for ${host}`) },
  ]);
});

describe('the guideline is held by the declaration', () => {
  const RULE = /can be read out, and the zones .* use the key; .*cannot be shared.*use awskms:/;
  const kept = system.zones.reports.functions.report.clientKeys.reporting;
  const second = (more: object) => ({
    schedules: { nightly: 'rate(1 day)' },
    clientKeys: { reporting: { ...kept, ...more } },
  });
  const [ID, AT] = ['clientKeys.reporting.clientId', 'clientKeys.reporting'];
  const [OTHERS, SUMMARY] = ['zones.records.functions', 'zones.reports.functions.summary'];
  const again = { worker: { ...second({}), clientKeys: { again: kept } } };
  const { clientId } = system.clients.journal;
  const grants = [{ client: 'journal', apis: [] }];
  /** A path that begins lower is one of the function's. */
  const problems: [name: string, path: string, value: unknown, field: string, message: RegExp][] = [
    ['the same client in a second zone', OTHERS, { worker: second({ clientId: 'other' }) }, AT, RULE],
    ['the same registration in a second zone', OTHERS, again, ID, RULE],
    ['a client that zones share', 'clientKeys', { journal: kept }, 'clientKeys.journal', RULE],
    ['the registration of a client that zones share', ID, clientId, ID, RULE],
    [
      'the same client in a second function of the zone',
      ...([SUMMARY, second({ clientId: 'other' }), `${SUMMARY}.${AT}`, /choose another/] as const),
    ],
    [
      'beside a grant of a client that registers keys',
      'zones.reports.grants',
      grants,
      AT,
      /I3a.*zone of their own/,
    ],
    ['the self-service API by another name', 'hosts', ['api.selvbetjening.test.nhn.no'], 'hosts[0]', /I3a/],
    [
      'an API at the self-service API',
      ...(['apis.summaries.baseUrl', kept.selfService.baseUrl] as const),
      ...(['apis.summaries.baseUrl', /lies at the self-service API/] as const),
    ],
    ['an API that is not declared', `${AT}.apis`, ['reports'], `${AT}.apis[0]`, /names the API reports/],
    ['a secret of the same name', 'secrets', ['reporting'], 'clientKeys', /same secret name/],
    ['no self-service API', `${AT}.selfService`, ABSENT, `${AT}.selfService`, /is missing/],
    ['another custody', `${AT}.custody`, 'file:', `${AT}.custody`, /is not a field/],
    [
      'its variable as a setting',
      ...(['environment', { REPORTING_CLIENT_KEYS: 'x' }] as const),
      ...(['environment.REPORTING_CLIENT_KEYS', /is the variable of clientKeys/] as const),
    ],
  ];
  const whole = (path: string) => (/^(?:zones|apis)\./.test(path) ? path : `${FUNCTION}.${path}`);

  it.each(problems)('refused: %s', (_, path, value, field, message) => {
    const found = findProblems(changed(whole(path), value, system));
    expect(found).toContainEqual({ field: whole(field), message: expect.stringMatching(message) });
  });

  it('a zone may keep the keys of several clients, beside grants of one that registers none', () => {
    const { selfService: _, ...journal } = system.clients.journal;
    const grants = [{ client: 'journal', details: 'none', apis: [] }];
    const beside = changed('zones.reports.grants', grants, changed('clients.journal', journal, system));
    const more = { reporting: kept, other: { ...kept, clientId: 'other' } };
    expect(findProblems(changed(`${FUNCTION}.clientKeys`, more, beside))).toEqual([]);
  });

  it('the function alone is told of the client', () => {
    expect(deriveZoneConfig(two, 'reports', 'report').clientKeys).toHaveProperty('reporting.apis.summaries');
    expect(deriveZoneConfig(two, 'reports', 'summary').clientKeys).toBeUndefined();
  });
});
