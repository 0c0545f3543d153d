import { SEED_RECORD } from '@helseid-zones/protocol/record';
import { describe, expect, it } from 'vitest';
import { deriveGrants, deriveZoneConfig } from '../../../../infra/declaration/derive.ts';
import type { SystemDeclaration } from '../../../../infra/declaration/schema.ts';
import type { JsonObject } from '../../../../infra/proof/assembly/json.ts';
import { RULES } from '../../../../infra/proof/rules/index.ts';
import type { Rule } from '../../../../infra/proof/rules/rule.ts';
import zones from '../../../../zones.ts';
import system from '../../../one-client.zones.ts';
import { ACCOUNT, allowed, arnOf, document, folderOf, functionOf, roleOf } from '../small-roles.ts';
import { endpoint, inputOf, type Resources, ruleNamed, zoneNetwork } from '../small-system.ts';

const dataIsEncrypted = ruleNamed('data-is-encrypted');
const zonesOfAClientNeedTheSameScopes = ruleNamed('zones-of-a-client-need-the-same-scopes');
const entriesAreOwn = ruleNamed('entries-are-own');
const outsidersAreNotAdmitted = ruleNamed('outsiders-are-not-admitted');
const routesAreAuthorized = ruleNamed('routes-are-authorized');
const policiesAreForOwnRoles = ruleNamed('policies-are-for-own-roles');
const dataKeysAreClosed = ruleNamed('data-keys-are-closed');
const templateKeysEncryptOnly = ruleNamed('template-keys-encrypt-only');
const functionPermissionsAreOwn = ruleNamed('function-permissions-are-own');
const functionsHaveOwnRoles = ruleNamed('functions-have-own-roles');
const functionsRunPlainly = ruleNamed('functions-run-plainly');
const signersAreDeclared = ruleNamed('signers-are-declared');
const zoneFunctionsAreDeclared = ruleNamed('zone-functions-are-declared');
const logsAreKept = ruleNamed('logs-are-kept');
const logsHoldNoTokens = ruleNamed('logs-hold-no-tokens');
const endpointsAdmitOwnRoles = ruleNamed('endpoints-admit-own-roles');
const recordsAreBare = ruleNamed('records-are-bare');
const resourceTypesAreKnown = ruleNamed('resource-types-are-known');
const templatesAreFinal = ruleNamed('templates-are-final');

const noDataOutlets = ruleNamed('no-data-outlets');
const noOtherIdentities = ruleNamed('no-other-identities');
const noKeyResources = ruleNamed('no-key-resources');
const noFunctionDoors = ruleNamed('no-function-doors');
const noLogOutlets = ruleNamed('no-log-outlets');
const noDeployingResources = ruleNamed('no-deploying-resources');

const SIGNING = 'journal-signing';
const PUBLIC = 'journal-zone-public';
const INTERNAL = 'journal-zone-internal';
const ADMIN = 'journal-zone-admin';
const SUMMARY = 'journal-public-summary';

/** A stack, its resources, the files of the functions' asset, and what the messages say; undefined where there is nothing to say. */
type Case = readonly [
  rule: Rule,
  name: string,
  stack: string,
  resources: Resources,
  expected: RegExp | undefined,
  files?: Readonly<Record<string, unknown>>,
];

function one(Type: string, Properties: JsonObject = {}, more: object = {}): Resources {
  return { It: { Type, Properties, ...more } };
}

const summary = { ...roleOf('public', SUMMARY, []), ...functionOf(SUMMARY) };
const inLog = (properties: JsonObject): Resources => ({
  Key: { Type: 'AWS::KMS::Key' },
  Logs: { Type: 'AWS::Logs::LogGroup', Properties: properties },
});
const ownKey = { KmsKeyId: { 'Fn::GetAtt': ['Key', 'Arn'] } };
const permission = (properties: JsonObject): Resources => ({
  ...summary,
  Api: { Type: 'AWS::ApiGateway::RestApi' },
  Rule: { Type: 'AWS::Events::Rule' },
  It: {
    Type: 'AWS::Lambda::Permission',
    Properties: { FunctionName: { Ref: 'Function' }, Action: 'lambda:InvokeFunction', ...properties },
  },
});
const ofApi = {
  'Fn::Join': ['', [`arn:aws:execute-api:eu-north-1:${ACCOUNT}:`, { Ref: 'Api' }, '/live/GET/summaries/*']],
};
const keyPolicy = (...statements: readonly JsonObject[]) =>
  one('AWS::KMS::Key', { KeyPolicy: document(...statements) });
