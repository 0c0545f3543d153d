import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { SESSION_COOKIE } from '../../../functions/login-common/cookies.ts';
import { REFRESH_LEEWAY } from '../../../functions/login-common/refresh.ts';
import { makeOrganizationNumber } from '../events.ts';
import type { LocalSystem } from '../system.ts';
import { lacks, linesDuring, step } from './facts.ts';
import {
  expectStatus,
  type LoginFacts,
  loginFacts,
  newVisitor,
  pickPerson,
  type Session,
  type Visitor,
} from './log-in.ts';

const TOKEN = /eyJ[\w-]+\.[\w-]+\.[\w-]+/;

/** A person logs in and reads from the health API through the gateway; who has not logged in does not; and no token gets into the browser. */
export const loginToApi = step('login-to-api', [loginFacts], async (_, facts) => {
  const { gateway, api } = facts;
  const visitor = newVisitor(facts);
  const { pathname } = new URL(api);
  await visitor.ask(api, 401, `GET ${pathname} before login`);
  const { security_level: level = 'unknown' } = await visitor.mustLogIn();
  await visitor.ask(api, 200, `GET ${pathname}`);
  assert(visitor.cookie() !== undefined, 'there is no session cookie');
  const leaked = visitor.browser.history
    .filter(({ url }) => url.origin === gateway)
    .some(({ headers, body }) => TOKEN.test([...headers].flat().join('\n') + body));
  assert(!leaked, 'a token was sent to the browser');
  return `${pickPerson(facts).name} logged in at security level ${level}; GET ${pathname}: 200, before login 401; no token reached the browser`;
});

/** {@link loginFacts}, where a security level is demanded that not everybody has. */
function demandingLogin(system: LocalSystem): LoginFacts {
  const facts = loginFacts(system);
  const { securityLevel } = facts.login;
  return securityLevel === '4' || securityLevel === '3'
    ? facts
    : lacks('the login demands no security level');
}

/** Who proved who they are, but not well enough, is not let in; who did it well enough is. */
export const lowSecurityLevelRefused = step(
  'low-security-level-refused',
  [demandingLogin],
  async (_, facts) => {
    const low = newVisitor(facts);
    const { security_level: shown } = await newVisitor(facts).mustLogIn();
    const person = pickPerson(facts, false);
    const page = await low.logIn(person);
    expectStatus(page, 403, `the login at level ${person.securityLevel}`);
    assert(low.cookie() === undefined, 'a session was opened all the same');
    await low.session(401, 'after the refusal');
    return `level ${facts.login.securityLevel} demanded: ${shown} let in, ${person.securityLevel} refused with ${page.status}, “${titleOf(page)}”, and no session`;
  },
);

function titleOf({ body }: { body: string }): string | undefined {
  return /<h1>(.*)<\/h1>/.exec(body)?.[1];
}

/** An authorization response works in the browser that began the login and in no other, and only once. */
export const foreignCallbackRefused = step('foreign-callback-refused', [loginFacts], async (_, facts) => {
  const [own, foreign] = [newVisitor(facts), newVisitor(facts)];
  const people = await own.begin();
  // Back from the issuer; what follows is the callback's work.
  const { url } = await own.browser.submit(people, { user: pickPerson(facts).sub }, false);
  assert(url.pathname === '/callback', `the issuer led to ${url.pathname}`);

  const refused = await foreign.browser.open(url);
  expectStatus(refused, 400, 'the callback in another browser');
  const cookies = foreign.browser.history.flatMap(({ headers }) => headers.getSetCookie());
  assert(cookies.length === 0, 'a cookie was set in the other browser');
  await foreign.session(401, 'in the other browser');

  expectStatus(await own.browser.open(url), 200, 'the allowed twin, the same callback in its own browser');
  assert(own.cookie() !== undefined, 'the allowed twin failed: there is no session');

  const replayed = await own.browser.open(url);
  expectStatus(replayed, 400, 'the callback once more');
  await own.session(200, 'after the replay');
  return `in another browser ${refused.status}, “${titleOf(refused)}”, no cookie; in its own 200; once more ${replayed.status}`;
});

