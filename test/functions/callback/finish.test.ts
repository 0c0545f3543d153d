import type { APIGatewayProxyResult } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { AWAY, arrive, enter, type Login, openBrowser, setCookies } from '../login/make-login.ts';

const LEVEL = 'helseid://claims/identity/security_level';
const PID = 'helseid://claims/identity/pid';

/** Checks that a callback failed with this code, in words a person understands, and that nothing was set. */
function expectFailure(login: Login, answer: APIGatewayProxyResult, code: string): void {
  expect(answer.statusCode).toBeGreaterThanOrEqual(400);
  expect(answer.headers?.['content-type']).toBe('text/html; charset=utf-8');
  expect(answer.body).toMatch(/<h1>[^<]+<\/h1>\n<p>[^<]+<\/p>/);
  expect(setCookies(answer)).toEqual([]);
  expect(login.logs.at(-1)?.facts?.['refusal']).toBe(code);
  expect(login.sessions()).toEqual([]);
}

const tokenRequests = (login: Login) =>
  login.world.issuer.posts.filter(({ path }) => path === '/token').length;

/** The address on this site that an answer sends the browser to, or that its page links to. */
const nextOf = (answer: APIGatewayProxyResult) =>
  String(answer.headers?.['location'] ?? /<a href="([^"]+)"/.exec(answer.body)?.[1])
    .replace('https://journal.test', '')
    .replaceAll('&amp;', '&');

