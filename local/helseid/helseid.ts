import { randomBytes } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import {
  calculateJwkThumbprint,
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTVerifyGetKey,
} from 'jose';
import Provider, { type AdapterPayload, type KoaContextWithOIDC } from 'oidc-provider';
import { answerUserinfo, finishAnswers } from './answers.ts';
import type { Notes } from './assertions.ts';
import { clientMetadata, makeConfiguration } from './helseid-configuration.ts';
import { exchangeTokens, refuseReplays, useNonces } from './oidc-provider-internals.ts';
import { loginRoutes } from './pages.ts';
import { createNonces } from './protect.ts';
import { createRegistry, type Registry } from './registry.ts';
import { serve } from './serve.ts';
import { createStorage, openState, type SavedEntries } from './storage.ts';
import { DEFAULT_BEHAVIOUR, type HelseIdBehaviour, type HelseIdOptions, type StandInEvent } from './types.ts';

type ProviderError = Error & { error_description?: string; error_detail?: string };

type IssuerState = { jwk: JWK; cookieKey: string };

/**
 * Starts HelseID's stand-in: oidc-provider in FAPI 2.0 mode with HelseID's extra checks, over HTTPS on localhost. What
 * HelseID is not known to do can be switched by `behaviour`. Its keys, registrations and sessions are kept in
 * `stateDir`.
 * @throws {ZonesError} local_failed: the port is taken
 */
export async function startHelseId(options: HelseIdOptions) {
  const { certificate, port = 0, path = '', stateDir, apis } = options;
  const behaviour: HelseIdBehaviour = { ...DEFAULT_BEHAVIOUR, ...options.behaviour };
  const propagation = () => behaviour.propagation;
  const registry = createRegistry({ clients: options.clients, stateDir, propagation });
  const { jwk, cookieKey } = await readOrMakeIssuer(stateDir);
  const { kty, n, e, kid } = jwk;
  const keys = createLocalJWKSet({ keys: [{ kty, n, e, kid, alg: 'RS256', use: 'sig' } as JWK] });
  const storage = createStorage(
    openState<SavedEntries>(stateDir, 'sessions.json', {}),
    (clientId) => findClient(registry, clientId),
    (model, payload) => completePayload(model, payload, behaviour),
  );
  const notes: Notes = new WeakMap();

  const server = await serve(certificate, port, (origin) => {
    const { adapter } = storage;
    const parts = { registry, apis, behaviour, notes, adapter, cookieKey, path };
    const provider = new Provider(`${origin}${path}`, makeConfiguration({ ...parts, jwks: { keys: [jwk] } }));
    provider.proxy = false;
    const nonces = createNonces(() => behaviour.nonceLifetime);
    useNonces(provider, nonces);
    refuseReplays(provider);
    exchangeTokens(provider, keys);
    const { issuer } = provider;
    for (const layer of [finishAnswers(parts), loginRoutes(provider), answerUserinfo(issuer, keys)])
      provider.use(layer as Parameters<Provider['use']>[0]);
    reportEvents(provider, options.onEvent);
    const answer = provider.callback();
    const { host } = new URL(origin);
    return (request, response) => {
      // oidc-provider writes URLs with the host it was asked by; an issuer's have one name (RFC 8414 3.3).
      request.headers.host = host;
      if (stripPath(request, path)) void answer(request, response);
      else response.writeHead(404).end();
    };
  });

  const issuer = `${server.url}${path}`;
  return {
    url: issuer,
    issuer,
    registry,
    /** The keys it signs with, for a resource server in the same process. */
    keys: keys as JWTVerifyGetKey,
    /** Live: changes take effect at once. */
    behaviour,
    faults: server.faults,
    async close() {
      await server.close();
      storage.save();
    },
  };
}

async function readOrMakeIssuer(stateDir: string | undefined): Promise<IssuerState> {
  const state = openState<Partial<IssuerState>>(stateDir, 'issuer.json', {});
  const { jwk, cookieKey } = state.value;
  if (jwk && cookieKey) return { jwk, cookieKey };
  const { privateKey } = await generateKeyPair('RS256', { extractable: true, modulusLength: 2048 });
  const made = await exportJWK(privateKey);
  const issuer = {
    jwk: { ...made, kid: await calculateJwkThumbprint(made), alg: 'RS256', use: 'sig' },
    cookieKey: randomBytes(32).toString('base64url'),
  };
  Object.assign(state.value, issuer);
  state.save();
  return issuer;
}

function findClient(registry: Registry, clientId: string): AdapterPayload | undefined {
  const client = registry.client(clientId);
  return client && (clientMetadata(client, registry.honouredKeys(clientId)) as AdapterPayload);
}

/** What oidc-provider leaves out of its records: the key a refresh token is bound to, and a wish for refresh tokens. */
function completePayload(model: string, payload: AdapterPayload, behaviour: HelseIdBehaviour) {
  const oidc = Provider.ctx?.oidc;
  const jkt = oidc?.entities.AccessToken?.jkt;
  if (model === 'RefreshToken' && behaviour.bindRefreshTokens && jkt) payload.jkt ??= jkt;
  if (model === 'PushedAuthorizationRequest' && oidc)
    Object.assign(payload, { offline: requestedScopes(oidc, payload).includes('offline_access') });
}

function requestedScopes(oidc: KoaContextWithOIDC['oidc'], payload: AdapterPayload): string[] {
  const { request = '' } = payload as { request?: string };
  const source = oidc.body?.['request'] ? decodeJwt(request) : oidc.body;
  return String(source?.['scope'] ?? '').split(' ');
}

/** Serves an issuer with a path: oidc-provider sees URLs below it and finds its own in `originalUrl`. */
function stripPath(request: IncomingMessage & { originalUrl?: string }, path: string): boolean {
  const { url = '/' } = request;
  if (!url.startsWith(`${path}/`)) return false;
  request.originalUrl = url;
  request.url = url.slice(path.length);
  return true;
}

function reportEvents(provider: Provider, onEvent: (event: StandInEvent) => void = () => {}) {
  const report = (kind: StandInEvent['kind'], ctx: KoaContextWithOIDC, detail: string) => {
    const client = ctx.oidc?.client?.clientId;
    const kid = kind === 'token' ? assertionKid(ctx) : undefined;
    onEvent({ kind, detail, client, kid });
  };
  const refused = (ctx: KoaContextWithOIDC, error: Error) => {
    const { error_detail, error_description } = error as ProviderError;
    const reason = error_detail ?? error_description;
    report('refused', ctx, reason ? `${error.message}: ${reason}` : error.message);
  };
  provider.on('grant.success', (ctx) => report('token', ctx, String(ctx.oidc.params?.['grant_type'])));
  provider.on('authorization.success', (ctx) => report('login', ctx, 'authorization code'));
  provider.on('end_session.success', (ctx) => report('logout', ctx, 'session ended'));
  provider.on('backchannel.error', (ctx) => report('refused', ctx, 'a client did not take its logout token'));
  for (const what of ['grant', 'pushed_authorization_request', 'authorization'])
    provider.on(`${what}.error` as 'grant.error', refused);
  provider.on('server_error', refused);
  // Koa writes unexpected errors to the console unless somebody listens.
  const emitter: EventEmitter = provider;
  emitter.on('error', (error: Error) => onEvent({ kind: 'refused', detail: error.message }));
}

/** The key of a client assertion that has been verified. */
function assertionKid(ctx: KoaContextWithOIDC): string | undefined {
  const assertion = ctx.oidc.body?.['client_assertion'];
  return typeof assertion === 'string' ? decodeProtectedHeader(assertion).kid : undefined;
}
