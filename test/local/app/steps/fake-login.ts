import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SESSION_COOKIE } from '../../../../functions/login-common/cookies.ts';
import type { LocalSystem } from '../../../../local/app/system.ts';
import { createTrail } from '../../../../local/aws/trail.ts';
import { TEST_USERS } from '../../../../local/helseid/users.ts';
import system from '../../../one-client.zones.ts';

/** What the fake does wrong, one at a time. */
export type Fault =
  | 'lets everybody in'
  | 'lets nobody in'
  | 'opens a session for whom it refuses'
  | 'answers without a session'
  | 'shows a token'
  | 'takes a callback from anywhere'
  | 'takes a callback twice'
  | 'ends the session on a replay'
  | 'sets a cookie on a refusal'
  | 'keeps the session after logout'
  | 'stays logged in at the issuer'
  | 'ignores the issuer’s logout'
  | 'refreshes for each request'
  | 'has no token after a refresh'
  | 'begins anew on a refresh'
  | 'refuses a switch'
  | 'forgets a switch';

interface Session {
  user: string;
  loggedInAt: number;
  lapsed: boolean;
  child?: string;
}

/**
 * A gateway and an issuer that do what the steps of user login look at, over HTTP and without any cryptography: the real
 * ones are tested elsewhere. Its one purpose is to be wrong.
 */
export async function startFakeLogin() {
  const faults = new Set<Fault>();
  const sessions = new Map<string, Session>();
  const transactions = new Set<string>();
  const trail = createTrail(() => 0);
  const issuer = { url: '', behaviour: { accessTokenLifetime: 60 } };
  const wrong = (fault: Fault) => faults.has(fault);

  const gateway = await startServer((call) => {
    const { url, method, cookies } = call;
    const id = cookies.get(SESSION_COOKIE) ?? '';
    const session = sessions.get(id);
    const routes: Record<string, () => void> = {
      'GET /login': () => {
        const state = randomBytes(8).toString('hex');
        transactions.add(state);
        call.redirect(`${issuer.url}/authorize?state=${state}`, `login-${state}=1; Path=/`);
      },
      'GET /callback': () => finishLogin(call, session),
      'GET /session': () => {
        if (!session) return call.answer(401, {});
        session.lapsed = issuer.behaviour.accessTokenLifetime < 5;
        const { child, loggedInAt, user } = session;
        const { securityLevel: security_level } = personOf(user) ?? {};
        const organization = child ? { child } : undefined;
        const token = wrong('shows a token') ? 'eyJhbGciOi.eyJzdWIi.c2ln' : undefined;
        call.answer(200, { security_level, organization, logged_in_at: loggedInAt, token });
      },
      'POST /session': () => {
        if (!session || wrong('refuses a switch')) return call.answer(403, {});
        if (!wrong('forgets a switch')) session.child = JSON.parse(call.body).organization.child;
        call.answer(200, {});
      },
      'GET /api/summaries/17': () => {
        if (!session) return call.answer(wrong('answers without a session') ? 200 : 401, {});
        if (session.lapsed) {
          if (wrong('has no token after a refresh')) return call.answer(401, {});
          trail.add({ kind: 'stand-in', fields: { event: 'token', detail: 'refresh_token' } });
          session.lapsed = wrong('refreshes for each request');
          if (wrong('begins anew on a refresh')) session.loggedInAt += 1;
        }
        call.answer(200, {});
      },
      'POST /logout': () => {
        if (!wrong('keeps the session after logout')) sessions.delete(id);
        const ended = `${SESSION_COOKIE}=; Path=/; Secure; Max-Age=0`;
        call.redirect(`${issuer.url}/end?hint=1`, ended);
      },
      'GET /logout/callback': () => call.page(200, '<h1>You are logged out</h1>'),
    };
    (routes[`${method} ${url.pathname}`] ?? (() => call.answer(404, {})))();
  });

  function finishLogin(call: Call, session: Session | undefined) {
    const { url, cookies } = call;
    const [state = '', user = ''] = ['state', 'code'].map((name) => url.searchParams.get(name) ?? '');
    if (!url.searchParams.has('continued'))
      return call.page(
        200,
        `<meta http-equiv="refresh" content="0;url=${url.pathname}${url.search}&amp;continued=1">`,
      );
    const own = cookies.has(`login-${state}`) || wrong('takes a callback from anywhere');
    const fresh = own && (transactions.delete(state) || wrong('takes a callback twice'));
    if (!fresh) {
      if (session && wrong('ends the session on a replay')) sessions.clear();
      const cookie = wrong('sets a cookie on a refusal') ? ['a=1; Path=/'] : [];
      return call.page(400, '<h1>This login is no longer valid</h1>', ...cookie);
    }
    const high = personOf(user)?.securityLevel === '4';
    const id = randomBytes(8).toString('hex');
    const cookie = `${SESSION_COOKIE}=${id}; Path=/; Secure; SameSite=Strict`;
    const lapsed = issuer.behaviour.accessTokenLifetime < 5;
    const accept = () => sessions.set(id, { user, loggedInAt: sessions.size, lapsed });
    if (wrong('lets nobody in') || (!high && !wrong('lets everybody in'))) {
      if (!wrong('opens a session for whom it refuses')) return call.page(403, '<h1>Not secure enough</h1>');
      accept();
      return call.page(403, '<h1>Not secure enough</h1>', cookie);
    }
    accept();
    return call.redirect('/session', cookie);
  }

  const issuerServer = await startServer((call) => {
    const { url, method, cookies, body } = call;
    const state = url.searchParams.get('state') ?? '';
    const back = (user: string, ...cookie: string[]) =>
      call.redirect(`${gateway.url}/callback?code=${encodeURIComponent(user)}&state=${state}`, ...cookie);
    const gone = 'issuer=; Path=/; Max-Age=0';
    const routes: Record<string, () => void> = {
      'GET /authorize': () =>
        cookies.has('issuer')
          ? back(decodeURIComponent(cookies.get('issuer') ?? ''))
          : call.page(200, `<form method="post" action="/people?state=${state}"></form>`),
      'POST /people': () => {
        const user = new URLSearchParams(body).get('user') ?? '';
        back(user, `issuer=${encodeURIComponent(user)}; Path=/`);
      },
      'GET /end': () =>
        url.searchParams.has('hint')
          ? call.redirect(
              `${gateway.url}/logout/callback`,
              ...(wrong('stays logged in at the issuer') ? [] : [gone]),
            )
          : call.page(200, '<form method="post" action="/end"></form>'),
      'POST /end': () => {
        if (!wrong('ignores the issuer’s logout')) sessions.clear();
        call.page(200, 'logged out', gone);
      },
      'GET /.well-known/openid-configuration': () =>
        call.answer(200, { end_session_endpoint: `${issuer.url}/end` }),
    };
    (routes[`${method} ${url.pathname}`] ?? (() => call.answer(404, {})))();
  });
  issuer.url = issuerServer.url;

  const { journal } = system.clients;
  const local = {
    declaration: system,
    gatewayUrl: () => gateway.url,
    standIns: { helseIds: new Map([[journal.issuer, issuer]]) },
    fetch,
    trail,
  } as unknown as LocalSystem;
  return {
    local,
    faults,
    issuer,
    close() {
      gateway.close();
      issuerServer.close();
    },
  };
}

