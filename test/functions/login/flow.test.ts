import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { CANARIES } from '../../canaries.ts';
import { arrive, enter, setCookies } from './make-login.ts';

describe('a login, from beginning to end', () => {
  it('calls each API with a token for it alone: the first by the code, others by a refresh', async () => {
    const { browser, issuer, api } = await arrive();
    const finished = await browser.logIn('/login?return=/journal%3Fday%3D1');
    expect(finished.headers?.['location']).toBe('https://journal.test/live/journal?day=1');
    const url = 'https://api.test/summaries/v1/42?a=1&a=2';
    expect(await browser.ask('/api/summaries/42?a=1&a=2')).toMatchObject({ body: { method: 'GET', url } });
    await browser.send('/api/documents/7');
    // A nonce may take a second request: each kind of grant counts once.
    const grants = new Set(issuer.posts.flatMap(({ form }) => form['grant_type'] ?? []));
    expect([...grants]).toEqual(['authorization_code', 'refresh_token']);
    const audiences = api.requests.map(
      ({ headers }) => decodeJwt(headers.get('authorization')?.slice(5) ?? '').aud,
    );
    expect(audiences).toEqual(['https://api.test/summaries', 'https://api.test/documents']);
  });

  it('keeps every token out of answers, logs and the table', async () => {
    const { login, browser, issuer, store } = await arrive();
    const answers = [
      await browser.logIn(),
      await browser.send('/session'),
      await browser.send('/api/summaries/42'),
      await browser.send('/api/documents/7'),
    ];
    const seen = JSON.stringify([answers, login.logs, [...store.rows]]);
    const secrets = [
      ...issuer.tokens.keys(),
      ...issuer.posts.flatMap(({ form }) => [form['code'], form['refresh_token'], form['code_verifier']]),
    ].filter((value) => value !== undefined);
    expect(secrets.length).toBeGreaterThan(3);
    for (const secret of secrets) expect(seen).not.toContain(secret);
    // Who it is, and the id that opens the session, are in neither.
    const id = browser.cookies.get('__Host-session')?.value ?? '';
    const kept = JSON.stringify([login.logs, [...store.rows]]);
    for (const secret of [id, 'person-1', 'Nordmann', CANARIES.nationalIdentityNumber, 'sid-1'])
      expect(kept).not.toContain(secret);
  });

  it('lets two tabs log in at once', async () => {
    const { browser } = await arrive();
    const one = await browser.begin('/login?return=/one');
    const two = await browser.begin('/login?return=/two');
    expect((await browser.comeBack(two)).headers?.['location']).toBe('https://journal.test/live/two');
    expect((await browser.comeBack(one)).headers?.['location']).toBe('https://journal.test/live/one');
  });

  it('survives a rotation of the key between login and callback', async () => {
    const { login, browser, issuer } = await arrive();
    const { signer } = login.world;
    const parameters = await browser.begin();
    const next = signer.addKey();
    issuer.register(next);
    signer.switchTo(next.thumbprint);
    expect((await browser.comeBack(parameters)).statusCode).toBe(303);
    expect((await browser.send('/api/summaries/1')).statusCode).toBe(200);
    // Refreshed with the current key.
    expect((await browser.send('/api/documents/1')).statusCode).toBe(200);
    const kids = [...issuer.tokens.values()].map(({ jkt }) => jkt);
    expect(kids[1]).toBe(next.thumbprint);
    expect(kids[0]).not.toBe(next.thumbprint);
  });

  it('gives every login a new session id and ends the one before', async () => {
    const { browser } = await enter();
    const before = browser.cookies.get('__Host-session')?.value ?? '';
    await browser.logIn('/login?prompt=login');
    const after = browser.cookies.get('__Host-session')?.value;
    expect(after).not.toBe(before);
    const headers = { cookie: `__Host-session=${before}` };
    expect(await browser.ask('/session', { headers })).toMatchObject({ status: 401 });
    expect(await browser.ask()).toMatchObject({ status: 200 });
  });

  it('sets cookies that no script and no other site can use', async () => {
    const { browser } = await arrive();
    const begun = await browser.send('/login');
    expect(setCookies(begun)).toEqual([
      expect.stringMatching(
        /^__Host-login-[\w-]{16}=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=900$/,
      ),
    ]);
    const finished = await browser.logIn();
    expect(setCookies(finished)[0]).toMatch(
      /^__Host-session=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict$/,
    );
  });
});
