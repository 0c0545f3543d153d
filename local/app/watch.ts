import { existsSync, readdirSync, readFileSync, watch } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { bundleFunction, recompileHandlers } from '../../infra/bundling.ts';
import { extensionFile, loadSystem } from '../../infra/declaration/load.ts';
import { functionName, zoneFunctions } from '../../infra/declaration/names.ts';
import { foreignCode } from '../../infra/declaration/runtimes.ts';
import { copyCode } from '../../infra/foreign-code.ts';
import { parseJson } from '../../infra/proof/assembly/json.ts';
import type { LocalSystem } from './system.ts';

/** What functions are compiled from, beside packages. */
const SOURCES = ['functions', 'client', 'protocol'];

/** Milliseconds in which an editor is done writing. */
const SETTLING = 50;

/** Tells `onChange` which files in these folders have changed, and keeps the process until what it returns is called. Knows what is in a folder itself, not below. */
export function watchFolders(folders: readonly string[], onChange: (files: readonly string[]) => void) {
  const changed = new Set<string>();
  const tell = async () => {
    await setTimeout(SETTLING);
    const files = [...changed];
    changed.clear();
    if (files.length > 0) onChange(files);
  };
  // Not one recursive watcher: on Linux it loses a file when an editor puts another in its place.
  const watchers = folders.map((folder) =>
    watch(folder, (_, name) => {
      changed.add(join(folder, name ?? '').replaceAll(sep, '/'));
      void tell();
    }),
  );
  return () => {
    for (const watcher of watchers) watcher.close();
  };
}

/** The folders that functions are compiled from. */
const sourceFolders = (): string[] => SOURCES.flatMap(foldersBelow);

function foldersBelow(path: string): string[] {
  const entries = readdirSync(path, { withFileTypes: true, recursive: true });
  const folders = entries.filter((entry) => entry.isDirectory());
  return [path, ...folders.map((folder) => join(folder.parentPath, folder.name))];
}

/** What of a system is edited from a moment on. */
export type Edits = ReturnType<typeof watchEdits>;

/**
 * Watches a declaration and, until they are left to `watchFunctions`, what functions are compiled from. `valid` resolves once anything was
 * edited and the declaration is valid; that it is not is said.
 */
export function watchEdits(declarationFile: string, stage: string | undefined, say: (what: string) => void) {
  const { promise: valid, resolve } = Promise.withResolvers<void>();
  const look = () => {
    loadSystem(declarationFile, stage).then(
      () => resolve(),
      (error: Error) => say(error.message),
    );
  };
  const own = [declarationFile, extensionFile(declarationFile)].map((file) => basename(file));
  const leaveDeclaration = watchFolders([dirname(declarationFile)], (files) => {
    if (files.some((file) => own.includes(basename(file)))) look();
  });
  const leaveSources = watchFolders(sourceFolders(), look);
  const stop = () => {
    leaveDeclaration();
    leaveSources();
  };
  return { valid, leaveSources, stop };
}

/** Whether a file is this one, or below this folder. What a language keeps for itself is none. */
function isIn(path: string, file: string): boolean {
  const below = relative(path, file);
  return !below.startsWith('..') && !below.includes('__pycache__');
}

/**
 * Compiles functions anew whose sources are edited, copies those in other languages whose code is, and has their next invocation start with that. What does not compile is said,
 * and the code of before goes on. Config files stay: they come of the declaration. Returns what ends it.
 */
export function watchFunctions(running: LocalSystem, directory: string, say: (what: string) => void) {
  const { aws, declaration } = running;
  const { name: system, zones } = declaration;
  const foreign = Object.entries(zones).flatMap(([zone, declared]) =>
    zoneFunctions(declared).flatMap((name) => {
      const code = foreignCode(declared, name);
      return code ? [{ name: functionName(system, zone, name), code }] : [];
    }),
  );
  // A zip is seen by the folder that it is in.
  const folders = foreign.flatMap(({ code: { path } }) =>
    path.endsWith('.zip') ? [dirname(path)] : foldersBelow(path),
  );
  return watchFolders([...new Set([...sourceFolders(), ...folders])], (files) => {
    const began = performance.now();
    const newCode = (names: string) =>
      say(`${names}: new code after ${Math.round(performance.now() - began)} ms`);
    for (const { name, code } of foreign.filter(({ code }) => files.some((file) => isIn(code.path, file))))
      try {
        aws.replaceCode(name, copyCode(join(directory, 'watch'), name, code));
        newCode(name);
      } catch (error) {
        say(`${(error as Error).message} Until then the code of before goes on.`);
      }
    const edited = aws.functions
      .map(({ name }) => ({ name, modules: modulesOf(aws.codeOf(name)) }))
      .filter(({ modules }) => modules.some(({ sources }) => files.some((file) => sources.includes(file))));
    try {
      recompileHandlers(edited.flatMap(({ modules }) => modules.map(({ entry }) => entry)));
      for (const { name, modules } of edited) {
        const [folder, configs] = [join(directory, 'watch'), configsIn(aws.codeOf(name))];
        const { entry } = modules.at(-1) ?? {};
        aws.replaceCode(name, bundleFunction(folder, name, entry, configs, modules.length > 1));
      }
      const names = edited.map(({ name }) => name).join(', ');
      if (edited.length > 0) newCode(names);
    } catch (error) {
      say(`${(error as Error).message}\nUntil then the code of before goes on.`);
    }
  });
}

/**
 * The modules of a bundle that are compiled of folders below `functions/`: where a guard runs first, that and then the function's own.
 * Their sources are told by source maps, from where they were compiled.
 */
function modulesOf(folder: string): { entry: string; sources: string[] }[] {
  return ['index', 'own'].flatMap((module) => {
    const map = join(folder, `${module}.mjs.map`);
    if (!existsSync(map)) return [];
    const { sources: told = [] } = parseJson(readFileSync(map, 'utf8')) as { sources?: string[] };
    const sources = told.map((source) => relative('.', resolve(source)).replaceAll(sep, '/'));
    const [, entry] =
      sources.map((file) => /^functions\/([^/]+)\/handler\.ts$/.exec(file)).find(Boolean) ?? [];
    return entry === undefined ? [] : [{ entry, sources }];
  });
}

function configsIn(folder: string): Record<string, unknown> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return Object.fromEntries(files.map((name) => [name, parseJson(readFileSync(join(folder, name), 'utf8'))]));
}
