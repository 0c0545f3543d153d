import type { Browser } from '../browser/browser.ts';
import {
  beginLogin,
  expectStatus,
  hasSession,
  loginFacts,
  needsLogin,
  newBrowser,
  pickPerson,
} from './log-in.ts';
import { type Step, stepFailed } from './step.ts';

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
