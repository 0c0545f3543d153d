import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { AWAY, type Browser, enter, makeLogin, openBrowser, setCookies } from '../login/make-login.ts';

const SUMMARY = '/api/summaries/1';
const OK = { status: 200 };
const OVER = { status: 401, code: 'session_invalid' };
const BUSY = { status: 503, code: 'issuer_unreachable' };
const PID = 'helseid://claims/identity/pid';
const CHILD = { organization: { child: '994598759' } };
const INVALID_GRANT = () => Response.json({ error: 'invalid_grant' }, { status: 400 });

const switchTo = (browser: Browser, body: unknown, headers: Record<string, string> = {}) =>
  browser.ask('/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

/** A session whose tokens have expired, so that the next request refreshes. */
async function expire(...parameters: Parameters<typeof enter>) {
  const entered = await enter(...parameters);
  entered.login.later(600);
  return entered;
}

describe('who am I', () => {
  it('tells what a browser may know, and no more', async () => {
    const { login, browser } = await enter();
    const now = login.world.clock.now / 1000;
    const { body, answer } = await browser.ask();
    expect(body).toEqual({
      name: 'Kari Nordmann',
      hpr_number: '565501872',
      security_level: '4',
      logged_in_at: now,
      idle_at: now + 1800,
      ends_at: now + 3600,
    });
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'content-type': 'application/json' });
    expect(login.refreshes()).toBe(0);
  });

  it.each([
    ['no cookie', ''],
    ['a made-up id', `__Host-session=${'A'.repeat(43)}`],
  ])('knows nobody with %s', async (_, cookie) => {
    const { login } = await enter();
    const asked = await openBrowser(login).ask('/session', { headers: { accept: '*/*', cookie } });
    expect(asked).toMatchObject(OVER);
    expect(asked.answer.headers?.['content-type']).toBe('application/problem+json');
    expect(setCookies(asked.answer)).toEqual([]);
  });

  it('knows nobody by a table key, nor when an item was moved or altered', async () => {
    const { login, browser, store } = await enter();
    const [pk = ''] = login.sessions();
    const cookie = `__Host-session=${pk.slice(8)}`;
    expect(await browser.ask('/session', { headers: { cookie } })).toMatchObject(OVER);
    const row = { expires: 0, ...store.rows.get(pk) };
    const other = openBrowser(login);
    await other.logIn();
    const [pk2 = ''] = login.sessions().filter((key) => key !== pk);
    // One's sealed data under another's key opens for neither.
    store.rows.set(pk2, { ...row });
    expect(await other.ask()).toMatchObject(OVER);
    expect(await browser.ask()).toMatchObject(OK);
    const sealed = Buffer.from(row.data ?? '', 'base64url');
    for (const at of [0, 15, sealed.length - 1]) {
      const altered = Buffer.from(sealed);
      altered[at] = (altered[at] ?? 0) ^ 1;
      store.rows.set(pk, { ...row, data: altered.toString('base64url') });
      expect(await browser.ask()).toMatchObject(OVER);
    }
  });

  it('ends without use, which asking is not', async () => {
    const { login, browser } = await enter({ idleMinutes: 10, absoluteMinutes: 60 }, { expiresIn: 7200 });
    login.later(599);
    expect(await browser.ask()).toMatchObject(OK);
    login.later(1);
    expect(await browser.ask()).toMatchObject(OVER);
  });

  it('lives on with use, to its absolute end', async () => {
    const { login, browser } = await enter({ idleMinutes: 10, absoluteMinutes: 30 }, { expiresIn: 7200 });
    for (let minutes = 5; minutes < 30; minutes += 5) {
      login.later(300);
      expect(await browser.ask(SUMMARY)).toMatchObject(OK);
    }
    expect(await browser.ask()).toMatchObject({ body: { idle_at: login.world.clock.now / 1000 + 300 } });
    login.later(300);
    expect(await browser.ask(SUMMARY)).toMatchObject(OVER);
  });

  it('works without a refresh token until the tokens end', async () => {
    const response = { refresh_token: undefined, rt_expires_in: undefined };
    const { login, browser } = await enter({}, { response });
    expect(await browser.ask(SUMMARY)).toMatchObject(OK);
    login.later(600);
    expect(await browser.ask()).toMatchObject(OK);
    expect(await browser.ask(SUMMARY)).toMatchObject(OVER);
  });

  it('leads from a session that is over to a login, and never on to a call', async () => {
    const page = await openBrowser(await makeLogin()).send('/api/summaries/17?a=1');
    expect(page.statusCode).toBe(401);
    expect(page.body).toContain('href="/live/login"');
  });

  it('is not told to another site', async () => {
    const { browser } = await enter();
    const headers = { 'sec-fetch-site': 'same-site' };
    expect(await browser.ask('/session', { headers })).toMatchObject({ status: 403, code: 'csrf_refused' });
  });
});

