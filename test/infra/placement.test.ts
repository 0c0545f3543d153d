import { describe, expect, test, vi } from 'vitest';
import { buildApp, placeFromEnvironment, stageFromContext } from '../../infra/build-app.ts';
import { rotationCron } from '../../infra/constructs/schedules.ts';
import { coded } from '../coded.ts';
import system from '../one-client.zones.ts';
import { about, statementsOf, synthesizeTemplates, text, withZones } from './synthesize.ts';

const OWN = '111111111111';
const OTHER = '222222222222';
const { internal, public: open } = system.zones;
const spread = withZones(
  { internal: { ...internal, account: OTHER }, public: { ...open, account: OTHER } },
  {
    apis: {
      ...system.apis,
      documents: { ...system.apis.documents, baseUrl: 'https://documents.example.no:8443' },
    },
  },
);
const SPREAD = ['journal-zone-internal', 'journal-zone-public'];
const assembly = synthesizeTemplates(spread, { account: OWN, region: 'eu-north-1' });

describe('zones in another account', () => {
  test('go there, while signing and admin zones stay together', () => {
    expect(assembly.account('journal-zone-internal')).toBe(OTHER);
    expect(assembly.account('journal-zone-public')).toBe(OTHER);
    expect(assembly.account('journal-signing')).toBe(OWN);
    expect(assembly.account('journal-zone-admin')).toBe(OWN);
  });

  test('name the signing account’s signers in role, boundary, endpoint and environment', () => {
    const arn = `arn:aws:lambda:eu-north-1:${OWN}:function:journal-signer-journal-internal`;
    for (const id of ['workerRole', 'Boundary', 'Networklambdaendpoint']) {
      const statements = statementsOf(assembly.find('journal-zone-internal', id));
      const [statement] = about(statements, 'lambda:InvokeFunction');
      expect(statement?.Resource).toBe(arn);
    }
    const { Variables } = assembly.find('journal-zone-internal', 'workerFunction').Properties[
      'Environment'
    ] as { Variables: Record<string, unknown> };
    expect(JSON.parse(text(Variables['SIGNERS']))).toEqual({ journal: arn });
  });

  const askers = {
    internal: [`arn:aws:iam::${OTHER}:role/journal-internal-worker`],
    public: ['api', 'callback', 'login', 'logout', 'session', 'summary'].map(
      (name) => `arn:aws:iam::${OTHER}:role/journal-public-${name}`,
    ),
  };

  test('are admitted by the signer’s own policy, by role, from their account only', () => {
    for (const [zone, roles] of Object.entries(askers)) {
      const policy = assembly.find('journal-signing', `Signer${zone}journalPolicy`);
      const function_ = expect.stringMatching(new RegExp(`^<Signer${zone}journalFunction\\w+\\.Arn>$`));
      expect(text(policy.Properties['ResourceArn'])).toEqual(function_);
      const statements = statementsOf(policy);
      const allowed = statements.filter(({ Effect }) => Effect === 'Allow');
      expect(allowed).toMatchObject([
        { Action: 'lambda:InvokeFunction', Principal: { AWS: roles.length === 1 ? roles[0] : roles } },
      ]);
      expect(text(allowed[0]?.Resource)).toEqual(function_);
      const conditions = statements.flatMap(({ Sid, Condition }) => [[Sid, Condition]]);
      expect(Object.fromEntries(conditions)).toMatchObject({
        OnlyItsZone: { ArnNotEquals: { 'aws:PrincipalArn': roles } },
        OnlyFromItsZone: { StringNotEquals: { 'aws:VpceAccount': OTHER } },
      });
    }
    expect(assembly.ofType('AWS::Lambda::Permission', 'journal-signing')).toEqual([]);
    for (const stack of SPREAD) expect(assembly.ofType('AWS::Lambda::ResourcePolicy', stack)).toEqual([]);
  });

  test('are admitted by permissions, by role, where signers have no policies of their own', () => {
    const signing = { ...spread.signing, resourcePolicies: false };
    const without = synthesizeTemplates({ ...spread, signing }, { account: OWN, region: 'eu-north-1' });
    const permissions = without.ofType('AWS::Lambda::Permission', 'journal-signing');
    expect(permissions.map(([, { Properties }]) => Properties['Principal']).sort()).toEqual(
      [...askers.internal, ...askers.public].sort(),
    );
    expect(without.ofType('AWS::Lambda::ResourcePolicy')).toEqual([]);
    expect(without.dependencies('journal-signing').sort()).toEqual(SPREAD);
  });

  test('are deployed before the signing zone, since a permission can’t name a role that is not there', () => {
    expect(assembly.dependencies('journal-signing').sort()).toEqual(SPREAD);
    expect(assembly.dependencies('journal-zone-admin')).toContain('journal-signing');
  });

  test('have an alarm on the memory of their signers where those are, beside their own', () => {
    const memory = (stack: string) =>
      assembly
        .ofType('AWS::CloudWatch::Alarm', stack)
        .map(([, { Properties }]) => Properties as { AlarmName: string; Dimensions: { Value: string }[] })
        .filter(({ AlarmName }) => AlarmName.endsWith('-MemoryUsed'))
        .map(({ AlarmName, Dimensions }) => [AlarmName, Dimensions.map(({ Value }) => Value).sort()]);
    const of = (zone: string, of = '') => [`journal-${of}${zone}-MemoryUsed`, ['journal', zone].sort()];
    expect(memory('journal-signing')).toEqual([of('public', 'signing-'), of('internal', 'signing-')]);
    expect(memory('journal-zone-internal')).toEqual([of('internal')]);
    expect(memory('journal-zone-admin')).toEqual([of('admin')]);
  });

  test('have the gateway settings of their own account', () => {
    expect(assembly.stacks).toContain(`journal-gateway-account-${OTHER}`);
    expect(assembly.account(`journal-gateway-account-${OTHER}`)).toBe(OTHER);
    expect(assembly.stacks).not.toContain('journal-gateway-account');
  });

  test('take nothing from another stack', () => {
    for (const stack of SPREAD)
      expect(JSON.stringify(assembly.resources(stack))).not.toMatch(/Fn::(?:ImportValue|GetStackOutput)/);
  });

  test('are refused while nobody knows the signing account', () => {
    expect(() => buildApp(spread)).toThrow(coded('declaration_invalid', /zones\.\w+\.account/));
  });
});

