import { afterAll, describe, expect, test } from 'vitest';
import { ATTACKS, INVARIANTS } from '../../../../local/app/page/attacks.ts';
import { type PageDeps, type RunnableAttack, renderDocument } from '../../../../local/app/page/document.ts';
import { listen } from '../../../../local/aws/http.ts';
import { fakeDeps, startFakePage } from './page.ts';

const attack = (name: string, run: () => Promise<string>, unfit?: string): RunnableAttack => ({
  name,
  title: 'T',
  tries: 'It tries.',
  stoppedBy: 'policy',
  invariants: ['I1'],
  unfit,
  run,
});

describe('the document', async () => {
  const { ask, own } = await startFakePage(
    fakeDeps({
      attacks: [
        attack('one', async () => 'denied'),
        ...['two', 'three'].map((name) => ({
          ...attack(name, async () => 'denied', 'no zone has a login'),
          title: name,
        })),
      ],
    }),
  );

  test('holds the map, the buttons and nothing that runs or loads from elsewhere', async () => {
    const { status, headers, body } = await ask('GET', '/');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'");
    expect(headers['cache-control']).toBe('no-store');
    expect(body).toContain('class="zone-map"');
    expect(body).toContain('data-attack="one"');
    expect(body).not.toMatch(/<style|\sstyle=|\son[a-z]+=|(src|href)="(https?:)?\/\//);
    expect(body.match(/<script/g)).toEqual(['<script']);
  });

  test('has one line for the attacks that the declaration has nothing for', async () => {
    const { body } = await ask('GET', '/');
    expect(body).toContain('>Not with this declaration (no zone has a login): two; three.<');
    expect(body).not.toContain('data-attack="two"');
  });

  const login = { gateway: 'http://localhost:3000', call: '/api/x', caFile: 'ca.crt' };
  test.each<[string, Partial<PageDeps>, string[]]>([
    ['all there', { login }, []],
    ['nothing to send', { login, event: undefined }, ['An event']],
    ['no login', {}, ['A login', 'The browser', 'Call the']],
    [
      'a real issuer and TLS',
      { login: { ...login, gateway: 'https://x', caFile: undefined } },
      ['The browser', 'Safari keeps'],
    ],
    ['a login that forwards nothing', { login: { ...login, call: undefined } }, ['Call the']],
  ])('shows what there is, with %s', (_, given, absent) => {
    const found = renderDocument(fakeDeps(given)).matchAll(/ class="[^"]*absent"[^>]*>(?:<h3>)?(\w+ \w+)/g);
    expect([...found].map(([, what]) => what)).toEqual(absent);
  });

  test('has a style sheet and a script of its own', async () => {
    expect((await ask('GET', '/page.css')).body).toContain('.zone-map');
    expect((await ask('GET', '/page.js')).headers['content-type']).toContain('text/javascript');
  });

  test('says what is not there, and refuses what does not come from it, with the same headers', async () => {
    expect((await ask('GET', '/elsewhere')).status).toBe(404);
    expect((await ask('POST', '/session', { headers: own })).status).toBe(404);
    const refused = await ask('POST', '/send');
    expect(refused.status).toBe(403);
    expect(refused.headers['content-security-policy']).toBeDefined();
  });
});

describe('what buttons do', async () => {
  let running = 0;
  let most = 0;
  const slowly = async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    return 'AccessDeniedException: no';
  };
  const { ask, own } = await startFakePage(
    fakeDeps({
      event: {
        type: 'Created',
        source: 'test',
        send: async () => {
          throw new Error('the function failed');
        },
      },
      attacks: [
        attack('stopped', slowly),
        attack('succeeds', async () => {
          throw new Error('it was signed');
        }),
        attack('unfit', slowly, 'no zone has a login'),
      ],
    }),
  );
  const run = async (name: string) =>
    JSON.parse((await ask('POST', `/attacks/${name}`, { headers: own })).body);

  test('an attack answers with what stopped it and which invariant that was', async () => {
    expect(await run('stopped')).toEqual({
      ok: true,
      stopped: true,
      message: 'AccessDeniedException: no',
      stoppedBy: 'policy',
      invariants: [{ name: 'I1', text: INVARIANTS.I1 }],
    });
  });

  test('an attack that nothing stops says so, and so does one that does not fit', async () => {
    expect(await run('succeeds')).toMatchObject({ ok: false, stopped: false, message: 'it was signed' });
    expect(await run('unfit')).toMatchObject({ stopped: false, message: 'no zone has a login' });
  });

  test('one thing is done after the other', async () => {
    await Promise.all(['stopped', 'stopped', 'stopped'].map(run));
    expect(most).toBe(1);
  });

  test('an event that fails is told as a failure', async () => {
    const { status, body } = await ask('POST', '/send', { headers: own });
    expect([status, JSON.parse(body)]).toEqual([500, { ok: false, message: 'the function failed' }]);
  });
});

