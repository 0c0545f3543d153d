import { randomBytes } from 'node:crypto';
import type { JWK } from 'jose';
import {
  type AdapterFactory,
  type AllClientMetadata,
  type Configuration,
  errors,
  interactionPolicy,
  type KoaContextWithOIDC,
} from 'oidc-provider';
import { type Claims, createAssertionCheck, demandResource, takesProof } from './assertions.ts';
import { readDetails } from './details.ts';
import {
  accessTokenClaims,
  defaultResource,
  describeResource,
  finishToken,
  grantAll,
  identityScopes,
  type TokenParts,
} from './helseid-tokens.ts';
import { confirmLogout, TOKEN_EXCHANGE } from './oidc-provider-internals.ts';
import { languageOf, logoutPage, messagePage, showPage } from './pages.ts';
import type { Registry } from './registry.ts';
import type { StandInClient } from './types.ts';
import { CLAIMS_BY_SCOPE, TEST_USERS, userClaims } from './users.ts';

const ALGORITHMS = ['PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'] as const;
const REQUEST_OBJECT_LIFETIME = 60;
const LOGIN_GRANTS = ['authorization_code', 'refresh_token'];

/** What the configuration is made of. */
interface ConfigurationParts extends TokenParts {
  adapter: AdapterFactory;
  /** Private signing keys, RS256. */
  jwks: { keys: JWK[] };
  cookieKey: string;
  /** Path of the issuer, `''` where it has none. */
  path: string;
}

/** oidc-provider in FAPI 2.0 mode, set up like HelseID: endpoints, algorithms, claims, and its own checks. */
export function makeConfiguration(parts: ConfigurationParts): Configuration {
  const { registry, behaviour } = parts;
  return {
    adapter: parts.adapter,
    jwks: parts.jwks as NonNullable<Configuration['jwks']>,
    clientAuthMethods: ['private_key_jwt'],
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access'],
    claims: structuredClone(CLAIMS_BY_SCOPE) as Record<string, string[]>,
    conformIdTokenClaims: false,
    extraParams: ['on_behalf_of'],
    clockTolerance: 5,
    clientBasedCORS: () => false,
    allowOmittingSingleRegisteredRedirectUri: false,
    enabledJWA: {
      clientAuthSigningAlgValues: [...ALGORITHMS],
      dPoPSigningAlgValues: [...ALGORITHMS],
      requestObjectSigningAlgValues: [...ALGORITHMS],
      idTokenSigningAlgValues: ['RS256'],
    },
    routes: {
      authorization: '/connect/authorize',
      pushed_authorization_request: '/connect/par',
      token: '/connect/token',
      revocation: '/connect/revocation',
      userinfo: '/connect/userinfo',
      end_session: '/connect/endsession',
      jwks: '/.well-known/openid-configuration/jwks',
    },
    features: {
      devInteractions: { enabled: false },
      fapi: { enabled: true, profile: '2.0' },
      clientCredentials: { enabled: true },
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
      dPoP: {
        enabled: true,
        nonceSecret: randomBytes(32),
        requireNonce: (ctx) => behaviour.nonce !== 'never' && takesProof(ctx, behaviour),
      },
      requestObjects: {
        enabled: true,
        assertJwtClaimsAndHeader: (ctx, claims) => checkRequestObject(ctx, claims, registry),
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx, client, oneOf) => oneOf ?? defaultResource(ctx, client.clientId, parts),
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, resource, client) =>
          describeResource(ctx, resource, client.clientId, parts),
      },
      revocation: { enabled: true, allowedPolicy: (_, client, token) => token.clientId === client.clientId },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: endSession,
        postLogoutSuccessSource: (ctx) => showPage(ctx, messagePage('loggedOut', languageOf(ctx))),
      },
    },
    assertJwtClientAuthClaimsAndHeader: createAssertionCheck(registry, behaviour, parts.notes),
    cookies: {
      keys: [parts.cookieKey],
      names: { session: 'idsrv.session', interaction: 'idsrv.login', resume: 'idsrv.resume' },
    },
    interactions: {
      policy: loginOnly(),
      url: (_, interaction) => `${parts.path}/account/login/${interaction.uid}`,
    },
    findAccount: (_, sub) => {
      const user = TEST_USERS.find((known) => known.sub === sub);
      return user && { accountId: sub, claims: async () => ({ ...userClaims(user), sub }) };
    },
    loadExistingGrant: (ctx) => grantAll(ctx, parts.adapter),
    issueRefreshToken: (ctx, client) =>
      client.grantTypeAllowed('refresh_token') && ctx.oidc.entities.Grant?.rar?.[0]?.['offline'] === true,
    rotateRefreshToken: true,
    expiresWithSession: () => false,
    extraTokenClaims: (ctx, token) => accessTokenClaims(ctx, token, parts),
    formats: {
      customizers: {
        jwt: (ctx, token, { payload }) =>
          finishToken(payload, token.kind, parts.apis, identityScopes(ctx, parts.apis)),
      },
    },
    ttl: {
      AccessToken: () => behaviour.accessTokenLifetime,
      ClientCredentials: () => behaviour.accessTokenLifetime,
      AuthorizationCode: 60,
      IdToken: 300,
      Interaction: 3600,
      RefreshToken: 8 * 60 * 60,
      Grant: 24 * 60 * 60,
      Session: 24 * 60 * 60,
    },
    renderError: (ctx, out) =>
      showPage(ctx, messagePage('failed', languageOf(ctx), `${out.error}: ${out.error_description ?? ''}`)),
    // A back-channel logout goes to a gateway on this machine, which oidc-provider's own fetch would refuse.
    fetch: (url, init: (RequestInit & { dispatcher?: unknown }) | undefined) => {
      const { dispatcher: _, ...rest } = init ?? {};
      return fetch(url, rest);
    },
  };
}

