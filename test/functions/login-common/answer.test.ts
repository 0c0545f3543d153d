import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type PageName, renderAnswer, renderPage, TEXTS } from '../../../functions/login-common/answer.ts';
import { OUTCOMES } from '../../../functions/login-common/serve.ts';

const pages = Object.keys(TEXTS.nb.pages) as PageName[];
const link = { label: 'logIn', href: '/live/login' } as const;

describe('pages for people', () => {
  it.each(pages)('%s says in both languages what happened and what to do', (page) => {
    for (const language of ['nb', 'en'] as const) {
      const { body, headers } = renderAnswer(renderPage({ status: 200, page, language, link }));
      expect(headers?.['content-language']).toBe(language);
      expect(body).toContain(`<html lang="${language}">`);
      expect(body.match(/<h1>/g)).toHaveLength(1);
      expect(body).toContain(`<title>${TEXTS[language].pages[page].title}</title>`);
      expect(body).toContain('<main>');
      expect(body).toContain('name="viewport"');
      expect(body).not.toMatch(/<script|style=|\son[a-z]+=|src=/);
    }
    expect(TEXTS.nb.pages[page]).not.toEqual(TEXTS.en.pages[page]);
  });

  it('have a policy that allows their own style and nothing else', () => {
    const { body, headers } = renderAnswer(
      renderPage({ status: 200, page: 'expired', language: 'nb', link }),
    );
    const style = /<style>([\s\S]*?)<\/style>/.exec(body)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(headers?.['content-security-policy']).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'strict-transport-security': 'max-age=31536000',
      'cross-origin-opener-policy': 'same-origin',
    });
  });

  it('escape what is not theirs', () => {
    const href = '/a?x="><script>alert(1)</script>&y=\'';
    const page = { status: 400, page: 'failed', language: 'en', follow: true } as const;
    const { body } = renderAnswer(renderPage({ ...page, link: { label: 'goOn', href }, reference: '<b>' }));
    expect(body).not.toContain('<script');
    expect(body).not.toContain('<b>');
    expect(body).toContain('&quot;&gt;&lt;script&gt;');
  });
});

describe('outcomes', () => {
  it('name known pages only', () => {
    for (const { status, page } of Object.values(OUTCOMES)) {
      expect(pages).toContain(page);
      expect(status).toBeGreaterThanOrEqual(400);
    }
  });
});
