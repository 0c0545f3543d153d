import { SESSION_COOKIE } from '../../../functions/login-common/cookies.ts';
import { CSRF_HEADER } from '../../../functions/login-common/request.ts';

/** What a browser's request to the gateway is passed on with. */
export interface GatewayRequest {
  method: 'GET' | 'POST';
  path: string;
  /** The browser's Cookie header. */
  cookie: string | undefined;
  body?: object;
}

/** What the gateway answered. */
interface GatewayAnswer {
  status: number;
  body: string;
  cookies: readonly string[];
}

/**
 * Calls the gateway for the page's browser, which shares its cookies with the gateway: cookies know hosts and no ports
 * (RFC 6265 8.5). Passes on the session cookie and nothing else of the browser's. That the request came from the page itself
 * has been checked before.
 */
export async function callGateway(gateway: string, request: GatewayRequest): Promise<GatewayAnswer> {
  const { method, path, cookie, body } = request;
  const session = sessionCookies(cookie);
  const answer = await fetch(gateway + path, {
    method,
    redirect: 'manual',
    headers: {
      accept: 'application/json',
      [CSRF_HEADER]: 'page',
      ...(session === '' ? {} : { cookie: session }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: await answer.text(), cookies: answer.headers.getSetCookie() };
}

/** The session cookies of a Cookie header; empty where there is none. */
export function sessionCookies(cookie = ''): string {
  return cookie
    .split(/;[ \t]*/)
    .filter((pair) => pair.startsWith(`${SESSION_COOKIE}=`))
    .join('; ');
}
