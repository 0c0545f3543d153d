import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { readDetails } from './details.ts';
import type { Registry } from './registry.ts';
import type { HelseIdBehaviour, StandInClient } from './types.ts';

/** Seconds. */
const CLOCK_SKEW = 5;
/** HelseID's, of `exp`: seconds ahead. */
const LIFETIME = 10;
const ASSERTION_TYP = 'client-authentication+jwt';
const NOT_WITH_CODE = 'HID-1009: send assertion_details with the refresh token, not with the code';

/** Stands for all APIs at once, when a client names no resource; the token then has every audience its scopes belong to. */
export const EVERY_API = 'urn:helseid-zones:every-api';

/** Of requests that are being answered: organisation and client, as claims of the access token, as the client's authentication told them. */
export type Notes = WeakMap<object, Record<string, unknown>>;

/** Of a JWT that a client has sent. */
export type Claims = Readonly<Record<string, unknown>>;

/**
 * HelseID's checks of a client assertion beyond those of oidc-provider (docs/decisions/stand-in.md): the audience again, because
 * this hook replaces the one that FAPI 2.0 brings, then `typ`, `kid`, times, and what the details ask for. Signature,
 * algorithm, `iss`, `sub` and the single use of `jti` are oidc-provider's. The reason is told in the error's detail,
 * which goes to the local log; HelseID tells a client little more than `invalid_client`.
 */
export function createAssertionCheck(registry: Registry, behaviour: HelseIdBehaviour, notes: Notes) {
  return async (ctx: KoaContextWithOIDC, claims: Claims, header: Claims) => {
    const client = registry.client(String(claims['sub']));
    if (!client) throw new errors.InvalidClientAuth('the client is not registered');
    const failed = assertionChecks(ctx.oidc.issuer, claims, header).find(([holds]) => !holds);
    if (failed) throw new errors.InvalidClientAuth(failed[1]);
    demandResource(ctx.oidc.body?.['resource']);
    if (takesProof(ctx, behaviour) && !ctx.get('dpop'))
      throw new errors.InvalidDpopProof('DPoP proof is missing');
    const organization = readAssertionDetails(ctx, claims, client, behaviour.refuseDetailsWithCode);
    if (organization) notes.set(ctx, organization);
    if (ctx.oidc.route === 'token') settleScope(ctx, client);
  };
}

function assertionChecks(issuer: string, claims: Claims, header: Claims) {
  const { exp, iat, nbf } = claims;
  const now = Date.now() / 1000;
  return [
    [claims['aud'] === issuer, 'aud must be the issuer as one string'],
    [header['typ'] === ASSERTION_TYP, `typ must be ${ASSERTION_TYP}`],
    [typeof header['kid'] === 'string', 'kid is missing'],
    [typeof exp === 'number' && exp <= now + LIFETIME, `exp must be at most ${LIFETIME} s ahead`],
    [typeof iat === 'number' && typeof nbf === 'number', 'iat and nbf are missing'],
    [
      Number(iat) <= now + CLOCK_SKEW && Number(iat) >= now - LIFETIME - CLOCK_SKEW,
      `iat must be within ${LIFETIME} s`,
    ],
  ] as const;
}

/** Whether a proof is mandatory: at the token endpoint, and at PAR where the switch says so. */
export function takesProof({ oidc: { route } }: KoaContextWithOIDC, { proofAtPar }: HelseIdBehaviour) {
  return route === 'token' || (route === 'pushed_authorization_request' && proofAtPar);
}

function readAssertionDetails(
  ctx: KoaContextWithOIDC,
  claims: Claims,
  client: StandInClient,
  refuseWithCode: boolean,
) {
  const { assertion_details: value } = claims;
  const grant = ctx.oidc.params?.['grant_type'];
  if (value !== undefined && ctx.oidc.route !== 'token')
    throw new errors.InvalidRequest('HID-1007: assertion_details belong to requests to the token endpoint');
  if (value !== undefined && grant === 'authorization_code' && refuseWithCode)
    throw new errors.InvalidRequest(NOT_WITH_CODE);
  const result = readDetails(value, client);
  if ('refused' in result) throw new errors.InvalidRequest(`${result.refused}: ${result.reason}`);
  // Without details a refreshed token keeps what the request object asked for, so nothing is noted.
  return value !== undefined || grant === 'client_credentials' ? result.claims : undefined;
}

/** All scopes of the client where none is named, and none it doesn't have. */
function settleScope(ctx: KoaContextWithOIDC, client: StandInClient) {
  const { params } = ctx.oidc;
  if (!params) return;
  if (params['grant_type'] === 'client_credentials') params['scope'] ??= apiScopes(client).join(' ');
  if (typeof params['scope'] !== 'string') return;
  demandScopes(params['scope'].split(' ').filter(Boolean), client);
}

/**
 * Takes only scopes that the client is registered with.
 * @throws {InvalidScope} for the first that it is not
 */
export function demandScopes(scopes: Iterable<string>, client: StandInClient) {
  for (const scope of scopes) {
    if (!client.scopes.includes(scope))
      throw new errors.InvalidScope('the client does not have this scope', scope);
  }
}

/**
 * Takes no resource indicator that is the stand-in's own affair.
 * @throws {InvalidTarget} it is that one
 */
export function demandResource(resource: unknown) {
  if ([resource].flat().includes(EVERY_API))
    throw new errors.InvalidTarget('no API has this resource indicator');
}

function apiScopes(client: StandInClient): string[] {
  const identity = /^(openid|profile|offline_access|helseid:\/\/scopes\/(identity|hpr)\/.*)$/;
  return client.scopes.filter((scope) => !identity.test(scope));
}
