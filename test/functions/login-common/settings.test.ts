import { loginRoutes } from '@helseid-zones/protocol/login-routes';
import { describe, expect, it } from 'vitest';
import { readOrganization } from '../../../functions/login-common/person.ts';
import { deriveSettings } from '../../../functions/login-common/settings.ts';
import { coded } from '../../coded.ts';
import { GATEWAY, makeConfig } from '../login/make-login.ts';

describe('settings', () => {
  it('derive from the declaration, with defaults', () => {
    const settings = deriveSettings(makeConfig(), `${GATEWAY}/`);
    expect(settings).toMatchObject({
      gatewayUrl: 'https://journal.test/live',
      origin: 'https://journal.test',
      basePath: '/live',
      redirectUri: 'https://journal.test/live/callback',
      postLogoutRedirectUri: 'https://journal.test/live/logout/callback',
      scope: 'openid offline_access test:summaries/read test:documents/read',
      idleSeconds: 1800,
      absoluteSeconds: 28_800,
      resources: ['https://api.test/summaries', 'https://api.test/documents'],
      first: { name: 'summaries', resource: 'https://api.test/summaries' },
      firstIsNarrow: true,
    });
    expect([...settings.forward.keys()]).toEqual([
      'GET /api/summaries/{id}',
      'GET /api/documents/{id}',
      'POST /api/documents',
    ]);
  });

  it.each([
    ['http://localhost:3000', '', 'http://localhost:3000'],
    ['https://www.journal.test/app', '/app', 'https://www.journal.test'],
  ])('take the declared URL %s before the gateway’s own', (baseUrl, basePath, origin) => {
    const settings = deriveSettings({ ...makeConfig(), baseUrl }, GATEWAY);
    expect(settings).toMatchObject({ redirectUri: `${baseUrl}/callback`, basePath, origin });
  });

  it('know a login without APIs', () => {
    const settings = deriveSettings(makeConfig({ forward: [] }), GATEWAY);
    expect(settings).toMatchObject({ resources: [], first: { name: '' }, firstIsNarrow: true });
  });

  it.each<[string, object, string | undefined]>([
    ['no login', { login: undefined }, GATEWAY],
    ['an unknown client', makeConfig({ client: 'other' }), GATEWAY],
    ['an unknown API', makeConfig({ forward: [{ method: 'GET', path: '/a', api: 'other' }] }), GATEWAY],
    ['no gateway URL', {}, undefined],
    ['an empty gateway URL', {}, ''],
    ['a gateway URL that is none', {}, 'journal.test'],
    ['a gateway URL of another scheme', {}, 'ftp://journal.test'],
    ['a gateway URL with a query', {}, 'https://journal.test/?a'],
    ['a gateway URL with a fragment', {}, 'https://journal.test/#a'],
  ])('refuse %s', (_, config, url) => {
    expect(() => deriveSettings({ ...makeConfig(), ...config }, url)).toThrow(coded('config_invalid'));
  });
});

describe('routes', () => {
  it('are the fixed ones and the forwarded ones', () => {
    const routes = loginRoutes(makeConfig().login ?? { forward: [] });
    const written = routes.map(({ streamed, ...route }) => [
      route.method,
      route.path,
      route.function,
      ...(streamed ? ['streamed'] : []),
    ]);
    expect(written.map((words) => words.join(' '))).toEqual([
      'GET /login login',
      'GET /callback callback',
      'GET /session session',
      'POST /session session',
      'POST /logout logout',
      'GET /logout/callback logout',
      'POST /logout/backchannel logout',
      'GET /api/summaries/{id} api streamed',
      'GET /api/documents/{id} api streamed',
      'POST /api/documents api streamed',
    ]);
  });
});

describe('an organisation of a multi-tenant client', () => {
  it.each([{ parent: '994598759' }, { parent: '994598759', child: '883974832' }])('may be %j', (value) => {
    expect(readOrganization(value, 'multi-tenant')).toEqual(value);
  });

  it.each([
    { child: '883974832' },
    { parent: '' },
    { parent: '994598759', child: '' },
    { parent: ' 994598759' },
  ])('may not be %j', (value) => {
    expect(() => readOrganization(value, 'multi-tenant')).toThrow(coded('request_malformed'));
  });
});
