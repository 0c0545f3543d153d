import { SESSION_COOKIE } from '../../../functions/login-common/cookies.ts';
import {
  beginLogin,
  expectStatus,
  type LoginFacts,
  loginFacts,
  mustLogIn,
  needsLogin,
  newBrowser,
} from './log-in.ts';
import { type Step, stepFailed } from './step.ts';

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