test('what fails is answered, and the page goes on', async () => {
  const { ask } = await startFakePage(
    fakeDeps({
      keys: () => {
        throw new Error('the record is damaged');
      },
    }),
  );
  expect((await ask('GET', '/keys')).status).toBe(500);
  expect((await ask('GET', '/')).status).toBe(200);
});

describe('the session of the page’s browser', async () => {
  const seen: {
    method: string | undefined;
    url: string | undefined;
    cookie: string | undefined;
    body: string;
  }[] = [];
  const gateway = await listen(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    const { method, url, headers } = request;
    seen.push({ method, url, cookie: headers.cookie, body });
    const isIn = headers.cookie === '__Host-session=good' && headers['x-csrf'] !== undefined;
    if (url === '/logout')
      response.setHeader('set-cookie', ['__Host-session=; Max-Age=0', '__Host-logout=x']);
    response.writeHead(isIn ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isIn ? { name: 'Line' } : { code: 'session_invalid' }));
  });
  afterAll(gateway.close);
  const { ask, own } = await startFakePage(
    fakeDeps({ login: { gateway: gateway.url, call: '/api/summaries/17', caFile: '/ca.pem' } }),
  );
  const cookie = 'other=1; __Host-session=good; __Host-login-x=secret';

  test('is nobody’s without a cookie, and the gateway is not asked', async () => {
    const { status, body } = await ask('GET', '/session', { headers: { ...own, cookie: 'other=1' } });
    expect([status, body, seen.length]).toEqual([200, 'null', 0]);
  });

  test('is shown, and only its own cookie is passed on', async () => {
    const { status, body } = await ask('GET', '/session', { headers: { ...own, cookie } });
    expect([status, JSON.parse(body)]).toEqual([200, { name: 'Line' }]);
    expect(seen.at(-1)).toMatchObject({ method: 'GET', url: '/session', cookie: '__Host-session=good' });
  });

  test('is nobody’s where the gateway does not know the cookie', async () => {
    const { status, body } = await ask('GET', '/session', {
      headers: { ...own, cookie: '__Host-session=bad' },
    });
    expect([status, body]).toEqual([200, 'null']);
  });

  test('calls the API, switches organisation and ends, with the gateway’s own cookies', async () => {
    const headers = { ...own, cookie };
    expect((await ask('POST', '/call', { headers })).status).toBe(200);
    expect(seen.at(-1)).toMatchObject({ method: 'GET', url: '/api/summaries/17' });
    const organization = '{"organization":{"child":"974760673"}}';
    expect((await ask('POST', '/session', { headers, body: organization })).status).toBe(200);
    expect(seen.at(-1)?.body).toBe(organization);
    const out = await ask('POST', '/logout', { headers });
    expect(out.headers['set-cookie']).toEqual(['__Host-session=; Max-Age=0', '__Host-logout=x']);
  });
});

test('every attack names what stops it, and invariants that there are', () => {
  expect(new Set(ATTACKS.map(({ name }) => name)).size).toBe(ATTACKS.length);
  for (const { invariants, stoppedBy, tries } of ATTACKS) {
    // No invariant of this system covers what another's API has to check.
    expect(invariants.length === 0).toBe(stoppedBy.startsWith('the stand-in API, as RFC 9449'));
    for (const name of invariants) expect(INVARIANTS).toHaveProperty(name);
    expect([stoppedBy, tries]).not.toContain('');
  }
});
