import type { LoginConfig } from '@helseid-zones/protocol/config';
import { SESSION_COOKIE } from '../../../functions/login-common/cookies.ts';
import type { GrantDeclaration } from '../../../infra/declaration/schema.ts';
import type { HelseIdServer, TestUser } from '../../helseid/types.ts';
import { TEST_USERS } from '../../helseid/users.ts';
import { type Browser, openBrowser, type Page } from '../browser/browser.ts';
import type { LocalSystem } from '../system.ts';
import { needsEntries, samplePath } from './facts.ts';
import { assert } from './step.ts';

/** Where people log in, with what steps ask of it. */
export interface LoginFacts {
  login: LoginConfig;
  grant: GrantDeclaration;
  /** URL of the gateway. */
  gateway: string;
  /** A forwarded address that can be read. */
  api: string;
  issuer: HelseIdServer;
}

/** The zone that people log in to. Throws a `TypeError` where there is none: {@link needsLogin} says so before. */
export function loginFacts({ declaration, standIns, gatewayUrl }: LocalSystem): LoginFacts {
  for (const [zone, { gateway: declared, grants }] of Object.entries(declaration.zones)) {
    const { login } = declared ?? {};
    const grant = grants.find(({ client }) => client === login?.client);
    if (login === undefined || grant === undefined) continue;
    const issuer = standIns?.helseIds.get(declaration.clients[login.client]?.issuer ?? '');
    if (issuer === undefined) throw new TypeError('without the stand-in there is nobody who could log in');
    const forwarded = login.forward.find(({ method }) => method === 'GET');
    if (forwarded === undefined) throw new TypeError('the login forwards nothing that can be read');
    const gateway = gatewayUrl(zone);
    return { login, grant, gateway, api: `${gateway}/api${samplePath(forwarded.path)}`, issuer };
  }
  throw new TypeError('no zone has a login');
}

/** Says what the declaration lacks for a step that logs in. */
export const needsLogin = needsEntries(loginFacts);

/** A person of the stand-in whose security level is good enough for the login, or the opposite. Throws a `TypeError` where there is none. */
export function pickPerson({ login }: LoginFacts, enough = true): TestUser {
  const demanded = Number(login.securityLevel ?? 0);
  const person = TEST_USERS.find(({ securityLevel }) => Number(securityLevel) >= demanded === enough);
  if (person === undefined) throw new TypeError('the stand-in has no such person');
  return person;
}

/** Somebody with a browser that knows nothing yet, at the login. */
export interface Visitor {
  browser: Browser;
  /** Goes to `/login` as far as the issuer's list of people, or to what came instead. */
  begin(): Promise<Page>;
  /** Logs a person in, from `/login` to the page after it, which is the session. */
  logIn(person?: TestUser): Promise<Page>;
  /** Logs a person in who must be let in; gives the session as a browser sees it. */
  mustLogIn(): Promise<Session>;
  /** Asks as a script of the gateway's pages does; throws unless the answer has that status. */
  ask(url: string, status: number, what: string, body?: object): Promise<Page>;
  /** {@link ask} for `/session`. */
  session(status: number, when: string): Promise<Page>;
  /** The session cookie that the gateway has given. */
  cookie(): string | undefined;
}

/** Opens a browser for somebody. */
export function newVisitor(facts: LoginFacts): Visitor {
  const { gateway } = facts;
  const browser = openBrowser();
  const visitor: Visitor = {
    browser,
    begin: () => browser.open(`${gateway}/login?return=/session`),
    async logIn(person = pickPerson(facts)) {
      const people = await visitor.begin();
      const { pathname, origin } = people.url;
      assert(
        origin !== new URL(gateway).origin,
        `/login led to ${pathname} with ${people.status}, not to the issuer`,
      );
      return browser.submit(people, { user: person.sub });
    },
    async mustLogIn() {
      const { status, url, body } = await visitor.logIn();
      assert(
        status === 200 && url.pathname === '/session',
        `the login ended at ${url.pathname} with ${status}`,
      );
      return JSON.parse(body) as Session;
    },
    async ask(url, status, what, body) {
      const page = await browser.call(url, body && { method: 'POST', body });
      expectStatus(page, status, what);
      return page;
    },
    session: (status, when) => visitor.ask(`${gateway}/session`, status, `GET /session ${when}`.trimEnd()),
    cookie: () => browser.cookie(SESSION_COOKIE),
  };
  return visitor;
}

/** `GET /session`, as far as steps look at it. Times are epoch seconds. */
export interface Session {
  name?: string;
  security_level?: string;
  organization?: { parent?: string; child?: string };
  logged_in_at: number;
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
