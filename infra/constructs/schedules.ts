import { required } from '@helseid-zones/protocol/values';
import { CfnRule, type CfnRuleProps } from 'aws-cdk-lib/aws-events';
import { CfnPermission, type IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnRotationSchedule } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { KEY_ALARMS } from '../alarm-kinds.ts';
import type { SystemDeclaration } from '../declaration/schema.ts';
import type { AlarmRow } from './alarms.ts';
import type { ZoneFacts } from './zone-policies.ts';

/** Starts a function when a rule says so, and lets that rule do it. `target` is the target's id. Returns the rule's name. */
export function addSchedule(
  scope: Construct,
  id: string,
  handler: IFunction,
  { target, ...props }: Omit<CfnRuleProps, 'targets'> & { target: string },
): string {
  const targets = [{ id: target, arn: handler.functionArn }];
  const rule = new CfnRule(scope, id, { ...props, targets });
  new CfnPermission(scope, `${id}-Permission`, {
    action: 'lambda:InvokeFunction',
    functionName: handler.functionArn,
    principal: 'events.amazonaws.com',
    sourceArn: rule.attrArn,
  });
  return rule.ref;
}

/** Runs the checks of the keys. */
export function addKeyChecks(scope: Construct, watch: IFunction): void {
  const description = 'Checks of the keys.';
  addSchedule(scope, 'hourly', watch, { description, scheduleExpression: 'rate(1 hour)', target: 'watch' });
}

/** An alarm on each figure of each client, which the checks of the keys measure. */
export function keyAlarms({ name: service, clients }: SystemDeclaration): AlarmRow[] {
  return Object.entries(clients).flatMap(([client, { selfService }]) =>
    (Object.keys(KEY_ALARMS) as (keyof typeof KEY_ALARMS)[])
      .filter((metric) => selfService || !KEY_ALARMS[metric].selfServiceOnly)
      .map((metric) => ({
        kind: metric,
        id: `${client}-${metric}`,
        name: `${service}-${client}-${metric}`,
        dimensions: { service, client },
      })),
  );
}

/** The facts of the admin zone, and its rotation function. */
type KeyRotationProps = Pick<ZoneFacts, 'system' | 'place' | 'records'> & { handler: IFunction };

/**
 * Rotates each client's record on its schedule. Not at deploy: the client may not exist at its issuer yet, and an update
 * would rotate again (RotateImmediatelyOnUpdate is true unless said).
 */
export class KeyRotation extends Construct {
  constructor(scope: Construct, id: string, { system, place, records, handler }: KeyRotationProps) {
    super(scope, id);
    for (const [client, { rotation }] of Object.entries(system.clients)) {
      const record = required(records[client], `The record of client ${client}`);
      const permission = new CfnPermission(this, `${client}-Permission`, {
        action: 'lambda:InvokeFunction',
        functionName: handler.functionArn,
        principal: 'secretsmanager.amazonaws.com',
        sourceAccount: place.account,
        sourceArn: record,
      });
      const schedule = new CfnRotationSchedule(this, client, {
        secretId: record,
        rotationLambdaArn: handler.functionArn,
        rotateImmediatelyOnUpdate: false,
        rotationRules: { scheduleExpression: rotationCron(rotation.everyDays) },
      });
      schedule.addResourceDependency(permission);
      schedule.node.addDependency(handler);
    }
  }
}

/**
 * A cron expression that comes round about every `days` days, at eight UTC: every so many whole months from 30 days on (so up
 * to two days later than declared), weekly from 7, else daily. `rate()` would do it to the day, but an update with it may
 * rotate at once.
 */
export function rotationCron(days: number): string {
  if (days < 7) return 'cron(0 8 * * ? *)';
  if (days < 30) return 'cron(0 8 ? * TUE *)';
  const step = Math.min(12, Math.floor(days / 30));
  const months = Array.from({ length: 12 }, (_, index) => index + 1).filter(
    (month) => (month - 1) % step === 0,
  );
  return `cron(0 8 1 ${months.join(',')} ? *)`;
}
