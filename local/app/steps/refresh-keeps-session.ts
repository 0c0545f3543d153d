import { REFRESH_LEEWAY } from '../../../functions/login-common/refresh.ts';
import type { Browser } from '../browser/browser.ts';
import type { LocalSystem } from '../system.ts';
import {
  expectStatus,
  type LoginFacts,
  loginFacts,
  mustLogIn,
  needsLogin,
  newBrowser,
  type Session,
} from './log-in.ts';
import { makeOrganizationNumber } from './send-event.ts';
import { type Step, stepFailed } from './step.ts';

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