describe('the lifetime of a refresh token', () => {
  it('ends a session (rt_expires_in)', async () => {
    const { login, browser, issuer } = await enter({}, { response: { rt_expires_in: 700 } });
    login.later(699);
    expect(await browser.ask()).toMatchObject(OK);
    // That was a refresh, whose answer gave it 700 seconds more.
    login.later(699);
    expect(await browser.ask(SUMMARY)).toMatchObject(OK);
    issuer.behaviour.response = { rt_expires_in: 10 };
    login.later(660);
    await browser.ask();
    login.later(10);
    expect(await browser.ask()).toMatchObject(OVER);
  });

  it.each<[string, Record<string, unknown>, unknown]>([
    ['0', { rt_expires_in: 0 }, 0],
    ['negative', { rt_expires_in: -5 }, -5],
    ['text', { rt_expires_in: '3600' }, 'string'],
    ['null', { rt_expires_in: null }, 'object'],
    ['there without a refresh token', { rt_expires_in: 10, refresh_token: undefined }, 10],
  ])('is not taken that is %s, and a line says so', async (_, response, ignored) => {
    const { login, browser } = await enter({}, { response });
    expect(login.logs).toContainEqual({
      level: 'warn',
      code: 'session.refresh_lifetime_ignored',
      facts: { rt_expires_in: ignored, refresh_token: !('refresh_token' in response) },
    });
    const endsAt = login.world.clock.now / 1000 + 480 * 60;
    expect(await browser.ask()).toMatchObject({ ...OK, body: { ends_at: endsAt } });
    login.later(590);
    expect(await browser.ask(SUMMARY)).toMatchObject(OK);
  });

  it.each<[string, Record<string, unknown>, object]>([
    ['does not outlive its token: 0', { rt_expires_in: 0 }, OK],
    ['does not outlive its token: negative', { rt_expires_in: -5 }, OK],
    ['does not outlive its token: absent', { rt_expires_in: undefined }, OK],
    [
      'stays with a token that was not replaced',
      { refresh_token: undefined, rt_expires_in: undefined },
      OVER,
    ],
  ])('%s', async (_, response, later) => {
    const { login, browser, issuer } = await expire({}, { response: { rt_expires_in: 700 } });
    issuer.behaviour.response = response;
    expect(await browser.ask()).toMatchObject(OK);
    login.later(100);
    expect(await browser.ask()).toMatchObject(later);
    const lines = login.logs.filter((line) => line.code === 'session.refresh_lifetime_ignored');
    expect(lines.length > 0).toBe(response['rt_expires_in'] !== undefined);
  });
});

