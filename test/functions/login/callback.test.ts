import { ZonesError } from '@helseid-zones/protocol/errors';
import type { APIGatewayProxyResult } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { type Browser, type Login, makeLogin, openBrowser, setCookies } from './make-login.ts';

const LEVEL = 'helseid://claims/identity/security_level';
const PID = 'helseid://claims/identity/pid';

/** Begins a login, and gives what the issuer would send back. */
async function begin(login: Login, browser: Browser, path = '/login'): Promise<URLSearchParams> {
  const begun = await browser.send(path);
  return login.world.issuer.authorize(String(begun.headers?.['location']));
}

/** Checks that a callback failed with this code, in words a person understands, and that nothing was set. */
function expectFailure(login: Login, answer: APIGatewayProxyResult, code: string): void {
  expect(answer.statusCode).toBeGreaterThanOrEqual(400);
  expect(answer.headers?.['content-type']).toBe('text/html; charset=utf-8');
  expect(answer.body).toMatch(/<h1>[^<]+<\/h1>\n<p>[^<]+<\/p>/);
  expect(setCookies(answer)).toEqual([]);
  expect(login.logs.at(-1)?.facts?.['refusal']).toBe(code);
  expect([...login.store.rows.keys()].filter((pk) => pk.startsWith('session#'))).toEqual([]);
}

const tokenRequests = (login: Login) =>
  login.world.issuer.posts.filter(({ path }) => path === '/token').length;

