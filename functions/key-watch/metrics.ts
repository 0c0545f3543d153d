/** An alarm on a metric, in CloudWatch's own terms. */
export interface AlarmSpec {
  comparisonOperator: 'LessThanThreshold' | 'GreaterThanThreshold';
  threshold: number;
  statistic: 'Minimum' | 'Maximum' | 'Sum';
  /** Seconds. */
  period: number;
  evaluationPeriods: number;
  /** `missing` where a figure that stays away rings too; not before the first one, so that a fresh deploy is quiet. */
  treatMissingData: 'missing' | 'notBreaching';
}

/** Whether somebody is called at once, or looks within days. What the description of an alarm begins with. */
export type Urgency = 'page' | 'ticket';

/** A count about a client's keys, what it means, and when somebody is to be called. */
export interface KeyMetric {
  urgency: Urgency;
  /** What to do, for the alarm's description; docs/keys.md says more. */
  meaning: string;
  /** Emitted only for clients with a self-service API: no alarm on missing data for others. */
  selfServiceOnly?: true;
  alarm: AlarmSpec;
}

const HOUR = 3600;
const DAY = 24 * HOUR;
const hourly: AlarmSpec = {
  comparisonOperator: 'GreaterThanThreshold',
  threshold: 0,
  statistic: 'Maximum',
  period: HOUR,
  evaluationPeriods: 1,
  treatMissingData: 'notBreaching',
};

const metrics = {
  RotationFailed: {
    urgency: 'ticket',
    meaning: 'A step of a rotation failed; it is tried again. Read the reason in the log of rotation.',
    alarm: { ...hourly, statistic: 'Sum' },
  },
  RotationStuck: {
    urgency: 'ticket',
    meaning: 'A rotation has not come through for hours: npm run keys shows how far it is.',
    alarm: { ...hourly, evaluationPeriods: 2 },
  },
  UnknownKeys: {
    urgency: 'page',
    meaning: 'HelseID lists a key that is not ours: somebody may be the client. Act at once (docs/keys.md).',
    selfServiceOnly: true,
    // Four hours without the figure: nobody is looking. The alarm is in INSUFFICIENT_DATA then, as it is before the first.
    alarm: { ...hourly, treatMissingData: 'missing', period: 4 * HOUR },
  },
  SurplusKeys: {
    urgency: 'ticket',
    meaning:
      'More keys than expected, in KMS outside the record or at HelseID long after retirement (KEY_OUTSIDE_RECORD names the first after two days).',
    alarm: { ...hourly, evaluationPeriods: 3 },
  },
  WatchFailed: {
    urgency: 'ticket',
    meaning:
      'A check of the keys has failed for three hours, or none was made: read WATCH_FAILED in the log of key-watch; most likely the self-service API does not answer.',
    alarm: { ...hourly, evaluationPeriods: 3, treatMissingData: 'missing' },
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
    meaning: 'A key policy is not the one the infrastructure renders: npm run keys -- policy CLIENT.',
    alarm: hourly,
  },
  KeysNotUsable: {
    // Where it is the current one, signatures fail, which pages.
    urgency: 'ticket',
    meaning: 'A key in use is disabled, pending deletion or gone in KMS: npm run keys.',
    alarm: hourly,
  },
} as const satisfies Record<string, KeyMetric>;

/** Name of a metric. */
type KeyMetricName = keyof typeof metrics;

/**
 * The metrics that rotation and key-watch emit, in namespace `helseid-zones` with the dimensions `service` (the system) and
 * `client`, and the alarms on them. The infrastructure makes an alarm of each row for each client.
 */
export const KEY_METRICS: Readonly<Record<KeyMetricName, KeyMetric>> = metrics;

/** What was counted for one client, by metric. */
export type MetricValues = Partial<Record<KeyMetricName, number>>;