describe('the answer to a login', () => {
  it.each<[string, (p: URLSearchParams) => void, string]>([
    ['without iss', (p) => p.delete('iss'), 'login_refused'],
    ['with an empty iss', (p) => p.set('iss', ''), 'login_refused'],
    ['with another iss', (p) => p.set('iss', 'https://evil.test'), 'login_refused'],
    ['with a slash after iss', (p) => p.set('iss', `${p.get('iss')}/`), 'login_refused'],
    ['with two iss', (p) => p.append('iss', p.get('iss') ?? ''), 'request_malformed'],
    ['without state', (p) => p.delete('state'), 'request_malformed'],
    ['with an empty state', (p) => p.set('state', ''), 'request_malformed'],
    ['with a very long state', (p) => p.set('state', 'x'.repeat(201)), 'request_malformed'],
    ['with two states', (p) => p.append('state', 'other'), 'request_malformed'],
    [
      'with an unknown parameter twice',
      (p) => ['1', '2'].map((each) => p.append('other', each)),
      'request_malformed',
    ],
    ['with another state', (p) => p.set('state', 'A'.repeat(43)), 'login_expired'],
    ['without code', (p) => p.delete('code'), 'login_refused'],
    ['with an empty code', (p) => p.set('code', ''), 'login_refused'],
    ['with two codes', (p) => p.append('code', 'other'), 'request_malformed'],
    ['with code and error', (p) => p.set('error', 'access_denied'), 'login_refused'],
    ['with a JARM response', (p) => p.set('response', 'a.b.c'), 'login_refused'],
  ])('is refused %s, and sends nothing', async (_, change, code) => {
    const { login, browser } = await arrive();
    const parameters = await browser.begin();
    const right = new URLSearchParams(parameters);
    change(parameters);
    expectFailure(login, await browser.comeBack(parameters), code);
    expect(tokenRequests(login)).toBe(0);
    // The login itself is unharmed: the right answer still finishes it.
    expect((await browser.comeBack(right)).statusCode).toBe(303);
  });

  it('is refused the second time', async () => {
    const { login, browser } = await arrive();
    const parameters = await browser.begin();
    const cookies = new Map(browser.cookies);
    expect((await browser.comeBack(parameters)).statusCode).toBe(303);
    for (const [name, cookie] of cookies) browser.cookies.set(name, cookie);
    const before = tokenRequests(login);
    const replay = await browser.comeBack(parameters);
    expect([replay.statusCode, setCookies(replay)]).toEqual([400, []]);
    expect(replay.body).toContain('This login is no longer valid');
    expect(tokenRequests(login)).toBe(before);
    expect(await browser.ask()).toMatchObject({ status: 200 });
  });

  it('goes through once of three times at once', async () => {
    const { browser } = await arrive();
    const path = `/callback?${await browser.begin()}&continued=1`;
    const answers = await Promise.all([browser.send(path), browser.send(path), browser.send(path)]);
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([303, 400, 400]);
  });

  it('is refused in a browser that did not begin the login', async () => {
    const { login, browser } = await arrive();
    const parameters = await browser.begin();
    const victim = openBrowser(login);
    expectFailure(login, await victim.comeBack(parameters), 'login_expired');
    // Not even with a login of the victim's own under way.
    await victim.begin();
    expectFailure(login, await victim.comeBack(parameters), 'login_expired');
    expect((await browser.comeBack(parameters)).statusCode).toBe(303);
  });

  it.each<[string, string | undefined]>([
    ['another login’s', undefined],
    ['no id', 'x'],
  ])('is refused with a transaction cookie that is %s', async (_, value) => {
    const { login, browser } = await arrive();
    await browser.begin();
    const [other] = [...browser.cookies.values()];
    browser.cookies.clear();
    const parameters = await browser.begin();
    const [name = ''] = [...browser.cookies.keys()];
    browser.cookies.set(name, { sameSite: 'Lax', value: value ?? other?.value ?? '' });
    expectFailure(login, await browser.comeBack(parameters), 'login_expired');
  });

  it('is refused where the login took too long, though the table still has it', async () => {
    const { login, browser, store } = await arrive();
    const parameters = await browser.begin();
    login.later(900);
    expect(store.rows.size).toBe(1);
    expectFailure(login, await browser.comeBack(parameters), 'login_expired');
    expect(tokenRequests(login)).toBe(0);
  });

  it('tells a person who cancelled that nothing happened, in their language', async () => {
    const { login, browser } = await arrive();
    const parameters = await browser.begin();
    parameters.delete('code');
    parameters.set('error', 'access_denied');
    parameters.set('error_description', '<script>alert(1)</script>');
    const answer = await browser.send(`/callback?${parameters}&continued=1`, {
      headers: { 'accept-language': 'nn, en;q=0.5' },
    });
    expectFailure(login, answer, 'login_refused');
    for (const text of ['<html lang="nb">', 'Du ble ikke logget inn']) expect(answer.body).toContain(text);
    expect(answer.body).not.toContain('script');
    expect(tokenRequests(login)).toBe(0);
  });

  it('keeps of what the browser brings in place of an error nothing that may be a person', async () => {
    const { login, browser } = await arrive();
    const parameters = await browser.begin('/login');
    parameters.delete('code');
    parameters.set('error', 'pid-13097248022');
    await browser.comeBack(parameters);
    expect(login.logs.at(-1)).toMatchObject({ facts: { error: '…' } });
    expect(JSON.stringify(login.logs)).not.toContain('13097248022');
  });

  it.each([
    ['access_denied', 403, 'info'],
    ['login_required', 403, 'info'],
    ['invalid_scope', 500, 'error'],
    ['unauthorized_client', 500, 'error'],
    ['server_error', 502, 'error'],
    ['temporarily_unavailable', 503, 'error'],
    ['constructor', 403, 'info'],
    ['__proto__', 403, 'info'],
  ])('blames for %s who is at fault, and loses no return path', async (error, status, level) => {
    const { login, browser } = await arrive();
    const parameters = await browser.begin('/login?return=/journal');
    parameters.delete('code');
    parameters.set('error', error);
    const answer = await browser.comeBack(parameters);
    expect(answer.statusCode).toBe(status);
    expect(login.logs.at(-1)).toMatchObject({ level, facts: { error, answered: status } });
    expect(nextOf(answer)).toBe('/live/login?return=%2Fjournal');
  });

  it.each([
    ['a code that the issuer no longer knows', 'invalid_grant', 400, 400],
    ['a key that it does not know', 'invalid_client', 401, 500],
  ])('tells %s', async (_, error, issuers, status) => {
    const { login, browser, issuer } = await arrive();
    const parameters = await browser.begin();
    issuer.behaviour.fail = () => Response.json({ error }, { status: issuers });
    expect((await browser.comeBack(parameters)).statusCode).toBe(status);
    expect(login.logs.at(-1)?.facts).toMatchObject({ error, status: issuers, answered: status });
  });
});

