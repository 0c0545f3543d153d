import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

it.each([
  ['--help', 0, /^npm run pack\n/],
  ['--version', 1, /^There is no option --version\.\n\nnpm run pack\n/],
])('asked for %s, it packs nothing', (option, status, said) => {
  const run = spawnSync(process.execPath, ['.ci/pack.ts', option], { encoding: 'utf8' });
  expect(run.stdout + run.stderr).toMatch(said);
  expect(run.status).toBe(status);
  expect(run.stdout).not.toContain('.tgz');
});
