import { parseGrant } from '@helseid-zones/protocol/grant';
import { expect, test } from 'vitest';
import { deriveGrants } from '../../infra/declaration/derive.ts';
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

test.each<[string, object, string]>([
  ['another version', { version: 2 }, 'version'],
  ['an unknown member', { extra: true }, 'extra'],
  ['no client', { client: undefined }, 'client'],
  ['an http issuer', { issuer: 'http://sts.example.no' }, 'issuer'],
  ['a word for details', { assertions: { details: 'all' } }, 'assertions.details'],
  ['a detail of unknown type', { assertions: { details: [{ type: 'x' }] } }, 'assertions.details'],
  [
    'an http origin',
    { proofs: [{ origin: 'http://a.no', methods: ['GET'], paths: ['/'], ath: true }] },
    'proofs.0.origin',
  ],
  [
    'an origin with a path',
    { proofs: [{ origin: 'https://a.no/x', methods: ['GET'], paths: ['/'], ath: true }] },
    'proofs.0.origin',
  ],
  [
    'a target that does not say whether it takes tokens',
    { proofs: [{ origin: 'https://a.no', methods: ['GET'], paths: ['/'] }] },
    'proofs.0.ath',
  ],
  [
    'a path without a slash',
    { proofs: [{ origin: 'https://a.no', methods: ['GET'], paths: ['x'], ath: true }] },
    'proofs.0.paths.0',
  ],
  [
    'a lifetime that is no number',
    { profile: { ...testGrant().profile, assertionLifetime: '8' } },
    'profile.assertionLifetime',
  ],
])('refused: %s', (_name, changes, field) => {
  expect(() => parseGrant(JSON.stringify({ ...testGrant(), ...changes }))).toThrow(
    expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(field) }),
  );
});

test('refused: what is not JSON', () => {
  expect(() => parseGrant('{')).toThrow(expect.objectContaining({ code: 'config_invalid' }));
});
