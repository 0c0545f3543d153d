import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'choose-node-'));
const carried = join(folder, 'node_modules/.bin/node');
afterAll(() => rmSync(folder, { recursive: true }));

function choose(host: string, carries: boolean, platform = 'linux x64') {
  mkdirSync(join(carried, '..'), { recursive: true });
  rmSync(carried, { force: true });
  if (carries) writeFileSync(carried, '');
  const { status, stdout, stderr } = spawnSync(process.execPath, [resolve('.ci/choose-node.mjs')], {
    cwd: folder,
    encoding: 'utf8',
    env: { npm_config_user_agent: `npm/11.19.1 node/v${host} ${platform} workspaces/false` },
  });
  return { status, said: stdout + stderr, first: existsSync(carried) };
}

it.each(['24.13.0', '24.21.1', '25.0.0', '26.10.0'])(
  'leaves the scripts to the host with Node %s',
  (host) => {
    expect(choose(host, true)).toEqual({ status: 0, said: '', first: false });
    expect(choose(host, false).status).toBe(0);
  },
);

it.each(['20.20.2', '22.23.2', '24.0.0', '24.12.9'])('puts the carried Node before Node %s', (host) => {
  expect(choose(host, true)).toMatchObject({ status: 0, first: true });
});

it('refuses a Node that is too old where none is carried, and says what to install', () => {
  const { status, said } = choose('24.0.0', false, 'darwin arm64');
  expect(status).toBe(1);
  expect(said).toContain('Node 24.0.0 is too old');
  expect(said).toContain('for darwin arm64. Install Node 24.13.0 or newer from https://nodejs.org');
});
