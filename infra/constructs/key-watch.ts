import { METRICS_NAMESPACE } from '@helseid-zones/protocol/names';
import { CfnOutput, Duration } from 'aws-cdk-lib';
import { Alarm, type ComparisonOperator, Metric, type TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { CfnRule } from 'aws-cdk-lib/aws-events';
import { type PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnPermission, type IFunction } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { KEY_METRICS, type KeyMetric } from '../../functions/key-watch/metrics.ts';
import type { SystemDeclaration } from '../declaration/schema.ts';
import type { Place } from './arns.ts';
import { allow } from './statements.ts';

/** When which checks run. */
const SCHEDULES = { hourly: 'rate(1 hour)', daily: 'cron(0 6 * * ? *)' } as const;

/** What CloudWatch needs of the zone's key to publish an alarm. */
export function alarmKeyStatement(place: Place): PolicyStatement {
  return allow({
    sid: 'Alarms',
    principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
    actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
    resources: ['*'],
    conditions: fromAlarms(place),
  });
}

function fromAlarms({ account, region }: Place) {
  return {
    StringEquals: { 'aws:SourceAccount': account },
    ArnLike: { 'aws:SourceArn': `arn:aws:cloudwatch:${region}:${account}:alarm:*` },
  };
}

/** Runs the checks of the keys, and rings on what they find. Who is rung is the operator's to subscribe. */
export function watchKeys(
  scope: Construct,
  props: { system: SystemDeclaration; place: Place; key: IKey; handler: IFunction },
): void {
  const { system, place, key, handler } = props;
  for (const [task, expression] of Object.entries(SCHEDULES)) schedule(scope, task, expression, handler);
  const topic = new Topic(scope, 'Alarms', {
    displayName: `${system.name}: keys`,
    masterKey: key,
    enforceSSL: true,
  });
  topic.addToResourcePolicy(
    allow({
      sid: 'FromAlarms',
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: fromAlarms(place),
    }),
  );
  const action = new SnsAction(topic);
  for (const [client, { selfService }] of Object.entries(system.clients))
    for (const [name, metric] of Object.entries<KeyMetric>(KEY_METRICS))
      if (selfService || !metric.selfServiceOnly)
        createAlarm(scope, system.name, client, name, metric).addAlarmAction(action);
  new CfnOutput(scope, 'AlarmTopic', {
    description: 'Subscribe who is to be called when something is wrong with a key.',
    value: topic.topicArn,
  });
}

function schedule(scope: Construct, task: string, expression: string, handler: IFunction): void {
  const rule = new CfnRule(scope, `Watch-${task}`, {
    description: `Checks of the keys: ${task}.`,
    scheduleExpression: expression,
    targets: [{ id: 'watch', arn: handler.functionArn, input: JSON.stringify({ task }) }],
  });
  new CfnPermission(scope, `Watch-${task}-Permission`, {
    action: 'lambda:InvokeFunction',
    functionName: handler.functionArn,
    principal: 'events.amazonaws.com',
    sourceArn: rule.attrArn,
  });
}

function createAlarm(scope: Construct, system: string, client: string, name: string, row: KeyMetric): Alarm {
  const { alarm, meaning } = row;
  return new Alarm(scope, `Alarm-${client}-${name}`, {
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
}
