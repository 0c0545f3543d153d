import { createHash } from 'node:crypto';
import { decodeJwt, type JWTVerifyGetKey, jwtVerify } from 'jose';
import Provider, { type AdapterFactory, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { confirm } from 'oidc-provider/lib/actions/end_session.js';
import instance from 'oidc-provider/lib/helpers/weak_cache.js';
import type { Nonces } from './protect.ts';

/**
 * What the stand-in adds to oidc-provider where its options do not reach: all that it takes from inside it is here. The version is pinned;
 * `test/local/helseid/oidc-provider-internals.test.ts` says when another one has moved something.
 * @module
 */

/** oidc-provider's own nonces live for minutes; these for as long as they say. */
export function useNonces(provider: Provider, { next, accepts }: Nonces): void {
  instance(provider).DPoPNonces = { nextChallenge: next, checkChallenge: accepts };
}

/** Ends the session as if the person had confirmed it on the page. */
export async function confirmLogout(ctx: KoaContextWithOIDC): Promise<void> {
  const finish = confirm.at(-1);
  if (finish === undefined || ctx.oidc.params === undefined)
    throw new TypeError('there is no logout to confirm');
  ctx.oidc.params['logout'] = 'yes';
  await finish(ctx);
}

/** Has an assertion (or a proof) count as not used before: oidc-provider remembers it by this id. */
export function forgetUse(adapter: AdapterFactory, issuer: string, jti: string): Promise<unknown> {
  const id = createHash('sha256').update(`${issuer}${jti}`).digest('base64url');
  return Promise.resolve(adapter('ReplayDetection').destroy(id));
}

/**
 * Refuses a client assertion or a proof that was used before. oidc-provider's `ReplayDetection` keeps each `jti` until it expires,
 * and refuses a used assertion as `invalid_client` by itself; a used proof is an invalid proof (RFC 9449 5, 11.1), where
 * oidc-provider blames the grant.
 */
export function refuseReplays({ ReplayDetection }: Provider): void {
  const unique = ReplayDetection.unique.bind(ReplayDetection);
  ReplayDetection.unique = async (client, jti, expires) => {
    if (await unique(client, jti, expires)) return true;
    const proof = Provider.ctx?.get('dpop');
    if (proof && decodeJwt(proof).jti === jti) throw new errors.InvalidDpopProof('the proof was used before');
    return false;
  };
}

/** Gives an assertion back: oidc-provider uses it up before it looks at the proof. */
export async function forgetAssertion(ctx: KoaContextWithOIDC, adapter: AdapterFactory): Promise<void> {
  const { iss, jti } = decodeJwt(String(ctx.oidc.params?.['client_assertion']));
  await forgetUse(adapter, String(iss), String(jti));
}

/** The grant of RFC 8693. */
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/**
 * Token exchange (RFC 8693): for a good access token of this issuer, one of the client's own, bound to its key. HelseID's rules on
 * who may exchange what for what are not public, so there are none here; the person of the first token is not in the second.
 */
export function exchangeTokens(provider: Provider, keys: JWTVerifyGetKey): void {
  provider.registerGrantType(
    TOKEN_EXCHANGE,
    async (ctx) => {
      const { subject_token: token, subject_token_type: type } = ctx.oidc.params ?? {};
      if (type !== ACCESS_TOKEN)
        throw new errors.InvalidRequest('subject_token_type must be an access token');
      await jwtVerify(String(token), keys, { issuer: provider.issuer, typ: 'at+jwt' }).catch((error) => {
        throw new errors.InvalidGrant(`subject_token: ${error.message}`);
      });
      // Granted as the client's own, as the client credentials grant does.
      await instance(provider).grantTypeHandlers.get('client_credentials')?.(ctx);
      Object.assign(Object(ctx.body), { issued_token_type: ACCESS_TOKEN });
    },
    ['subject_token', 'subject_token_type', 'scope', 'resource'],
  );
}
