import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { ZonesError } from '../client/errors.ts';

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
const compiled = new Map<string, Uint8Array>();

/** The folder that holds `functions/`: the repository's root, or the installed package's. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!isPackageRoot(folder)) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new ZonesError('config_invalid', 'No package.json of helseid-zones above infra/; reinstall it.');
    folder = parent;
  }
  return folder;
}

function isPackageRoot(folder: string): boolean {
  const file = join(folder, 'package.json');
  return existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).name === 'helseid-zones';
}

/**
 * Compiles `functions/<entry>/handler.ts` to one minified ES module (Node 24).
 * Throws `ZonesError` `config_invalid` when the folder has no handler; esbuild's own error for code that does not compile.
 */
export function compileHandler(entry: string): Uint8Array {
  const known = compiled.get(entry);
  if (known) return known;
  const root = packageRoot();
  const source = join(root, 'functions', entry, 'handler.ts');
  if (!existsSync(source))
    throw new ZonesError(
      'config_invalid',
      `functions/${entry}/handler.ts is missing; write it, or take "${entry}" out of zones.ts.`,
    );
  const { outputFiles } = buildSync({
    entryPoints: [source],
    absWorkingDir: root,
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
  });
  const code = outputFiles[0]?.contents ?? new Uint8Array();
  compiled.set(entry, code);
  return code;
}

/**
 * Writes the asset of one function: `index.mjs` and, beside it, the JSON files it reads at start.
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
  const contents = new Map<string, Uint8Array | string>([['index.mjs', compileHandler(entry)]]);
  for (const [file, value] of Object.entries(files))
    contents.set(file, `${JSON.stringify(value, null, 2)}\n`);
  const hash = createHash('sha256');
  for (const [file, content] of contents) hash.update(`${file}\0`).update(content);
  const parent = resolve(BUILD_FOLDER);
  const folder = join(parent, `${name}-${hash.digest('hex').slice(0, 12)}`);
  if (!existsSync(folder)) writeFolder(parent, folder, contents);
  return folder;
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
