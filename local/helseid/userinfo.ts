import type { JWTVerifyGetKey } from 'jose';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { headersOf } from '../aws/http.ts';
import { createSeenProofs, protect } from './protect.ts';
import type { TestUser } from './types.ts';
import { claimsOf } from './users.ts';

/**
 * A middleware that answers userinfo (OpenID Connect Core 5.3) for tokens that are meant for APIs, which oidc-provider would
 * refuse there: the scope `openid` and a proof by the token's key are asked for, and no audience. Opaque tokens are left to
 * oidc-provider.
 */
export function answerUserinfo(issuer: string, keys: JWTVerifyGetKey, users: readonly TestUser[]) {
  const ports = { keys, now: Date.now, seen: createSeenProofs(Date.now) };
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    if (ctx.path !== '/connect/userinfo') return next();
    if (!/^(GET|POST)$/.test(ctx.method)) {
      ctx.status = 405;
      ctx.set('allow', 'GET, POST');
      ctx.body = { error: 'invalid_request', error_description: 'ask with GET or POST' };
      return;
    }
    if (!ctx.get('authorization').includes('.')) return next();
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
