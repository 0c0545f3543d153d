import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { newFolder } from '../temporary.ts';

/** What stands for every program of the night: it writes down what it was asked, and one of them ends as the test says. */
const STAND_IN = `#!/bin/sh
echo "\${0##*/} $*" >> "$ASKED"
[ "\${0##*/} $*" != "$ENDING" ] || exit "$CODE"
`;

/** Runs the night where nothing is really run but the one command that ends with a code. */
function runNight(ending: string, code: number) {
  const folder = newFolder();
  const asked = join(folder, 'asked');
  mkdirSync(join(folder, 'bin'));
  for (const name of ['npm', 'bash', 'apt-get', 'sudo'])
    writeFileSync(join(folder, 'bin', name), STAND_IN, { mode: 0o755 });
  const PATH = [join(folder, 'bin'), process.env['PATH']].join(delimiter);
  const env = { ...process.env, PATH, ASKED: asked, ENDING: ending, CODE: String(code) };
  const { status, stdout } = spawnSync('/bin/bash', ['.ci/nightly'], { env, encoding: 'utf8' });
  const commands = readFileSync(asked, 'utf8').trim().split('\n');
  return { status, said: stdout, last: commands.at(-1) };
}

it.skipIf(process.platform === 'win32').each([
  ['goes well', '', 0, 0, 'npm run test:hsm', false],
  ['lacks something: the others go on', 'npm run test:upgrade', 77, 77, 'npm run test:hsm', true],
  ['lacks something of a program', 'bash .ci/patterns', 77, 77, 'npm run test:hsm', true],
  ['fails, in what may lack something', 'npm run test:upgrade', 1, 1, 'npm run test:upgrade', false],
  ['fails', 'npm run test:fuzz', 1, 1, 'npm run test:fuzz', false],
  ['has no right to lack anything', 'npm ci', 77, 77, 'npm ci', false],
])('a night that %s', (_, ending, code, status, last, lacks) => {
  const night = runNight(ending, code);
  expect(night).toMatchObject({ status, last });
  expect(night.said.includes(`NOT RUN, or not whole: ${ending}\n`)).toBe(lacks);
});

it.each([
  ['nothing lacks', '', 0, ''],
  ['something lacks', "reportMissing('Java', 'a JDK');", 77, 'NOT RUN  Java: a JDK\n'],
  [
    'something lacks, and something failed',
    "reportMissing('Java', 'a JDK'); process.exitCode = 1;",
    1,
    'NOT RUN  Java: a JDK\n',
  ],
])('a check ends with a code of its own where %s', (_, work, status, stdout) => {
  const script = `import { reportMissing } from '${resolve('test/missing.ts')}'; ${work}`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(run).toMatchObject({ status, stdout });
});
