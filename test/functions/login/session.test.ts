import { ZonesError } from '@helseid-zones/protocol/errors';
import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { type Browser, type Login, makeLogin, openBrowser, setCookies } from './make-login.ts';

const JSON_BODY = { accept: 'application/json', 'content-type': 'application/json' };

async function loggedIn(login: Login): Promise<Browser> {
  const browser = openBrowser(login);
  await browser.logIn();
  // A nonce is remembered by now, so that each grant below is one request.
  login.world.issuer.posts.length = 0;
  return browser;
}

const refreshes = (login: Login) =>
  login.world.issuer.posts.filter(({ form }) => form['refresh_token']).length;
const sessions = (login: Login) =>
  [...login.store.rows.keys()].filter((pk) => pk.startsWith('session#')).length;
const later = (login: Login, seconds: number) => {
  login.world.clock.now += seconds * 1000;
};
const code = (answer: { body: string }) => JSON.parse(answer.body).code;
const ask = (browser: Browser, path = '/session') =>
  browser.send(path, { headers: { accept: 'application/json' } });
const switchTo = (browser: Browser, body: unknown, headers: Record<string, string> = {}) =>
  browser.send('/session', {
    method: 'POST',
    headers: { ...JSON_BODY, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

describe('who am I', () => {
  it('tells what a browser may know, and no more', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    const now = login.world.clock.now / 1000;
    const answer = await ask(browser);
    expect(JSON.parse(answer.body)).toEqual({
      name: 'Kari Nordmann',
      hpr_number: '565501872',
      security_level: '4',
      logged_in_at: now,
      idle_at: now + 1800,
      ends_at: now + 3600,
    });
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'content-type': 'application/json' });
    expect(refreshes(login)).toBe(0);
  });

  it.each([
    ['no cookie', ''],
    ['a made-up id', `__Host-session=${'A'.repeat(43)}`],
    ['an id of the wrong length', '__Host-session=abc'],
    ['two cookies', `__Host-session=${'A'.repeat(43)}; __Host-session=${'B'.repeat(42)}A`],
    ['a cookie of the plain name', `session=${'A'.repeat(43)}`],
  ])('knows nobody with %s', async (_, cookie) => {
    const login = await makeLogin();
    await loggedIn(login);
    const answer = await openBrowser(login).send('/session', { headers: { accept: '*/*', cookie } });
    expect(answer.statusCode).toBe(401);
    expect(code(answer)).toBe('session_invalid');
    expect(answer.headers?.['content-type']).toBe('application/problem+json');
    expect(setCookies(answer)).toEqual([]);
  });

  it('knows nobody by a table key, nor when an item was moved or altered', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    const id = browser.cookies.get('__Host-session')?.value ?? '';
    const [pk = ''] = [...login.store.rows.keys()].filter((key) => key.startsWith('session#'));
    const stolen = await browser.send('/session', {
      headers: { accept: '*/*', cookie: `__Host-session=${pk.slice(8)}` },
    });
    expect(stolen.statusCode).toBe(401);
    const row = login.store.rows.get(pk);
    const other = openBrowser(login);
    await other.logIn();
    const [pk2 = ''] = [...login.store.rows.keys()].filter((key) => key.startsWith('session#') && key !== pk);
    // One's sealed data under another's key opens for neither.
    login.store.rows.set(pk2, { ...row, expires: row?.expires ?? 0 });
    expect((await ask(other)).statusCode).toBe(401);
    expect((await ask(browser)).statusCode).toBe(200);
    const sealed = Buffer.from(row?.data ?? '', 'base64url');
    for (const at of [0, 15, sealed.length - 1]) {
      const altered = Buffer.from(sealed);
      altered[at] = (altered[at] ?? 0) ^ 1;
      login.store.rows.set(pk, { ...row, expires: row?.expires ?? 0, data: altered.toString('base64url') });
      expect((await ask(browser)).statusCode).toBe(401);
    }
    expect(id).not.toBe('');
  });

  it('ends without use, which asking is not', async () => {
    const login = await makeLogin({ idleMinutes: 10, absoluteMinutes: 60 });
    login.world.issuer.behaviour.expiresIn = 7200;
    const browser = await loggedIn(login);
    later(login, 599);
    expect((await ask(browser)).statusCode).toBe(200);
    later(login, 1);
    expect((await ask(browser)).statusCode).toBe(401);
  });

  it('lives on with use, to its absolute end', async () => {
    const login = await makeLogin({ idleMinutes: 10, absoluteMinutes: 30 });
    login.world.issuer.behaviour.expiresIn = 7200;
    const browser = await loggedIn(login);
    for (let minutes = 5; minutes < 30; minutes += 5) {
      later(login, 300);
      expect((await ask(browser, '/api/summaries/1')).statusCode).toBe(200);
    }
    expect(JSON.parse((await ask(browser)).body)).toMatchObject({
      idle_at: login.world.clock.now / 1000 + 300,
    });
    later(login, 300);
    expect((await ask(browser, '/api/summaries/1')).statusCode).toBe(401);
  });

  it('ends with its refresh token (rt_expires_in)', async () => {
    const login = await makeLogin();
    login.world.issuer.behaviour.response = { rt_expires_in: 700 };
    const browser = await loggedIn(login);
    later(login, 699);
    expect((await ask(browser)).statusCode).toBe(200);
    // That was a refresh, whose answer gave it 700 seconds more.
    later(login, 699);
    expect((await ask(browser, '/api/summaries/1')).statusCode).toBe(200);
    login.world.issuer.behaviour.response = { rt_expires_in: 10 };
    later(login, 660);
    await ask(browser);
    later(login, 10);
    expect((await ask(browser)).statusCode).toBe(401);
  });

  it('works without a refresh token until the tokens end', async () => {
    const login = await makeLogin();
    login.world.issuer.behaviour.response = { refresh_token: undefined, rt_expires_in: undefined };
    const browser = await loggedIn(login);
    expect((await ask(browser, '/api/summaries/1')).statusCode).toBe(200);
    later(login, 600);
    expect((await ask(browser)).statusCode).toBe(200);
    expect(code(await ask(browser, '/api/summaries/1'))).toBe('session_invalid');
  });

  it('leads from a session that is over to a login, and never on to a call', async () => {
    const login = await makeLogin();
    const page = await openBrowser(login).send('/api/summaries/17?a=1');
    expect(page.statusCode).toBe(401);
    expect(page.body).toContain('href="/live/login"');
  });

  it.each<[string, Record<string, unknown>, unknown]>([
    ['0', { rt_expires_in: 0 }, 0],
    ['negative', { rt_expires_in: -5 }, -5],
    ['text', { rt_expires_in: '3600' }, 'string'],
    ['null', { rt_expires_in: null }, 'object'],
    ['there without a refresh token', { rt_expires_in: 10, refresh_token: undefined }, 10],
  ])('takes no lifetime of a refresh token that is %s, and says so', async (_, response, ignored) => {
    const login = await makeLogin();
    login.world.issuer.behaviour.response = response;
    const browser = await loggedIn(login);
    const line = {
      level: 'warn',
      code: 'session.refresh_lifetime_ignored',
      facts: { rt_expires_in: ignored, refresh_token: !('refresh_token' in response) },
    };
    expect(login.logs).toContainEqual(line);
    const first = await ask(browser);
    expect(first.statusCode).toBe(200);
    expect(JSON.parse(first.body).ends_at).toBe(login.world.clock.now / 1000 + 480 * 60);
    later(login, 590);
    expect((await ask(browser, '/api/summaries/1')).statusCode).toBe(200);
  });

  it.each([0, -5, undefined])(
    'does not end by the lifetime of the refresh token before: %s',
    async (next) => {
      const login = await makeLogin();
      login.world.issuer.behaviour.response = { rt_expires_in: 700 };
      const browser = await loggedIn(login);
      later(login, 600);
      login.world.issuer.behaviour.response = { rt_expires_in: next };
      expect((await ask(browser)).statusCode).toBe(200);
      later(login, 200);
      expect((await ask(browser, '/api/summaries/1')).statusCode).toBe(200);
      const lines = login.logs.filter((line) => line.code === 'session.refresh_lifetime_ignored');
      expect(lines.length > 0).toBe(next !== undefined);
    },
  );

  it('keeps the lifetime of a refresh token that a refresh did not replace', async () => {
    const login = await makeLogin();
    login.world.issuer.behaviour.response = { rt_expires_in: 700 };
    const browser = await loggedIn(login);
    later(login, 600);
    login.world.issuer.behaviour.response = { refresh_token: undefined, rt_expires_in: undefined };
    expect((await ask(browser)).statusCode).toBe(200);
    later(login, 100);
    expect((await ask(browser)).statusCode).toBe(401);
  });

  it('is not told to another site', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': undefined, origin: 'https://evil.test' },
    ]) {
      const answer = await browser.send('/session', { headers: { accept: '*/*', ...headers } });
      expect([answer.statusCode, code(answer)]).toEqual([403, 'csrf_refused']);
    }
  });
});

