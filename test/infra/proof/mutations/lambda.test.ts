import {
  ADMIN,
  adds,
  arn,
  dropStatement,
  each,
  find,
  GATEWAY,
  gives,
  INTERNAL,
  mutations,
  PUBLIC,
  ROTATION,
  role,
  SIGNER,
  SIGNING,
  sets,
  setsVariables,
  signer,
  statementOf,
} from '../mutate.ts';

mutations('function-permissions-are-own', 'I2', {
  [SIGNING]: {
    'a permission for another account': adds('AWS::Lambda::Permission', {
      FunctionName: signer('public'),
      Action: 'lambda:InvokeFunction',
      Principal: '111122223333',
    }),
    'a permission for another zone’s role': adds('AWS::Lambda::Permission', {
      FunctionName: signer('public'),
      Action: 'lambda:InvokeFunction',
      Principal: role('journal-internal-worker'),
    }),
  },
  [PUBLIC]: {
    'a permission without a source': (r) =>
      void delete find(r, 'GatewayApisummariesidGETApiPermission').Properties.SourceArn,
  },
  [ADMIN]: {
    'a rotation for any account': (r) =>
      void delete find(r, 'KeyRotationjournalPermission').Properties.SourceAccount,
  },
});

mutations('functions-are-not-changed', 'I3', {
  [PUBLIC]: {
    'a zone changes signers': gives('summary', 'lambda:UpdateFunctionCode', signer('public')),
    'a zone configures signers': gives('summary', 'lambda:UpdateFunctionConfiguration', signer('*')),
    'a zone starves signers': gives('summary', 'lambda:PutFunctionConcurrency'),
  },
  [ADMIN]: {
    'rotation lets others in': gives('rotation', 'lambda:AddPermission'),
  },
  [INTERNAL]: {
    'a zone makes mappings': gives('worker', 'lambda:CreateEventSourceMapping'),
  },
});

mutations('functions-have-own-roles', 'I2', {
  [SIGNING]: {
    'a role shared by two functions': sets(`${SIGNER}Function`, {
      Role: { 'Fn::GetAtt': ['SignerinternaljournalRoleDB31C00A', 'Arn'] },
    }),
  },
  [PUBLIC]: {
    'a role outside the templates': sets('summaryFunction', { Role: role('admin') }),
  },
});

mutations('functions-in-own-zone', 'I4', {
  [PUBLIC]: {
    'a function in foreign subnets': sets(
      'summary',
      { VpcConfig: { SubnetIds: ['subnet-foreign'], SecurityGroupIds: [] } },
      'Lambda::Function',
    ),
  },
  [INTERNAL]: {
    'a function outside every network': (r) => void delete find(r, 'workerFunction').Properties.VpcConfig,
  },
  [SIGNING]: {
    'a signer outside every network': (r) => void delete find(r, `${SIGNER}Function`).Properties.VpcConfig,
  },
});

mutations('functions-run-plainly', 'I3', {
  [SIGNING]: {
    ...each(
      [
        ['AWS_LAMBDA_EXEC_WRAPPER', '/opt/run'],
        ['AWS_ENDPOINT_URL_KMS', 'https://elsewhere.example'],
        ['NODE_OPTIONS', '--require /tmp/more.js'],
        ['AWS_LAMBDA_LOG_LEVEL', 'FATAL'],
        ['POWERTOOLS_METRICS_DISABLED', 'true'],
      ] as const,
      ([name]) => `${name} in a signer`,
      ([name, value]) => setsVariables(SIGNER, { [name]: value }),
    ),
    'a layer': sets(`${SIGNER}Function`, { Layers: [arn('lambda', 'layer:more:1')] }),
  },
  [INTERNAL]: {
    'inline code': sets('workerFunction', { Code: { ZipFile: 'exports.handler = () => {}' } }),
  },
  [PUBLIC]: {
    'a container image': sets('summaryFunction', { PackageType: 'Image', Runtime: undefined }),
  },
});

mutations('interfaces-are-lambdas', 'I4', {
  [PUBLIC]: {
    'a zone’s code makes interfaces': (r) => dropStatement(find(r, 'summaryRole'), 'NoInterfacesForCode'),
  },
});

