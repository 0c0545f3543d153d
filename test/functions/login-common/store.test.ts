import { SESSION_TABLE_ACTIONS } from '@helseid-zones/protocol/login-routes';
import { expect, it } from 'vitest';
import type { LoginStore } from '../../../functions/login-common/store.ts';
import { arrive, sendLogoutToken } from '../login/make-login.ts';

/** What each operation of the store asks of DynamoDB (functions/login-common/store.ts); the others update an item. */
const ACTIONS: Partial<Readonly<Record<keyof LoginStore, string>>> = {
  add: 'dynamodb:PutItem',
  read: 'dynamodb:GetItem',
  take: 'dynamodb:DeleteItem',
};

it('each function may do with the table what it does, and no more', async () => {
  const { login, browser, store, issuer } = await arrive();
  const used = new Map<string, Set<string>>();
  let current = '';
  store.before = (operation) => {
    used.get(current)?.add(ACTIONS[operation] ?? 'dynamodb:UpdateItem');
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

  await browser.logIn();
  await browser.logIn();
  login.later(600);
  await browser.send('/api/summaries/1');
  await browser.logOut();
  await sendLogoutToken(login);
  // Sessions that the issuer has ended, met by either function.
  for (const path of ['/session', '/api/summaries/1']) {
    await browser.logIn();
    login.later(600);
    issuer.behaviour.fail = () => Response.json({ error: 'invalid_grant' }, { status: 400 });
    await browser.send(path);
    delete issuer.behaviour.fail;
  }
  const declared = Object.entries(SESSION_TABLE_ACTIONS).map(([name, actions]) => [name, new Set(actions)]);
  expect([...used]).toEqual(declared);
});
