import { readdirSync, readFileSync } from 'node:fs';
import { SEED_RECORD } from '@helseid-zones/protocol/record';
import { describe, expect, it } from 'vitest';
import { deriveGrants, deriveZoneConfig } from '../../../../infra/declaration/derive.ts';
import type { SystemDeclaration } from '../../../../infra/declaration/schema.ts';
import type { JsonObject } from '../../../../infra/proof/assembly/json.ts';
import { RULES } from '../../../../infra/proof/rules/index.ts';
import system from '../../../one-client.zones.ts';
import zones from '../../../two-clients.zones.ts';
import { type SmallCase, smallCases } from '../small-cases.ts';
import { ACCOUNT, allowed, arnOf, denied, document, functionOf, roleOf } from '../small-roles.ts';
import { endpoint, inputOf, type Resources, ruleNamed, zoneNetwork } from '../small-system.ts';

const PUBLIC = 'journal-zone-public';
const SUMMARY = 'journal-public-summary';

/** What a rule says of the stack of a zone with a few resources, and files of its functions' asset. */
const inStack =
  (stack: string) =>
  (resources: Resources, expected?: RegExp, files: Readonly<Record<string, unknown>> = {}): SmallCase => [
    { [stack]: resources },
    expected,
    { 'code.zip': files },
  ];
const inPublic = inStack(PUBLIC);
const inInternal = inStack('journal-zone-internal');
const inAdmin = inStack('journal-zone-admin');
const inSigning = inStack('journal-signing');

const one = (Type: string, Properties: JsonObject = {}): Resources => ({ It: { Type, Properties } });
const key: Resources = { Key: { Type: 'AWS::KMS::Key' } };
const summary = { ...roleOf('public', SUMMARY, []), ...functionOf(SUMMARY) };
const withVariables = (Variables: JsonObject) => functionOf(SUMMARY, { Environment: { Variables } });
const permission = (properties: JsonObject): Resources => ({
  ...summary,
  Api: { Type: 'AWS::ApiGateway::RestApi' },
  Rule: { Type: 'AWS::Events::Rule' },
  ...one('AWS::Lambda::Permission', {
    FunctionName: { Ref: 'Function' },
    Action: 'lambda:InvokeFunction',
    ...properties,
  }),
});
const ofApi = {
  'Fn::Join': ['', [`arn:aws:execute-api:eu-north-1:${ACCOUNT}:`, { Ref: 'Api' }, '/live/GET/summaries/*']],
};
const keyPolicy = (statement: JsonObject) => one('AWS::KMS::Key', { KeyPolicy: document(statement) });
const ours = { StringEquals: { 'aws:SourceAccount': ACCOUNT } };
const ANY = /any service, which may act for anybody/;
const from = (name: string) => ({ Service: `${name}.amazonaws.com` });
const is = (name: string, value: string) => ({ StringEquals: { [name]: value } });
/** What a service may do with the objects of a bucket. */
const writing = (name: string, condition?: JsonObject) =>
  bucket({ ...allowed('s3:PutObject', objects('/*'), condition), Principal: from(name) });
const sending = (name: string, condition?: JsonObject) =>
  queue({ ...allowed('sqs:SendMessage', '*', condition), Principal: from(name) });
