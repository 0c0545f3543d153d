import { expect, test } from 'vitest';
import { resolveAssembly } from '../../../../infra/proof/assembly/resolve.ts';
import { readInput } from '../../../../infra/proof/rules/input.ts';
import system from '../../../one-client.zones.ts';
import {
  adds,
  arn,
  dropStatement,
  each,
  find,
  gives,
  mutations,
  ROTATION,
  role,
  SIGNER,
  sets,
  setsVariables,
  signer,
  statementOf,
  withTemplate,
} from '../mutate.ts';
import { oneClient } from '../one-client.ts';
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

mutations('functions-in-own-zone', {
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

mutations('functions-run-plainly', {
  ...each(
    [
      ['AWS_LAMBDA_EXEC_WRAPPER', '/opt/run'],
      ['AWS_ENDPOINT_URL_KMS', 'https://elsewhere.example'],
      ['NODE_OPTIONS', '--require /tmp/more.js'],
      ['AWS_LAMBDA_LOG_LEVEL', 'FATAL'],
      ['POWERTOOLS_METRICS_DISABLED', 'true'],
    ] as const,
    ([name]) => `signing: ${name} in a signer`,
    ([name, value]) => setsVariables(SIGNER, { [name]: value }),
  ),
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
    [
      'journal-signer-journal-public',
      'grant.json',
      'a wider grant',
      (text) => text.replace('"GET"', '"DELETE"'),
    ],
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
