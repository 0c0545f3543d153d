import { parseZoneConfig, TARGET_PATH } from '@helseid-zones/protocol/config';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { isObject, required } from '@helseid-zones/protocol/values';
import { describe, expect, test } from 'vitest';
import { coded } from '../coded.ts';

/** A config with every member, and none that a default could have put there. */
const FULL = {
  version: 1,
  system: 'journal',
  zone: 'public',
  clients: {
    journal: {
      clientId: 'c',
      issuer: 'https://sts.example.no',
      tenancy: 'multi-tenant',
      profile: { ...helseIdProfile, logoutTokenTyp: 'logout+jwt' },
    },
  },
  apis: {
    documents: {
      baseUrl: 'https://a.no',
      audience: 'a',
      scopes: ['a/b'],
      resource: 'urn:a',
      clients: ['journal'],
    },
  },
  routes: [{ method: 'GET', path: '/a/{id}', authorize: 'helseid' }],
  baseUrl: 'https://www.example.no',
  login: {
    client: 'journal',
    scopes: ['openid', 'profile'],
    securityLevel: '4',
    maxAge: 0,
    prompt: 'login',
    acrValues: ['idporten-loa-high'],
    onBehalfOf: '974760673',
    requestObject: true,
    idleMinutes: 1,
    absoluteMinutes: 2,
    forward: [{ method: 'POST', path: '/a/{id}', api: 'documents', to: '/b/{id}', headers: ['x-a1'] }],
  },
  authorizer: {
    client: 'journal',
    audience: 'a',
    scopes: ['a/b'],
    securityLevel: '3',
    otherAudiences: true,
    proofAge: 1,
    clockSkew: 0,
  },
  rotation: {
    journal: {
      algorithm: 'ES256',
      everyDays: 60,
      longestTokenLifetime: 0,
      propagation: 20,
      selfService: { baseUrl: 'https://a.no', audience: 'a', scope: 'a', body: 'object' },
    },
  },
};

/** {@link FULL} with the member at `path` changed, or gone. */
function changed(path: string, value: unknown): typeof FULL {
  const copy = structuredClone(FULL);
  const names = path.split('.');
  const last = names.pop() ?? '';
  const parent: object = names.reduce<object>((at, name) => Reflect.get(at, name), copy);
  if (value === undefined) Reflect.deleteProperty(parent, last);
  else Reflect.set(parent, last, value);
  return copy;
}
const parse = (config: unknown) => parseZoneConfig(JSON.stringify(config));

/** By member: values that it takes, and values that it does not. */
const MEMBERS: [path: string, taken: unknown[], not: unknown[]][] = [
  ['version', [], [2, '1']],
  ['clients.journal.tenancy', ['single-tenant'], ['tenant', '']],
  ['clients.journal.profile.idTokenAlgorithm', ['RS256', 'PS512'], ['RS512', 'none', '']],
  ['clients.journal.profile.accessTokenAlgorithm', ['ES256'], ['HS256']],
  ['clients.journal.profile.logoutTokenTyp', [undefined], ['JWT', '']],
  ['clients.journal.profile.assertionLifetime', [1], [0, 1.5]],
  ['clients.journal.profile.assertionBackdate', [0, 60], [61, -1]],
  ['clients.journal.profile.detailTypes', [[]], [['x'], ['']]],
  ['clients.journal.profile.proofAtPar', [true], ['false', undefined]],
  [
    'clients.journal.profile.assertionTyp',
    ['JWT', 'application/a+jwt', `a${'b'.repeat(126)}`, '0!#$&^_.+-a'],
    [
      'a b',
      ' a',
      'a ',
      'x/a',
      'application/',
      '+a',
      `a${'b'.repeat(127)}`,
      '',
      // What would pass as another kind of token of the same client.
      ...['dpop+jwt', 'DPoP+JWT', 'application/dpop+jwt'],
      'oauth-authz-req+jwt',
      'application/OAuth-Authz-Req+jwt',
    ],
  ],
  [
    'clients.journal.profile.requestObjectTyp',
    ['JWT', 'xapplication'],
    ['dpop+jwt', 'client-authentication+jwt'],
  ],
  ...['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].map((method): [string, unknown[], unknown[]] => [
    'routes.0.method',
    [method],
    [`${method}S`],
  ]),
  ['routes.0.authorize', ['iam'], ['none', '']],
  [
    'routes.0.path',
    ['/', '/a', '/a:b._$-1', '/{a}/b/{c_1}', '/a/{b+}', '/{b+}', '/a..b', '/..a'],
    [
      'a',
      '/a/',
      '//',
      '/a b',
      '/x-{id}',
      '/{id',
      '/{}',
      '/{a-b}',
      '/{a+}/b',
      '/{+}',
      '/{a++}',
      '/a/{b-c+}',
      '/.',
      '/..',
      '/a/..',
      '/a/./b',
      '/../b',
      'x/',
      '/x?',
    ],
  ],
  [
    'login.forward.0.path',
    ['/a', '/a/{id_1}', '/A9._$-'],
    ['/', 'a', '/a/', '/{a+}', '/a:b', '/..', '/a~', '/{}', '/a b'],
  ],
  ['login.forward.0.headers.0', ['x-a', '0'], ['X-a', 'x_a', ' x', 'x ', '']],
  ['login.forward.0.to', [undefined], ['']],
  ['login.scopes', [['openid']], [['profile'], [], ['openid', 'a b']]],
  ['login.securityLevel', [undefined, '2', '3'], ['1', '', 4]],
  ['login.acrValues', [undefined], [[], ['']]],
  ['login.prompt', [undefined, 'select_account'], ['none', '']],
  ['login.maxAge', [undefined], [-1]],
  ['login.onBehalfOf', [undefined], ['974760674']],
  ['login.idleMinutes', [], [0]],
  ['login.absoluteMinutes', [], [0]],
  ['authorizer.scopes', [], [[]]],
  ['authorizer.proofAge', [], [0]],
  ['authorizer.clockSkew', [], [-1]],
  ['apis.documents.resource', [undefined], ['']],
  ['rotation.journal.algorithm', ['PS512'], ['RS256']],
  ['rotation.journal.selfService', [undefined], [{}]],
  ['rotation.journal.selfService.body', ['string'], ['json', '']],
  ['rotation.journal.everyDays', [], [0]],
  ['baseUrl', [undefined], ['']],
  ['login', [undefined], ['']],
  ['authorizer', [undefined], ['']],
  ['rotation', [undefined], ['']],
];

