import { METRICS_NAMESPACE } from '@helseid-zones/protocol/names';
import type { AlarmSpec } from '../functions/key-watch/metrics.ts';

/** A figure, when it rings, and what that means. */
export interface AlarmKind {
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
 */
export const ALARMS = {
  DeadLetters: {
    ...letters,
    meaning: 'Events failed five times. Read why, mend it, and npm run redrive -- ZONE.',
  },
  UndeliveredEvents: {
    ...letters,
    meaning: 'EventBridge could not queue events. Mend the queue or its key, and npm run redrive -- ZONE.',
  },
  GatewayErrors: {
    ...{ namespace: 'AWS/ApiGateway', metric: '5XXError', alarm: fiveMinutes('Sum', 5) },
    meaning:
      'Callers of this zone get 5xx: 500 is ours, 502 to 504 the issuer or an API. Read the log of the gateway.',
  },
  FunctionErrors: {
    ...{ namespace: 'AWS/Lambda', metric: 'Errors', alarm: fiveMinutes('Sum') },
    meaning:
      'A signer or a scheduled function crashed or ran out of time or memory. Read the end of its log.',
  },
  Throttles: {
    ...{ namespace: 'AWS/Lambda', metric: 'Throttles', alarm: fiveMinutes('Sum', 10) },
    meaning:
      'A signer is asked for more at a time than signerConcurrency, or the account has left: raise it, or find out what asks.',
  },
  SignatureFailures: {
    ...{ namespace: METRICS_NAMESPACE, metric: 'Failed', alarm: fiveMinutes('Sum', 5) },
    meaning:
      'A signer can not sign what it may: KMS, the record or the key. Read reason in its log; npm run keys.',
  },
  RefusedIntents: {
    ...{ namespace: METRICS_NAMESPACE, metric: 'Refused', alarm: fiveMinutes('Sum') },
    meaning:
      'A zone asked its signer for what its grant does not allow: two deploys that differ, or somebody is in the zone.',
  },
} as const satisfies Record<string, AlarmKind>;
