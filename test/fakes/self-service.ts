import { createHash, randomUUID } from 'node:crypto';
import type { Fetch } from '@helseid-zones/client/http';
import { calculateJwkThumbprint, decodeProtectedHeader, type JWK } from 'jose';
import { canary } from '../canaries.ts';
import { type VerifyJwt, verifyWithJose } from './verify-jws.ts';

/** How the fake may behave; nobody knows how HelseID does. Times are seconds. */
export interface HelseIdBehaviour {
  /** What registering a key does to those registered through the API before: none, at once, or once the new one is accepted. */
  drops: 'nothing' | 'at-once' | 'when-accepted';
  /** Until a new key is accepted; Infinity for never. */
  propagation: number;
  /** What POST /v1/client-secret does. */
  post: 'accept' | 'refuse' | 'fail' | 'register-and-fail' | 'register-and-hang';
  /** What GET /v1/client-secret does. */
  list: 'answer' | 'fail';
  /** Days until a registered key expires; `null` for never. */
  validDays: number | null;
  body: 'object' | 'string';
  nonceRequired: boolean;
  /** What the token endpoint says of a key that it does not accept. */
  keyRefusal: { error: string; status: number };
  /** What the token endpoint has against a request for a token, and whether it says so before it looks at the key. */
  refuses: { error: string; status?: number; first?: boolean } | undefined;
  /** How an expiry is written; `unset` as .NET writes a date that nobody has set. */
  expiration: 'iso' | 'epoch' | 'unset';
}

/** A key as HelseID has it. */
interface RegisteredKey {
  kid: string;
  jwk: JWK;
  origin: 'Gui' | 'Api';
  acceptedFrom: number;
  droppedAt: number;
  expires: number | null;
}

/** HelseID's token endpoint, its self-service API and one health API in this process; everything signed is verified. */
export interface FakeHelseId {
  fetch: Fetch;
  behaviour: HelseIdBehaviour;
  keys: RegisteredKey[];
  /** Registers a key as the portal does: accepted at once. */
  registerByHand(jwk: JWK): void;
  /** Whether an assertion by this key is accepted now. */
  accepts(kid: string): boolean;
  /** What the self-service API answers to a caller that was let in. */
  answerSelfService(method: string, body: string): Promise<Response>;
  /** Issues a token bound to a key, to a client that was let in. */
  issue(jkt: string): string;
  isLive(token: string): boolean;
  /** The token that lives longest of each key that has live ones, by the thumbprint it is bound to. */
  liveTokens(): Map<string, string>;
  tokenLifetime: number;
}

export const FAKE_ISSUER = 'https://issuer.test';
export const FAKE_SELF_SERVICE = 'https://self-service.test/api';
export const FAKE_API = 'https://api.test';
const CLIENT_ID = 'client-1';
const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'];

