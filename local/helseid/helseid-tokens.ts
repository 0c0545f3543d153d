import { decodeJwt } from 'jose';
import { type AdapterFactory, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { demandScopes, EVERY_API, type Notes } from './assertions.ts';
import { readDetails } from './details.ts';
import type { Registry } from './registry.ts';
import type { HelseIdBehaviour, StandInApi } from './types.ts';
import { claimsOf, TEST_USERS } from './users.ts';

/** What is granted and what stands in a token depends on these. */
export interface TokenParts {
  registry: Registry;
  apis: readonly StandInApi[];
  behaviour: HelseIdBehaviour;
  notes: Notes;
}

/**
 * The resource of a request that names none but asks for scopes of an API.
 * @throws {InvalidScope} a scope is not the client's
 */
export function defaultResource(ctx: KoaContextWithOIDC, clientId: string, parts: TokenParts) {
  const requested = String(ctx.oidc.params?.['scope'] ?? '').split(' ');
  const client = parts.registry.client(clientId);
  if (client) demandScopes(requested.filter(Boolean), client);
  const ofApi = parts.apis.flatMap(({ scopes }) => scopes).some((scope) => requested.includes(scope));
  return ofApi ? EVERY_API : undefined;
}

/**
 * An API as oidc-provider's resource server: the client's scopes there, audience, lifetime.
 * @throws {InvalidTarget} it is no API, or not for this client
 * @throws {InvalidScope} a scope is not the client's
 */
export function describeResource(
  ctx: KoaContextWithOIDC,
  resource: string,
  clientId: string,
  parts: TokenParts,
) {
  const client = parts.registry.client(clientId);
  const api = parts.apis.find((candidate) => (candidate.resource ?? candidate.audience) === resource);
  if (!client || (!api && resource !== EVERY_API))
    throw new errors.InvalidTarget('no API has this resource indicator');
  const { scope: asked, grant_type: grant } = ctx.oidc.params ?? {};
  const every = parts.apis.flatMap(({ scopes }) => scopes);
  const held = (api?.scopes ?? every).filter((scope) => client.scopes.includes(scope));
  if (held.length === 0) throw new errors.InvalidTarget('the client has no scope of this API');
  if (typeof asked === 'string') {
    const scopes = asked.split(' ');
    demandScopes(scopes, client);
    // A person's token may have scopes about the person alone; any other is for an API.
    const forApi = grant === 'client_credentials' || scopes.some((scope) => every.includes(scope));
    if (forApi && !scopes.some((scope) => held.includes(scope)))
      throw new errors.InvalidScope('none of the scopes is of this API', asked);
  }
  return {
    scope: held.join(' '),
    audience: api?.audience ?? EVERY_API,
    accessTokenTTL: parts.behaviour.accessTokenLifetime,
    accessTokenFormat: 'jwt' as const,
    jwt: { sign: { alg: 'RS256' as const } },
  };
}

/**
 * Grants what was pushed. The grant remembers, in a field that is otherwise unused, what oidc-provider drops on the
 * way: details of the request object, and whether a refresh token was asked for.
 */
export async function grantAll(ctx: KoaContextWithOIDC, adapter: AdapterFactory) {
  const { provider, session, client, params, resourceServers = {}, entities } = ctx.oidc;
  if (!session?.accountId || !client) return undefined;
  const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
  grant.addOIDCScope(String(params?.['scope'] ?? ''));
  for (const [resource, { scope }] of Object.entries(resourceServers))
    grant.addResourceScope(resource, scope);
  const { parJti = '' } = (entities.Interaction ?? {}) as { parJti?: string };
  const { jti = parJti } = entities.PushedAuthorizationRequest ?? {};
  const pushed = await adapter('PushedAuthorizationRequest').find(jti);
  const { request = '', offline } = (pushed ?? {}) as { request?: string; offline?: boolean };
  const details = request ? decodeJwt(request)['authorization_details'] : undefined;
  grant.addRar({ type: 'pushed', offline: offline === true, ...(details === undefined ? {} : { details }) });
  await grant.save();
  // Every ID token of HelseID's has a sid.
  Object.assign(ctx.oidc.claims, { id_token: { ...ctx.oidc.claims.id_token, sid: null } });
  return grant;
}

/** The scopes about the person that a token is granted: those of the login, or fewer where a refresh asks for fewer. */
export function identityScopes(ctx: KoaContextWithOIDC | undefined, apis: readonly StandInApi[]): string[] {
  const granted = (ctx?.oidc.entities.Grant?.getOIDCScope().split(' ') ?? []).filter(
    (scope) => scope && !apis.some(({ scopes }) => scopes.includes(scope)),
  );
  const { scope: asked } = ctx?.oidc.params ?? {};
  return typeof asked === 'string' ? granted.filter((scope) => asked.split(' ').includes(scope)) : granted;
}

/** Claims of an access token: the person as far as the scopes of the login go, the client, and the organisation. */
export function accessTokenClaims(
  ctx: KoaContextWithOIDC | undefined,
  token: { clientId?: string | undefined; accountId?: string | undefined },
  { apis, registry, notes }: TokenParts,
): Record<string, unknown> {
  const client = registry.client(token.clientId ?? '');
  const organization = ctx && notes.get(ctx);
  const granted = client && readDetails(ctx?.oidc.entities.Grant?.rar?.[0]?.['details'], client);
  const user = TEST_USERS.find(({ sub }) => sub === token.accountId);
  return {
    ...(user ? claimsOf(user, identityScopes(ctx, apis)) : {}),
    client_amr: 'private_key_jwt',
    ...(organization ?? (granted && 'claims' in granted ? granted.claims : {})),
  };
}

/** HelseID's tokens have nbf, the scopes about the person beside those of the API (`identity`), several audiences where several APIs are meant, and no subject where there is no person. */
export function finishToken(
  payload: Record<string, unknown>,
  kind: string,
  apis: readonly StandInApi[],
  identity: readonly string[],
) {
  payload['nbf'] = payload['iat'];
  const granted = typeof payload['scope'] === 'string' ? payload['scope'].split(' ') : [];
  const scopes = [...new Set([...identity, ...granted])];
  payload['scope'] = scopes.join(' ');
  if (kind === 'ClientCredentials') delete payload['sub'];
  if (payload['aud'] !== EVERY_API) return;
  const meant = apis.filter((api) => api.scopes.some((scope) => scopes.includes(scope)));
  const audiences = meant.map(({ audience }) => audience);
  payload['aud'] = audiences.length === 1 ? audiences[0] : audiences;
}
