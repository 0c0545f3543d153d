/**
 * Packs what is published into `.build/`: the files that package.json names, compiled, with a manifest that holds what a dependency
 * needs and nothing of the clone's: no scripts, no Node binaries. Prints the archive's path.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

const PUBLISHED = [
  ...['name', 'version', 'description', 'license', 'type', 'engines'],
  ...['exports', 'files', 'dependencies'],
];

const root = resolve(import.meta.dirname, '..');
const folder = resolve(root, '.build/package');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const clone: Record<string, unknown> & { files: string[] } = JSON.parse(
  readFileSync(resolve(root, 'package.json'), 'utf8'),
);
const manifest = Object.fromEntries(PUBLISHED.map((field) => [field, clone[field]]));
writeFileSync(resolve(folder, 'package.json'), JSON.stringify(manifest, undefined, 2));
for (const file of clone.files.filter((name) => name !== 'dist'))
  cpSync(resolve(root, file), resolve(folder, file), { recursive: true });

const tsc = resolve(root, 'node_modules/typescript/bin/tsc');
const compile = [tsc, '-p', 'tsconfig.build.json', '--outDir', resolve(folder, 'dist')];
execFileSync(process.execPath, compile, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });

// A shell, since npm is a .cmd file on Windows; nothing of the line comes from outside.
const [packed] = JSON.parse(
  execFileSync('npm pack --json --ignore-scripts', { cwd: folder, shell: true, encoding: 'utf8' }),
);
console.log(resolve(folder, packed.filename));
