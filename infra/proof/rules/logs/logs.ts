import { listOf, objectOf, stringOf } from '../../assembly/json.ts';
import { SIGNING } from '../../assembly/network.ts';
import { type ResolvedResource, resourcesOfType } from '../../assembly/resolve.ts';
import { NO_ZONE, trustedServices } from '../actors.ts';
import { actionsOf, type CapabilityRule, capabilityRule } from '../capability.ts';
import { isKept, type Problems, type ProofInput, type Rule, resourceRule } from '../rule.ts';
import { everyOf, ownKey, variablesOf } from '../targets.ts';

/** What AWS's own policy for API Gateway's role allows (AmazonAPIGatewayPushToCloudWatchLogs). */
const OF_GATEWAY = actionsOf({
  logs: `
    CreateLogGroup CreateLogStream DescribeLogGroups DescribeLogStreams FilterLogEvents GetLogEvents PutLogEvents
  `,
});

/** A role writes the logs of its own zone only, and reads none. */
export const logsAreOwn: CapabilityRule = capabilityRule({
  name: 'logs-are-own',
  invariant: 'I7',
  title: 'A role writes the logs of its own zone only, and reads none.',
  actions: actionsOf({
    logs: `
      CreateLogGroup CreateLogStream DescribeLogGroups DescribeLogStreams FilterLogEvents GetLogEvents
      GetLogRecord GetQueryResults PutLogEvents StartLiveTail StartQuery TagResource Unmask
    `,
  }),
  allows: ({ zone, role, region }, { declaration, assembly }) => {
    // API Gateway takes the account's role only when it may do all of this everywhere; API Gateway alone can become it.
    const ofGateway =
      trustedServices(role)?.every((service) => service === 'apigateway.amazonaws.com') === true &&
      resourcesOfType(assembly, 'AWS::ApiGateway::Account').some(
        ({ properties }) => properties.CloudWatchRoleArn === role.arn,
      );
    if (ofGateway) return [{ actions: OF_GATEWAY, resources: [everyOf('logs')], requires: [] }];
    if (zone === NO_ZONE) return [];
    const group = `arn:aws:logs:${region}:${role.account}:log-group:/${declaration.name}/${zone}/*:*`;
    return [
      {
        actions: ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
        resources: [group],
        requires: [],
      },
    ];
  },
  remedy: 'Name the log group of the function itself.',
});

/** Fields of API Gateway's access log that may hold tokens, cookies, claims or what a path or query names. */
const FIELDS =
  /\$(context\.(authorizer|identity\.(cognito|user|sourceIp)|path|requestOverride|responseOverride|authorize\.error|webSocket)|input|request|stageVariables)/;

/** Variables of Powertools that log whole events or results. */
const VARIABLES = ['POWERTOOLS_LOGGER_LOG_EVENT', 'POWERTOOLS_TRACER_CAPTURE_RESPONSE', 'POWERTOOLS_DEV'];

/** No setting makes a log hold tokens, bodies, addresses or persons. */
export const logsHoldNoTokens: Rule = resourceRule({
  name: 'logs-hold-no-tokens',
  invariant: 'I7',
  title: 'No setting makes a log hold tokens, bodies, addresses or persons.',
  of: ['AWS::ApiGateway::Stage', 'AWS::Lambda::Function'],
  problems: (resource) => {
    const { MethodSettings, AccessLogSetting } = resource.properties;
    const [field] = FIELDS.exec(stringOf(objectOf(AccessLogSetting).Format) ?? '') ?? [];
    const variables = variablesOf(resource);
    return [
      ...listOf(MethodSettings).map(
        (settings) =>
          (objectOf(settings).DataTraceEnabled ?? false) !== false &&
          'logs whole requests and answers (DataTraceEnabled)',
      ),
      field !== undefined && `has ${field} in its access log`,
      ...VARIABLES.map(
        (name) =>
          ![undefined, 'false', '0'].includes(stringOf(variables[name])) &&
          `logs whole events or answers (${name})`,
      ),
    ];
  },
  path: ({ constructPath }) => ['what requests carry', constructPath, 'its log'],
  remedy: 'Log ids, states and times only.',
});

/**
 * Every function writes to a log group of its own stack, unfiltered; every log group is encrypted with a key of its stack and
 * has an end; the audit of signatures outlives the stack.
 */
export const logsAreKept: Rule = resourceRule({
  name: 'logs-are-kept',
  invariant: 'I7',
  title:
    'Logs go whole to encrypted log groups of their own zone, with an end; the audit of signatures outlives its stack.',
  of: ['AWS::Logs::LogGroup', 'AWS::Lambda::Function', 'AWS::EC2::FlowLog', 'AWS::ApiGateway::Stage'],
  problems: (resource, input) =>
    resource.type === 'AWS::Logs::LogGroup' ? problemsOf(resource, input) : problemsOfWriter(resource, input),
  remedy:
    'Give it a log group with the zone’s key and a retention in days, and LogFormat Text without levels; keep the group of a signer and its key (DeletionPolicy RetainExceptOnCreate).',
});

function problemsOf(group: ResolvedResource, input: ProofInput): Problems {
  const { KmsKeyId, RetentionInDays } = group.properties;
  const isAudit = resourcesOfType(input.assembly, 'AWS::Lambda::Function').some(
    (fn) => fn.zone === SIGNING && destinationOf(fn) === group.physicalId,
  );
  const key = ownKey(group, KmsKeyId, input);
  return [
    !key && 'is not encrypted with a key of its own zone',
    RetentionInDays === undefined && 'keeps its lines for ever',
    isAudit && !isKept(group) && 'holds the audit of signatures and goes with its stack',
    isAudit && key && !isKept(key) && 'holds the audit of signatures, and its key goes with the stack',
  ];
}

function problemsOfWriter(resource: ResolvedResource, { assembly }: ProofInput): Problems {
  const { type, stack } = resource;
  const name = destinationOf(resource);
  const isFunction = type === 'AWS::Lambda::Function';
  const own = resourcesOfType(assembly, 'AWS::Logs::LogGroup').some(
    ({ stack: other, physicalId, arn = '' }) =>
      name !== undefined && other === stack && [physicalId, arn, arn.replace(/:\*$/, '')].includes(name),
  );
  // Lambda filters by level what has the format JSON, which may become the default one day.
  const { LogFormat, ApplicationLogLevel, SystemLogLevel } = objectOf(resource.properties.LoggingConfig);
  const unfiltered =
    LogFormat === 'Text' && ApplicationLogLevel === undefined && SystemLogLevel === undefined;
  return [
    (isFunction || name !== undefined) &&
      !own &&
      `writes its log to ${name ?? 'a group that Lambda makes'}, not to a log group of its own stack`,
    isFunction && !unfiltered && 'may drop lines of its log by their level: its LogFormat is not Text',
  ];
}

/** Name or ARN of the log group that a resource writes to; undefined for none, and for one that nobody named. */
function destinationOf({ properties }: ResolvedResource): string | undefined {
  const { LoggingConfig, LogGroupName, AccessLogSetting } = properties;
  const named = objectOf(LoggingConfig).LogGroup ?? LogGroupName ?? objectOf(AccessLogSetting).DestinationArn;
  return named === undefined ? undefined : String(named);
}