const root = { Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` } };
const viaQueues = { StringEquals: { 'kms:ViaService': 'sqs.eu-north-1.amazonaws.com' } };
const queue = (statement: JsonObject): Resources => ({
  Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'q' } },
  It: {
    Type: 'AWS::SQS::QueuePolicy',
    Properties: { Queues: [{ Ref: 'Queue' }], PolicyDocument: document(statement) },
  },
});
const fromUs = { StringEquals: { 'aws:SourceAccount': ACCOUNT } };
const events = { Principal: { Service: 'events.amazonaws.com' } };
const route = (properties: JsonObject): Resources => ({
  Api: { Type: 'AWS::ApiGateway::RestApi' },
  Summaries: { Type: 'AWS::ApiGateway::Resource', Properties: { ParentId: 'root', PathPart: 'summaries' } },
  One: {
    Type: 'AWS::ApiGateway::Resource',
    Properties: { ParentId: { Ref: 'Summaries' }, PathPart: '{id}' },
  },
  It: {
    Type: 'AWS::ApiGateway::Method',
    Properties: {
      HttpMethod: 'GET',
      ResourceId: { Ref: 'One' },
      AuthorizationType: 'AWS_IAM',
      ...properties,
    },
  },
});
const grant = deriveGrants(system).find(({ zone }) => zone === 'public');
const record: Resources = {
  Record: {
    Type: 'AWS::SecretsManager::Secret',
    Properties: { Name: 'journal/client/journal', SecretString: SEED_RECORD },
    ...{ DeletionPolicy: 'Retain' },
  },
};
const signer = (properties: JsonObject = {}): Resources => ({
  ...record,
  ...functionOf('journal-signer-journal-public', {
    Environment: { Variables: { RECORD_ARN: { Ref: 'Record' } } },
    ReservedConcurrentExecutions: 10,
    ...properties,
  }),
});
const config = deriveZoneConfig(system, 'public', 'summary');
const through = (statement: JsonObject) => ({
  ...zoneNetwork('10.10.0.0/20'),
  ...endpoint('lambda', { PolicyDocument: document({ Principal: '*', ...statement }) }),
});
const toQueue = (Arn: unknown) => one('AWS::Events::Rule', { Targets: [{ Id: 'it', Arn }] });
const stage = (properties: JsonObject) => one('AWS::ApiGateway::Stage', properties);

const CASES: readonly Case[] = [
  [
    functionPermissionsAreOwn,
    'its API',
    PUBLIC,
    permission({ Principal: 'apigateway.amazonaws.com', SourceArn: ofApi }),
    undefined,
  ],
  [
    functionPermissionsAreOwn,
    'its rule',
    PUBLIC,
    permission({ Principal: 'events.amazonaws.com', SourceArn: { 'Fn::GetAtt': ['Rule', 'Arn'] } }),
    undefined,
  ],
  [
    functionPermissionsAreOwn,
    'any API',
    PUBLIC,
    permission({ Principal: 'apigateway.amazonaws.com' }),
    /names no source/,
  ],
  [
    functionPermissionsAreOwn,
    'another account',
    PUBLIC,
    permission({ Principal: '111122223333' }),
    /somebody whom the declaration does not/,
  ],
  [
    functionPermissionsAreOwn,
    'a URL',
    PUBLIC,
    permission({ Principal: '*', FunctionUrlAuthType: 'NONE' }),
    /opens a function URL/,
  ],
  [
    functionPermissionsAreOwn,
    'a version',
    PUBLIC,
    permission({ FunctionName: `${SUMMARY}:1`, Principal: 'events.amazonaws.com' }),
    /a version, an alias/,
  ],
  [
    functionPermissionsAreOwn,
    'rotation of no record',
    ADMIN,
    permission({ Principal: 'secretsmanager.amazonaws.com', SourceAccount: ACCOUNT }),
    /names no source/,
  ],

  [
    entriesAreOwn,
    'its own queue',
    INTERNAL,
    { Queue: { Type: 'AWS::SQS::Queue' }, ...toQueue({ 'Fn::GetAtt': ['Queue', 'Arn'] }) },
    undefined,
  ],
  [
    entriesAreOwn,
    'another zone’s function',
    INTERNAL,
    toQueue(arnOf('lambda', `function:${SUMMARY}`)),
    /calls .* not in its own zone/,
  ],
  [
    entriesAreOwn,
    'a role',
    INTERNAL,
    one('AWS::Events::Rule', { RoleArn: 'arn:aws:iam::1:role/x' }),
    /acts as/,
  ],
  [
    entriesAreOwn,
    'failures elsewhere',
    INTERNAL,
    one('AWS::SQS::Queue', { RedrivePolicy: { deadLetterTargetArn: arnOf('sqs', 'other') } }),
    /fails into/,
  ],
  [
    entriesAreOwn,
    'an integration that is no function',
    PUBLIC,
    one('AWS::ApiGateway::Method', {
      Integration: { Type: 'AWS', Uri: 'arn:aws:apigateway:eu-north-1:kms:action/Sign' },
    }),
    /calls arn:aws:apigateway/,
  ],
  [
    entriesAreOwn,
    'a rotation that AWS hosts',
    SIGNING,
    one('AWS::SecretsManager::RotationSchedule', { HostedRotationLambda: {} }),
    /AWS make a function/,
  ],
  [
    entriesAreOwn,
    'mail',
    ADMIN,
    one('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'a@example.no' }),
    undefined,
  ],

  [functionsHaveOwnRoles, 'one each', PUBLIC, summary, undefined],
  [
    functionsHaveOwnRoles,
    'one for two',
    PUBLIC,
    {
      ...summary,
      Other: { Type: 'AWS::Lambda::Function', Properties: { Role: { 'Fn::GetAtt': ['Role', 'Arn'] } } },
    },
    /shares its role with/,
  ],
  [
    functionsHaveOwnRoles,
    'another name',
    PUBLIC,
    { ...roleOf('public', 'other', []), ...functionOf(SUMMARY) },
    /not of its name/,
  ],
  [
    functionsHaveOwnRoles,
    'a foreign role',
    PUBLIC,
    functionOf(SUMMARY, { Role: 'arn:aws:iam::1:role/x' }),
    /not in the templates/,
  ],

  [functionsRunPlainly, 'its own code', PUBLIC, functionOf(SUMMARY), undefined],
  [functionsRunPlainly, 'a layer', PUBLIC, functionOf(SUMMARY, { Layers: ['arn'] }), /has layers/],
  [
    functionsRunPlainly,
    'inline code',
    PUBLIC,
    functionOf(SUMMARY, { Code: { ZipFile: '' } }),
    /not in the assembly/,
  ],
  [
    functionsRunPlainly,
    'a wrapper',
    PUBLIC,
    functionOf(SUMMARY, { Environment: { Variables: { AWS_LAMBDA_EXEC_WRAPPER: '/opt/x' } } }),
    /AWS_LAMBDA_EXEC_WRAPPER/,
  ],
  ...['AWS_LAMBDA_LOG_LEVEL', 'POWERTOOLS_METRICS_DISABLED', 'POWERTOOLS_IDEMPOTENCY_DISABLED'].map(
    (name): Case => [
      functionsRunPlainly,
      `${name} in its environment`,
      PUBLIC,
      functionOf(SUMMARY, { Environment: { Variables: { [name]: 'true' } } }),
      new RegExp(`has ${name}.*what it tells`),
    ],
  ),
  [
    functionsRunPlainly,
    'source maps',
    PUBLIC,
    functionOf(SUMMARY, { Environment: { Variables: { NODE_OPTIONS: '--enable-source-maps' } } }),
    undefined,
  ],
  [
    functionsRunPlainly,
    'other code of its options',
    PUBLIC,
    functionOf(SUMMARY, {
      Environment: { Variables: { NODE_OPTIONS: '--enable-source-maps --import /tmp/x.mjs' } },
    }),
    /NODE_OPTIONS/,
  ],
  [
    functionsRunPlainly,
    'another endpoint',
    PUBLIC,
    functionOf(SUMMARY, { Environment: { Variables: { AWS_ENDPOINT_URL: 'https://x' } } }),
    /AWS_ENDPOINT_URL/,
  ],
  [
    functionsRunPlainly,
    'a runtime of its own',
    PUBLIC,
    functionOf(SUMMARY, { Runtime: 'provided.al2023' }),
    /runs on provided/,
  ],

  [
    signersAreDeclared,
    'the declared grant',
    SIGNING,
    signer(),
    undefined,
    { 'grant.json': grant, 'index.mjs': '' },
  ],
  [
    signersAreDeclared,
    'another grant',
    SIGNING,
    signer(),
    /another grant/,
    { 'grant.json': { ...grant, requestObjects: true, zone: 'x' }, 'index.mjs': '' },
  ],
  [signersAreDeclared, 'no grant', SIGNING, signer(), /another grant/, { 'index.mjs': '' }],
  [
    signersAreDeclared,
    'more files',
    SIGNING,
    signer(),
    /has more\.mjs/,
    { 'grant.json': grant, 'index.mjs': '', 'more.mjs': '' },
  ],
  [
    signersAreDeclared,
    'no declared signer',
    SIGNING,
    functionOf('journal-signer-journal-other'),
    /of no declared grant/,
    { 'index.mjs': '' },
  ],
  [
    signersAreDeclared,
    'no concurrency',
    SIGNING,
    signer({ ReservedConcurrentExecutions: 0 }),
    /no concurrency of its own/,
    { 'grant.json': grant, 'index.mjs': '' },
  ],
  [
    signersAreDeclared,
    'another record',
    SIGNING,
    signer({ Environment: { Variables: {} } }),
    /another record/,
    { 'grant.json': grant, 'index.mjs': '' },
  ],

  [
    zoneFunctionsAreDeclared,
    'its configuration',
    PUBLIC,
    functionOf(SUMMARY),
    undefined,
    { 'config.json': config },
  ],
  [
    zoneFunctionsAreDeclared,
    'another',
    PUBLIC,
    functionOf(SUMMARY),
    /another config\.json/,
    { 'config.json': { ...config, apis: {} } },
  ],
  [
    zoneFunctionsAreDeclared,
    'another signer',
    PUBLIC,
    functionOf(SUMMARY, { Environment: { Variables: { SIGNERS: '{"journal":"arn:other"}' } } }),
    /another SIGNERS/,
    { 'config.json': config },
  ],
  [
    zoneFunctionsAreDeclared,
    'no key policy',
    ADMIN,
    functionOf('journal-admin-rotation'),
    /another key-policy\.json/,
    { 'config.json': deriveZoneConfig(system, 'admin', 'rotation') },
  ],

  [logsAreKept, 'a key and an end', PUBLIC, inLog({ ...ownKey, RetentionInDays: 30 }), undefined],
  [logsAreKept, 'no key', PUBLIC, inLog({ RetentionInDays: 30 }), /not encrypted/],
  [logsAreKept, 'no end', PUBLIC, inLog(ownKey), /for ever/],
  [
    logsAreKept,
    'an audit that goes',
    SIGNING,
    {
      ...inLog({ ...ownKey, RetentionInDays: 30 }),
      ...functionOf('a', { LoggingConfig: { LogGroup: { Ref: 'Logs' }, LogFormat: 'Text' } }),
    },
    /goes with its stack/,
  ],
  ...[
    { LogFormat: 'JSON' },
    { LogFormat: 'JSON', ApplicationLogLevel: 'FATAL' },
    { LogFormat: 'Text', ApplicationLogLevel: 'FATAL' },
    { LogFormat: 'Text', SystemLogLevel: 'WARN' },
    {},
  ].map(
    (logging): Case => [
      logsAreKept,
      `a function’s log by ${JSON.stringify(logging)}`,
      PUBLIC,
      functionOf(SUMMARY, { LoggingConfig: logging }),
      /may drop lines of its log/,
    ],
  ),
  [logsAreKept, 'a function’s unnamed log', PUBLIC, functionOf(SUMMARY), /a group that Lambda makes/],

  [
    logsHoldNoTokens,
    'errors',
    PUBLIC,
    stage({
      MethodSettings: [{ DataTraceEnabled: false }],
      AccessLogSetting: { Format: '$context.requestId' },
    }),
    undefined,
  ],
  [
    logsHoldNoTokens,
    'bodies',
    PUBLIC,
    stage({ MethodSettings: [{ DataTraceEnabled: true }] }),
    /whole requests/,
  ],
  [
    logsHoldNoTokens,
    'claims',
    PUBLIC,
    stage({ AccessLogSetting: { Format: '$context.authorizer.principalId' } }),
    /authorizer/,
  ],
  [
    logsHoldNoTokens,
    'events',
    PUBLIC,
    functionOf(SUMMARY, { Environment: { Variables: { POWERTOOLS_LOGGER_LOG_EVENT: 'true' } } }),
    /POWERTOOLS_LOGGER_LOG_EVENT/,
  ],

  [
    dataIsEncrypted,
    'its zone’s key',
    INTERNAL,
    {
      Key: { Type: 'AWS::KMS::Key' },
      ...one('AWS::SQS::Queue', { KmsMasterKeyId: { 'Fn::GetAtt': ['Key', 'Arn'] } }),
    },
    undefined,
  ],
  [
    dataIsEncrypted,
    'AWS’s key',
    INTERNAL,
    one('AWS::DynamoDB::Table', { SSESpecification: { SSEEnabled: true } }),
    /not encrypted/,
  ],
  [
    dataIsEncrypted,
    'a stream',
    INTERNAL,
    {
      Key: { Type: 'AWS::KMS::Key' },
      ...one('AWS::DynamoDB::Table', {
        SSESpecification: { KMSMasterKeyId: { Ref: 'Key' } },
        StreamSpecification: {},
      }),
    },
    /StreamSpecification/,
  ],

  [
    dataKeysAreClosed,
    'through a service',
    INTERNAL,
    keyPolicy({ ...allowed('kms:Decrypt', '*', viaQueues), ...root }),
    undefined,
  ],
  [
    dataKeysAreClosed,
    'by the account',
    INTERNAL,
    keyPolicy({ ...allowed('kms:*'), ...root }),
    /lets a role of account .* do/,
  ],
  [
    dataKeysAreClosed,
    'by a service of anybody',
    INTERNAL,
    keyPolicy({ ...allowed('kms:Decrypt'), ...events }),
    /for any account/,
  ],
  [
    dataKeysAreClosed,
    'by another account',
    INTERNAL,
    keyPolicy({ ...allowed('kms:Decrypt'), Principal: { AWS: '111122223333' } }),
    /111122223333/,
  ],

  [templateKeysEncryptOnly, 'symmetric', INTERNAL, one('AWS::KMS::Key'), undefined],
  [
    templateKeysEncryptOnly,
    'signing',
    INTERNAL,
    one('AWS::KMS::Key', { KeyUsage: 'SIGN_VERIFY', KeySpec: 'ECC_NIST_P256' }),
    /SIGN_VERIFY/,
  ],
  [templateKeysEncryptOnly, 'imported', INTERNAL, one('AWS::KMS::Key', { Origin: 'EXTERNAL' }), /EXTERNAL/],
  [
    templateKeysEncryptOnly,
    'in every region',
    INTERNAL,
    one('AWS::KMS::Key', { MultiRegion: true }),
    /another region/,
  ],

  [routesAreAuthorized, 'as declared', PUBLIC, route({}), undefined],
  [
    routesAreAuthorized,
    'open',
    PUBLIC,
    route({ AuthorizationType: 'NONE' }),
    /authorised by NONE, not by AWS_IAM/,
  ],
  [
    routesAreAuthorized,
    'not declared',
    PUBLIC,
    route({ HttpMethod: 'PUT' }),
    /PUT \/summaries\/\{id\} is not a declared route/,
  ],
  [routesAreAuthorized, 'a cached authorizer', PUBLIC, one('AWS::ApiGateway::Authorizer', {}), /is cached/],
  [
    routesAreAuthorized,
    'a document of its own',
    PUBLIC,
    one('AWS::ApiGateway::RestApi', { Body: {} }),
    /does not read/,
  ],

  [recordsAreBare, 'seeded', SIGNING, record, undefined],
  [recordsAreBare, 'none', SIGNING, {}, /has no record/],
  [
    recordsAreBare,
    'made up',
    SIGNING,
    one('AWS::SecretsManager::Secret', { Name: 'journal/client/journal', GenerateSecretString: {} }),
    /a deploy overwrites/,
  ],

  [
    policiesAreForOwnRoles,
    'a role of the stack',
    PUBLIC,
    { ...roleOf('public', SUMMARY, []), ...one('AWS::IAM::Policy', { Roles: [SUMMARY] }) },
    undefined,
  ],
  [
    policiesAreForOwnRoles,
    'another role',
    PUBLIC,
    one('AWS::IAM::Policy', { Roles: ['somebody'] }),
    /role somebody/,
  ],
  [
    policiesAreForOwnRoles,
    'a user',
    PUBLIC,
    one('AWS::IAM::ManagedPolicy', { Users: ['somebody'] }),
    /user somebody/,
  ],
  [templatesAreFinal, 'as written', PUBLIC, one('AWS::SQS::Queue'), undefined],
  [
    templatesAreFinal,
    'a macro',
    PUBLIC,
    one('AWS::SQS::Queue', { QueueName: { 'Fn::Transform': { Name: 'Macro' } } }),
    /rewritten by a macro/,
  ],
  [
    entriesAreOwn,
    'another zone’s bus',
    PUBLIC,
    one('AWS::Events::Rule', { EventBusName: 'journal-internal' }),
    /listens to/,
  ],
  [
    outsidersAreNotAdmitted,
    'a service of ours',
    INTERNAL,
    queue({ ...allowed('sqs:SendMessage', '*', fromUs), ...events }),
    undefined,
  ],
  [
    outsidersAreNotAdmitted,
    'a service of anybody',
    INTERNAL,
    queue({ ...allowed('sqs:SendMessage'), ...events }),
    /events\.amazonaws\.com for any account/,
  ],
  [
    outsidersAreNotAdmitted,
    'everybody',
    INTERNAL,
    queue({ ...allowed('sqs:*'), Principal: '*' }),
    /somebody without credentials/,
  ],
  [
    outsidersAreNotAdmitted,
    'another account',
    INTERNAL,
    queue({ ...allowed('sqs:SendMessage'), Principal: { AWS: '111122223333' } }),
    /111122223333/,
  ],

  [
    endpointsAdmitOwnRoles,
    'one role',
    PUBLIC,
    through(
      allowed('lambda:InvokeFunction', '*', {
        ArnEquals: { 'aws:PrincipalArn': `arn:aws:iam::${ACCOUNT}:role/${SUMMARY}` },
      }),
    ),
    undefined,
  ],
  [
    endpointsAdmitOwnRoles,
    'everybody',
    PUBLIC,
    through(allowed('lambda:InvokeFunction')),
    /lets a role of another account through/,
  ],

  [resourceTypesAreKnown, 'an alarm', PUBLIC, one('AWS::CloudWatch::Alarm'), undefined],
  [resourceTypesAreKnown, 'what another rule forbids', PUBLIC, one('AWS::IAM::User'), undefined],
  [resourceTypesAreKnown, 'made up', PUBLIC, one('AWS::Made::Up'), /not a type that the proof knows/],
  [noOtherIdentities, 'a role', PUBLIC, one('AWS::IAM::Role'), undefined],
  [noOtherIdentities, 'a user', PUBLIC, one('AWS::IAM::User'), /long-lived/],
  [noOtherIdentities, 'an identity pool', PUBLIC, one('AWS::Cognito::IdentityPool'), /strangers/],
  [noFunctionDoors, 'a permission', PUBLIC, one('AWS::Lambda::Permission'), undefined],
  [noFunctionDoors, 'a URL', PUBLIC, one('AWS::Lambda::Url'), /opens a function/],
  [noDeployingResources, 'an alarm', PUBLIC, one('AWS::CloudWatch::Alarm'), undefined],
  [noDeployingResources, 'a custom resource', PUBLIC, one('Custom::Anything'), /during every deploy/],
  [noKeyResources, 'a data key', PUBLIC, one('AWS::KMS::Key'), undefined],
  [noKeyResources, 'a replica', PUBLIC, one('AWS::KMS::ReplicaKey'), /copies a key/],
  [noLogOutlets, 'a metric', PUBLIC, one('AWS::Logs::MetricFilter'), undefined],
  [noLogOutlets, 'a subscription', PUBLIC, one('AWS::Logs::SubscriptionFilter'), /as it is written/],
  [noDataOutlets, 'a table', PUBLIC, one('AWS::DynamoDB::Table'), undefined],
  [noDataOutlets, 'a global table', PUBLIC, one('AWS::DynamoDB::GlobalTable'), /other regions/],
];

describe('rules about templates', () => {
  it.each(
    CASES.map(([rule, name, stack, resources, expected, files]) => ({
      rule,
      name,
      stack,
      resources,
      expected,
      files,
    })),
  )('$rule.name: $name', ({ rule, stack, resources, expected, files = {} }) => {
    const assets = new Map([['code.zip', folderOf(files)]]);
    const messages = rule.check(inputOf({ [stack]: resources }, assets)).map(({ message }) => message);
    if (expected === undefined) expect(messages).toEqual([]);
    else expect(messages.join('\n')).toMatch(expected);
  });

  it('have a violating and a conforming system each', () => {
    for (const rule of new Set(CASES.map(([rule]) => rule))) {
      const verdicts = CASES.filter(([other]) => other === rule).map(
        ([, , , , expected]) => expected !== undefined,
      );
      expect(new Set(verdicts), rule.name).toEqual(new Set([true, false]));
    }
  });

  it('have names of their own, and the invariant and the sentence that they are', () => {
    expect(new Set(RULES.map(({ name }) => name)).size).toBe(RULES.length);
    for (const { name, invariant, title } of RULES) {
      expect(name).toMatch(/^[a-z]+(-[a-z]+)+$/);
      expect(invariant).toMatch(/^I([1-8]|3a)$/);
      expect(title).toMatch(/\.$/);
    }
  });
});

describe('zones-of-a-client-need-the-same-scopes', () => {
  const found = (declaration: SystemDeclaration) =>
    zonesOfAClientNeedTheSameScopes
      .check(inputOf({ [SIGNING]: record }, new Map(), declaration))
      .map(({ resource, message }) => `${resource}: ${message}`);
  const { internal, public: open } = system.zones;
  const { login: _, ...gateway } = open.gateway;
  const { events: _events, ...quiet } = internal;
  const machine = { ...quiet, cidr: '10.60.0.0/20', grants: [...open.grants] };

  it('says what each zone could get beyond its own, at the client’s record', () => {
    expect(found(system)).toEqual([
      expect.stringMatching(
        /^journal-signing\/Record: .*public and internal use the client journal.*takes over public could get tokens for example:documents\/write; whoever takes over internal could get tokens for .*example:summaries\/read/,
      ),
    ]);
  });

  it.each<[string, SystemDeclaration]>([
    ['a client a zone', zones],
    [
      'two zones that need the same',
      { ...system, zones: { ...system.zones, public: { ...open, gateway }, internal: machine } },
    ],
    ['one zone, and the admin zone', { ...system, zones: { internal, admin: system.zones.admin } }],
  ])('takes %s', (_name, declaration) => {
    expect(found(declaration)).toEqual([]);
  });

  it('counts what a login asks for', () => {
    expect(found({ ...system, zones: { ...system.zones, internal: machine } })).toEqual([
      expect.stringMatching(/takes over internal could get tokens for openid, /),
    ]);
  });
});

it('routes-are-authorized: no declared route is open, whatever is declared of it', () => {
  const { public: open } = system.zones;
  const routes = [{ method: 'GET', path: '/summaries/{id}', function: 'summary', authorize: 'session' }];
  const zone = { ...open, gateway: { routes } } as unknown as typeof open;
  const declaration = { ...system, zones: { ...system.zones, public: zone } };
  const stacks = { [PUBLIC]: route({ AuthorizationType: 'NONE' }) };
  expect(routesAreAuthorized.check(inputOf(stacks, new Map(), declaration))).toEqual([
    expect.objectContaining({ message: expect.stringMatching(/authorised by NONE, not by AWS_IAM/) }),
  ]);
});