test('the quotas that a deploy needs are said without the zones of other accounts', () => {
  expect(assembly.messages('journal-signing', 'info')).toEqual([
    expect.stringMatching(/room for 2 VPCs and 1 Elastic IPs.* have 32 concurrent executions to reserve/),
  ]);
});

test('a zone that calls another port than 443 is refused, by zone and address', () => {
  expect(assembly.messages('journal-zone-internal', 'error')).toEqual([
    expect.stringMatching(/^zones\.internal calls https:\/\/documents\.example\.no:8443.*443 only/),
  ]);
  expect(assembly.messages('journal-zone-public', 'error')).toEqual([]);
});

test.each([
  [1, 'cron(0 8 * * ? *)'],
  [7, 'cron(0 8 ? * TUE *)'],
  [29, 'cron(0 8 ? * TUE *)'],
  [30, 'cron(0 8 1 1,2,3,4,5,6,7,8,9,10,11,12 ? *)'],
  [60, 'cron(0 8 1 1,3,5,7,9,11 ? *)'],
  [90, 'cron(0 8 1 1,4,7,10 ? *)'],
  [365, 'cron(0 8 1 1 ? *)'],
])('every %i days is %s', (days, expression) => {
  expect(rotationCron(days)).toBe(expression);
});

describe('where it is deployed', () => {
  const account = '111111111111';
  test.each(['eusc-de-east-1', 'cn-north-1', 'us-gov-west-1', 'us-iso-east-1', 'eu-isoe-west-1'])(
    'refuses %s, a region of another partition',
    (region) => {
      expect(() => buildApp(system, { account, region })).toThrow(
        coded('region_unsupported', undefined, { region }),
      );
    },
  );

  test.each([
    { name: 'no credentials: any account', given: { CDK_DEFAULT_REGION: 'us-east-1' }, place: {} },
    {
      name: 'a profile with a region',
      given: { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: 'eu-north-1' },
      place: { account, region: 'eu-north-1' },
    },
    {
      name: 'us-east-1 where it was chosen',
      given: { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: 'us-east-1', AWS_REGION: 'us-east-1' },
      place: { account, region: 'us-east-1' },
    },
  ])('takes account and region from the command line: $name', ({ given, place }) => {
    expect(placeFromEnvironment(given, system)).toEqual(place);
  });

  test('does not take the command line’s guess for a region', () => {
    expect(() =>
      placeFromEnvironment({ CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: 'us-east-1' }, system),
    ).toThrow(coded('region_unsupported'));
  });

  test('the declared account and region come before the command line’s', () => {
    const declared = { account: '222222222222', region: 'eu-north-1' };
    const here = { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: 'us-east-1' };
    for (const given of [{}, here])
      expect(placeFromEnvironment(given, { ...system, ...declared })).toEqual(declared);
  });

  test('the stage is what the command line hands on as context', () => {
    expect(stageFromContext()).toBeUndefined();
    vi.stubEnv('CDK_CONTEXT_JSON', '{"stage":"test"}');
    expect(stageFromContext()).toBe('test');
    vi.stubEnv('CDK_CONTEXT_JSON', '{"stage":true}');
    expect(() => stageFromContext()).toThrow(coded('config_invalid'));
    vi.unstubAllEnvs();
  });
});
