import { ZonesError } from '@helseid-zones/protocol/errors';
import * as v from 'valibot';
import { describeFailure } from '../common/aws-error.ts';
import type { Audit } from '../common/record-store.ts';
import type { Rotation } from './rotation.ts';
import { STEPS } from './steps.ts';

const eventSchema = v.object({
  Step: v.picklist(['createSecret', 'setSecret', 'testSecret', 'finishSecret']),
  SecretId: v.string(),
  ClientRequestToken: v.pipe(v.string(), v.minLength(32), v.maxLength(64)),
});

/** What {@link runStep} needs beside the event. */
interface StepRunner {
  /** The rotation of the client whose record this is; throws for a secret that is none. */
  open: (secretArn: string) => Rotation;
  audit: Audit;
  /** Counts a failed step of a client. */
  countFailure: (client: string) => void;
}

/**
 * Runs the step that Secrets Manager's event names, with an audit line before and after it. An error is counted and thrown
 * on: Secrets Manager then ends this attempt and begins the rotation again later.
 * @throws {ZonesError} `event_invalid`, and what the step throws
 */
export async function runStep({ open, audit, countFailure }: StepRunner, event: unknown): Promise<void> {
  const parsed = v.safeParse(eventSchema, event);
  if (!parsed.success)
    throw new ZonesError(
      'event_invalid',
      'This is no rotation event; only Secrets Manager invokes rotation.',
    );
  const { Step: step, SecretId, ClientRequestToken: token } = parsed.output;
  const rotation = open(SecretId);
  const facts = { client: rotation.client, step, token };
  audit('ROTATION_STEP_STARTED', facts);
  try {
    await STEPS[step](rotation, token);
  } catch (error) {
    audit('ROTATION_STEP_FAILED', { ...facts, ...describeFailure(error) });
    countFailure(rotation.client);
    throw error;
  }
  audit('ROTATION_STEP_COMPLETED', facts);
}
