import assert from 'node:assert/strict';
import { SESSION_COOKIE } from '../../../functions/login-common/cookies.ts';
import { TEST_USERS, type TestUser } from '../../helseid/users.ts';
import type { LocalSystem } from '../system.ts';
import { openBrowser, type Page } from './browser.ts';
import { lacks, samplePath } from './facts.ts';

/** Where people log in, with what steps ask of it. */
export type LoginFacts = ReturnType<typeof loginFacts>;

/** The zone that people log in to. Throws a `TypeError` where there is none: `unfit` of a step says so before. */
export function loginFacts({ declaration, standIns, gatewayUrl }: LocalSystem) {
  for (const [zone, { gateway: declared, grants }] of Object.entries(declaration.zones)) {
    const { login } = declared ?? {};
    const grant = grants.find(({ client }) => client === login?.client);
    if (login === undefined || grant === undefined) continue;
    const issuer = standIns?.helseIds.get(declaration.clients[login.client]?.issuer ?? '');
    if (issuer === undefined) return lacks('without the stand-in there is nobody who could log in');
    const forwarded = login.forward.find(({ method }) => method === 'GET');
    if (forwarded === undefined) return lacks('the login forwards nothing that can be read');
    const gateway = gatewayUrl(zone);
    // `api` is a forwarded address that can be read.
    return { login, grant, gateway, api: `${gateway}/api${samplePath(forwarded.path)}`, issuer };
  }
  return lacks('no zone has a login');
}

/** A person of the stand-in whose security level is good enough for the login, or the opposite. Throws a `TypeError` where there is none. */
export function pickPerson({ login }: LoginFacts, enough = true): TestUser {
  const demanded = Number(login.securityLevel ?? 0);
  const person = TEST_USERS.find(({ securityLevel }) => Number(securityLevel) >= demanded === enough);
  return person ?? lacks('the stand-in has no such person');
}

/** Somebody with a browser that knows nothing yet, at the login. */
export type Visitor = ReturnType<typeof newVisitor>;

/** Opens a browser for somebody. */
export function newVisitor(facts: LoginFacts) {
  const { gateway } = facts;
  const browser = openBrowser();
  /** Goes to `/login` as far as the issuer's list of people, or to what came instead. */
  const begin = () => browser.open(`${gateway}/login?return=/session`);
  /** Logs a person in, from `/login` to the page after it, which is the session. */
  const logIn = async (person = pickPerson(facts)) => {
    const people = await begin();
    const { pathname, origin } = people.url;
    const away = origin !== new URL(gateway).origin;
    assert(away, `/login led to ${pathname} with ${people.status}, not to the issuer`);
    return browser.submit(people, { user: person.sub });
  };
  /** Asks as a script of the gateway's pages does; throws unless the answer has that status. */
  const ask = async (url: string, status: number, what: string, body?: object) => {
    const page = await browser.call(url, body);
    expectStatus(page, status, what);
    return page;
  };
  return {
    browser,
    begin,
    logIn,
    ask,
    /** Logs a person in who must be let in; gives the session as a browser sees it. */
    async mustLogIn() {
      const page = await logIn();
      expectIn(page, 'the login');
      return JSON.parse(page.body) as Session;
    },
    session: (status: number, when: string) => ask(`${gateway}/session`, status, `GET /session ${when}`),
    /** The session cookie that the gateway has given. */
    cookie: () => browser.cookie(SESSION_COOKIE),
  };
}

/** `GET /session`, as far as steps look at it. Times are epoch seconds. */
export interface Session {
  name?: string;
  security_level?: string;
  organization?: { parent?: string; child?: string };
  logged_in_at: number;
}

/** Throws unless a login ended with the session. */
export function expectIn({ status, url: { pathname } }: Page, what: string): void {
  assert(status === 200 && pathname === '/session', `${what} ended at ${pathname} with ${status}`);
}

/** Throws unless an answer has that status. */
export function expectStatus(page: Page, status: number, what: string): void {
  assert(page.status === status, `${what}: ${page.status} ${codeOf(page)}`);
}

/** The code of a refusal that was answered as problem+json; empty for anything else. */
function codeOf({ body, headers }: Page): string {
  if (headers.get('content-type') !== 'application/problem+json') return '';
  return String((JSON.parse(body) as { code?: string }).code ?? '');
}
