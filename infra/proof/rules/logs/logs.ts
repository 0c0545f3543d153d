import { type JsonObject, objectOf } from '../../assembly/json.ts';
import { SIGNING } from '../../assembly/network.ts';
import { resourcesOfType } from '../../assembly/resolve.ts';
import { awsManagedActions } from '../../policy/world/build.ts';
import { isOther, NO_ZONE } from '../actors.ts';
import { ask } from '../ask.ts';
import { actionsOf, type CapabilityRule, capabilityRule, SHARED_BOUNDARY } from '../capability.ts';
import { isKept, type Rule, resourceRule, wordsOf } from '../rule.ts';
import { everyOf, ownKey, resourcesOfZone } from '../targets.ts';
import { trustedServices } from '../trust.ts';

/** What a function does to write its log. */
const WRITES = ['logs:CreateLogStream', 'logs:PutLogEvents'];

/** A role writes the logs of its own zone only, and reads none. */
export const logsAreOwn: CapabilityRule = capabilityRule({
  name: 'logs-are-own',
  invariant: 'I7',
  title: 'A role writes the logs of its own zone only, and reads none.',
  actions: actionsOf({
    logs: `CreateLogGroup CreateLogStream DescribeLogGroups DescribeLogStreams FilterLogEvents GetLogEvents
      GetLogRecord GetQueryResults PutLogEvents StartLiveTail StartQuery TagResource Unmask`,
  }),
  allows: ({ zone, role, region }, { declaration, assembly }) => {
    // API Gateway takes the account's role only when it may do all of this everywhere; API Gateway alone can become it.
    const accounts = resourcesOfType(assembly, 'AWS::ApiGateway::Account');
    const ofGateway =
      trustedServices(role)?.every((service) => service === 'apigateway.amazonaws.com') &&
      accounts.some(({ properties }) => properties.CloudWatchRoleArn === role.arn);
    if (ofGateway) {
      const actions = awsManagedActions('service-role/AmazonAPIGatewayPushToCloudWatchLogs') ?? [];
      return [{ actions, resources: [everyOf('logs')], requires: [] }];
    }
    if (zone === NO_ZONE) return [];
    const group = `arn:aws:logs:${region}:${role.account}:log-group:/${declaration.name}/${zone}/*:*`;
    return [{ actions: ['logs:DescribeLogStreams', ...WRITES], resources: [group], requires: [] }];
  },
  remedy: 'Name the log group of the function itself.',
});

/** What of a zone has a log of its own: the log, and the role that writes it, if that is one of the zone. */
const LOGGED: Readonly<Record<string, (properties: JsonObject) => readonly unknown[]>> = {
  'AWS::Lambda::Function': ({ LoggingConfig, Role }) => [objectOf(LoggingConfig).LogGroup, Role],
  'AWS::EC2::FlowLog': ({ LogGroupName, DeliverLogsPermissionArn: by }) => [LogGroupName, by],
  'AWS::ApiGateway::Stage': ({ AccessLogSetting: to }) => [objectOf(to).DestinationArn],
};

/** What a zone adds to its logs it shares; what is a function's, a network's or an API's own nobody else may forge or flood. */
export const logsAreWrittenByOwn: CapabilityRule = capabilityRule({
  name: 'logs-are-written-by-own',
  invariant: 'I7',
  title:
    'The log of a function, a network or an API is written by what it is the log of, and by no other role.',
  actions: WRITES,
  on: (input, { zone, role }) => {
    const logged = resourcesOfZone(input, zone, Object.keys(LOGGED));
    const logs = logged.map(({ type, properties }) => LOGGED[type]?.(properties) ?? []);
    return resourcesOfZone(input, zone, ['AWS::Logs::LogGroup']).flatMap(({ arn = '', physicalId }) => {
      const writers = logs.flatMap(([log, by]) => (log === physicalId || log === arn ? [by] : []));
      return writers.length === 0 || writers.includes(role.arn) ? [] : [arn];
    });
  },
  alone: () => SHARED_BOUNDARY,
  remedy: 'Name the log group of the function itself, and of no other.',
});

