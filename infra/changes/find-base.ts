import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ZonesError } from '@helseid-zones/protocol/errors';

/** What is compared with: as it was named, and the commit where that is a git revision instead of the folder of a cloud assembly. */
export interface Base {
  against: string;
  commit: string | undefined;
}

/**
 * Finds what is to be compared with. Stands apart from the comparison, which loads the CDK.
 * @throws {ZonesError} config_invalid: there is no such folder and no such revision
 */
export function findBase(against: string): Base {
  if (existsSync(join(against, 'manifest.json'))) return { against, commit: undefined };
  const commit = run('git', ['rev-parse', '--verify', '--quiet', '--end-of-options', `${against}^{commit}`], {
    failed: `${against} is neither a folder with a cloud assembly nor a git revision of this clone (in a pipeline: fetch it, with its history).`,
  });
  return { against, commit: commit.trim() };
}

/**
 * Runs a program; returns what it prints.
 * @throws {ZonesError} config_invalid: it failed; `failed`, and what it said
 */
export function run(
  command: string,
  args: readonly string[],
  { failed, ...options }: { failed: string; cwd?: string; env?: NodeJS.ProcessEnv },
): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (status === 0) return stdout;
  throw new ZonesError('config_invalid', [failed, stderr?.trim()].filter(Boolean).join('\n'), {
    cause: error,
  });
}
