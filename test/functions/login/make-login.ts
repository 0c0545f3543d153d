import { type LoginConfig, parseZoneConfig, type ZoneConfig } from '@helseid-zones/protocol/config';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { loginRoutes } from '@helseid-zones/protocol/login-routes';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { forwardCall } from '../../../functions/api/forward.ts';
import { serveStreaming } from '../../../functions/api/stream.ts';
import { finishLogin } from '../../../functions/callback/finish.ts';
import { beginLogin } from '../../../functions/login/begin.ts';
import { createLoginClient, type Dependencies } from '../../../functions/login-common/dependencies.ts';
import { samePerson } from '../../../functions/login-common/person.ts';
import { type GatewayHandler, serve } from '../../../functions/login-common/serve.ts';
import { deriveSettings } from '../../../functions/login-common/settings.ts';
import type { LoginStore } from '../../../functions/login-common/store.ts';
import { endByIssuer, endLogin, showLoggedOut } from '../../../functions/logout/end.ts';
import { describeSession, switchOrganization } from '../../../functions/session/routes.ts';
import { CANARIES, plant, watch } from '../../canaries.ts';
import { API, CLIENT_ID, ISSUER, makeWorld, type World } from '../../client/make-client.ts';
import { createFakeLoginStore } from '../../fakes/login-store.ts';
import { collect } from './collect.ts';

export const GATEWAY = 'https://journal.test/live';

/** The public zone of the tests: two APIs with resource indicators. */
export function makeConfig(login: Partial<LoginConfig> = {}): ZoneConfig {
  const api = (name: string) => ({
    baseUrl: `${API}/${name}`,
    audience: `test:${name}`,
    resource: `${API}/${name}`,
    scopes: [`test:${name}/read`],
    clients: ['journal'],
  });
  const config = {
    version: 1,
    system: 'journal',
    zone: 'public',
    clients: {
      journal: { clientId: CLIENT_ID, issuer: ISSUER, tenancy: 'single-tenant', profile: helseIdProfile },
    },
    apis: { summaries: api('summaries'), documents: api('documents') },
    routes: [],
    login: {
      client: 'journal',
      scopes: ['openid', 'offline_access', 'test:summaries/read', 'test:documents/read'],
      forward: [
        { method: 'GET', path: '/summaries/{id}', api: 'summaries', to: '/v1/{id}' },
        { method: 'GET', path: '/documents/{id}', api: 'documents' },
        { method: 'POST', path: '/documents', api: 'documents', headers: ['x-source', 'cookie'] },
      ],
      ...login,
    },
  };
  return parseZoneConfig(JSON.stringify(config));
}

/** A line of the log. */
interface LogLine {
  level: string;
  code: string;
  request?: unknown;
  facts: Readonly<Record<string, unknown>>;
}

/** The functions of one zone, each behind its handler, with an issuer and an API that verify everything. */
export type Login = Awaited<ReturnType<typeof makeLogin>>;

export function makeHandlers(deps: Dependencies): Record<string, GatewayHandler> {
  return {
    login: serve(deps, { 'GET /login': beginLogin }),
    callback: serve(deps, { 'GET /callback': finishLogin }),
    session: serve(deps, { 'GET /session': describeSession, 'POST /session': switchOrganization }),
    logout: serve(deps, {
      'POST /logout': endLogin,
      'GET /logout/callback': showLoggedOut,
      'POST /logout/backchannel': endByIssuer,
    }),
    api: collect(serveStreaming(deps, forwardCall)),
  };
}

