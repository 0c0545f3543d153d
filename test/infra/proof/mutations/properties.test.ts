import { describe, expect, it } from 'vitest';
import { KEY_ALARMS } from '../../../../infra/alarm-kinds.ts';
import { resolveAssembly } from '../../../../infra/proof/assembly/resolve.ts';
import type { ProofInput } from '../../../../infra/proof/rules/rule.ts';
import { propertiesAreUnderstood } from '../../../../infra/proof/rules/templates/properties.ts';
import { sampled } from '../../../full.ts';
import system from '../../../one-client.zones.ts';
import {
  adds,
  type Change,
  type Changeable,
  dropStatement,
  each,
  find,
  findingsOf,
  mutations,
  sets,
  setsVariables,
  statementsOf,
  type Template,
  withTemplate,
} from '../mutate.ts';
import { oneClient } from '../one-client.ts';

const { stacks } = oneClient;
const resources = stacks.flatMap(({ name, template }) =>
  Object.entries(template.Resources as Template).map(([id, resource]) => ({ stack: name, id, resource })),
);
const ofType = [...new Map(resources.map((one) => [one.resource.Type, one])).values()];
const properties = [
  ...new Map(
    resources.flatMap(({ stack, id, resource }) =>
      Object.entries(resource.Properties ?? {}).map(([property, value]) => [
        `${resource.Type} ${property}`,
        { name: `${resource.Type} ${property}`, stack, id, property, value },
      ]),
    ),
  ).values(),
];

/** What the rule says of a change: it looks at nothing but resources. */
function said(stack: string, change: Change, assembly = oneClient): string {
  const changed = resolveAssembly(withTemplate(assembly, stack, change));
  const input = { assembly: changed, declaration: system } as unknown as ProofInput;
  return propertiesAreUnderstood
    .check(input)
    .map(({ message }) => message)
    .join('\n');
}

const unlessKnown = { Ref: 'AWS::NoValue' };
const set =
  (id: string, property: string, value: unknown): Change =>
  (r) => {
    const holder = r[id]?.Properties ?? {};
    holder[property] = value;
  };

mutations('properties-are-understood', {
  'signing: a resource policy in a log group': sets('SignerpublicjournalLogs', {
    ResourcePolicyDocument: {},
  }),
  'internal: managed instances': sets('workerFunction', { CapacityProviderConfig: {} }),
});

mutations('zone-functions-are-declared', {
  'public: another table of sessions': setsVariables('login', { SESSION_TABLE: 'journal-internal-x' }),
});

mutations('events-are-declared', {
  'internal: events of another source': sets('EventsRule', { EventPattern: { source: ['aws.s3'] } }),
  'internal: events of every source': sets('EventsRule', { EventPattern: { source: [{ prefix: '' }] } }),
  'internal: events of the default bus': (r) => void delete find(r, 'EventsRule').Properties.EventBusName,
  'internal: events that are lost': (r) => void delete find(r, 'EventsQueue7').Properties.RedrivePolicy,
  'admin: events of the account': sets('KeyAlarmshourly', { EventPattern: { source: ['aws.iam'] } }, 'Rule'),
});

const alarms = resources.filter(({ resource }) => resource.Type === 'AWS::CloudWatch::Alarm');
const isOfKeys = ({ resource }: (typeof alarms)[number]) =>
  Object.keys(KEY_ALARMS).some((metric) => resource.Properties['AlarmName'] === `journal-journal-${metric}`);
const WEAKER: Changeable = {
  Threshold: 1e9,
  Period: 86_401,
  EvaluationPeriods: 99,
  Statistic: 'SampleCount',
  TreatMissingData: 'ignore',
  Namespace: 'Elsewhere',
  MetricName: 'Nothing',
  AlarmActions: [],
};

