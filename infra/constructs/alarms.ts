import { METRICS_NAMESPACE } from '@helseid-zones/protocol/names';
import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  type ComparisonOperator,
  type IAlarmAction,
  Metric,
  type TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { AlarmSpec } from '../../functions/key-watch/metrics.ts';
import type { Place } from './arns.ts';
import { allowTo, ENVELOPE_ACTIONS } from './statements.ts';

/** A figure, when it rings, and what that means. */
interface AlarmKind {
  namespace: string;
  metric: string;
  /** What to do, for the alarm's description; docs/operating.md says more. */
  meaning: string;
  alarm: AlarmSpec;
}

/** An alarm on the figure of one queue, gateway, signer or client. */
export interface AlarmRow extends AlarmKind {
  /** Id of the construct. */
  id: string;
  /** Physical name. */
  name: string;
  dimensions: Readonly<Record<string, string>>;
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

/** Rows of {@link ALARMS} on one thing of that physical name. */
export function alarmsOn(
  prefix: string,
  kinds: readonly (keyof typeof ALARMS)[],
  dimensions: AlarmRow['dimensions'],
): AlarmRow[] {
  return kinds.map((kind) => ({
    ...ALARMS[kind],
    name: `${prefix}-${kind}`,
    id: `${prefix}-${kind}`,
    dimensions,
  }));
}

/** CloudWatch's own name in policies. */
const CLOUDWATCH = 'cloudwatch.amazonaws.com';

/** What CloudWatch needs of a zone's key to publish an alarm. */
export function alarmKeyStatement(place: Place): PolicyStatement {
  return allowTo(CLOUDWATCH, 'Alarms', ENVELOPE_ACTIONS, '*', fromAlarms(place));
}

function fromAlarms({ account, region }: Place) {
  return {
    StringEquals: { 'aws:SourceAccount': account },
    ArnLike: { 'aws:SourceArn': `arn:aws:cloudwatch:${region}:${account}:alarm:*` },
  };
}

/** What rings, and how. */
export interface AlarmsProps {
  place: Place;
  /** What the topic is called where a message shows it. */
  displayName: string;
  /** Encrypts what is published; its policy has {@link alarmKeyStatement}. */
  key: IKey;
  rows: readonly AlarmRow[];
}

/**
 * The alarms of one stack and the topic they ring on, under that stack's key, so that neither joins zones nor accounts. Who is rung is
 * the operator's to subscribe.
 */
export class Alarms extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, id: string, { place, displayName, key, rows }: AlarmsProps) {
    super(scope, id);
    this.topic = new Topic(this, 'Topic', { displayName, masterKey: key, enforceSSL: true });
    this.topic.addToResourcePolicy(
      allowTo(CLOUDWATCH, 'FromAlarms', 'sns:Publish', this.topic.topicArn, fromAlarms(place)),
    );
    const action = new SnsAction(this.topic);
    for (const row of rows) createAlarm(this, row, action);
  }
}

function createAlarm(scope: Construct, row: AlarmRow, action: IAlarmAction): void {
  const { alarm } = row;
  const made = new Alarm(scope, row.id, {
    alarmName: row.name,
    alarmDescription: row.meaning,
    metric: new Metric({
      namespace: row.namespace,
      metricName: row.metric,
      dimensionsMap: { ...row.dimensions },
      statistic: alarm.statistic,
      period: Duration.seconds(alarm.period),
    }),
    comparisonOperator: alarm.comparisonOperator as ComparisonOperator,
    threshold: alarm.threshold,
    evaluationPeriods: alarm.evaluationPeriods,
    treatMissingData: alarm.treatMissingData as TreatMissingData,
  });
  made.addAlarmAction(action);
  if (alarm.treatMissingData === 'missing') made.addInsufficientDataAction(action);
}
