import { expect, test } from 'vitest';
import type { SystemDeclaration } from '../../../../infra/declaration/schema.ts';
import type { Assembly } from '../../../../infra/proof/assembly/read-assembly.ts';
import { resolveAssembly } from '../../../../infra/proof/assembly/resolve.ts';
import { readInput } from '../../../../infra/proof/read-input.ts';
import { signersHaveOneCaller } from '../../../../infra/proof/rules/lambda/signer-policies.ts';
import system from '../../../one-client.zones.ts';
import ownThings from '../../../own-things.zones.ts';
import {
  adds,
  arn,
  type Changeable,
  dropStatement,
  each,
  find,
  findingsOf,
  gives,
  idOf,
  mutations,
  ROTATION,
  role,
  SIGNER,
  STACKS,
  sets,
  setsVariables,
  signer,
  statementOf,
  type Template,
  withAsset,
  withTemplate,
} from '../mutate.ts';
import { oneClient, synthesize } from '../one-client.ts';
import { ruleNamed } from '../small-system.ts';

mutations('function-permissions-are-own', {
  'signing: a permission for another account': adds('AWS::Lambda::Permission', {
    FunctionName: signer('public'),
    Action: 'lambda:InvokeFunction',
    Principal: '111122223333',
  }),
  'signing: a permission for another zone’s role': adds('AWS::Lambda::Permission', {
    FunctionName: signer('public'),
    Action: 'lambda:InvokeFunction',
    Principal: role('journal-internal-worker'),
  }),
  'public: a permission without a source': (r) =>
    void delete find(r, 'GatewayApisummariesidGETApiPermission').Properties.SourceArn,
  'admin: a rotation for any account': (r) =>
    void delete find(r, 'KeyRotationjournalPermission').Properties.SourceAccount,
});

mutations('functions-are-not-changed', {
  'public: a zone changes signers': gives('summary', 'lambda:UpdateFunctionCode', signer('public')),
  'public: a zone configures signers': gives('summary', 'lambda:UpdateFunctionConfiguration', signer('*')),
  'admin: rotation lets others in': gives('rotation', 'lambda:AddPermission'),
  'internal: a zone makes mappings': gives('worker', 'lambda:CreateEventSourceMapping'),
});

mutations('functions-have-own-roles', {
  'signing: a role shared by two functions': sets(`${SIGNER}Function`, {
    Role: { 'Fn::GetAtt': ['SignerinternaljournalRoleDB31C00A', 'Arn'] },
  }),
  'public: a role outside the templates': sets('summaryFunction', { Role: role('admin') }),
});

mutations('properties-are-understood', {
  'public: a function in foreign subnets': sets(
    'summary',
    { VpcConfig: { SubnetIds: ['subnet-foreign'], SecurityGroupIds: [] } },
    'Lambda::Function',
  ),
  'internal: a function outside every network': (r) =>
    void delete find(r, 'workerFunction').Properties.VpcConfig,
  'signing: a signer outside every network': (r) =>
    void delete find(r, `${SIGNER}Function`).Properties.VpcConfig,
});

mutations('properties-are-understood', {
  'signing: other options of Node.js': setsVariables(SIGNER, { NODE_OPTIONS: '--require /tmp/more.js' }),
  'signing: a layer': sets(`${SIGNER}Function`, { Layers: [arn('lambda', 'layer:more:1')] }),
  'signing: a managed instance': sets(`${SIGNER}Function`, {
    CapacityProviderConfig: { LambdaManagedInstancesCapacityProviderConfig: {} },
  }),
  'signing: code that is read from a bucket at every start': (r) =>
    void Object.assign(find(r, `${SIGNER}Function`).Properties.Code as object, {
      S3ObjectStorageMode: 'REFERENCE',
    }),
  'internal: inline code': sets('workerFunction', { Code: { ZipFile: 'exports.handler = () => {}' } }),
  'public: a container image': sets('summaryFunction', { PackageType: 'Image', Runtime: undefined }),
});

