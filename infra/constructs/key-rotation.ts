import { required } from '@helseid-zones/protocol/required';
import { CfnPermission, type IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnRotationSchedule } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { SystemDeclaration } from '../declaration/schema.ts';
import type { Place } from './arns.ts';

/** Whose records are rotated, and by what. */
export interface KeyRotationProps {
  place: Place;
  clients: SystemDeclaration['clients'];
  /** ARN of each client's record. */
  records: Readonly<Record<string, string>>;
  handler: IFunction;
}

/**
 * Rotates each client's record on its schedule. Not at deploy: the client may not exist at its issuer yet, and an update
 * would rotate again (RotateImmediatelyOnUpdate is true unless said).
 */
export class KeyRotation extends Construct {
  constructor(scope: Construct, id: string, { place, clients, records, handler }: KeyRotationProps) {
    super(scope, id);
    for (const [client, { rotation }] of Object.entries(clients)) {
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