describe('refresh', () => {
  it('happens before expiry, for one API, and rotates', async () => {
    const { login, browser, issuer } = await enter();
    for (const [seconds, refreshes] of [
      [594, 0],
      [1, 1],
      [600, 2],
    ] as const) {
      login.later(seconds);
      await browser.ask(SUMMARY);
      expect(login.refreshes()).toBe(refreshes);
    }
    expect(issuer.posts.at(-1)?.form['resource']).toBe('https://api.test/summaries');
    expect(new Set(issuer.posts.map(({ form }) => form['refresh_token'])).size).toBe(2);
  });

  it.each([
    ['without expires_in', undefined],
    ['with expires_in 0', 0],
  ])('does not happen for a token %s until the API refuses it', async (_, expires) => {
    // The API's own check has the truth: each token lives for 600 seconds.
    const { login, browser, api } = await enter({}, { response: { expires_in: expires } });
    const call = async (times: number) => {
      const before = login.refreshes();
      for (let calls = 0; calls < times; calls += 1) {
        expect(await browser.ask(SUMMARY)).toMatchObject(OK);
        expect(await browser.ask()).toMatchObject(OK);
        login.later(100);
      }
      return login.refreshes() - before;
    };
    expect(await call(6)).toBe(0);
    // In the next twenty minutes two tokens end. One that came after a refusal counts for a minute, and is replaced once more.
    expect(await call(12)).toBeLessThanOrEqual(4);
    api.behaviour.refused = 'all';
    expect(await browser.ask(SUMMARY)).toMatchObject({ code: 'api_answer_unusable' });
    const before = login.refreshes();
    for (let calls = 0; calls < 3; calls += 1) await browser.ask(SUMMARY);
    expect(login.refreshes()).toBe(before);
  });

  it('is not needed for a token without expires_in where there is no refresh token', async () => {
    const response = { expires_in: undefined, refresh_token: undefined, rt_expires_in: undefined };
    const { login, browser } = await enter({}, { response });
    for (let calls = 0; calls < 5; calls += 1) {
      expect(await browser.ask(SUMMARY)).toMatchObject(OK);
      login.later(100);
    }
  });

  it('asks once when many requests race, and loses no update', async () => {
    const { login, browser } = await expire();
    const paths = ['/session', SUMMARY, '/api/documents/1', '/api/summaries/2', '/api/documents/2'];
    const answers = await Promise.all([...paths, ...paths].map((path) => browser.ask(path)));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    // One refresh an API. The issuer would have refused any refresh token used twice.
    expect(login.refreshes()).toBe(2);
    await Promise.all(paths.map((path) => browser.ask(path)));
    expect(login.refreshes()).toBe(2);
  });

  it('ends the session when the issuer no longer honours it: a new login, no loop', async () => {
    const { login, browser } = await expire({}, {});
    login.world.issuer.behaviour.fail = INVALID_GRANT;
    expect(await browser.ask()).toMatchObject(OVER);
    expect(login.sessions()).toEqual([]);
    await browser.ask();
    expect(login.refreshes()).toBe(1);
  });

  it.each([
    ['is down', () => new Response('down', { status: 500 }), 503],
    ['is busy', () => Response.json({ error: 'temporarily_unavailable' }, { status: 429 }), 503],
  ])('keeps the session when the issuer %s', async (_, fail, status) => {
    const { login, browser, issuer } = await expire();
    issuer.behaviour.fail = fail;
    expect(await browser.ask()).toMatchObject({ status });
    expect(login.sessions()).toHaveLength(1);
    delete issuer.behaviour.fail;
    expect(await browser.ask()).toMatchObject(OK);
  });

  it.each<[string, Record<string, unknown>, object]>([
    ['another sub', { sub: 'person-2' }, { status: 403, code: 'person_mismatch' }],
    ['another pid', { [PID]: '13116900216' }, { status: 403, code: 'person_mismatch' }],
    ['another nonce', { nonce: 'another' }, { status: 502, code: 'id_token_invalid' }],
  ])('ends a session whose refresh brings %s, and keeps nothing of it', async (_, claims, refusal) => {
    const { login, browser, issuer } = await expire();
    Object.assign(issuer.behaviour.idToken, claims);
    // What is left in an index keeps nothing alive.
    login.failNext('unlink');
    expect(await browser.ask()).toMatchObject(refusal);
    expect(login.sessions()).toEqual([]);
    // The token that the session held, and the one that nobody will.
    expect(issuer.revoked.size).toBe(2);
    expect(await browser.ask()).toMatchObject(OVER);
  });

  it('accepts a refreshed ID token with the nonce of the login, also after one without', async () => {
    const login = await makeLogin();
    const browser = openBrowser(login);
    const { issuer } = login.world;
    await browser.logIn();
    const nonce = issuer.posts[0]?.form['nonce'];
    expect(nonce).toMatch(/.{20}/);
    for (const next of [undefined, nonce, undefined]) {
      issuer.behaviour.idToken['nonce'] = next;
      login.later(600);
      expect(await browser.ask(SUMMARY)).toMatchObject(OK);
    }
    issuer.behaviour.idToken['nonce'] = `${nonce}x`;
    login.later(600);
    expect(await browser.ask(SUMMARY)).toMatchObject({ code: 'id_token_invalid' });
  });

  it('accepts a refreshed ID token without pid, which the login had', async () => {
    const { browser, issuer } = await expire();
    issuer.behaviour.idToken[PID] = undefined;
    expect(await browser.ask()).toMatchObject(OK);
  });

  it('does not bring back a session that was logged out meanwhile, and revokes what it got', async () => {
    const { login, browser, issuer, store } = await expire();
    const other = openBrowser(login);
    for (const [name, cookie] of browser.cookies) other.cookies.set(name, cookie);
    store.before = async (operation) => {
      if (operation !== 'replace') return;
      store.before = () => undefined;
      expect((await other.logOut()).statusCode).toBe(303);
    };
    expect(await browser.ask()).toMatchObject(OVER);
    expect(login.sessions()).toEqual([]);
    expect(issuer.revoked.size).toBe(2);
  });

  it.each([
    ['takes over from a request that died, once its lease has lapsed', 5, OK],
    ['gives up waiting for a request that takes too long, and keeps the session', 20, BUSY],
  ])('%s', async (_, lease, first) => {
    const { login, browser, store } = await expire();
    const { now } = login.world.clock;
    await store.lease(login.sessions()[0] ?? '', 1, now, now + lease * 1000);
    login.onWait.run = () => login.later(1);
    expect(await browser.ask()).toMatchObject(first);
    login.later(20);
    expect(await browser.ask()).toMatchObject(OK);
    expect(login.refreshes()).toBe(1);
  });

  it.each([
    ['is left to a request whose issuer takes 21 seconds: the session lives on', 21, false, OK, BUSY],
    ['is left to a request whose issuer takes 55 seconds: the session lives on', 55, false, OK, BUSY],
    [
      'leaves alone what a faster request stored, when its lease had lapsed before it asked',
      66,
      true,
      BUSY,
      OK,
    ],
  ])('%s', async (_, seconds, first, expected, others) => {
    const { login, browser, issuer } = await expire();
    login.onWait.run = () => login.later(1);
    const { client } = login.deps;
    const { refreshTokens } = client;
    let other: object | undefined;
    client.refreshTokens = async (request) => {
      client.refreshTokens = refreshTokens;
      login.later(seconds);
      if (first) other = await browser.ask();
      const tokens = await refreshTokens(request);
      other ??= await browser.ask();
      return tokens;
    };
    expect(await browser.ask()).toMatchObject(expected);
    expect(other).toMatchObject(others);
    expect(await browser.ask()).toMatchObject(OK);
    expect(issuer.revoked.size).toBe(0);
  });

  it('takes what a faster request stored, when its own lease had lapsed, and revokes nothing', async () => {
    const { login, browser, issuer, store } = await expire();
    // An issuer whose refresh tokens don't rotate, so that both requests get an answer.
    const { client } = login.deps;
    const { refreshTokens } = client;
    let refreshed: ReturnType<typeof refreshTokens> | undefined;
    client.refreshTokens = (request) => {
      refreshed ??= refreshTokens(request);
      return refreshed;
    };
    let other: Promise<object> | undefined;
    store.before = async (operation) => {
      if (operation !== 'replace' || other) return;
      login.later(66);
      other = browser.ask();
      await other;
    };
    expect(await browser.ask()).toMatchObject(OK);
    expect(await other).toMatchObject(OK);
    expect(issuer.revoked.size).toBe(0);
    expect(login.sessions()).toHaveLength(1);
  });

  it.each<[string, 'meets itself' | 'fails']>([
    ['the table’s answer got lost', 'meets itself'],
    ['the table wrote and then failed', 'fails'],
  ])('finds its own write when %s', async (_, then) => {
    const { login, browser, issuer, store } = await expire();
    const { replace } = store;
    store.replace = async (...args) => {
      await replace(...args);
      if (then === 'fails') throw AWAY;
      return replace(...args);
    };
    expect(await browser.ask()).toMatchObject(OK);
    expect(await switchTo(browser, CHILD)).toMatchObject({ ...OK, body: CHILD });
    expect(login.refreshes()).toBe(2);
    expect(issuer.revoked.size).toBe(0);
  });

  it.each([
    ['revokes the token that the table did not take', {}, ['/revocation']],
    ['keeps the token that the session holds, where it was not replaced', { refresh_token: undefined }, []],
  ])('%s', async (_, response, revoked) => {
    const { login, browser, issuer } = await expire();
    issuer.behaviour.response = response;
    login.failNext('replace');
    expect(await browser.ask()).toMatchObject(BUSY);
    const [asked, ...others] = issuer.posts;
    expect(others.map(({ path }) => path)).toEqual(revoked);
    expect(issuer.revoked).not.toContain(asked?.form['refresh_token']);
  });

  it('answers busy when its lease had lapsed and the session changed without a token for it', async () => {
    const { login, browser, issuer, store } = await expire();
    store.before = (operation, pk) => {
      const row = store.rows.get(pk);
      if (operation === 'replace' && row) row.version = 9;
    };
    expect(await browser.ask()).toMatchObject(BUSY);
    expect(login.sessions()).toHaveLength(1);
    expect(issuer.revoked.size).toBe(0);
  });
});

