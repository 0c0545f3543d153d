import { decodeJwt } from 'jose';
import Provider, { type AdapterFactory, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { forgetUse } from './oidc-provider-internals.ts';

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
