import type { AdapterFactory, KoaContextWithOIDC } from 'oidc-provider';
import { forgetAssertion } from './oidc-provider-internals.ts';
import type { HelseIdBehaviour } from './types.ts';

/** What answers are finished with. */
interface AnswerParts {
  behaviour: HelseIdBehaviour;
  adapter: AdapterFactory;
}

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
