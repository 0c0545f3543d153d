import {
  expectStatus,
  hasSession,
  loginFacts,
  mustLogIn,
  needsLogin,
  newBrowser,
  pickPerson,
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
