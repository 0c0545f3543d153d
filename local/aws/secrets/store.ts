import type { Document } from '../../app/state.ts';
import { AwsError } from '../errors.ts';

/** One version of a secret. A version that rotation reserved has no text yet. Times are epoch seconds. */
export interface StoredVersion {
  id: string;
  text?: string;
  created: number;
  stages: string[];
}

/** One secret, as it is stored. */
export interface StoredSecret {
  arn: string;
  name: string;
  created: number;
  changed: number;
  rotated?: number;
  versions: StoredVersion[];
}

/** What the template says of a secret; it is not kept in the state. */
export interface SecretSettings {
  arn: string;
  name: string;
  description?: string;
  kmsKeyId?: string;
  initialText?: string;
  tags: Readonly<Record<string, string>>;
  rotation?: { functionArn: string; schedule: string };
}

/** A secret with its settings. */
export interface Secret {
  stored: StoredSecret;
  settings: SecretSettings;
}

/** The secrets of the template. */
export interface SecretStore {
  /** By ARN or name. Throws `ResourceNotFoundException`. */
  find(secretId: string): Secret;
  list(): readonly Secret[];
  save(): void;
}

/** Opens the store: every secret that the template declares, with the versions that the state has, or the template's first one. */
export function openSecretStore(
  document: Document<{ secrets: StoredSecret[] }>,
  declared: readonly SecretSettings[],
  now: () => number,
): SecretStore {
  const secrets = declared.map((settings): Secret => {
    const known = document.value.secrets.find(({ arn }) => arn === settings.arn);
    if (known !== undefined) return { stored: known, settings };
    const seconds = Math.floor(now() / 1000);
    const first = settings.initialText;
    const versions =
      first === undefined
        ? []
        : [{ id: crypto.randomUUID(), text: first, created: seconds, stages: ['AWSCURRENT'] }];
    const { arn, name } = settings;
    const stored = { arn, name, created: seconds, changed: seconds, versions };
    document.value.secrets.push(stored);
    return { stored, settings };
  });
  return {
    find(secretId) {
      const secret = secrets.find(({ stored }) => stored.arn === secretId || stored.name === secretId);
      if (secret === undefined) {
        throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
      }
      return secret;
    },
    list: () => secrets,
    save: () => document.save(),
  };
}
