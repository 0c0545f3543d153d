import { createHash, randomBytes } from 'node:crypto';
import { SESSION_COOKIE } from '../../../functions/login-common/cookies.ts';
import { REFRESH_LEEWAY } from '../../../functions/login-common/refresh.ts';
import type { Browser } from '../browser/browser.ts';
import type { LocalSystem } from '../system.ts';
import { makeOrganizationNumber } from './entries.ts';
import {
  beginLogin,
  expectStatus,
  hasSession,
  type LoginFacts,
  logIn,
  loginFacts,
  mustLogIn,
  needsLogin,
  newBrowser,
  pickPerson,
  type Session,
} from './log-in.ts';
import { type Step, stepFailed } from './step.ts';

const TOKEN = /eyJ[\w-]+\.[\w-]+\.[\w-]+/;

/** A person logs in and reads from the health API through the gateway; who has not logged in does not; and no token gets into the browser. */
export const loginToApi: Step = {
  name: 'login-to-api',
  unfit: needsLogin,
  async run(system) {
    const facts = loginFacts(system);
    const { gateway, api } = facts;
    const browser = newBrowser();
    expectStatus(await browser.call(api), 401, `GET ${new URL(api).pathname} before login`);
    const session = await mustLogIn(browser, facts);
    const read = await browser.call(api);
    expectStatus(read, 200, `GET ${read.url.pathname}`);
    if (!hasSession(browser)) throw stepFailed('there is no session cookie');
    const received = browser.history
      .filter(({ url }) => url.origin === gateway)
      .map(({ headers, body }) => [...headers].flat().join('\n') + body);
    if (received.some((text) => TOKEN.test(text))) throw stepFailed('a token was sent to the browser');
    const level = session.security_level ?? 'unknown';
    const { name } = pickPerson(facts);
    return `${name} logged in at security level ${level}; GET ${read.url.pathname}: 200, before login 401; no token reached the browser`;
  },
};

/** Who proved who they are, but not well enough, is not let in; who did it well enough is. */
export const lowSecurityLevelRefused: Step = {
  name: 'low-security-level-refused',
  unfit(system) {
    const lacking = needsLogin(system);
    if (lacking !== undefined) return lacking;
    const { securityLevel } = loginFacts(system).login;
    return securityLevel === '4' || securityLevel === '3' ? undefined : 'the login demands no security level';
  },
  async run(system) {
    const facts = loginFacts(system);
    const demanded = facts.login.securityLevel;
    const [good, low] = [newBrowser(), newBrowser()];
    const { security_level: shown } = await mustLogIn(good, facts);
    const { securityLevel } = pickPerson(facts, false);
    const page = await logIn(low, facts, pickPerson(facts, false));
    expectStatus(page, 403, `the login at level ${securityLevel}`);
    if (hasSession(low)) throw stepFailed('a session was opened all the same');
    expectStatus(await low.call(`${facts.gateway}/session`), 401, 'GET /session after the refusal');
    const title = /<h1>(.*)<\/h1>/.exec(page.body)?.[1];
    return `level ${demanded} demanded: ${shown} let in, ${securityLevel} refused with ${page.status}, “${title}”, and no session`;
  },
};

/** An authorization response works in the browser that began the login and in no other, and only once. */
export const foreignCallbackRefused: Step = {
  name: 'foreign-callback-refused',
  unfit: needsLogin,
  async run(system) {
    const facts = loginFacts(system);
    const [own, foreign] = [newBrowser(), newBrowser()];
    const people = await beginLogin(own, facts);
    // Back from the issuer; what follows is the callback's work.
    const callback = await own.submit(people, { user: pickPerson(facts).sub }, { refresh: false });
    if (callback.url.pathname !== '/callback') throw stepFailed(`the issuer led to ${callback.url.pathname}`);

    const refused = await foreign.open(callback.url);
    expectStatus(refused, 400, 'the callback in another browser');
    requireNoCookies(foreign);
    expectStatus(await foreign.call(`${facts.gateway}/session`), 401, 'GET /session in the other browser');

    const twin = await own.open(callback.url);
    expectStatus(twin, 200, 'the allowed twin, the same callback in its own browser');
    if (!hasSession(own)) throw stepFailed('the allowed twin failed: there is no session');

    const replayed = await own.open(callback.url);
    expectStatus(replayed, 400, 'the callback once more');
    expectStatus(await own.call(`${facts.gateway}/session`), 200, 'GET /session after the replay');
    const title = /<h1>(.*)<\/h1>/.exec(refused.body)?.[1];
    return `in another browser ${refused.status}, “${title}”, no cookie; in its own 200; once more ${replayed.status}`;
  },
};

