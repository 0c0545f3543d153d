import { describe, expect, it } from 'vitest';
import { makeLogin, openBrowser, setCookies } from './make-login.ts';

const JSON_ONLY = { accept: 'application/json' };

describe('login', () => {
  it('pushes everything and sends the browser with client_id and request_uri only', async () => {
    const login = await makeLogin({
      acrValues: ['idp:bankid-oidc', 'Level4'],
      prompt: 'login',
      maxAge: 600,
      onBehalfOf: '994598759',
    });
    const begun = await openBrowser(login).send('/login');
    const location = new URL(String(begun.headers?.['location']));
    expect([...location.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
    const { path, form } = login.world.issuer.posts[0] ?? {};
    expect(path).toBe('/par');
    expect(form).toMatchObject({
      response_type: 'code',
      redirect_uri: 'https://journal.test/live/callback',
      scope: 'openid offline_access test:summaries/read test:documents/read',
      code_challenge_method: 'S256',
      acr_values: 'idp:bankid-oidc Level4',
      prompt: 'login',
      max_age: '600',
      on_behalf_of: '994598759',
    });
    for (const name of ['state', 'nonce', 'code_challenge', 'dpop_jkt'])
      expect(form?.[name]).toMatch(/^[\w-]{43}$/);
    expect(login.world.network.sent.filter((line) => line.includes('/par'))).toHaveLength(1);
  });

  it('has a PKCE challenge, state and nonce of its own each time', async () => {
    const login = await makeLogin();
    await openBrowser(login).send('/login');
    await openBrowser(login).send('/login');
    const [first, second] = login.world.issuer.posts.filter(({ path }) => path === '/par');
    for (const name of ['code_challenge', 'state', 'nonce'])
      expect(first?.form[name]).not.toBe(second?.form[name]);
  });

  it('names every resource', async () => {
    const login = await makeLogin();
    let body = '';
    login.world.network.mount('https://sts.test', async (request) => {
      if (request.url.endsWith('/par')) body = await request.clone().text();
      return login.world.issuer.handle(request);
    });
    await openBrowser(login).send('/login');
    expect(new URLSearchParams(body).getAll('resource')).toEqual([
      'https://api.test/summaries',
      'https://api.test/documents',
    ]);
  });

  it('puts everything into a signed request object where declared, an organisation too', async () => {
    const login = await makeLogin({ requestObject: true });
    const browser = openBrowser(login);
    const finished = await browser.logIn('/login?child=994598759');
    expect(finished.statusCode).toBe(303);
    const { form } = login.world.issuer.posts[0] ?? {};
    expect(Object.keys(form ?? {}).sort()).toEqual([
      'client_assertion',
      'client_assertion_type',
      'client_id',
      'request',
    ]);
    const session = JSON.parse((await browser.send('/session')).body);
    expect(session.organization).toEqual({ child: '994598759' });
  });

  it('stores nothing that a reader of the table understands', async () => {
    const login = await makeLogin();
    await openBrowser(login).send('/login?return=/secret-path');
    const [[pk, row] = ['', undefined]] = [...login.store.rows];
    expect(pk).toMatch(/^login#[\w-]{43}$/);
    expect(row?.expires).toBe(login.world.clock.now / 1000 + 900);
    const { state, nonce } = login.world.issuer.posts[0]?.form ?? {};
    for (const secret of ['secret-path', state, nonce]) expect(row?.data).not.toContain(secret);
  });

  it('clears the cookies of abandoned logins before they fill the header', async () => {
    const login = await makeLogin();
    const browser = openBrowser(login);
    for (let i = 0; i < 8; i += 1) await browser.send('/login');
    expect(browser.cookies.size).toBe(8);
    await browser.send('/login');
    expect(browser.cookies.size).toBe(1);
  });

  it.each([
    ['a return path elsewhere', '/login?return=https://evil.test', 'return_path_invalid'],
    ['a return path without scheme', '/login?return=//evil.test', 'return_path_invalid'],
    ['a return path that calls an API', '/login?return=/api/summaries/17', 'return_path_invalid'],
    ['two return paths', '/login?return=/a&return=/b', 'request_malformed'],
    ['prompt none', '/login?prompt=none', 'request_malformed'],
    ['a made-up prompt', '/login?prompt=consent', 'request_malformed'],
    ['a max_age that is no number', '/login?max_age=-1', 'request_malformed'],
    ['a max_age that is too long', '/login?max_age=1234567', 'request_malformed'],
    ['an organisation without a request object', '/login?child=994598759', 'request_malformed'],
  ])('refuses %s, and begins nothing', async (_, path, code) => {
    const login = await makeLogin();
    const answer = await openBrowser(login).send(path, { headers: JSON_ONLY });
    expect(answer.statusCode).toBe(400);
    expect(JSON.parse(answer.body).code).toBe(code);
    expect(setCookies(answer)).toEqual([]);
    expect(login.store.writes).toBe(0);
    expect(login.world.issuer.posts).toEqual([]);
  });

  it.each([
    ['with letters', '/login?child=99459875x'],
    ['with a parent, for a single-tenant client', '/login?parent=994598759&child=994598759'],
    ['given twice', '/login?child=994598759&child=994598759'],
  ])('refuses an organisation %s', async (_, path) => {
    const login = await makeLogin({ requestObject: true });
    const answer = await openBrowser(login).send(path, { headers: JSON_ONLY });
    expect(JSON.parse(answer.body).code).toBe('request_malformed');
    expect(login.world.issuer.posts).toEqual([]);
  });

  it('costs nothing as an image or a frame of any page', async () => {
    const login = await makeLogin();
    for (const destination of ['image', 'iframe', 'empty']) {
      const headers = { ...JSON_ONLY, 'sec-fetch-dest': destination, 'sec-fetch-site': 'cross-site' };
      for (const path of ['/login', '/callback?code=a&state=b']) {
        const answer = await openBrowser(login).send(path, { headers });
        expect([answer.statusCode, JSON.parse(answer.body).code]).toEqual([403, 'csrf_refused']);
      }
    }
    expect([login.store.writes, login.world.issuer.posts, login.world.signer.calls]).toEqual([0, [], []]);
    const whole = { 'sec-fetch-dest': 'document', 'sec-fetch-site': 'cross-site' };
    expect((await openBrowser(login).send('/login', { headers: whole })).statusCode).toBe(303);
  });

  it('lets the browser ask for more than is declared, not for less', async () => {
    const login = await makeLogin({ maxAge: 600, prompt: 'login' });
    const browser = openBrowser(login);
    await browser.send('/login?max_age=6000&prompt=select_account');
    await browser.send('/login?max_age=60');
    const forms = login.world.issuer.posts.map(({ form }) => [form['max_age'], form['prompt']]);
    expect(forms).toEqual([
      ['600', 'login'],
      ['60', 'login'],
    ]);
    const choosing = await makeLogin({ prompt: 'select_account' });
    for (const wish of ['', '?prompt=select_account', '?prompt=login'])
      await openBrowser(choosing).send(`/login${wish}`);
    expect(choosing.world.issuer.posts.map(({ form }) => form['prompt'])).toEqual([
      ...['select_account', 'select_account', 'login'],
    ]);
  });

  it.each([
    ['has no such client', { error: 'invalid_client' }, 401, 500, 'Something went wrong'],
    ['grants no such scope', { error: 'invalid_scope' }, 400, 500, 'Something went wrong'],
    ['is busy', { error: 'temporarily_unavailable' }, 400, 503, 'Try again in a moment.'],
    ['is down', {}, 500, 503, 'Try again in a moment.'],
  ])('where the issuer %s, sets nothing and can be tried again', async (_, body, issuers, status, text) => {
    const login = await makeLogin();
    login.world.issuer.behaviour.fail = () => Response.json(body, { status: issuers });
    const answer = await openBrowser(login).send('/login?return=/journal&max_age=60');
    expect(answer.statusCode).toBe(status);
    expect(answer.body).toContain(text);
    expect(answer.body).toContain('href="/live/login?max_age=60&amp;return=%2Fjournal"');
    expect(login.logs.at(-1)).toMatchObject({
      level: 'error',
      code: 'request.refused',
      facts: { status: issuers, answered: status, reason: expect.any(String) },
    });
    expect(setCookies(answer)).toEqual([]);
    expect(login.store.writes).toBe(0);
  });

  it('asks the browser’s organisation of nobody but the browser', async () => {
    for (const [error, status] of [
      ['invalid_request', 403],
      ['invalid_client', 500],
    ] as const) {
      const login = await makeLogin({ requestObject: true });
      login.world.issuer.behaviour.fail = () => Response.json({ error }, { status: 400 });
      expect((await openBrowser(login).send('/login?child=994598759')).statusCode).toBe(status);
      expect((await openBrowser(login).send('/login')).statusCode).toBe(500);
    }
  });
});