const viaQueues = { StringEquals: { 'kms:ViaService': 'sqs.eu-north-1.amazonaws.com' } };
const OTHER = '111122223333';
const STRANGER = /lets in somebody whom the declaration does not/;
const foreign = { Principal: { AWS: OTHER } };
const queue = (statement: JsonObject): Resources => ({
  Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'q' } },
  ...one('AWS::SQS::QueuePolicy', { Queues: [{ Ref: 'Queue' }], PolicyDocument: document(statement) }),
});
const toAll = (condition: JsonObject) => ({ ...allowed('sqs:SendMessage', '*', condition), Principal: '*' });
const bucket = (statement: JsonObject): Resources => ({
  Bucket: { Type: 'AWS::S3::Bucket' },
  ...one('AWS::S3::BucketPolicy', { Bucket: { Ref: 'Bucket' }, PolicyDocument: document(statement) }),
});
const objects = (below: string) => ({ 'Fn::Join': ['', [{ 'Fn::GetAtt': ['Bucket', 'Arn'] }, below]] });
const route = (properties: JsonObject): Resources => ({
  // What the zone is known by.
  ...key,
  ...functionOf(SUMMARY),
  Api: { Type: 'AWS::ApiGateway::RestApi' },
  Summaries: { Type: 'AWS::ApiGateway::Resource', Properties: { ParentId: 'root', PathPart: 'summaries' } },
  One: {
    Type: 'AWS::ApiGateway::Resource',
    Properties: { ParentId: { Ref: 'Summaries' }, PathPart: '{id}' },
  },
  ...one('AWS::ApiGateway::Method', {
    HttpMethod: 'GET',
    ResourceId: { Ref: 'One' },
    AuthorizationType: 'AWS_IAM',
    Integration: { Type: 'AWS_PROXY', Uri: uri(SUMMARY) },
    ...properties,
  }),
});
const grant = deriveGrants(system).find(({ zone }) => zone === 'public');
const record: Resources = {
  Record: {
    Type: 'AWS::SecretsManager::Secret',
    Properties: { Name: 'journal/client/journal', SecretString: SEED_RECORD },
    DeletionPolicy: 'Retain',
    UpdateReplacePolicy: 'Retain',
  },
};
/** The answer to a preflight of the route, or of another part of the path. */
const preflight = (ResponseParameters: JsonObject, template = '', part: JsonObject = {}): Resources => {
  const { One: { Properties } = {}, ...resources } = route({
    HttpMethod: 'OPTIONS',
    AuthorizationType: 'NONE',
    Integration: {
      Type: 'MOCK',
      IntegrationResponses: [
        { StatusCode: '204', ResponseParameters, ResponseTemplates: { 'application/json': template } },
      ],
    },
  });
  return { ...resources, One: { Type: 'AWS::ApiGateway::Resource', Properties: { ...Properties, ...part } } };
};
const signer: Resources = {
  ...record,
  ...functionOf('journal-signer-journal-public', {
    Environment: { Variables: { RECORD_ARN: { Ref: 'Record' } } },
    ReservedConcurrentExecutions: 10,
  }),
};
const through = (statement: JsonObject): Resources => ({
  ...zoneNetwork('10.10.0.0/20'),
  ...endpoint('lambda', { PolicyDocument: document({ Principal: '*', ...statement }) }),
});
const uri = (of: string) =>
  `arn:aws:apigateway:eu-north-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-north-1:${ACCOUNT}:function:${of}/invocations`;
const apiWith = (statement: JsonObject) =>
  one('AWS::ApiGateway::RestApi', { Policy: document({ Principal: '*', ...statement }) });
const authorizer = (of: string): Resources => ({
  ...functionOf(SUMMARY),
  Authorizer: { Type: 'AWS::ApiGateway::Authorizer', Properties: { AuthorizerUri: uri(of) } },
});
const alarm = one('AWS::CloudWatch::Alarm', { AlarmName: 'journal-signing-BlockedNames' });
const logging = (LoggingConfig: JsonObject) => functionOf(SUMMARY, { LoggingConfig });
const TEXT = { LogFormat: 'Text' };
const CREDENTIALS = /may let pages of other origins send cookies/;
const ORIGIN = 'method.response.header.Access-Control-Allow-Origin';

