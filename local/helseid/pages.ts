import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';
import en from './pages.en.json' with { type: 'json' };
import nb from './pages.nb.json' with { type: 'json' };
import { TEST_USERS, type TestUser } from './users.ts';

/** The languages of the pages. */
type Language = 'nb' | 'en';

/** The one that the browser prefers (RFC 9110 12.5.4); Norwegian where it prefers neither. */
export function languageOf(ctx: Pick<KoaContextWithOIDC, 'acceptsLanguages'>): Language {
  return ctx.acceptsLanguages('nb', 'nn', 'no', 'en') === 'en' ? 'en' : 'nb';
}

const TEXTS = { nb, en };

/** The pages without a form: a title and a sentence. */
type MessageName = 'expired' | 'failed' | 'loggedOut';

const STYLE = readFileSync(new URL('./pages.css', import.meta.url), 'utf8');

/** The policy that the pages hold to: their own style and nothing else. No form-action: a login ends in a redirect to the client. */
const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; frame-ancestors 'none'`;

/** Where a person picks who to be. `asked` is what the client asked for, e.g. `Level4`. */
export function userPage(clientName: string, users: readonly TestUser[], asked: string, language: Language) {
  const texts = TEXTS[language];
  const asks = texts.asksYou
    .replace('{client}', () => clientName)
    .replace('{asked}', () => (asked ? ` (${asked})` : ''));
  const items = users.map(
    (user) => `<li><button name="user" value="${escapeHtml(user.sub)}">
<strong>${escapeHtml(user.name)}</strong>
<span class="more">${texts.securityLevel} ${user.securityLevel} (${escapeHtml(user.idp)})</span>
<span class="more">${escapeHtml([user.organization, user.hprNumber && `HPR ${user.hprNumber}`].filter(Boolean).join(', '))}</span>
</button></li>`,
  );
  return page(
    language,
    texts.logIn,
    `<p>${escapeHtml(asks)}</p>
<form method="post"><ul>${items.join('')}</ul><button name="cancel" value="yes">${texts.cancel}</button></form>
<p class="note">${texts.standIn}</p>`,
  );
}

/** A page with a message, for errors and after logout. `detail` is what the protocol says, in its own words. */
export function messagePage(name: MessageName, language: Language, detail = ''): string {
  const [title = '', text] = TEXTS[language][name];
  return page(language, title, `<p>${escapeHtml(text || detail)}</p>`);
}

/** Asks whether to log out; `form` is oidc-provider's. */
export function logoutPage(form: string, language: Language): string {
  const [title = '', text, button] = TEXTS[language].logOut;
  const submit = `<button form="op.logoutForm" name="logout" value="yes">${button}</button>`;
  return page(language, title, `${form}<p>${text}</p>\n${submit}`);
}

function page(language: Language, title: string, body: string): string {
  return `<!doctype html>
<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><main><h1>${escapeHtml(title)}</h1>${body}</main></body></html>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Answers with a page under the pages' policy. */
export function showPage(ctx: KoaContextWithOIDC, html: string) {
  ctx.type = 'html';
  ctx.set('content-security-policy', PAGE_POLICY);
  ctx.body = html;
}

/** A middleware with the pages of the login. */
export function loginRoutes(provider: Provider) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    if (!ctx.path.startsWith('/account/login/')) return next();
    ctx.set({ 'cache-control': 'no-store', vary: 'accept-language', 'referrer-policy': 'no-referrer' });
    ctx.set('content-security-policy', PAGE_POLICY);
    try {
      if (ctx.method === 'POST') await finishLogin(ctx, provider);
      else await showUsers(ctx, provider);
    } catch {
      ctx.status = 400;
      showPage(ctx, messagePage('expired', languageOf(ctx)));
    }
  };
}

async function showUsers(ctx: KoaContextWithOIDC, provider: Provider) {
  const { params } = await provider.interactionDetails(ctx.req, ctx.res);
  const client = await provider.Client.find(String(params['client_id']));
  const name = client?.clientName ?? String(params['client_id']);
  showPage(ctx, userPage(name, TEST_USERS, String(params['acr_values'] ?? ''), languageOf(ctx)));
}

async function finishLogin(ctx: KoaContextWithOIDC, provider: Provider) {
  const form = new URLSearchParams(await readForm(ctx));
  const user = TEST_USERS.find(({ sub }) => sub === form.get('user'));
  const result = user
    ? { login: { accountId: user.sub } }
    : { error: 'access_denied', error_description: 'the person cancelled the login' };
  ctx.status = 303;
  const options = { mergeWithLastSubmission: false };
  ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result, options));
}

async function readForm(ctx: KoaContextWithOIDC): Promise<string> {
  let text = '';
  for await (const chunk of ctx.req) {
    text += String(chunk);
    if (text.length > 10_000) throw new Error('The form is too large.');
  }
  return text;
}
