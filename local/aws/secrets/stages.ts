import { AwsError } from '../errors.ts';
import type { StoredSecret, StoredVersion } from './store.ts';

const MAX_STAGES = 20;

/** The version that carries `stage`, if one does. */
export function versionAt(secret: StoredSecret, stage: string): StoredVersion | undefined {
  return secret.versions.find(({ stages }) => stages.includes(stage));
}

/** Attaches `stage` to `version` and takes it from whichever had it. When AWSCURRENT moves, AWSPREVIOUS goes to the version that lost it. */
export function moveStage(secret: StoredSecret, stage: string, version: StoredVersion): void {
  const before = versionAt(secret, stage);
  if (before === version) return;
  if (version.stages.length >= MAX_STAGES) {
    throw new AwsError('LimitExceededException', `A version can have at most ${MAX_STAGES} staging labels.`);
  }
  if (before !== undefined) removeStage(before, stage);
  version.stages.push(stage);
  if (stage === 'AWSCURRENT' && before !== undefined) {
    for (const other of secret.versions) removeStage(other, 'AWSPREVIOUS');
    before.stages.push('AWSPREVIOUS');
  }
}

/** Takes `stage` off a version that may have it. */
export function removeStage(version: StoredVersion, stage: string): void {
  version.stages = version.stages.filter((name) => name !== stage);
}

/**
 * `UpdateSecretVersionStage`: a compare-and-swap, since whoever moves a label must name the version that has it.
 * Throws `InvalidParameterException` where that is another, `ResourceNotFoundException` for an unknown version.
 */
export function updateStage(
  secret: StoredSecret,
  stage: string,
  { to, from }: { to?: string; from?: string },
): void {
  const holder = versionAt(secret, stage);
  if (to === undefined && from === undefined) {
    throw invalid('You must specify a MoveToVersionId or a RemoveFromVersionId.');
  }
  const target = to === undefined ? undefined : requireVersion(secret, to);
  if (from !== undefined && holder?.id !== from) {
    throw invalid(
      holder === undefined
        ? `The staging label ${stage} isn't attached to version ${from}.`
        : `The parameter RemoveFromVersionId must be ${holder.id}: staging label ${stage} is currently attached to that version.`,
    );
  }
  if (holder !== undefined && from === undefined && holder !== target) {
    throw invalid(
      `The parameter RemoveFromVersionId can't be empty. Staging label ${stage} is currently attached to version ${holder.id}, so you must explicitly reference that version in RemoveFromVersionId.`,
    );
  }
  if (target !== undefined) moveStage(secret, stage, target);
  else if (stage === 'AWSCURRENT') throw invalid("You can't remove the staging label AWSCURRENT; move it.");
  else if (holder !== undefined) removeStage(holder, stage);
}

/** The version with this id. Throws `ResourceNotFoundException`. */
export function requireVersion(secret: StoredSecret, id: string): StoredVersion {
  const version = secret.versions.find((candidate) => candidate.id === id);
  if (version === undefined) {
    throw new AwsError(
      'ResourceNotFoundException',
      `Secrets Manager can't find the specified secret value for VersionId: ${id}`,
    );
  }
  return version;
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterException', message);
}