mutations('no-function-doors', 'I2', {
  [SIGNING]: {
    'a function URL': adds('AWS::Lambda::Url', { AuthType: 'NONE', TargetFunctionArn: signer('public') }),
    'a destination of answers': adds('AWS::Lambda::EventInvokeConfig', { FunctionName: signer('public') }),
    'a version beside the signer': adds('AWS::Lambda::Version', { FunctionName: signer('public') }),
  },
  [PUBLIC]: {
    'an API that nobody reads': adds('AWS::ApiGatewayV2::Api'),
  },
  [INTERNAL]: {
    'a schedule': adds('AWS::Scheduler::Schedule'),
    'a bus for another account': adds('AWS::Events::EventBusPolicy', {
      StatementId: 'x',
      EventBusName: 'journal-internal',
      Action: 'events:PutEvents',
      Principal: '111122223333',
    }),
  },
});

mutations('only-signers-can-sign', 'I6', {}, [
  {
    name: 'KMS Sign in a zone',
    of: 'journal-internal-worker',
    file: 'index.mjs',
    change: (text) => `${text};f("TrentService.Sign")`,
  },
  {
    name: 'the SDK’s Sign in the admin zone',
    of: ROTATION,
    file: 'index.mjs',
    change: (text) => `${text};new SignCommand({})`,
  },
]);

mutations('own-signers-only', 'I2', {
  [PUBLIC]: {
    'a zone asks another’s signer': gives('summary', 'lambda:InvokeFunction', signer('internal')),
    'a zone asks old versions': gives('summary', 'lambda:InvokeFunction', `${signer('public')}:*`),
    'a zone asks its signer from anywhere': gives('summary', 'lambda:InvokeFunction', signer('public')),
    'a zone’s boundary lets it invoke from anywhere': (r) =>
      dropStatement(find(r, 'Boundary'), 'InvokeHereOnly'),
    'a zone’s Lambda endpoint leads to every function': (r) =>
      void Object.assign(statementOf(find(r, 'Networklambdaendpoint'), 0), { Resource: '*' }),
  },
  [SIGNING]: {
    'a signer asks others': gives(SIGNER, 'lambda:InvokeFunction'),
  },
  [GATEWAY]: {
    'API Gateway’s role asks a signer': gives('Role', 'lambda:InvokeFunction'),
  },
});

mutations(
  'signers-are-declared',
  'I3',
  {
    [SIGNING]: {
      'another record': setsVariables(SIGNER, { RECORD_ARN: 'arn:other' }),
      'a signer without concurrency of its own': (r) =>
        void delete find(r, `${SIGNER}Function`).Properties.ReservedConcurrentExecutions,
      'one more signer': (r) => {
        const copy = structuredClone(find(r, `${SIGNER}Function`));
        copy.Properties.FunctionName = 'journal-signer-journal-more';
        r.More = copy;
      },
    },
  },
  [
    {
      name: 'a wider grant',
      of: 'journal-signer-journal-public',
      file: 'grant.json',
      change: (text) => text.replace('"GET"', '"DELETE"'),
    },
    {
      name: 'another client’s grant',
      of: 'journal-signer-journal-internal',
      file: 'grant.json',
      change: (text) => text.replace('"client": "journal"', '"client": "other"'),
    },
    {
      name: 'another signer’s code',
      of: 'journal-signer-journal-public',
      file: 'index.mjs',
      change: (text) => `${text};`,
    },
    {
      name: 'a file beside a signer',
      of: 'journal-signer-journal-public',
      file: 'more.mjs',
      change: () => '',
    },
  ],
);

mutations(
  'zone-functions-are-declared',
  'I3',
  {
    [PUBLIC]: {
      'other signers for a zone': setsVariables('summary', {
        SIGNERS: JSON.stringify({ journal: signer('internal') }),
      }),
    },
  },
  [
    {
      name: 'other APIs for a zone',
      of: 'journal-public-summary',
      file: 'config.json',
      change: (text) => text.replace('summaries.example.no', 'elsewhere.example.no'),
    },
  ],
);
