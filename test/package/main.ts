/**
 * Packs the package as `npm publish` would, puts it where another project would have it, and has that project compile against its
 * types and run it. Dependencies are taken from this repository's node_modules, so that nothing is downloaded.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../..');
const project = join(root, '.build', 'consumer');
const installed = join(project, 'node_modules', 'helseid-zones');

function run(command: string, args: readonly string[], cwd: string): void {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
}

rmSync(project, { recursive: true, force: true });
mkdirSync(installed, { recursive: true });
run('npm', ['pack', '--silent', '--pack-destination', project], root);
const archive = readdirSync(project).find((file) => file.endsWith('.tgz'));
if (archive === undefined) throw new Error('npm pack wrote no archive');
run('tar', ['-xzf', join(project, archive), '-C', installed, '--strip-components=1'], project);
for (const left of ['zones.ts', 'local', 'test', '.ci'])
  if (existsSync(join(installed, left))) throw new Error(`the package holds ${left}`);

cpSync(join(here, 'consumer'), project, { recursive: true });
run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project], project);
run(process.execPath, ['app.ts'], project);
console.log('\n1 passed, 0 failed');