describe('callback', () => {
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
    ['with the state null', (p) => p.set('state', 'null'), 'login_expired'],
    ['with another state', (p) => p.set('state', 'A'.repeat(43)), 'login_expired'],
    ['without code', (p) => p.delete('code'), 'login_refused'],
    ['with an empty code', (p) => p.set('code', ''), 'login_refused'],
    ['with two codes', (p) => p.append('code', 'other'), 'request_malformed'],
    ['with code and error', (p) => p.set('error', 'access_denied'), 'login_refused'],
    ['with a JARM response', (p) => p.set('response', 'a.b.c'), 'login_refused'],
  ])('refuses an answer %s, and sends nothing', async (_, change, code) => {
    const login = await makeLogin();
    const browser = openBrowser(login);
    const parameters = await begin(login, browser);
    const right = new URLSearchParams(parameters);
    change(parameters);
    expectFailure(login, await browser.comeBack(parameters), code);
    expect(tokenRequests(login)).toBe(0);
    // The login itself is unharmed: the right answer still finishes it.
    expect((await browser.comeBack(right)).statusCode).toBe(303);
  });

  it('refuses the same callback twice', async () => {
    const login = await makeLogin();
    const browser = openBrowser(login);
    const parameters = await begin(login, browser);
    const cookies = new Map(browser.cookies);
    expect((await browser.comeBack(parameters)).statusCode).toBe(303);
    for (const [name, cookie] of cookies) browser.cookies.set(name, cookie);
    const before = tokenRequests(login);
    const replay = await browser.comeBack(parameters);
    expect(replay.statusCode).toBe(400);
    expect(replay.body).toContain('This login is no longer valid');
    expect(setCookies(replay)).toEqual([]);
    expect(tokenRequests(login)).toBe(before);
    expect((await browser.send('/session')).statusCode).toBe(200);
  });

  it('lets one of two callbacks at once through', async () => {
    const login = await makeLogin();
    const browser = openBrowser(login);
    const path = `/callback?${await begin(login, browser)}&continued=1`;
    const answers = await Promise.all([browser.send(path), browser.send(path), browser.send(path)]);
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([303, 400, 400]);
  });

  it('refuses a callback in a browser that did not begin the login', async () => {
    const login = await makeLogin();
    const mine = openBrowser(login);
    const parameters = await begin(login, mine);
    const victim = openBrowser(login);
    expectFailure(login, await victim.comeBack(parameters), 'login_expired');
    // Not even with a login of the victim's own under way.
    await victim.send('/login');
    expectFailure(login, await victim.comeBack(parameters), 'login_expired');
    expect((await mine.comeBack(parameters)).statusCode).toBe(303);
  });

  it('refuses a transaction cookie that is another login’s', async () => {
    const login = await makeLogin();
    const browser = openBrowser(login);
    await begin(login, browser);
    const [[, other] = ['', { value: '', sameSite: 'Lax' }]] = [...browser.cookies];
    browser.cookies.clear();
    const parameters = await begin(login, browser);
    const [name = ''] = [...browser.cookies.keys()];
    browser.cookies.set(name, other);
    expectFailure(login, await browser.comeBack(parameters), 'login_expired');
  });

  it.each(['x', '', 'A'.repeat(42), 'A'.repeat(44), '*'.repeat(43), `${'A'.repeat(42)}B`])(
    'refuses a transaction cookie that is no id: %j',
    async (value) => {
      const login = await makeLogin();
      const browser = openBrowser(login);
      const parameters = await begin(login, browser);
      const [name = ''] = [...browser.cookies.keys()];
      browser.cookies.set(name, { value, sameSite: 'Lax' });
      expectFailure(login, await browser.comeBack(parameters), 'login_expired');
    },
  );

  it('refuses a login that took too long, though the table still has it', async () => {
    const login = await makeLogin();
    const browser = openBrowser(login);
    const parameters = await begin(login, browser);
    login.world.clock.now += 900_000;
    expect(login.store.rows.size).toBe(1);
    expectFailure(login, await browser.comeBack(parameters), 'login_expired');
    expect(tokenRequests(login)).toBe(0);
  });

  it('tells a person who cancelled that nothing happened, in their language', async () => {
    const login = await makeLogin();
    const browser = openBrowser(login);
    const parameters = await begin(login, browser);
    parameters.delete('code');
    parameters.set('error', 'access_denied');
    parameters.set('error_description', '<script>alert(1)</script>');
    const answer = await browser.send(`/callback?${parameters}&continued=1`, {
      headers: { 'accept-language': 'nn, en;q=0.5' },
    });
    expectFailure(login, answer, 'login_refused');
    expect(answer.statusCode).toBe(403);
    expect(answer.body).toContain('<html lang="nb">');
    expect(answer.body).toContain('Du ble ikke logget inn');
    expect(answer.body).not.toContain('script');
    expect(login.logs.at(-1)?.facts).toMatchObject({ error: 'access_denied' });
    expect(tokenRequests(login)).toBe(0);
  });

  it.each<[string, Record<string, unknown>]>([
    ['iss', { iss: 'https://evil.test' }],
    ['aud', { aud: 'somebody-else' }],
    ['a second aud', { aud: ['8a2d4c5e-6a0b-4c53-9f0e-1f1f6f0c2b11', 'somebody-else'] }],
    ['nonce', { nonce: 'other' }],
    ['a missing nonce', { nonce: undefined }],
    ['exp', { exp: 1 }],
    ['an empty sub', { sub: '' }],
  ])('refuses an ID token with the wrong %s', async (_, claims) => {
    const login = await makeLogin();
    Object.assign(login.world.issuer.behaviour.idToken, claims);
    expectFailure(login, await openBrowser(login).logIn(), 'id_token_invalid');
  });

  it.each(['wrong', 'none'] as const)('refuses an ID token whose signature is %s', async (signature) => {
    const login = await makeLogin();
    login.world.issuer.behaviour.idTokenSignature = signature;
    expectFailure(login, await openBrowser(login).logIn(), 'id_token_invalid');
  });

  /** The address on this site that an answer sends the browser to, or that its page links to. */
  const nextOf = (answer: APIGatewayProxyResult) =>
    String(answer.headers?.['location'] ?? /<a href="([^"]+)"/.exec(answer.body)?.[1])
      .replace('https://journal.test', '')
      .replaceAll('&amp;', '&');

  it('takes a person who authenticated since the login began, however slowly the browser comes back', async () => {
    const login = await makeLogin();
    const browser = openBrowser(login);
    login.world.issuer.behaviour.idToken['auth_time'] = login.world.clock.now / 1000 + 20;
    const parameters = await begin(login, browser, '/login?max_age=0&return=/journal');
    login.world.clock.now += 120_000;
    expect(nextOf(await browser.comeBack(parameters))).toBe('/live/journal');
  });

  it('asks once more after a login that is too old, and then says so', async () => {
    const login = await makeLogin();
    const browser = openBrowser(login);
    login.world.issuer.behaviour.idToken['auth_time'] = login.world.clock.now / 1000 - 600;
    const first = await browser.logIn('/login?max_age=60&return=/journal?a=1');
    expect(first.statusCode).toBe(303);
    expect(setCookies(first)).toEqual([]);
    expect(nextOf(first)).toBe('/live/login?prompt=login&max_age=60&again=1&return=%2Fjournal%3Fa%3D1');
    expect(login.logs.at(-1)).toMatchObject({ code: 'login.repeated' });

    const second = await browser.logIn(nextOf(first).replace('/live', ''));
    expect(login.world.issuer.posts.findLast(({ path }) => path === '/par')?.form).toMatchObject({
      prompt: 'login',
      max_age: '60',
    });
    expectFailure(login, second, 'login_too_old');
    expect(second.statusCode).toBe(502);
    expect(second.body).toContain('This login is too old');
    expect(login.world.issuer.revoked.size).toBe(2);
    // A person may try as often as they like: each time the issuer is asked once more.
    expect(nextOf(second)).toBe('/live/login?prompt=login&max_age=60&return=%2Fjournal%3Fa%3D1');

    login.world.issuer.behaviour.idToken['auth_time'] = login.world.clock.now / 1000;
    const third = await browser.logIn(nextOf(second).replace('/live', ''));
    expect(nextOf(third)).toBe('/live/journal?a=1');
  });

  it.each([
    ['access_denied', 403, 'info'],
    ['login_required', 403, 'info'],
    ['invalid_scope', 500, 'error'],
    ['unauthorized_client', 500, 'error'],
    ['server_error', 502, 'error'],
    ['temporarily_unavailable', 503, 'error'],
    ['__proto__', 403, 'info'],
  ])('blames for %s who is at fault, and loses no return path', async (error, status, level) => {
    const login = await makeLogin();
    const browser = openBrowser(login);
    const parameters = await begin(login, browser, '/login?return=/journal');
    parameters.delete('code');
    parameters.set('error', error);
    const answer = await browser.comeBack(parameters);
    expect(answer.statusCode).toBe(status);
    expect(login.logs.at(-1)).toMatchObject({ level, facts: { error, answered: status } });
    expect(nextOf(answer)).toBe('/live/login?return=%2Fjournal');
  });

  it('tells a code that the issuer no longer knows from a key that it does not know', async () => {
    for (const [error, issuers, status] of [
      ['invalid_grant', 400, 400],
      ['invalid_client', 401, 500],
    ] as const) {
      const login = await makeLogin();
      const browser = openBrowser(login);
      const parameters = await begin(login, browser);
      login.world.issuer.behaviour.fail = () => Response.json({ error }, { status: issuers });
      const answer = await browser.comeBack(parameters);
      expect(answer.statusCode).toBe(status);
      expect(login.logs.at(-1)?.facts).toMatchObject({ error, status: issuers, answered: status });
    }
  });

  it('logs what is wrong with an ID token, and nothing of what is in it', async () => {
    const lines = new Set<string>();
    const faults = { iss: 'https://evil.test', aud: 'evil', nonce: 'evil', exp: 1, iat: 'evil', sub: '' };
    for (const [claim, value] of Object.entries(faults)) {
      const login = await makeLogin();
      login.world.issuer.behaviour.idToken[claim] = value;
      expectFailure(login, await openBrowser(login).logIn(), 'id_token_invalid');
      expect(login.logs.at(-1)?.facts?.['reason']).toContain(`"${claim}"`);
      lines.add(JSON.stringify(login.logs.at(-1)));
      expect(login.world.issuer.revoked.size).toBe(1);
    }
    expect(lines.size).toBe(6);
    expect([...lines].join()).not.toContain('evil');
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
    const login = await makeLogin({ securityLevel: '3' });
    Object.assign(login.world.issuer.behaviour.idToken, { [LEVEL]: level, acr: '4' });
    const answer = await openBrowser(login).logIn();
    if (accepted) expect(answer.statusCode).toBe(303);
    else {
      expectFailure(login, answer, 'security_level_too_low');
      expect(answer.body).toContain('This login is not secure enough');
      // Without it the issuer, which still knows this login, would give the same one again.
      expect(answer.body).toMatch(/href="[^"]*\/login\?prompt=login"/);
      // Nobody holds the tokens of a login that was not accepted.
      expect(login.world.issuer.revoked.size).toBe(1);
    }
  });

  it('revokes the access token of a login that is not accepted and has no other', async () => {
    const login = await makeLogin({ securityLevel: '4' });
    login.world.issuer.behaviour.idToken[LEVEL] = '3';
    login.world.issuer.behaviour.response = { refresh_token: undefined };
    expectFailure(login, await openBrowser(login).logIn(), 'security_level_too_low');
    expect([...login.world.issuer.revoked]).toEqual([...login.world.issuer.tokens.keys()]);
  });

  it('accepts any level where none is demanded', async () => {
    const login = await makeLogin();
    login.world.issuer.behaviour.idToken[LEVEL] = undefined;
    expect((await openBrowser(login).logIn()).statusCode).toBe(303);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['another sub', { sub: 'person-2' }, 'sub'],
    ['another pid', { [PID]: '13116900216' }, 'pid'],
    ['no pid, where the first had one', { [PID]: undefined }, 'pid'],
  ])('refuses a second login with %s, and keeps the first', async (_, claims, differs) => {
    const login = await makeLogin();
    const browser = openBrowser(login);
    await browser.logIn();
    const before = browser.cookies.get('__Host-session')?.value;
    Object.assign(login.world.issuer.behaviour.idToken, claims);
    const second = await browser.logIn();
    expect(second.statusCode).toBe(403);
    expect(second.body).toContain('Another person is logged in');
    expect(login.logs.at(-1)?.facts).toMatchObject({ refusal: 'person_mismatch', differs });
    expect(setCookies(second)).toEqual([]);
    expect(browser.cookies.get('__Host-session')?.value).toBe(before);
    expect((await browser.send('/session')).statusCode).toBe(200);
  });

  it('refuses another person who began before the first had finished, in another tab', async () => {
    const login = await makeLogin();
    const browser = openBrowser(login);
    const slow = await begin(login, browser);
    await browser.logIn();
    login.world.issuer.behaviour.idToken['sub'] = 'person-2';
    const answer = await browser.comeBack(slow);
    expect(answer.statusCode).toBe(403);
    expect(login.logs.at(-1)?.facts?.['refusal']).toBe('person_mismatch');
    expect((await browser.send('/session')).statusCode).toBe(200);
  });

  it('ends the session of the same person that began in another tab meanwhile', async () => {
    const login = await makeLogin();
    const browser = openBrowser(login);
    const slow = await begin(login, browser);
    await browser.logIn();
    const other = browser.cookies.get('__Host-session')?.value;
    expect((await browser.comeBack(slow)).statusCode).toBe(303);
    const answer = await browser.send('/session', { headers: { cookie: `__Host-session=${other}` } });
    expect(answer.statusCode).toBe(401);
    expect((await browser.send('/session')).statusCode).toBe(200);
  });

  it('refuses another person to come back to a session that ended meanwhile', async () => {
    const login = await makeLogin();
    const browser = openBrowser(login);
    await browser.logIn();
    const parameters = await begin(login, browser);
    await browser.send('/logout', { method: 'POST' });
    login.world.issuer.behaviour.idToken['sub'] = 'person-2';
    expectFailure(login, await browser.comeBack(parameters), 'person_mismatch');
  });

  it('asks a rule of the system’s own where there is one', async () => {
    const login = await makeLogin({}, { samePerson: () => false });
    const browser = openBrowser(login);
    expect((await browser.logIn()).statusCode).toBe(303);
    expect((await browser.logIn()).statusCode).toBe(403);
  });

  it('puts a new session in the place of the old, or leaves it as it was, wherever the table fails', async () => {
    const finished: number[] = [];
    for (let at = 0; finished.length < at + 1; at += 1) {
      const login = await makeLogin();
      const browser = openBrowser(login);
      await browser.logIn();
      const old = browser.cookies.get('__Host-session')?.value;
      const parameters = await begin(login, browser);
      let calls = 0;
      login.store.before = () => {
        if (calls++ === at) throw new ZonesError('aws_unavailable', 'No answer from dynamodb.');
      };
      const { statusCode } = await browser.comeBack(parameters);
      login.store.before = () => undefined;
      if (calls <= at) break;
      finished.push(statusCode);
      expect([303, 503], `call ${at}`).toContain(statusCode);
      expect([...login.store.rows.keys()].filter((pk) => pk.startsWith('session#'))).toHaveLength(1);
      expect(browser.cookies.get('__Host-session')?.value === old, `call ${at}`).toBe(statusCode === 503);
      expect((await browser.send('/session')).statusCode, `call ${at}`).toBe(200);
    }
    expect(new Set(finished)).toEqual(new Set([303, 503]));
  });

  it('sets nothing when the table fails in the middle, and revokes what came', async () => {
    for (const failing of ['take', 'link', 'add'] as const) {
      const login = await makeLogin();
      const browser = openBrowser(login);
      const parameters = await begin(login, browser);
      login.store.before = (operation) => {
        if (operation === failing) throw new TypeError(`a secret: ${failing}`);
      };
      const answer = await browser.comeBack(parameters);
      expect(answer.statusCode).toBe(500);
      expect(setCookies(answer)).toEqual([]);
      expect(JSON.stringify([answer, login.logs])).not.toContain('a secret');
      expect(login.logs.at(-1)?.facts).toMatchObject({ refusal: 'unexpected', name: 'TypeError' });
      expect(login.world.issuer.revoked.size).toBe(failing === 'take' ? 0 : 1);
    }
  });
});
