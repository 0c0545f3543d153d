import { describe, expect, it } from 'vitest';
import { defineSystem } from '../../../../infra/declaration/define.ts';
import { resolveAssembly } from '../../../../infra/proof/assembly/resolve.ts';
import { deriveAssembly } from '../../../../infra/proof/derived/derive.ts';
import { prove } from '../../../../infra/proof/prove.ts';
import { readInput } from '../../../../infra/proof/read-input.ts';
import { summarize } from '../../../../infra/proof/report/map/model.ts';
import { readZoneMap } from '../../../../infra/proof/report/map/read.ts';
import system from '../../../one-client.zones.ts';
import {
  adds,
  arn,
  type Change,
  type Changeable,
  find,
  findingsOf,
  gives,
  idOf,
  mutations,
  SIGNER,
  STACKS,
  sets,
  statementsOf,
  withTemplate,
} from '../mutate.ts';
import { oneClient, synthesize } from '../one-client.ts';
import { ruleNamed } from '../small-system.ts';

/** Denies a function the writing of its log, or with `more` in some cases. */
function denies(of: string, more: object = {}): Change {
  const denied = { Effect: 'Deny', Action: 'logs:PutLogEvents', Resource: '*', ...more };
  return (r) => void statementsOf(find(r, `${of}Role`, 'IAM::Role')).push(denied);
}

mutations('properties-are-understood', {
  'signing: a log without a key': (r) => void delete find(r, `${SIGNER}Logs`).Properties.KmsKeyId,
  'signing: a log that Lambda filters by level': (r) => {
    Object.assign(find(r, `${SIGNER}Function`).Properties.LoggingConfig as Changeable, {
      LogFormat: 'JSON',
      ApplicationLogLevel: 'FATAL',
    });
  },
  'internal: a log for ever': (r) => void delete find(r, 'workerLogs').Properties.RetentionInDays,
  'admin: a log that Lambda makes': (r) => void delete find(r, 'rotationFunction').Properties.LoggingConfig,
});

mutations('logs-are-kept', {
  'signing: an audit that goes with its stack': (r) => {
    find(r, `${SIGNER}Logs`).DeletionPolicy = 'Delete';
  },
  'signing: an audit that goes when it is replaced': (r) => {
    find(r, `${SIGNER}Logs`).UpdateReplacePolicy = 'Delete';
  },
  'signing: an audit that a signer may not write': denies(SIGNER),
  'internal: a log that its function may not always write': denies('worker', {
    Condition: { StringEquals: { 'aws:RequestedRegion': 'eu-north-1' } },
  }),
  'signing: an audit whose key goes with the stack': (r) => {
    find(r, 'LogKey').DeletionPolicy = 'Delete';
  },
  'signing: an audit for a day': sets(`${SIGNER}Logs`, { RetentionInDays: 1 }),
  'signing: an audit under a key that is switched off': sets('LogKey', { Enabled: false }),
  'internal: a log that gives no figures': sets('workerLogs', { LogGroupClass: 'INFREQUENT_ACCESS' }),
});

const logsFields =
  (more: string): Change =>
  (r) => {
    const setting = find(r, 'GatewayApiDeploymentStage').Properties.AccessLogSetting as Changeable;
    setting.Format = `${setting.Format} ${more}`;
  };

mutations('logs-hold-no-tokens', {
  'public: an address, written otherwise': logsFields('${context.identity.sourceIp}'),
  'public: a field that nobody has looked at': logsFields('$context.customField'),
  'public: what an error says': logsFields('$context.error.message'),
});

it('an access log may have more ids, states and times', () => {
  const change = logsFields('$context.xrayTraceId $context.integrationLatency');
  expect(findingsOf('logs-hold-no-tokens', withTemplate(oneClient, STACKS.public, change))).toEqual([]);
});

mutations(
  'logs-hold-no-tokens',
  Object.fromEntries(
    [
      'authorizer.claims.sub',
      'identity.clientCert.subjectDN',
      'identity.caller',
      'identity.apiKey',
      'error.validationErrorString',
    ].map((field) => [
      `public: ${field} in the access log`,
      (r) => {
        const { Properties } = find(r, 'GatewayApiDeploymentStage');
        (Properties.AccessLogSetting as Changeable).Format = `{"who":"$context.${field}"}`;
      },
    ]),
  ),
);

mutations('logs-are-not-tapped', {
  'public: a zone taps logs': gives('summary', 'logs:PutSubscriptionFilter'),
  'signing: a signer deletes its audit': gives(SIGNER, 'logs:DeleteLogStream'),
});

mutations('logs-are-own', {
  'public: a zone writes another’s logs': gives(
    'summary',
    'logs:PutLogEvents',
    arn('logs', 'log-group:/journal/internal/*:*'),
  ),
  'gateway: API Gateway’s role unmasks logs': gives('Role', 'logs:Unmask'),
  'public: a zone reads logs': gives('summary', 'logs:FilterLogEvents'),
});

/** Lets a role write one of its zone's logs. */
const writes =
  (role: string, logs: string): Change =>
  (r) =>
    gives(role, 'logs:PutLogEvents', { 'Fn::GetAtt': [idOf(r, logs, 'LogGroup'), 'Arn'] })(r);

mutations('logs-are-written-by-own', {
  'signing: a signer writes the audit of another': writes(SIGNER, 'Signerinternaljournal'),
  'public: a function writes the log of another': writes('summary', 'api'),
  'public: a function writes the log of the network': writes('summary', 'Flow'),
  'public: a function writes the log of the API': writes('summary', 'GatewayAccess'),
  'public: a function writes every log of its zone': gives(
    'summary',
    'logs:CreateLogStream',
    arn('logs', 'log-group:/journal/public/*'),
  ),
});