describe('switching organisation', () => {
  it('refreshes with assertion_details, and drops the tokens of the one before', async () => {
    const { browser, issuer, api } = await enter();
    await browser.ask('/api/documents/1');
    expect(await switchTo(browser, CHILD)).toMatchObject({ ...OK, body: CHILD });
    const assertion = decodeJwt(issuer.posts.at(-1)?.form['client_assertion'] ?? '');
    expect(JSON.stringify(assertion['assertion_details'])).toContain('994598759');
    // Both APIs now get tokens for it, the second one by another refresh.
    await browser.ask(SUMMARY);
    await browser.ask('/api/documents/1');
    for (const { headers } of api.requests.slice(-2)) {
      const { details } = decodeJwt<{ details: unknown }>(headers.get('authorization')?.slice(5) ?? '');
      expect(JSON.stringify(details)).toContain('994598759');
    }
  });

  it('leaves the session as it was when it is refused', async () => {
    const { browser, issuer } = await enter();
    issuer.behaviour.fail = INVALID_GRANT;
    expect(await switchTo(browser, CHILD)).toMatchObject({ status: 403, code: 'token_refused' });
    delete issuer.behaviour.fail;
    expect((await browser.ask()).body.organization).toBeUndefined();
    expect(await browser.ask(SUMMARY)).toMatchObject(OK);
  });

  it('is refused where the grant has no such organisation', async () => {
    const { login, browser } = await enter();
    login.world.signer.refuseNext('grant_refused');
    expect(await switchTo(browser, CHILD)).toMatchObject({ status: 403, code: 'grant_refused' });
  });

  it.each<[string, unknown, Record<string, string>?]>([
    ['no JSON', 'organization=994598759'],
    ['nothing', ''],
    ['no organization', {}],
    ['more than an organization', { ...CHILD, scope: 'all' }],
    ['a list of organizations', { organization: [{ child: '994598759' }] }],
    ['an empty organization', { organization: {} }],
    ['a number', { organization: { child: 994598759 } }],
    ['eight digits', { organization: { child: '99459875' } }],
    ['a parent, for a single-tenant client', { organization: { parent: '994598759' } }],
    ['a prototype', '{"organization":{"__proto__":{"child":"994598759"}}}'],
    ['a type', { organization: { child: '994598759', type: 'x' } }],
    ['a very long body', { organization: { child: '9'.repeat(2000) } }],
    ['a form', CHILD, { 'content-type': 'text/plain' }],
    ['another site', CHILD, { 'sec-fetch-site': 'same-site' }],
  ])('refuses %s', async (what, body, headers) => {
    const { login, browser } = await enter();
    const refusal =
      what === 'another site'
        ? { status: 403, code: 'csrf_refused' }
        : { status: 400, code: 'request_malformed' };
    expect(await switchTo(browser, body, headers)).toMatchObject(refusal);
    expect(login.refreshes()).toBe(0);
  });
});