describe('the ID token', () => {
  it.each<[string, string, unknown]>([
    ['iss', 'iss', 'https://evil.test'],
    ['aud', 'aud', 'evil'],
    ['nonce', 'nonce', 'evil'],
    ['missing nonce', 'nonce', undefined],
    ['exp', 'exp', 1],
    ['iat', 'iat', 'evil'],
    ['sub', 'sub', ''],
  ])('refuses an ID token with the wrong %s', async (_, claim, value) => {
    const { login, browser, issuer } = await arrive();
    issuer.behaviour.idToken[claim] = value;
    expectFailure(login, await browser.logIn(), 'id_token_invalid');
    // The log says what is wrong, and nothing of what is in it; nobody holds the tokens.
    expect(login.logs.at(-1)?.facts?.['reason']).toContain(claim);
    expect(JSON.stringify(login.logs)).not.toContain('evil');
    expect(issuer.revoked.size).toBe(1);
  });

  it.each(['wrong', 'none'] as const)('refuses an ID token whose signature is %s', async (signature) => {
    const { login, browser, issuer } = await arrive();
    issuer.behaviour.idTokenSignature = signature;
    expectFailure(login, await browser.logIn(), 'id_token_invalid');
  });

  it('takes a person who authenticated since the login began, however slowly the browser comes back', async () => {
    const { login, browser, issuer } = await arrive();
    issuer.behaviour.idToken['auth_time'] = login.world.clock.now / 1000 + 20;
    const parameters = await browser.begin('/login?max_age=0&return=/journal');
    login.later(120);
    expect(nextOf(await browser.comeBack(parameters))).toBe('/live/journal');
  });

  it('asks once more after a login that is too old, and then says so', async () => {
    const { login, browser, issuer } = await arrive();
    issuer.behaviour.idToken['auth_time'] = login.world.clock.now / 1000 - 600;
    const first = await browser.logIn('/login?max_age=60&return=/journal?a=1');
    expect([first.statusCode, setCookies(first)]).toEqual([303, []]);
    expect(nextOf(first)).toBe('/live/login?prompt=login&max_age=60&again=1&return=%2Fjournal%3Fa%3D1');
    expect(login.logs.at(-1)).toMatchObject({ code: 'login.repeated' });

    const second = await browser.logIn(nextOf(first).replace('/live', ''));
    const pushed = issuer.posts.findLast(({ path }) => path === '/par');
    expect(pushed?.form).toMatchObject({ prompt: 'login', max_age: '60' });
    expectFailure(login, second, 'login_too_old');
    expect([second.statusCode, second.body.includes('This login is too old')]).toEqual([502, true]);
    expect(issuer.revoked.size).toBe(2);
    // A person may try as often as they like: each time the issuer is asked once more.
    expect(nextOf(second)).toBe('/live/login?prompt=login&max_age=60&return=%2Fjournal%3Fa%3D1');

    issuer.behaviour.idToken['auth_time'] = login.world.clock.now / 1000;
    const third = await browser.logIn(nextOf(second).replace('/live', ''));
    expect(nextOf(third)).toBe('/live/journal?a=1');
  });

  it.each<[string, unknown, boolean]>([
    ['4', '4', true],
    ['3', '3', true],
    ['2', '2', false],
    ['1', '1', false],
    ['absent', undefined, false],
    ['a number', 4, false],
    ['a list', ['4'], false],
    ['a word', 'high', false],
    ['44', '44', false],
  ])('asked for level 3, judges %s', async (_, level, accepted) => {
    const { login, browser, issuer } = await arrive({ securityLevel: '3' });
    Object.assign(issuer.behaviour.idToken, { [LEVEL]: level, acr: '4' });
    const answer = await browser.logIn();
    if (accepted) return expect(answer.statusCode).toBe(303);
    expectFailure(login, answer, 'security_level_too_low');
    expect(answer.body).toContain('This login is not secure enough');
    // Without it the issuer, which still knows this login, would give the same one again.
    expect(nextOf(answer)).toBe('/live/login?prompt=login');
    expect(issuer.revoked.size).toBe(1);
  });

  it('is accepted with any level where none is demanded', async () => {
    const { browser, issuer } = await arrive();
    issuer.behaviour.idToken[LEVEL] = undefined;
    expect((await browser.logIn()).statusCode).toBe(303);
  });

  it('is not accepted, and the access token revoked where there is no other', async () => {
    const { login, browser, issuer } = await arrive({ securityLevel: '4' });
    issuer.behaviour.idToken[LEVEL] = '3';
    issuer.behaviour.response = { refresh_token: undefined };
    expectFailure(login, await browser.logIn(), 'security_level_too_low');
    expect([...issuer.revoked]).toEqual([...issuer.tokens.keys()]);
  });
});