/** Logging out ends the session here and at the issuer, and its cookie is worth nothing from then on; a logout at the issuer ends it here. */
export const logoutEndsSession = step('logout-ends-session', [loginFacts], async (_, facts) => {
  const { gateway, issuer } = facts;
  const visitor = newVisitor(facts);
  await visitor.mustLogIn();
  const stolen = `${SESSION_COOKIE}=${visitor.cookie()}`;
  const opened = async () => (await useCookie(gateway, stolen)).status === 200;
  assert(await opened(), 'the allowed twin failed: the cookie opens nothing');

  const page = await visitor.browser.post(`${gateway}/logout`);
  assert(page.url.pathname === '/logout/callback', `logout led to ${page.url.pathname}`);
  expectStatus(page, 200, 'the page after logout');
  assert(!(await opened()), 'the cookie still opens the session');
  const people = await visitor.begin();
  const asked = people.url.origin === new URL(issuer.url).origin && people.status === 200;
  assert(asked, 'the issuer did not ask who it is: it is still logged in there');

  await visitor.mustLogIn();
  await logOutAtIssuer(facts, visitor);
  await visitor.session(401, 'after a logout at the issuer');
  return 'logged out here: the cookie opens nothing, the issuer asks who it is; logged out at the issuer: ended here by the back channel';
});

/** Asks for the session with a cookie, whoever it is that sends it. */
async function useCookie(gateway: string, cookie: string) {
  const answer = await fetch(`${gateway}/session`, { headers: { cookie, accept: 'application/json' } });
  const { code } = (await answer.json()) as { code?: string };
  return { status: answer.status, code, setsCookie: answer.headers.has('set-cookie') };
}

/** What another application of the same person does, or the person at the issuer's own page. */
async function logOutAtIssuer({ issuer }: LoginFacts, { browser }: Visitor): Promise<void> {
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
export const refreshKeepsSession = step('refresh-keeps-session', [loginFacts], async (system, facts) => {
  const visitor = newVisitor(facts);
  const before = await withLapsingTokens(facts, visitor.mustLogIn);
  const call = () => visitor.ask(facts.api, 200, `GET ${new URL(facts.api).pathname} with a lapsed token`);
  const { lines } = await linesDuring(system, () => Promise.all(Array.from({ length: AT_ONCE }, call)));
  const refreshes = lines.filter(
    ({ kind, fields: { event, detail } }) =>
      kind === 'stand-in' && event === 'token' && detail === 'refresh_token',
  );
  assert(refreshes.length === 1, `${AT_ONCE} requests at once made ${refreshes.length} refreshes`);
  const after = await readSession(visitor);
  assert(after.logged_in_at === before.logged_in_at, 'it is another session');
  const seen = `${AT_ONCE} requests at once with a lapsed token: one refresh, each 200, the same session`;
  return allowsAnyChild(facts) ? `${seen}; ${await switchOrganization(visitor, facts)}` : seen;
});

/** Tokens that the issuer gives meanwhile are too old to be used as soon as they are there. */
async function withLapsingTokens<T>({ issuer }: LoginFacts, run: () => Promise<T>): Promise<T> {
  const { accessTokenLifetime } = issuer.behaviour;
  issuer.behaviour.accessTokenLifetime = REFRESH_LEEWAY - 1;
  return run().finally(() => Object.assign(issuer.behaviour, { accessTokenLifetime }));
}

async function readSession(visitor: Visitor): Promise<Session> {
  return JSON.parse((await visitor.session(200, 'then')).body) as Session;
}

function allowsAnyChild({ grant: { details } }: LoginFacts): boolean {
  if (typeof details !== 'object') return details === 'any';
  return details.some((detail) => 'child' in detail && detail.child === '*');
}

async function switchOrganization(visitor: Visitor, { api, gateway }: LoginFacts): Promise<string> {
  const child = makeOrganizationNumber();
  await visitor.ask(`${gateway}/session`, 200, 'the switch', { organization: { child } });
  const { organization } = await readSession(visitor);
  assert(organization?.child === child, 'the session does not show the organisation');
  await visitor.ask(api, 200, 'a call for the organisation');
  return `then works for child organisation ${child}`;
}

/** Session cookies that nobody was given open no session, nor does what a reader of the table would find in it. */
export const forgeSession = step('forged-session-refused', [loginZone], async (system, zone) => {
  const gateway = system.gatewayUrl(zone);
  const id = randomBytes(32).toString('base64url');
  const stored = createHash('sha256').update(id).digest('base64url');
  const values = [id, stored, '', `${id}; ${SESSION_COOKIE}=${stored}`, `../../${id.slice(6)}`];
  for (const value of values) {
    const { status, code, setsCookie } = await useCookie(gateway, `${SESSION_COOKIE}=${value}`);
    const refused = status === 401 && code === 'session_invalid';
    assert(refused, `a forged cookie was answered with ${status} ${code ?? ''}`);
    assert(!setsCookie, 'a forged cookie was answered with a cookie');
  }
  return `${values.length} forged cookies, each answered with 401 session_invalid, and no cookie set`;
});

/** The zone that people log in to. */
export function loginZone({ declaration }: LocalSystem): string {
  const found = Object.entries(declaration.zones).find(([, { gateway }]) => gateway?.login !== undefined);
  return found?.[0] ?? lacks('no zone has a login');
}
