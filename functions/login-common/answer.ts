import { createHash } from 'node:crypto';
import type { APIGatewayProxyResult } from 'aws-lambda';
import en from './texts.en.json' with { type: 'json' };
import nb from './texts.nb.json' with { type: 'json' };

/** An answer to the browser, before the headers that all of them carry. */
export interface Answer {
  status: number;
  headers?: Readonly<Record<string, string>>;
  cookies?: readonly string[];
  body?: string;
}

/**
 * What every answer says. Nothing of it is to be kept, framed, sniffed or shown to another origin, and the request's URL
 * (a code, a state) goes into no `Referer`. The policy lets nothing load; pages add their own styles by hash.
 */
const ALWAYS = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** Status and headers of an answer, as API Gateway's REST proxy takes them, streamed or whole. */
export function renderHead(answer: Omit<Answer, 'body'>): Omit<APIGatewayProxyResult, 'body'> {
  const { status, headers, cookies } = answer;
  return {
    statusCode: status,
    headers: { ...ALWAYS, ...headers },
    ...(cookies?.length ? { multiValueHeaders: { 'set-cookie': [...cookies] } } : {}),
  };
}

/** The answer in API Gateway's shape (REST proxy, payload 1.0). */
export function renderAnswer(answer: Answer): APIGatewayProxyResult {
  return { ...renderHead(answer), body: answer.body ?? '' };
}

/** A redirect that makes the browser GET `location` (RFC 9110 15.4.4). Expects a URL that was checked. */
export function redirect(location: string, cookies: readonly string[] = []): Answer {
  return { status: 303, headers: { location }, cookies };
}

/** A JSON answer. */
export function json(status: number, value: unknown, cookies: readonly string[] = []): Answer {
  const headers = { 'content-type': 'application/json' };
  return { status, headers, cookies, body: JSON.stringify(value) };
}

const STYLE = `:root{color-scheme:light dark;font:1.125rem/1.5 system-ui,sans-serif}
body{margin:0 auto;max-width:34rem;padding:2rem 1rem}
a{display:inline-block;padding:.6rem 1.2rem;border:2px solid;border-radius:.4rem;color:inherit}
a:focus-visible{outline:3px solid;outline-offset:3px}
p.reference{font-size:.875rem}`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** What a page shows beside its words. Paths and the reference are escaped; the title and text are ours. */
interface PageOptions {
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
  const { pages, labels } = TEXTS[language];
  const { title, text } = pages[options.page];
  const href = link && escapeHtml(link.href);
  const follow = options.follow && href ? `<meta http-equiv="refresh" content="0;url=${href}">\n` : '';
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
  '&': 'amp',
  '<': 'lt',
  '>': 'gt',
  '"': 'quot',
  "'": '#39',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&${ENTITIES[character]};`);
}

/** The languages of the pages for people. */
export type Language = 'nb' | 'en';

const KNOWN = new Map<string, Language>(Object.entries({ nb: 'nb', nn: 'nb', no: 'nb', en: 'en' }));

/** The language a person prefers, from `Accept-Language` (RFC 9110 12.5.4). Norwegian where nothing known is asked for. */
export function chooseLanguage(header: string | undefined): Language {
  const wanted = (header ?? '')
    .slice(0, 500)
    .split(',')
    .flatMap((range, position) => {
      const [tag = '', ...parameters] = range.trim().toLowerCase().split(';');
      const language = KNOWN.get(tag.trim().split('-')[0] ?? '');
      const weight = parameters.map((text) => /^\s*q=([01](?:\.\d{0,3})?)\s*$/.exec(text)?.[1]).find(Boolean);
      const quality = weight === undefined ? 1 : Number(weight);
      return language && quality > 0 ? [{ language, quality, position }] : [];
    });
  wanted.sort((a, b) => b.quality - a.quality || a.position - b.position);
  return wanted[0]?.language ?? 'nb';
}

/** Pages that exist in every language. */
export type PageName = keyof typeof nb.pages;

/** Every page (a heading, what happened and what to do), and the words of links, buttons and what a person may quote, in Norwegian bokmål and English. */
export const TEXTS: Readonly<Record<Language, typeof nb>> = { nb, en };
