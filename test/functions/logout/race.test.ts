import { describe, expect, it } from 'vitest';
import { sampled } from '../../full.ts';
import {
  type Browser,
  enter,
  type Login,
  makeLogin,
  openBrowser,
  sendLogoutToken,
} from '../login/make-login.ts';

const OVER = { status: 401 };
const ON = { status: 200 };

const ended = (login: Login) =>
  login.logs.flatMap(({ code, facts }) => (code === 'session.ended_by_issuer' ? [facts?.['ended']] : []));

async function logIn(login: Login, claims: Record<string, unknown>): Promise<Browser> {
  Object.assign(login.world.issuer.behaviour.idToken, claims);
  const browser = openBrowser(login);
  await browser.logIn();
  return browser;
}

/** A login that began a second ago, and what the browser will bring back. */
async function begin(idToken: Record<string, unknown> = {}) {
  const login = await makeLogin();
  Object.assign(login.world.issuer.behaviour.idToken, idToken);
  const browser = openBrowser(login);
  const parameters = await browser.begin();
  login.later(1);
  return { login, browser, parameters };
}

/** Runs `act` just before the store's call number `at` of what follows; its own calls don't count. */
function interrupt(login: Login, at: number, act: () => Promise<unknown>) {
  let calls = 0;
  const counting = async () => {
    if (calls++ !== at) return;
    login.store.before = () => undefined;
    await act();
    login.store.before = counting;
  };
  login.store.before = counting;
  return {
    /** Whether there was a call with that number. */
    stop: () => {
      login.store.before = () => undefined;
      return calls > at;
    },
  };
}

/** What an ID token and a logout token may say of one login, so that the one names the other. */
const NAMINGS: readonly [string, Record<string, unknown>, Record<string, unknown>][] = [
  ['sid', {}, { sub: undefined }],
  ['sub', {}, { sid: undefined }],
  ['sid and sub', {}, {}],
  ['sub, where the ID token has no sid', { sid: undefined }, { sid: undefined }],
  ['sid and sub, where the ID token has no sid', { sid: undefined }, {}],
];

/** Which of them a login is interrupted by at each of its calls; each names its sessions below in any case. */
const INTERRUPTING = sampled(NAMINGS.toReversed(), 5);

describe('a logout token and a login at the same time', () => {
  it.each(INTERRUPTING)(
    'wherever it comes in the login, nothing lives on: by %s',
    async (_, idToken, claims) => {
      let at = 0;
      for (let reached = true; reached; at += 1) {
        const { login, browser, parameters } = await begin(idToken);
        const statuses: number[] = [];
        const { stop } = interrupt(login, at, async () => {
          statuses.push((await sendLogoutToken(login, claims)).statusCode);
        });
        await browser.comeBack(parameters);
        reached = stop();
        if (!reached) statuses.push((await sendLogoutToken(login, claims)).statusCode);
        expect(statuses, `before call ${at}`).toEqual([200]);
        expect(await browser.ask(), `before call ${at}`).toMatchObject(OVER);
        expect(login.sessions(), `before call ${at}`).toEqual([]);
      }
      expect(at).toBeGreaterThan(4);
    },
  );

  it.each(INTERRUPTING)(
    'wherever a login comes in it, nothing lives on: by %s',
    async (_, idToken, claims) => {
      let at = 0;
      for (let reached = true; reached; at += 1) {
        const { login, browser, parameters } = await begin(idToken);
        const { stop } = interrupt(login, at, () => browser.comeBack(parameters));
        expect((await sendLogoutToken(login, claims)).statusCode).toBe(200);
        reached = stop();
        if (!reached) await browser.comeBack(parameters);
        expect(await browser.ask(), `before call ${at}`).toMatchObject(OVER);
        expect(login.sessions(), `before call ${at}`).toEqual([]);
      }
      expect(at).toBeGreaterThan(3);
    },
  );

  it('refuses the login as one that was ended, and revokes what it got', async () => {
    const { login, browser, parameters } = await begin();
    await sendLogoutToken(login);
    const answer = await browser.comeBack(parameters);
    expect(answer.statusCode).toBe(401);
    expect(answer.body).toContain('You are not logged in');
    expect(browser.cookies.has('__Host-session')).toBe(false);
    expect(login.world.issuer.revoked.size).toBe(1);
    expect(ended(login)).toEqual([0]);
  });

  it.each([
    ['in the same second as', 1],
    ['after', 2],
  ])('lets a login be that began %s the logout token', async (_, ago) => {
    const { login, browser, parameters } = await begin();
    const iat = login.world.clock.now / 1000 - ago;
    await sendLogoutToken(login, { iat, exp: iat + 60 });
    await browser.comeBack(parameters);
    expect(await browser.ask()).toMatchObject(ON);
  });

  it('still refuses when an older logout token arrives last', async () => {
    const { login, browser, parameters } = await begin();
    const iat = login.world.clock.now / 1000 - 1;
    login.later(10);
    await sendLogoutToken(login);
    await sendLogoutToken(login, { iat, exp: iat + 60 });
    await browser.comeBack(parameters);
    expect(await browser.ask()).toMatchObject(OVER);
  });

  it.each([
    ['another sid', { sid: 'sid-9' }],
    ['another sub', { sub: 'person-9', sid: undefined }],
    ['another sid and sub', { sub: 'person-9', sid: 'sid-9' }],
    ['its sid and another sub', { sub: 'person-9' }],
  ])('lets a login be that it does not name: %s', async (_, claims) => {
    const { login, browser, parameters } = await begin();
    await sendLogoutToken(login, claims);
    await browser.comeBack(parameters);
    expect(await browser.ask()).toMatchObject(ON);
  });
});

