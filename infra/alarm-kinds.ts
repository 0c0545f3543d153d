import { METRICS_NAMESPACE } from '@helseid-zones/protocol/names';
import { type AlarmSpec, KEY_METRICS, type Urgency } from '../functions/key-watch/metrics.ts';

/** A figure, when it rings, and what that means. */
export interface AlarmKind {
  urgency: Urgency;
  namespace: string;
  metric: string;
  /** What to do, for the alarm's description; docs/operating.md says more. */
  meaning: string;
  alarm: AlarmSpec;
}

/** So many in five minutes, or more; no figure is a good one. */
const fiveMinutes = (statistic: AlarmSpec['statistic'], atLeast = 1): AlarmSpec => ({
  comparisonOperator: 'GreaterThanThreshold',
  threshold: atLeast - 1,
  ...{ statistic, period: 300, evaluationPeriods: 1, treatMissingData: 'notBreaching' },
});

/** Whatever lies in a queue that only failures lead to. SQS tells of a queue while anything is in it. */
const letters = {
  namespace: 'AWS/SQS',
  metric: 'ApproximateNumberOfMessagesVisible',
  alarm: fiveMinutes('Maximum'),
};

/**
 * What rings beside the metrics of keys (`KEY_METRICS`), with the names that AWS documents for its metrics, and the signers' own
 * (`functions/signer/audit.ts`). The infrastructure makes one of each queue, gateway and signer; docs/operating.md has a row
 * for each.
 * {@link https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html}
 * {@link https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html}
 * {@link https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html}
 * {@link https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html}
 * {@link https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html}
 * {@link https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/monitoring-resolver-dns-firewall-with-cloudwatch.html}
 */
export const ALARMS = {
  DeadLetters: {
    urgency: 'ticket',
    ...letters,
    meaning: 'Events failed five times. Read why, mend it, and npm run redrive -- ZONE.',
  },
  UndeliveredEvents: {
    urgency: 'ticket',
    ...letters,
    meaning: 'EventBridge could not queue events. Mend the queue or its key, and npm run redrive -- ZONE.',
  },
  OldestEvent: {
    urgency: 'page',
    ...{ namespace: 'AWS/SQS', metric: 'ApproximateAgeOfOldestMessage', alarm: fiveMinutes('Maximum', 1800) },
    meaning:
      'A message waits for half an hour: its function does not keep up, or does not run. Read the end of its log.',
  },
  GatewayErrors: {
    urgency: 'page',
    ...{ namespace: 'AWS/ApiGateway', metric: '5XXError', alarm: fiveMinutes('Sum', 5) },
    meaning:
      'Callers of this zone get 5xx: 500 is ours, 502 to 504 the issuer or an API. Read the log of the gateway.',
  },
  FunctionErrors: {
    urgency: 'ticket',
    ...{ namespace: 'AWS/Lambda', metric: 'Errors', alarm: fiveMinutes('Sum') },
    meaning:
      'A signer or a scheduled function crashed or ran out of time or memory. Read the end of its log.',
  },
  AsyncEventsDropped: {
    urgency: 'ticket',
    ...{ namespace: 'AWS/Lambda', metric: 'AsyncEventsDropped', alarm: fiveMinutes('Sum') },
    meaning:
      'Lambda gave up what a schedule started: two tries failed, or the function has no concurrency. npm run verify.',
  },
  Throttles: {
    urgency: 'ticket',
    ...{ namespace: 'AWS/Lambda', metric: 'Throttles', alarm: fiveMinutes('Sum', 10) },
    meaning:
      'A signer is asked for more at a time than signerConcurrency, or the account has left: raise it, or find out what asks.',
  },
  SignatureFailures: {
    urgency: 'page',
    ...{ namespace: METRICS_NAMESPACE, metric: 'Failed', alarm: fiveMinutes('Sum', 5) },
    meaning:
      'A signer can not sign what it may: KMS, the record or the key. Read reason in its log; npm run keys.',
  },
  RefusedIntents: {
    urgency: 'page',
    ...{ namespace: METRICS_NAMESPACE, metric: 'Refused', alarm: fiveMinutes('Sum') },
    meaning:
      'A zone asked its signer for what its grant does not allow: two deploys that differ, or somebody is in the zone.',
  },
  KmsThrottled: {
    urgency: 'ticket',
    ...{ namespace: METRICS_NAMESPACE, metric: 'Throttled', alarm: fiveMinutes('Sum') },
    meaning:
      'KMS throttles a signer: the quota of the account is used up, by it or by others. Find out what asks.',
  },
  KmsSlow: {
    urgency: 'ticket',
    ...{ namespace: METRICS_NAMESPACE, metric: 'KmsLatency' },
    alarm: { ...fiveMinutes('Maximum', 1001), evaluationPeriods: 3 },
    meaning:
      'For a quarter of an hour some signatures of KMS took over a second: look at the AWS Health Dashboard.',
  },
  TableThrottles: {
    urgency: 'ticket',
    ...{ namespace: 'AWS/DynamoDB', metric: 'WriteThrottleEvents', alarm: fiveMinutes('Sum') },
    meaning: 'DynamoDB throttles a table of this zone: find out what writes so much.',
  },
  FailedInvocations: {
    urgency: 'ticket',
    ...{ namespace: 'AWS/Events', metric: 'FailedInvocations', alarm: fiveMinutes('Sum') },
    meaning: 'A schedule could not start its function: what it was to do is not done. npm run verify.',
  },
  TokenFailures: {
    urgency: 'ticket',
    ...{ namespace: METRICS_NAMESPACE, metric: 'TokenFailures', alarm: fiveMinutes('Sum', 5) },
    meaning:
      'A zone gets no tokens for this client: the figure by cause says whether issuer, signer or registration.',
  },
  InvalidClient: {
    urgency: 'page',
    ...{ namespace: METRICS_NAMESPACE, metric: 'InvalidClient', alarm: fiveMinutes('Sum') },
    meaning:
      'The issuer refuses the key that the record calls current: nothing works for this client. npm run keys.',
  },
  ClockDifference: {
    urgency: 'ticket',
    ...{ namespace: METRICS_NAMESPACE, metric: 'ClockDifference', alarm: fiveMinutes('Maximum', 3) },
    meaning:
      'The clocks of issuer and function differ by seconds: at eight, all that is signed is refused. Whose is off?',
  },
  Replays: {
    urgency: 'ticket',
    ...{ namespace: METRICS_NAMESPACE, metric: 'Replays', alarm: fiveMinutes('Sum', 5) },
    meaning:
      'Callers use proofs twice: a client that repeats its requests, or somebody has taken them on the way.',
  },
  MemoryUsed: {
    urgency: 'ticket',
    ...{ namespace: METRICS_NAMESPACE, metric: 'MemoryUsed', alarm: fiveMinutes('Maximum', 90) },
    meaning: 'A function uses most of its memory (percent): the lines MemoryUsed name it. Raise memory.',
  },
  DurationUsed: {
    urgency: 'ticket',
    ...{ namespace: 'AWS/Lambda', metric: 'Duration', alarm: fiveMinutes('Maximum', 80) },
    meaning:
      'A function ran for most of the time it has (percent of timeout): read its log, or raise timeout.',
  },
  BlockedNames: {
    urgency: 'page',
    ...{ namespace: 'AWS/Route53Resolver', metric: 'FirewallRuleQueryVolume', alarm: fiveMinutes('Sum') },
    meaning:
      'Something in this network asked for a name that is not declared: a library that phones home, or somebody is in the zone.',
  },
} as const satisfies Record<string, AlarmKind>;

