/**
 * The metrics that rotation and key-watch emit, in namespace `helseid-zones` with the dimensions `service` (the system) and
 * `client`. The infrastructure makes an alarm of each for each client (`infra/alarm-kinds.ts`).
 */
export type KeyMetricName =
  | 'RotationFailed'
  | 'RotationStuck'
  | 'UnknownKeys'
  | 'SurplusKeys'
  | 'WatchFailed'
  | 'DaysToExpiry'
  | 'PolicyDrift'
  | 'KeysNotUsable';

/** What was counted for one client, by metric. */
export type MetricValues = Partial<Record<KeyMetricName, number>>;
