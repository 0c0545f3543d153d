import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openKeyStore } from '../../local/aws/kms/keys.ts';
import { KEYS_FILE, openDocument, removeState } from '../../local/aws/state.ts';
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
  expect(() => removeState(directory, true)).toThrow(
    expect.objectContaining({ code: 'local_failed', message: expect.stringContaining('--directory') }),
  );
  expect(existsSync(join(directory, KEYS_FILE))).toBe(true);
});

test('a damaged file may hold keys', async () => {
  const directory = await makeState();
  writeFileSync(join(directory, KEYS_FILE), '{');
  expect(() => removeState(directory, true)).toThrow(expect.objectContaining({ code: 'local_failed' }));
});

test('a state without keys is removed', () => {
  const directory = join(newFolder(), 'state');
  removeState(directory, true);
  mkdirSync(directory);
  writeFileSync(join(directory, KEYS_FILE), '{"keys":[]}');
  removeState(directory, true);
  expect(existsSync(directory)).toBe(false);
});