/** Fields of API Gateway's access log that hold ids, states, sizes and times only. Another may hold tokens, cookies, claims or what a path or query names. */
const FIELDS = wordsOf(`
  error.responseType extendedRequestId httpMethod identity.accountId integration.latency integration.status integrationLatency
  integrationStatus requestId requestTime requestTimeEpoch resourcePath responseLatency responseLength status xrayTraceId
`).map((name) => `$context.${name}`);

/** No setting makes a log hold tokens, bodies, addresses or persons. */
export const logsHoldNoTokens: Rule = resourceRule({
  name: 'logs-hold-no-tokens',
  invariant: 'I7',
  title: 'No access log of an API holds tokens, addresses or persons.',
  of: ['AWS::ApiGateway::Stage'],
  problems: ({ properties }) => {
    const fields = String(objectOf(properties.AccessLogSetting).Format).match(/\$[!\w.{}]*/g) ?? [];
    return fields.map((field) => !FIELDS.includes(field) && `has ${field} in its access log`);
  },
  path: ({ constructPath }) => ['what requests carry', constructPath, 'its log'],
  remedy: 'Log ids, states and times only.',
});

/** As infra/constructs/signer.ts keeps it: somebody asks about a year that is over. */
const AUDIT_DAYS = 400;

/** The audit of signatures outlives the stack, and leaves the account as declared. Where each function logs to, encrypted and until when, properties-are-understood says. */
export const logsAreKept: Rule = resourceRule({
  name: 'logs-are-kept',
  invariant: 'I7',
  title:
    'Every function may write its log, whatever else is denied; the audit of signatures, and the key that it is encrypted with, outlive their stack; its lines, all of them and no others, are sent where `audit.export` says, in an account that is none of the system’s.',
  of: ['AWS::Logs::LogGroup'],
  problems: (group, input) => {
    const writers = resourcesOfType(input.assembly, 'AWS::Lambda::Function').filter(
      ({ properties }) => objectOf(properties.LoggingConfig).LogGroup === group.physicalId,
    );
    const isAudit = writers.some(({ zone }) => zone === SIGNING);
    const key = ownKey(group, group.properties.KmsKeyId, input);
    const sent = resourcesOfType(input.assembly, 'AWS::Logs::SubscriptionFilter')
      .filter(({ properties }) => properties.LogGroupName === group.physicalId)
      .map(({ properties: { DestinationArn: to, FilterPattern: of } }) => (of === '' ? to : `${to} in part`))
      .join(' and ');
    const declared = isAudit ? (input.declaration.audit?.export ?? '') : '';
    const near = input.assembly.stacks.some(
      (stack) => !isOther(input.declaration, stack) && declared.split(':')[4] === stack.account,
    );
    const silenced = input.actors.filter(
      (actor) =>
        writers.some(({ properties }) => properties.Role === actor.role.arn) &&
        WRITES.some((action) => ask(actor, action, group.arn ?? '').verdict !== 'always'),
    );
    return [
      isAudit && !(isKept(group) && isKept(key ?? group)) && 'is an audit that goes with its stack',
      isAudit &&
        !(Number(group.properties.RetentionInDays) >= AUDIT_DAYS) &&
        `is an audit that is not kept for ${AUDIT_DAYS} days`,
      String(key?.properties.Enabled ?? true) !== 'true' &&
        'is encrypted with a key that is switched off, so nothing is written',
      // Of lines of another class CloudWatch takes no figures, and so no alarm rings.
      writers.length > 0 &&
        String(group.properties.LogGroupClass ?? 'STANDARD') !== 'STANDARD' &&
        'is of a class whose lines give no figures',
      sent !== declared && `goes to ${sent || 'nobody'}, and is declared for ${declared || 'nobody'}`,
      near &&
        `goes to ${declared}, in an account of the system, whose administrators could change both records`,
      ...silenced.map(({ name }) => `can’t always be written by ${name}, whose log it is`),
    ];
  },
  remedy:
    'Keep the group of a signer and its key (DeletionPolicy RetainExceptOnCreate, UpdateReplacePolicy Retain), and deny no function its log; say in zones.ts (audit.export) where else it goes.',
});
