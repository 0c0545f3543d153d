import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK } from 'jose';
import { expect, test } from 'vitest';
import type { LocalSystem } from '../../local/app/system.ts';
import { KEYS_FILE } from '../../local/aws/state.ts';
import { createTrail, keepTrail } from '../../local/aws/trail.ts';
import { newFolder } from '../temporary.ts';
import { searchTrail } from './search.ts';

const ec = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const pem = (key: ReturnType<typeof ec>) => String(key.export({ format: 'pem', type: 'pkcs8' }));
const secret = () => randomBytes(32).toString('base64url');

/** As much of a running system as is looked at, with one of each secret in it. */
async function makeSystem() {
  const state = newFolder();
  const [logs, issuer] = [join(state, 'logs'), join(state, 'helseid')];
  for (const folder of [logs, issuer]) mkdirSync(folder);
  const [key, later] = [ec(), ec()];
  const keys = (...all: (typeof key)[]) =>
    writeFileSync(
      join(state, KEYS_FILE),
      JSON.stringify({ keys: all.map((each, id) => ({ id, privatePem: pem(each) })) }),
    );
  keys(key);
  const jwk = { ...(await exportJWK(ec())), kid: 'k' };
  writeFileSync(join(issuer, 'issuer.json'), JSON.stringify({ jwk, cookieKey: secret() }));
  const refreshToken = secret();
  writeFileSync(join(issuer, 'sessions.json'), JSON.stringify({ RefreshToken: [[refreshToken, {}]] }));
  const trail = createTrail(Date.now);
  keepTrail(trail, logs);
  const stored = { name: 'hook', versions: [{ text: `whsec_${randomBytes(32).toString('base64')}` }] };
  const aws = { secrets: { list: () => [{ stored }] }, operator: { secretAccessKey: secret() } };
  const told: string[] = [];
  const search = searchTrail({ trail, state, logs, aws } as unknown as LocalSystem, (what) =>
    told.push(what),
  );
  const say = (text: string) => trail.add({ kind: 'log', fields: { text } });
  return { key, later, keys, jwk, refreshToken, stored, logs, told, search, say };
}

test('what a system holds is found in its trail, whole or in base64, and what is made meanwhile', async () => {
  const { key, later, keys, jwk, stored, told, search, say } = await makeSystem();
  say('nothing of the kind');
  say(pem(later));
  expect(told).toEqual([]);
  say(pem(key));
  say(JSON.stringify(jwk));
  say(Buffer.from(stored.versions[0]?.text ?? '').toString('base64'));
  expect(told).toHaveLength(3);
  keys(key, later);
  search.again();
  say(pem(later));
  expect(told[3]).toMatch(/^the trail shows the private key 1 made here/);
});

test('one of each kind is shown to be found, and kinds that are not are told', async () => {
  const { told, search } = await makeSystem();
  search.add('session', secret());
  expect(search.prove()).toEqual([
    'a client’s private key',
    'an issuer’s private key',
    'the key of an issuer’s cookies',
    'a webhook’s secret',
    'an operator’s secret key',
    'a national identity number',
    'a session',
  ]);
  expect(told).toEqual([]);
  search.finish();
  search.prove();
  expect(told).toContain('a session is not found in the trail, where it was put');
});

test('sessions and refresh tokens are found in log files once it has ended, and what was put there is no leak', async () => {
  const { refreshToken, logs, told, search } = await makeSystem();
  const session = secret();
  search.add('session', session);
  search.prove();
  appendFileSync(
    join(logs, 'callback.log'),
    `all is well\nset to ${session}\nrefreshed by "${refreshToken}"\n`,
  );
  expect(search.finish()).toMatchObject({ tokens: 2 });
  expect(told).toEqual([
    expect.stringContaining('callback.log shows a session'),
    expect.stringContaining('callback.log shows a refresh token'),
  ]);
});

test('a search of log files that would find nothing says so', async () => {
  const { told, search } = await makeSystem();
  search.finish();
  expect(told).toEqual(['the log files do not show what was put there']);
});
