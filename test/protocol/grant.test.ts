import { type AllowedDetail, type Grant, parseGrant } from '@helseid-zones/protocol/grant';
import { expect, test } from 'vitest';
import { deriveGrants } from '../../infra/declaration/derive.ts';
import { coded } from '../coded.ts';
import { testGrant } from '../functions/signer/grant-fixture.ts';
import system from '../one-client.zones.ts';

test.each(deriveGrants(system))(
  'the grant that the declaration gives $zone is read back the same',
  (grant) => {
    expect(parseGrant(JSON.stringify(grant))).toEqual(grant);
  },
);

test('a profile that demands a type of logout tokens is read back too', () => {
  const { profile } = testGrant();
  const grant = testGrant({ profile: { ...profile, logoutTokenTyp: 'logout+jwt' } });
  expect(parseGrant(JSON.stringify(grant))).toEqual(grant);
});

const target = { origin: 'https://a.no', methods: ['GET'], paths: ['/'], ath: true };

const targeting = (more: object) => ({ proofs: [{ ...target, ...more }] });
const methods = ['M'.repeat(16), 'GET'];
const details: AllowedDetail[] = [
  { type: 'helseid_authorization' },
  { type: 'helseid_authorization', parent: '983658776', child: '*' },
  { type: 'nhn:sfm:journal-id', journalId: '*' },
  { type: 'nhn:tillitsrammeverk:parameters' },
];
test.each<[string, Partial<Grant>]>([
  ['targets', targeting({ origin: 'https://[::1]:8443', methods, paths: ['/', '/a/*'] })],
  ['no targets', { proofs: [] }],
  ['many clients in one', { tenancy: 'multi-tenant', requestObjects: true }],
  ['details of every type', { assertions: { details } }],
  ['any details', { assertions: { details: 'any' } }],
])('%s are read back the same', (_name, changes) => {
  const grant = testGrant(changes);
  expect(parseGrant(JSON.stringify(grant))).toEqual(grant);
});

test.each<[string, object, string]>([
  ['a tenancy of no kind', { tenancy: 'tenant' }, 'tenancy'],
  ['an origin behind something', targeting({ origin: 'xhttps://a.no' }), 'proofs.0.origin'],
  ['an origin in upper case', targeting({ origin: 'https://A.no' }), 'proofs.0.origin'],
  ['an origin of nobody', targeting({ origin: 'https://' }), 'proofs.0.origin'],
  ...['get', 'GET ', ' GET', '', 'M'.repeat(17)].map((method): [string, object, string] => [
    ...([`the method '${method}'`, targeting({ methods: [method] }), 'proofs.0.methods.0'] as const),
  ]),
  ['no journal id', { assertions: { details: [{ type: 'nhn:sfm:journal-id' }] } }, 'assertions.details'],
  [
    'a trust framework with more',
    { assertions: { details: [{ type: 'nhn:tillitsrammeverk:parameters', parent: '*' }] } },
    'assertions.details',
  ],
  ['another version', { version: 2 }, 'version'],
  ['an unknown member', { extra: true }, 'extra'],
  ['no client', { client: undefined }, 'client'],
  ['an http issuer', { issuer: 'http://sts.example.no' }, 'issuer'],
  ['a word for details', { assertions: { details: 'all' } }, 'assertions.details'],
  ['a detail of unknown type', { assertions: { details: [{ type: 'x' }] } }, 'assertions.details'],
  ['an http origin', targeting({ origin: 'http://a.no' }), 'proofs.0.origin'],
  ['an origin with a path', targeting({ origin: 'https://a.no/x' }), 'proofs.0.origin'],
  ['a target that does not say whether it takes tokens', targeting({ ath: undefined }), 'proofs.0.ath'],
  ['a path without a slash', targeting({ paths: ['x'] }), 'proofs.0.paths.0'],
  [
    'a lifetime that is no number',
    ...([
      { profile: { ...testGrant().profile, assertionLifetime: '8' } },
      'profile.assertionLifetime',
    ] as const),
  ],
])('refused: %s', (_name, changes, field) => {
  expect(() => parseGrant(JSON.stringify({ ...testGrant(), ...changes }))).toThrow(
    coded('config_invalid', field),
  );
});

test('refused: what is not JSON', () => {
  expect(() => parseGrant('{')).toThrow(coded('config_invalid', /^grant\.json is/));
});
