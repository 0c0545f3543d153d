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
  ...['records-are-read-by-own', 'records-are-kept-by-admin', 'records-are-bare'],
] as const;
const ARN = `arn:aws:secretsmanager:eu-north-1:000000000000:secret:${KEYS}-??????`;

/** Hostile changes, with the rule that finds each where nothing is compared. */
const HOSTILE: readonly [name: string, stack: string, rule: string, change: Change][] = [
  ['another function of the zone reads', REPORTS, READING, opens('summary', READ)],
  ['another function of the zone writes', REPORTS, WRITING, opens('summary', WRITE)],
  ['a function of another zone reads', RECORDS, READING, opens('worker', READ, () => ARN)],
  ['a function of another zone writes', RECORDS, WRITING, opens('worker', WRITE, () => ARN)],
  [
    'a function writes the secret that it reads',
    REPORTS,
    WRITING,
    opens('summary', WRITE, (r) => ({ Ref: idOf(r, 'Secretsummarymail') })),
  ],
  ['the admin zone reads', 'surgery-zone-admin', READING, gives('rotation', READ, ARN)],
  ['the admin zone writes', 'surgery-zone-admin', WRITING, gives('rotation', WRITE, ARN)],
  ['a signer reads', 'surgery-signing', READING, gives('Signerrecordsjournal', READ, ARN)],
  ...(['OwnClientKeys'] as const).flatMap((sid) =>
    (
      [
        ['the function reads past the endpoint', READING],
        ['the function writes past the endpoint', WRITING],
      ] as const
    ).map(([name, rule]): (typeof HOSTILE)[number] => [
      ...([name, REPORTS, rule] as const),
      (r) => {
        for (const resource of [find(r, 'reportRole'), find(r, 'Boundary', 'ManagedPolicy')])
          delete statementOf(resource, sid)['Condition'];
      },
    ]),
  ),
  [
    'the function opens them to others',
    REPORTS,
    WRITING,
    opens('report', ['secretsmanager:PutResourcePolicy', 'secretsmanager:ReplicateSecretToRegions']),
  ],
  [
    'a policy of the secret lets somebody in',
    REPORTS,
    'resource-types-are-known',
    adds('AWS::SecretsManager::ResourcePolicy', (r) => ({ SecretId: secret(r), ResourcePolicy: {} })),
  ],
  [
    'a copy in another region',
    REPORTS,
    'properties-are-understood',
    sets('ClientKeys', { ReplicaRegions: [{ Region: 'eu-west-1' }] }),
  ],
  [
    'a key of another account',
    REPORTS,
    'properties-are-understood',
    sets('ClientKeys', { KmsKeyId: 'arn:aws:kms:eu-north-1:999999999999:key/x' }),
  ],
  [
    'no key of the zone',
    REPORTS,
    'properties-are-understood',
    (r) => void delete find(r, 'ClientKeys').Properties['KmsKeyId'],
  ],
  ['a key in the template', REPORTS, 'no-key-material', sets('ClientKeys', { SecretString: PEM })],
  [
    'the keys of another secret',
    REPORTS,
    'zone-functions-are-declared',
    setsVariables('summary', { OTHER_KEYS: 'x' }),
  ],
  ['a value of a deploy', REPORTS, BARE, sets('ClientKeys', { SecretString: '{}' })],
  ['a value that a deploy makes up', REPORTS, BARE, sets('ClientKeys', { GenerateSecretString: {} })],
  [
    'keys that go with their stack',
    REPORTS,
    BARE,
    (r) => void Object.assign(find(r, 'ClientKeys'), { DeletionPolicy: 'Delete' }),
  ],
  [
    'keys whose key goes with their stack',
    REPORTS,
    BARE,
    (r) => void Object.assign(find(r, 'Key', 'KMS::Key'), { UpdateReplacePolicy: 'Delete' }),
  ],
  [
    'keys under another name',
    REPORTS,
    'zone-functions-are-declared',
    sets('ClientKeys', { Name: `${KEYS}-2` }),
  ],
  [
    'a rotation by somebody',
    REPORTS,
    BARE,
    adds('AWS::SecretsManager::RotationSchedule', (r) => ({
      ...{ SecretId: secret(r), HostedRotationLambda: { RotationType: 'MySQLSingleUser' } },
    })),
  ],
  ...(['report', 'summary'] as const).map((of): (typeof HOSTILE)[number] => [
    `${of} is told of another secret`,
    REPORTS,
    'zone-functions-are-declared',
    setsVariables(of, { [of === 'report' ? 'REPORTING_CLIENT_KEYS' : 'MAIL_SECRET']: 'arn:x' }),
  ]),
  [
    'a way out to another host',
    REPORTS,
    'names-answered',
    sets('NetworkAllowedNames', { Domains: ['example.org'] }),
  ],
];