export async function makeLogin(
  login: Partial<LoginConfig> = {},
  change: Partial<Dependencies> = {},
  given?: World,
) {
  const world = given ?? (await makeWorld());
  world.issuer.behaviour.idToken = {
    name: 'Kari Nordmann',
    'helseid://claims/identity/security_level': '4',
    'helseid://claims/identity/pid': CANARIES.nationalIdentityNumber,
    'helseid://claims/hpr/hpr_number': '565501872',
  };
  const store = createFakeLoginStore();
  const logs: LogLine[] = [];
  /** What `wait` does between two looks; by default a turn of the event loop. */
  const onWait: { run: () => void | Promise<void> } = { run: () => undefined };
  const deps: Dependencies = {
    settings: deriveSettings(makeConfig(login), GATEWAY),
    client: createLoginClient(world.client),
    store,
    now: () => world.clock.now,
    wait: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      await onWait.run();
    },
    samePerson,
    log: (level, code, { request, ...facts }) => {
      const line = { level, code, ...(request === undefined ? {} : { request }), facts };
      logs.push(watch(line, 'a line of the log'));
    },
    ...change,
  };
  return {
    world,
    store,
    deps,
    handlers: makeHandlers(deps),
    logs,
    onWait,
    later: (seconds: number): void => {
      world.clock.now += seconds * 1000;
    },
    /** Keys of the sessions in the table. */
    sessions: () => [...store.rows.keys()].filter((pk) => pk.startsWith('session#')),
    /** How often the issuer was asked for a refresh. */
    refreshes: () => world.issuer.posts.filter(({ form }) => form['refresh_token']).length,
    /** Fails the table's next call of this kind, before it is done. */
    failNext: (failing: keyof LoginStore, error: Error = AWAY): void => {
      store.before = (operation) => {
        if (operation !== failing) return;
        store.before = () => undefined;
        throw error;
      };
    },
  };
}

/** What the table throws that can't be asked. */
export const AWAY = new ZonesError('aws_unavailable', 'No answer from dynamodb.');

/** A zone that nobody has logged in to, its issuer, API and table, and a browser. */
export async function arrive(config: Partial<LoginConfig> = {}, change: Partial<Dependencies> = {}) {
  const login = await makeLogin(config, change);
  const { store, world } = login;
  return { login, browser: openBrowser(login), issuer: world.issuer, api: world.api, store };
}

/** {@link arrive}, and then a login at an issuer that behaves like this. A nonce is remembered by then: each grant is one request. */
export async function enter(
  config: Partial<LoginConfig> = {},
  behaviour: Partial<World['issuer']['behaviour']> = {},
  change: Partial<Dependencies> = {},
) {
  const arrived = await arrive(config, change);
  Object.assign(arrived.issuer.behaviour, behaviour);
  await arrived.browser.logIn();
  arrived.issuer.posts.length = 0;
  return arrived;
}

/** What a browser sends. */
export interface Send {
  method?: string;
  /** `undefined` leaves out what the browser would send. */
  headers?: Record<string, string | undefined>;
  body?: string;
  /** Another site began the request: `Strict` cookies stay at home. */
  crossSite?: boolean;
}

type Cookies = Map<string, { value: string; sameSite: string }>;
/** What the issuer's answer has that a right one has not. */
type IssuerAnswer = Record<string, string | undefined>;

/** A browser with its cookies, at the gateway. */
export type Browser = ReturnType<typeof openBrowser>;

export function openBrowser(login: Login) {
  const cookies: Cookies = new Map();
  const send = async (path: string, options: Send = {}): Promise<APIGatewayProxyResult> => {
    const sent = [...cookies].filter(([, { sameSite }]) => !options.crossSite || sameSite !== 'Strict');
    const cookie = sent.map(([name, { value }]) => `${name}=${value}`).join('; ');
    const event = makeEvent(login, path, {
      ...options,
      headers: {
        accept: 'text/html,application/xhtml+xml',
        'accept-language': 'en',
        'sec-fetch-site': options.crossSite ? 'cross-site' : 'same-origin',
        ...(cookie ? { cookie } : {}),
        ...options.headers,
      },
    });
    const handler = login.handlers[event.name];
    if (!handler) throw new Error(`no function for ${path}`);
    const result = await handler(event.event);
    for (const line of setCookies(result)) keepCookie(cookies, line);
    return result;
  };
  /** Comes back from the issuer: both arrivals at the callback. */
  const comeBack = async (parameters: URLSearchParams | string): Promise<APIGatewayProxyResult> => {
    const page = await send(`/callback?${parameters}`, { crossSite: true });
    const next = /http-equiv="refresh" content="0;url=([^"]+)"/.exec(page.body)?.[1];
    return next === undefined ? page : send(next.replace('/live', '').replaceAll('&amp;', '&'));
  };
  /** Begins a login; gives what the issuer will send back. */
  const begin = async (path = '/login', change: IssuerAnswer = {}): Promise<URLSearchParams> => {
    const { statusCode, headers, body } = await send(path);
    if (statusCode !== 303) throw new Error(`/login answered ${statusCode} ${body}`);
    return login.world.issuer.authorize(String(headers?.['location']), change);
  };
  return {
    cookies,
    send,
    comeBack,
    begin,
    /** Logs in from `/login` to the redirect to the return path. */
    logIn: async (path?: string, change?: IssuerAnswer) => comeBack(await begin(path, change)),
    logOut: (options?: Send) => send('/logout', { method: 'POST', ...options }),
    /** Asks as a program does; `code` is that of a refusal, `body` JSON, or the text where it is none. */
    async ask(path = '/session', options: Send = {}) {
      const headers = { accept: 'application/json', ...options.headers };
      const answer = await send(path, { ...options, headers });
      const isJson = /json/.test(String(answer.headers?.['content-type']));
      const body = isJson && answer.body !== '' ? JSON.parse(answer.body) : answer.body;
      const code: string | undefined = body.code;
      return { status: answer.statusCode, code, body, answer };
    },
  };
}

