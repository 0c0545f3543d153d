import { METRICS_NAMESPACE } from '@helseid-zones/protocol/names';
import type { KeyMetricName } from '../functions/key-watch/metrics.ts';

/** An alarm on a metric, in CloudWatch's own terms. */
interface AlarmSpec {
  comparisonOperator: 'LessThanThreshold' | 'GreaterThanThreshold';
  threshold: number;
  statistic: 'Minimum' | 'Maximum' | 'Sum';
  /** Seconds. */
  period: number;
  evaluationPeriods: number;
  /** `missing` where a figure that stays away rings too; not before the first one, so that a fresh deploy is quiet. */
  treatMissingData: 'missing' | 'notBreaching';
}

/** A figure, when it rings, and what that means. */
interface AlarmKind {
  /** Whether somebody is called at once, or looks within days. What the description of an alarm begins with. */
  urgency: 'page' | 'ticket';
  /** Namespace and name (default: ours, and the alarm's name). */
  metric?: readonly [namespace: string, name: string];
  /** What to do, for the alarm's description; docs/operating.md, or docs/keys.md of keys, says more. */
  meaning: string;
  alarm: AlarmSpec;
  /** Of keys: emitted only for clients with a self-service API: no alarm on missing data for others. */
  selfServiceOnly?: true;
}

/** So many in five minutes, or more; no figure is a good one. */
const fiveMinutes = (statistic: AlarmSpec['statistic'], atLeast = 1): AlarmSpec => ({
  comparisonOperator: 'GreaterThanThreshold',
  threshold: atLeast - 1,
  statistic,
  period: 300,
  evaluationPeriods: 1,
  treatMissingData: 'notBreaching',
});

/** Whatever lies in a queue that only failures lead to. SQS tells of a queue while anything is in it. */
const letters: Pick<AlarmKind, 'metric' | 'alarm'> = {
  metric: ['AWS/SQS', 'ApproximateNumberOfMessagesVisible'],
  alarm: fiveMinutes('Maximum'),
};

