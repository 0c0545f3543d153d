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
import { CfnRule } from 'aws-cdk-lib/aws-events';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnPermission, type IFunction } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { KEY_METRICS, type KeyMetric } from '../../functions/key-watch/metrics.ts';
import type { SystemDeclaration } from '../declaration/schema.ts';
import type { Place } from './arns.ts';
import { allowTo, ENVELOPE_ACTIONS } from './statements.ts';

/** When which checks run. */
const SCHEDULES = { hourly: 'rate(1 hour)', daily: 'cron(0 6 * * ? *)' } as const;

/** CloudWatch's own name in policies. */
const CLOUDWATCH = 'cloudwatch.amazonaws.com';

/** What CloudWatch needs of the zone's key to publish an alarm. */
export function alarmKeyStatement(place: Place): PolicyStatement {
  return allowTo(CLOUDWATCH, 'Alarms', ENVELOPE_ACTIONS, '*', fromAlarms(place));
}

function fromAlarms({ account, region }: Place) {
  return {
    StringEquals: { 'aws:SourceAccount': account },
    ArnLike: { 'aws:SourceArn': `arn:aws:cloudwatch:${region}:${account}:alarm:*` },
  };
}

/** What is checked, and by what. */
export interface KeyAlarmsProps {
  system: SystemDeclaration;
  place: Place;
  /** Encrypts what is published. */
  key: IKey;
  /** The key watch. */
  handler: IFunction;
}

/** Runs the checks of the keys, and rings on what they find. Who is rung is the operator's to subscribe, to {@link topic}. */
export class KeyAlarms extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, id: string, { system, place, key, handler }: KeyAlarmsProps) {
    super(scope, id);
    for (const [task, expression] of Object.entries(SCHEDULES)) schedule(this, task, expression, handler);
    this.topic = new Topic(this, 'Topic', {
      displayName: `${system.name}: keys`,
      masterKey: key,
      enforceSSL: true,
    });
    this.topic.addToResourcePolicy(
      allowTo(CLOUDWATCH, 'FromAlarms', 'sns:Publish', this.topic.topicArn, fromAlarms(place)),
    );
    const action = new SnsAction(this.topic);
    for (const [client, { selfService }] of Object.entries(system.clients))
      for (const [name, metric] of Object.entries<KeyMetric>(KEY_METRICS))
        if (selfService || !metric.selfServiceOnly)
          createAlarm(this, system.name, client, name, metric, action);
  }
}

function schedule(scope: Construct, task: string, expression: string, handler: IFunction): void {
  const rule = new CfnRule(scope, task, {
    description: `Checks of the keys: ${task}.`,
    scheduleExpression: expression,
    targets: [{ id: 'watch', arn: handler.functionArn, input: JSON.stringify({ task }) }],
  });
  new CfnPermission(scope, `${task}-Permission`, {
    action: 'lambda:InvokeFunction',
    functionName: handler.functionArn,
    principal: 'events.amazonaws.com',
    sourceArn: rule.attrArn,
  });
}

function createAlarm(
  scope: Construct,
  system: string,
  client: string,
  name: string,
  row: KeyMetric,
  action: IAlarmAction,
): void {
  const { alarm, meaning } = row;
  const made = new Alarm(scope, `${client}-${name}`, {
    alarmName: `${system}-${client}-${name}`,
    alarmDescription: meaning,
    metric: new Metric({
      namespace: METRICS_NAMESPACE,
      metricName: name,
      dimensionsMap: { service: system, client },
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