mutations('alarms-ring', {
  'admin: an alarm on no unknown key': sets('KeyAlarmsjournalUnknownKeys', { Threshold: 9 }),
  ...each(
    ['secretsmanager:GetSecretValue', 'kms:DescribeKey', 'kms:Decrypt', 'kms:List*', '*'],
    (Action) => `admin: a key watch that is denied ${Action}`,
    (Action) => (r) =>
      void statementsOf(find(r, 'keywatchRole')).push({ Effect: 'Deny', Action, Resource: '*' }),
  ),
  'admin: a rotation that may not read records before a day that the deploy names': (r) =>
    void statementsOf(find(r, 'Boundaryrotation')).push({
      Effect: 'Deny',
      Action: 'secretsmanager:GetSecretValue',
      Resource: '*',
      Condition: { DateLessThan: { 'aws:CurrentTime': { Ref: 'Day' } } },
    }),
  'admin: a key watch whose endpoint is not for records': (r) =>
    void statementsOf(find(r, 'Networksecretsmanagerendpoint')).splice(0),
  'public: a topic that CloudWatch may not publish to': (r) =>
    dropStatement(find(r, 'AlarmsTopicPolicy'), 'FromAlarms'),
  'public: a topic whose key CloudWatch may not use': (r) => dropStatement(find(r, 'Key', 'Key'), 'Alarms'),
});

describe('alarms-ring', () => {
  it('finds an alarm on a client’s keys that is gone', () => {
    for (const { stack, id } of sampled(alarms.filter(isOfKeys))) {
      const without = withTemplate(oneClient, stack, (r) => void delete r[id]);
      expect(findingsOf('alarms-ring', without), id).not.toEqual([]);
    }
  });

  it(`finds every alarm of ${alarms.length} that is weaker or calls nobody`, () => {
    for (const [index, { stack, id }] of sampled([...alarms.entries()])) {
      const [property = ''] = Object.keys(WEAKER).slice(index % Object.keys(WEAKER).length);
      const changed = withTemplate(oneClient, stack, set(id, property, WEAKER[property]));
      expect(findingsOf('alarms-ring', changed), `${id} ${property}`).not.toEqual([]);
    }
  });
});

