import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { KEY_METRICS, type KeyMetric } from '../../functions/key-watch/metrics.ts';
import type { SystemDeclaration } from '../declaration/schema.ts';
import { type AlarmRow, Alarms, type AlarmsProps } from './alarms.ts';
import { addSchedule } from './schedule.ts';

/** When which checks run. */
const SCHEDULES = { hourly: 'rate(1 hour)', daily: 'cron(0 6 * * ? *)' } as const;

/** What is checked, and by what. `rows` ring beside. */
export interface KeyAlarmsProps extends Pick<AlarmsProps, 'place' | 'key' | 'rows'> {
  system: SystemDeclaration;
  /** The key watch. */
  handler: IFunction;
}

/** Runs the checks of the keys, and rings on what they find. */
export class KeyAlarms extends Alarms {
  constructor(scope: Construct, id: string, { system, handler, rows, ...props }: KeyAlarmsProps) {
    super(scope, id, {
      ...props,
      system,
      displayName: `${system.name}: keys`,
      rows: [...keyAlarms(system), ...rows],
    });
    for (const [task, scheduleExpression] of Object.entries(SCHEDULES))
      addSchedule(this, task, handler, {
        ...{ description: `Checks of the keys: ${task}.`, scheduleExpression },
        ...{ target: 'watch', input: JSON.stringify({ task }) },
      });
  }
}

/** An alarm on each figure of each client. */
function keyAlarms({ name: service, clients }: SystemDeclaration): AlarmRow[] {
  return Object.entries(clients).flatMap(([client, { selfService }]) =>
    (Object.entries(KEY_METRICS) as [keyof typeof KEY_METRICS, KeyMetric][])
      .filter(([, { selfServiceOnly }]) => selfService || !selfServiceOnly)
      .map(([metric]) => ({
        ...{ kind: metric, id: `${client}-${metric}`, name: `${service}-${client}-${metric}` },
        dimensions: { service, client },
      })),
  );
}