function personOf(sub: string) {
  return TEST_USERS.find((user) => user.sub === sub);
}

interface Call {
  url: URL;
  method: string;
  cookies: ReadonlyMap<string, string>;
  body: string;
  answer(status: number, body: object): void;
  page(status: number, html: string, ...cookies: string[]): void;
  redirect(location: string, ...cookies: string[]): void;
}

async function startServer(serve: (call: Call) => void) {
  const server = createServer((request, response) => {
    void describeCall(request, response).then(serve);
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    close: () => server.close(),
  };
}

async function describeCall(request: IncomingMessage, response: ServerResponse): Promise<Call> {
  const pairs = (request.headers.cookie ?? '').split('; ').map((pair) => pair.split(/=(.*)/s));
  const write = (status: number, headers: Record<string, string | string[]>, body?: string) =>
    void response.writeHead(status, headers).end(body);
  return {
    url: new URL(request.url ?? '/', 'http://localhost'),
    method: request.method ?? '',
    cookies: new Map(pairs.map(([name = '', value = '']) => [name, value])),
    body: await text(request),
    answer: (status, body) => write(status, { 'content-type': 'application/json' }, JSON.stringify(body)),
    page: (status, html, ...cookies) =>
      write(
        status,
        { 'content-type': 'text/html', ...(cookies.length ? { 'set-cookie': cookies } : {}) },
        html,
      ),
    redirect: (location, ...cookies) =>
      write(303, { location, ...(cookies.length ? { 'set-cookie': cookies } : {}) }),
  };
}
