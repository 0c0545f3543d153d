import {
  expectStatus,
  hasSession,
  logIn,
  loginFacts,
  mustLogIn,
  needsLogin,
  newBrowser,
  pickPerson,
} from './log-in.ts';
import { type Step, stepFailed } from './step.ts';

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
