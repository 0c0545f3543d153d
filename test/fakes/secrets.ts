import { randomUUID } from 'node:crypto';
import type { SecretsPort } from '../../functions/common/key-ports.ts';
import { createRotations } from '../../local/aws/secrets/rotation.ts';
import { startSecretsManager } from '../../local/aws/secrets/service.ts';
import { moveStage, requireVersion, versionAt } from '../../local/aws/secrets/store.ts';
import { contextOf, secretStoreOf } from '../local/aws/harness.ts';
import { askInProcess, awsError, portOf } from './in-process.ts';

/** The local Secrets Manager in this process with one secret, whose rotations wait for the test to take their steps. */
export interface FakeSecrets extends SecretsPort {
  /** Stage to version id. */
  readonly stages: ReadonlyMap<string, string>;
  /** Text of a version, if it has any. */
  textOf(version: string | undefined): string | undefined;
  /** What RotateSecret does before it calls the function: its ClientRequestToken. A rotation that is not complete is attempted again. */
  beginRotation(): string;
  /** Puts a version that nobody has written under AWSPENDING, as the dry run of a schedule does. */
  beginDryRun(): string;
  /** Moves a stage as an administrator would. */
  move(stage: string, version: string): void;
  /** How many versions were written after the first. */
  readonly writes: number;
  /** Seconds for which a new version is not known, and the one before it answers as AWSCURRENT. */
  settling: number;
}

const NAME = 'journal/client/journal';

/** ARN of the fake's one secret. */
export const FAKE_SECRET_ARN = `arn:aws:secretsmanager:eu-north-1:111122223333:secret:${NAME}-AbCdEf`;

/** Makes a secret whose first version, under AWSCURRENT, says `text`. `now` is epoch seconds. */
export function createFakeSecrets(text: string, now: () => number = () => 0): FakeSecrets {
  const milliseconds = () => now() * 1000;
  const rotation = { functionArn: 'arn:aws:lambda:eu-north-1:111122223333:function:nobody', schedule: '' };
  const declared = { arn: FAKE_SECRET_ARN, name: NAME, initialText: text, rotation };
  const secrets = secretStoreOf(declared, milliseconds);
  const { stored } = secrets.find(NAME);
  const context = contextOf({ secrets, now: milliseconds });
  const rotations = createRotations(context);
  const ask = askInProcess(startSecretsManager({ rotations }, context), 'secretsmanager', context);
  const written = new Map<string, number>();
  let left = { version: '', at: Number.NEGATIVE_INFINITY };
  const at = (stage: string) => versionAt(stored, stage)?.id ?? '';
  const isSettling = (time = Number.NEGATIVE_INFINITY) => now() < time + fake.settling;

  function requireSettled(version: string | undefined): void {
    if (isSettling(written.get(version ?? ''))) throw awsError('ResourceNotFoundException');
  }

  /** Notes which version AWSCURRENT leaves. */
  async function noteMove<T>(change: () => T | Promise<T>): Promise<T> {
    const version = at('AWSCURRENT');
    const answer = await change();
    if (at('AWSCURRENT') !== version) left = { version, at: now() };
    return answer;
  }

  const fake: FakeSecrets = {
    ...portOf<SecretsPort>(ask, ['DescribeSecret', 'RotateSecret']),
    async getSecretValue(input) {
      requireSettled(input.VersionId);
      const { VersionId, VersionStage = 'AWSCURRENT' } = input;
      const late = VersionId === undefined && VersionStage === 'AWSCURRENT' && isSettling(left.at);
      return ask('GetSecretValue', late ? { SecretId: input.SecretId, VersionId: left.version } : input);
    },
    putSecretValue: (input) =>
      noteMove(async () => {
        const before = fake.writes;
        const answer = await ask<{ VersionId: string }>('PutSecretValue', input);
        if (fake.writes > before) written.set(answer.VersionId, now());
        return answer;
      }),
    updateSecretVersionStage: (input) =>
      noteMove(() => {
        requireSettled(input.MoveToVersionId);
        return ask('UpdateSecretVersionStage', input);
      }),
    settling: 0,
    get stages() {
      return new Map(stored.versions.flatMap(({ id, stages }) => stages.map((stage) => [stage, id])));
    },
    get writes() {
      return stored.versions.filter((version) => version.text !== undefined).length - 1;
    },
    textOf: (id) => stored.versions.find((version) => version.id === id)?.text,
    beginRotation() {
      const pending = at('AWSPENDING');
      return pending !== '' && pending !== at('AWSCURRENT') ? pending : fake.beginDryRun();
    },
    beginDryRun() {
      const version = { id: randomUUID(), created: now(), stages: [] };
      stored.versions.push(version);
      stored.changed = now();
      moveStage(stored, 'AWSPENDING', version);
      return version.id;
    },
    move: (stage, version) => void noteMove(() => moveStage(stored, stage, requireVersion(stored, version))),
  };
  return fake;
}
