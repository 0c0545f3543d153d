import { randomBytes } from 'node:crypto';
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
  | "ignores the issuer's logout"
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

const GATEWAY = 'http://localhost:3999';
const ISSUER = 'http://localhost:3998';

const withCookies = (cookies: readonly string[], headers: Record<string, string>) =>
  new Headers([
    ...Object.entries(headers),
    ...cookies.map((cookie): [string, string] => ['set-cookie', cookie]),
  ]);
const answer = (status: number, body: object) => Response.json(body, { status });
const page = (status: number, html: string, ...cookies: string[]) =>
  new Response(html, { status, headers: withCookies(cookies, { 'content-type': 'text/html' }) });
const redirect = (location: string, ...cookies: string[]) =>
  new Response(null, { status: 303, headers: withCookies(cookies, { location }) });

/**
 * A gateway and an issuer that do what the steps of user login look at, behind `fetch` and without any cryptography: the real
 * ones are tested elsewhere. Its one purpose is to be wrong.
 */
export function makeFakeLogin() {
  const faults = new Set<Fault>();
  const sessions = new Map<string, Session>();
  const transactions = new Set<string>();
  const trail = createTrail(() => 0);
  const issuer = { url: ISSUER, behaviour: { accessTokenLifetime: 60 } };
  const wrong = (fault: Fault) => faults.has(fault);

  function finishLogin(url: URL, cookies: ReadonlyMap<string, string>, session: Session | undefined) {
    const [state = '', user = ''] = ['state', 'code'].map((name) => url.searchParams.get(name) ?? '');
    if (!url.searchParams.has('continued')) {
      const on = `${url.pathname}${url.search}&amp;continued=1`;
      return page(200, `<meta http-equiv="refresh" content="0;url=${on}">`);
    }
    const own = cookies.has(`login-${state}`) || wrong('takes a callback from anywhere');
    if (!(own && (transactions.delete(state) || wrong('takes a callback twice')))) {
      if (session && wrong('ends the session on a replay')) sessions.clear();
      const set = wrong('sets a cookie on a refusal') ? ['a=1; Path=/'] : [];
      return page(400, '<h1>This login is no longer valid</h1>', ...set);
    }
    const high = personOf(user)?.securityLevel === '4';
    const refused = wrong('lets nobody in') || (!high && !wrong('lets everybody in'));
    if (refused && !wrong('opens a session for whom it refuses'))
      return page(403, '<h1>Not secure enough</h1>');
    const id = randomBytes(8).toString('hex');
    sessions.set(id, { user, loggedInAt: sessions.size, lapsed: issuer.behaviour.accessTokenLifetime < 5 });
    const cookie = `${SESSION_COOKIE}=${id}; Path=/; Secure; SameSite=Strict`;
    return refused ? page(403, '<h1>Not secure enough</h1>', cookie) : redirect('/session', cookie);
  }

  function answerGateway(route: string, url: URL, cookies: ReadonlyMap<string, string>, body: string) {
    const id = cookies.get(SESSION_COOKIE) ?? '';
    const session = sessions.get(id);
    const routes: Record<string, () => Response> = {
      'GET /login': () => {
        const state = randomBytes(8).toString('hex');
        transactions.add(state);
        return redirect(`${ISSUER}/authorize?state=${state}`, `login-${state}=1; Path=/`);
      },
      'GET /callback': () => finishLogin(url, cookies, session),
      'GET /session': () => {
        if (!session) return answer(401, {});
        session.lapsed = issuer.behaviour.accessTokenLifetime < 5;
        const { securityLevel: security_level } = personOf(session.user) ?? {};
        const organization = session.child ? { child: session.child } : undefined;
        const token = wrong('shows a token') ? 'eyJhbGciOi.eyJzdWIi.c2ln' : undefined;
        return answer(200, { security_level, organization, logged_in_at: session.loggedInAt, token });
      },
      'POST /session': () => {
        if (!session || wrong('refuses a switch')) return answer(403, {});
        if (!wrong('forgets a switch')) session.child = JSON.parse(body).organization.child;
        return answer(200, {});
      },
      'GET /api/summaries/17': () => {
        if (!session) return answer(wrong('answers without a session') ? 200 : 401, {});
        if (session.lapsed) {
          if (wrong('has no token after a refresh')) return answer(401, {});
          trail.add({ kind: 'stand-in', fields: { event: 'token', detail: 'refresh_token' } });
          session.lapsed = wrong('refreshes for each request');
          if (wrong('begins anew on a refresh')) session.loggedInAt += 1;
        }
        return answer(200, {});
      },
      'POST /logout': () => {
        if (!wrong('keeps the session after logout')) sessions.delete(id);
        return redirect(`${ISSUER}/end?hint=1`, `${SESSION_COOKIE}=; Path=/; Secure; Max-Age=0`);
      },
      'GET /logout/callback': () => page(200, '<h1>You are logged out</h1>'),
    };
    return routes[route]?.();
  }

  function answerIssuer(route: string, url: URL, cookies: ReadonlyMap<string, string>, body: string) {
    const state = url.searchParams.get('state') ?? '';
    const back = (user: string, ...cookie: string[]) =>
      redirect(`${GATEWAY}/callback?code=${encodeURIComponent(user)}&state=${state}`, ...cookie);
    const gone = 'issuer=; Path=/; Max-Age=0';
    const known = cookies.get('issuer');
    const routes: Record<string, () => Response> = {
      'GET /authorize': () =>
        known
          ? back(decodeURIComponent(known))
          : page(200, `<form method="post" action="/people?state=${state}"></form>`),
      'POST /people': () => {
        const user = new URLSearchParams(body).get('user') ?? '';
        return back(user, `issuer=${encodeURIComponent(user)}; Path=/`);
      },
      'GET /end': () => {
        if (!url.searchParams.has('hint')) return page(200, '<form method="post" action="/end"></form>');
        return redirect(
          `${GATEWAY}/logout/callback`,
          ...(wrong('stays logged in at the issuer') ? [] : [gone]),
        );
      },
      'POST /end': () => {
        if (!wrong("ignores the issuer's logout")) sessions.clear();
        return page(200, 'logged out', gone);
      },
      'GET /.well-known/openid-configuration': () => answer(200, { end_session_endpoint: `${ISSUER}/end` }),
    };
    return routes[route]?.();
  }

  const local = {
    declaration: system,
    gatewayUrl: () => GATEWAY,
    standIns: { helseIds: new Map([[system.clients.journal.issuer, issuer]]) },
    trail,
  } as unknown as LocalSystem;
  return {
    local,
    faults,
    issuer,
    async fetch(address: string, init: RequestInit = {}): Promise<Response> {
      const request = new Request(address, init);
      const url = new URL(address);
      const pairs = (request.headers.get('cookie') ?? '').split('; ').map((pair) => pair.split(/=(.*)/s));
      const cookies = new Map(pairs.map(([name = '', value = '']) => [name, value]));
      const serve = url.origin === GATEWAY ? answerGateway : answerIssuer;
      const route = `${request.method} ${url.pathname}`;
      return serve(route, url, cookies, await request.text()) ?? answer(404, {});
    },
  };
}

function personOf(sub: string) {
  return TEST_USERS.find((user) => user.sub === sub);
}
