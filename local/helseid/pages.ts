import { createHash } from 'node:crypto';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { TestUser } from './types.ts';

/** The languages of the pages. */
export type Language = 'nb' | 'en';

/** The one that the browser prefers (RFC 9110 12.5.4); Norwegian where it prefers neither. */
export function languageOf(ctx: Pick<KoaContextWithOIDC, 'acceptsLanguages'>): Language {
  return ctx.acceptsLanguages('nb', 'nn', 'no', 'en') === 'en' ? 'en' : 'nb';
}

/** The pages without a form: a title and a sentence. */
type MessageName = 'expired' | 'failed' | 'loggedOut';

interface Texts extends Record<MessageName, readonly [title: string, text: string]> {
  logIn: string;
  asksYou(clientName: string, asked: string): string;
  securityLevel: string;
  cancel: string;
  standIn: string;
  logOut: readonly [title: string, text: string, button: string];
}

const TEXTS: Readonly<Record<Language, Texts>> = {
  nb: {
    logIn: 'Logg inn hos HelseIDs stedfortreder',
    asksYou: (client, asked) => `${client} ber deg logge inn${asked}. Hvem vil du være?`,
    securityLevel: 'Sikkerhetsnivå',
    cancel: 'Avbryt',
    standIn: 'Dette er en lokal stedfortreder. Personene finnes ikke, og ingenting forlater denne maskinen.',
    logOut: ['Logge ut?', 'Du blir logget ut overalt hvor du brukte denne innloggingen.', 'Logg ut'],
    expired: ['Innloggingen er utløpt', 'Gå tilbake dit du kom fra, og logg inn på nytt.'],
    failed: ['Det gikk ikke', ''],
    loggedOut: ['Logget ut', 'Du er logget ut.'],
  },
  en: {
    logIn: 'Log in at HelseID’s stand-in',
    asksYou: (client, asked) => `${client} asks you to log in${asked}. Whom do you want to be?`,
    securityLevel: 'Security level',
    cancel: 'Cancel',
    standIn: 'This is a local stand-in. These people do not exist, and nothing leaves this machine.',
    logOut: ['Log out?', 'You will be logged out everywhere you used this login.', 'Log out'],
    expired: ['The login has expired', 'Go back to where you came from and log in again.'],
    failed: ['That did not work', ''],
    loggedOut: ['Logged out', 'You are logged out.'],
  },
};

const STYLE = `
:root { color-scheme: light dark; --line: #8a8f98; --accent: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --line: #6b7280; --accent: #8ec5ff; } }
* { box-sizing: border-box; }
body { font: 1.0625rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 0 auto; padding: 1.5rem 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .5rem; }
ul { list-style: none; margin: 1.5rem 0; padding: 0; display: grid; gap: .75rem; }
button { font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: .5rem;
  padding: .75rem 1rem; cursor: pointer; min-height: 2.75rem; }
li button { width: 100%; text-align: start; }
button:hover { border-color: var(--accent); }
button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
strong, .more { display: block; }
.note { border-inline-start: 4px solid var(--line); padding-inline-start: .75rem; }
`;

/** The policy that the pages hold to: their own style and nothing else. No form-action: a login ends in a redirect to the client. */
export const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; frame-ancestors 'none'`;

/** Where a person picks who to be. `asked` is what the client asked for, e.g. `Level4`. */
export function userPage(
  clientName: string,
  users: readonly TestUser[],
  asked: string,
  language: Language,
): string {
  const texts = TEXTS[language];
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
    `<p>${escapeHtml(texts.asksYou(clientName, asked ? ` (${asked})` : ''))}</p>
<form method="post"><ul>${items.join('')}</ul><button name="cancel" value="yes">${texts.cancel}</button></form>
<p class="note">${texts.standIn}</p>`,
  );
}

/** A page with a message, for errors and after logout. `detail` is what the protocol says, in its own words. */
export function messagePage(name: MessageName, language: Language, detail = ''): string {
  const [title, text] = TEXTS[language][name];
  return page(language, title, `<p>${escapeHtml(text || detail)}</p>`);
}

/** Asks whether to log out; `form` is oidc-provider's. */
export function logoutPage(form: string, language: Language): string {
  const [title, text, button] = TEXTS[language].logOut;
  return page(
    language,
    title,
    `${form}<p>${text}</p>
<button form="op.logoutForm" name="logout" value="yes">${button}</button>`,
  );
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