/** Makes the fake; `now` is epoch seconds. */
export function createFakeHelseId(now: () => number, verify: VerifyJwt = verifyWithJose): FakeHelseId {
  const tokens = new Map<string, { jkt: string; expires: number }>();
  const seen = new Set<string>();
  let nonce = randomUUID();

  async function handle(url: URL, request: Received): Promise<Response> {
    const path = `${url.origin}${url.pathname}`;
    if (path === `${FAKE_ISSUER}/.well-known/openid-configuration`)
      return Response.json({ issuer: FAKE_ISSUER, token_endpoint: `${FAKE_ISSUER}/connect/token` });
    if (path === `${FAKE_ISSUER}/connect/token`) return issueToken(request);
    if (path === `${FAKE_SELF_SERVICE}/v1/client-secret`)
      return (await admit(path, request)) ?? fake.answerSelfService(request.method, request.body);
    if (url.origin === FAKE_API) return (await admit(path, request)) ?? Response.json({ ok: true });
    throw new TypeError('fetch failed');
  }

  async function issueToken(request: Received): Promise<Response> {
    const form = new URLSearchParams(request.body);
    const { refuses } = fake.behaviour;
    const refusal = refuses && Response.json({ error: refuses.error }, { status: refuses.status ?? 400 });
    if (refusal && refuses?.first) return refusal;
    try {
      await verifyAssertion(form.get('client_assertion') ?? '');
    } catch (error) {
      const { error: code, status } = fake.behaviour.keyRefusal;
      return Response.json({ error: code, error_description: String(error) }, { status });
    }
    if (refusal) return refusal;
    const proof = await verifyProof(`${FAKE_ISSUER}/connect/token`, request).catch(() => undefined);
    if (!proof) return Response.json({ error: 'invalid_dpop_proof' }, { status: 400 });
    if (fake.behaviour.nonceRequired && proof.nonce !== nonce) {
      nonce = randomUUID();
      return Response.json({ error: 'use_dpop_nonce' }, { status: 400, headers: { 'dpop-nonce': nonce } });
    }
    return Response.json({
      access_token: fake.issue(proof.jkt),
      token_type: 'DPoP',
      expires_in: fake.tokenLifetime,
    });
  }

  async function verifyAssertion(jwt: string): Promise<void> {
    const { kid = '' } = decodeProtectedHeader(jwt);
    const registered = fake.keys.find((key) => key.kid === kid);
    if (!registered || !fake.accepts(kid)) throw new Error('no such key');
    const payload = await verify(jwt, registered.jwk, {
      typ: 'client-authentication+jwt',
      now: now(),
      claims: { iss: CLIENT_ID, sub: CLIENT_ID, aud: FAKE_ISSUER },
    });
    if (payload.nbf === undefined || payload.exp === undefined) throw new Error('nbf and exp are required');
    if ((payload.exp ?? 0) > now() + 10) throw new Error('exp is too far ahead');
    spend(payload.jti);
  }

  async function verifyProof(
    url: string,
    request: Received,
    token?: string,
  ): Promise<{ jkt: string; nonce: unknown }> {
    const header = request.headers.get('dpop') ?? '';
    const { jwk } = decodeProtectedHeader(header);
    if (!jwk) throw new Error('no jwk');
    const payload = await verify(header, jwk, { typ: 'dpop+jwt', now: now() });
    const ath = token && createHash('sha256').update(token).digest('base64url');
    if (payload['htm'] !== request.method || payload['htu'] !== url || payload['ath'] !== ath)
      throw new Error('the proof is for another request');
    if (Math.abs((payload.iat ?? 0) - now()) > 5) throw new Error('iat is outside the window');
    spend(payload.jti);
    return { jkt: await calculateJwkThumbprint(jwk), nonce: payload['nonce'] };
  }

  function spend(jti: string | undefined): void {
    if (!jti || seen.has(jti)) throw new Error('used before');
    seen.add(jti);
  }

  /** Answers 401 unless the request carries a live token and a proof by the key it is bound to. */
  async function admit(url: string, request: Received): Promise<Response | undefined> {
    const token = request.headers.get('authorization')?.replace(/^DPoP /, '') ?? '';
    const known = tokens.get(token);
    const proof = await verifyProof(url, request, token).catch(() => undefined);
    if (known && known.expires > now() && proof?.jkt === known.jkt) return undefined;
    return new Response(null, { status: 401, headers: { 'www-authenticate': 'DPoP error="invalid_token"' } });
  }

  async function register(jwk: JWK): Promise<RegisteredKey> {
    const { drops, propagation, validDays } = fake.behaviour;
    const kid = jwk.kid ?? '';
    const existing = fake.keys.find((key) => key.kid === kid);
    if (existing) return existing;
    const acceptedFrom = now() + propagation;
    const dropAt = { nothing: Number.POSITIVE_INFINITY, 'at-once': now(), 'when-accepted': acceptedFrom }[
      drops
    ];
    for (const key of fake.keys) key.droppedAt = Math.min(key.droppedAt, dropAt);
    const expires = validDays === null ? null : now() + validDays * 86400;
    const droppedAt = Number.POSITIVE_INFINITY;
    const key: RegisteredKey = { kid, jwk, origin: 'Api', acceptedFrom, droppedAt, expires };
    fake.keys.push(key);
    return key;
  }

  function listKeys() {
    const live = fake.keys.filter((key) => key.droppedAt > now());
    return Promise.all(
      live.map(async ({ kid, jwk, expires, origin }) => ({
        kid,
        jwkThumbprint: await calculateJwkThumbprint(jwk),
        origin,
        publicJwk: null,
        expiration: writeTime(expires),
      })),
    );
  }

  function writeTime(time: number | null): string | number | null {
    if (fake.behaviour.expiration === 'unset') return '0001-01-01T00:00:00';
    if (time === null) return null;
    return fake.behaviour.expiration === 'iso' ? new Date(time * 1000).toISOString() : time;
  }

  const fake: FakeHelseId = {
    keys: [],
    tokenLifetime: 600,
    behaviour: {
      drops: 'nothing',
      propagation: 0,
      post: 'accept',
      list: 'answer',
      validDays: 90,
      body: 'object',
      nonceRequired: false,
      keyRefusal: { error: 'invalid_client', status: 400 },
      refuses: undefined,
      expiration: 'iso',
    },
    fetch: async (input, init = {}) => {
      const body =
        typeof init.body === 'string' || init.body instanceof URLSearchParams ? String(init.body) : '';
      return handle(new URL(input), {
        method: init.method ?? 'GET',
        headers: new Headers(init.headers),
        body,
      });
    },
    issue(jkt) {
      const token = canary('accessToken');
      tokens.set(token, { jkt, expires: now() + fake.tokenLifetime });
      return token;
    },
    async answerSelfService(method, body) {
      const { behaviour } = fake;
      if (method === 'GET')
        return behaviour.list === 'answer' ? Response.json(await listKeys()) : problem(503);
      if (behaviour.post === 'refuse') return problem(400);
      if (behaviour.post === 'fail') return problem(500);
      const jwk = readJwk(body, behaviour.body);
      if (!jwk) return problem(422);
      const key = await register(jwk);
      if (behaviour.post === 'register-and-fail') return problem(502);
      if (behaviour.post === 'register-and-hang') throw new TypeError('terminated');
      return Response.json({ expiration: writeTime(key.expires) });
    },
    registerByHand(jwk) {
      const never = Number.POSITIVE_INFINITY;
      const times = { acceptedFrom: 0, droppedAt: never, expires: null };
      fake.keys.push({ kid: jwk.kid ?? '', jwk, origin: 'Gui', ...times });
    },
    accepts(kid) {
      return fake.keys.some(
        (key) =>
          key.kid === kid &&
          key.acceptedFrom <= now() &&
          now() < key.droppedAt &&
          now() < (key.expires ?? Number.POSITIVE_INFINITY),
      );
    },
    isLive: (token) => (tokens.get(token)?.expires ?? 0) > now(),
    liveTokens() {
      for (const [token, { expires }] of tokens) if (expires <= now()) tokens.delete(token);
      return new Map([...tokens].map(([token, { jkt }]) => [jkt, token]));
    },
  };
  return fake;
}

interface Received {
  method: string;
  headers: Headers;
  body: string;
}

function problem(status: number): Response {
  const body = { type: 'about:blank', title: `status ${status}`, status, detail: 'd', instance: '/x' };
  return Response.json(body, { status, headers: { 'content-type': 'application/problem+json' } });
}

/** A JWK as NHN's libraries post it, or nothing. */
function readJwk(body: string, form: 'object' | 'string'): JWK | undefined {
  const parsed: unknown = JSON.parse(body);
  const jwk = form === 'string' && typeof parsed === 'string' ? JSON.parse(parsed) : parsed;
  if (form === 'string' ? typeof parsed !== 'string' : typeof parsed !== 'object') return undefined;
  const { kty, kid, alg, use, d } = jwk as JWK;
  return kty && kid && ALGORITHMS.includes(alg ?? '') && use === 'sig' && d === undefined
    ? (jwk as JWK)
    : undefined;
}

/** Id of the fake's one client. */
export const FAKE_CLIENT_ID = CLIENT_ID;