// What else each finds is in ../mutations/, and what it takes in the system of one client and in ../harmless.test.ts.
smallCases({
  'function-permissions-are-own': {
    'its API': inPublic(permission({ Principal: 'apigateway.amazonaws.com', SourceArn: ofApi })),
    'its rule': inPublic(
      permission({ Principal: 'events.amazonaws.com', SourceArn: { 'Fn::GetAtt': ['Rule', 'Arn'] } }),
    ),
    'another rule': inPublic(
      permission({ Principal: from('events').Service, SourceArn: arnOf('events', 'rule/other') }),
      /names no source/,
    ),
    'another action': inPublic(
      permission({ Principal: from('events').Service, Action: 'lambda:GetFunction' }),
      /is for lambda:GetFunction/,
    ),
    'a role, to no signer': inPublic(permission({ Principal: `arn:aws:iam::${OTHER}:role/x` }), STRANGER),
    'any API': inPublic(permission({ Principal: from('apigateway').Service }), /names no source/),
    'a URL': inPublic(permission({ Principal: '*', FunctionUrlAuthType: 'NONE' }), /opens a function URL/),
    'a version': inPublic(
      permission({ FunctionName: `${SUMMARY}:1`, Principal: 'events.amazonaws.com' }),
      /a version, an alias/,
    ),
    'rotation of no record': inAdmin(
      permission({ Principal: 'secretsmanager.amazonaws.com', SourceAccount: ACCOUNT }),
      /names no source/,
    ),
  },
  'functions-have-own-roles': {
    'one each': inPublic(summary),
    'another name': inPublic({ ...roleOf('public', 'other', []), ...functionOf(SUMMARY) }, /not of its name/),
  },
  'properties-are-understood': {
    role: inInternal(one('AWS::Events::Rule', { RoleArn: 'arn:aws:iam::1:role/x' }), /has RoleArn, which/),
    'failures elsewhere': inInternal(
      one('AWS::SQS::Queue', { RedrivePolicy: { deadLetterTargetArn: arnOf('sqs', 'other') } }),
      /names arn:aws:sqs:\S+ in RedrivePolicy/,
    ),
    'an integration that is no function': inPublic(
      one('AWS::ApiGateway::Method', { Integration: { Type: 'AWS' } }),
      /has Integration\.Type AWS, which is not AWS_PROXY/,
    ),
    'a rotation that AWS hosts': inSigning(
      one('AWS::SecretsManager::RotationSchedule', { HostedRotationLambda: {} }),
      /has HostedRotationLambda/,
    ),
    'other code of its options': inPublic(
      withVariables({ NODE_OPTIONS: '--enable-source-maps --import /tmp/x.mjs' }),
      /NODE_OPTIONS --enable-source-maps --import \S+, which is not --enable-source-maps/,
    ),
    'levels, by default': inPublic(logging({}), /lacks LoggingConfig\.LogFormat/),
    'levels of a format': inPublic(logging({ LogFormat: 'JSON' }), /LogFormat JSON, which is not Text/),
    'levels of lines': inPublic(
      logging({ ...TEXT, ApplicationLogLevel: 'FATAL' }),
      /ApplicationLogLevel, which/,
    ),
    'levels of Lambda’s own': inPublic(logging({ ...TEXT, SystemLogLevel: 'WARN' }), /SystemLogLevel, which/),
  },
  'signers-are-declared': {
    'the declared grant': inSigning(signer, undefined, { 'grant.json': grant, 'index.mjs': '' }),
    'no grant': inSigning(signer, /another grant/, { 'index.mjs': '' }),
    'no grant of the declaration': inSigning(functionOf('journal-signer-x'), /is of no declared grant/),
    'no concurrency': inSigning(functionOf('journal-signer-journal-public'), /no concurrency of its own/),
    'request objects': inSigning(signer, /another grant/, {
      'grant.json': { ...grant, requestObjects: true, zone: 'x' },
      'index.mjs': '',
    }),
  },
  'zone-functions-are-declared': {
    'its configuration': inPublic(functionOf(SUMMARY), undefined, {
      'config.json': deriveZoneConfig(system, 'public', 'summary'),
    }),
    'idempotency switched off': inPublic(
      withVariables({ POWERTOOLS_IDEMPOTENCY_DISABLED: 'true' }),
      /has POWERTOOLS_IDEMPOTENCY_DISABLED in its environment/,
    ),
    'no key policy': inAdmin(functionOf('journal-admin-rotation'), /another key-policy\.json/, {
      'config.json': deriveZoneConfig(system, 'admin', 'rotation'),
    }),
  },
  'logs-are-kept': {
    'an audit by another name that goes': inSigning(
      {
        ...key,
        Logs: {
          Type: 'AWS::Logs::LogGroup',
          Properties: { KmsKeyId: { 'Fn::GetAtt': ['Key', 'Arn'] }, RetentionInDays: 30 },
        },
        ...functionOf('a', { LoggingConfig: { LogGroup: { Ref: 'Logs' }, LogFormat: 'Text' } }),
      },
      /goes with its stack/,
    ),
  },
  'alarms-ring': {
    none: inSigning({}, /The alarm journal-signing-BlockedNames is not there/),
    'one that never rings': inSigning(alarm, /has another Threshold than[\s\S]* calls nobody/),
  },
  'logs-hold-no-tokens': {
    errors: inPublic(
      one('AWS::ApiGateway::Stage', {
        MethodSettings: [{ DataTraceEnabled: false }],
        AccessLogSetting: { Format: '$context.requestId' },
      }),
    ),
  },
  'data-keys-are-closed': {
    'through a service': inInternal(
      keyPolicy({
        ...allowed('kms:Decrypt', '*', viaQueues),
        Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
      }),
    ),
    'by another account': inInternal(keyPolicy({ ...allowed('kms:Decrypt'), ...foreign }), /111122223333/),
  },
  'routes-are-authorized': {
    'as declared': inPublic(route({})),
    open: inPublic(route({ AuthorizationType: 'NONE' }), /authorised by NONE, not by AWS_IAM/),
    'not declared': inPublic(route({ HttpMethod: 'PUT' }), /PUT \/summaries\/\{id\} is not a declared route/),
    'to another function': inPublic(route({ Integration: {} }), /is answered by no function of its zone/),
    'the root': inPublic(route({ ResourceId: 'root' }), /GET \/ is not a declared route/),
    'OPTIONS to a function': inPublic(
      route({ HttpMethod: 'OPTIONS' }),
      /OPTIONS \S+ is not a declared route/,
    ),
    'an API with a policy that denies': inPublic(apiWith(denied('*'))),
    'an API with a policy that allows': inPublic(apiWith(allowed('*')), /has a policy that lets somebody in/),
    'an authorizer': inPublic(authorizer(SUMMARY)),
    'an authorizer elsewhere': inPublic(
      authorizer('journal-internal-worker'),
      /asks \S+, which is not of its/,
    ),
    'a preflight': inPublic(preflight({ [ORIGIN]: "'*'" })),
    'a preflight from one of several origins, as the CDK writes it': inPublic(
      preflight({}, '#set($context.responseOverride.header.Access-Control-Allow-Origin = $origin)'),
    ),
    'a preflight of login': inPublic(
      preflight({}, '', { PathPart: 'session', ParentId: 'root' }),
      /OPTIONS \/session answers a preflight of a route that is open/,
    ),
    'a preflight with cookies': inPublic(
      preflight({ 'method.response.header.access-control-allow-credentials': "'true'" }),
      CREDENTIALS,
    ),
    'a preflight that a template answers': inPublic(
      preflight({}, '#set($h = $!{context}.responseOverride)'),
      CREDENTIALS,
    ),
    'a preflight that a template answers in short': inPublic(
      preflight({}, '#set($h = $context.more)'),
      CREDENTIALS,
    ),
    'a preflight that sets a cookie': inPublic(
      preflight({ 'method.response.header.Set-Cookie': "'session=x'" }),
      CREDENTIALS,
    ),
    'a preflight that the deploy answers': inPublic(preflight({ [ORIGIN]: { Ref: 'P' } }), CREDENTIALS),
  },
  'records-are-bare': {
    seeded: inSigning(record),
    none: inSigning({}, /has no record/),
    'made up': inSigning(
      one('AWS::SecretsManager::Secret', { Name: 'journal/client/journal', GenerateSecretString: {} }),
      /a deploy overwrites/,
    ),
  },
  'policies-are-for-own-roles': {
    'a role of the stack': inPublic({
      ...roleOf('public', SUMMARY, []),
      ...one('AWS::IAM::Policy', { Roles: [SUMMARY] }),
    }),
    'a user': inPublic(one('AWS::IAM::ManagedPolicy', { Users: ['somebody'] }), /user somebody/),
    'a group': inPublic(one('AWS::IAM::ManagedPolicy', { Groups: ['some'] }), /group some/),
  },
  'outsiders-are-not-admitted': {
    'a service of ours': inInternal(sending('events', ours)),
    everybody: inInternal(queue({ ...allowed('sqs:*'), Principal: '*' }), /somebody without credentials/),
    'another account': inInternal(queue({ ...allowed('sqs:SendMessage'), ...foreign }), /111122223333/),
    'the root of another account': inInternal(
      queue({ ...allowed('sqs:SendMessage'), Principal: { AWS: `arn:aws:iam::${OTHER}:root` } }),
      /lets in a role of account 111122223333\./,
    ),
    'a user of another account': inInternal(
      queue({ ...allowed('sqs:SendMessage'), Principal: { AWS: `arn:aws:iam::${OTHER}:user/root` } }),
      /lets in arn:aws:iam::111122223333:user\/root\./,
    ),
    'a service of ours, for the objects of a bucket': inInternal(writing('logging.s3', ours)),
    'another account, to the objects of a bucket': inInternal(
      bucket({ ...allowed('s3:GetObject', objects('/*')), ...foreign }),
      /111122223333/,
    ),
    'everybody, to some objects of a bucket': inInternal(
      bucket({ ...allowed('s3:PutObject', objects('/in/*')), Principal: '*' }),
      /somebody without credentials/,
    ),
    'a service of strangers, to objects of a bucket': inInternal(
      writing('ses'),
      /ses.amazonaws.com for any account/,
    ),
    'CloudFront, to the objects of a bucket': inInternal(
      writing('cloudfront', is('aws:SourceArn', `arn:aws:cloudfront::${ACCOUNT}:distribution/E1`)),
      /cloudfront.amazonaws.com, which may act for anybody/,
    ),
    'everybody that is a service': inInternal(
      queue(toAll({ Bool: { 'aws:PrincipalIsAWSService': 'true' } })),
      ANY,
    ),
    'everybody that is CloudFront': inInternal(
      queue(toAll(is('aws:PrincipalServiceName', 'cloudfront.amazonaws.com'))),
      ANY,
    ),
    'everybody that has the name of a service': inInternal(
      queue(
        toAll({
          'ForAnyValue:StringEquals': { 'aws:PrincipalServiceNamesList': 'cloudfront.amazonaws.com' },
        }),
      ),
      ANY,
    ),
    'every service, by a wildcard': inInternal(
      queue({ ...allowed('sqs:SendMessage'), Principal: { Service: '*' } }),
      ANY,
    ),
    'everybody that is SNS, for any account': inInternal(
      queue(toAll(is('aws:PrincipalServiceName', 'sns.amazonaws.com'))),
      /any service for any account/,
    ),
    'everybody that is SNS, for ours': inInternal(
      queue(
        toAll({ StringEquals: { 'aws:PrincipalServiceName': from('sns').Service, ...ours.StringEquals } }),
      ),
    ),
    'everybody that is no service and a role of ours': inInternal(
      queue(toAll({ ArnEquals: { 'aws:PrincipalArn': `arn:aws:iam::${ACCOUNT}:role/${SUMMARY}` } })),
    ),
    'a service of ours, in its region': inInternal(sending('logs.eu-north-1', ours)),
    'another service that begins so': inInternal(
      sending('logs.eu-north-1.more', ours),
      /logs.eu-north-1.more.amazonaws.com, which may act for anybody/,
    ),
    'another account, to an index of a table': inInternal(
      one('AWS::DynamoDB::Table', {
        TableName: 't',
        ResourcePolicy: {
          PolicyDocument: document({
            ...allowed('dynamodb:Query', `arn:aws:dynamodb:eu-north-1:${ACCOUNT}:table/t/index/*`),
            ...foreign,
          }),
        },
      }),
      /111122223333/,
    ),
  },
  'endpoints-admit-own-roles': {
    'one role': inPublic(
      through(
        allowed('lambda:InvokeFunction', '*', {
          ArnEquals: { 'aws:PrincipalArn': `arn:aws:iam::${ACCOUNT}:role/${SUMMARY}` },
        }),
      ),
    ),
    everybody: inPublic(through(allowed('lambda:InvokeFunction')), /lets a role of another account through/),
    'everybody, to do anything': inPublic(through(allowed('*')), /lets a role of another account through/),
  },
  'resource-types-are-known': {
    'what may be added': inPublic(one('AWS::SSM::Parameter')),
    'a web function': inPublic(one('AWS::Lambda::WebFunctionEndpoint'), /is a web function/),
    'managed instances': inPublic(one('AWS::Lambda::CapacityProvider'), /on managed instances/),
    'a MicroVM': inPublic(one('AWS::Lambda::MicrovmImage'), /is a MicroVM/),
    'a network connector': inPublic(one('AWS::Lambda::NetworkConnector'), /is a network connector/),
    'an account-wide switch': inPublic(one('AWS::EC2::VPCBlockPublicAccessOptions'), /every VPC/),
    'an exclusion': inSigning(one('AWS::EC2::VPCBlockPublicAccessExclusion'), /Block Public Access/),
    'a signer of another service': inPublic(
      one('AWS::BedrockAgentCore::OAuth2CredentialProvider'),
      /OAuth client’s secret/,
    ),
    'a user': inPublic(one('AWS::IAM::User'), /is a AWS::IAM::User: what it does is not understood/),
  },
});