function requireNoCookies({ history }: Browser): void {
  if (history.some(({ headers }) => headers.getSetCookie().length > 0))
    throw stepFailed('a cookie was set in the other browser');
}

/** Logging out ends the session here and at the issuer, and its cookie is worth nothing from then on; a logout at the issuer ends it here. */
export const logoutEndsSession: Step = {
  name: 'logout-ends-session',
  unfit: needsLogin,
  async run(system) {
    const facts = loginFacts(system);
    const { gateway, issuer } = facts;
    const browser = newBrowser();
    await mustLogIn(browser, facts);
    const stolen = browser.cookie(SESSION_COOKIE) ?? '';
    if (!(await opens(gateway, stolen)))
      throw stepFailed('the allowed twin failed: the cookie opens nothing');

    const page = await browser.post(`${gateway}/logout`);
    if (page.url.pathname !== '/logout/callback') throw stepFailed(`logout led to ${page.url.pathname}`);
    expectStatus(page, 200, 'the page after logout');
    if (await opens(gateway, stolen)) throw stepFailed('the cookie still opens the session');
    const people = await beginLogin(browser, facts);
    if (people.url.origin !== new URL(issuer.url).origin || people.status !== 200)
      throw stepFailed('the issuer did not ask who it is: it is still logged in there');

    await mustLogIn(browser, facts);
    await logOutAtIssuer(facts, browser);
    expectStatus(await browser.call(`${gateway}/session`), 401, 'GET /session after a logout at the issuer');
    return 'logged out here: the cookie opens nothing, the issuer asks who it is; logged out at the issuer: ended here by the back channel';
  },
};

/** Whether a session cookie opens a session, whoever sends it. */
async function opens(gateway: string, cookie: string): Promise<boolean> {
  const headers = { cookie: `${SESSION_COOKIE}=${cookie}`, accept: 'application/json' };
  const answer = await fetch(`${gateway}/session`, { headers });
  await answer.body?.cancel();
  return answer.status === 200;
}

/** What another application of the same person does, or the person at the issuer's own page. */
async function logOutAtIssuer({ issuer }: LoginFacts, browser: ReturnType<typeof newBrowser>): Promise<void> {
  const answer = await fetch(`${issuer.url}/.well-known/openid-configuration`);
  const { end_session_endpoint: endpoint } = (await answer.json()) as { end_session_endpoint: string };
  const page = await browser.submit(await browser.open(endpoint), { logout: 'yes' });
  expectStatus(page, 200, 'the logout at the issuer');
}

const AT_ONCE = 4;

/**
 * When its access token has lapsed a session gets another by one refresh, however many requests need it at once, and stays what
 * it was. Where the grant allows any child organisation, another refresh makes it work for one.
 */
export const refreshKeepsSession: Step = {
  name: 'refresh-keeps-session',
  unfit: needsLogin,
  async run(system) {
    const facts = loginFacts(system);
    const browser = newBrowser();
    const before = await withLapsingTokens(facts, () => mustLogIn(browser, facts));
    const refreshes = await countRefreshes(system, async () => {
      const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => browser.call(facts.api)));
      for (const answer of answers)
        expectStatus(answer, 200, `GET ${answer.url.pathname} with a lapsed token`);
    });
    if (refreshes !== 1) throw stepFailed(`${AT_ONCE} requests at once made ${refreshes} refreshes`);
    const after = await readSession(browser, facts);
    if (after.logged_in_at !== before.logged_in_at) throw stepFailed('it is another session');
    const seen = `${AT_ONCE} requests at once with a lapsed token: one refresh, each 200, the same session`;
    return allowsAnyChild(facts) ? `${seen}; ${await switchOrganization(browser, facts)}` : seen;
  },
};

