import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { findLeak } from '../../canaries.ts';
import { AWAY, enter, makeLogin, openBrowser, sendLogoutToken, setCookies } from '../login/make-login.ts';

const HERE = 'https://journal.test/live/logout/callback';

describe('logout', () => {
  it('gives programs the address as JSON', async () => {
    const { browser, issuer } = await enter();
    const { status, body } = await browser.ask('/logout', { method: 'POST' });
    const { origin, pathname, searchParams } = new URL(body.location);
    expect([status, origin + pathname]).toEqual([200, `${issuer.issuer}/endsession`]);
    expect(searchParams.get('post_logout_redirect_uri')).toBe(HERE);
    expect(decodeJwt(searchParams.get('id_token_hint') ?? '').sub).toBe('person-1');
    expect(await browser.ask()).toMatchObject({ status: 401 });
    const back = `/logout/callback?state=${searchParams.get('state')}`;
    expect((await browser.send(back, { crossSite: true })).statusCode).toBe(200);
    expect(browser.cookies.size).toBe(0);
  });

  it('shows the ID token to the issuer’s logout and nowhere else', async () => {
    const { login, browser } = await enter();
    const answer = await browser.logOut();
    const { location, ...headers } = answer.headers ?? {};
    expect(findLeak(location)).toBe('nationalIdentityNumber');
    expect(headers).toMatchObject({ 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' });
    expect(findLeak([headers, answer.body, login.logs])).toBeUndefined();
  });

  it('ends the session here though the issuer can’t be reached', async () => {
    const { login, browser, issuer } = await enter();
    issuer.behaviour.fail = () => new Response('down', { status: 500 });
    expect((await browser.logOut()).statusCode).toBe(303);
    expect(login.logs).toContainEqual({
      level: 'warn',
      code: 'session.revocation_failed',
      facts: { refusal: 'issuer_unreachable', status: 500 },
    });
    expect(await browser.ask()).toMatchObject({ status: 401 });
    expect(login.sessions()).toEqual([]);
  });

  it('leaves no token valid where the table can’t be asked, and works the next time', async () => {
    const { login, browser, issuer } = await enter();
    login.failNext('take');
    expect((await browser.logOut()).statusCode).toBe(503);
    expect(issuer.revoked.size).toBe(1);
    expect((await browser.logOut()).statusCode).toBe(303);
    expect(await browser.ask()).toMatchObject({ status: 401 });
  });

  it('is done, though the session stays in an index', async () => {
    const { login, browser, issuer } = await enter();
    login.failNext('unlink');
    expect((await browser.logOut()).statusCode).toBe(303);
    expect(issuer.revoked.size).toBe(1);
    expect(await browser.ask()).toMatchObject({ status: 401 });
    expect(login.logs.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['session.index_left', 'session.ended']),
    );
  });

  it('revokes what a refresh brought between its look and its removal', async () => {
    const { login, browser, issuer, store } = await enter();
    login.later(600);
    store.before = async (operation) => {
      if (operation !== 'take') return;
      store.before = () => undefined;
      expect(await browser.ask()).toMatchObject({ status: 200 });
    };
    expect((await browser.logOut()).statusCode).toBe(303);
    const used = issuer.posts.flatMap(({ form }) => form['refresh_token'] ?? []);
    expect(used).toHaveLength(1);
    expect(issuer.revoked.size).toBe(1);
    expect(issuer.revoked).not.toContain(used[0]);
  });

  it('revokes the access tokens where there is no refresh token', async () => {
    const { browser, issuer } = await enter({}, { response: { refresh_token: undefined } });
    await browser.logOut();
    expect(issuer.posts.at(-1)?.form).toMatchObject({ token_type_hint: 'access_token' });
    expect([...issuer.revoked]).toEqual([...issuer.tokens.keys()]);
  });

  it.each([
    ['the issuer has no logout', undefined, []],
    ['metadata names one that is not https', 'http://sts.test/endsession', ['session.issuer_logout_failed']],
  ])('stays here where %s', async (_, end_session_endpoint, logged) => {
    const { login, browser } = await enter({}, { metadata: { end_session_endpoint } });
    const location = String((await browser.logOut()).headers?.['location']);
    expect(location).toMatch(/^https:\/\/journal\.test\/live\/logout\/callback\?state=[\w-]{43}$/);
    const codes = login.logs.map(({ code }) => code);
    expect(codes.filter((code) => code.endsWith('failed'))).toEqual(logged);
    const page = await browser.send(location.replace('https://journal.test/live', ''));
    expect([page.statusCode, page.body.includes('You are logged out')]).toEqual([200, true]);
  });

  it.each([
    ['a sibling host', { 'sec-fetch-site': 'same-site' }, 403],
    ['a page of ours that tells nobody its address', { origin: 'null' }, 303],
  ])('by %s', async (_, headers, status) => {
    const { browser } = await enter();
    expect((await browser.logOut({ headers })).statusCode).toBe(status);
    expect(await browser.ask()).toMatchObject({ status: status === 403 ? 200 : 401 });
  });

  it('tells a person who is not logged in so, and sets nothing', async () => {
    const answer = await openBrowser(await makeLogin()).logOut();
    expect([answer.statusCode, answer.body.includes('You are not logged in')]).toEqual([401, true]);
    expect(setCookies(answer)).toEqual([]);
  });

  it.each([
    ['without state', ''],
    ['with another state', `?state=${'A'.repeat(43)}`],
  ])('shows a foreign return from logout for what it is: %s', async (_, query) => {
    const { browser } = await enter();
    const page = await browser.send(`/logout/callback${query}`, { crossSite: true });
    expect([page.statusCode, page.body.includes('This logout did not begin here')]).toEqual([400, true]);
    expect(setCookies(page)).toEqual([]);
    expect(await browser.ask()).toMatchObject({ status: 200 });
  });
});

describe('back-channel logout', () => {
  it('answers as Back-Channel Logout 1.0, 2.8 says', async () => {
    const { login } = await enter();
    const answer = await sendLogoutToken(login);
    expect(answer).toMatchObject({ statusCode: 200, body: '', headers: { 'cache-control': 'no-store' } });
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>, RegExp]>([
    ['a nonce', { nonce: 'n' }, {}, /"nonce"/],
    ['the typ of an access token', {}, { typ: 'at+jwt' }, /"typ"/],
    ['an unknown key', {}, { kid: 'other' }, /no applicable key found in the JSON Web Key Set/],
  ])('refuses a logout token with %s, and a line says what is wrong', async (_, claims, header, reason) => {
    const { login, browser, store } = await enter();
    const answer = await sendLogoutToken(login, claims, header);
    expect([answer.statusCode, JSON.parse(answer.body).error]).toEqual([400, 'invalid_request']);
    expect(login.logs.at(-1)).toMatchObject({
      code: 'session.logout_token_refused',
      facts: { refusal: 'token_invalid', reason: expect.stringMatching(reason) },
    });
    expect(await browser.ask()).toMatchObject({ status: 200 });
    expect([...store.rows.keys()].filter((pk) => pk.startsWith('jti#'))).toEqual([]);
  });

  it('counts a token once', async () => {
    const login = await makeLogin();
    const token = await login.world.issuer.signLogoutToken();
    expect((await sendLogoutToken(login, token)).statusCode).toBe(200);
    const browser = openBrowser(login);
    await browser.logIn();
    expect((await sendLogoutToken(login, token)).statusCode).toBe(400);
    expect(await browser.ask()).toMatchObject({ status: 200 });
  });

  it('lets the issuer try again when the answer to counting the token got lost', async () => {
    const { login, browser, issuer, store } = await enter();
    const token = await issuer.signLogoutToken();
    const { add } = store;
    store.add = async (...args) => {
      await add(...args);
      throw AWAY;
    };
    expect((await sendLogoutToken(login, token)).statusCode).toBe(503);
    store.add = add;
    expect((await sendLogoutToken(login, token)).statusCode).toBe(200);
    expect(await browser.ask()).toMatchObject({ status: 401 });
  });

  it('says nothing of the token when the issuer’s keys can’t be read', async () => {
    const login = await makeLogin();
    const token = await login.world.issuer.signLogoutToken();
    login.world.network.mount('https://sts.test', async () => new Response('down', { status: 500 }));
    expect((await sendLogoutToken(login, token)).statusCode).toBe(503);
  });

  it.each<[string, string, Record<string, string>?]>([
    ['no token', ''],
    ['an empty token', 'logout_token='],
    ['two tokens', 'logout_token=a&logout_token=b'],
    ['something that is no JWT', 'logout_token=abc'],
    ['a JWT that nobody signed', 'logout_token=eyJhbGciOiJub25lIn0.e30.'],
    ['JSON', '{"logout_token":"a"}', { 'content-type': 'application/json' }],
    ['a very long body', `logout_token=${'a'.repeat(20_000)}`],
  ])('refuses %s', async (_, body, change) => {
    const login = await makeLogin();
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: '*/*', ...change };
    const options = { method: 'POST', crossSite: true, headers, body };
    const answer = await openBrowser(login).send('/logout/backchannel', options);
    expect([answer.statusCode, setCookies(answer)]).toEqual([400, []]);
    expect(login.store.writes).toBe(0);
  });

  it('drops lapsed members from a person’s index', async () => {
    const { login, store } = await enter({ absoluteMinutes: 60 });
    const index = () => [...store.rows].find(([pk]) => pk.startsWith('sub#'))?.[1].members?.size;
    await openBrowser(login).logIn();
    expect(index()).toBe(2);
    login.later(3601);
    await openBrowser(login).logIn();
    expect(index()).toBe(1);
  });
});