describe('a change that gives the keys to others is found without a comparison', () => {
  it.each(HOSTILE)('%s', (_, stack, rule, change) => {
    expect(findingsOf(rule, whole, two)).toEqual([]);
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
  const unchecked: SystemDeclaration = {
    ...system,
    zones: { ...system.zones, records: { ...records, exits } },
  };
  const answers = withTemplate(given, RECORDS, sets('NetworkAllowedNames', { Domains: [host] }));
  expect(findingsOf('names-answered', answers, unchecked)).toMatchObject([
    { message: expect.stringMatching(`answers for ${host}`) },
  ]);
});

describe('the guideline is held by the declaration', () => {
  const RULE = /can be read out, and the zones .* use the key; .*cannot be shared.*use awskms:/;
  const kept = system.zones.reports.functions.report.clientKeys.reporting;
  const second = (more: object) => ({
    ...{ schedules: { nightly: 'rate(1 day)' }, clientKeys: { reporting: { ...kept, ...more } } },
  });
  const problems: [name: string, path: string, value: unknown, field: string, message: RegExp][] = [
    [
      'the same client in a second zone',
      ...(['zones.records.functions', { worker: second({ clientId: 'other' }) }] as const),
      ...([`${FUNCTION}.clientKeys.reporting`, RULE] as const),
    ],
    [
      'the same registration in a second zone',
      ...(['zones.records.functions', { worker: { ...second({}), clientKeys: { again: kept } } }] as const),
      ...([`${FUNCTION}.clientKeys.reporting.clientId`, RULE] as const),
    ],
    [
      'a client that zones share',
      ...([`${FUNCTION}.clientKeys`, { journal: kept }, `${FUNCTION}.clientKeys.journal`, RULE] as const),
    ],
    [
      'the registration of a client that zones share',
      ...([`${FUNCTION}.clientKeys.reporting.clientId`, system.clients.journal.clientId] as const),
      ...([`${FUNCTION}.clientKeys.reporting.clientId`, RULE] as const),
    ],
    [
      'the same client in a second function of the zone',
      ...(['zones.reports.functions.summary', second({ clientId: 'other' })] as const),
      ...(['zones.reports.functions.summary.clientKeys.reporting', /choose another/] as const),
    ],
    [
      'in a zone with a grant of a client that registers keys',
      ...(['zones.reports.grants', [{ client: 'journal', apis: [] }]] as const),
      ...([`${FUNCTION}.clientKeys.reporting`, /I3a.*zone of their own/] as const),
    ],
    [
      'the self-service API by another name',
      ...([`${FUNCTION}.hosts`, ['api.selvbetjening.test.nhn.no']] as const),
      ...([`${FUNCTION}.hosts[0]`, /self-service API.*I3a/] as const),
    ],
    [
      'an API at the self-service API',
      ...(['apis.summaries.baseUrl', kept.selfService.baseUrl] as const),
      ...(['apis.summaries.baseUrl', /lies at the self-service API/] as const),
    ],
    [
      'an API that is not declared',
      ...([`${FUNCTION}.clientKeys.reporting.apis`, ['reports']] as const),
      ...([`${FUNCTION}.clientKeys.reporting.apis[0]`, /names the API reports/] as const),
    ],
    [
      'a secret of the same name',
      ...([`${FUNCTION}.secrets`, ['reporting']] as const),
      ...([`${FUNCTION}.clientKeys`, /same secret name/] as const),
    ],
    [
      'no self-service API',
      ...([`${FUNCTION}.clientKeys.reporting.selfService`, ABSENT] as const),
      ...([`${FUNCTION}.clientKeys.reporting.selfService`, /is missing/] as const),
    ],
    [
      'another custody',
      ...([`${FUNCTION}.clientKeys.reporting.custody`, 'file:'] as const),
      ...([`${FUNCTION}.clientKeys.reporting.custody`, /is not a field/] as const),
    ],
    [
      'its variable as a setting',
      ...([`${FUNCTION}.environment`, { REPORTING_CLIENT_KEYS: 'x' }] as const),
      ...([`${FUNCTION}.environment.REPORTING_CLIENT_KEYS`, /is the variable of clientKeys/] as const),
    ],
  ];
  it.each(problems)('refused: %s', (_, path, value, field, message) => {
    const found = findProblems(changed(path, value, system));
    expect(found).toContainEqual({ field, message: expect.stringMatching(message) });
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
