import { ZonesError } from '@helseid-zones/protocol/errors';
import { openRotation, readAdminDependencies } from './settings.ts';
import { runStep } from './steps.ts';

/** Seconds before its end at which a function stops waiting for HelseID: one slow token request more must fit in. */
const RESERVE = 30;

const { dependencies, clients, count } = readAdminDependencies(import.meta.url);

/** Rotates a client's key, one of the four steps at a time. Secrets Manager invokes it, and nobody else may. */
export const handler = (event: unknown, context: { getRemainingTimeInMillis(): number }): Promise<void> => {
  const open = (secretArn: string) => {
    const client = clients.find((each) => each.secretArn === secretArn);
    if (!client)
      throw new ZonesError('event_invalid', 'This secret is no client record of the system.', {
        facts: { secret: secretArn },
      });
    const remaining = context.getRemainingTimeInMillis() / 1000 - RESERVE;
    return openRotation(client, dependencies, dependencies.clock.now() + remaining);
  };
  return runStep(open, (client) => count(client, { RotationFailed: 1 }), event);
};
