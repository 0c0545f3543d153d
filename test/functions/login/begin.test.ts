import { ZonesError } from '@helseid-zones/protocol/errors';
import { describe, expect, it } from 'vitest';
import { arrive, setCookies } from './make-login.ts';

describe('login', () => {
  it('pushes everything and sends the browser with client_id and request_uri only', async () => {
    const { login, browser, issuer } = await arrive({
      acrValues: ['idp:bankid-oidc', 'Level4'],
      prompt: 'login',
      maxAge: 600,
      onBehalfOf: '994598759',
    });
    const begun = await browser.send('/login');
    const location = new URL(String(begun.headers?.['location']));
    expect([...location.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
    const { path, form } = issuer.posts[0] ?? {};
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
    const { browser, issuer } = await arrive();
    await browser.send('/login');
    await browser.send('/login');
    const [first, second] = issuer.posts.filter(({ path }) => path === '/par');
    for (const name of ['code_challenge', 'state', 'nonce'])
      expect(first?.form[name]).not.toBe(second?.form[name]);
  });

  it('names every resource', async () => {
    const { login, browser, issuer } = await arrive();
    let body = '';
    login.world.network.mount('https://sts.test', async (request) => {
      if (request.url.endsWith('/par')) body = await request.clone().text();
      return issuer.handle(request);
    });
    await browser.send('/login');
    const resources = new URLSearchParams(body).getAll('resource');
    expect(resources).toEqual(['https://api.test/summaries', 'https://api.test/documents']);
  });

  it('puts everything into a signed request object where declared, an organisation too', async () => {
    const { browser, issuer } = await arrive({ requestObject: true });
    expect((await browser.logIn('/login?child=994598759')).statusCode).toBe(303);
    const names = ['client_assertion', 'client_assertion_type', 'client_id', 'request'];
    expect(Object.keys(issuer.posts[0]?.form ?? {}).sort()).toEqual(names);
    expect(await browser.ask()).toMatchObject({ body: { organization: { child: '994598759' } } });
  });

  it('stores nothing that a reader of the table understands', async () => {
    const { login, browser, issuer, store } = await arrive();
    await browser.send('/login?return=/secret-path');
    const [[pk, row] = ['', undefined]] = [...store.rows];
    expect(pk).toMatch(/^login#[\w-]{43}$/);
    expect(row?.expires).toBe(login.world.clock.now / 1000 + 900);
    const { state, nonce } = issuer.posts[0]?.form ?? {};
    for (const secret of ['secret-path', state, nonce]) expect(row?.data).not.toContain(secret);
  });

  it('clears the cookies of abandoned logins before they fill the header', async () => {
    const { browser } = await arrive();
    for (let i = 0; i < 8; i += 1) await browser.send('/login');
    expect(browser.cookies.size).toBe(8);
    await browser.send('/login');
    expect(browser.cookies.size).toBe(1);
  });

  it.each([
    ['a return path without scheme', 'return=//evil.test', 'return_path_invalid'],
    ['a return path that calls an API', 'return=/api/summaries/17', 'return_path_invalid'],
    ['two return paths', 'return=/a&return=/b', 'request_malformed'],
    ['prompt none', 'prompt=none', 'request_malformed'],
    ['a made-up prompt', 'prompt=consent', 'request_malformed'],
    ['a max_age that is no number', 'max_age=-1', 'request_malformed'],
    ['a max_age that is too long', 'max_age=1234567', 'request_malformed'],
    ['an organisation without a request object', 'child=994598759', 'request_malformed'],
    ['an organisation with letters', 'child=99459875x', 'request_malformed', true],
    ['a parent, for a single-tenant client', 'parent=994598759&child=994598759', 'request_malformed', true],
    ['an organisation given twice', 'child=994598759&child=994598759', 'request_malformed', true],
  ])('refuses %s, and begins nothing', async (_, query, code, requestObject = false) => {
    const { browser, issuer, store } = await arrive({ requestObject });
    const asked = await browser.ask(`/login?${query}`);
    expect(asked).toMatchObject({ status: 400, code });
    expect(setCookies(asked.answer)).toEqual([]);
    expect(store.writes).toBe(0);
    expect(issuer.posts).toEqual([]);
  });

  it('costs nothing as an image or a frame of any page', async () => {
    const { login, browser, issuer, store } = await arrive();
    for (const destination of ['image', 'iframe', 'empty'])
      for (const path of ['/login', '/callback?code=a&state=b']) {
        const headers = { 'sec-fetch-dest': destination, 'sec-fetch-site': 'cross-site' };
        expect(await browser.ask(path, { headers })).toMatchObject({ status: 403, code: 'csrf_refused' });
      }
    expect([store.writes, issuer.posts, login.world.signer.calls]).toEqual([0, [], []]);
    const whole = { 'sec-fetch-dest': 'document', 'sec-fetch-site': 'cross-site' };
    expect((await browser.send('/login', { headers: whole })).statusCode).toBe(303);
  });

  it.each<[string, Parameters<typeof arrive>[0], string, object]>([
    [
      'less',
      { maxAge: 600, prompt: 'login' },
      'max_age=6000&prompt=select_account',
      { max_age: '600', prompt: 'login' },
    ],
    ['a shorter age', { maxAge: 600, prompt: 'login' }, 'max_age=60', { max_age: '60', prompt: 'login' }],
    ['nothing', { prompt: 'select_account' }, '', { prompt: 'select_account' }],
    ['the same', { prompt: 'select_account' }, 'prompt=select_account', { prompt: 'select_account' }],
    ['a stronger prompt', { prompt: 'select_account' }, 'prompt=login', { prompt: 'login' }],
  ])('asked for %s than declared, asks for the strongest of both', async (_, config, query, expected) => {
    const { browser, issuer } = await arrive(config);
    await browser.send(`/login?${query}`);
    expect(issuer.posts[0]?.form).toMatchObject(expected);
  });

  it.each([
    ['has no such client', { error: 'invalid_client' }, 401, 500, 'Something went wrong'],
    ['grants no such scope', { error: 'invalid_scope' }, 400, 500, 'Something went wrong'],
    ['is busy', { error: 'temporarily_unavailable' }, 400, 503, 'Try again in a moment.'],
    ['is down', {}, 500, 503, 'Try again in a moment.'],
  ])('where the issuer %s, sets nothing and can be tried again', async (_, body, issuers, status, text) => {
    const { login, browser, issuer, store } = await arrive();
    issuer.behaviour.fail = () => Response.json(body, { status: issuers });
    const answer = await browser.send('/login?return=/journal&max_age=60');
    expect([answer.statusCode, setCookies(answer), store.writes]).toEqual([status, [], 0]);
    expect(answer.body).toContain(text);
    expect(answer.body).toContain('href="/live/login?max_age=60&amp;return=%2Fjournal"');
    expect(login.logs.at(-1)).toMatchObject({
      level: 'error',
      code: 'request.refused',
      facts: { status: issuers, answered: status, reason: expect.any(String) },
    });
  });

  it.each([
    ['invalid_request', 403],
    ['invalid_client', 500],
  ])('blames the browser for its organisation only: %s', async (error, status) => {
    const { browser, issuer } = await arrive({ requestObject: true });
    issuer.behaviour.fail = () => Response.json({ error }, { status: 400 });
    expect((await browser.send('/login?child=994598759')).statusCode).toBe(status);
    expect((await browser.send('/login')).statusCode).toBe(500);
  });
});

it.each(['application/json', 'text/html'])(
  'tells a browser that wants %s when KMS may have room again',
  async (accept) => {
    const { login, browser } = await arrive();
    login.deps.client.pushAuthorizationRequest = async () => {
      throw new ZonesError('kms_throttled', 'Shed.', { facts: { retry_after: 1 } });
    };
    const { statusCode, headers } = await browser.send('/login', { headers: { accept } });
    expect([statusCode, headers?.['retry-after']]).toEqual([503, '1']);
  },
);

it.each([
  ...(['kms_throttled', 'kms_unavailable', 'signature_late', 'record_unavailable'] as const),
  ...(['signer_unavailable', 'aws_throttled', 'aws_unavailable'] as const),
])('is busy, and not broken, while what signs is away: %s', async (code) => {
  const { login, browser } = await arrive();
  login.deps.client.pushAuthorizationRequest = async () => {
    throw new ZonesError(code, 'Away.', { facts: {} });
  };
  expect((await browser.send('/login')).statusCode).toBe(503);
});