it('a log that a zone adds is written by the functions that may', () => {
  const added = withTemplate(oneClient, STACKS.public, (r) => {
    r.More = { Type: 'AWS::Logs::LogGroup', Properties: { LogGroupName: '/journal/public/more' } };
    writes('summary', 'More')(r);
    writes('summary', 'summary')(r);
  });
  expect(findingsOf(['logs-are-own', 'logs-are-written-by-own'], added)).toEqual([]);
});

mutations('properties-are-understood', {
  'public: whole requests in the log': sets('GatewayApiDeploymentStage', {
    MethodSettings: [{ DataTraceEnabled: true, HttpMethod: '*', ResourcePath: '/*' }],
  }),
  'public: what requests hold in the execution log': sets('GatewayApiDeploymentStage', {
    MethodSettings: [
      {
        DataTraceEnabled: false,
        HttpMethod: '*',
        LoggingLevel: 'INFO',
        ResourcePath: '/*',
        ThrottlingRateLimit: 50,
      },
    ],
  }),
  'public: paths, queries and addresses in traces': sets('GatewayApiDeploymentStage', {
    TracingEnabled: true,
  }),
});

describe('an audit that is exported', () => {
  const TO = 'arn:aws:logs:eu-north-1:444455556666:destination:audit';
  const declared = defineSystem({ ...system, audit: { export: TO } });
  const exporting = synthesize(declared);
  const RULES = ['as-derived', 'additions-are-understood', 'properties-are-understood', 'logs-are-kept'];
  const found = (stack: string, change: Change, of = exporting, as = declared) => {
    const mutated = withTemplate(of, stack, change);
    const alone = findingsOf('logs-are-kept', mutated, as);
    return { alone, all: findingsOf(RULES, mutated, as, deriveAssembly(as, mutated)) };
  };
  const filter = (logs: string, more: Changeable = {}): Change =>
    adds('AWS::Logs::SubscriptionFilter', (r) => ({
      DestinationArn: TO,
      FilterPattern: '',
      LogGroupName: { Ref: idOf(r, logs, 'LogGroup') },
      ...more,
    }));
  const change = (more: Changeable): Change => sets(`${SIGNER}Export`, more);

  it('holds assuming who has the destination, and is sent whole by every signer, with no role', () => {
    const proof = prove(exporting, declared, { derived: deriveAssembly(declared, exporting) });
    expect(proof).toMatchObject({
      verdict: 'holds assuming',
      violations: [],
      assumptions: [{ kind: 'audit', name: TO }],
    });
    expect(summarize(readZoneMap(proof.input))).toMatch(`audit ${TO}: whoever has its account reads`);
    const filters = exporting.stacks.flatMap(({ template }) =>
      Object.values(template.Resources as Record<string, { Type: string; Properties: object }>).filter(
        ({ Type }) => Type === 'AWS::Logs::SubscriptionFilter',
      ),
    );
    expect(filters).toHaveLength(3);
    for (const { Properties } of filters)
      expect(Properties).toEqual({
        DestinationArn: TO,
        FilterPattern: '',
        LogGroupName: { Ref: expect.stringMatching(/^Signer/) },
      });
  });

  it.each<[string, string, Change]>([
    ['goes to another one', 'journal-signing', change({ DestinationArn: TO.replace('4444', '5555') })],
    ['goes where a deploy says', 'journal-signing', change({ DestinationArn: { 'Fn::ImportValue': 'to' } })],
    ['goes in part', 'journal-signing', change({ FilterPattern: 'signed' })],
    [
      'is of another log',
      'journal-signing',
      (r) => change({ LogGroupName: { Ref: idOf(r, 'FlowLogLogs', 'LogGroup') } })(r),
    ],
    [
      'goes twice',
      'journal-signing',
      filter(`${SIGNER}Logs`, { DestinationArn: TO.replace('4444', '5555') }),
    ],
    ['is joined by the log of a function', 'journal-zone-internal', filter('workerLogs')],
    ['does not go', 'journal-signing', (r) => void delete r[idOf(r, `${SIGNER}Export`)]],
  ])('is found where it %s, by what is declared and by the rule alone', (_, stack, mutate) => {
    const { alone, all } = found(stack, mutate);
    expect(alone.map(({ resource }) => resource.split('/')[0])).toContain(stack);
    expect(new Set(all.map(({ rule }) => rule)).size).toBeGreaterThan(1);
  });

  it('is found where it lies in an account that the system is synthesized for, whatever is declared', () => {
    const of = (account: string) =>
      ruleNamed('logs-are-kept').check(readInput(resolveAssembly(exporting, { account }), declared));
    expect(of('555566667777')).toEqual([]);
    const found = of('444455556666').map(({ message }) => message);
    expect(found).toHaveLength(3);
    expect(found[0]).toMatch(/in an account of the system/);
  });

  it('is found where somebody’s role sends it', () => {
    const { all } = found('journal-signing', change({ RoleArn: 'arn:aws:iam::000000000000:role/x' }));
    expect(all.map(({ rule }) => rule)).toContain('properties-are-understood');
  });

  it('is found where nobody declared it', () => {
    const { alone, all } = found('journal-signing', filter(`${SIGNER}Logs`), oneClient, system);
    expect(alone).toMatchObject([{ message: expect.stringContaining('is declared for nobody') }]);
    expect(all.map(({ rule }) => rule)).toContain('additions-are-understood');
  });
});