describe('what a property can be', () => {
  it(`is not unknown: an object, list or value that the deploy decides is found, of ${properties.length}`, () => {
    for (const { name, stack, id, property, value } of sampled(properties)) {
      const choice = { 'Fn::If': ['Maybe', value, unlessKnown] };
      expect(said(stack, set(id, property, choice)), name).toMatch(/not understood|only the deploy decides/);
    }
  });

  it('is not unknown in one element of a list', () => {
    const lists = properties.filter(({ value }) => Array.isArray(value));
    for (const { name, stack, id, property, value } of sampled(lists)) {
      if (!Array.isArray(value)) continue;
      const list = [...value, { 'Fn::If': ['Maybe', value[0], unlessKnown] }];
      expect(said(stack, set(id, property, list)), name).toMatch(/not understood|only the deploy decides/);
    }
  });

  it('does not lead to what the templates do not have', () => {
    const named = properties.filter(
      ({ property, value }) =>
        /(Id|Ids|Arn|ARN|Topics|Queues|KmsMasterKeyId|KmsKeyIdentifier|^Role)$/.test(property) &&
        property !== 'SourceArn' &&
        JSON.stringify(value).match(/"(Ref|Fn::GetAtt)"/) !== null,
    );
    for (const { name, stack, id, property, value } of sampled(named)) {
      const elsewhere = Array.isArray(value) ? ['elsewhere-0123'] : 'elsewhere-0123';
      expect(said(stack, set(id, property, elsewhere)), name).toMatch(/names elsewhere-0123 in/);
    }
    expect(named.length).toBeGreaterThan(40);
  });

  it('is none that the proof has not thought of', () => {
    for (const { stack, id, resource } of sampled(ofType))
      expect(said(stack, set(id, 'New', { Some: 'thing' })), resource.Type).toMatch(
        /has New\.Some, which is not/,
      );
  });

  it.each<[string, string, Changeable]>([
    ['a cache of answers', 'ApiGateway::Stage', { CacheClusterEnabled: true }],
    ['a canary', 'ApiGateway::Stage', { CanarySetting: { PercentTraffic: 10 } }],
    ['a description of a stage', 'ApiGateway::Deployment', { StageDescription: { CachingEnabled: true } }],
    ['a copy of another API', 'ApiGateway::RestApi', { CloneFrom: 'abcdefghij' }],
    ['a way past the zone', 'ApiGateway::RestApi', { EndpointConfiguration: { VpcEndpointIds: ['vpce-1'] } }],
    ['a source of one’s own', 'Lambda::EventSourceMapping', { SelfManagedEventSource: { Endpoints: {} } }],
    ['failures that go elsewhere', 'Lambda::EventSourceMapping', { DestinationConfig: { OnFailure: {} } }],
    ['filters that drop events', 'Lambda::EventSourceMapping', { FilterCriteria: { Filters: [], Any: 1 } }],
    ['a subscription in a topic', 'SNS::Topic', { Subscription: [{ Protocol: 'https', Endpoint: 'x' }] }],
    ['a topic that logs deliveries', 'SNS::Topic', { DeliveryStatusLogging: [{ Protocol: 'sqs' }] }],
    ['names from a file', 'Route53Resolver::FirewallDomainList', { DomainFileUrl: 's3://a/b' }],
    ['a service network', 'EC2::VPCEndpoint', { ServiceNetworkArn: 'arn:aws:vpc-lattice:::x' }],
    [
      'names that are not private',
      'EC2::VPCEndpoint',
      { DnsOptions: { PrivateDnsOnlyForInboundResolverEndpoint: 'x' } },
    ],
    ['a second range', 'EC2::VPC', { Ipv4IpamPoolId: 'ipam-pool-1' }],
    ['another subnet’s range', 'EC2::Subnet', { OutpostArn: 'arn:aws:outposts:::x' }],
    ['a prefix list', 'EC2::Route', { DestinationPrefixListId: 'pl-1' }],
    ['a way through a peering', 'EC2::Route', { VpcPeeringConnectionId: 'pcx-1' }],
    ['a group by its name', 'EC2::SecurityGroupIngress', { SourceSecurityGroupName: 'default' }],
    ['a prefix list as a source', 'EC2::SecurityGroupIngress', { SourcePrefixListId: 'pl-1' }],
    ['a replica of a table', 'DynamoDB::Table', { ImportSourceSpecification: { S3BucketSource: {} } }],
    ['a stream of a table', 'DynamoDB::Table', { StreamSpecification: { StreamViewType: 'NEW_IMAGE' } }],
    ['a snapshot of memory', 'Lambda::Function', { SnapStart: { ApplyOn: 'PublishedVersions' } }],
    ['instances', 'Lambda::Function', { CapacityProviderConfig: { LambdaManagedInstances: {}, X: 1 } }],
    ['a tenant of a function', 'Lambda::Function', { TenancyConfig: { TenantIsolationMode: 'PER_TENANT' } }],
    ['a layer', 'Lambda::Function', { Layers: ['arn:aws:lambda:eu-north-1:1:layer:x:1'] }],
    ['a version of the code', 'Lambda::Function', { Code: { S3ObjectVersion: '1' } }],
    ['a log of a bus', 'Events::EventBus', { LogConfig: { Level: 'TRACE' } }],
    ['a partner’s events', 'Events::EventBus', { EventSourceName: 'aws.partner/x' }],
    ['a rule as another role', 'Events::Rule', { RoleArn: 'arn:aws:iam::000000000000:role/x' }],
    [
      'a function of AWS',
      'SecretsManager::RotationSchedule',
      { HostedRotationLambda: { RotationType: 'x' } },
    ],
    ['a user of a policy', 'IAM::ManagedPolicy', { Users: ['somebody'] }],
    ['a managed policy', 'IAM::Role', { ManagedPolicyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'] }],
    ['a policy of a log group', 'Logs::LogGroup', { ResourcePolicyDocument: { Version: '2012-10-17' } }],
    ['a flow log elsewhere', 'EC2::FlowLog', { LogDestination: 'arn:aws:s3:::elsewhere' }],
    ['an alarm that is off', 'CloudWatch::Alarm', { ActionsEnabled: false }],
    ['a key of another region', 'KMS::Key', { MultiRegion: true }],
    ['a key that is off', 'KMS::Key', { Origin: 'EXTERNAL' }],
  ])('is not %s', (_, type, more) => {
    const one = ofType.find(({ resource }) => resource.Type === `AWS::${type}`);
    const change: Change = (r) => void Object.assign(r[one?.id ?? '']?.Properties ?? {}, more);
    expect(said(one?.stack ?? '', change)).toMatch(/not understood|which is not|lacks/);
  });
});

describe('what is there', () => {
  it('is there under no condition that the deploy decides', () => {
    for (const { stack, id, resource } of sampled(ofType))
      expect(
        said(stack, (r) => void Object.assign(r[id] ?? {}, { Condition: 'Maybe' })),
        resource.Type,
      ).toMatch(/exists only if the deploy decides so/);
  });

  it('is not what others may rely on under such a condition', () => {
    const hidden = said('journal-zone-public', (r) => {
      Object.assign(find(r, 'Network', 'EC2::VPC'), { Condition: 'Maybe' });
    });
    expect(hidden).toMatch(
      /NameRulesOfVpc names vpc-\w+ in VpcId, which is no AWS::EC2::VPC of its own stack/,
    );
  });
});

/** Each form of a condition that a made-up account, region or id would decide. */
const FORMS: Readonly<Record<string, (pseudo: unknown, value: string) => unknown>> = {
  'equal to what is made up': (pseudo, value) => ({ 'Fn::Equals': [pseudo, value] }),
  'the other way round': (pseudo, value) => ({ 'Fn::Equals': [value, pseudo] }),
  'not equal to it': (pseudo, value) => ({ 'Fn::Not': [{ 'Fn::Equals': [pseudo, value] }] }),
  'within a text': (pseudo, value) => ({
    'Fn::Equals': [{ 'Fn::Join': ['-', ['a', pseudo]] }, `a-${value}`],
  }),
  'one part of it': (pseudo, value) => ({
    'Fn::Equals': [{ 'Fn::Select': [0, { 'Fn::Split': ['.', pseudo] }] }, value.split('.')[0]],
  }),
  'among others': (pseudo, value) => ({
    'Fn::And': [{ 'Fn::Equals': ['a', 'a'] }, { 'Fn::Equals': [pseudo, value] }],
  }),
  'or another': (pseudo, value) => ({
    'Fn::Or': [{ 'Fn::Equals': ['a', 'b'] }, { 'Fn::Not': [{ 'Fn::Equals': [pseudo, value] }] }],
  }),
  'in a map': (pseudo) => ({ 'Fn::Equals': [{ 'Fn::FindInMap': ['Map', pseudo, 'is'] }, 'yes'] }),
};

const MADE_UP: readonly (readonly [name: string, pseudo: unknown, value: string])[] = [
  ['AccountId', { Ref: 'AWS::AccountId' }, '000000000000'],
  ['Region', { Ref: 'AWS::Region' }, 'eu-north-1'],
  ['Partition', { Ref: 'AWS::Partition' }, 'aws'],
  ['URLSuffix', { Ref: 'AWS::URLSuffix' }, 'amazonaws.com'],
  ['StackId', { Ref: 'AWS::StackId' }, 'arn:aws:cloudformation'],
  ['the zones of a region', { 'Fn::Select': [0, { 'Fn::GetAZs': '' }] }, 'eu-north-1a'],
];

describe('nothing that is made up decides', () => {
  const anywhere = { stacks: stacks.map((stack) => ({ ...stack, account: undefined, region: undefined })) };
  const condition = (Decides: unknown) => ({
    stacks: anywhere.stacks.map((stack) => ({
      ...stack,
      template: { ...stack.template, Conditions: { Decides }, Mappings: { Map: MAP } },
    })),
  });
  const MAP = Object.fromEntries(MADE_UP.map(([, , value]) => [value, { is: 'yes' }]));
  const cases = MADE_UP.flatMap(([name, pseudo, value]) =>
    Object.entries(FORMS).map(([form, make]) => ({ name, form, decides: make(pseudo, value) })),
  );
  it.each(sampled(cases))('$name, $form', ({ decides }) => {
    const hides: Change = (r) => {
      adds('AWS::IAM::Role', { RoleName: 'administrator' })(r);
      Object.assign(Object.values(r).at(-1) ?? {}, { Condition: 'Decides' });
      const handler = { 'Fn::If': ['Decides', 'index.handler', 'other.handler'] };
      sets('workerFunction', { Handler: handler })(r);
    };
    const messages = said('journal-zone-internal', hides, condition(decides));
    expect(messages).toMatch(/Added\d+ exists only if the deploy decides so/);
    expect(messages).toMatch(/Handler that only the deploy decides/);
  });
});

describe('a function that no declaration has', () => {
  it.each(Object.keys(system.zones))('is found in zone %s', (zone) => {
    const stack = `journal-zone-${zone}`;
    const changed = withTemplate(
      oneClient,
      stack,
      adds('AWS::Lambda::Function', { FunctionName: `journal-${zone}-guest`, Handler: 'index.handler' }),
    );
    expect(findingsOf('zone-functions-are-declared', changed).map(({ message }) => message)).toContainEqual(
      expect.stringContaining('is no function of the declaration'),
    );
  });
});
