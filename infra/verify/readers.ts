import { type JsonObject, objectOf, parseJson } from '../proof/assembly/json.ts';
import { at, ifThere, items, type Live, one, type Read } from './live.ts';
import { NETWORK } from './read-network.ts';

/** Every role and policy of the account. */
const identities = (live: Live) =>
  live('iam', 'GetAccountAuthorizationDetails', { Filter: ['Role', 'LocalManagedPolicy'], MaxItems: 1000 });

const LAMBDA = '/2015-03-31/functions';
const SOURCES = '/2015-03-31/event-source-mappings';

/** A part of an API that has a path of its own below it. */
const ofApi =
  (part: string): Read =>
  (id, live, { RestApiId }) =>
    live('apigateway', `/restapis/${RestApiId}/${part}/${id}`);

/** Names of a list's objects. */
const names = (list: unknown, member: string) => items(list).map((of) => of[member]);

/** How each type is read. */
export const READERS: Readonly<Record<string, Read>> = {
  ...NETWORK,
  async 'AWS::IAM::Role'(id, live) {
    const role = one((await identities(live)).RoleDetailList, 'RoleName', id);
    return (
      role && {
        ...role,
        Policies: role.RolePolicyList,
        PermissionsBoundary: at(role, 'PermissionsBoundary', 'PermissionsBoundaryArn'),
        ManagedPolicyArns: names(role.AttachedManagedPolicies, 'PolicyArn'),
      }
    );
  },
  async 'AWS::IAM::ManagedPolicy'(id, live) {
    const policy = one((await identities(live)).Policies, 'Arn', id);
    const version = one(policy?.PolicyVersionList, 'IsDefaultVersion', 'true');
    return policy && { ...policy, PolicyDocument: version?.Document };
  },
  async 'AWS::Lambda::Function'(id, live, { DeployedAt, OwnPolicy }) {
    const about = (path: string) => ifThere(live('lambda', path));
    const { Configuration, Concurrency } = await live('lambda', `${LAMBDA}/${id}`);
    const { LastModified, ...configuration } = objectOf(Configuration);
    // One of its own is compared whole, for itself.
    const policy = OwnPolicy ? {} : parseJson((await about(`${LAMBDA}/${id}/policy`))?.Policy);
    const sources = await live('lambda', `${SOURCES}/`, { FunctionName: id });
    const changed = Date.parse(String(LastModified)) > Date.parse(String(DeployedAt));
    return {
      ...configuration,
      ReservedConcurrentExecutions: at(Concurrency, 'ReservedConcurrentExecutions'),
      Permissions: items(at(policy, 'Statement')).map(({ Sid: _, Resource: __, ...of }) => ({
        Statement: of,
      })),
      EventSourceMappings: names(sources.EventSourceMappings, 'UUID'),
      ChangedSince: changed ? LastModified : undefined,
      AsyncDestinations: (await about(`/2019-09-25/functions/${id}/event-invoke-config`))?.DestinationConfig,
      FunctionUrl: (await about(`/2021-10-31/functions/${id}/url`))?.FunctionUrl,
    };
  },
  async 'AWS::Lambda::ResourcePolicy'(_, live, { ResourceArn }) {
    const path = `/2026-07-09/resource-policy/${encodeURIComponent(String(ResourceArn))}`;
    return { ResourceArn, PolicyDocument: (await live('lambda', path)).Policy };
  },
  async 'AWS::Lambda::EventSourceMapping'(id, live) {
    const of = await live('lambda', `${SOURCES}/${id}`);
    const stopped = /^Disabl/.test(String(of.State)) ? of.State : undefined;
    return { ...of, FunctionName: String(of.FunctionArn).split(':').at(-1), Stopped: stopped };
  },
  async 'AWS::KMS::Key'(KeyId, live) {
    const { KeyMetadata } = await live('kms', 'DescribeKey', { KeyId });
    const { Grants } = await live('kms', 'ListGrants', { KeyId });
    return {
      ...objectOf(KeyMetadata),
      KeyPolicy: (await live('kms', 'GetKeyPolicy', { KeyId, PolicyName: 'default' })).Policy,
      EnableKeyRotation: (await live('kms', 'GetKeyRotationStatus', { KeyId })).KeyRotationEnabled,
      // Services that encrypt with a key have grants for it.
      Grants: items(Grants).filter((of) => !/\.amazonaws\.com$/.test(String(of.GranteePrincipal))),
      Disabled: at(KeyMetadata, 'Enabled') === true ? undefined : at(KeyMetadata, 'KeyState'),
    };
  },
  async 'AWS::SecretsManager::Secret'(SecretId, live) {
    const of = await live('secretsmanager', 'DescribeSecret', { SecretId });
    const { RotationLambdaARN, RotationRules, RotationEnabled, DeletedDate } = of;
    const Policy = (await live('secretsmanager', 'GetResourcePolicy', { SecretId })).ResourcePolicy;
    const Rotation = RotationEnabled === true ? { RotationLambdaARN, RotationRules } : undefined;
    return DeletedDate ? undefined : { ...of, Policy, Rotation };
  },
  async 'AWS::DynamoDB::Table'(TableName, live) {
    const of = objectOf((await live('dynamodb', 'DescribeTable', { TableName })).Table);
    const { TimeToLiveDescription } = await live('dynamodb', 'DescribeTimeToLive', { TableName });
    const [ttl, sse] = [objectOf(TimeToLiveDescription), objectOf(of.SSEDescription)];
    const policy = await ifThere(live('dynamodb', 'GetResourcePolicy', { ResourceArn: of.TableArn }));
    return {
      ...of,
      Policy: policy?.Policy,
      BillingMode: at(of, 'BillingModeSummary', 'BillingMode'),
      SSESpecification: { ...sse, KMSMasterKeyId: sse.KMSMasterKeyArn, SSEEnabled: sse.Status === 'ENABLED' },
      TimeToLiveSpecification: { ...ttl, Enabled: /^ENABL/.test(String(ttl.TimeToLiveStatus)) },
    };
  },
  async 'AWS::Logs::LogGroup'(logGroupName, live) {
    const { LogGroups } = await live('logs', 'DescribeLogGroups', { logGroupNamePrefix: logGroupName });
    const group = one(LogGroups, 'LogGroupName', logGroupName);
    if (!group) return undefined;
    const sent = await live('logs', 'DescribeSubscriptionFilters', { logGroupName });
    // Without what AWS says of each: whatever else a filter has narrows or leads elsewhere what is sent.
    const SubscriptionFilters = items(sent.SubscriptionFilters).map((filter) => {
      const { CreationTime: _, FilterName: __, LogGroupName: ___, ...of } = filter;
      const { Distribution, ApplyOnTransformedLogs, ...always } = of;
      return {
        ...always,
        ...(Distribution === 'ByLogStream' ? {} : { Distribution }),
        ...(ApplyOnTransformedLogs === true ? { ApplyOnTransformedLogs } : {}),
      };
    });
    return { ...group, SubscriptionFilters };
  },
  async 'AWS::SQS::Queue'(QueueUrl, live) {
    const asked = { QueueUrl, AttributeNames: ['All'] };
    const of = objectOf((await live('sqs', 'GetQueueAttributes', asked)).Attributes);
    return { ...of, QueueName: String(of.QueueArn).split(':').at(-1) };
  },
  async 'AWS::SNS::Topic'(TopicArn, live) {
    const { Attributes } = await live('sns', 'GetTopicAttributes', { TopicArn });
    return Object.fromEntries(items(Attributes).map(({ key, value }) => [key, value]));
  },
  // An archive has a rule too.
  'AWS::Events::EventBus': async (Name, live) => ({
    ...(await live('events', 'DescribeEventBus', { Name })),
    Rules: names((await live('events', 'ListRules', { EventBusName: Name })).Rules, 'Name'),
  }),
  async 'AWS::Events::Rule'(id, live) {
    // On a bus of one's own, CloudFormation calls a rule by both names.
    const [Rule = id, ...bus] = id.split('|').reverse();
    const of = { ...(bus.length === 0 ? {} : { EventBusName: bus[0] }) };
    const rule = await live('events', 'DescribeRule', { Name: Rule, ...of });
    const targets = await live('events', 'ListTargetsByRule', { Rule, ...of });
    return { ...rule, ...targets, Stopped: rule.State === 'ENABLED' ? undefined : rule.State };
  },
  async 'AWS::CloudWatch::Alarm'(id, live) {
    const { MetricAlarms } = await live('monitoring', 'DescribeAlarms', { AlarmNames: [id] });
    const of = one(MetricAlarms, 'AlarmName', id);
    const muted = of?.ActionsEnabled === 'true' ? undefined : true;
    return of && { ...of, Threshold: Number(of.Threshold), Muted: muted };
  },
  'AWS::ApiGateway::RestApi': readApi,
  'AWS::ApiGateway::RequestValidator': ofApi('requestvalidators'),
  'AWS::ApiGateway::Deployment': ofApi('deployments'),
  async 'AWS::ApiGateway::Stage'(id, live, { RestApiId }) {
    const of = await live('apigateway', `/restapis/${RestApiId}/stages/${id}`);
    // Settings are by path and verb, `*/*` where the template says `/*` and `*`.
    const settings = Object.entries(objectOf(of.MethodSettings)).map(([key, setting]) => {
      const [path, verb] = key.split(/\/(?=[^/]*$)/);
      return { ...objectOf(setting), HttpMethod: verb, ResourcePath: `/${path?.replaceAll('~1', '/')}` };
    });
    const log = objectOf(of.AccessLogSettings);
    // The template's ARN of a log group ends with `:*`, and API Gateway keeps it without.
    const destination = `${String(log.DestinationArn).replace(/:\*$/, '')}:*`;
    return {
      ...of,
      MethodSettings: settings,
      AccessLogSetting: { ...log, DestinationArn: destination },
      Cached: of.CacheClusterEnabled === true ? true : undefined,
    };
  },
  'AWS::ApiGateway::Account': async (_, live) => ({
    CloudWatchRoleArn: (await live('apigateway', '/account')).CloudwatchRoleArn,
  }),
};

/** An API with its methods and its own responses, by name. */
async function readApi(id: string, live: Live): Promise<JsonObject> {
  const list = async (part: string, input: JsonObject = {}) =>
    items((await live('apigateway', `/restapis/${id}/${part}`, { limit: 500, ...input })).Item);
  const methods = (await list('resources', { embed: 'methods' })).flatMap(({ Path, ResourceMethods }) =>
    Object.entries(objectOf(ResourceMethods)).map(([verb, method]) => {
      const of = objectOf(at(method, 'MethodIntegration'));
      const Integration = { ...of, IntegrationHttpMethod: of.HttpMethod };
      return [`${verb} ${Path}`, { ...objectOf(method), Integration }];
    }),
  );
  const own = (await list('gatewayresponses')).filter(({ DefaultResponse }) => DefaultResponse !== true);
  return {
    ...(await live('apigateway', `/restapis/${id}`)),
    Stages: names((await live('apigateway', `/restapis/${id}/stages`)).Item, 'StageName'),
    Methods: Object.fromEntries(methods),
    GatewayResponses: Object.fromEntries(own.map(({ ResponseType, ...of }) => [ResponseType, of])),
  };
}
