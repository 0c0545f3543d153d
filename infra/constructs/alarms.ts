import { Duration, Stack } from 'aws-cdk-lib';
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
import { type ALARMS, type AlarmName, alarmOn } from '../alarm-kinds.ts';
import type { SystemDeclaration } from '../declaration/schema.ts';
import type { Place } from './arns.ts';
import { allowTo, ENVELOPE_ACTIONS } from './statements.ts';

/** An alarm on the figure of one queue, gateway, signer or client. */
export interface AlarmRow {
  kind: AlarmName;
  /** Id of the construct. */
  id: string;
  /** Physical name. */
  name: string;
  dimensions: Readonly<Record<string, string>>;
  /** One of what its threshold counts, in the metric's own unit (default 1). */
  unit?: number;
}

/** Rows of {@link ALARMS} on one thing of that physical name. */
export function alarmsOn(
  prefix: string,
  kinds: readonly (keyof typeof ALARMS)[],
  dimensions: AlarmRow['dimensions'],
): AlarmRow[] {
  return kinds.map((kind) => ({ kind, name: `${prefix}-${kind}`, id: `${prefix}-${kind}`, dimensions }));
}

/** CloudWatch's own name in policies. */
const CLOUDWATCH = 'cloudwatch.amazonaws.com';

/** What CloudWatch needs of a zone's key to publish an alarm. */
export const alarmKeyStatement = (place: Place): PolicyStatement =>
  allowTo(CLOUDWATCH, 'Alarms', ENVELOPE_ACTIONS, '*', fromAlarms(place));

function fromAlarms({ account, region }: Place) {
  return {
    StringEquals: { 'aws:SourceAccount': account },
    ArnLike: { 'aws:SourceArn': `arn:aws:cloudwatch:${region}:${account}:alarm:*` },
  };
}

/** What rings, and how. */
export interface AlarmsProps {
  /** Its thresholds. */
  system: Pick<SystemDeclaration, 'alarms'>;
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

  constructor(scope: Construct, id: string, { system, displayName, key, rows }: AlarmsProps) {
    super(scope, id);
    this.topic = new Topic(this, 'Topic', { displayName, masterKey: key, enforceSSL: true });
    const ours = fromAlarms(Stack.of(this));
    const publish = allowTo(CLOUDWATCH, 'FromAlarms', 'sns:Publish', this.topic.topicArn, ours);
    this.topic.addToResourcePolicy(publish);
    const action = new SnsAction(this.topic);
    for (const row of rows) createAlarm(this, system, row, action);
  }
}

function createAlarm(scope: Construct, system: AlarmsProps['system'], row: AlarmRow, action: IAlarmAction) {
  const { namespace, metric, alarm, description } = alarmOn(row.kind, system, row.unit);
  const made = new Alarm(scope, row.id, {
    alarmName: row.name,
    alarmDescription: description,
    metric: new Metric({
      namespace,
      metricName: metric,
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