describe('refresh', () => {
  it('happens before expiry, for one API, and rotates', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    later(login, 594);
    await ask(browser, '/api/summaries/1');
    expect(refreshes(login)).toBe(0);
    later(login, 1);
    await ask(browser, '/api/summaries/1');
    expect(refreshes(login)).toBe(1);
    expect(login.world.issuer.posts.at(-1)?.form['resource']).toBe('https://api.test/summaries');
    later(login, 600);
    await ask(browser, '/api/summaries/1');
    expect(refreshes(login)).toBe(2);
    const used = login.world.issuer.posts.map(({ form }) => form['refresh_token']);
    expect(new Set(used).size).toBe(2);
  });

  it.each([
    ['without expires_in', undefined],
    ['with expires_in 0', 0],
  ])('does not happen for a token %s until the API refuses it', async (_, expires) => {
    const login = await makeLogin();
    const { api, issuer } = login.world;
    // The API's own check has the truth: each token lives for 600 seconds.
    issuer.behaviour.response = { expires_in: expires };
    const browser = await loggedIn(login);
    const call = async (times: number) => {
      const before = refreshes(login);
      for (let calls = 0; calls < times; calls += 1) {
        expect((await ask(browser, '/api/summaries/1')).statusCode).toBe(200);
        expect((await ask(browser)).statusCode).toBe(200);
        later(login, 100);
      }
      return refreshes(login) - before;
    };
    expect(await call(6)).toBe(0);
    // In the next hour six tokens end. One that came after a refusal counts for a minute, and is replaced once more.
    expect(await call(36)).toBeLessThanOrEqual(12);
    api.behaviour.refused = 'all';
    expect(code(await ask(browser, '/api/summaries/1'))).toBe('api_answer_unusable');
    const before = refreshes(login);
    for (let calls = 0; calls < 3; calls += 1) await ask(browser, '/api/summaries/1');
    expect(refreshes(login)).toBe(before);
  });

  it('is not needed for a token without expires_in where there is no refresh token', async () => {
    const login = await makeLogin();
    const { issuer } = login.world;
    issuer.behaviour.response = { expires_in: undefined, refresh_token: undefined, rt_expires_in: undefined };
    const browser = await loggedIn(login);
    for (let calls = 0; calls < 5; calls += 1) {
      expect((await ask(browser, '/api/summaries/1')).statusCode).toBe(200);
      later(login, 100);
    }
  });

  it('asks once when many requests race, and loses no update', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    later(login, 600);
    const paths = [
      '/session',
      '/api/summaries/1',
      '/api/documents/1',
      '/api/summaries/2',
      '/api/documents/2',
    ];
    const answers = await Promise.all([...paths, ...paths].map((path) => ask(browser, path)));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(10).fill(200));
    // One refresh an API. The issuer would have refused any refresh token used twice.
    expect(refreshes(login)).toBe(2);
    await Promise.all(paths.map((path) => ask(browser, path)));
    expect(refreshes(login)).toBe(2);
  });

  it('ends the session when the issuer no longer honours it: a new login, no loop', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    later(login, 600);
    login.world.issuer.behaviour.fail = () => Response.json({ error: 'invalid_grant' }, { status: 400 });
    const answer = await ask(browser);
    expect([answer.statusCode, code(answer)]).toEqual([401, 'session_invalid']);
    expect(refreshes(login)).toBe(1);
    expect(sessions(login)).toBe(0);
    await ask(browser);
    expect(refreshes(login)).toBe(1);
  });

  it.each<[string, () => Response]>([
    ['is down', () => new Response('down', { status: 500 })],
    ['is busy', () => Response.json({ error: 'temporarily_unavailable' }, { status: 429 })],
  ])('keeps the session when the issuer %s', async (_, fail) => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    later(login, 600);
    login.world.issuer.behaviour.fail = fail;
    const answer = await ask(browser);
    expect(answer.statusCode).toBeGreaterThanOrEqual(403);
    expect(sessions(login)).toBe(1);
    delete login.world.issuer.behaviour.fail;
    expect((await ask(browser)).statusCode).toBe(200);
  });

  it.each<[string, Record<string, unknown>]>([
    ['another sub', { sub: 'person-2' }],
    ['another pid', { 'helseid://claims/identity/pid': '13116900216' }],
  ])('ends a session whose refresh brings %s', async (_, claims) => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    later(login, 600);
    Object.assign(login.world.issuer.behaviour.idToken, claims);
    const answer = await ask(browser);
    expect([answer.statusCode, code(answer)]).toEqual([403, 'person_mismatch']);
    expect(sessions(login)).toBe(0);
    // The token that the session held, and the one that nobody will.
    expect(login.world.issuer.revoked.size).toBe(2);
  });

  it('ends a session whose refresh brings another nonce, and keeps nothing of it', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    later(login, 600);
    login.world.issuer.behaviour.idToken['nonce'] = 'another';
    const answer = await ask(browser);
    expect([answer.statusCode, code(answer)]).toEqual([502, 'id_token_invalid']);
    expect(sessions(login)).toBe(0);
    expect(login.world.issuer.revoked.size).toBe(2);
    expect((await ask(browser)).statusCode).toBe(401);
  });

  it('accepts a refreshed ID token with the nonce of the login, also after one without', async () => {
    const login = await makeLogin();
    const browser = openBrowser(login);
    await browser.logIn();
    const nonce = login.world.issuer.posts[0]?.form['nonce'];
    expect(nonce).toMatch(/.{20}/);
    for (const next of [undefined, nonce, undefined]) {
      login.world.issuer.behaviour.idToken['nonce'] = next;
      later(login, 600);
      expect((await ask(browser, '/api/summaries/1')).statusCode).toBe(200);
    }
    login.world.issuer.behaviour.idToken['nonce'] = `${nonce}x`;
    later(login, 600);
    expect(code(await ask(browser, '/api/summaries/1'))).toBe('id_token_invalid');
  });

  it('accepts a refreshed ID token without pid, which the login had', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    later(login, 600);
    login.world.issuer.behaviour.idToken['helseid://claims/identity/pid'] = undefined;
    expect((await ask(browser)).statusCode).toBe(200);
  });

  it('does not bring back a session that was logged out meanwhile, and revokes what it got', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    const other = openBrowser(login);
    for (const [name, cookie] of browser.cookies) other.cookies.set(name, cookie);
    later(login, 600);
    login.store.before = async (operation) => {
      if (operation !== 'replace') return;
      login.store.before = () => undefined;
      expect((await other.send('/logout', { method: 'POST' })).statusCode).toBe(303);
    };
    expect(code(await ask(browser))).toBe('session_invalid');
    expect(sessions(login)).toBe(0);
    expect(login.world.issuer.revoked.size).toBe(2);
  });

  it('takes over from a request that died, once its lease has lapsed', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    later(login, 600);
    const [pk = ''] = [...login.store.rows.keys()].filter((key) => key.startsWith('session#'));
    await login.store.lease(pk, 1, login.world.clock.now, login.world.clock.now + 5000);
    login.onWait.run = () => later(login, 1);
    expect((await ask(browser)).statusCode).toBe(200);
    expect(refreshes(login)).toBe(1);
  });

  it('gives up waiting for a request that takes too long, and keeps the session', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    later(login, 600);
    const [pk = ''] = [...login.store.rows.keys()].filter((key) => key.startsWith('session#'));
    await login.store.lease(pk, 1, login.world.clock.now, login.world.clock.now + 20_000);
    login.onWait.run = () => later(login, 1);
    const answer = await ask(browser);
    expect([answer.statusCode, code(answer)]).toEqual([503, 'issuer_unreachable']);
    later(login, 20);
    expect((await ask(browser)).statusCode).toBe(200);
  });

  it.each([21, 55])(
    'is left to a request whose issuer takes %s seconds: the session lives on',
    async (seconds) => {
      const login = await makeLogin();
      const browser = await loggedIn(login);
      later(login, 600);
      login.onWait.run = () => later(login, 1);
      const { client } = login.deps;
      const { refreshTokens } = client;
      let other: { statusCode: number } | undefined;
      client.refreshTokens = async (request) => {
        client.refreshTokens = refreshTokens;
        later(login, seconds);
        const tokens = await refreshTokens(request);
        other = await ask(browser);
        return tokens;
      };
      expect((await ask(browser)).statusCode).toBe(200);
      expect(other?.statusCode).toBe(503);
      expect((await ask(browser)).statusCode).toBe(200);
      expect(login.world.issuer.revoked.size).toBe(0);
    },
  );

  it('takes what a faster request stored, when its own lease had lapsed, and revokes nothing', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    later(login, 600);
    // An issuer whose refresh tokens don't rotate, so that both requests get an answer.
    const { client } = login.deps;
    let refreshed: ReturnType<typeof client.refreshTokens> | undefined;
    client.refreshTokens = ((ask) => (request) => {
      refreshed ??= ask(request);
      return refreshed;
    })(client.refreshTokens);
    let other: Promise<{ statusCode: number }> | undefined;
    login.store.before = async (operation) => {
      if (operation !== 'replace' || other) return;
      later(login, 66);
      other = ask(browser);
      await other;
    };
    expect((await ask(browser)).statusCode).toBe(200);
    expect((await other)?.statusCode).toBe(200);
    expect(login.world.issuer.revoked.size).toBe(0);
    expect(sessions(login)).toBe(1);
  });

  it('leaves alone what a faster request stored, when its own lease had lapsed before it asked', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    later(login, 600);
    const { client } = login.deps;
    const { refreshTokens } = client;
    let other: { statusCode: number } | undefined;
    client.refreshTokens = async (request) => {
      client.refreshTokens = refreshTokens;
      later(login, 66);
      other = await ask(browser);
      return refreshTokens(request);
    };
    const answer = await ask(browser);
    expect([answer.statusCode, code(answer)]).toEqual([503, 'issuer_unreachable']);
    expect(other?.statusCode).toBe(200);
    expect((await ask(browser)).statusCode).toBe(200);
    expect(login.world.issuer.revoked.size).toBe(0);
  });

  it('finds its own write when the table’s answer got lost', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    later(login, 600);
    const { replace } = login.store;
    login.store.replace = async (...args) => {
      await replace(...args);
      // The repeated write meets the first.
      return replace(...args);
    };
    expect((await ask(browser)).statusCode).toBe(200);
    const switched = await switchTo(browser, { organization: { child: '994598759' } });
    expect(switched.statusCode).toBe(200);
    expect(JSON.parse(switched.body).organization).toEqual({ child: '994598759' });
    expect(refreshes(login)).toBe(2);
    expect(login.world.issuer.revoked.size).toBe(0);
  });

  it('finds its own write when the table wrote and then failed', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    later(login, 600);
    const { replace } = login.store;
    login.store.replace = async (...args) => {
      await replace(...args);
      throw new ZonesError('aws_unavailable', 'No answer from dynamodb.');
    };
    expect((await ask(browser)).statusCode).toBe(200);
    expect(login.world.issuer.revoked.size).toBe(0);
  });

  it('revokes the token that the table did not take, and keeps the one that it holds', async () => {
    for (const rotates of [true, false]) {
      const login = await makeLogin();
      const browser = await loggedIn(login);
      const held = login.world.issuer.posts.length;
      later(login, 600);
      if (!rotates) login.world.issuer.behaviour.response = { refresh_token: undefined };
      login.store.before = (operation) => {
        if (operation === 'replace') throw new ZonesError('aws_unavailable', 'No answer from dynamodb.');
      };
      const answer = await ask(browser);
      expect([answer.statusCode, code(answer)]).toEqual([503, 'issuer_unreachable']);
      const [asked, ...revoked] = login.world.issuer.posts.slice(held);
      expect(revoked.map(({ path }) => path)).toEqual(rotates ? ['/revocation'] : []);
      expect(login.world.issuer.revoked).not.toContain(asked?.form['refresh_token']);
    }
  });

  it('answers busy when its lease had lapsed and the session changed without a token for it', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    later(login, 600);
    login.store.before = (operation, pk) => {
      const row = login.store.rows.get(pk);
      if (operation === 'replace' && row) row.version = 9;
    };
    const answer = await ask(browser);
    expect([answer.statusCode, code(answer)]).toEqual([503, 'issuer_unreachable']);
    expect(sessions(login)).toBe(1);
    expect(login.world.issuer.revoked.size).toBe(0);
  });
});

