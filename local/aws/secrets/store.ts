import { AwsError } from '../errors.ts';
import type { Document } from '../state.ts';
import type { readSecrets } from '../template/resources.ts';

/** One version of a secret. A version that rotation reserved has no text yet. Times are epoch seconds. */
export interface StoredVersion {
  id: string;
  text?: string | undefined;
  created: number;
  stages: string[];
}

/** One secret, as it is stored. */
export interface StoredSecret {
  arn: string;
  name: string;
  created: number;
  changed: number;
  versions: StoredVersion[];
}

/** What the template says of a secret; it is not kept in the state. */
export type SecretSettings = ReturnType<typeof readSecrets>[number];

/** A secret with its settings. */
export type Secret = { stored: StoredSecret; settings: SecretSettings };

/** The secrets of the template. */
export type SecretStore = ReturnType<typeof openSecretStore>;

/** Opens the store: every secret that the template declares, with the versions that the state has, or the template's first one. */
export function openSecretStore(
  document: Document<{ secrets: StoredSecret[] }>,
  declared: readonly SecretSettings[],
  now: () => number,
) {
  const secrets = declared.map((settings): Secret => {
    const known = document.value.secrets.find(({ arn }) => arn === settings.arn);
    if (known !== undefined) return { stored: known, settings };
    const created = Math.floor(now() / 1000);
    const { arn, name, initialText: text } = settings;
    const first = { id: crypto.randomUUID(), text, created, stages: ['AWSCURRENT'] };
    const stored = { arn, name, created, changed: created, versions: text === undefined ? [] : [first] };
    document.value.secrets.push(stored);
    return { stored, settings };
  });
  return {
    /**
     * By ARN or name.
     * @throws {AwsError} ResourceNotFoundException
     */
    find(secretId: string): Secret {
      const secret = secrets.find(({ stored }) => stored.arn === secretId || stored.name === secretId);
      if (secret !== undefined) return secret;
      throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    },
    list: (): readonly Secret[] => secrets,
    save: () => document.save(),
  };
}

/** The version that carries `stage`, if one does. */
export function versionAt(secret: StoredSecret, stage: string): StoredVersion | undefined {
  return secret.versions.find(({ stages }) => stages.includes(stage));
}

/** Attaches `stage` to `version` and takes it from whichever had it. When AWSCURRENT moves, AWSPREVIOUS goes to the version that lost it. */
export function moveStage(secret: StoredSecret, stage: string, version: StoredVersion): void {
  const before = versionAt(secret, stage);
  if (before === version) return;
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

/** Ids of the version that a label goes to, and of the one that has it. */
type Move = { to: string | undefined; from: string | undefined };

/**
 * `UpdateSecretVersionStage`: a compare-and-swap, since whoever moves a label must name the version that has it.
 * @throws {AwsError} InvalidParameterException: another version has it; ResourceNotFoundException: no such version
 */
export function updateStage(secret: StoredSecret, stage: string, move: Move): void {
  const { to, from } = move;
  const holder = versionAt(secret, stage);
  if (to === undefined && from === undefined)
    throw invalid('You must specify a MoveToVersionId or a RemoveFromVersionId.');
  const target = to === undefined ? undefined : requireVersion(secret, to);
  if (from === undefined ? holder !== undefined && holder !== target : holder?.id !== from) {
    const where =
      holder === undefined ? 'no version' : `version ${holder.id}, so RemoveFromVersionId must be that`;
    throw invalid(`The staging label ${stage} is attached to ${where}.`);
  }
  if (target !== undefined) moveStage(secret, stage, target);
  else if (stage === 'AWSCURRENT') throw invalid("You can't remove the staging label AWSCURRENT; move it.");
  else if (holder !== undefined) removeStage(holder, stage);
}

/**
 * The version with this id.
 * @throws {AwsError} ResourceNotFoundException
 */
export function requireVersion(secret: StoredSecret, id: string): StoredVersion {
  const version = secret.versions.find((candidate) => candidate.id === id);
  if (version === undefined) throw valueNotFound(`VersionId: ${id}`);
  return version;
}

/**
 * The version with a value that has this id and stage; by default the current one.
 * @throws {AwsError} ResourceNotFoundException; InvalidRequestException: the version has another stage
 */
export function findVersion(secret: StoredSecret, id?: string, stage = id ? undefined : 'AWSCURRENT') {
  const version = id === undefined ? versionAt(secret, stage ?? '') : requireVersion(secret, id);
  const text = version?.text;
  if (version === undefined || text === undefined)
    throw valueNotFound(stage === undefined ? `VersionId: ${id}` : `staging label: ${stage}`);
  const other = 'You provided a VersionStage that is not associated to the provided VersionId.';
  if (stage !== undefined && !version.stages.includes(stage))
    throw new AwsError('InvalidRequestException', other);
  return { ...version, text };
}

function valueNotFound(where: string): AwsError {
  const message = `Secrets Manager can't find the specified secret value for ${where}`;
  return new AwsError('ResourceNotFoundException', message);
}

/** What is put as a version. */
type Put = { id: string; text: string; stages: readonly string[] };

/**
 * Puts a version. Content of a version never changes: the same content again is no error.
 * @throws {AwsError} ResourceExistsException: other content
 */
export function putVersion(secret: StoredSecret, put: Put, now: number): StoredVersion {
  const { id, text, stages } = put;
  const existing = secret.versions.find((version) => version.id === id);
  if (existing?.text === text) return existing;
  if (existing?.text !== undefined) {
    const message = `You can't use ClientRequestToken ${id} because that value is already in use for a version of secret ${secret.arn}.`;
    throw new AwsError('ResourceExistsException', message);
  }
  const first = secret.versions.every((other) => other === existing || other.text === undefined);
  const version = existing ?? { id, created: Math.floor(now / 1000), stages: [] };
  version.text = text;
  if (existing === undefined) secret.versions.push(version);
  const asked = stages.length === 0 || first ? new Set([...stages, 'AWSCURRENT']) : stages;
  for (const stage of asked) moveStage(secret, stage, version);
  secret.changed = Math.floor(now / 1000);
  return version;
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterException', message);
}
