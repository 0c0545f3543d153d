import { randomUUID } from 'node:crypto';
import { SecretsManagerServiceException } from '@aws-sdk/client-secrets-manager';
import type { SecretsPort } from '../../functions/common/key-ports.ts';

/** One secret with versions and stages, by AWS's rules. */
export interface FakeSecrets extends SecretsPort {
  /** Stage to version id. */
  stages: ReadonlyMap<string, string>;
  /** Text of a version, if it has any. */
  textOf(version: string | undefined): string | undefined;
  /** What RotateSecret does before it calls the function: resolves to the ClientRequestToken. A rotation that is not complete is attempted again. */
  beginRotation(): string;
  /** Puts a version that nobody has written under AWSPENDING, as the dry run of a schedule does. */
  beginDryRun(): string;
  /** Moves a stage as an administrator would. */
  move(stage: string, version: string): void;
  /** How many times a version was written. */
  writes: number;
  /** Seconds for which a new version is not known, and the one before it answers as AWSCURRENT. */
  settling: number;
}

const ARN = 'arn:aws:secretsmanager:eu-north-1:111122223333:secret:journal/client/journal-AbCdEf';

/** Makes a secret whose first version, under AWSCURRENT, says `text`. `now` is epoch seconds. */
export function createFakeSecrets(text: string, now: () => number = () => 0): FakeSecrets {
  const versions = new Map<string, string | undefined>();
  const stages = new Map<string, string>();
  const written = new Map<string, number>();
  let left: { version: string; at: number } | undefined;
  const first = randomUUID();
  let changed = now();
  versions.set(first, text);
  stages.set('AWSCURRENT', first);

  function checkArn(input: { SecretId: string | undefined }): void {
    if (input.SecretId !== ARN) throw refuse('ResourceNotFoundException', 'no such secret');
  }

  /** AWSCURRENT leaves AWSPREVIOUS where it was. */
  function attach(stage: string, version: string): void {
    const before = stages.get(stage);
    stages.set(stage, version);
    if (stage !== 'AWSCURRENT' || !before || before === version) return;
    stages.set('AWSPREVIOUS', before);
    left = { version: before, at: now() };
  }

  function isHidden(version: string): boolean {
    return now() < (written.get(version) ?? Number.NEGATIVE_INFINITY) + fake.settling;
  }

  function atStage(stage: string): string {
    const late = stage === 'AWSCURRENT' && left && now() < left.at + fake.settling;
    return (late ? left?.version : stages.get(stage)) ?? '';
  }

  function stagesOf(version: string): string[] {
    return [...stages].filter(([, id]) => id === version).map(([stage]) => stage);
  }

  const fake: FakeSecrets = {
    stages,
    writes: 0,
    settling: 0,
    textOf: (version) => versions.get(version ?? ''),
    beginRotation() {
      const pending = stages.get('AWSPENDING');
      if (pending && pending !== stages.get('AWSCURRENT')) return pending;
      return fake.beginDryRun();
    },
    beginDryRun() {
      const token = randomUUID();
      changed = now();
      versions.set(token, undefined);
      stages.set('AWSPENDING', token);
      return token;
    },
    move: attach,
    async rotateSecret(input) {
      checkArn(input);
      const before = stages.get('AWSPENDING');
      if (fake.beginRotation() === before)
        throw refuse(
          'InvalidRequestException',
          "A previous rotation isn't complete. That rotation will be reattempted.",
        );
      return { ARN };
    },
    async describeSecret(input) {
      checkArn(input);
      const listed = [...versions.keys()].filter((version) => stagesOf(version).length > 0);
      return {
        ARN,
        RotationEnabled: true,
        LastChangedDate: new Date(changed * 1000),
        VersionIdsToStages: Object.fromEntries(listed.map((version) => [version, stagesOf(version)])),
      };
    },
    async getSecretValue(input) {
      checkArn(input);
      const id = input.VersionId ?? atStage(input.VersionStage ?? 'AWSCURRENT');
      const value = input.VersionId && isHidden(id) ? undefined : versions.get(id);
      if (value === undefined)
        throw refuse(
          'ResourceNotFoundException',
          "Secrets Manager can't find the specified secret value for that version.",
        );
      if (input.VersionId && input.VersionStage && stages.get(input.VersionStage) !== id)
        throw refuse('InvalidRequestException', 'The version and the stage are not of one another.');
      return { ARN, VersionId: id, SecretString: value, VersionStages: stagesOf(id) };
    },
    async putSecretValue(input) {
      checkArn(input);
      const id = input.ClientRequestToken ?? randomUUID();
      if (id.length < 32 || id.length > 64) throw refuse('InvalidParameterException', 'token length');
      const existing = versions.get(id);
      if (existing !== undefined) {
        if (existing === input.SecretString) return { VersionId: id };
        throw refuse('ResourceExistsException', 'A version with this id has another value.');
      }
      fake.writes += 1;
      changed = now();
      versions.set(id, input.SecretString ?? '');
      written.set(id, now());
      for (const stage of input.VersionStages ?? ['AWSCURRENT']) attach(stage, id);
      return { VersionId: id };
    },
    async updateSecretVersionStage(input) {
      checkArn(input);
      const { VersionStage: stage = '', MoveToVersionId: to, RemoveFromVersionId: from } = input;
      const holder = stages.get(stage);
      if (to !== undefined && (!versions.has(to) || isHidden(to)))
        throw refuse('ResourceNotFoundException', 'no such version');
      if (from !== undefined && from !== holder)
        throw refuse('InvalidParameterException', 'The stage is not on the version to remove it from.');
      if (to !== undefined && holder !== undefined && holder !== to && from === undefined)
        throw refuse(
          'InvalidParameterException',
          'The stage is on another version; say RemoveFromVersionId.',
        );
      if (to !== undefined) attach(stage, to);
      else if (stage === 'AWSCURRENT')
        throw refuse('InvalidParameterException', 'AWSCURRENT can only be moved.');
      else stages.delete(stage);
      return { ARN };
    },
  };
  return fake;
}

/** ARN of the fake's one secret. */
export const FAKE_SECRET_ARN = ARN;

function refuse(name: string, message: string): SecretsManagerServiceException {
  return new SecretsManagerServiceException({
    name,
    message,
    $fault: 'client',
    $metadata: { httpStatusCode: 400 },
  });
}