describe('the rules', () => {
  it('have names of their own, and the invariant and the sentence that they are', () => {
    expect(new Set(RULES.map(({ name }) => name)).size).toBe(RULES.length);
    for (const { name, invariant, title } of RULES) {
      expect(name).toMatch(/^[a-z]+(-[a-z]+)+$/);
      expect(invariant).toMatch(/^I([1-8]|3a|10)$/);
      expect(title).toMatch(/\.$/);
    }
  });

  it('each find a change to the system of one client, but for those that are about more than it', () => {
    const folder = 'test/infra/proof/mutations';
    const tests = readdirSync(folder).map((name) => readFileSync(`${folder}/${name}`, 'utf8'));
    const tested = tests.join().matchAll(/mutations\(\s*'([a-z-]+)'/g);
    const names = new Set([...tested].map(([, name]) => name));
    // In ../as-derived.test.ts, ../others.test.ts and ../../helsenettet.test.ts; and below, about the declaration alone.
    const elsewhere = ['additions-are-understood', 'as-derived', 'others-keep-out', 'exits-are-declared'];
    expect([...names, ...elsewhere, 'zones-of-a-client-need-the-same-scopes'].sort()).toEqual(
      RULES.map(({ name }) => name).sort(),
    );
  });
});

describe('zones-of-a-client-need-the-same-scopes', () => {
  const found = (declaration: SystemDeclaration) =>
    ruleNamed('zones-of-a-client-need-the-same-scopes')
      .check(inputOf({ 'journal-signing': record }, new Map(), declaration))
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

// As declared: a route with HelseID's tokens, a webhook, one that no declaration can say, and a closed one beside that of the login.
const { public: open } = system.zones;
const declaredRoute = (method: string, path: string, authorize: string) => ({
  method,
  path,
  function: 'summary',
  authorize,
});
const routes = [
  declaredRoute('GET', '/summaries/{id}', 'helseid'),
  declaredRoute('POST', '/summaries/{id}', 'webhook'),
  declaredRoute('PUT', '/summaries/{id}', 'session'),
  declaredRoute('PUT', '/session', 'iam'),
];
const zone = { ...open, gateway: { ...open.gateway, routes } } as unknown as typeof open;
const custom = (AuthorizerId: unknown) => ({ AuthorizationType: 'CUSTOM', AuthorizerId });
const webhook = route({ HttpMethod: 'POST', AuthorizationType: 'NONE' });
smallCases(
  {
    'routes-are-authorized': {
      'its authorizer': inPublic({ ...authorizer(SUMMARY), ...route(custom({ Ref: 'Authorizer' })) }),
      'another authorizer': inPublic(
        { ...authorizer(SUMMARY), ...route(custom('other')) },
        /asks another authorizer/,
      ),
      'the authorizer of another zone': [
        { [PUBLIC]: route(custom('authorizer-a')), 'journal-zone-internal': authorizer(SUMMARY) },
        /asks another authorizer/,
      ],
      'a webhook': inPublic(webhook, undefined, { 'own.mjs': '' }),
      'a webhook without its guard': inPublic(webhook, /without the guard of webhooks/),
      'a webhook to nothing': inPublic(
        { ...webhook, ...route({ HttpMethod: 'POST', AuthorizationType: 'NONE', Integration: {} }) },
        /without the guard of webhooks/,
      ),
      'whatever is declared of it': inPublic(
        route({ HttpMethod: 'PUT', AuthorizationType: 'NONE' }),
        /authorised by NONE, not by AWS_IAM/,
      ),
      'a preflight of login beside a closed route': inPublic(
        preflight({}, '', { PathPart: 'session', ParentId: 'root' }),
        /OPTIONS \/session answers a preflight of a route that is open/,
      ),
    },
  },
  { ...system, zones: { ...system.zones, public: zone } },
);

// A zone in another account, whose roles permissions let in where the signers have no policies of their own.
const askedFrom = (Principal: string) =>
  inSigning(
    {
      ...functionOf('journal-signer-journal-public'),
      ...one('AWS::Lambda::Permission', {
        FunctionName: { Ref: 'Function' },
        Action: 'lambda:InvokeFunction',
        Principal,
      }),
    },
    Principal === `arn:aws:iam::${OTHER}:role/${SUMMARY}` ? undefined : STRANGER,
  );
const inAccount = (account: string, resourcePolicies: boolean): SystemDeclaration => ({
  ...system,
  signing: { ...system.signing, resourcePolicies },
  zones: { ...system.zones, public: { ...open, account } },
});
const permissions = (name: string, ...cases: SmallCase[]) => ({
  'function-permissions-are-own': Object.fromEntries(cases.map((one, at) => [`${name} ${at}`, one])),
});
const [asker, stranger] = [
  askedFrom(`arn:aws:iam::${OTHER}:role/${SUMMARY}`),
  askedFrom(`arn:aws:iam::${OTHER}:role/x`),
];
smallCases(permissions('of a zone in another account', asker, stranger), inAccount(OTHER, false));
smallCases(permissions('beside policies', [asker[0], STRANGER]), inAccount(OTHER, true));
const [ofAccount] = askedFrom(`arn:aws:iam::${ACCOUNT}:role/${SUMMARY}`);
smallCases(permissions('of a zone in the account', [ofAccount, STRANGER]), inAccount(ACCOUNT, false));
