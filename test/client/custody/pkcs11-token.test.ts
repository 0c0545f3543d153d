import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cryptoki, loadModule, openToken } from '@helseid-zones/client/custody/pkcs11-token';
import { parsePkcs11Uri } from '@helseid-zones/client/custody/pkcs11-uri';
import { describe, expect, test } from 'vitest';
import { newFolder } from '../../temporary.ts';
import { failure } from '../make-client.ts';

// What SoftHSM can't show (test/hsm has it for real): a token that counts tries, and one that fails in its own way.
const C = { CKF_LOGIN_REQUIRED: 4, CKF_USER_PIN_FINAL_TRY: 0x20000, CKF_USER_PIN_LOCKED: 0x40000 };

function makeLibrary(serialNumber: string, { flags = 4, login = '', initialized = false } = {}) {
  const counted = { logins: 0, closed: 0, finalized: 0 };
  const library: Partial<Cryptoki> = {
    C_Initialize() {
      if (initialized) throw new Error('CKR_CRYPTOKI_ALREADY_INITIALIZED');
    },
    C_Finalize() {
      counted.finalized += 1;
    },
    C_GetSlotList: () => [Buffer.of(1)],
    C_GetTokenInfo: () => ({ label: 'journal   ', serialNumber, flags }),
    C_OpenSession: () => Buffer.of(2),
    C_CloseSession() {
      counted.closed += 1;
    },
    C_Login() {
      counted.logins += 1;
      if (login) throw new Error(login);
    },
  };
  return { counted, pkcs11: { C, library: library as Cryptoki } };
}

function makeUri() {
  const path = join(newFolder(), 'pin');
  writeFileSync(path, '1234\n', { mode: 0o600 });
  return parsePkcs11Uri(`pkcs11:token=journal;object=key?pin-source=${path}`);
}

describe('a login', () => {
  test.each([['CKF_USER_PIN_FINAL_TRY'], ['CKF_USER_PIN_LOCKED']] as const)(
    'is not tried at %s',
    async (flag) => {
      const { pkcs11, counted } = makeLibrary(flag, { flags: 4 | C[flag] });
      await failure(openToken(pkcs11, makeUri()), 'custody_refused');
      expect(counted).toEqual({ logins: 0, closed: 4, finalized: 1 });
    },
  );

  test.each([['CKR_PIN_INCORRECT'], ['CKR_PIN_EXPIRED'], ['CKR_GENERAL_ERROR'], ['CKR_VENDOR_DEFINED']])(
    'that throws %s is not tried again, by whoever opens the token',
    async (login) => {
      const { pkcs11, counted } = makeLibrary(login, { login });
      const error = await failure(openToken(pkcs11, makeUri()), 'custody_refused');
      expect(error.message).not.toContain('1234');
      await failure(openToken(pkcs11, makeUri()), 'custody_refused');
      expect(counted.logins).toBe(1);
    },
  );

  test('that finds the token gone says nothing of the PIN', async () => {
    const { pkcs11, counted } = makeLibrary('gone', { login: 'CKR_TOKEN_NOT_PRESENT' });
    for (const _ of [1, 2]) await failure(openToken(pkcs11, makeUri()), 'custody_unavailable');
    expect(counted.logins).toBe(2);
  });

  test('is not needed where the token says so, and a PIN is where it does not', async () => {
    const open = makeLibrary('open', { flags: 0 });
    await openToken(open.pkcs11, parsePkcs11Uri('pkcs11:object=key'));
    expect(open.counted.logins).toBe(0);
    const { pkcs11: shut } = makeLibrary('shut');
    await failure(openToken(shut, parsePkcs11Uri('pkcs11:object=key')), 'custody_refused');
  });
});

test.each([
  [false, 1],
  [true, 0],
])('a module that was initialized before (%s) is not taken from others', async (initialized, times) => {
  const { pkcs11, counted } = makeLibrary('absent', { initialized });
  await failure(openToken(pkcs11, parsePkcs11Uri('pkcs11:token=other;object=key')), 'custody_unavailable');
  expect(counted.finalized).toBe(times);
});

test('one thing at a time is done in a session, and it is closed after that', async () => {
  const { pkcs11, counted } = makeLibrary('busy');
  const token = await openToken(pkcs11, makeUri());
  let running = 0;
  let most = 0;
  const work = Array.from({ length: 12 }, () =>
    token.use(async () => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
    }),
  );
  token.close();
  expect(counted.closed).toBe(0);
  await Promise.all(work);
  expect(most).toBe(4);
});

test('a module is named by an absolute path, and its package is the application’s', async () => {
  await failure(loadModule(parsePkcs11Uri('pkcs11:object=k?module-path=m.so')), 'custody_refused');
  await failure(loadModule(parsePkcs11Uri('pkcs11:object=k?module-path=/m.so')), 'custody_unavailable');
});
