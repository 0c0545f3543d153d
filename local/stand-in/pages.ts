import { createHash } from 'node:crypto';
import type { TestUser } from './types.ts';

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
export function userPage(clientName: string, users: readonly TestUser[], asked: string): string {
  const items = users.map(
    (user) => `<li><button name="user" value="${escapeHtml(user.sub)}">
<strong>${escapeHtml(user.name)}</strong>
<span class="more">Security level ${user.securityLevel} (${escapeHtml(user.idp)})</span>
<span class="more">${escapeHtml([user.organization, user.hprNumber && `HPR ${user.hprNumber}`].filter(Boolean).join(', '))}</span>
</button></li>`,
  );
  return page(
    'Log in at HelseID’s stand-in',
    `<p>${escapeHtml(clientName)} asks you to log in${asked ? ` (${escapeHtml(asked)})` : ''}. Whom do you want to be?</p>
<form method="post"><ul>${items.join('')}</ul><button name="cancel" value="yes">Cancel</button></form>
<p class="note">This is a local stand-in. These people do not exist, and nothing leaves this machine.</p>`,
  );
}

/** A page with a message, for errors and after logout. */
export function messagePage(title: string, message: string): string {
  return page(title, `<p>${escapeHtml(message)}</p>`);
}

/** Asks whether to log out; `form` is oidc-provider's. */
export function logoutPage(form: string): string {
  return page(
    'Log out?',
    `${form}<p>You will be logged out everywhere you used this login.</p>
<button form="op.logoutForm" name="logout" value="yes">Log out</button>`,
  );
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><main><h1>${escapeHtml(title)}</h1>${body}</main></body></html>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
