import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { buildSync } from 'esbuild';

/** SDK packages call `require`, which an ES module has to bring along. */
const BANNER = `import{createRequire as zonesRequire}from'node:module';const require=zonesRequire(import.meta.url);`;

/**
 * Where the SDK looks for credentials after the environment, imported only when there are none there. Lambda always puts them
 * there, so a third of the signer's bundle would be code that reads profiles, metadata services and processes for nothing.
 */
const OTHER_CREDENTIALS = [
  '@aws-sdk/credential-provider-http',
  '@aws-sdk/credential-provider-ini',
  '@aws-sdk/credential-provider-login',
  '@aws-sdk/credential-provider-process',
  '@aws-sdk/credential-provider-sso',
  '@aws-sdk/credential-provider-web-identity',
  '@smithy/credential-provider-imds',
];

/** Where bundles are written, below the directory that the app runs in. */
const BUILD_FOLDER = '.build';

/** The same handler serves several functions (one signer a grant), so each is compiled once a process. */
const compiled = new Map<string, Compiled>();

/** One minified module and its source map, which names files and lines and holds none of the source. */
interface Compiled {
  code: Uint8Array;
  map: Uint8Array;
}

/** The folder that holds `functions/`: the repository's root, or the installed package's. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'functions/signer/handler.ts'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new ZonesError('config_invalid', 'No functions/signer above infra/; install the package anew.');
    folder = parent;
  }
  return folder;
}

/** `functions/<entry>/handler.ts` where the app runs, or else of this package: a system may add functions and replace shipped ones. */
function findHandler(entry: string): string {
  for (const folder of [resolve('functions'), join(packageRoot(), 'functions')]) {
    const source = join(folder, entry, 'handler.ts');
    if (existsSync(source)) return source;
  }
  throw new ZonesError(
    'config_invalid',
    `functions/${entry}/handler.ts is missing; write it, or take "${entry}" out of zones.ts.`,
  );
}

/**
 * Compiles the handlers of these functions, each to one minified ES module (Node 24). All at once takes half as long as one
 * by one, since what they share is read once.
 * @throws {ZonesError} `config_invalid`: a function has no handler
 * @throws esbuild's own error for code that does not compile
 */
export function compileHandlers(entries: readonly string[]): void {
  const missing = [...new Set(entries)].filter((entry) => !compiled.has(entry));
  if (missing.length === 0) return;
  const { outputFiles } = buildSync({
    entryPoints: missing.map((entry) => ({ in: findHandler(entry), out: entry })),
    outdir: '.',
    bundle: true,
    write: false,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    external: OTHER_CREDENTIALS,
    legalComments: 'none',
    logLevel: 'error',
    banner: { js: BANNER },
    sourcemap: 'external',
    sourcesContent: false,
  });
  const output = new Map(outputFiles.map((file) => [basename(file.path), file]));
  for (const entry of missing) {
    const [code, map] = [`${entry}.js`, `${entry}.js.map`].map((file) => output.get(file)?.contents);
    compiled.set(entry, { code: code ?? new Uint8Array(), map: map ?? new Uint8Array() });
  }
}

/**
 * The compiled handler of one function.
 * @throws as {@link compileHandlers}
 */
export function compileHandler(entry: string): Uint8Array {
  return compileEntry(entry).code;
}

function compileEntry(entry: string): Compiled {
  compileHandlers([entry]);
  return compiled.get(entry) ?? { code: new Uint8Array(), map: new Uint8Array() };
}

/**
 * Writes the asset of one function: `index.mjs` with its source map and, beside it, the JSON files it reads at start.
 * The folder's name ends in a hash of its content, so that two synths never write into one another's folder.
 *
 * @param name the function's physical name
 * @param entry its folder below `functions/`
 * @param files file name to the value that is written as JSON
 * @returns the folder, for `Code.fromAsset`
 */
export function bundleFunction(
  name: string,
  entry: string,
  files: Readonly<Record<string, unknown>>,
): string {
  const { code, map } = compileEntry(entry);
  const contents = new Map<string, Uint8Array | string>([
    ['index.mjs', `${Buffer.from(code)}//# sourceMappingURL=index.mjs.map\n`],
    ['index.mjs.map', map],
  ]);
  for (const [file, value] of Object.entries(files))
    contents.set(file, `${JSON.stringify(value, null, 2)}\n`);
  const hash = createHash('sha256');
  for (const [file, content] of contents) hash.update(`${file}\0`).update(content);
  const parent = resolve(BUILD_FOLDER);
  const folder = join(parent, `${name}-${hash.digest('hex').slice(0, 12)}`);
  if (!existsSync(folder)) {
    writeFolder(parent, folder, contents);
    removeStale(parent, name);
  }
  return folder;
}

/** Earlier bundles of a function, unless another synth may still be reading them. */
function removeStale(parent: string, name: string): void {
  const anHourAgo = Date.now() - 3_600_000;
  for (const folder of readdirSync(parent)) {
    const path = join(parent, folder);
    const same = folder.startsWith(`${name}-`) && folder.length === name.length + 13;
    if (same && (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) < anHourAgo)
      rmSync(path, { recursive: true, force: true });
  }
}

/** Written aside and renamed: whoever sees the folder sees all of it. */
function writeFolder(
  parent: string,
  folder: string,
  contents: ReadonlyMap<string, Uint8Array | string>,
): void {
  mkdirSync(parent, { recursive: true });
  const draft = mkdtempSync(join(parent, 'draft-'));
  for (const [file, content] of contents) writeFileSync(join(draft, file), content);
  try {
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true });
    if (!existsSync(folder)) throw error;
  }
}
