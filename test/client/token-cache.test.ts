import { createTokenCache } from '@helseid-zones/client/token-cache';
import type { AccessToken } from '@helseid-zones/client/tokens';
import { expect, test } from 'vitest';

const token = (accessToken: string, expiresAt?: number): AccessToken => ({
  accessToken,
  binding: { kid: 'k', jkt: 'k' },
  ...(expiresAt === undefined ? {} : { expiresAt }),
});

test('a refused token is replaced once; another one in its place stays', async () => {
  const cache = createTokenCache(() => 0);
  const never = () => Promise.reject(new Error('asked for'));
  const first = await cache.get('k', async () => token('1', 60));
  expect(await cache.renew('k', token('0', 60), never)).toBe(first);
  const second = await cache.renew('k', first, async () => token('2', 60));
  expect(second?.accessToken).toBe('2');
  expect(await cache.get('k', never)).toBe(second);
  expect(await cache.renew('k', first, never)).toBe(second);
});

test('one that took the place of a refused one is replaced only after somebody accepted it', async () => {
  const cache = createTokenCache(() => 0);
  const first = await cache.get('k', async () => token('1', 60));
  const second = (await cache.renew('k', first, async () => token('2', 60))) ?? first;
  expect(await cache.renew('k', second, async () => token('3', 60))).toBeUndefined();
  expect(await cache.get('k', async () => token('4', 60))).toBe(second);
  cache.accept(second);
  expect((await cache.renew('k', second, async () => token('3', 60)))?.accessToken).toBe('3');
});

test('one whose key is lost is replaced, whatever was refused before; by one of the same key not twice in seconds', async () => {
  let now = 0;
  const cache = createTokenCache(() => now);
  const of = (kid: string, name: string) => async () => ({ ...token(name, 60), binding: { kid, jkt: kid } });
  const first = await cache.get('k', of('old', '1'));
  const unproven = (await cache.renew('k', first, of('old', '2'))) ?? first;
  const same = (await cache.replace('k', unproven, of('old', '3'))) ?? first;
  expect(same.accessToken).toBe('3');
  expect(await cache.replace('k', same, of('new', '4'))).toBeUndefined();
  now = 10_000;
  const next = await cache.replace('k', same, of('new', '5'));
  expect(next?.accessToken).toBe('5');
  expect(await cache.replace('k', same, of('new', '6'))).toBe(next);
});

test('a source that is down after a good read: the token stays', async () => {
  const cache = createTokenCache(() => 0);
  const down = () => Promise.reject(new Error('down'));
  const first = await cache.get('k', async () => token('1', 60));
  await expect(cache.renew('k', first, down)).rejects.toThrow('down');
  expect(await cache.get('k', down)).toBe(first);
});

test('it holds a thousand tokens: the expired ones give way, then the oldest', async () => {
  let now = 0;
  const cache = createTokenCache(() => now);
  const asked: string[] = [];
  const get = (key: string, expiresAt: number) =>
    cache.get(key, async () => {
      asked.push(key);
      return token(key, expiresAt);
    });
  await get('short', 10);
  for (let n = 0; n < 999; n += 1) await get(`${n}`, 1000);
  now = 8000;
  await get('one more', 1000);
  await get('0', 1000);
  expect(asked.filter((key) => key === '0').length).toBe(1);
  await get('and another', 1000);
  await get('0', 1000);
  expect(asked.filter((key) => key === '0').length).toBe(2);
});

test('a token that expires within the leeway is handed over and not kept', async () => {
  const cache = createTokenCache(() => 0);
  expect((await cache.get('k', async () => token('1', 5))).accessToken).toBe('1');
  expect((await cache.get('k', async () => token('2', 5))).accessToken).toBe('2');
});
