import { readFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import * as v from 'valibot';
import { PAGE_STYLE } from '../../../infra/proof/report/map/page-style.ts';
import { MAP_STYLE } from '../../../infra/proof/report/map/style.ts';
import { readBody } from '../../aws/http.ts';
import { INVARIANTS } from './attacks.ts';
import { type LoginDeps, type PageDeps, type RunnableAttack, renderDocument } from './document.ts';
import { refuse, SAFE_HEADERS } from './guard.ts';
import { callGateway, sessionCookies } from './session.ts';
import { streamTrail } from './stream.ts';

/** Bytes of a request's body: an organisation number. */
const MAX_BODY = 1024;

type Handle = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

/** Serves the page on `port`. Expects a listener on the loopback only. What is done is done one after the other. */
export function servePage(deps: PageDeps, port: number): RequestListener {
  const routes = routesOf(deps);
  return (request, response) => {
    for (const [name, value] of Object.entries(SAFE_HEADERS)) response.setHeader(name, value);
    const refusal = refuse(request, port);
    if (refusal !== undefined) return sendJson(response, 403, { ok: false, message: refusal });
    const handle = routes.get(`${request.method} ${request.url}`);
    if (handle === undefined)
      return sendJson(response, 404, { ok: false, message: 'There is nothing here.' });
    void answer(handle, request, response);
  };
}

async function answer(handle: Handle, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    await handle(request, response);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    if (!response.headersSent) sendJson(response, 500, { ok: false, message });
    else response.destroy();
  }
}

function routesOf(deps: PageDeps): Map<string, Handle> {
  const inTurn = createTurns();
  const routes = new Map<string, Handle>([
    ['GET /', (_, response) => send(response, 200, 'text/html', renderDocument(deps))],
    [
      'GET /page.css',
      (_, response) => send(response, 200, 'text/css', MAP_STYLE + PAGE_STYLE + readStatic('page.css')),
    ],
    ['GET /page.js', (_, response) => send(response, 200, 'text/javascript', readStatic('page.js'))],
    ['GET /events', (_, response) => streamTrail(deps, response)],
  ]);
  const { sendEvent, login } = deps;
  if (sendEvent !== undefined)
    routes.set('POST /send', async (_, response) => {
      sendJson(response, 200, { ok: true, message: await inTurn(sendEvent) });
    });
  for (const attack of deps.attacks)
    routes.set(`POST /attacks/${attack.name}`, async (_, response) => {
      sendJson(response, 200, await inTurn(() => runAttack(attack)));
    });
  if (login !== undefined) for (const [route, handle] of sessionRoutes(login)) routes.set(route, handle);
  return routes;
}

async function runAttack({ run, unfit, stoppedBy, invariants }: RunnableAttack) {
  const holds = invariants.map((name) => ({ name, text: INVARIANTS[name] }));
  if (unfit !== undefined) return { ok: false, stopped: false, message: unfit, stoppedBy, invariants: holds };
  try {
    return { ok: true, stopped: true, message: await run(), stoppedBy, invariants: holds };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    return { ok: false, stopped: false, message, stoppedBy, invariants: holds };
  }
}

/** What the page asks the gateway for, on behalf of its browser. */
function sessionRoutes({ gateway, call }: LoginDeps): [string, Handle][] {
  const pass =
    (method: 'GET' | 'POST', path: string, readsBody = false): Handle =>
    async (request, response) => {
      const body = readsBody ? await readOrganization(request) : undefined;
      if (readsBody && body === undefined)
        return sendJson(response, 400, { ok: false, message: 'Send {"child": "<organisation number>"}.' });
      const { cookie } = request.headers;
      const answer = await callGateway(gateway, {
        ...{ method, path, cookie },
        ...(body === undefined ? {} : { body }),
      });
      if (answer.cookies.length > 0) response.setHeader('set-cookie', [...answer.cookies]);
      send(response, answer.status, 'application/json', answer.body);
    };
  return [
    ['GET /session', showSession(gateway)],
    ['POST /session', pass('POST', '/session', true)],
    ['POST /logout', pass('POST', '/logout')],
    ...(call === undefined ? [] : [['POST /call', pass('GET', call)] as [string, Handle]]),
  ];
}

/** Who is logged in: `null` where nobody is, which is no error here. Without a cookie the gateway is not asked. */
function showSession(gateway: string): Handle {
  return async ({ headers: { cookie } }, response) => {
    if (sessionCookies(cookie) === '') return send(response, 200, 'application/json', 'null');
    const { status, body } = await callGateway(gateway, { method: 'GET', path: '/session', cookie });
    send(response, status === 401 ? 200 : status, 'application/json', status === 401 ? 'null' : body);
  };
}

/** What the session function wants, from `{"child": "…"}`; undefined for any other body. */
async function readOrganization(request: IncomingMessage): Promise<object | undefined> {
  const body = await readBody(request, MAX_BODY).catch(() => '');
  const { success, output } = v.safeParse(organizationSwitch, String(body));
  return success ? { organization: output } : undefined;
}

const organizationSwitch = v.pipe(v.string(), v.parseJson(), v.object({ child: v.string() }));

/** Runs what it is given one after the other: the steps watch the trail, so they must not see each other's lines. */
function createTurns(): <T>(run: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (run) => {
    const next = last.then(run, run);
    last = next.catch(() => {});
    return next;
  };
}

function readStatic(name: 'page.css' | 'page.js'): string {
  return readFileSync(new URL(`./static/${name}`, import.meta.url), 'utf8');
}

function sendJson(response: ServerResponse, status: number, value: object): void {
  send(response, status, 'application/json', JSON.stringify(value));
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8` }).end(body);
}
