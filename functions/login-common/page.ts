import { createHash } from 'node:crypto';
import type { Answer } from './answer.ts';
import type { Language } from './language.ts';
import { LABELS, type PageName, TEXTS } from './texts.ts';

const STYLE = `:root{color-scheme:light dark;font:1.125rem/1.5 system-ui,sans-serif}
body{margin:0 auto;max-width:34rem;padding:2rem 1rem}
a{display:inline-block;padding:.6rem 1.2rem;border:2px solid;border-radius:.4rem;color:inherit}
a:focus-visible{outline:3px solid;outline-offset:3px}
p.reference{font-size:.875rem}`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** What a page shows beside its words. Paths and the reference are escaped; the title and text are ours. */
export interface PageOptions {
  status: number;
  page: PageName;
  language: Language;
  /** Where the one link leads, if there is one; a checked path on this site. */
  link?: { label: 'goOn' | 'logIn'; href: string };
  /** Whether the browser follows the link by itself. */
  follow?: boolean;
  /** What a person may quote when asking for help. */
  reference?: string;
  cookies?: readonly string[];
}

/** A small page for people: one heading, one sentence, at most one link; without script, and nothing loaded. */
export function renderPage(options: PageOptions): Answer {
  const { language, link } = options;
  const { title, text } = TEXTS[language][options.page];
  const labels = LABELS[language];
  const href = escapeHtml(link?.href ?? '');
  const follow = options.follow ? `<meta http-equiv="refresh" content="0;url=${href}">\n` : '';
  const way = link ? `<p><a href="${href}">${labels[link.label]}</a></p>\n` : '';
  const reference =
    options.reference === undefined
      ? ''
      : `<p class="reference">${labels.reference}: ${escapeHtml(options.reference)}</p>\n`;
  return {
    status: options.status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-language': language,
      'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      vary: 'accept, accept-language',
    },
    cookies: options.cookies ?? [],
    body: `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${follow}<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p>${text}</p>
${way}${reference}</main>
</body>
</html>
`,
  };
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