mutations('zone-functions-are-declared', {
  'internal: code that no stack uploads': (r) =>
    void Object.assign(find(r, 'workerFunction').Properties.Code as object, {
      S3Key: `${'f'.repeat(64)}.zip`,
    }),
});

mutations('interfaces-are-lambdas', {
  'public: a zone’s code makes interfaces': (r) =>
    dropStatement(find(r, 'summaryRole'), 'NoInterfacesForCode'),
});

mutations('only-signers-can-sign', {}, [
  ['journal-internal-worker', 'index.mjs', 'KMS Sign in a zone', (text) => `${text};f("TrentService.Sign")`],
  [ROTATION, 'index.mjs', 'the SDK’s Sign in the admin zone', (text) => `${text};new SignCommand({})`],
]);

mutations('own-signers-only', {
  'public: a zone asks another’s signer': gives('summary', 'lambda:InvokeFunction', signer('internal')),
  'public: a zone asks old versions': gives('summary', 'lambda:InvokeFunction', `${signer('public')}:*`),
  'public: a zone asks its signer from anywhere': gives('summary', 'lambda:InvokeFunction', signer('public')),
  'public: a zone’s boundary lets it invoke from anywhere': (r) =>
    dropStatement(find(r, 'Boundary'), 'InvokeHereOnly'),
  'public: a zone’s Lambda endpoint leads to every function': (r) =>
    void Object.assign(statementOf(find(r, 'Networklambdaendpoint'), 0), { Resource: '*' }),
  'signing: a signer asks others': gives(SIGNER, 'lambda:InvokeFunction'),
  'gateway: API Gateway’s role asks a signer': gives('Role', 'lambda:InvokeFunction'),
});

test('a signer may do without concurrency of its own where the system reserves none; switched off it may not be', () => {
  const declared = { ...system, reservedConcurrency: 'none' } as const;
  const found = (reserved: number | undefined) => {
    const changed = withTemplate(oneClient, 'journal-signing', (r) => {
      const { Properties } = find(r, `${SIGNER}Function`);
      if (reserved === undefined) delete Properties.ReservedConcurrentExecutions;
      else Properties.ReservedConcurrentExecutions = reserved;
    });
    return ruleNamed('signers-are-declared').check(readInput(resolveAssembly(changed), declared));
  };
  expect(found(undefined)).toEqual([]);
  expect(found(0)).toHaveLength(1);
});

mutations(
  'signers-are-declared',
  {
    'signing: another entry into a signer': sets('SignerpublicjournalFunction', { Handler: 'other.handler' }),
    ...each(
      [
        ['AWS_LAMBDA_EXEC_WRAPPER', '/opt/run'],
        ['AWS_ENDPOINT_URL_KMS', 'https://elsewhere.example'],
        ['AWS_LAMBDA_LOG_LEVEL', 'FATAL'],
        ['POWERTOOLS_METRICS_DISABLED', 'true'],
      ] as const,
      ([name]) => `signing: ${name} in a signer`,
      ([name, value]) => setsVariables(SIGNER, { [name]: value }),
    ),
    'signing: another record': setsVariables(SIGNER, { RECORD_ARN: 'arn:other' }),
    'signing: a signer without concurrency of its own': (r) =>
      void delete find(r, `${SIGNER}Function`).Properties.ReservedConcurrentExecutions,
    'signing: one more signer': (r) => {
      const copy = structuredClone(find(r, `${SIGNER}Function`));
      copy.Properties.FunctionName = 'journal-signer-journal-more';
      r.More = copy;
    },
  },
  [
    ['journal-signer-journal-public', 'grant.json', 'wider', (text) => text.replace('"GET"', '"DELETE"')],
    [
      'journal-signer-journal-internal',
      'grant.json',
      'another client’s grant',
      (text) => text.replace('"client": "journal"', '"client": "other"'),
    ],
    ['journal-signer-journal-public', 'index.mjs', 'another signer’s code', (text) => `${text};`],
    ['journal-signer-journal-public', 'more.mjs', 'a file beside a signer', () => ''],
  ],
);

