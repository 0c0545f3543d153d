import { describe, expect, it } from 'vitest';
import { defineSystem } from '../../../../infra/declaration/define.ts';
import { resolveAssembly } from '../../../../infra/proof/assembly/resolve.ts';
import { additionsAreUnderstood } from '../../../../infra/proof/derived/additions.ts';
import { compareWithDerived, differencesOfResource } from '../../../../infra/proof/derived/compare.ts';
import { deriveAssembly } from '../../../../infra/proof/derived/derive.ts';
import { readInput } from '../../../../infra/proof/read-input.ts';
import { CAPABILITIES } from '../../../../infra/proof/rules/capabilities.ts';
import { RULES } from '../../../../infra/proof/rules/index.ts';
import system from '../../../one-client.zones.ts';
import { CHANGES, changed } from '../changes.ts';
import {
  adds,
  allow,
  type Change,
  type Changeable,
  dropStatement,
  find,
  findingsOf,
  idOf,
  type Resource,
  STACKS,
  sets,
  setsVariables,
  statementsOf,
  type Template,
  withTemplate,
} from '../mutate.ts';
import { oneClient, synthesize } from '../one-client.ts';

const derived = deriveAssembly(system, oneClient);
const resources = derived.stacks.flatMap(({ name, template }) =>
  Object.entries(template.Resources as Template).map(([id, resource]) => ({ stack: name, id, resource })),
);
const compare = (change: Change, stack: keyof typeof STACKS = 'internal') =>
  compareWithDerived(withTemplate(oneClient, STACKS[stack], change), derived);

/** A web ACL of one rule. */
const webAcl = (rule: Changeable): Changeable => {
  const VisibilityConfig = { SampledRequestsEnabled: false };
  return {
    DefaultAction: { Allow: {} },
    VisibilityConfig,
    Rules: [{ Name: 'a', VisibilityConfig, ...rule }],
  };
};

describe('what was synthesized is what the declaration yields', () => {
  it('and nothing beside it', () => {
    expect(compareWithDerived(oneClient, derived)).toEqual({ violations: [], additions: [] });
  });

  it('is derived once for a declaration and a place', () => {
    expect(deriveAssembly(system, oneClient)).toBe(derived);
  });
});

/** Every property of every resource, changed in each of the ways that a hand or a construct may. */
describe('every property of every resource', () => {
  it.each(Object.keys(CHANGES))('%s, is a difference unless it weakens nothing', (name) => {
    const silent = resources.flatMap(({ resource }) =>
      Object.keys(resource.Properties ?? {}).flatMap((property) => {
        const Properties = changed(resource.Properties, property, CHANGES[name] ?? String);
        return differencesOfResource({ ...resource, Properties }, resource).length > 0
          ? []
          : [`${resource.Type} ${property}`];
      }),
    );
    const HARMLESS = ['removed', 'another value', 'with a member more'].includes(name)
      ? /( Tags| MemorySize| Description| Policies| RetentionInDays)$/
      : /( Tags)$/;
    expect(silent.filter((one) => !HARMLESS.test(one))).toEqual([]);
  });

  it.each(['Condition', 'DeletionPolicy', 'UpdateReplacePolicy', 'DependsOn', 'Type', 'CreationPolicy'])(
    'has the %s that the declaration yields',
    (member) => {
      for (const { resource } of resources)
        expect(differencesOfResource({ ...resource, [member]: 'Another' }, resource)).not.toEqual([]);
    },
  );

  it('is there', () => {
    const stacks = oneClient.stacks.map((one) => ({ ...one, template: { ...one.template, Resources: {} } }));
    expect(compareWithDerived({ stacks }, derived).violations).toHaveLength(resources.length);
  });
});

const BY_ANOTHER_ROLE = { deployment: { cloudFormationExecutionRoleArn: 'arn:aws:iam::1:role/x' } };

