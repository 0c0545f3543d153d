import { CfnPermission, type IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnRotationSchedule } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { SystemDeclaration } from '../declaration/schema.ts';
import type { Place } from './arns.ts';

/**
 * Rotates each client's record on its schedule. Not at deploy: the client may not exist at its issuer yet, and an update
 * would rotate again (RotateImmediatelyOnUpdate is true unless said).
 */
export function scheduleRotation(
  scope: Construct,
  place: Place,
  system: SystemDeclaration,
  records: Readonly<Record<string, string>>,
  handler: IFunction,
): void {
  for (const [client, record] of Object.entries(records)) {
    const permission = new CfnPermission(scope, `RotationOf-${client}-Permission`, {
      action: 'lambda:InvokeFunction',
      functionName: handler.functionArn,
      principal: 'secretsmanager.amazonaws.com',
      sourceAccount: place.account,
      sourceArn: record,
    });
    const schedule = new CfnRotationSchedule(scope, `RotationOf-${client}`, {
      secretId: record,
      rotationLambdaArn: handler.functionArn,
      rotateImmediatelyOnUpdate: false,
      rotationRules: { scheduleExpression: rotationCron(system.clients[client]?.rotation?.everyDays ?? 60) },
    });
    schedule.addResourceDependency(permission);
    schedule.node.addDependency(handler);
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
