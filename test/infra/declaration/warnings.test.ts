import { expect, test } from 'vitest';
import { defineSystem } from '../../../infra/declaration/define.ts';
import type { SystemInput } from '../../../infra/declaration/schema.ts';
import { findWarnings } from '../../../infra/declaration/warnings.ts';
import shipped from '../../two-clients.zones.ts';
import { changed, FULL } from './change.ts';

/** A valid declaration's warnings, with one field of the full system replaced. */
function warningsWith(path: string, value: unknown): string[] {
  const declaration = changed(path, value);
  return findWarnings(defineSystem(declaration as SystemInput)).map(
    ({ field, message }) => `${field} ${message}`,
  );
}

test('none for the shipped declaration, and for one with everything', () => {
  expect(findWarnings(shipped)).toEqual([]);
  expect(findWarnings(FULL)).toEqual([]);
});

const events = FULL.zones['internal']?.events;
const api = { baseUrl: 'https://x.example.no', audience: 'x', scopes: ['x'] };
const cidr = '10.90.0.0/20';

test.each<[string, string, unknown, RegExp]>([
  ['an entry alone', 'zones.more', { cidr, events, grants: [] }, /^zones\.more\.grants is empty.*a grant/],
  [
    'a grant and no entry',
    'zones.more',
    { cidr, grants: FULL.zones['internal']?.grants },
    /^zones\.more has grants and no entry.*add gateway, events or functions/,
  ],
  [
    'more signatures a second than KMS makes',
    'zones.internal.grants[0].signaturesPerSecond',
    1001,
    /^zones have grants.* make 1001 together/,
  ],
  ['neither', 'zones.more', { cidr, grants: [] }, /^zones\.more has neither/],
  ['an API in no grant', 'apis.more', api, /^apis\.more is in no grant/],
  [
    'a client in no grant',
    'clients.more',
    { ...FULL.clients['vendor'], clientId: 'more' },
    /^clients\.more is in no grant/,
  ],
  [
    'an API at its issuer’s origin',
    'apis.summaries.baseUrl',
    'https://helseid-sts.test.nhn.no/api',
    /^apis\.summaries\.baseUrl lies at the origin of clients\.journal\.issuer/,
  ],
])('%s', (_name, path, value, expected) => {
  expect(warningsWith(path, value)).toEqual([expect.stringMatching(expected)]);
});

test.each<[string, string, unknown]>([
  ['as many signatures a second as KMS makes', 'zones.internal.grants[0].signaturesPerSecond', 1000],
  ['an entry and a grant', 'zones.more', { cidr, events, grants: FULL.zones['internal']?.grants }],
  ['an API at another host', 'apis.documents.baseUrl', 'https://api.helseid-sts.test.nhn.no'],
])('none for %s', (_name, path, value) => {
  expect(warningsWith(path, value)).toEqual([]);
});