describe('a difference', () => {
  const ofCode =
    (change: object): Change =>
    (r) =>
      void Object.assign(find(r, 'workerFunction').Properties.Code as Changeable, change);
  const toTags = (Key: string) => sets('workerFunction', { Tags: [{ Key, Value: 'public' }] });
  const DEPLOY = { Ref: 'AWS::NoValue' };
  const DECIDED = /only the deploy decides/;
  const OTHER = { PolicyName: 'x', PolicyDocument: {} };
  const pushesPolicy =
    (policy: Changeable): Change =>
    (r) =>
      void policiesOf(r).push(policy);

  it.each<[string, RegExp, Change]>([
    ['code of another bucket', /takes its code from elsewhere/, ofCode({ S3Bucket: 'another-bucket' })],
    ['a version of the code', /takes its code from elsewhere/, ofCode({ S3ObjectVersion: '1' })],
    ['code of no hash', /takes its code from elsewhere/, ofCode({ S3Key: 'code.zip' })],
    [
      'a variable',
      /NODE_EXTRA, which the declaration does not yield/,
      setsVariables('worker', { NODE_EXTRA: '1' }),
    ],
    [
      'a statement that is gone',
      /lacks or changes the statement OwnSigners/,
      (r) => dropStatement(find(r, 'workerRole', 'IAM::Role'), 'OwnSigners'),
    ],
    ['a policy that the deploy decides', DECIDED, pushesPolicy({ 'Fn::If': ['C', OTHER, DEPLOY] })],
    [
      'a statement that the deploy decides',
      DECIDED,
      (r) => void statementsOf(find(r, 'workerRole', 'IAM::Role')).push({ 'Fn::If': ['C', {}, DEPLOY] }),
    ],
    ...['own', 'OWN', '{{resolve:ssm:name}}', { 'Fn::Join': ['', ['o', 'wn']] }, { Ref: 'P' }].map(
      (PolicyName): [string, RegExp, Change] => [
        `a policy called ${JSON.stringify(PolicyName)} after the first`,
        PolicyName === 'own'
          ? /two policies of one name/
          : /two policies of one name|only the deploy decides/,
        pushesPolicy({ PolicyName }),
      ],
    ),
    [
      'a statement more in a boundary',
      /has another PolicyDocument\.Statement/,
      (r) => void statementsOf(find(r, 'Boundary')).push({}),
    ],
    [
      'deletion protection that the deploy decides',
      /has DeletionProtectionEnabled/,
      sets('Tableidempotency', { DeletionProtectionEnabled: { Ref: 'P' } }),
    ],
    ['a shorter retention', /has another RetentionInDays/, sets('workerLogs', { RetentionInDays: 1 })],
    [
      'a reservation',
      /ReservedConcurrentExecutions/,
      sets('workerFunction', { ReservedConcurrentExecutions: 0 }),
    ],
    ['the tag of another zone', /has another Tags/, toTags('helseid-zones:zone')],
    ['a tag of client keys', /has another Tags/, toTags('helseid-zones:system')],
    ['the tag of another zone in capitals', /has another Tags/, toTags('Helseid-Zones:Zone')],
  ])('%s is said', (_, message, change) => {
    const { violations } = compare(change);
    expect(violations.map((one) => one.message)).toEqual([expect.stringMatching(message)]);
  });

  const PROTECTED = {
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    DeletionProtectionEnabled: true,
  };
  it.each<[string, Change]>([
    ['a description', sets('Boundary', { Description: 'Another.' })],
    ['memory', sets('workerFunction', { MemorySize: 1024 })],
    ['a longer retention', sets('workerLogs', { RetentionInDays: 3650 })],
    [
      'a tag of others',
      (r) => void (find(r, 'workerFunction').Properties.Tags as unknown[]).push({ Key: 'team', Value: 'a' }),
    ],
    ['recovery and deletion protection of a table', sets('Tableidempotency', PROTECTED)],
    ['statements in another order', (r) => void statementsOf(find(r, 'Boundary')).reverse()],
  ])('is not made of %s', (_, change) => {
    expect(compare(change)).toEqual({ violations: [], additions: [] });
  });

  it.each<[string, RegExp | undefined, string]>([
    ['of others', undefined, 'team'],
    ['that mark a zone', /has deployment\.tags/, 'Helseid-Zones:zone'],
  ])('is made by tags of a stack %s', (_, message, key) => {
    const found = [{ key }, { Key: key }].flatMap((tag) => {
      const tags = { tags: { [key]: 'a' }, stackTags: [tag] };
      const stacks = oneClient.stacks.map((one) =>
        one.name === STACKS.internal ? { ...one, deployment: { ...one.deployment, ...tags } } : one,
      );
      return compareWithDerived({ stacks }, derived).violations.map((one) => one.message);
    });
    if (message === undefined) expect(found).toEqual([]);
    else expect(found).toContainEqual(expect.stringMatching(message));
  });

  it.each<[string, RegExp | undefined, object]>([
    ['where it is declared for', undefined, {}],
    ['in another region', /is for region eu-north-1, not eu-west-1/, { region: 'eu-west-1' }],
    ['in another account', /is for account 111122223333, not 444455556666/, { account: '444455556666' }],
  ])('is none of an assembly %s', (_, message, of) => {
    const declared = defineSystem({ ...system, account: '111122223333', region: 'eu-north-1', ...of });
    const place = { account: '111122223333', region: 'eu-north-1' };
    const given = synthesize(declared, { ...place, withCode: false });
    const { violations } = compareWithDerived(given, deriveAssembly(declared, given));
    if (message === undefined) expect(violations).toEqual([]);
    else expect(violations.map((one) => one.message)).toContainEqual(expect.stringMatching(message));
  });

  it.each<[string, RegExp, Partial<(typeof oneClient.stacks)[number]>]>([
    ['uploads another template', /uploads another template/, { publishesTemplate: false }],
    ['is deployed by another role', /has another deployment/, BY_ANOTHER_ROLE],
  ])('is a stack that %s', (_, message, change) => {
    const stacks = oneClient.stacks.map((one) =>
      one.name !== STACKS.internal
        ? one
        : { ...one, ...change, deployment: { ...one.deployment, ...change.deployment } },
    );
    const { violations } = compareWithDerived({ stacks }, derived);
    expect(violations.map((one) => one.message)).toEqual([expect.stringMatching(message)]);
  });

  it.each<[string, RegExp | undefined, Partial<(typeof oneClient.stacks)[number]>]>([
    ['as the others are', undefined, {}],
    ['with tags of its own', undefined, { deployment: { tags: { team: 'a' } } }],
    ['by another role', /another cloudFormationExecutionRoleArn/, BY_ANOTHER_ROLE],
    ['that notifies somebody', /another notificationArns/, { deployment: { notificationArns: ['a'] } }],
    ['in another account', /is for account 999999999999, where no stack/, { account: '999999999999' }],
    ['over the CDK’s own', /name of the CDK’s own stack/, { name: 'CDKToolkit' }],
  ])('may be a stack more that is deployed %s', (_, message, change) => {
    const [usual] = oneClient.stacks;
    if (usual === undefined) throw new Error('no stack');
    const deployment = { ...usual.deployment, ...change.deployment };
    const more = { ...usual, name: 'more', template: {}, uploads: [], ...change, deployment };
    const { violations } = compareWithDerived({ stacks: [...oneClient.stacks, more] }, derived);
    const found = violations.map((one) => one.message);
    if (message === undefined) expect(found).toEqual([]);
    else expect(found).toContainEqual(expect.stringMatching(message));
  });

  it('is what the CDK uploads as its template, as it was read', () => {
    for (const one of oneClient.stacks) expect(one.publishesTemplate, one.name).toBe(true);
  });

  it('is a stack that is not there', () => {
    const without = { stacks: oneClient.stacks.filter(({ name }) => name !== STACKS.internal) };
    expect(compareWithDerived(without, derived).violations.map(({ message }) => message)).toEqual([
      `${STACKS.internal} is not in the assembly.`,
    ]);
  });
});

