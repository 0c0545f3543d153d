import { METRICS_NAMESPACE } from '@helseid-zones/protocol/names';
import { CfnRule } from 'aws-cdk-lib/aws-events';
import { CfnPermission, type IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { KEY_METRICS, type KeyMetric } from '../../functions/key-watch/metrics.ts';
import type { SystemDeclaration } from '../declaration/schema.ts';
import { type AlarmRow, Alarms, type AlarmsProps } from './alarms.ts';

/** When which checks run. */
const SCHEDULES = { hourly: 'rate(1 hour)', daily: 'cron(0 6 * * ? *)' } as const;

/** What is checked, and by what. */
export interface KeyAlarmsProps extends Pick<AlarmsProps, 'place' | 'key'> {
  system: SystemDeclaration;
  /** The key watch. */
  handler: IFunction;
}

/** Runs the checks of the keys, and rings on what they find. */
export class KeyAlarms extends Alarms {
  constructor(scope: Construct, id: string, { system, handler, ...props }: KeyAlarmsProps) {
    super(scope, id, { ...props, displayName: `${system.name}: keys`, rows: keyAlarms(system) });
    for (const [task, expression] of Object.entries(SCHEDULES)) schedule(this, task, expression, handler);
  }
}

/** An alarm on each figure of each client. */
function keyAlarms({ name: service, clients }: SystemDeclaration): AlarmRow[] {
  return Object.entries(clients).flatMap(([client, { selfService }]) =>
    Object.entries<KeyMetric>(KEY_METRICS)
      .filter(([, { selfServiceOnly }]) => selfService || !selfServiceOnly)
      .map(([metric, { meaning, alarm }]) => ({
        ...{ id: `${client}-${metric}`, name: `${service}-${client}-${metric}` },
        ...{ namespace: METRICS_NAMESPACE, metric, meaning, alarm, dimensions: { service, client } },
      })),
  );
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
