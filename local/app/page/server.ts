import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { SESSION_COOKIE } from '../../../functions/login-common/cookies.ts';
import { CSRF_HEADER } from '../../../functions/login-common/request.ts';
import { MAP_STYLE } from '../../../infra/proof/report/map/page.ts';
import { readBody } from '../../aws/http.ts';
import type { TrailLine } from '../../aws/trail.ts';
import { INVARIANTS } from './attacks.ts';
import { describeLine } from './describe-line.ts';
import type { LoginDeps, PageDeps, RunnableAttack } from './document.ts';
import { readStatic, renderDocument, renderFigures, renderKeys } from './document.ts';
import { refuse, SAFE_HEADERS } from './guard.ts';

/** Lines that a page which has just been opened is shown. */
const RECENT = 120;

/** Bytes of a request's body: an organisation number. */
const MAX_BODY = 1024;

const JSON_TYPE = 'application/json';

type Handle = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

/** Serves the page on `port`. Expects a listener on the loopback only. What is done is done one after the other. */
export function servePage(deps: PageDeps, port: number): RequestListener {
  const routes = routesOf(deps);
  return (request, response) => {
    for (const [name, value] of Object.entries(SAFE_HEADERS)) response.setHeader(name, value);
    const refusal = refuse(request, port);
    if (refusal !== undefined) return sendJson(response, 403, { ok: false, message: refusal });
    const handle = routes.get(`${request.method} ${request.url}`);
    if (handle !== undefined) return void answer(handle, request, response);
    sendJson(response, 404, { ok: false, message: 'There is nothing here.' });
  };
}

async function answer(handle: Handle, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    await handle(request, response);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const status = cause instanceof RangeError ? 413 : 500;
    if (!response.headersSent) sendJson(response, status, { ok: false, message });
    else response.destroy();
  }
}

function routesOf(deps: PageDeps): Map<string, Handle> {
  const { event, login, attacks } = deps;
  const inTurn = createTurns();
  const answerJson =
    (run: () => Promise<object>): Handle =>
    async (_, response) =>
      sendJson(response, 200, await inTurn(run));
  const answerText =
    (type: string, text: () => string): Handle =>
    (_, response) =>
      send(response, 200, type, text());
  return new Map<string, Handle>([
    ['GET /', answerText('text/html', () => renderDocument(deps))],
    ['GET /page.css', answerText('text/css', () => MAP_STYLE + readStatic('page.css'))],
    ['GET /page.js', answerText('text/javascript', () => readStatic('page.js'))],
    ['GET /figures', answerText('text/html', () => renderFigures(deps.figures()))],
    ['GET /keys', answerText('text/html', () => renderKeys(deps.keys(), Date.now() / 1000))],
    ['GET /events', (_, response) => streamTrail(deps, response)],
    ...(event === undefined
      ? []
      : [['POST /send', answerJson(async () => ({ ok: true, message: await event.send() }))] as const]),
    ...attacks.map((of) => [`POST /attacks/${of.name}`, answerJson(() => runAttack(of))] as const),
    ...(login === undefined ? [] : sessionRoutes(login)),
  ]);
}

/** Sends server-sent events (HTML 9.2), a `line` with a `LineView` for every line of the trail, recent ones first, until the browser goes away. */
function streamTrail({ trail, names }: PageDeps, response: ServerResponse): void {
  const send = (line: TrailLine) => {
    const view = describeLine(line, names);
    if (view !== undefined) response.write(`event: line\ndata: ${JSON.stringify(view)}\n\n`);
  };
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  for (const line of trail.lines().slice(-RECENT)) send(line);
  response.on('close', trail.subscribe(send));
}

async function runAttack({ run, unfit, stoppedBy, invariants }: RunnableAttack) {
  const about = { stoppedBy, invariants: invariants.map((name) => ({ name, text: INVARIANTS[name] })) };
  try {
    if (unfit !== undefined) throw new Error(unfit);
    return { ok: true, stopped: true, message: await run(), ...about };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    return { ok: false, stopped: false, message, ...about };
  }
}

/**
 * What the page asks the gateway for, on behalf of its browser, which shares its cookies with the gateway: cookies know hosts and
 * no ports (RFC 6265 8.5). The session cookie and the body are passed on, and nothing else of the browser's; the gateway judges them.
 * That the request came from the page itself has been checked before.
 */
function sessionRoutes({ gateway, call }: LoginDeps): [string, Handle][] {
  const pass =
    (method: string, path: string): Handle =>
    async (request, response) => {
      const pairs = (request.headers.cookie ?? '').split(/;[ \t]*/);
      const cookie = pairs.filter((pair) => pair.startsWith(`${SESSION_COOKIE}=`)).join('; ');
      if (cookie === '' && request.method === 'GET') return sendJson(response, 200, null);
      const body = await readBody(request, MAX_BODY);
      const answer = await fetch(gateway + path, {
        method,
        redirect: 'manual',
        headers: { accept: JSON_TYPE, 'content-type': JSON_TYPE, [CSRF_HEADER]: 'page', cookie },
        body: body.length === 0 ? null : body.toString(),
      });
      // Nobody is logged in, which is no error of a page that only looks.
      const looked = request.method === 'GET' && answer.status === 401;
      response.setHeader('set-cookie', answer.headers.getSetCookie());
      send(response, looked ? 200 : answer.status, JSON_TYPE, looked ? 'null' : await answer.text());
    };
  return [
    ['GET /session', pass('GET', '/session')],
    ['POST /session', pass('POST', '/session')],
    ['POST /logout', pass('POST', '/logout')],
    ...(call === undefined ? [] : [['POST /call', pass('GET', call)] satisfies [string, Handle]]),
  ];
}

/** Runs what it is given one after the other: the steps watch the trail, so they must not see each other's lines. */
function createTurns(): <T>(run: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (run) => {
    const next = last.then(run, run);
    last = next.catch(() => {});
    return next;
  };
}

function sendJson(response: ServerResponse, status: number, value: object | null): void {
  send(response, status, JSON_TYPE, JSON.stringify(value));
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8` }).end(body);
}