it('what is not as derived, or not understood, is said before what comes of it', () => {
  const names = RULES.map(({ name }) => name);
  const first = Math.min(...CAPABILITIES.map(({ name }) => names.indexOf(name)));
  const before = ['as-derived', 'additions-are-understood', 'properties-are-understood', 'actions-are-known'];
  for (const name of before) expect(names.indexOf(name), name).toBeLessThan(first);
});

describe('an addition', () => {
  const table = adds('AWS::DynamoDB::Table', { TableName: 'journal-internal-own' });
  it.each<[string, string, Change]>([
    ['a resource', 'AWS::DynamoDB::Table', table],
    [
      'a statement of a role',
      'AWS::IAM::Role',
      (r) => allow(find(r, 'workerRole', 'IAM::Role'), 's3:GetObject', '*'),
    ],
    ...['constructor', 'toString', 'hasOwnProperty', '__proto__'].map((id): [string, string, Change] => [
      `a resource called ${id}`,
      'AWS::IAM::User',
      (r) => {
        const value = { Type: 'AWS::IAM::User', Properties: {} };
        Object.defineProperty(r, id, { value, enumerable: true });
      },
    ]),
  ])('%s is listed, and no difference', (_, type, change) => {
    const { violations, additions } = compare(change);
    expect(violations).toEqual([]);
    expect(additions).toEqual([expect.objectContaining({ stack: STACKS.internal, type })]);
  });

  it('is for the rules to judge', () => {
    const added = withTemplate(oneClient, STACKS.internal, table);
    const rules = ['additions-are-understood', 'as-derived'];
    expect(findingsOf(rules, added, system, derived)).toMatchObject([{ rule: 'additions-are-understood' }]);
  });
});

