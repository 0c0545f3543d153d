import type { JWTVerifyGetKey } from 'jose';
import type { AdapterFactory, KoaContextWithOIDC } from 'oidc-provider';
import { headersOf } from '../aws/http.ts';
import { forgetAssertion } from './oidc-provider-internals.ts';
import { createProtection } from './protect.ts';
import type { HelseIdBehaviour } from './types.ts';
import { claimsOf, TEST_USERS } from './users.ts';

/** What answers are finished with. */
type AnswerParts = { behaviour: HelseIdBehaviour; adapter: AdapterFactory };

/** What people's browsers open; everything else is for programs. */
const PAGES = /^\/(connect\/(authorize|endsession)|account\/login)(\/|$)/;

/**
 * A middleware around oidc-provider that makes its answers HelseID's: `rt_expires_in`, when a nonce is handed out, what
 * metadata says.
 */
export function finishAnswers(parts: AnswerParts) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    // OAuth's errors are JSON (RFC 6749 5.2), also for a caller who would rather have a page, like Java's default Accept.
    const program = !PAGES.test(ctx.path);
    if (program) ctx.req.headers.accept = 'application/json';
    await next();
    if (program && ctx.status === 404 && !ctx.body) {
      ctx.status = 404;
      ctx.body = { error: 'invalid_request', error_description: 'there is no such endpoint' };
    }
    const { body, oidc } = ctx as unknown as { body: unknown; oidc?: KoaContextWithOIDC['oidc'] };
    const route = oidc?.route;
    if (route === 'token' && isObject(body)) await finishToken(ctx, body, parts);
    // What HelseID's metadata leaves out.
    if (route === 'discovery' && isObject(body))
      delete body['token_endpoint_auth_signing_alg_values_supported'];
    withholdNonce(ctx, body, parts.behaviour);
  };
}

async function finishToken(ctx: KoaContextWithOIDC, body: Record<string, unknown>, parts: AnswerParts) {
  if (body['error'] === 'use_dpop_nonce' && !parts.behaviour.challengeConsumesAssertion)
    await forgetAssertion(ctx, parts.adapter);
  const { RefreshToken: refreshToken } = ctx.oidc.entities;
  if (body['refresh_token'] && refreshToken) body['rt_expires_in'] = refreshToken.remainingTTL;
}

function withholdNonce(ctx: KoaContextWithOIDC, body: unknown, { nonce }: HelseIdBehaviour) {
  const demanded = isObject(body) && body['error'] === 'use_dpop_nonce';
  if (nonce === 'never' || (nonce === 'with-400' && !demanded)) ctx.remove('dpop-nonce');
}

/** Of its own, since the stand-in takes nothing but errors from what it tests. */
function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * A middleware that answers userinfo (OpenID Connect Core 5.3) for tokens that are meant for APIs, which oidc-provider would
 * refuse there: the scope `openid` and a proof by the token's key are asked for, and no audience. Opaque tokens are left to
 * oidc-provider.
 */
export function answerUserinfo(issuer: string, keys: JWTVerifyGetKey) {
  const protect = createProtection({ issuer, scopes: ['openid'] }, keys);
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    const asked = ctx.path === '/connect/userinfo' && /^(GET|POST)$/.test(ctx.method);
    if (!asked || !ctx.get('authorization').includes('.')) return next();
    const url = new URL(`${issuer}${ctx.path}`);
    const call = { method: ctx.method, url, headers: headersOf(ctx.req), body: '' };
    const answer = await protect(call, async ({ claims }) => {
      const user = TEST_USERS.find(({ sub }) => sub === claims.sub);
      if (user === undefined) return { status: 401, body: { error: 'invalid_token' } };
      return { status: 200, body: claimsOf(user, String(claims['scope']).split(' ')) };
    });
    ctx.status = answer.status;
    ctx.set({ 'cache-control': 'no-store', ...answer.headers });
    ctx.body = answer.body;
  };
}