/** Name of a figure that rings. */
export type AlarmName = keyof typeof ALARMS | keyof typeof KEY_METRICS;

/** Names of all figures that ring. */
export const ALARM_NAMES = [...Object.keys(ALARMS), ...Object.keys(KEY_METRICS)] as readonly AlarmName[];

/** Where a person reads on, in this repository. */
const RUNBOOKS = { own: 'docs/operating.md#alarms', keys: 'docs/keys.md#watching' };

/**
 * A figure and its alarm in a system, with the threshold that the declaration gives it: it rings at so many or more, `DaysToExpiry` at
 * fewer days. `unit` is one of what the threshold counts, in the metric's own unit (default 1). `description` says whether it can wait, what
 * it means, and where its runbook is.
 */
export function alarmOn(
  name: AlarmName,
  { alarms = {} }: { alarms?: Partial<Record<AlarmName, number>> },
  unit = 1,
) {
  const isKeys = Object.hasOwn(KEY_METRICS, name);
  const of = { namespace: METRICS_NAMESPACE, metric: name, ...{ ...ALARMS, ...KEY_METRICS }[name] };
  const { namespace, metric, urgency, meaning } = of;
  const alarm: AlarmSpec = of.alarm;
  const below = alarm.comparisonOperator === 'LessThanThreshold';
  const given = alarms[name] ?? (below ? alarm.threshold : alarm.threshold + 1);
  const threshold = below ? given : given * unit - 1;
  const description = `${urgency === 'page' ? 'Page' : 'Ticket'}: ${meaning} (${RUNBOOKS[isKeys ? 'keys' : 'own']})`;
  return { namespace, metric, alarm: { ...alarm, threshold }, description };
}