/** Tokens that the issuer gives meanwhile are too old to be used as soon as they are there. */
async function withLapsingTokens<T>({ issuer }: LoginFacts, run: () => Promise<T>): Promise<T> {
  const { accessTokenLifetime } = issuer.behaviour;
  issuer.behaviour.accessTokenLifetime = REFRESH_LEEWAY - 1;
  try {
    return await run();
  } finally {
    issuer.behaviour.accessTokenLifetime = accessTokenLifetime;
  }
}

async function countRefreshes(system: LocalSystem, run: () => Promise<void>): Promise<number> {
  let count = 0;
  const stop = system.trail.subscribe(({ kind, fields }) => {
    if (kind === 'stand-in' && fields['event'] === 'token' && fields['detail'] === 'refresh_token')
      count += 1;
  });
  try {
    await run();
  } finally {
    stop();
  }
  return count;
}

async function readSession(browser: Browser, { gateway }: LoginFacts): Promise<Session> {
  const page = await browser.call(`${gateway}/session`);
  expectStatus(page, 200, 'GET /session');
  return JSON.parse(page.body) as Session;
}

function allowsAnyChild({ grant: { details } }: LoginFacts): boolean {
  if (typeof details !== 'object') return details === 'any';
  return details.some((detail) => 'child' in detail && detail.child === '*');
}

async function switchOrganization(browser: Browser, facts: LoginFacts): Promise<string> {
  const child = makeOrganizationNumber();
  const body = { organization: { child } };
  expectStatus(await browser.call(`${facts.gateway}/session`, { method: 'POST', body }), 200, 'the switch');
  const { organization } = await readSession(browser, facts);
  if (organization?.child !== child) throw stepFailed('the session does not show the organisation');
  expectStatus(await browser.call(facts.api), 200, 'a call for the organisation');
  return `then works for child organisation ${child}`;
}

/** Session cookies that nobody was given open no session, nor does what a reader of the table would find in it. */
export const forgeSession: Step = {
  name: 'forged-session-refused',
  unfit: (system) => (loginZone(system) === undefined ? 'no zone has a login' : undefined),
  async run(system) {
    const url = `${system.gatewayUrl(loginZone(system) ?? '')}/session`;
    const id = randomBytes(32).toString('base64url');
    const stored = createHash('sha256').update(id).digest('base64url');
    const forged = [
      `${SESSION_COOKIE}=${id}`,
      `${SESSION_COOKIE}=${stored}`,
      `${SESSION_COOKIE}=`,
      `${SESSION_COOKIE}=${id}; ${SESSION_COOKIE}=${stored}`,
      `${SESSION_COOKIE}=../../${id.slice(6)}`,
    ];
    let refusal = '';
    for (const cookie of forged) {
      const answer = await fetch(url, { headers: { cookie, accept: 'application/json' } });
      const { code } = (await answer.json()) as { code?: string };
      if (answer.status !== 401 || code !== 'session_invalid')
        throw stepFailed(`a forged cookie was answered with ${answer.status} ${code ?? ''}`);
      if (answer.headers.has('set-cookie')) throw stepFailed('a forged cookie was answered with a cookie');
      refusal = `${answer.status} ${code}`;
    }
    return `${forged.length} forged cookies, each answered with ${refusal}, and no cookie set`;
  },
};

/** The zone that people log in to. */
export function loginZone({ declaration }: LocalSystem): string | undefined {
  return Object.entries(declaration.zones).find(([, { gateway }]) => gateway?.login !== undefined)?.[0];
}
