/** What of oidc-provider's inside its options don't reach: which nonces it takes, and how a grant is answered. */
declare module 'oidc-provider/lib/helpers/weak_cache.js' {
  import type Provider from 'oidc-provider';
  import type { KoaContextWithOIDC } from 'oidc-provider';
  export default function instance(provider: Provider): {
    grantTypeHandlers: Map<string, (ctx: KoaContextWithOIDC) => Promise<void>>;
    DPoPNonces: { nextChallenge(): string; checkChallenge(nonce: string): boolean };
  };
}

/** Ends a session without asking once more, as HelseID does when it is shown an ID token. */
declare module 'oidc-provider/lib/actions/end_session.js' {
  import type { KoaContextWithOIDC } from 'oidc-provider';
  export const confirm: ((ctx: KoaContextWithOIDC) => Promise<void>)[];
}
