import { ownVariable } from '@helseid-zones/protocol/names';
import { expect, test } from 'vitest';

test.each([
  ['table', 'open-letters', 'OPEN_LETTERS_TABLE'],
  ['client-keys', 'our-reports', 'OUR_REPORTS_CLIENT_KEYS'],
  ['secret', 'hook2', 'HOOK2_SECRET'],
] as const)('the %s %s is in the variable %s', (kind, name, variable) => {
  expect(ownVariable(kind, name)).toBe(variable);
});
