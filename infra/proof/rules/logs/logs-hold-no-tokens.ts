import { listOf, objectOf, stringOf } from '../../assembly/json.ts';
import type { ResolvedResource } from '../../assembly/resolve.ts';
import { type Rule, violationsOf } from '../rule.ts';

/** Fields of API Gateway's access log that may hold tokens, cookies, claims or what a path or query names. */
const FIELDS =
  /\$(context\.(authorizer|identity\.(cognito|user|sourceIp)|path|requestOverride|responseOverride|authorize\.error|webSocket)|input|request|stageVariables)/;

/** Variables of Powertools that log whole events or results. */
const VARIABLES = ['POWERTOOLS_LOGGER_LOG_EVENT', 'POWERTOOLS_TRACER_CAPTURE_RESPONSE', 'POWERTOOLS_DEV'];

/** By type, what makes its logs hold what no log may. */
const PROBLEMS: Readonly<Record<string, (properties: ResolvedResource['properties']) => string[]>> = {
  'AWS::ApiGateway::Stage': ({ MethodSettings, AccessLogSetting }) => [
    ...listOf(MethodSettings)
      .map(objectOf)
      .filter(({ DataTraceEnabled }) => DataTraceEnabled !== undefined && DataTraceEnabled !== false)
      .map(() => 'logs whole requests and answers (DataTraceEnabled)'),
    ...(FIELDS.exec(stringOf(objectOf(AccessLogSetting).Format) ?? '') ?? [])
      .slice(0, 1)
      .map((field) => `has ${field} in its access log`),
  ],
  'AWS::Lambda::Function': ({ Environment }) =>
    VARIABLES.filter(
      (name) =>
        ![undefined, 'false', '0'].includes(stringOf(objectOf(objectOf(Environment).Variables)[name])),
    ).map((name) => `logs whole events or answers (${name})`),
};

/** No setting makes a log hold tokens, bodies, addresses or persons. */
export const logsHoldNoTokens: Rule = {
  name: 'logs-hold-no-tokens',
  invariant: 'I7',
  title: 'No setting makes a log hold tokens, bodies, addresses or persons.',
  check: ({ assembly }) =>
    assembly.resources.flatMap(({ type, properties, constructPath }) =>
      violationsOf(PROBLEMS[type]?.(properties) ?? [], {
        resource: constructPath,
        path: ['what requests carry', constructPath, 'its log'],
        remedy: 'Log ids, states and times only.',
      }),
    ),
};