describe('switching organisation', () => {
  it('refreshes with assertion_details, and drops the tokens of the one before', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    await ask(browser, '/api/documents/1');
    const answer = await switchTo(browser, { organization: { child: '994598759' } });
    expect(answer.statusCode).toBe(200);
    expect(JSON.parse(answer.body).organization).toEqual({ child: '994598759' });
    const assertion = decodeJwt(login.world.issuer.posts.at(-1)?.form['client_assertion'] ?? '');
    expect(JSON.stringify(assertion['assertion_details'])).toContain('994598759');
    // Both APIs now get tokens for it, the second one by another refresh.
    await ask(browser, '/api/summaries/1');
    await ask(browser, '/api/documents/1');
    const details = login.world.api.requests
      .slice(-2)
      .map(({ headers }) => decodeJwt(headers.get('authorization')?.slice(5) ?? '')['details']);
    for (const detail of details) expect(JSON.stringify(detail)).toContain('994598759');
  });

  it('leaves the session as it was when it is refused', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    login.world.issuer.behaviour.fail = () => Response.json({ error: 'invalid_grant' }, { status: 400 });
    const answer = await switchTo(browser, { organization: { child: '994598759' } });
    expect([answer.statusCode, code(answer)]).toEqual([403, 'token_refused']);
    delete login.world.issuer.behaviour.fail;
    expect(JSON.parse((await ask(browser)).body).organization).toBeUndefined();
    expect((await ask(browser, '/api/summaries/1')).statusCode).toBe(200);
  });

  it('is refused where the grant has no such organisation', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    login.world.signer.refuseNext('grant_refused');
    const answer = await switchTo(browser, { organization: { child: '994598759' } });
    expect([answer.statusCode, code(answer)]).toEqual([403, 'grant_refused']);
  });

  it.each<[string, unknown]>([
    ['no JSON', 'organization=994598759'],
    ['nothing', ''],
    ['null', 'null'],
    ['a list', []],
    ['no organization', {}],
    ['more than an organization', { organization: { child: '994598759' }, scope: 'all' }],
    ['a text', { organization: '994598759' }],
    ['a list of organizations', { organization: [{ child: '994598759' }] }],
    ['an empty organization', { organization: {} }],
    ['a number', { organization: { child: 994598759 } }],
    ['eight digits', { organization: { child: '99459875' } }],
    ['a parent, for a single-tenant client', { organization: { parent: '994598759' } }],
    ['a prototype', '{"organization":{"__proto__":{"child":"994598759"}}}'],
    ['a type', { organization: { child: '994598759', type: 'x' } }],
    ['a very long body', { organization: { child: '9'.repeat(2000) } }],
  ])('refuses %s', async (_, body) => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    const answer = await switchTo(browser, body);
    expect([answer.statusCode, code(answer)]).toEqual([400, 'request_malformed']);
    expect(refreshes(login)).toBe(0);
  });

  it('refuses a form and another site', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    const body = { organization: { child: '994598759' } };
    const form = await switchTo(browser, body, { 'content-type': 'text/plain' });
    expect(code(form)).toBe('request_malformed');
    const foreign = await switchTo(browser, body, { 'sec-fetch-site': 'same-site' });
    expect(code(foreign)).toBe('csrf_refused');
    expect(refreshes(login)).toBe(0);
  });
});
