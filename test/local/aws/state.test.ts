import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openKeyStore } from '../../../local/aws/kms/keys.ts';
import { appendLine, KEYS_FILE, openDocument, removeState } from '../../../local/aws/state.ts';
import { coded } from '../../coded.ts';
import { newFolder } from '../../temporary.ts';

/** A state with a client key in it, as the local KMS leaves it. */
async function makeState(): Promise<string> {
  const directory = join(newFolder(), 'state');
  const keys = openKeyStore(openDocument(join(directory, KEYS_FILE), { keys: [] }), {
    account: '111122223333',
    region: 'eu-north-1',
  });
  const usage = 'SIGN_VERIFY';
  await keys.create({ spec: 'ECC_NIST_P256', usage, description: '', created: 1, policy: '{}', tags: {} });
  keys.save();
  return directory;
}

test('the state and its logs are for their owner alone', async () => {
  const directory = await makeState();
  appendLine(join(directory, 'a.log'), 'a line');
  const modes = ['', KEYS_FILE, 'a.log'].map((name) => statSync(join(directory, name)).mode & 0o777);
  expect(modes).toEqual([0o700, 0o600, 0o600]);
});

test('keys that only stand-ins know are removed with the state', async () => {
  const directory = await makeState();
  removeState(directory, false);
  expect(existsSync(directory)).toBe(false);
});

test('keys that may be registered at a real issuer are not', async () => {
  const directory = await makeState();
  expect(() => removeState(directory, true)).toThrow(coded('local_failed', '--directory'));
  expect(existsSync(join(directory, KEYS_FILE))).toBe(true);
});

describe.each<[string, RegExp, (path: string) => void]>([
  ['is damaged', /is damaged; start with --fresh/, (path) => writeFileSync(path, '{')],
  ['is empty', /is damaged; start/, (path) => writeFileSync(path, '')],
  ['is no object', /is damaged; start/, (path) => writeFileSync(path, '[]')],
  ['is nothing', /is damaged; start/, (path) => writeFileSync(path, 'null')],
  ['lacks its list', /is damaged; start/, (path) => writeFileSync(path, '{}')],
  ['has another thing in the place of its list', /is damaged/, (path) => writeFileSync(path, '{"keys":{}}')],
  ['is a folder', /can't be read \(EISDIR\); start with --fresh/, (path) => mkdirSync(path)],
  ['is a link in a circle', /can't be read \(ELOOP\); start/, (path) => symlinkSync(path, path)],
])('a file of keys that %s', (_, message, spoil) => {
  const makeSpoilt = async () => {
    const directory = await makeState();
    rmSync(join(directory, KEYS_FILE));
    spoil(join(directory, KEYS_FILE));
    return directory;
  };

  test('is not taken for one without keys', async () => {
    const path = join(await makeSpoilt(), KEYS_FILE);
    expect(() => openDocument(path, { keys: [] })).toThrow(coded('local_failed', message));
  });

  test('may hold some, and is left alone', async () => {
    const directory = await makeSpoilt();
    expect(() => removeState(directory, true)).toThrow(coded('local_failed'));
    expect(readdirSync(directory)).toContain(KEYS_FILE);
  });
});

const linux = test.runIf(process.platform === 'linux');

linux('what can’t be saved is refused, and the document is as it was', () => {
  const path = join(newFolder(), 'state.json');
  const document = openDocument(path, { list: [1] });
  document.save();
  symlinkSync('/dev/full', `${path}.new`);
  document.value.list.push(2);
  expect(() => document.save()).toThrow(coded('local_failed', `${path} can't be written (ENOSPC)`));
  expect(openDocument(path, { list: [0] }).value).toEqual({ list: [1] });
  document.save();
  expect(openDocument(path, { list: [0] }).value).toEqual({ list: [1, 2] });
});

linux('a log without room ends nobody’s work: it is said once, and goes on with a line of its own', () => {
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  onTestFinished(() => said.mockRestore());
  const path = join(newFolder(), 'trail.log');
  symlinkSync('/dev/full', path);
  for (const line of ['one', 'two']) appendLine(path, line);
  rmSync(path);
  writeFileSync(path, 'on');
  for (const line of ['three', 'four']) appendLine(path, line);
  expect(readFileSync(path, 'utf8')).toBe('on\nthree\nfour\n');
  const words = said.mock.calls.map(([chunk]) => String(chunk)).join('');
  expect(words.match(/trail\.log can't be written \(ENOSPC\)/g)).toHaveLength(1);
});

test('a state without keys is removed', () => {
  const directory = join(newFolder(), 'state');
  removeState(directory, true);
  mkdirSync(directory);
  writeFileSync(join(directory, KEYS_FILE), '{"keys":[]}');
  removeState(directory, true);
  expect(existsSync(directory)).toBe(false);
});
