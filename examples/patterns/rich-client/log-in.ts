import { execFile } from 'node:child_process';
import { on, once } from 'node:events';
import { createServer, type Server } from 'node:http';
import {
  createTransaction,
  pushAuthorizationRequest,
  redeemCode,
  type TokenClient,
} from '@helseid-zones/client';
import type { Session } from './session.ts';

/** Opens the person's own browser. */
export type OpenUrl = (url: string) => void;

const OPENERS: Readonly<Record<string, [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

/** The system's browser, never one inside the program (RFC 8252 8.12). */
export const openSystemBrowser: OpenUrl = (url) => {
  const [program, ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  execFile(program, [...args, url], () => {});
};

/** Logs a person in: PAR with PKCE and DPoP, the system's browser, and a redirect to this machine (RFC 8252 7.3). */
export async function logIn(
  client: TokenClient,
  scope: string,
  redirectUri: string,
  openUrl: OpenUrl,
): Promise<Session> {
  const { state, nonce, codeVerifier, codeChallenge } = await createTransaction();
  const { hostname, port } = new URL(redirectUri);
  // On the loopback interface alone, and for this login alone.
  const server = createServer().listen(Number(port), hostname);
  try {
    await once(server, 'listening');
    const callback = receiveCallback(server, redirectUri, state);
    // Where the request can't be pushed, nobody waits for it.
    callback.catch(() => {});
    const request = { redirectUri, scope, state, nonce, codeChallenge };
    const { authorizationUrl, binding } = await pushAuthorizationRequest(client, request);
    openUrl(authorizationUrl);
    const parameters = await callback;
    const tokens = await redeemCode(client, { parameters, state, redirectUri, codeVerifier, nonce, binding });
    const { iss, sub, name } = tokens.idTokenClaims;
    if (!tokens.refreshToken) throw new Error('HelseID gave no refresh token: ask for offline_access.');
    return { ...tokens, refreshToken: tokens.refreshToken, person: { iss, sub, name: String(name ?? sub) } };
  } finally {
    server.close();
    // A neighbour's half request would keep the program from ending.
    server.closeAllConnections();
  }
}

/** What has another state than this login's ends nothing: any page can send a browser here. */
async function receiveCallback(server: Server, redirectUri: string, state: string): Promise<URLSearchParams> {
  const { origin, pathname } = new URL(redirectUri);
  for await (const [request, response] of on(server, 'request', { signal: AbortSignal.timeout(300_000) })) {
    // Some targets are no URL: `//[`, `http://elsewhere/`.
    const url = URL.parse(`${origin}${request.url}`);
    const ours =
      request.method === 'GET' && url?.pathname === pathname && url.searchParams.get('state') === state;
    response.writeHead(ours ? 200 : 404, { 'cache-control': 'no-store', connection: 'close' });
    response.end(ours ? 'You may close this window.' : 'There is no login here.');
    if (ours) return url.searchParams;
  }
  throw new Error('Nobody logged in.');
}