type Properties = Changeable | ((r: Template) => Changeable);
type Case = [name: string, message: RegExp, type: string, Properties];

/** A bucket whose objects are encrypted with a key. */
const encrypted = (KMSMasterKeyID: unknown): Changeable => ({
  BucketEncryption: {
    ServerSideEncryptionConfiguration: [
      { BucketKeyEnabled: true, ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID } },
    ],
  },
});

/** An addition to the zone of events, as the proof sees it: what `additions-are-understood` says. */
function judged(type: string, properties: Properties, condition?: Changeable): string[] {
  const changed = withTemplate(oneClient, STACKS.internal, (r) => {
    adds(type, properties)(r);
    if (condition) Object.assign(Object.values(r).at(-1) ?? {}, condition);
  });
  const input = readInput(resolveAssembly(changed), system, compareWithDerived(changed, derived));
  return additionsAreUnderstood.check(input).map(({ message }) => message.replace(/^\S+ /, ''));
}

describe('additions are understood by type and property', () => {
  const topic = (r: Template) => ({ Ref: idOf(r, 'AlarmsTopic3') });
  const zoneKey = (r: Template) => ({ 'Fn::GetAtt': [idOf(r, 'Key', 'KMS::Key'), 'Arn'] });
  it.each<[string, Properties]>([
    [
      'AWS::DynamoDB::Table',
      (r) => ({
        KeySchema: [],
        BillingMode: 'PAY_PER_REQUEST',
        TableName: 'own',
        SSESpecification: { SSEEnabled: true, KMSMasterKeyId: zoneKey(r) },
      }),
    ],
    [
      'AWS::SQS::Queue',
      (r) => {
        r.Letters = { Type: 'AWS::SQS::Queue', Properties: {} };
        const deadLetterTargetArn = { 'Fn::GetAtt': ['Letters', 'Arn'] };
        return { QueueName: 'own', RedrivePolicy: { deadLetterTargetArn, maxReceiveCount: 5 } };
      },
    ],
    ['AWS::S3::Bucket', (r) => encrypted(zoneKey(r))],
    ['AWS::S3::Bucket', { PublicAccessBlockConfiguration: { BlockPublicAcls: true } }],
    ['AWS::KMS::Key', { KeyPolicy: { Statement: [] } }],
    ['AWS::SecretsManager::Secret', (r) => ({ GenerateSecretString: {}, KmsKeyId: zoneKey(r) })],
    ['AWS::SNS::Subscription', (r) => ({ Protocol: 'email', Endpoint: 'a@example.no', TopicArn: topic(r) })],
    ['AWS::CloudWatch::Alarm', { MetricName: 'Errors', AlarmActions: [] }],
    ['AWS::CloudWatch::Alarm', { AlarmName: 'own', MetricName: 'Errors' }],
    ['AWS::CloudWatch::Dashboard', { DashboardBody: '{}' }],
    ['AWS::CloudWatch::Dashboard', { DashboardBody: JSON.stringify({ widgets: [{ type: 'metric' }] }) }],
    ['AWS::WAFv2::WebACL', { VisibilityConfig: { SampledRequestsEnabled: false }, Rules: [] }],
    [
      'AWS::WAFv2::WebACL',
      webAcl({
        OverrideAction: { None: {} },
        Statement: {
          ManagedRuleGroupStatement: {
            VendorName: 'AWS',
            Name: 'AWSManagedRulesCommonRuleSet',
            RuleActionOverrides: [{ Name: 'SizeRestrictions_BODY', ActionToUse: { Count: {} } }],
            ScopeDownStatement: {
              NotStatement: { Statement: { GeoMatchStatement: { CountryCodes: ['NO'] } } },
            },
          },
        },
      }),
    ],
    [
      'AWS::ApiGateway::BasePathMapping',
      (r) => {
        const Properties = {
          DomainName: 'own.example.no',
          SecurityPolicy: 'SecurityPolicy_TLS13_1_3_2025_09',
        };
        r.Host = { Type: 'AWS::ApiGateway::DomainName', Properties };
        return { DomainName: { Ref: 'Host' } };
      },
    ],
    ['AWS::Route53::RecordSet', { Name: 'www.example.no' }],
    ['AWS::Route53::RecordSet', { Name: 'example.no', Type: 'TXT' }],
    ['AWS::Route53::RecordSet', { Name: 'own.example.no', Type: 'NS' }],
    [
      'AWS::Logs::MetricFilter',
      { MetricTransformations: [{ MetricNamespace: 'own', MetricName: 'a', MetricValue: '1' }] },
    ],
    ['AWS::SSM::Parameter', { Type: 'String', Value: 'a' }],
  ])('%s', (type, properties) => {
    expect(judged(type, properties)).toEqual([]);
  });

  const CALLED = /is, or may be, a name that functions of a zone call/;
  const DECIDES = /has (?:a Tags|properties) that only the deploy decides/;
  const PUBLIC_QUEUE = 'arn:aws:sqs:eu-north-1:000000000000:journal-public-x';
  const CDK_BUCKET = 'cdk-hnb659fds-assets-000000000000-eu-north-1';
  const FOREIGN_KEY = 'arn:aws:kms:eu-north-1:999999999999:key/x';
  const SAMPLED = { VisibilityConfig: { SampledRequestsEnabled: true } };
  const tagged = (Key: unknown) => ({ Tags: [{ Key, Value: 'public' }] });
  const answering = (ResponseCode: number) => ({ Block: { CustomResponse: { ResponseCode } } });
  const preflight = (HttpMethod: string, Type: string) => ({ HttpMethod, Integration: { Type } });
  /** Additions that are not understood: by type what they are, what is said, and the properties. */
  const NOT: Readonly<Record<string, Readonly<Record<string, readonly [RegExp, Properties]>>>> = {
    ...Object.fromEntries(
      [
        'Lambda::Function',
        'IAM::Role',
        'Events::Rule',
        'WAFv2::LoggingConfiguration',
        'New::Thing',
        'EC2::Route',
        'Route53Resolver::ResolverQueryLoggingConfig',
      ].map((type) => [`AWS::${type}`, { [type]: [new RegExp(`is a AWS::${type}: .* not understood`), {}] }]),
    ),
    'AWS::S3::BucketPolicy': {
      'a policy of the asset bucket': [/names cdk-assets in Bucket/, { Bucket: 'cdk-assets' }],
      'a bucket that is never made, by the name of another': [
        /names somebodys in Bucket/,
        (r) => {
          const Properties = { BucketName: 'somebodys' };
          r.Never = { Type: 'AWS::S3::Bucket', Properties, Condition: 'Never' } as Resource;
          return { Bucket: 'somebodys', PolicyDocument: { Statement: [] } };
        },
      ],
    },
    'AWS::Route53::RecordSet': {
      'another answer for a name that a zone calls': [CALLED, { Name: 'Summaries.example.no.' }],
      'another answer for many names': [CALLED, { Name: '\\052.example.no' }],
      'an answer for an endpoint of AWS': [CALLED, { Name: 'kms.eu-north-1.amazonaws.com' }],
      'an answer for every endpoint of AWS': [CALLED, { Name: '*.com' }],
      'a name that is written otherwise': [CALLED, { Name: '\\163ummaries.e\\170ample.no' }],
      'a domain of a host that is answered elsewhere': [CALLED, { Name: 'Example.no.', Type: 'NS' }],
      'a domain of AWS that is answered elsewhere': [CALLED, { Name: 'com', Type: 'NS' }],
      'everything that is answered elsewhere': [CALLED, { Name: '.', Type: 'NS' }],
      'a domain that a deploy decides about': [CALLED, { Name: 'example.no', Type: { Ref: 'P' } }],
    },
    'AWS::DynamoDB::Table': {
      'a stream': [/has StreamSpecification, which is not understood/, { StreamSpecification: {} }],
      'a name of another zone’s': [/a name that is zone public's/, { TableName: 'journal-public-x' }],
    },
    'AWS::Logs::LogGroup': {
      'a policy within a log group': [/has ResourcePolicyDocument/, { ResourcePolicyDocument: {} }],
    },
    'AWS::SNS::Topic': { 'a subscription within a topic': [/has Subscription/, { Subscription: [] }] },
    'AWS::SQS::Queue': {
      'dead letters of another zone': [
        /names arn:aws:sqs:\S+ in RedrivePolicy/,
        { RedrivePolicy: { deadLetterTargetArn: PUBLIC_QUEUE, maxReceiveCount: '5' } },
      ],
      'a tag of client keys': [
        /a name that is a client key's \(Tags\)/,
        { Tags: [{ Key: 'Helseid-zones:client', Value: 'journal' }] },
      ],
      'a tag whose key the deploy decides': [/name that is zone internal's \(Tags\)/, tagged({ Ref: 'P' })],
      'a queue by the name of one of the system': [
        /the name of \S+, and would be put in its place/,
        { QueueName: 'journal-internal-events-undelivered' },
      ],
      'tags that a deploy decides': [DECIDES, { Tags: { 'Fn::If': ['Maybe', [], [{}]] } }],
      'the tag of another zone': [/a name that is zone public's \(Tags\)/, tagged('helseid-zones:zone')],
      'what the deploy decides': [DECIDES, { 'Fn::If': ['Maybe', { QueueName: 'a' }, {}] }],
    },
    'AWS::SQS::QueuePolicy': {
      'a queue by its address': [
        /names https:\S+ in Queues/,
        { Queues: ['https://sqs.eu-north-1.amazonaws.com/1/journal-internal-events'] },
      ],
      'a queue that is never made, by the name of the system’s, whose policy is another': [
        /names \S+ in Queues/,
        (r) => {
          const { QueueName } = find(r, 'EventsQueue7').Properties;
          r.Never = { Type: 'AWS::SQS::Queue', Properties: { QueueName }, Condition: 'Never' } as Resource;
          return { Queues: [{ Ref: idOf(r, 'EventsQueue7') }], PolicyDocument: { Statement: [] } };
        },
      ],
      'a queue that the declaration yields': [
        /names \S+ in Queues/,
        { Queues: [{ Ref: 'EventsQueue7396B467' }] },
      ],
    },
    'AWS::CloudWatch::Alarm': {
      'an alarm that invokes a function': [
        /names arn:aws:lambda:\S+ in AlarmActions/,
        { AlarmActions: ['arn:aws:lambda:eu-north-1:000000000000:function:journal-public-summary'] },
      ],
    },
    'AWS::SNS::Subscription': {
      'notices to a function': [/has Protocol lambda, which is not email/, { Protocol: 'lambda' }],
    },
    'AWS::S3::Bucket': {
      'the public let in': [
        /false, which is not true/,
        { PublicAccessBlockConfiguration: { BlockPublicAcls: false } },
      ],
      'a name of the CDK’s': [/takes a name that is the CDK's/, { BucketName: CDK_BUCKET }],
      'a key of another account': [/names arn:aws:kms:\S+ in BucketEncryption/, encrypted(FOREIGN_KEY)],
    },
    'AWS::WAFv2::WebACL': {
      'samples of requests': [/has VisibilityConfig.SampledRequestsEnabled true/, SAMPLED],
      'samples of a rule’s requests': [
        /has Rules\[\].VisibilityConfig.SampledRequestsEnabled true/,
        { Rules: [SAMPLED] },
      ],
      'an answer of its own': [
        /has DefaultAction.\S+, which is not understood/,
        { DefaultAction: answering(200) },
      ],
      'a redirect of a rule': [
        /has Rules\[\].Action.\S+, which is not understood/,
        webAcl({ Action: answering(302) }),
      ],
    },
    'AWS::WAFv2::WebACLAssociation': {
      'a firewall of another account': [
        /names arn:aws:wafv2:\S+ in WebACLArn/,
        { WebACLArn: 'arn:aws:wafv2:eu-north-1:999999999999:regional/webacl/a/b' },
      ],
    },
    'AWS::ApiGateway::BasePathMapping': {
      'a mapping to a host of others': [
        /names shared\.example\.no in DomainName/,
        { DomainName: 'shared.example.no', BasePath: 'journal' },
      ],
      'a mapping to an API by its id': [/names abcdefghij in RestApiId/, { RestApiId: 'abcdefghij' }],
    },
    'AWS::Logs::MetricFilter': {
      'a metric with dimensions': [
        /has MetricTransformations\[\]\.Dimensions\[\]/,
        { MetricTransformations: [{ Dimensions: [{ Key: 'a', Value: '$.a' }] }] },
      ],
      'a figure of AWS’s': [
        /figures that alarms of the system watch/,
        {
          MetricTransformations: [{ MetricNamespace: 'AWS/Lambda', MetricName: 'Errors', MetricValue: '-9' }],
        },
      ],
      'a metric that alarms watch': [
        /figures that alarms of the system watch/,
        { MetricTransformations: [{ MetricNamespace: 'helseid-zones' }] },
      ],
    },
    'AWS::SecretsManager::Secret': {
      'a name that the deploy decides': [/is a client record's/, { Name: { 'Fn::Sub': '${P}/journal' } }],
      'a name of a client’s record': [/is a client record's/, { Name: 'journal/client/another' }],
    },
    'AWS::IAM::Policy': {
      'a policy of a role by another spelling': [
        /name of a policy in a role/,
        { PolicyName: 'OWN', Roles: [], PolicyDocument: { Statement: [] } },
      ],
      'a policy by the name of one in a role': [/name of a policy in a role/, { PolicyName: 'own' }],
    },
    'AWS::KMS::Key': { 'a key that the whole account may use': [/lacks KeyPolicy/, {}] },
    'AWS::ApiGateway::Method': {
      'a method that is no preflight': [/GET, which is not OPTIONS/, preflight('GET', 'MOCK')],
      'a preflight that a function answers': [
        /AWS_PROXY, which is not MOCK/,
        preflight('OPTIONS', 'AWS_PROXY'),
      ],
    },
  };
  it.each<Case>([
    ...Object.entries(NOT).flatMap(([type, cases]) =>
      Object.entries(cases).map(([name, [message, properties]]): Case => [name, message, type, properties]),
    ),
    ...[
      {
        RuleGroupReferenceStatement: { Arn: 'arn:aws:wafv2:eu-north-1:999999999999:regional/rulegroup/a/b' },
      },
      { NotStatement: { Statement: { ManagedRuleGroupStatement: { VendorName: 'Other', Name: 'a' } } } },
      {
        ManagedRuleGroupStatement: {
          VendorName: 'AWS',
          Name: 'a',
          RuleActionOverrides: [{ ActionToUse: answering(302) }],
        },
      },
    ].map(
      (Statement): Case => [
        `an answer of ${Object.keys(Statement)}`,
        /has Rules\[\].Statement\S+, which is not understood/,
        ...(['AWS::WAFv2::WebACL', webAcl({ OverrideAction: { None: {} }, Statement })] as const),
      ],
    ),
    ...['EventsQueue7', 'EventsDeadLetters8'].map(
      (id): Case => [
        `letters that SQS itself moves into ${id}`,
        /names \S+ in RedrivePolicy/,
        'AWS::SQS::Queue',
        (r) => ({
          RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': [idOf(r, id), 'Arn'] }, maxReceiveCount: 1 },
        }),
      ],
    ),
    ...['AWS::CloudWatch::Alarm', 'AWS::CloudWatch::CompositeAlarm'].flatMap((type): Case[] => [
      [
        `${type} by the name of one of the system`,
        /may have, the name of \S+OldestEvent\S*, and would be put in its place/,
        type,
        (r) => ({ AlarmName: find(r, 'AlarmsjournalinternalOldestEvent').Properties.AlarmName }),
      ],
      [
        `${type} whose name the deploy ends`,
        ...([
          /and would be put in its place/,
          type,
          { AlarmName: { 'Fn::Sub': 'journal-internal-${P}' } },
        ] as const),
      ],
    ]),
    ...['{"widgets":[{"type":"\\u0063ustom"}]}', 'custom', '{"widgets":{"a":{"type":"custom"}}}'].map(
      (DashboardBody): Case => [
        `a dashboard of ${DashboardBody}, which may call a function as whoever looks at it`,
        ...([/holds more than figures, logs, alarms and text/, 'AWS::CloudWatch::Dashboard'] as const),
        { DashboardBody },
      ],
    ),
    ...(
      [
        ['AWS::EC2::SecurityGroupIngress', { GroupId: 'sg-0123456789abcdef0', IpProtocol: '-1' }],
        ['AWS::EC2::SecurityGroupEgress', { GroupId: 'sg-0123456789abcdef0', IpProtocol: '-1' }],
        ['AWS::EC2::VPCGatewayAttachment', { VpcId: 'vpc-0123456789abcdef0', InternetGatewayId: 'igw-1' }],
        ['AWS::EC2::SubnetRouteTableAssociation', { SubnetId: 'subnet-1', RouteTableId: 'rtb-1' }],
        [
          'AWS::Route53Resolver::FirewallRuleGroup',
          { FirewallRules: [{ FirewallDomainListId: 'rslvr-fdl-1' }] },
        ],
        ['AWS::Route53Resolver::FirewallRuleGroupAssociation', { VpcId: 'vpc-1', FirewallRuleGroupId: 'a' }],
        ['AWS::ApiGateway::Stage', { RestApiId: 'abc', DeploymentId: 'abc' }],
        ['AWS::Lambda::Permission', { FunctionName: 'journal-internal-worker', Principal: '*' }],
        ['AWS::SecretsManager::ResourcePolicy', { SecretId: 'journal/client/journal' }],
      ] as const
    ).map(([type, properties]): Case => [`${type} by an id`, /is not understood/, type, properties]),
  ])('%s is not', (_, message, type, properties) => {
    expect(judged(type, properties)).toContainEqual(expect.stringMatching(message));
  });

  it('also where another addition has the same construct path', () => {
    const changed = withTemplate(oneClient, STACKS.internal, (r) => {
      r.First = { Type: 'AWS::SQS::Queue', Properties: {} };
      r.Second = { Type: 'AWS::SQS::Queue', Properties: { Unknown: 1 } };
    });
    const stacks = changed.stacks.map((one) => ({
      ...one,
      constructPaths: new Map([...one.constructPaths, ['First', 'a'], ['Second', 'a']]),
    }));
    const input = readInput(resolveAssembly({ stacks }), system, compareWithDerived({ stacks }, derived));
    expect(additionsAreUnderstood.check(input)).toHaveLength(1);
  });

  it('also in the second of two stacks of one name', () => {
    const [usual] = oneClient.stacks;
    if (usual === undefined) throw new Error('no stack');
    const more = (Type: string) => ({
      ...usual,
      name: 'more',
      template: { Resources: { A: { Type, Properties: {} } } },
      uploads: [],
    });
    const stacks = [...oneClient.stacks, more('AWS::CloudWatch::Alarm'), more('AWS::IAM::User')];
    const input = readInput(resolveAssembly({ stacks }), system, compareWithDerived({ stacks }, derived));
    const messages = additionsAreUnderstood.check(input).map(({ message }) => message);
    expect(messages).toContainEqual(expect.stringMatching(/is a AWS::IAM::User/));
  });

  it('also under a condition that only the deploy decides', () => {
    expect(judged('AWS::IAM::Role', {}, { Condition: 'Maybe' })).toHaveLength(1);
  });
});

function policiesOf(r: Template): Changeable[] {
  return find(r, 'workerRole', 'IAM::Role').Properties.Policies as Changeable[];
}
