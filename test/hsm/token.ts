import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDERS = [
  '/usr/lib/softhsm',
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib',
  '/usr/lib64/pkcs11',
];

const find = (name: string) => FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path));

/** SoftHSM 2's module, and OpenSC's that writes down what a module is asked. */
export const MODULE = find('libsofthsm2.so');
export const SPY = find('pkcs11-spy.so') ?? find('pkcs11/pkcs11-spy.so');

export const PIN = '73512846';

/** Kinds of keys as pkcs11-tool names them. */
export const KINDS = { ES256: 'EC:prime256v1', ES384: 'EC:secp384r1', PS256: 'rsa:3072' } as const;

/** Runs a program that must succeed. */
export function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: 120_000 });
  if (status !== 0) throw new Error(`${command} ${args[0]}: ${error ?? stderr}`);
  return stdout;
}

/** What is not on this machine of what the test needs. */
export function missing(): string | undefined {
  if (!MODULE || !SPY) return 'SoftHSM 2 and OpenSC (apt-get install -y softhsm2 opensc)';
  for (const tool of ['softhsm2-util', 'pkcs11-tool'])
    if (spawnSync(tool, ['--version']).error) return `${tool} (apt-get install -y softhsm2 opensc)`;
  return undefined;
}

/** A SoftHSM of its own in a folder, with one token. Its settings are the environment's, so a process has one. */
export function makeToken(folder: string) {
  const tokens = join(folder, 'tokens');
  const settings = join(folder, 'softhsm2.conf');
  const pinFile = join(folder, 'pin');
  mkdirSync(tokens, { recursive: true });
  writeFileSync(
    settings,
    `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`,
  );
  writeFileSync(pinFile, `${PIN}\n`, { mode: 0o600 });
  process.env['SOFTHSM2_CONF'] = settings;
  run(
    'softhsm2-util',
    '--init-token',
    '--free',
    '--label',
    'journal',
    '--pin',
    PIN,
    '--so-pin',
    '9876543210',
  );
  const tool = (...args: string[]) =>
    run(
      'pkcs11-tool',
      '--module',
      MODULE ?? '',
      '--token-label',
      'journal',
      '--login',
      '--pin',
      PIN,
      ...args,
    );
  return {
    tokens,
    pinFile,
    /** Makes a pair of keys in the token. */
    makeKey: (kind: string, label: string, id: string, ...more: string[]) =>
      tool('--keypairgen', '--key-type', kind, '--label', label, '--id', id, '--usage-sign', ...more),
    tool,
    flags: () => run('pkcs11-tool', '--module', MODULE ?? '', '--list-token-slots'),
    uri: (key: string, { module = MODULE, pin = pinFile, token = 'journal' } = {}) =>
      `pkcs11:token=${token};${key}?module-path=${module}&pin-source=${pin}`,
  };
}

/** Starts to write down what SoftHSM is asked through the spy; answers how often `name` was. */
export function spyOn(folder: string): (name: string) => number {
  const log = join(folder, 'spy.log');
  process.env['PKCS11SPY'] = MODULE;
  process.env['PKCS11SPY_OUTPUT'] = log;
  return (name) => (existsSync(log) ? readFileSync(log, 'utf8').split(`: ${name}\n`).length - 1 : 0);
}