/** What the issuer sends to the back channel: a logout token, or one that it makes with these claims and header. */
export async function sendLogoutToken(
  login: Login,
  token: string | Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<APIGatewayProxyResult> {
  const signed = typeof token === 'string' ? token : await login.world.issuer.signLogoutToken(token, header);
  return openBrowser(login).send('/logout/backchannel', {
    method: 'POST',
    crossSite: true,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: '*/*' },
    body: new URLSearchParams({ logout_token: signed }).toString(),
  });
}

/** The `Set-Cookie` headers of an answer. */
export function setCookies(result: APIGatewayProxyResult): string[] {
  return (result.multiValueHeaders?.['set-cookie'] ?? []).map(String);
}

function keepCookie(cookies: Cookies, line: string): void {
  const [pair = '', ...attributes] = line.split('; ');
  const at = pair.indexOf('=');
  const sameSite = attributes.find((text) => text.startsWith('SameSite='))?.slice(9) ?? '';
  if (attributes.includes('Max-Age=0')) cookies.delete(pair.slice(0, at));
  else cookies.set(pair.slice(0, at), { value: plant('cookie', pair.slice(at + 1)), sameSite });
}

/** API Gateway's event for a path, and the function it goes to. */
export function makeEvent(
  login: Pick<Login, 'deps'>,
  path: string,
  options: Send = {},
): { name: string; event: APIGatewayProxyEvent } {
  const method = options.method ?? 'GET';
  const url = new URL(path, GATEWAY);
  const routes = loginRoutes(login.deps.settings.login);
  for (const route of routes) {
    const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => String(name));
    const pattern = new RegExp(`^${route.path.replace(/\{\w+\}/g, '([^/]+)')}$`);
    const values = pattern.exec(url.pathname);
    if (!values || route.method !== method) continue;
    const pathParameters = Object.fromEntries(names.map((name, i) => [name, values[i + 1]]));
    const event = proxyEvent(method, route.path, url, pathParameters, options);
    return { name: route.function, event };
  }
  throw new Error(`no route for ${method} ${path}`);
}

function proxyEvent(
  httpMethod: string,
  resource: string,
  url: URL,
  pathParameters: Record<string, string | undefined>,
  options: Send,
): APIGatewayProxyEvent {
  const query: Record<string, string[]> = {};
  for (const [name, value] of url.searchParams) query[name] = [...(query[name] ?? []), value];
  const headers: Record<string, string[]> = {};
  for (const [name, value] of Object.entries(options.headers ?? {}))
    if (value !== undefined) headers[name] = [value];
  const last = (lists: Record<string, string[]>) =>
    Object.fromEntries(Object.entries(lists).map(([name, values]) => [name, values.at(-1)]));
  return {
    httpMethod,
    resource,
    path: url.pathname,
    headers: last(headers),
    multiValueHeaders: headers,
    queryStringParameters: last(query),
    multiValueQueryStringParameters: query,
    pathParameters,
    stageVariables: null,
    body: options.body ?? null,
    isBase64Encoded: false,
    requestContext: { requestId: 'request-1' } as APIGatewayProxyEvent['requestContext'],
  };
}
