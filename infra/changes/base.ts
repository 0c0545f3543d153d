import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { DECLARATION_FILE } from '../build-app.ts';
import { packageRoot } from '../bundling.ts';
import { defineSystem } from '../declaration/define.ts';
import type { SystemDeclaration, SystemInput } from '../declaration/schema.ts';

/** What a change is compared with. */
export interface Base {
  /** Folder of its cloud assembly. */
  directory: string;
  /** Undefined where the assembly does not hold it, as those of versions before this file. */
  declaration: SystemDeclaration | undefined;
}

/** How a revision is synthesized: which declaration of it, and for which account and region. */
export interface BaseOptions {
  declaration: string;
  stage?: string | undefined;
  place: { account?: string; region?: string };
}

/**
 * Uses the cloud assembly in the folder `against`, or the one that this git revision's own declaration and constructs yield: its
 * files, as they are committed, in a folder of their own with the packages of this clone. Runs what that revision holds.
 * @throws {ZonesError} config_invalid: `against` is neither, or the revision can't be synthesized
 */
export async function withBase<T>(
  against: string,
  options: BaseOptions,
  use: (base: Base) => Promise<T>,
): Promise<T> {
  if (existsSync(join(against, 'manifest.json'))) return use(readBase(against));
  const commit = run('git', ['rev-parse', '--verify', '--quiet', '--end-of-options', `${against}^{commit}`], {
    failed: `${against} is neither a folder with a cloud assembly nor a git revision of this clone (in a pipeline: fetch it, with its history).`,
  }).trim();
  const folder = mkdtempSync(join(tmpdir(), 'zones-'));
  try {
    const directory = join(folder, 'assembly');
    const files = join(folder, 'files');
    checkOut(commit, files, folder);
    synthesize(files, directory, options, against);
    return await use(readBase(directory));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readBase(directory: string): Base {
  const file = join(directory, DECLARATION_FILE);
  const declared = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as SystemInput) : undefined;
  return { directory, declaration: declared && defineSystem(declared) };
}

/** The committed files, with the packages of this clone beside them, but for those that are folders of it. */
function checkOut(commit: string, files: string, folder: string): void {
  const archive = join(folder, 'files.tar');
  const failed = `The files of ${commit} can't be written to ${folder}.`;
  mkdirSync(join(files, 'node_modules'), { recursive: true });
  run('git', ['archive', '--format=tar', '-o', archive, commit], { failed });
  run('tar', ['-xf', archive, '-C', files], { failed });
  const link = (path: string) => {
    const own = resolve('node_modules', path);
    const target = lstatSync(own).isSymbolicLink() ? readlinkSync(own) : own;
    symlinkSync(target, join(files, 'node_modules', path));
  };
  for (const name of readdirSync('node_modules')) {
    if (!name.startsWith('@')) link(name);
    else {
      mkdirSync(join(files, 'node_modules', name));
      for (const scoped of readdirSync(join('node_modules', name))) link(join(name, scoped));
    }
  }
}

/** Without code where the revision knows how: only its templates and the files beside the code are compared. */
const SYNTHESIZE = `
const { writeFileSync } = await import('node:fs');
const [root, file, stage, outdir, place, record] = JSON.parse(process.env.ZONES_BASE);
const { loadSystem } = await import(root + '/infra/declaration/load.ts');
const { buildApp } = await import(root + '/infra/build-app.ts');
const system = await loadSystem(file, stage ?? undefined);
buildApp(system, { ...place, outdir, checkTemplates: false, withCode: 'files', extension: false }).synth();
writeFileSync(outdir + '/' + record, JSON.stringify(system));
`;

function synthesize(files: string, directory: string, options: BaseOptions, against: string): void {
  // A clone of a system that has this as a package has no constructs of its own.
  const root = pathToFileURL(existsSync(join(files, 'infra/build-app.ts')) ? files : packageRoot()).href;
  const { declaration, stage, place } = options;
  run(process.execPath, ['--input-type=module', '-e', SYNTHESIZE], {
    cwd: files,
    env: {
      ...process.env,
      ZONES_BASE: JSON.stringify([root, declaration, stage, directory, place, DECLARATION_FILE]),
    },
    failed: `The revision ${against} can't be synthesized: compare with the folder of an assembly instead.`,
  });
}

function run(
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
