import { createHash } from 'node:crypto';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { AwsCaller } from '../aws.ts';
import type { RingStore } from './ring.ts';

/** How often a change is tried anew when somebody else came in between. */
const ATTEMPTS = 8;

/** The stage of a version that is not current yet. */
const DRAFT = 'HELSEIDZONES_DRAFT';

/**
 * Keys in a Secrets Manager secret, which its own KMS key encrypts. Versions are immutable: a change is a new one, and AWSCURRENT
 * moves to it only if it still sits on the one that was read. The first one has an id that two who make it at once share.
 *
 * @throws {ZonesError} custody_unavailable: Secrets Manager does not answer, refuses, or others keep changing the secret
 */
export function createSecretStore(aws: AwsCaller, arn: string): RingStore {
  const ask = async (operation: string, input: object): Promise<Record<string, unknown>> =>
    Object(
      await aws.json({
        service: 'secretsmanager',
        target: `secretsmanager.${operation}`,
        version: '1.1',
        input: { SecretId: arn, ...input },
        repeatable: true,
      }),
    );

  async function readVersion(): Promise<{ text?: string; version?: string }> {
    const answer = await ask('GetSecretValue', {}).catch((error: unknown) => {
      if (isAnswer(error, 'ResourceNotFoundException')) return undefined;
      throw unavailable(error);
    });
    if (!answer) return {};
    const { SecretString: text, VersionId: version } = answer;
    if (typeof text !== 'string' || typeof version !== 'string') throw unavailable(undefined);
    // One that a deploy made may begin empty.
    return { ...(text.trim() ? { text } : {}), version };
  }

  /** Whether it was this text that came after that version. */
  async function swap(text: string, from: string | undefined): Promise<boolean> {
    const id = createHash('sha256')
      .update(`${from}\n${from && text}`)
      .digest('hex');
    const stages = from === undefined ? {} : { VersionStages: [DRAFT] };
    try {
      await ask('PutSecretValue', { ClientRequestToken: id, SecretString: text, ...stages });
      if (from !== undefined)
        await ask('UpdateSecretVersionStage', {
          VersionStage: 'AWSCURRENT',
          MoveToVersionId: id,
          RemoveFromVersionId: from,
        });
      return true;
    } catch (error) {
      const late = isAnswer(error, 'InvalidParameterException') || isAnswer(error, 'ResourceExistsException');
      if (!late) throw unavailable(error);
      return false;
    }
  }

  return {
    lifetime: 5000,
    read: async () => (await readVersion()).text,
    async change(mutate) {
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const { text: before, version } = await readVersion();
        const text = mutate(before);
        if (text === before || (await swap(text, version))) return text;
      }
      throw unavailable(undefined);
    },
  };
}

const isAnswer = (error: unknown, name: string): boolean =>
  isZonesError(error, 'aws_refused') && error.facts.error === name;

function unavailable(cause: unknown): ZonesError {
  const message =
    'The secret that keeps the keys could not be read or changed; see its error, and that the role may.';
  return new ZonesError('custody_unavailable', message, { cause, facts: { custody: 'secretsmanager:' } });
}