/**
 * What rings beside the metrics of keys ({@link KEY_ALARMS}), with the names that AWS documents for its metrics, and the signers' own
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
    metric: ['AWS/SQS', 'ApproximateAgeOfOldestMessage'],
    alarm: fiveMinutes('Maximum', 1800),
    meaning:
      'A message waits for half an hour: its function does not keep up, or does not run. Read the end of its log.',
  },
  GatewayErrors: {
    urgency: 'page',
    metric: ['AWS/ApiGateway', '5XXError'],
    alarm: fiveMinutes('Sum', 5),
    meaning:
      'Callers of this zone get 5xx: 500 is ours, 502 to 504 the issuer or an API. Read the log of the gateway.',
  },
  FunctionErrors: {
    urgency: 'ticket',
    metric: ['AWS/Lambda', 'Errors'],
    alarm: fiveMinutes('Sum'),
    meaning:
      'A signer or a scheduled function crashed or ran out of time or memory. Read the end of its log.',
  },
  AsyncEventsDropped: {
    urgency: 'ticket',
    metric: ['AWS/Lambda', 'AsyncEventsDropped'],
    alarm: fiveMinutes('Sum'),
    meaning:
      'Lambda gave up what a schedule started: three tries failed, or the function has no concurrency. npm run verify.',
  },
  Throttles: {
    urgency: 'ticket',
    metric: ['AWS/Lambda', 'Throttles'],
    alarm: fiveMinutes('Sum', 10),
    meaning:
      'A signer is asked for more at a time than signerConcurrency, or the account has left: raise it, or find out what asks.',
  },
  SignatureFailures: {
    urgency: 'page',
    metric: [METRICS_NAMESPACE, 'Failed'],
    alarm: fiveMinutes('Sum', 5),
    meaning:
      'A signer can not sign what it may: KMS, the record or the key. Read reason in its log; npm run keys.',
  },
  RefusedIntents: {
    urgency: 'page',
    metric: [METRICS_NAMESPACE, 'Refused'],
    alarm: fiveMinutes('Sum'),
    meaning:
      'A zone asked its signer for what its grant does not allow: two deploys that differ, or somebody is in the zone.',
  },
  KmsThrottled: {
    urgency: 'ticket',
    metric: [METRICS_NAMESPACE, 'Throttled'],
    alarm: fiveMinutes('Sum'),
    meaning:
      'KMS throttles a signer: the quota of the account is used up, by it or by others. Find out what asks.',
  },
  KmsSlow: {
    urgency: 'ticket',
    metric: [METRICS_NAMESPACE, 'KmsLatency'],
    alarm: { ...fiveMinutes('Maximum', 1001), evaluationPeriods: 3 },
    meaning:
      'For a quarter of an hour some signatures of KMS took over a second: look at the AWS Health Dashboard.',
  },
  TableThrottles: {
    urgency: 'ticket',
    metric: ['AWS/DynamoDB', 'WriteThrottleEvents'],
    alarm: fiveMinutes('Sum'),
    meaning: 'DynamoDB throttles a table of this zone: find out what writes so much.',
  },
  FailedInvocations: {
    urgency: 'ticket',
    metric: ['AWS/Events', 'FailedInvocations'],
    alarm: fiveMinutes('Sum'),
    meaning: 'A schedule could not start its function: what it was to do is not done. npm run verify.',
  },
  TokenFailures: {
    urgency: 'ticket',
    alarm: fiveMinutes('Sum', 5),
    meaning:
      'A zone gets no tokens for this client: the figure by cause says whether issuer, signer or registration.',
  },
  InvalidClient: {
    urgency: 'page',
    alarm: fiveMinutes('Sum'),
    meaning:
      'The issuer refuses the key that the record calls current: nothing works for this client. npm run keys.',
  },
  ClockDifference: {
    urgency: 'ticket',
    alarm: fiveMinutes('Maximum', 3),
    meaning:
      'The clocks of issuer and function differ by seconds: at eight, all that is signed is refused. Whose is off?',
  },
  Replays: {
    urgency: 'ticket',
    alarm: fiveMinutes('Sum', 5),
    meaning:
      'Callers use proofs twice: a client that repeats its requests, or somebody has taken them on the way.',
  },
  MemoryUsed: {
    urgency: 'ticket',
    alarm: fiveMinutes('Maximum', 90),
    meaning: 'A function uses most of its memory (percent): the lines MemoryUsed name it. Raise memory.',
  },
  DurationUsed: {
    urgency: 'ticket',
    metric: ['AWS/Lambda', 'Duration'],
    alarm: fiveMinutes('Maximum', 80),
    meaning:
      'A function ran for most of the time it has (percent of timeout): read its log, or raise timeout.',
  },
  BlockedNames: {
    urgency: 'page',
    metric: ['AWS/Route53Resolver', 'FirewallRuleQueryVolume'],
    alarm: fiveMinutes('Sum'),
    meaning:
      'Something in this network asked for a name that is not declared: a library that phones home, or somebody is in the zone.',
  },
} satisfies Record<string, AlarmKind>;

const HOUR = 3600;
const DAY = 24 * HOUR;
const hourly: AlarmSpec = { ...fiveMinutes('Maximum'), period: HOUR };

/** The alarms on what rotation and key-watch count. The infrastructure makes one of each row for each client. */
export const KEY_ALARMS: Readonly<Record<KeyMetricName, AlarmKind>> = {
  RotationFailed: {
    urgency: 'ticket',
    alarm: { ...hourly, statistic: 'Sum' },
    meaning: 'A step of a rotation failed; it is tried again. Read the reason in the log of rotation.',
  },
  RotationStuck: {
    urgency: 'ticket',
    alarm: { ...hourly, evaluationPeriods: 2 },
    meaning: 'A rotation has not come through for hours: npm run keys shows how far it is.',
  },
  UnknownKeys: {
    // Four hours without the figure: nobody is looking. The alarm is in INSUFFICIENT_DATA then, as it is before the first.
    urgency: 'page',
    alarm: { ...hourly, treatMissingData: 'missing', period: 4 * HOUR },
    meaning: 'HelseID lists a key that is not ours: somebody may be the client. Act at once (docs/keys.md).',
    selfServiceOnly: true,
  },
  SurplusKeys: {
    urgency: 'ticket',
    alarm: { ...hourly, evaluationPeriods: 3 },
    meaning:
      'More keys than expected, in KMS outside the record or at HelseID long after retirement (KEY_OUTSIDE_RECORD names the first after two days).',
  },
  WatchFailed: {
    urgency: 'ticket',
    alarm: { ...hourly, evaluationPeriods: 3, treatMissingData: 'missing' },
    meaning:
      'A check of the keys has failed for three hours, or none was made: read WATCH_FAILED in the log of key-watch; most likely the self-service API does not answer.',
  },
  DaysToExpiry: {
    urgency: 'ticket',
    meaning: 'The current key expires at HelseID soon, and rotation has not replaced it.',
    selfServiceOnly: true,
    alarm: {
      ...hourly,
      period: DAY,
      statistic: 'Minimum',
      comparisonOperator: 'LessThanThreshold',
      threshold: 30,
    },
  },
  PolicyDrift: {
    urgency: 'page',
    alarm: hourly,
    meaning: 'A key policy is not the one the infrastructure renders: npm run keys -- policy CLIENT.',
  },
  KeysNotUsable: {
    // Where it is the current one, signatures fail, which pages.
    urgency: 'ticket',
    alarm: hourly,
    meaning: 'A key in use is disabled, pending deletion or gone in KMS: npm run keys.',
  },
};

/** Name of a figure that rings. */
export type AlarmName = keyof typeof ALARMS | KeyMetricName;

/** Names of all figures that ring. */
export const ALARM_NAMES = [...Object.keys(ALARMS), ...Object.keys(KEY_ALARMS)] as readonly AlarmName[];

/** Where a person reads on, in this repository. */
const RUNBOOKS = { own: 'docs/operating.md#alarms', keys: 'docs/keys.md#watching' };

/**
 * A figure and its alarm in a system, with the threshold that the declaration gives it: it rings at so many or more, `DaysToExpiry` at
 * fewer days. `unit` is one of what the threshold counts, in the metric's own unit (default 1). `description` says whether it can wait, what
 * it means, and where its runbook is.
 */
export function alarmOn(name: AlarmName, system: { alarms?: Partial<Record<AlarmName, number>> }, unit = 1) {
  const isKeys = Object.hasOwn(KEY_ALARMS, name);
  const kind: AlarmKind = { ...ALARMS, ...KEY_ALARMS }[name];
  const { metric: [namespace, metric] = [METRICS_NAMESPACE, name], urgency, meaning, alarm } = kind;
  const below = alarm.comparisonOperator === 'LessThanThreshold';
  const given = system.alarms?.[name] ?? (below ? alarm.threshold : alarm.threshold + 1);
  const threshold = below ? given : given * unit - 1;
  const description = `${urgency === 'page' ? 'Page' : 'Ticket'}: ${meaning} (${RUNBOOKS[isKeys ? 'keys' : 'own']})`;
  return { namespace, metric, alarm: { ...alarm, threshold }, description };
}
