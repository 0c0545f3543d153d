import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { extensionFile } from '../../infra/declaration/load.ts';
import { readAssembly } from '../../infra/proof/assembly/read-assembly.ts';
import { type ResolvedAssembly, resolveAssembly } from '../../infra/proof/assembly/resolve.ts';
import type { LocalPorts } from './declaration.ts';

/** Account and region of the local AWS. */
export const ACCOUNT = '000000000000';
/** See {@link ACCOUNT}. */
export const REGION = 'eu-north-1';
/** File of an assembly that names what is deployed and not run here. */
export const NOT_RUN = 'not-run-locally.json';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** What an assembly is made of, beside the declaration file itself. */
const SOURCES = [
  'client',
  'functions',
  'infra',
  'local/app/declaration.ts',
  'local/app/synth.ts',
  'package-lock.json',
  'protocol',
  'zones.ts',
];
/** Assemblies kept: of this declaration and the one tried before it. */
const KEPT = 3;

/** What is synthesized. Without ports the declaration is taken as it is. */
interface SynthOptions {
  declarationFile: string;
  stage: string | undefined;
  ports: LocalPorts | undefined;
  /** Folders and zips of functions in other languages, wherever they lie. */
  code?: readonly string[];
  /** Folder for assemblies. */
  directory: string;
  /** Called where it has to be synthesized, which takes some seconds. */
  onSynth?(): void;
  /** Called with each thing of constructs of one's own that is deployed and not run here. */
  onNotRun?(what: string): void;
}

/**
 * The assembly of a declaration, resolved. It is synthesized unless one made of exactly the same sources is there already.
 * @throws {ZonesError} declaration_invalid: the message is what the synth says
 */
export async function loadAssembly(options: SynthOptions): Promise<ResolvedAssembly> {
  const folder = join(options.directory, hashInputs(options));
  const read = async () => {
    const notRun: string[] = JSON.parse(readFileSync(join(folder, NOT_RUN), 'utf8'));
    return { notRun, assembly: readAssembly(folder) };
  };
  const synth = async () => {
    options.onSynth?.();
    rmSync(folder, { recursive: true, force: true });
    await synthesize(options, folder);
    return read();
  };
  // One that is damaged is made anew, like one that is not there.
  const { notRun, assembly } = await read().catch(synth);
  for (const what of notRun) options.onNotRun?.(what);
  return resolveAssembly(assembly, { account: ACCOUNT, region: REGION });
}

async function synthesize({ declarationFile, stage = '', ports, directory }: SynthOptions, folder: string) {
  dropOldest(directory);
  const partial = `${folder}.${process.pid}`;
  const script = fileURLToPath(new URL('./synth.ts', import.meta.url));
  const given = ports === undefined ? [] : [String(ports.gateway), String(ports.standIn)];
  const options = { cwd: ROOT, maxBuffer: Number.POSITIVE_INFINITY };
  const args = [script, declarationFile, partial, stage, ...given];
  const running = promisify(execFile)(process.execPath, args, options);
  const kill = () => running.child.kill();
  process.once('exit', kill);
  try {
    await running;
  } catch (cause) {
    rmSync(partial, { recursive: true, force: true });
    const { stderr = '' } = cause as { stderr?: string };
    throw new ZonesError('declaration_invalid', `${declarationFile} can't be synthesized:\n${stderr.trim()}`);
  } finally {
    process.off('exit', kill);
  }
  renameSync(partial, folder);
}

function dropOldest(directory: string): void {
  const folders = existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : [];
  const byAge = folders.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  for (const folder of byAge.slice(KEPT - 1)) rmSync(folder, { recursive: true, force: true });
}

function hashInputs({ declarationFile, stage = '', ports, code = [] }: SynthOptions): string {
  const hash = createHash('sha256').update(JSON.stringify([ports ?? null, stage, process.version]));
  const own = [declarationFile, extensionFile(declarationFile)].filter((file) => existsSync(file));
  // A clone may be without its lockfile.
  const sources = [...SOURCES, ...code].map((path) => join(ROOT, path)).filter(existsSync);
  for (const file of [...sources.flatMap(filesBelow), ...own])
    hash.update(`\0${file}\0`).update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

function filesBelow(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  const entries = readdirSync(path, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
