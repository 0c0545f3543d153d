import { isZonesError } from '@helseid-zones/protocol/errors';
import type { JWK, JWTVerifyGetKey } from 'jose';
import * as v from 'valibot';
import { createProtection } from './protect.ts';
import type { Registry } from './registry.ts';
import { type Answer, answerCalls, type Call, serve } from './serve.ts';
import type { ServerOptions } from './types.ts';

/** Seconds from its registration until a key expires: a year. */
const KEY_LIFETIME = 365 * 24 * 60 * 60;

/** What the self-service API does where HelseID's behaviour is not known. May be changed while it runs. */
export interface SelfServiceBehaviour {
  /** What happens to the keys that the client had registered through the API: kept, or dropped at once. */
  previousKeys: 'keep' | 'drop';
}

/** Options of `startSelfService`. */
interface SelfServiceOptions extends ServerOptions {
  registry: Registry;
  issuer: string;
  keys: JWTVerifyGetKey;
  /** Default `nhn:selvbetjening`. */
  audience?: string | undefined;
  /** Default `nhn:selvbetjening/client`. */
  scope?: string | undefined;
}

/**
 * Starts the stand-in of HelseID's self-service API. `behaviour` may be changed while it runs.
 * @throws {ZonesError} local_failed: the port is taken
 */
export async function startSelfService(options: SelfServiceOptions) {
  const { certificate, port = 0, registry, issuer, keys, onEvent = () => {} } = options;
  const { audience = 'nhn:selvbetjening', scope = 'nhn:selvbetjening/client' } = options;
  const behaviour: SelfServiceBehaviour = { previousKeys: 'keep' };
  const protect = createProtection({ issuer, audience, scopes: [scope] }, keys);

  function answerClient({ method, url, body }: Call, clientId: string): Answer {
    if (url.pathname !== '/v1/client-secret') return problem(404, 'Not found', 'There is no such resource.');
    if (method === 'GET') return { status: 200, body: listKeys(clientId) };
    if (method === 'POST') return registerKey(body, clientId);
    return problem(405, 'Method not allowed', 'Use GET or POST.');
  }

  function listKeys(clientId: string) {
    return registry.keys(clientId).map(({ kid, jwkThumbprint, origin, expires }) => ({
      kid,
      jwkThumbprint,
      origin,
      publicJwk: null,
      expiration: expires === null ? null : isoTime(expires),
    }));
  }

  function registerKey(body: string, clientId: string, byHand = false): Answer {
    const { success, output: jwk } = v.safeParse(jwkBody, body);
    if (!success) return problem(400, 'Bad request', 'The body is not a public JWK.');
    const expires = byHand ? null : Math.floor(Date.now() / 1000) + KEY_LIFETIME;
    const before = registry.keys(clientId).filter(({ origin, kid }) => origin === 'Api' && kid !== jwk.kid);
    try {
      registry.register(clientId, jwk, byHand ? 'Gui' : 'Api', expires);
    } catch (error) {
      if (isZonesError(error)) return problem(400, 'Bad request', error.message);
      throw error;
    }
    if (expires === null) return { status: 200, body: { expiration: null } };
    if (behaviour.previousKeys === 'drop') for (const { kid } of before) registry.remove(clientId, kid);
    return { status: 200, body: { expiration: isoTime(expires) } };
  }

  /** What a person does in the portal, for a program of one's own: `POST /portal/CLIENT_ID`, a public JWK. A page of a browser can't send JSON here. */
  function actInPortal({ method, url, headers, body }: Call): Answer | undefined {
    const [, clientId] = /^\/portal\/([\w.~-]+)$/.exec(url.pathname) ?? [];
    if (clientId === undefined || method !== 'POST') return undefined;
    const types = headers.filter(([name]) => /^content-type$/i.test(name));
    return types.some(([, type]) => type === 'application/json')
      ? registerKey(body, clientId, true)
      : problem(415, 'Unsupported media type', 'Send application/json.');
  }

  const answer = async (call: Call) =>
    actInPortal(call) ??
    protect(call, async ({ clientId }) => {
      const detail = `${call.method} ${call.url.pathname}`;
      onEvent({ kind: 'key', client: clientId, detail });
      return answerClient(call, clientId);
    });
  const server = await serve(certificate, port, (origin) => answerCalls(origin, answer));
  return { ...server, behaviour };
}

const jwk = v.custom<JWK>((value) => typeof value === 'object' && value !== null);

/** The JWK as an object, or as a string that holds one: published clients send either. */
const jwkBody = v.pipe(v.string(), v.parseJson(), v.union([jwk, v.pipe(v.string(), v.parseJson(), jwk)]));

/** Problem details (RFC 7807). */
function problem(status: number, title: string, detail: string): Answer {
  const headers = { 'content-type': 'application/problem+json' };
  return { status, headers, body: { type: 'about:blank', title, status, detail, instance: null } };
}

function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
