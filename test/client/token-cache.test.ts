import { expect, test } from 'vitest';
import { createTokenCache } from '../../client/token-cache.ts';
import type { AccessToken } from '../../client/tokens.ts';

const token = (accessToken: string, expiresAt?: number): AccessToken => ({
  accessToken,
  binding: { kid: 'k', jkt: 'k' },
  ...(expiresAt === undefined ? {} : { expiresAt }),
});

test('a token that is dropped is asked for again; another one in its place stays', async () => {
  const cache = createTokenCache(() => 0);
  const first = await cache.get('k', async () => token('1', 60));
  cache.drop('k', token('1', 60));
  expect(await cache.get('k', async () => token('2', 60))).toBe(first);
  cache.drop('k', first);
  expect((await cache.get('k', async () => token('2', 60))).accessToken).toBe('2');
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