describe('which sessions a logout token names', () => {
  const SESSIONS = [
    { sub: 'person-1', sid: 'sid-1' },
    { sub: 'person-1', sid: 'sid-2' },
    { sub: 'person-1', sid: undefined },
    { sub: 'person-2', sid: 'sid-3' },
    { sub: 'person-2', sid: undefined },
  ];

  const named: [string, Record<string, unknown>, number[]][] = [
    ['sid: that session', { sid: 'sid-1', sub: undefined }, [0]],
    ['sub: all of the subject', { sid: undefined, sub: 'person-1' }, [0, 1, 2]],
    ['both: that one, and those without sid', { sid: 'sid-2', sub: 'person-1' }, [1, 2]],
    ['both, an unknown sid: those without sid', { sid: 'sid-9', sub: 'person-2' }, [4]],
    ['both, a sid of another: those without sid', { sid: 'sid-3', sub: 'person-1' }, [2]],
    ['an unknown sid', { sid: 'sid-9', sub: undefined }, []],
    ['an unknown sub', { sid: undefined, sub: 'person-9' }, []],
  ];
  it.each(sampled(named, 2))('%s', async (_, claims, expected) => {
    const login = await makeLogin();
    const browsers: Browser[] = [];
    for (const session of SESSIONS) browsers.push(await logIn(login, session));
    expect((await sendLogoutToken(login, claims)).statusCode).toBe(200);
    const asked = await Promise.all(browsers.map((browser) => browser.ask()));
    expect(asked.flatMap(({ status }, i) => (status === 401 ? [i] : []))).toEqual(expected);
    expect(ended(login)).toEqual([expected.length]);
  });

  it.each(['', 7, null, ['sid-1'], { a: 1 }])('takes the sid %j of an ID token for none', async (sid) => {
    const login = await makeLogin();
    const browser = await logIn(login, { sid });
    expect(await browser.ask()).toMatchObject(ON);
    await sendLogoutToken(login, { sid: 'sid-1' });
    expect(await browser.ask()).toMatchObject(OVER);
  });

  it('counts what it removed, not what had ended before', async () => {
    const login = await makeLogin();
    for (const sid of ['sid-1', 'sid-2', 'sid-3']) await logIn(login, { sid });
    await sendLogoutToken(login, { sub: undefined });
    await sendLogoutToken(login, { sid: 'sid-2' });
    await sendLogoutToken(login, { sid: undefined });
    await sendLogoutToken(login, { sid: undefined });
    expect(ended(login)).toEqual([1, 1, 1, 0]);
    const members = [...login.store.rows].filter(([pk]) => pk.startsWith('sub#'));
    expect(members.map(([, row]) => row.members?.size)).toEqual([0]);
  });

  it('works when it is sent again after the table was away in the middle, wherever that was', async () => {
    let at = 0;
    for (let reached = true; reached; at += 1) {
      const { login, browser, issuer, store } = await enter();
      const token = await issuer.signLogoutToken();
      let calls = 0;
      store.before = () => {
        if (calls++ >= at) throw new Error('the table is away');
      };
      const first = await sendLogoutToken(login, token);
      reached = calls > at;
      store.before = () => undefined;
      expect(first.statusCode).toBe(reached ? 500 : 200);
      if (reached) expect((await sendLogoutToken(login, token)).statusCode, `from call ${at}`).toBe(200);
      expect((await sendLogoutToken(login, token)).statusCode, `from call ${at}`).toBe(400);
      expect(await browser.ask()).toMatchObject(OVER);
    }
    expect(at).toBeGreaterThan(4);
  });
});
