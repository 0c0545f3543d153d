import type { LoginConfig } from '@helseid-zones/protocol/config';
import { SESSION_COOKIE } from '../../../functions/login-common/cookies.ts';
import type { GrantDeclaration } from '../../../infra/declaration/schema.ts';
import type { HelseIdServer, TestUser } from '../../helseid/types.ts';
import { TEST_USERS } from '../../helseid/users.ts';
import { type Browser, openBrowser, type Page } from '../browser/browser.ts';
import type { LocalSystem } from '../system.ts';
import { needsEntries } from './facts.ts';
import { stepFailed } from './step.ts';

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
    const api = `${gateway}/api${forwarded.path.replaceAll(/\{[^}]+\}/g, '17')}`;
    return { login, grant, gateway, api, issuer };
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

/** Opens a browser that knows nothing yet. */
export function newBrowser(): Browser {
  return openBrowser();
}

/** Goes to `/login` as far as the issuer's list of people, or to what came instead. */
export function beginLogin(browser: Browser, { gateway }: LoginFacts): Promise<Page> {
  return browser.open(`${gateway}/login?return=/session`);
}

/** Logs a person in, from `/login` to the page after it, which is the session. */
export async function logIn(browser: Browser, facts: LoginFacts, person: TestUser): Promise<Page> {
  const people = await beginLogin(browser, facts);
  if (people.url.origin === new URL(facts.gateway).origin)
    throw stepFailed(`/login led to ${people.url.pathname} with ${people.status}, not to the issuer`);
  return browser.submit(people, { user: person.sub });
}

/** Logs a person in who must be let in; gives the session as a browser sees it. */
export async function mustLogIn(
  browser: Browser,
  facts: LoginFacts,
  person: TestUser = pickPerson(facts),
): Promise<Session> {
  const page = await logIn(browser, facts, person);
  if (page.status !== 200 || page.url.pathname !== '/session')
    throw stepFailed(`the login ended at ${page.url.pathname} with ${page.status}`);
  return JSON.parse(page.body) as Session;
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
  if (page.status !== status) throw stepFailed(`${what}: ${page.status} ${codeOf(page)}`);
}

/** The code of a refusal that was answered as problem+json; empty for anything else. */
function codeOf({ body, headers }: Page): string {
  if (headers.get('content-type') !== 'application/problem+json') return '';
  return String((JSON.parse(body) as { code?: string }).code ?? '');
}

/** Whether the browser was given a session by the gateway. */
export function hasSession(browser: Browser): boolean {
  return browser.cookie(SESSION_COOKIE) !== undefined;
}