describe('the same person', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['another sub', { sub: 'person-2' }, 'sub'],
    ['another pid', { [PID]: '13116900216' }, 'pid'],
    ['no pid, where the first had one', { [PID]: undefined }, 'pid'],
  ])('refuses a second login with %s, and keeps the first', async (_, claims, differs) => {
    const { login, browser, issuer } = await enter();
    const before = browser.cookies.get('__Host-session')?.value;
    Object.assign(issuer.behaviour.idToken, claims);
    const second = await browser.logIn();
    expect([second.statusCode, setCookies(second)]).toEqual([403, []]);
    expect(second.body).toContain('Another person is logged in');
    expect(login.logs.at(-1)?.facts).toMatchObject({ refusal: 'person_mismatch', differs });
    expect(browser.cookies.get('__Host-session')?.value).toBe(before);
    expect(await browser.ask()).toMatchObject({ status: 200 });
  });

  it('refuses another person who began before the first had finished, in another tab', async () => {
    const { login, browser, issuer } = await arrive();
    const slow = await browser.begin();
    await browser.logIn();
    issuer.behaviour.idToken['sub'] = 'person-2';
    expect((await browser.comeBack(slow)).statusCode).toBe(403);
    expect(login.logs.at(-1)?.facts?.['refusal']).toBe('person_mismatch');
    expect(await browser.ask()).toMatchObject({ status: 200 });
  });

  it('ends the session of the same person that began in another tab meanwhile', async () => {
    const { browser } = await arrive();
    const slow = await browser.begin();
    await browser.logIn();
    const cookie = `__Host-session=${browser.cookies.get('__Host-session')?.value}`;
    expect((await browser.comeBack(slow)).statusCode).toBe(303);
    expect(await browser.ask('/session', { headers: { cookie } })).toMatchObject({ status: 401 });
    expect(await browser.ask()).toMatchObject({ status: 200 });
  });

  it('refuses another person to come back to a session that ended meanwhile', async () => {
    const { login, browser, issuer } = await enter();
    const parameters = await browser.begin();
    await browser.logOut();
    issuer.behaviour.idToken['sub'] = 'person-2';
    expectFailure(login, await browser.comeBack(parameters), 'person_mismatch');
  });

  it('is told by a rule of the system’s own where there is one', async () => {
    const { browser } = await enter({}, {}, { samePerson: () => false });
    expect((await browser.logIn()).statusCode).toBe(403);
  });
});

describe('a table that fails', () => {
  it('leaves the old session as it was, or has the new one in its place, wherever it fails', async () => {
    const finished: number[] = [];
    for (let at = 0; at === finished.length; at += 1) {
      const { login, browser, store } = await enter();
      const old = browser.cookies.get('__Host-session')?.value;
      const parameters = await browser.begin();
      let calls = 0;
      store.before = () => {
        if (calls++ === at) throw AWAY;
      };
      const { statusCode } = await browser.comeBack(parameters);
      store.before = () => undefined;
      if (calls <= at) break;
      finished.push(statusCode);
      expect(login.sessions(), `call ${at}`).toHaveLength(1);
      expect(browser.cookies.get('__Host-session')?.value === old, `call ${at}`).toBe(statusCode === 503);
      expect(await browser.ask(), `call ${at}`).toMatchObject({ status: 200 });
    }
    expect(new Set(finished)).toEqual(new Set([303, 503]));
  });

  it.each(['take', 'link', 'add'] as const)(
    'at %s, sets nothing and has what came revoked',
    async (failing) => {
      const { login, browser, issuer } = await arrive();
      const parameters = await browser.begin();
      login.failNext(failing, new TypeError(`a secret: ${failing}`));
      const answer = await browser.comeBack(parameters);
      expect([answer.statusCode, setCookies(answer)]).toEqual([500, []]);
      expect(JSON.stringify([answer, login.logs])).not.toContain('a secret');
      expect(login.logs.at(-1)?.facts).toMatchObject({ refusal: 'unexpected', name: 'TypeError' });
      expect(issuer.revoked.size).toBe(failing === 'take' ? 0 : 1);
    },
  );
});
