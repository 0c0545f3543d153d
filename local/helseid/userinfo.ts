import type { JWTVerifyGetKey } from 'jose';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { createSeenProofs, protect } from './protect.ts';
import { headersOf } from './serve.ts';
import type { TestUser } from './types.ts';
import { CLAIMS_BY_SCOPE, userClaims } from './users.ts';

/**
 * A middleware that answers userinfo (OpenID Connect Core 5.3) for tokens that are meant for APIs, which oidc-provider would
 * refuse there: the scope `openid` and a proof by the token's key are asked for, and no audience. Opaque tokens are left to
 * oidc-provider.
 */
export function answerUserinfo(issuer: string, keys: JWTVerifyGetKey, users: readonly TestUser[]) {
  const ports = { keys, now: Date.now, seen: createSeenProofs(Date.now) };
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    if (ctx.path !== '/connect/userinfo' || !ctx.get('authorization').includes('.')) return next();
    const call = {
      method: ctx.method,
      url: new URL(`${issuer}${ctx.path}`),
      headers: headersOf(ctx.req),
      body: '',
    };
    const rules = { issuer, scopes: ['openid'] };
    const answer = await protect(call, rules, ports, undefined, async ({ claims }) => {
      const user = users.find(({ sub }) => sub === claims.sub);
      return user && { status: 200, body: claimsOf(user, String(claims['scope']).split(' ')) };
    });
    ctx.status = answer?.status ?? 401;
    if (answer?.headers) ctx.set(answer.headers);
    ctx.set('cache-control', 'no-store');
    ctx.body = answer?.body ?? { error: 'invalid_token' };
  };
}

function claimsOf(user: TestUser, scopes: readonly string[]): Record<string, unknown> {
  const shown = new Set(scopes.flatMap((scope) => CLAIMS_BY_SCOPE[scope] ?? []));
  return Object.fromEntries(Object.entries(userClaims(user)).filter(([name]) => shown.has(name)));
}
