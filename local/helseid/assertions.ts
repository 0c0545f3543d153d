import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { readDetails } from './details.ts';
import type { Registry } from './registry.ts';
import type { HelseIdBehaviour, StandInClient } from './types.ts';

/** Seconds. */
const CLOCK_SKEW = 5;
const ASSERTION_TYP = 'client-authentication+jwt';

/** Stands for all APIs at once, when a client names no resource; the token then has every audience its scopes belong to. */
export const EVERY_API = 'urn:helseid-zones:every-api';

/** What was found out about a request while its client was authenticated. */
interface RequestNotes {
  /** Organisation and client, as claims of the access token. */
  organization?: Record<string, unknown>;
  rejectedScopes?: readonly string[];
}

/** Notes of requests that are being answered. */
export type Notes = WeakMap<object, RequestNotes>;

type Claims = Readonly<Record<string, unknown>>;

/**
 * HelseID's checks of a client assertion beyond those of oidc-provider (docs/decisions/stand-in.md): the audience again, because
 * this hook replaces the one that FAPI 2.0 brings, then `typ`, `kid`, times, and what the details ask for. Signature,
 * algorithm, `iss`, `sub` and the single use of `jti` are oidc-provider's. The reason is told in the error's detail,
 * which goes to the local log; HelseID tells a client little more than `invalid_client`.
 */
export function createAssertionCheck(
  registry: Registry,
  behaviour: HelseIdBehaviour,
  notes: Notes,
  now: () => number = () => Date.now() / 1000,
) {
  return async (ctx: KoaContextWithOIDC, claims: Claims, header: Claims) => {
    const client = registry.client(String(claims['sub']));
    if (!client) throw new errors.InvalidClientAuth('the client is not registered');
    const failed = assertionChecks(ctx.oidc.issuer, claims, header, behaviour.assertionLifetime, now()).find(
      ([holds]) => !holds,
    );
    if (failed) throw new errors.InvalidClientAuth(failed[1]);
    demandResource(ctx.oidc.body?.['resource']);
    demandProof(ctx, behaviour);
    const organization = readAssertionDetails(ctx, claims, client, behaviour.refuseDetailsWithCode);
    if (organization) notes.set(ctx, { organization });
    if (ctx.oidc.route === 'token') settleScope(ctx, client, notes);
  };
}

function assertionChecks(issuer: string, claims: Claims, header: Claims, lifetime: number, now: number) {
  const { exp, iat, nbf } = claims;
  return [
    [claims['aud'] === issuer, 'aud must be the issuer as one string'],
    [header['typ'] === ASSERTION_TYP, `typ must be ${ASSERTION_TYP}`],
    [typeof header['kid'] === 'string', 'kid is missing'],
    [typeof exp === 'number' && exp <= now + lifetime, `exp must be at most ${lifetime} s ahead`],
    [typeof iat === 'number' && typeof nbf === 'number', 'iat and nbf are missing'],
    [
      Number(iat) <= now + CLOCK_SKEW && Number(iat) >= now - lifetime - CLOCK_SKEW,
      `iat must be within ${lifetime} s`,
    ],
  ] as const;
}

/** A proof is mandatory at the token endpoint, and at PAR where the switch says so. */
function demandProof(ctx: KoaContextWithOIDC, behaviour: HelseIdBehaviour) {
  const { route } = ctx.oidc;
  const demanded = route === 'token' || (route === 'pushed_authorization_request' && behaviour.proofAtPar);
  if (demanded && !ctx.get('dpop')) throw new errors.InvalidDpopProof('DPoP proof is missing');
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
    throw new errors.InvalidRequest(
      'HID-1009: send assertion_details with the refresh token, not with the code',
    );
  const result = readDetails(value, client);
  if ('refused' in result) throw new errors.InvalidRequest(`${result.refused}: ${result.reason}`);
  // Without details a refreshed token keeps what the request object asked for, so nothing is noted.
  return value !== undefined || grant === 'client_credentials' ? result.claims : undefined;
}

/** All scopes of the client where none is named; none it doesn't have; and not those its customer has no terms for. */
function settleScope(ctx: KoaContextWithOIDC, client: StandInClient, notes: Notes) {
  const { params } = ctx.oidc;
  if (!params) return;
  if (params['grant_type'] === 'client_credentials') params['scope'] ??= apiScopes(client).join(' ');
  if (typeof params['scope'] !== 'string') return;
  const scopes = params['scope'].split(' ').filter(Boolean);
  demandScopes(scopes, client);
  const parent = notes.get(ctx)?.organization?.['helseid://claims/client/claims/orgnr_parent'];
  const withheld = client.withheldScopes?.[String(parent)] ?? [];
  const rejectedScopes = scopes.filter((scope) => withheld.includes(scope));
  if (rejectedScopes.length === 0) return;
  if (rejectedScopes.length === scopes.length)
    throw new errors.InvalidScope('the organisation has not signed the terms', rejectedScopes.join(' '));
  params['scope'] = scopes.filter((scope) => !withheld.includes(scope)).join(' ');
  notes.set(ctx, { ...notes.get(ctx), rejectedScopes });
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
