import { expect, test } from 'vitest';
import { renderPage } from '../../../../functions/login-common/answer.ts';
import { readForm, readRefresh } from '../../../../local/app/browser/html.ts';
import { userPage } from '../../../../local/helseid/pages.ts';
import { TEST_USERS } from '../../../../local/helseid/users.ts';

test('a form is its action and its hidden fields', () => {
  const html = `<form id="f" method="post" action="/end?a=1&amp;b=2"><input type="hidden" name="xsrf" value="a&#39;&quot;b"/>
<input name="shown" value="no"></form><form action="/second"></form>`;
  expect(readForm(html)).toEqual({ action: '/end?a=1&b=2', fields: { xsrf: `a'"b` } });
  expect(readForm('<p>none</p>')).toBeUndefined();
});

test('the stand-in’s page of people has a form to its own address', () => {
  expect(readForm(userPage('journal', TEST_USERS, '', 'nb'))).toEqual({ action: '', fields: {} });
});

test('a page of ours that goes on by itself says where, one that does not says nothing', () => {
  const page = (follow: boolean) =>
    String(
      renderPage({
        ...{ status: 200, page: 'continuing', language: 'en', follow },
        link: { label: 'goOn', href: '/callback?a=1&continued=1' },
      }).body,
    );
  expect(readRefresh(page(true))).toBe('/callback?a=1&continued=1');
  expect(readRefresh(page(false))).toBeUndefined();
});

test('an entity that is not known stays as it is', () => {
  expect(readRefresh('<meta http-equiv="refresh" content="0; url=/a?b=&nbsp;&lt;&#60;">')).toBe(
    '/a?b=&nbsp;<<',
  );
});
