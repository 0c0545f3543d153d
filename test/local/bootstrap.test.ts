import { expect, test } from 'vitest';
import { requireOwner } from '../../local/bootstrap.ts';

const owner = { clientId: 'a', issuer: 'https://localhost:3443' };

test.each([
  ['a new state', {}],
  ['the state of an earlier start', { ...owner, client: 'journal' }],
])('%s is taken', (_, record) => {
  expect(() => requireOwner(record, owner)).not.toThrow();
});

test('the state of another declaration is taken while no key of it was registered', () => {
  const key = { kid: 'k', keyArn: 'a', algorithm: 'ES256', state: 'created', since: { created: 1 } } as const;
  const record = { ...owner, clientId: 'b', keys: [key] };
  expect(() => requireOwner(record, owner)).not.toThrow();
  const registered = { ...key, state: 'registered', since: { created: 1, registered: 2 } } as const;
  expect(() => requireOwner({ ...record, keys: [key, registered] }, owner)).toThrow(/for clientId b/);
});

test.each([
  ['other ports', { ...owner, issuer: 'https://localhost:4443' }, /for issuer https:\/\/localhost:4443/],
  ['another declaration', { ...owner, clientId: 'b' }, /for clientId b/],
])('the state of a start with %s is refused, saying what to do', (_, record, message) => {
  expect(() => requireOwner(record, owner)).toThrow(
    expect.objectContaining({ code: 'local_failed', message: expect.stringMatching(message) }),
  );
  expect(() => requireOwner(record, owner)).toThrow(/--fresh.*--directory/);
});
