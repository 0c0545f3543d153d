import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { required } from '@helseid-zones/protocol/values';
import { type BuildFailure, type BuildOptions, buildSync, type Message, type Metafile } from 'esbuild';
import { WEBHOOK_GUARD } from './declaration/fields.ts';

/** SDK packages call `require`, which an ES module has to bring along. */
const BANNER = `import{createRequire as zonesRequire}from'node:module';const require=zonesRequire(import.meta.url);`;

/**
 * Where the SDK looks for credentials after the environment, imported only when there are none there. Lambda always puts them
 * there, so a third of the signer's bundle would be code that reads profiles, metadata services and processes for nothing.
 */
const OTHER_CREDENTIALS = [
  ...['http', 'ini', 'login', 'process', 'sso', 'web-identity'].map(
    (name) => `@aws-sdk/credential-provider-${name}`,
  ),
  '@smithy/credential-provider-imds',
];

/** How functions are compiled: each to one minified ES module for Node 24. */
export const BUNDLING = {
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  external: OTHER_CREDENTIALS,
  legalComments: 'none',
  logLevel: 'silent',
  banner: { js: BANNER },
} satisfies BuildOptions;

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

/** `functions/<entry>/handler.ts` of each, where the app runs, or else of this package: a system may add functions and replace shipped ones. */
function findHandlers(entries: readonly string[]): { in: string; out: string }[] {
  const folders = [resolve('functions'), join(packageRoot(), 'functions')];
  const found = entries.flatMap((out) => {
    const source = folders.map((folder) => join(folder, out, 'handler.ts')).find((file) => existsSync(file));
    return source === undefined ? [] : [{ in: source, out }];
  });
  const missing = entries.filter((entry) => !found.some(({ out }) => out === entry));
  if (missing.length === 0) return found;
  const files = missing.map((entry) => `functions/${entry}/handler.ts`);
  const message = `Missing: ${files.join(', ')} (looked in ${[...new Set(folders)].join(', ')}); write it, or take it out of zones.ts.`;
  throw new ZonesError('config_invalid', message);
}

/** What a deployed function never holds, by the packages' or the clone's paths: doubles of issuer and APIs. */
const FOR_TESTS = /(?:^|\/)client\/(?:testing|conformance(?:-cases)?)\.[jt]s$/;

/** @throws {ZonesError} config_invalid: the module exports no `handler`, or brings what is for tests */
function checkOutput(entry: string, output: Metafile['outputs'][string] | undefined): void {
  const source = `functions/${entry}/handler.ts`;
  if (!output?.exports.includes('handler'))
    throw new ZonesError(
      'config_invalid',
      `${source} exports no "handler", which Lambda calls; write: export const handler = async (event) => …`,
    );
  const [found] = Object.keys(output.inputs).filter((input) => FOR_TESTS.test(input));
  if (found)
    throw new ZonesError(
      'config_invalid',
      `${source} imports @helseid-zones/client/testing, which is for tests: leave it to a file that the handler does not import.`,
    );
}

/**
 * Compiles the handlers of these functions, each to one minified ES module (Node 24). All at once takes half as long as one
 * by one, since what they share is read once.
 * @throws {ZonesError} config_invalid: a function has no handler, exports none, brings what is for tests, or does not compile
 */
export function compileHandlers(entries: readonly string[]): void {
  const missing = [...new Set(entries)].filter((entry) => !compiled.has(entry));
  if (missing.length === 0) return;
  const { outputFiles, metafile } = build(findHandlers(missing));
  const output = new Map(outputFiles.map((file) => [basename(file.path), file.contents]));
  const outputs = new Map(Object.entries(metafile.outputs).map(([path, of]) => [basename(path), of]));
  for (const entry of missing) {
    checkOutput(entry, outputs.get(`${entry}.js`));
    const code = required(output.get(`${entry}.js`), `The bundle of ${entry}`);
    const map = required(output.get(`${entry}.js.map`), `The source map of ${entry}`);
    compiled.set(entry, { code, map });
  }
}

function build(entryPoints: { in: string; out: string }[]) {
  const rest = {
    outdir: '.',
    write: false,
    metafile: true,
    sourcemap: 'external',
    sourcesContent: false,
  } as const;
  try {
    return buildSync({ entryPoints, ...rest, ...BUNDLING });
  } catch (cause) {
    const { errors = [] } = cause as Partial<BuildFailure>;
    const message = `Functions do not compile.\n${errors.map(describe).join('\n')}`;
    throw new ZonesError('config_invalid', message, { cause });
  }
}

/** Where it is, and what. What esbuild itself advises for a package, to leave it out, would deploy a function that lacks it. */
function describe({ text, location }: Message): string {
  const [, name] = /^Could not resolve "((?:@[^"/]+\/)?[^".:/@][^":/]*)["/]/.exec(text) ?? [];
  const advice = name === undefined ? '' : `: npm install ${name}, or correct the name`;
  return `${location ? `${location.file}:${location.line}:${location.column + 1}: ` : ''}${text}${advice}.`;
}

/** {@link compileHandlers}, anew where they were compiled before. */
export function recompileHandlers(entries: readonly string[]): void {
  for (const entry of entries) compiled.delete(entry);
  compileHandlers(entries);
}

/**
 * The compiled handler of one function.
 * @throws as {@link compileHandlers}
 */
export function compileHandler(entry: string): Compiled {
  compileHandlers([entry]);
  return required(compiled.get(entry), `The bundle of ${entry}`);
}

/**
 * Writes what one function is deployed as: `index.mjs` with its source map and, beside it, the JSON files it reads at start.
 *
 * @param parent where the folder is made; its name ends in a hash of its content, since CDK takes an asset of the same path for the same
 * @param name the function's physical name
 * @param entry its folder below `functions/`; undefined for the JSON files alone
 * @param files file name to the value that is written as JSON, or to the text
 * @param guarded whether the guard of webhooks runs first; the function's own code is then `own.mjs`
 * @returns the folder, for `Code.fromAsset`
 */
export function bundleFunction(
  parent: string,
  name: string,
  entry: string | undefined,
  files: Readonly<Record<string, unknown>>,
  guarded = false,
): string {
  const module = (name: string, of: string): [string, Uint8Array | string][] => {
    const { code, map } = compileHandler(of);
    return [
      [`${name}.mjs`, `${Buffer.from(code)}//# sourceMappingURL=${name}.mjs.map\n`],
      [`${name}.mjs.map`, map],
    ];
  };
  const own = guarded ? 'own' : 'index';
  return writeFolder(parent, name, [
    ...(entry !== undefined && guarded ? module('index', WEBHOOK_GUARD) : []),
    // Without code the file still says that a guard runs first, or whoever compares two assemblies takes the route for open.
    ...(entry !== undefined ? module(own, entry) : guarded ? [[`${own}.mjs`, ''] as const] : []),
    ...Object.entries(files).map(([file, value]): [string, string] => [
      file,
      typeof value === 'string' ? value : `${JSON.stringify(value, null, 2)}\n`,
    ]),
  ]);
}

/** A file of a function: its path in the folder, what is in it, and its mode where it is not everybody's to read. */
export type CodeFile = readonly [path: string, content: Uint8Array | string, mode?: number];

/** Writes files into a folder below `parent` whose name ends in a hash of them. */
export function writeFolder(parent: string, name: string, files: readonly CodeFile[]): string {
  const hash = createHash('sha256');
  for (const [file, content] of files) hash.update(`${file}\0`).update(content);
  const folder = join(parent, `${name}-${hash.digest('hex')}`);
  for (const [file, content, mode = 0o644] of [...files]) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), content, { mode });
  }
  return folder;
}
