import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memoryDocument } from '../../../local/aws/state.ts';
import { readDetails } from '../../../local/helseid/details.ts';
import { logoutPage, userPage } from '../../../local/helseid/pages.ts';
import { createNonces, createSeenProofs } from '../../../local/helseid/protect.ts';
import { createRegistry } from '../../../local/helseid/registry.ts';
import { createStorage } from '../../../local/helseid/storage.ts';
import type { StandInClient } from '../../../local/helseid/types.ts';
import { newFolder } from '../../temporary.ts';
import { makeClientKey } from './wire.ts';

const CLIENT: StandInClient = { clientId: 'c', scopes: ['a'], tenancy: 'single-tenant' };

describe('nonces', () => {
  test('hold for their lifetime, which may change', () => {
    let clock = 1_000_000;
    let lifetime = 60;
    const nonces = createNonces(
      () => lifetime,
      () => clock,
    );
    const nonce = nonces.next();
    expect(nonces.accepts(nonce)).toBe(true);
    clock += 59_999;
    expect(nonces.accepts(nonce)).toBe(true);
    clock += 1;
    expect(nonces.accepts(nonce)).toBe(false);
    lifetime = 120;
    expect(nonces.accepts(nonce)).toBe(true);
  });

  test('nobody else makes them', () => {
    const [ours, theirs] = [createNonces(() => 60), createNonces(() => 60)];
    expect(ours.accepts(theirs.next())).toBe(false);
    fc.assert(fc.property(fc.string(), (made) => !ours.accepts(made)));
  });
});

test('proofs are remembered for longer than they are accepted, and then forgotten', () => {
  let clock = 100_000;
  const seen = createSeenProofs(() => clock);
  expect(seen.has('a')).toBe(false);
  seen.add('a');
  clock += 59_999;
  expect(seen.has('a')).toBe(true);
  clock += 1;
  expect(seen.has('a')).toBe(false);
});

test('what composes and validates for the product is not what validates here', () => {
  const folder = new URL('../../../local/helseid/', import.meta.url);
  const importsOf = (files: URL[], what: RegExp) => {
    const all = files.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(what)]);
    return [...new Set(all.map(([, path]) => path))].sort();
  };
  const own = readdirSync(folder).map((file) => new URL(file, folder));
  const verifier = '@helseid-zones/client/verify-access';
  expect(importsOf(own, /from '((?:\.\.\/\.\.\/|@helseid-zones\/)[^']+)'/g)).toEqual([
    verifier,
    '@helseid-zones/protocol/errors',
  ]);
  // What tests of zones verify with too.
  const shared = [new URL('../../client/verify-access.ts', folder)];
  expect(importsOf(shared, /from '([^']+)'/g)).toEqual(['jose', 'node:crypto']);
});

describe('registry', () => {
  test('honours a key from its propagation to its expiry', async () => {
    const { jwk } = await makeClientKey();
    let clock = 1000;
    const registry = createRegistry({ clients: [CLIENT], propagation: () => 20, now: () => clock });
    registry.register('c', jwk, 'Api', 2000);
    expect(registry.honouredKeys('c')).toEqual([]);
    clock = 1020;
    expect(registry.honouredKeys('c')).toEqual([jwk]);
    clock = 1030;
    registry.register('c', jwk, 'Api', 2000);
    expect(registry.honouredKeys('c')).toEqual([jwk]);
    clock = 2000;
    expect(registry.honouredKeys('c')).toEqual([]);
    expect(registry.keys('c')).toHaveLength(1);
  });

  test('knows its clients, and no private keys', async () => {
    const { jwk } = await makeClientKey();
    const registry = createRegistry({ clients: [CLIENT], propagation: () => 0 });
    expect(() => registry.register('nobody', jwk, 'Api')).toThrow('No client nobody');
    expect(() => registry.register('c', { ...jwk, d: 'AAAA' }, 'Api')).toThrow('public JWK');
  });

  test('keeps what was registered while it ran', async () => {
    const stateDir = newFolder();
    const { jwk } = await makeClientKey('PS256');
    const start = () => createRegistry({ clients: [CLIENT], stateDir, propagation: () => 0 });
    const registry = start();
    registry.register('c', jwk, 'Api');
    expect(start().honouredKeys('c')).toEqual([jwk]);
  });
});

test('storage keeps sessions and refresh tokens, and drops a grant with its tokens', async () => {
  const document = memoryDocument({});
  const storage = createStorage(
    document,
    () => undefined,
    () => {},
  );
  await storage.adapter('RefreshToken').upsert('r', { jti: 'r', grantId: 'g' }, 60);
  await storage.adapter('RefreshToken').upsert('other', { jti: 'other', grantId: 'h' }, 60);
  await storage.adapter('RefreshToken').upsert('old', { jti: 'old' }, -1);
  await storage.adapter('Session').upsert('s', { jti: 's', uid: 'u' }, 60);
  await storage.adapter('AccessToken').upsert('a', { jti: 'a' }, 60);
  await storage.adapter('RefreshToken').revokeByGrantId('g');
  storage.save();
  const restarted = createStorage(
    document,
    () => undefined,
    () => {},
  );
  expect(await restarted.adapter('RefreshToken').find('r')).toBeUndefined();
  expect(await restarted.adapter('RefreshToken').find('other')).toMatchObject({ grantId: 'h' });
  expect(await restarted.adapter('RefreshToken').find('old')).toBeUndefined();
  expect(await restarted.adapter('Session').findByUid('u')).toMatchObject({ jti: 's' });
  expect(await restarted.adapter('AccessToken').find('a')).toBeUndefined();
});

test('details of any shape are claims or a refusal', () => {
  const multi: StandInClient = { ...CLIENT, tenancy: 'multi-tenant' };
  const type = fc.constantFrom(
    'helseid_authorization',
    'nhn:sfm:journal-id',
    'nhn:tillitsrammeverk:parameters',
    'x',
  );
  const detail = fc.oneof(
    fc.jsonValue(),
    fc.tuple(type, fc.object()).map(([name, rest]) => ({ ...rest, type: name })),
  );
  fc.assert(
    fc.property(fc.oneof(detail, fc.array(detail)), fc.constantFrom(CLIENT, multi), (value, client) => {
      const result = readDetails(value, client);
      expect('claims' in result || /^HID-\d{4}$/.test(result.refused)).toBe(true);
    }),
  );
});

test('names on the page are text', () => {
  const [script, quote] = ['<script>alert(1)</script>', '" onclick="x'];
  const users = [{ sub: quote, pid: '', name: script, securityLevel: '4', idp: quote, organization: script }];
  const page = userPage(script, users, script, 'nb');
  expect(page).not.toContain('<script');
  expect(page).not.toContain('onclick="');
});

test.each([
  ['nb', 'Logg inn hos HelseIDs stedfortreder', 'Journal ber deg logge inn (Level4)', 'Logg ut'],
  ['en', 'Log in at HelseID’s stand-in', 'Journal asks you to log in (Level4)', 'Log out'],
] as const)('the pages are in the language asked for, %s', (language, title, asks, logOut) => {
  const users = userPage('Journal', [], 'Level4', language);
  expect(users).toContain(`<html lang="${language}">`);
  expect(users).toContain(title);
  expect(users).toContain(asks);
  expect(logoutPage('', language)).toContain(`>${logOut}</button>`);
});
