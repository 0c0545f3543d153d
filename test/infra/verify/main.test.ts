import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

test.each([
  [
    'a stage that the declaration does not know',
    ['--declaration', 'examples/stages.zones.ts', '--stage', 'nope'],
    'no stage nope',
  ],
  ['a declaration that is not there', ['--declaration', '/nope.ts'], '/nope.ts'],
])('also with an assembly there is nothing to compare with %s', (_name, options, said) => {
  const args = ['infra/verify/main.ts', '--assembly', '/nowhere', ...options];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect([status, stderr]).toEqual([2, expect.stringContaining(said)]);
});
