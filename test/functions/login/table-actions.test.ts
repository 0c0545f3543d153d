import { type LoginFunction, SESSION_TABLE_ACTIONS } from '@helseid-zones/protocol/login-routes';
import { expect, it } from 'vitest';
import type { LoginStore } from '../../../functions/login-common/store.ts';
import { makeLogin, openBrowser } from './make-login.ts';

/** What each operation of the store asks of DynamoDB (functions/login-common/store.ts). */
const ACTIONS: Readonly<Record<keyof LoginStore, string>> = {
  add: 'dynamodb:PutItem',
  read: 'dynamodb:GetItem',
  close: 'dynamodb:UpdateItem',
  take: 'dynamodb:DeleteItem',
  remove: 'dynamodb:DeleteItem',
  replace: 'dynamodb:UpdateItem',
  extend: 'dynamodb:UpdateItem',
  lease: 'dynamodb:UpdateItem',
  release: 'dynamodb:UpdateItem',
  link: 'dynamodb:UpdateItem',
  unlink: 'dynamodb:UpdateItem',
};

it('each function may do with the table what it does, and no more', async () => {
  const login = await makeLogin();
  const used = new Map<string, Set<string>>();
  let current = '';
  login.store.before = (operation) => {
    used.get(current)?.add(ACTIONS[operation]);
  };
  const handlers = { ...login.handlers };
  for (const [name, handler] of Object.entries(handlers)) {
    used.set(name, new Set());
    handlers[name] = (event) => {
      current = name;
      return handler(event);
    };
  }
  Object.assign(login, { handlers });

  const browser = openBrowser(login);
  await browser.logIn();
  await browser.logIn();
  login.world.clock.now += 600_000;
  await browser.send('/api/summaries/1');
  await browser.send('/logout', { method: 'POST' });
  await browser.send('/logout/backchannel', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `logout_token=${await login.world.issuer.signLogoutToken()}`,
  });
  // Sessions that the issuer has ended, met by either function.
  for (const path of ['/session', '/api/summaries/1']) {
    await browser.logIn();
    login.world.clock.now += 600_000;
    login.world.issuer.behaviour.fail = () => Response.json({ error: 'invalid_grant' }, { status: 400 });
    await browser.send(path);
    delete login.world.issuer.behaviour.fail;
  }
  const actions = [...used].map(([name, set]) => [name, [...set].sort()]);
  const declared = (Object.keys(SESSION_TABLE_ACTIONS) as LoginFunction[]).map((name) => [
    name,
    [...SESSION_TABLE_ACTIONS[name]].sort(),
  ]);
  expect(actions).toEqual(declared);
});
