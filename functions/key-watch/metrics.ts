/** When an alarm rings on a metric. */
export interface AlarmRule {
  /** Rings while the statistic is on this side of the threshold. */
  when: 'less' | 'more';
  threshold: number;
  statistic: 'Minimum' | 'Maximum' | 'Sum';
  /** Seconds of one period, and how many in a row. */
  period: number;
  periods: number;
  /** What silence means: an hourly figure that stays away is a finding of its own. */
  silence: 'breaching' | 'notBreaching' | 'ignore';
}

/** A figure about a client's keys, what it means, and when somebody is to be called. */
export interface KeyMetric {
  unit: 'Count';
  /** What to do, for the alarm's description; docs/keys.md says more. */
  meaning: string;
  /** Emitted only for clients with a self-service API: no alarm on its silence for others. */
  selfServiceOnly?: true;
  alarm: AlarmRule;
}

const HOUR = 3600;
const DAY = 24 * HOUR;
const hourly = { statistic: 'Maximum', period: HOUR, periods: 1, when: 'more', threshold: 0 } as const;
const daily = { ...hourly, period: DAY, silence: 'notBreaching' } as const;

/**
 * The figures that rotation and key-watch emit, in namespace `helseid-zones` with the dimensions `service` (the system) and
 * `client`, and the alarms on them. The infrastructure makes an alarm of each row for each client.
 */
export const KEY_METRICS = {
  RotationFailed: {
    unit: 'Count',
    meaning: 'A step of a rotation failed; it is tried again. Read the reason in the log of rotation.',
    alarm: { ...hourly, statistic: 'Sum', silence: 'notBreaching' },
  },
  RotationStuck: {
    unit: 'Count',
    meaning: 'A rotation has not come through for hours: npm run keys shows how far it is.',
    alarm: { ...hourly, periods: 2, silence: 'notBreaching' },
  },
  UnknownKeys: {
    unit: 'Count',
    meaning: 'HelseID lists a key that is not ours: somebody may be the client. Act at once (docs/keys.md).',
    selfServiceOnly: true,
    // Four hours without the figure: nobody is looking.
    alarm: { ...hourly, silence: 'breaching', period: 4 * HOUR },
  },
  SurplusKeys: {
    unit: 'Count',
    meaning:
      'More keys than expected, in KMS outside the record or at HelseID long after retirement (KEY_OUTSIDE_RECORD names the first after two days).',
    alarm: { ...hourly, periods: 3, silence: 'notBreaching' },
  },
  WatchFailed: {
    unit: 'Count',
    meaning:
      'A check of the keys could not be made, most likely because the self-service API does not answer.',
    alarm: { ...hourly, periods: 3, silence: 'notBreaching' },
  },
  DaysToExpiry: {
    unit: 'Count',
    meaning: 'The current key expires at HelseID soon, and rotation has not replaced it.',
    selfServiceOnly: true,
    alarm: { ...daily, statistic: 'Minimum', when: 'less', threshold: 30 },
  },
  PolicyDrift: {
    unit: 'Count',
    meaning: 'A key policy is not the one the infrastructure renders: npm run keys -- policy CLIENT.',
    alarm: daily,
  },
  KeysNotUsable: {
    unit: 'Count',
    meaning: 'A key in use is disabled, pending deletion or gone in KMS: npm run keys.',
    alarm: { ...hourly, silence: 'notBreaching' },
  },
} as const satisfies Record<string, KeyMetric>;

/** Name of a metric. */
export type KeyMetricName = keyof typeof KEY_METRICS;

/** Figures of one client. */
export type Figures = Partial<Record<KeyMetricName, number>>;