mutations(
  'zone-functions-are-declared',
  {
    'internal: whole events in the log': setsVariables('worker', { POWERTOOLS_LOGGER_LOG_EVENT: 'true' }),
    'internal: a queue of somebody else’s': setsVariables('worker', {
      LETTERS_QUEUE: 'https://sqs.eu-north-1.amazonaws.com/111122223333/letters',
    }),
    'internal: a secret that is not declared': setsVariables('worker', { PARTNER_SECRET: 'arn:other' }),
    'public: another table of the zone': setsVariables('session', { SESSION_TABLE: 'journal-public-more' }),
    'public: a table of sessions for a function that logs nobody in': setsVariables('summary', {
      SESSION_TABLE: 'journal-public-sessions',
    }),
    'admin: another network of signers': setsVariables('keywatch', { SIGNING_VPC: 'vpc-1' }),
    'public: other signers for a zone': setsVariables('summary', {
      SIGNERS: JSON.stringify({ journal: signer('internal') }),
    }),
  },
  [
    [
      'journal-public-summary',
      'config.json',
      'other APIs for a zone',
      (text) => text.replace('summaries.example.no', 'elsewhere.example.no'),
    ],
  ],
);

test('what a function has of its own is as declared', () => {
  const given = synthesize(ownThings);
  const found = (variables: Changeable) =>
    findingsOf(
      'zone-functions-are-declared',
      withTemplate(given, STACKS.internal, setsVariables('worker', variables)),
      ownThings,
    ).map(({ about }) => about);
  expect(found({})).toEqual([]);
  expect(found({ PAGE_SIZE: '5000' })).toEqual([['PAGE_SIZE']]);
  expect(found({ LETTERS_TABLE: 'journal-internal-worker-drafts' })).toEqual([['LETTERS_TABLE']]);
  expect(found({ OUTBOX_QUEUE: 'https://sqs.eu-north-1.amazonaws.com/1/outbox' })).toEqual([
    ['OUTBOX_QUEUE'],
  ]);
});

const POLICY = 'SignerPolicyjournal';
const spares = (r: Template, sid: string) =>
  statementOf(find(r, POLICY), sid).Condition as Record<string, Record<string, unknown>>;

mutations('signers-have-one-caller', {
  ...each(
    ['OnlyItsZone', 'OnlyFromItsZone', 'OnlyDeploysChangeIt'],
    (sid) => `public: without ${sid}`,
    (sid) => (r) => dropStatement(find(r, POLICY), sid),
  ),
  ...each(
    ['OnlyItsZone', 'OnlyFromItsZone'],
    (sid) => `public: ${sid} but for InvokeAsync`,
    (sid) => (r) =>
      void Object.assign(statementOf(find(r, POLICY), sid), { Action: 'lambda:InvokeFunction*' }),
  ),
  'public: one more role': (r) =>
    void Object.assign(spares(r, 'OnlyItsZone'), {
      ArnNotEquals: { 'aws:PrincipalArn': [role('journal-public-*'), role('batch')] },
    }),
  'public: every role of a name': (r) =>
    void Object.assign(spares(r, 'OnlyItsZone'), {
      ArnNotLike: { 'aws:PrincipalArn': role('journal-public-*') },
      ArnNotEquals: undefined,
    }),
  'public: another network': (r) =>
    void Object.assign(spares(r, 'OnlyFromItsZone'), {
      StringNotEquals: { 'aws:SourceVpce': ['vpce-1', { Ref: idOf(r, 'Networklambdaendpoint') }] },
    }),
  'public: its network, or by a service': (r) =>
    void Object.assign(spares(r, 'OnlyFromItsZone'), { Bool: { 'aws:ViaAWSService': 'false' } }),
  'public: whoever comes without an endpoint': (r) =>
    void Object.assign(spares(r, 'OnlyFromItsZone'), { Null: { 'aws:SourceVpce': 'false' } }),
  'internal: an operator who changes a signer': (r) =>
    void Object.assign(spares(r, 'OnlyDeploysChangeIt'), {
      ArnNotEquals: { 'aws:PrincipalArn': role('operator') },
    }),
  'internal: new code is not among it': (r) => {
    const statement = statementOf(find(r, POLICY), 'OnlyDeploysChangeIt');
    statement.Action = (statement.Action as string[]).filter((name) => !name.endsWith('UpdateFunctionCode'));
  },
  'admin: a Deny for one principal': (r) =>
    void Object.assign(statementOf(find(r, POLICY), 'OnlyItsZone'), { Principal: { AWS: role('batch') } }),
  'admin: versions spared': (r) =>
    void Object.assign(statementOf(find(r, POLICY), 'OnlyItsZone'), { Resource: signer('admin') }),
  'admin: a policy that a deploy may leave out': (r) =>
    void Object.assign(find(r, POLICY), { Condition: 'C' }),
  'public: a second policy, which is put over the first': adds('AWS::Lambda::ResourcePolicy', {
    ResourceArn: signer('public'),
    PolicyDocument: { Version: '2012-10-17', Statement: [] },
  }),
  'public: a policy of a zone’s function': adds('AWS::Lambda::ResourcePolicy', {
    ResourceArn: arn('lambda', 'function:journal-public-summary'),
    PolicyDocument: { Version: '2012-10-17', Statement: [] },
  }),
  'signing: a policy of a version': adds('AWS::Lambda::ResourcePolicy', {
    ResourceArn: `${signer('public')}:1`,
    PolicyDocument: { Version: '2012-10-17', Statement: [] },
  }),
});

