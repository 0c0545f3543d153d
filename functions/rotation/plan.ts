import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { KeyEntry } from '@helseid-zones/protocol/record';
import { findKey } from '@helseid-zones/protocol/record-states';
import { refuseNewer } from '@helseid-zones/protocol/schema';
import * as v from 'valibot';
import { awsErrorName } from '../common/key-ports.ts';
import { retryUntilVisible } from '../common/retry.ts';
import type { Rotation } from './open-rotation.ts';

/**
 * What the AWSPENDING version of a rotation holds: which key it is about, and nothing that changes. It is written once,
 * since a version is immutable; how far the key has come stands in the record, under AWSCURRENT.
 */
const schema = v.object({ version: v.literal(1), plan: v.literal('rotation'), kid: v.string() });

/** A plan as a secret's version holds it. */
const stored = v.pipe(
  v.string(),
  v.parseJson(),
  v.transform((plan) =>
    refuseNewer(plan, 'The plan of the rotation', 'deploy the admin zone of that release'),
  ),
  schema,
);

/**
 * Writes the plan of a rotation under AWSPENDING, and resolves to whether it stands: another invocation of the same rotation may
 * have planned another key, since a Lambda function may be invoked twice and at once. Writing the same again changes nothing.
 */
export async function writePlan(
  { secrets, secretArn }: Rotation,
  token: string,
  kid: string,
): Promise<boolean> {
  const plan: v.InferOutput<typeof schema> = { version: 1, plan: 'rotation', kid };
  try {
    await secrets.putSecretValue({
      SecretId: secretArn,
      ClientRequestToken: token,
      SecretString: JSON.stringify(plan),
      VersionStages: ['AWSPENDING'],
    });
    return true;
  } catch (error) {
    if (awsErrorName(error) === 'ResourceExistsException') return false;
    throw error;
  }
}

/**
 * The kid a rotation is about; `undefined` before createSecret has written it, and for a version that is no plan of ours
 * (Secrets Manager tries out testSecret on a made-up one when a schedule is set).
 * @throws {ZonesError} version_unknown: a newer release has written it
 */
export async function readPlan({ secrets, secretArn }: Rotation, token: string): Promise<string | undefined> {
  try {
    const { SecretString } = await secrets.getSecretValue({ SecretId: secretArn, VersionId: token });
    const parsed = v.safeParse(stored, SecretString);
    return parsed.success ? parsed.output.kid : undefined;
  } catch (error) {
    if (awsErrorName(error) === 'ResourceNotFoundException') return undefined;
    throw error;
  }
}

/**
 * The planned key as the record has it now. A plan or a key that is not there yet is waited for: both were written a moment
 * ago, maybe by another invocation.
 * @throws {ZonesError} rotation_failed: there is no plan
 * @throws {ZonesError} key_unknown: the record has lost its key
 */
export function readPlannedKey(rotation: Rotation, token: string): Promise<KeyEntry> {
  return retryUntilVisible(
    rotation,
    async () => {
      const kid = await readPlan(rotation, token);
      if (kid === undefined)
        throw new ZonesError('rotation_failed', 'This rotation has no plan that can be read; run it again.');
      const key = findKey(await rotation.store.read(), kid);
      if (key) return key;
      throw new ZonesError('key_unknown', 'The record has no key that this rotation could be about.', {
        facts: { kid },
      });
    },
    (error) => isZonesError(error, 'rotation_failed') || isZonesError(error, 'key_unknown'),
  );
}
