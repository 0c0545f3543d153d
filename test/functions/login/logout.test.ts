import { ZonesError } from '@helseid-zones/protocol/errors';
import { describe, expect, it } from 'vitest';
import { type Browser, type Login, makeLogin, openBrowser, setCookies } from './make-login.ts';

async function loggedIn(login: Login): Promise<Browser> {
  const browser = openBrowser(login);
  await browser.logIn();
  return browser;
}

const status = async (browser: Browser) =>
  (await browser.send('/session', { headers: { accept: 'application/json' } })).statusCode;

describe('logout', () => {
  it('gives programs the address as JSON', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    const answer = await browser.send('/logout', { method: 'POST', headers: { accept: 'application/json' } });
    expect(answer.statusCode).toBe(200);
    expect(new URL(JSON.parse(answer.body).location).searchParams.get('post_logout_redirect_uri')).toBe(
      'https://journal.test/live/logout/callback',
    );
    expect(await status(browser)).toBe(401);
  });

  it('ends the session here though the issuer can’t be reached', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    login.world.issuer.behaviour.fail = () => new Response('down', { status: 500 });
    const answer = await browser.send('/logout', { method: 'POST' });
    expect(answer.statusCode).toBe(303);
    expect(login.logs).toContainEqual({
      level: 'warn',
      code: 'session.revocation_failed',
      facts: { refusal: 'issuer_unreachable', status: 500 },
    });
    expect(await status(browser)).toBe(401);
    expect([...login.store.rows.keys()].filter((pk) => pk.startsWith('session#'))).toEqual([]);
  });

  it.each(['take', 'unlink'] as const)(
    'leaves no token valid where the table fails at %s',
    async (failing) => {
      const login = await makeLogin();
      const browser = await loggedIn(login);
      login.store.before = (operation) => {
        if (operation !== failing) return;
        login.store.before = () => undefined;
        throw new ZonesError('aws_unavailable', 'No answer from dynamodb.');
      };
      const answer = await browser.send('/logout', { method: 'POST' });
      expect(login.world.issuer.revoked.size).toBe(1);
      expect(answer.statusCode).toBe(failing === 'take' ? 503 : 303);
      if (failing === 'take')
        expect((await browser.send('/logout', { method: 'POST' })).statusCode).toBe(303);
      expect(await status(browser)).toBe(401);
      expect(login.logs).toContainEqual(expect.objectContaining({ code: 'session.ended' }));
    },
  );

  it('revokes what a refresh brought between its look and its removal', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    login.world.clock.now += 600_000;
    login.store.before = async (operation) => {
      if (operation !== 'take') return;
      login.store.before = () => undefined;
      expect(await status(browser)).toBe(200);
    };
    expect((await browser.send('/logout', { method: 'POST' })).statusCode).toBe(303);
    const { posts, revoked } = login.world.issuer;
    const used = posts.flatMap(({ form }) => form['refresh_token'] ?? []);
    expect(used).toHaveLength(1);
    expect(revoked.size).toBe(1);
    expect(revoked).not.toContain(used[0]);
  });

  it('revokes the access tokens where there is no refresh token', async () => {
    const login = await makeLogin();
    login.world.issuer.behaviour.response = { refresh_token: undefined };
    const browser = await loggedIn(login);
    await browser.send('/logout', { method: 'POST' });
    expect(login.world.issuer.posts.at(-1)?.form).toMatchObject({ token_type_hint: 'access_token' });
    expect([...login.world.issuer.revoked]).toEqual([...login.world.issuer.tokens.keys()]);
  });

  it('stays here where the issuer has no logout', async () => {
    const login = await makeLogin();
    login.world.issuer.behaviour.metadata = { end_session_endpoint: undefined };
    const browser = await loggedIn(login);
    const answer = await browser.send('/logout', { method: 'POST' });
    const location = String(answer.headers?.['location']);
    expect(location).toMatch(/^https:\/\/journal\.test\/live\/logout\/callback\?state=[\w-]{43}$/);
    const page = await browser.send(location.replace('https://journal.test/live', ''));
    expect(page.statusCode).toBe(200);
    expect(page.body).toContain('You are logged out');
  });

  it('stays here where metadata names a logout that is not https', async () => {
    const login = await makeLogin();
    login.world.issuer.behaviour.metadata = { end_session_endpoint: 'http://sts.test/endsession' };
    const browser = await loggedIn(login);
    const answer = await browser.send('/logout', { method: 'POST' });
    expect(String(answer.headers?.['location'])).toContain('https://journal.test/live/logout/callback');
    expect(login.logs.at(-1)).toMatchObject({ code: 'session.issuer_logout_failed' });
  });

  it.each([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['a sibling host', { 'sec-fetch-site': 'same-site' }],
    ['another origin', { 'sec-fetch-site': undefined, origin: 'https://evil.test' }],
    ['an origin that nobody tells', { 'sec-fetch-site': undefined, origin: 'null' }],
  ])('does nothing for %s', async (_, headers) => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    const answer = await browser.send('/logout', { method: 'POST', headers });
    expect(answer.statusCode).toBe(403);
    expect(await status(browser)).toBe(200);
  });

  it('ends the session for a page of ours that tells nobody its address', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    const answer = await browser.send('/logout', { method: 'POST', headers: { origin: 'null' } });
    expect(answer.statusCode).toBe(303);
    expect(await status(browser)).toBe(401);
  });

  it('tells a person who is not logged in so, and sets nothing', async () => {
    const login = await makeLogin();
    const answer = await openBrowser(login).send('/logout', { method: 'POST' });
    expect(answer.statusCode).toBe(401);
    expect(answer.body).toContain('You are not logged in');
    expect(setCookies(answer)).toEqual([]);
  });

  it.each([
    ['without state', ''],
    ['with another state', `?state=${'A'.repeat(43)}`],
  ])('shows a foreign return from logout for what it is: %s', async (_, query) => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    await openBrowser(login).send('/session');
    const page = await browser.send(`/logout/callback${query}`, { crossSite: true });
    expect(page.statusCode).toBe(400);
    expect(page.body).toContain('This logout did not begin here');
    expect(setCookies(page)).toEqual([]);
    expect(await status(browser)).toBe(200);
  });
});

