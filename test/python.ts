import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A Python that can import a module of PyPI: one in the temporary folder, made where it is not there yet.
 * @param requirement as pip has it, with its version: `boto3==1.44.8`
 * @returns its path, or nothing where Python with venv, or PyPI, is not to be had
 */
export function pythonWith(requirement: string, module: string): string | undefined {
  const name = requirement.replaceAll(/[^\w.]+/g, '-');
  const environment = join(tmpdir(), `helseid-zones-${name}-${process.getuid?.() ?? ''}`);
  const own = join(environment, 'bin', 'python3');
  if (existsSync(own) && spawnSync(own, ['-c', `import ${module}`]).status === 0) return own;
  for (const [command, ...args] of [
    ['python3', '-m', 'venv', environment],
    [join(environment, 'bin', 'pip'), 'install', '-q', requirement],
  ] as const)
    if (spawnSync(command, args, { stdio: 'ignore' }).status !== 0) {
      rmSync(environment, { recursive: true, force: true });
      return undefined;
    }
  return own;
}
