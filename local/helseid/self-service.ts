import { randomUUID } from 'node:crypto';
import { isZonesError } from '@helseid-zones/protocol/errors';
import type { JWK } from 'jose';
import { createSeenProofs, protect } from './protect.ts';
import { type Answer, answerCalls, type Call, serve } from './serve.ts';
import type { Registry, SelfServiceBehaviour, SelfServiceOptions, SelfServiceServer } from './types.ts';

const DAY = 24 * 60 * 60;
const DEFAULTS: SelfServiceBehaviour = {
  previousKeys: 'keep',
  answer: 'normal',
  expiresIn: 365 * DAY,
  body: 'both',
};

/** What the API is made of. */
export interface SelfServiceParts {
  registry: Registry;
  behaviour: SelfServiceBehaviour;
  apiKey?: string | undefined;
  /** Epoch seconds. */
  now: () => number;
}

/**
 * Starts the stand-in of HelseID's self-service API. `behaviour` may be changed while it runs. Throws `local_failed` when the port is taken.
 */
export async function startSelfService(options: SelfServiceOptions): Promise<SelfServiceServer> {
  const { ca, port = 0, registry, issuer, keys, apiKey, onEvent = () => {} } = options;
  const { audience = 'nhn:selvbetjening', scope = 'nhn:selvbetjening/client' } = options;
  const behaviour: SelfServiceBehaviour = { ...DEFAULTS, ...options.behaviour };
  const now = () => Date.now() / 1000;
  const rules = { issuer, audience, scopes: [scope] };
  const ports = { keys, now: Date.now, seen: createSeenProofs(Date.now) };
  const parts: SelfServiceParts = { registry, behaviour, apiKey, now };
  const server = await serve(ca, port, (origin) =>
    answerCalls(origin, async (call) => {
      if (call.url.pathname === '/v1/client-drafts') return draftClient(call, parts);
      const answer = await protect(call, rules, ports, undefined, async ({ clientId }) => {
        onEvent({
          at: Date.now(),
          kind: 'key',
          client: clientId,
          detail: `${call.method} ${call.url.pathname}`,
        });
        return answerClient(call, clientId, parts);
      });
      return answer;
    }),
  );
  return { ...server, behaviour };
}

/** What the API answers to a client that has shown its token; `undefined` means that no answer comes. */
export function answerClient(call: Call, clientId: string, parts: SelfServiceParts): Answer | undefined {
  if (call.url.pathname !== '/v1/client-secret')
    return problem(404, 'Not found', 'There is no such resource.');
  if (call.method === 'GET') return { status: 200, body: listKeys(clientId, parts.registry) };
  if (call.method === 'POST') return registerKey(call, clientId, parts);
  return problem(405, 'Method not allowed', 'Use GET or POST.');
}

function listKeys(clientId: string, registry: Registry) {
  return registry.keys(clientId).map(({ kid, jwkThumbprint, origin, expires }) => ({
    expiration: expires === null ? null : isoTime(expires),
    kid,
    jwkThumbprint,
    origin,
    publicJwk: null,
  }));
}

function registerKey(call: Call, clientId: string, parts: SelfServiceParts): Answer | undefined {
  const { registry, behaviour, now } = parts;
  if (behaviour.answer === 'problem')
    return problem(400, 'Bad request', 'The key can not be registered now.');
  if (behaviour.answer === 'failure') return { status: 503 };
  const jwk = readJwk(call.body, behaviour.body);
  if (!jwk) return problem(400, 'Bad request', 'The body is not a public JWK.');
  const expires = Math.floor(now()) + behaviour.expiresIn;
  const before = registry.keys(clientId).filter(({ origin, kid }) => origin === 'Api' && kid !== jwk.kid);
  try {
    registry.register(clientId, jwk, 'Api', { expires, ...propagation(behaviour) });
  } catch (error) {
    if (isZonesError(error)) return problem(400, 'Bad request', error.message);
    throw error;
  }
  if (behaviour.previousKeys === 'drop') for (const { kid } of before) registry.remove(clientId, kid);
  if (behaviour.answer === 'timeout-after-registering') return undefined;
  return { status: 200, body: { expiration: isoTime(expires) } };
}

/** The JWK as an object, or as a string that holds one: published clients send either. */
function readJwk(body: string, accepted: SelfServiceBehaviour['body']): JWK | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    const form = typeof parsed === 'string' ? 'string' : 'object';
    if (accepted !== 'both' && accepted !== form) return undefined;
    const jwk: unknown = typeof parsed === 'string' ? JSON.parse(parsed) : parsed;
    return typeof jwk === 'object' && jwk !== null ? (jwk as JWK) : undefined;
  } catch {
    return undefined;
  }
}

/** `POST /v1/client-drafts`: a first registration without the portal, from a template; the user confirms it elsewhere. */
function draftClient(call: Call, { registry, apiKey }: SelfServiceParts): Answer {
  const sent = call.headers.find(([name]) => name.toLowerCase() === 'api-key')?.[1];
  if (!apiKey || sent !== apiKey) return problem(401, 'Unauthorized', 'The api-key is missing or wrong.');
  if (call.method !== 'POST') return problem(405, 'Method not allowed', 'Use POST.');
  const draft = readDraft(call.body);
  const jwk = readJwk(JSON.stringify(draft['publicJwk'] ?? null), 'string');
  const number = draft['organizationNumber'];
  if (typeof number !== 'string' || !/^\d{9}$/.test(number)) {
    return { status: 400, body: { property: 'organizationNumber', message: 'Nine digits are needed.' } };
  }
  const template = registry.clients()[0];
  if (!jwk || !template)
    return { status: 400, body: { property: 'publicJwk', message: 'A JWK as a string is needed.' } };
  const clientId = randomUUID();
  const { scopes } = template;
  registry.addClient({ clientId, scopes, tenancy: 'single-tenant', parent: number });
  try {
    registry.register(clientId, jwk, 'Api');
  } catch {
    return {
      status: 400,
      body: { property: 'publicJwk', message: 'It is not a public JWK with kid and alg.' },
    };
  }
  return { status: 200, body: { clientId } };
}

function readDraft(body: string): Record<string, unknown> {
  try {
    const draft: unknown = JSON.parse(body);
    return typeof draft === 'object' && draft !== null ? (draft as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function propagation({ propagation }: SelfServiceBehaviour): { propagation?: number } {
  if (propagation === undefined) return {};
  return { propagation: propagation === 'never' ? Number.POSITIVE_INFINITY : propagation };
}

/** Problem details (RFC 7807). */
function problem(status: number, title: string, detail: string): Answer {
  const headers = { 'content-type': 'application/problem+json' };
  return { status, headers, body: { type: 'about:blank', title, status, detail, instance: null } };
}

function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