test.each(['public', 'internal', 'admin'])(
  'other code is found of the one signer that has it: %s',
  (zone) => {
    const changed = withAsset(
      oneClient,
      `journal-signer-journal-${zone}`,
      'index.mjs',
      (text) => `${text}\n//`,
    );
    expect(findingsOf('signers-are-declared', changed).map(({ message }) => message)).toEqual([
      `Signer journal-signer-journal-${zone} has other code than the other signers.`,
    ]);
  },
);

test('a signer without a policy of its own is found, unless the declaration does without', () => {
  const without = withTemplate(oneClient, 'journal-zone-public', (r) => void delete r[idOf(r, POLICY)]);
  const declared = { ...system, signing: { ...system.signing, resourcePolicies: false } };
  const found = (assembly: Assembly, declaration: SystemDeclaration = system) =>
    ruleNamed('signers-have-one-caller').check(readInput(resolveAssembly(assembly), declaration));
  expect(found(without)).toContainEqual(
    expect.objectContaining({
      resource: expect.stringMatching(/^journal-signing\/Signer-public-journal/),
      message: expect.stringMatching(/has 0 policies/),
    }),
  );
  const none = ['public', 'internal', 'admin'].reduce(
    (whole, zone) => withTemplate(whole, `journal-zone-${zone}`, (r) => void delete r[idOf(r, POLICY)]),
    oneClient,
  );
  expect(found(none, declared)).toEqual([]);
  expect(found(oneClient, declared)).toHaveLength(3);
});

test('who may ask a signer beside the templates’ roles is a line of the matrix', () => {
  const rows = (assembly: Assembly) =>
    signersHaveOneCaller
      .rows(readInput(resolveAssembly(assembly), system))
      .map(({ resource, ...row }) => ({ ...row, of: resource.split('-').at(-1) }));
  const held = { verdict: 'never', layers: ['resource policy'], allowed: false };
  expect(rows(oneClient)).toMatchObject(['public', 'internal', 'admin'].map((of) => ({ of, ...held })));
  const open = withTemplate(oneClient, 'journal-zone-public', (r) => void delete r[idOf(r, POLICY)]);
  expect(rows(open)[0]).toMatchObject({ of: 'public', verdict: 'when', layers: [], allowed: true });
  expect(rows(open)[0]?.when).toMatch(/policies of arn:aws:iam::0+:role\/outside/);
  const nearest = rows(oneClient)[0]?.request?.();
  expect(nearest).toMatchObject({ action: 'lambda:InvokeFunction', without: ['resource policy'] });
  expect(rows(open)[0]?.request?.()).toMatchObject({ assuming: [expect.stringMatching(/role\/outside/)] });
});
