import { createHash } from 'node:crypto';
import type Provider from 'oidc-provider';
import type { AdapterFactory, KoaContextWithOIDC } from 'oidc-provider';
import { confirm } from 'oidc-provider/lib/actions/end_session.js';
import instance from 'oidc-provider/lib/helpers/weak_cache.js';
import type { Nonces } from './nonces.ts';

/**
 * All that the stand-in takes from inside oidc-provider, where its options do not reach. The version is pinned;
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

/** Grants what the client is asked for as its own, as the client credentials grant does. */
export async function grantAsMachine(provider: Provider, ctx: KoaContextWithOIDC): Promise<void> {
  await instance(provider).grantTypeHandlers.get('client_credentials')?.(ctx);
}

/** Has an assertion (or a proof) count as not used before: oidc-provider remembers it by this id. */
export function forgetUse(adapter: AdapterFactory, issuer: string, jti: string): Promise<unknown> {
  const id = createHash('sha256').update(`${issuer}${jti}`).digest('base64url');
  return Promise.resolve(adapter('ReplayDetection').destroy(id));
}
