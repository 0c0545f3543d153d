import { createNonceStore } from '@helseid-zones/client/nonces';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const answer = (nonce?: string) =>
  new Response(null, nonce === undefined ? {} : { headers: { 'dpop-nonce': nonce } });
const URL_A = 'https://a.test/x';

test('the latest nonce of a server is kept, by origin and by role', () => {
  const nonces = createNonceStore();
  expect(nonces.knows('api', URL_A)).toBe(false);
  expect(nonces.keep('api', URL_A, answer('1'))).toBe('1');
  expect(nonces.keep('api', 'https://a.test/y?z', answer())).toBeUndefined();
  expect(nonces.get('api', 'https://a.test/')).toBe('1');
  expect(nonces.get('authorization-server', URL_A)).toBeUndefined();
  expect(nonces.get('api', 'https://a.test:444/')).toBeUndefined();
  nonces.keep('api', URL_A, answer('2'));
  expect(nonces.get('api', URL_A)).toBe('2');
});

test('a server that answered without a nonce is known', () => {
  const nonces = createNonceStore();
  nonces.keep('api', URL_A, answer());
  expect(nonces.knows('api', URL_A)).toBe(true);
  expect(nonces.get('api', URL_A)).toBeUndefined();
});

test.each([
  ['as long as a signer takes', ['a'.repeat(1024)], 'a'.repeat(1024)],
  ['longer', ['a'.repeat(1025)], undefined],
  ['sent twice', ['same', 'same'], 'same'],
  ['two of them: the last', ['one', 'two'], 'two'],
  ['two of them, one unusable', ['one', '"two"'], 'one'],
  ['one with a comma', ['a,b'], 'a,b'],
])('a nonce %s', (_name, values, kept) => {
  const headers = new Headers();
  for (const value of values) headers.append('dpop-nonce', value);
  const nonces = createNonceStore();
  expect(nonces.keep('api', URL_A, new Response(null, { headers }))).toBe(kept);
  expect(nonces.get('api', URL_A)).toBe(kept);
});

test('a server that is down after a good answer leaves its nonce', () => {
  const nonces = createNonceStore();
  nonces.keep('api', URL_A, answer('1'));
  nonces.keep('api', URL_A, new Response(null, { status: 503 }));
  expect(nonces.get('api', URL_A)).toBe('1');
});

test('only what RFC 9449 calls a nonce is kept', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 1100 }), (text) => {
      const nonces = createNonceStore();
      let response: Response;
      try {
        response = answer(text);
      } catch {
        return; // No header can hold it.
      }
      const received = response.headers.get('dpop-nonce') ?? '';
      const isNonce = [...received].every((c) => c > ' ' && c < '\x7f' && c !== '"' && c !== '\\');
      fc.pre(!received.includes(', '));
      const right = isNonce && received.length > 0 && received.length <= 1024;
      expect(nonces.keep('api', URL_A, response)).toBe(right ? received : undefined);
    }),
    { numRuns: 500 },
  );
});

test('it remembers a hundred servers', () => {
  const nonces = createNonceStore();
  for (let n = 0; n < 101; n += 1) nonces.keep('api', `https://a${n}.test/`, answer(`${n}`));
  expect(nonces.get('api', 'https://a0.test/')).toBeUndefined();
  expect(nonces.get('api', 'https://a1.test/')).toBe('1');
});
