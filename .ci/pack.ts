/**
 * Packs what is published into `.build/packages/`, an archive a workspace: its files compiled, with a manifest that holds what a
 * dependency needs and nothing of the clone's: no scripts, no Node binaries. Prints the archives' paths, a line each.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Each workspace with the folders of the repository that its package holds, and the one that its `exports` name. */
const PACKAGES = [
  { name: 'protocol', folders: ['protocol'], sources: [] },
  { name: 'client', folders: ['client'], sources: [] },
  // The functions come as source too: a deploy bundles them.
  { name: 'infra', folders: ['infra', 'functions'], sources: ['functions'] },
];

const root = resolve(import.meta.dirname, '..');
const compiled = join(root, '.build', 'compiled');
const packages = join(root, '.build', 'packages');
for (const folder of [compiled, packages]) rmSync(folder, { recursive: true, force: true });

const tsc = join(root, 'node_modules/typescript/bin/tsc');
execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', compiled], {
  cwd: root,
  stdio: ['ignore', 'inherit', 'inherit'],
});

for (const { name, folders, sources } of PACKAGES) {
  const folder = join(packages, name);
  mkdirSync(folder, { recursive: true });
  for (const part of folders) cpSync(join(compiled, part), join(folder, part), { recursive: true });
  for (const part of sources) cpSync(join(root, part), join(folder, part), { recursive: true });
  for (const file of ['LICENSE', 'SECURITY.md', 'CHANGELOG.md']) cpSync(join(root, file), join(folder, file));
  const manifest = JSON.parse(readFileSync(join(root, name, 'package.json'), 'utf8'));
  const exports = Object.fromEntries(
    Object.entries<string>(manifest.exports).map(([path, file]) => [path, compiledExport(name, file)]),
  );
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, exports }, undefined, 2));
  // A shell, since npm is a .cmd file on Windows; nothing of the line comes from outside.
  const line = 'npm pack --json --ignore-scripts';
  const [packed] = JSON.parse(execFileSync(line, { cwd: folder, shell: true, encoding: 'utf8' }));
  console.log(join(folder, packed.filename));
}

/** `./NAME.ts` of a workspace, as its package has it. */
function compiledExport(workspace: string, file: string): { types: string; default: string } {
  const path = file.replace('./', `./${workspace}/`);
  return { types: path.replace(/\.ts$/, '.d.ts'), default: path.replace(/\.ts$/, '.js') };
}