test('a config with everything is read as it is', () => {
  expect(parse(FULL)).toEqual(FULL);
});

describe.each(MEMBERS)('%s', (path, taken, not) => {
  test.each(taken.map((value) => [value]))('may be %j', (value) => {
    const config = changed(path, value);
    expect(parse(config)).toEqual(config);
  });

  test.each([...not, { not: 'a value' }].map((value) => [value]))('may not be %j', (value) => {
    expect(() => parse(changed(path, value))).toThrow(coded('config_invalid', /^config\.json is .*deploy/));
  });
});

test.each<[string, unknown]>([
  ['login.requestObject', false],
  ['login.idleMinutes', 30],
  ['login.absoluteMinutes', 480],
  ['authorizer.otherAudiences', false],
  ['authorizer.proofAge', 10],
  ['authorizer.clockSkew', 5],
])('%s is %j where nothing is declared', (path, value) => {
  expect(parse(changed(path, undefined))).toEqual(changed(path, value));
});

test.each([
  '',
  'clients.journal.',
  'apis.documents.',
  'routes.0.',
  'login.',
  'login.forward.0.',
  'authorizer.',
  'rotation.journal.',
])('a member that nobody knows is refused: %sextra', (path) => {
  expect(() => parse(changed(`${path}extra`, 1))).toThrow(coded('config_invalid', `(${path}extra)`));
});

test('what is no JSON is refused as a whole', () => {
  expect(() => parseZoneConfig('{')).toThrow(coded('config_invalid', '(the whole)'));
});

test.each([
  ['/a/{id}/b', true],
  ['/a~b', true],
  ['', false],
  ['/', false],
  ['x/a', false],
  ['/a?', false],
])('%j is a path below an API: %s', (path, expected) => {
  expect(TARGET_PATH.test(path)).toBe(expected);
});

describe('what everything is made of', () => {
  test.each([undefined, null, ''])('%j is missing, and the error names it', (value) => {
    expect(() => required(value, 'The zone')).toThrow(new TypeError('The zone is missing.'));
  });

  test.each([0, false, 'x'])('%j is there', (value) => {
    expect(required(value, 'x')).toBe(value);
  });

  test.each([
    [{}, true],
    [null, false],
    [[], false],
    ['x', false],
    [undefined, false],
    [() => 1, false],
  ])('%j is an object: %s', (value, expected) => {
    expect(isObject(value)).toBe(expected);
  });

  test('an error has its code, its facts but those that are undefined, and its cause only where there is one', () => {
    const cause = new Error('x');
    const error = new ZonesError('grant_refused', 'No.', { cause, facts: { field: 'url' } });
    const facts = { field: 'url' };
    expect(error).toMatchObject({ name: 'ZonesError', code: 'grant_refused', facts, cause });
    const bare = new ZonesError('config_invalid', 'No.');
    expect(bare.facts).toEqual({});
    expect(bare).not.toHaveProperty('cause');
    const codes = ['grant_refused', 'key_unknown'] as const;
    const are = codes.map((code) => isZonesError(error, code));
    expect([isZonesError(error), ...are]).toEqual([true, true, false]);
    expect(isZonesError({ ...error })).toBe(false);
  });
});