describe('back-channel logout', () => {
  const send = (login: Login, body: string, headers: Record<string, string> = {}) =>
    openBrowser(login).send('/logout/backchannel', {
      method: 'POST',
      crossSite: true,
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: '*/*', ...headers },
      body,
    });
  const form = (token: string) => new URLSearchParams({ logout_token: token }).toString();

  /** Two browsers of one person, and one of another, each with a session id of its own at the issuer. */
  async function threeSessions(login: Login) {
    const browsers: Browser[] = [];
    for (const [sub, sid] of [
      ['person-1', 'sid-1'],
      ['person-1', 'sid-2'],
      ['person-2', 'sid-3'],
    ] as const) {
      Object.assign(login.world.issuer.behaviour.idToken, { sub, sid });
      browsers.push(await loggedIn(login));
    }
    return browsers;
  }

  it.each<[string, Record<string, unknown>, number[]]>([
    ['its sid', { sid: 'sid-1', sub: undefined }, [401, 200, 200]],
    ['its sub', { sid: undefined, sub: 'person-1' }, [401, 401, 200]],
    ['sid and sub', { sid: 'sid-2', sub: 'person-1' }, [200, 401, 200]],
    ['a sid of another person', { sid: 'sid-3', sub: 'person-1' }, [200, 200, 200]],
    ['an unknown sid', { sid: 'sid-9', sub: undefined }, [200, 200, 200]],
  ])('ends the sessions with %s', async (_, claims, expected) => {
    const login = await makeLogin();
    const browsers = await threeSessions(login);
    const answer = await send(login, form(await login.world.issuer.signLogoutToken(claims)));
    expect([answer.statusCode, answer.body]).toEqual([200, '']);
    expect(answer.headers?.['cache-control']).toBe('no-store');
    expect(await Promise.all(browsers.map(status))).toEqual(expected);
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['another iss', { iss: 'https://evil.test' }, {}],
    ['another aud', { aud: 'somebody-else' }, {}],
    ['a second aud', { aud: ['8a2d4c5e-6a0b-4c53-9f0e-1f1f6f0c2b11', 'somebody-else'] }, {}],
    ['an old iat', { iat: 1 }, {}],
    ['a passed exp', { exp: 1 }, {}],
    ['no jti', { jti: undefined }, {}],
    ['no events', { events: undefined }, {}],
    ['another event', { events: { 'http://schemas.openid.net/event/other': {} } }, {}],
    ['a nonce', { nonce: 'n' }, {}],
    ['neither sub nor sid', { sub: undefined, sid: undefined }, {}],
    ['the typ of an access token', {}, { typ: 'at+jwt' }],
  ])('refuses a logout token with %s', async (_, claims, header) => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    const answer = await send(login, form(await login.world.issuer.signLogoutToken(claims, header)));
    expect(answer.statusCode).toBe(400);
    expect(JSON.parse(answer.body).error).toBe('invalid_request');
    expect(await status(browser)).toBe(200);
    expect([...login.store.rows.keys()].filter((pk) => pk.startsWith('jti#'))).toEqual([]);
  });

  it('logs what is wrong with a logout token, each fault by a line of its own', async () => {
    const login = await makeLogin();
    const faults: [Record<string, unknown>, Record<string, unknown>, RegExp][] = [
      [{ iss: 'https://evil.test' }, {}, /"iss"/],
      [{ aud: 'somebody-else' }, {}, /"aud"/],
      [{ exp: 1 }, {}, /"exp"/],
      [{ jti: undefined }, {}, /"jti"/],
      [{ events: undefined }, {}, /"events"/],
      [{ nonce: 'n' }, {}, /"nonce"/],
      [{ sub: undefined, sid: undefined }, {}, /"sub"/],
      [{}, { typ: 'at+jwt' }, /"typ"/],
      [{}, { kid: 'other' }, /JWKS/],
    ];
    for (const [claims, header, reason] of faults) {
      await send(login, form(await login.world.issuer.signLogoutToken(claims, header)));
      expect(login.logs.at(-1)).toMatchObject({
        code: 'session.logout_token_refused',
        facts: { refusal: 'token_invalid', reason: expect.stringMatching(reason) },
      });
    }
  });

  it('counts a token once', async () => {
    const login = await makeLogin();
    const token = form(await login.world.issuer.signLogoutToken());
    expect((await send(login, token)).statusCode).toBe(200);
    const browser = await loggedIn(login);
    expect((await send(login, token)).statusCode).toBe(400);
    expect(await status(browser)).toBe(200);
  });

  it('lets the issuer try again when the sessions could not be ended', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    const token = form(await login.world.issuer.signLogoutToken());
    login.store.before = (operation) => {
      if (operation === 'close') throw new Error('the table is away');
    };
    expect((await send(login, token)).statusCode).toBe(500);
    login.store.before = () => undefined;
    expect((await send(login, token)).statusCode).toBe(200);
    expect(await status(browser)).toBe(401);
  });

  it('lets the issuer try again when the answer to counting the token got lost', async () => {
    const login = await makeLogin();
    const browser = await loggedIn(login);
    const token = form(await login.world.issuer.signLogoutToken());
    const { add } = login.store;
    login.store.add = async (...args) => {
      await add(...args);
      throw new ZonesError('aws_unavailable', 'No answer from dynamodb.');
    };
    expect((await send(login, token)).statusCode).toBe(503);
    login.store.add = add;
    expect((await send(login, token)).statusCode).toBe(200);
    expect(await status(browser)).toBe(401);
  });

  it('says nothing of the token when the issuer’s keys can’t be read', async () => {
    const login = await makeLogin();
    const token = form(await login.world.issuer.signLogoutToken());
    login.world.network.mount('https://sts.test', async () => new Response('down', { status: 500 }));
    expect((await send(login, token)).statusCode).toBe(503);
  });

  it.each<[string, string, Record<string, string>]>([
    ['no token', '', {}],
    ['an empty token', 'logout_token=', {}],
    ['two tokens', 'logout_token=a&logout_token=b', {}],
    ['something that is no JWT', 'logout_token=abc', {}],
    ['a JWT that nobody signed', 'logout_token=eyJhbGciOiJub25lIn0.e30.', {}],
    ['JSON', '{"logout_token":"a"}', { 'content-type': 'application/json' }],
    ['a very long body', `logout_token=${'a'.repeat(20_000)}`, {}],
  ])('refuses %s', async (_, body, headers) => {
    const login = await makeLogin();
    const answer = await send(login, body, headers);
    expect(answer.statusCode).toBe(400);
    expect(setCookies(answer)).toEqual([]);
    expect(login.store.writes).toBe(0);
  });

  it('drops lapsed members from a person’s index', async () => {
    const login = await makeLogin({ absoluteMinutes: 60 });
    await loggedIn(login);
    const index = () => [...login.store.rows].find(([pk]) => pk.startsWith('sub#'))?.[1].members?.size;
    await loggedIn(login);
    expect(index()).toBe(2);
    login.world.clock.now += 3_601_000;
    await loggedIn(login);
    expect(index()).toBe(1);
  });
});
