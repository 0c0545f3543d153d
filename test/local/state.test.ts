import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openKeyStore } from '../../local/aws/kms/keys.ts';
import { KEYS_FILE, openDocument, removeState } from '../../local/aws/state.ts';
import { coded } from '../coded.ts';
import { newFolder } from '../temporary.ts';

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
  ['is no object', /is damaged; start/, (path) => writeFileSync(path, '')],
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

test('a state without keys is removed', () => {
  const directory = join(newFolder(), 'state');
  removeState(directory, true);
  mkdirSync(directory);
  writeFileSync(join(directory, KEYS_FILE), '{"keys":[]}');
  removeState(directory, true);
  expect(existsSync(directory)).toBe(false);
});
