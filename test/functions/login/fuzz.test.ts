import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dependencies } from '../../../functions/login-common/dependencies.ts';
import { samePerson } from '../../../functions/login-common/person.ts';
import { deriveSettings } from '../../../functions/login-common/settings.ts';
import { ISSUER } from '../../client/make-client.ts';
import { createFakeLoginClient } from '../../fakes/login-client.ts';
import { createFakeLoginStore } from '../../fakes/login-store.ts';
import { full } from '../../full.ts';
import { eventsFor, names, text } from './any-event.ts';
import { GATEWAY, makeConfig, makeHandlers, setCookies } from './make-login.ts';

/** Requests to each of the five functions by nobody in particular; those of people who are logging in, or are in, come on top. */
const RUNS = full(2000);

const clock = { now: 1_790_000_000_000 };
const store = createFakeLoginStore();
const client = createFakeLoginClient(() => clock.now);
let state = '';
const deps: Dependencies = {
  settings: deriveSettings(makeConfig({ requestObject: true, securityLevel: '2' }), GATEWAY),
  client: {
    ...client,
    pushAuthorizationRequest: (request) => {
      state = request.state;
      return client.pushAuthorizationRequest(request);
    },
  },
  store,
  now: () => clock.now,
  wait: async () => undefined,
  samePerson,
  log: () => undefined,
};
const handlers = makeHandlers(deps);
const eventFor = (name: string) => eventsFor(deps.settings.login, name);
/** Sends a plain request. */
async function call(
  name: string,
  httpMethod: string,
  resource: string,
  query: Record<string, string>,
  headers: Record<string, string>,
): Promise<APIGatewayProxyResult> {
  const handler = handlers[name];
  if (!handler) throw new Error('no such function');
  const event = { httpMethod, resource, headers, queryStringParameters: query };
  return handler(event as unknown as APIGatewayProxyEvent);
}

/** What requests by nobody in particular come to, among others. */
const REACHED: Readonly<Record<string, number[]>> = {
  login: [303, 400, 403],
  callback: [400, 403],
  session: [400, 401, 403],
  logout: [400, 403],
  api: [400, 401, 403],
};

/** Begins a login; gives its cookie. */
async function begin(): Promise<string> {
  const begun = await call('login', 'GET', '/login', {}, {});
  return setCookies(begun)[0]?.split(';')[0] ?? '';
}

/** What holds of every answer to a request that nobody could have a session or a login for. */
function check(answer: APIGatewayProxyResult, name: string): void {
  const begun = name === 'login' && answer.statusCode === 303;
  if (answer.statusCode >= 500) expect.fail(`a ${answer.statusCode}: ${answer.body}`);
  // A code for programs, a page for people; the back channel has errors of its own (OpenID Connect Back-Channel Logout 1.0, 2.8).
  if (answer.statusCode >= 400 && !/"code":"\w+"|^<!doctype html>|^\{"error":"/.test(answer.body))
    expect.fail(`a ${answer.statusCode} without a code: ${answer.body}`);
  if (setCookies(answer).length > 0 && !begun) expect.fail('a cookie, though nothing was done');
  if (/\n\s+at |node_modules|\.ts:\d/.test(answer.body)) expect.fail(`a stack: ${answer.body}`);
  if (/token"|an-(access|id)-token|a-refresh/.test(answer.body)) expect.fail('a token');
  const { location } = { ...answer.headers };
  if (location !== undefined && location !== 'https://sts.test/authorize?client_id=c&request_uri=r')
    expect.fail(`an open redirect to ${location}`);
  for (const value of Object.values(answer.headers ?? {}))
    if (/[\r\n]/.test(String(value))) expect.fail('a header with a line break');
}

describe('anything at the gateway’s edge', () => {
  it.each(Object.keys(handlers))(
    `of %s gets a code or a page, changes nothing and sets nothing (${RUNS} requests)`,
    async (name) => {
      const handler = handlers[name];
      if (!handler) throw new Error('no such function');
      const codes = new Map<number, number>();
      await fc.assert(
        fc.asyncProperty(eventFor(name), async (event) => {
          const before = store.writes;
          const answer = await handler(event);
          codes.set(answer.statusCode, (codes.get(answer.statusCode) ?? 0) + 1);
          check(answer, name);
          if (answer.statusCode !== 303) expect(store.writes).toBe(before);
        }),
        { numRuns: RUNS },
      );
      expect([...codes.values()].reduce((sum, count) => sum + count, 0)).toBe(RUNS);
      // The requests reach further than the first check: a login begins, a session is looked for.
      expect([...codes.keys()]).toEqual(expect.arrayContaining(REACHED[name] ?? []));
    },
  );

  it('of somebody who is logging in finishes the login or sets nothing', async () => {
    const outcomes = new Map<number, number>();
    const parts = {
      code: fc.oneof({ weight: 3, arbitrary: fc.constant('the-code') }, text),
      iss: fc.oneof({ weight: 3, arbitrary: fc.constant(ISSUER) }, text),
      continued: fc.constant('1'),
    };
    await fc.assert(
      fc.asyncProperty(
        fc.record(parts, { requiredKeys: ['continued'] }),
        fc.dictionary(names, text, { maxKeys: 2 }),
        async (right, more) => {
          const cookie = await begin();
          const answer = await call('callback', 'GET', '/callback', { state, ...more, ...right }, { cookie });
          outcomes.set(answer.statusCode, (outcomes.get(answer.statusCode) ?? 0) + 1);
          expect(answer.statusCode).toBeLessThan(500);
          const session = setCookies(answer).some((line) => line.startsWith('__Host-session='));
          expect(session).toBe(answer.statusCode === 303);
          if (answer.statusCode === 303)
            expect(answer.headers?.['location']).toBe('https://journal.test/live/');
        },
      ),
      { numRuns: full(1000) },
    );
    expect([...outcomes.keys()]).toEqual(expect.arrayContaining([303, 400, 403]));
  });

  it.each(['session', 'api', 'logout'])(
    'of %s by somebody who is logged in never fails by our fault',
    async (name) => {
      await fc.assert(
        fc.asyncProperty(eventFor(name), fc.boolean(), async (event, honest) => {
          const transaction = await begin();
          const right = { state, iss: ISSUER, code: 'the-code', continued: '1' };
          const done = await call('callback', 'GET', '/callback', right, { cookie: transaction });
          const cookie = setCookies(done)[0]?.split(';')[0] ?? '';
          expect(cookie).toMatch(/^__Host-session=[\w-]{43}$/);
          const headers = honest ? { cookie, 'sec-fetch-site': 'same-origin' } : { ...event.headers, cookie };
          const answer = await handlers[name]?.({ ...event, headers, multiValueHeaders: {} });
          expect(answer?.statusCode).toBeLessThan(500);
          expect(answer?.body).not.toMatch(/\n\s+at |an-(access|id)-token|a-refresh-token/);
          const ended = name === 'logout' && event.httpMethod === 'POST' && answer?.statusCode !== 403;
          if (answer && setCookies(answer).length > 0) expect(ended).toBe(true);
        }),
        { numRuns: full(350) },
      );
    },
  );

  it.each([{}, { httpMethod: [], resource: {} }, { headers: 'x', httpMethod: 'GET', resource: '/' }])(
    'holds for events that are no events: %j',
    async (event) => {
      for (const [name, handler] of Object.entries(handlers)) {
        const answer = await handler(event as unknown as APIGatewayProxyEvent);
        expect(answer.statusCode).toBe(400);
        check(answer, name);
      }
    },
  );
});
