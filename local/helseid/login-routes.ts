import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { languageOf, messagePage, PAGE_POLICY, userPage } from './pages.ts';
import type { TestUser } from './types.ts';

/** A middleware with the pages of the login. */
export function loginRoutes(provider: Provider, users: readonly TestUser[]) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    if (!ctx.path.startsWith('/account/login/')) return next();
    ctx.set({
      'cache-control': 'no-store',
      vary: 'accept-language',
      'content-security-policy': PAGE_POLICY,
      'referrer-policy': 'no-referrer',
    });
    try {
      if (ctx.method === 'POST') await finishLogin(ctx, provider, users);
      else await showUsers(ctx, provider, users);
    } catch {
      ctx.status = 400;
      ctx.type = 'html';
      ctx.body = messagePage('expired', languageOf(ctx));
    }
  };
}

async function showUsers(ctx: KoaContextWithOIDC, provider: Provider, users: readonly TestUser[]) {
  const { params } = await provider.interactionDetails(ctx.req, ctx.res);
  const client = await provider.Client.find(String(params['client_id']));
  ctx.type = 'html';
  const language = languageOf(ctx);
  const name = client?.clientName ?? String(params['client_id']);
  ctx.body = userPage(name, users, String(params['acr_values'] ?? ''), language);
}

async function finishLogin(ctx: KoaContextWithOIDC, provider: Provider, users: readonly TestUser[]) {
  const form = new URLSearchParams(await readForm(ctx));
  const user = users.find(({ sub }) => sub === form.get('user'));
  const result = user
    ? { login: { accountId: user.sub } }
    : { error: 'access_denied', error_description: 'the person cancelled the login' };
  const target = await provider.interactionResult(ctx.req, ctx.res, result, {
    mergeWithLastSubmission: false,
  });
  ctx.status = 303;
  ctx.redirect(target);
}

async function readForm(ctx: KoaContextWithOIDC): Promise<string> {
  let text = '';
  for await (const chunk of ctx.req) {
    text += String(chunk);
    if (text.length > 10_000) throw new Error('The form is too large.');
  }
  return text;
}