/** A registration as oidc-provider wants it, with the keys that are honoured at this instant. */
export function clientMetadata(client: StandInClient, keys: readonly JWK[]): AllClientMetadata {
  const login = (client.redirectUris?.length ?? 0) > 0;
  return {
    client_id: client.clientId,
    client_name: client.name ?? client.clientId,
    token_endpoint_auth_method: 'private_key_jwt',
    id_token_signed_response_alg: 'RS256',
    dpop_bound_access_tokens: true,
    jwks: { keys: [...keys] } as NonNullable<AllClientMetadata['jwks']>,
    grant_types: ['client_credentials', TOKEN_EXCHANGE, ...(login ? LOGIN_GRANTS : [])],
    response_types: login ? ['code'] : [],
    redirect_uris: [...(client.redirectUris ?? [])],
    post_logout_redirect_uris: [...(client.postLogoutRedirectUris ?? [])],
    ...(client.backchannelLogoutUri
      ? { backchannel_logout_uri: client.backchannelLogoutUri, backchannel_logout_session_required: true }
      : {}),
  };
}

/** FAPI 2.0 5.3.2.1; replaces oidc-provider's hook and so repeats what it demands. */
function checkRequestObject(ctx: KoaContextWithOIDC, claims: Claims, registry: Registry) {
  // What was pushed comes by here once more, at the authorization endpoint and without a signature.
  if (ctx.oidc.route !== 'pushed_authorization_request') return;
  const { exp, nbf, aud, jti } = claims;
  const now = Date.now() / 1000;
  const dated = typeof exp === 'number' && typeof nbf === 'number';
  if (!dated || aud !== ctx.oidc.issuer || typeof jti !== 'string')
    throw new errors.InvalidRequestObject('HID-1007: exp, nbf, jti and aud (the issuer) are needed');
  if (exp > now + REQUEST_OBJECT_LIFETIME)
    throw new errors.InvalidRequestObject(`HID-1007: exp must be at most ${REQUEST_OBJECT_LIFETIME} s ahead`);
  demandResource(claims['resource']);
  const client = registry.client(ctx.oidc.client?.clientId ?? '');
  const details = client && readDetails(claims['authorization_details'], client);
  if (!details) throw new errors.InvalidRequestObject('unknown client');
  if ('refused' in details) throw new errors.InvalidRequestObject(`${details.refused}: ${details.reason}`);
}

/** HelseID asks for no consent. Prompts that need nothing here stay requestable. */
function loginOnly() {
  const policy = interactionPolicy.base();
  policy.get('consent')?.checks.clear();
  policy.add(new interactionPolicy.Prompt({ name: 'select_account', requestable: true }));
  return policy;
}

/** With an ID token as hint nobody is asked again. */
async function endSession(ctx: KoaContextWithOIDC, form: string) {
  if (ctx.oidc.entities.IdTokenHint) await confirmLogout(ctx);
  else showPage(ctx, logoutPage(form, languageOf(ctx)));
}
