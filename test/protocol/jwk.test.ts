import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { ALGORITHMS, type Algorithm, isAlgorithm } from '@helseid-zones/protocol/algorithms';
import { describePublicKey, readPublicJwk, readPublicKey, thumbprintOf } from '@helseid-zones/protocol/jwk';
import { calculateJwkThumbprint } from 'jose';
import { describe, expect, test } from 'vitest';
import { coded } from '../coded.ts';
import { generateKey } from '../fakes/kms.ts';

// RFC 7518 3.1, and what AWS's reference of KMS's Sign and CreateKey calls them.
test.each([
  ['ES256', 'EC', 'P-256', 'ECDSA_SHA_256', 'ECC_NIST_P256', 'sha256', 64],
  ['ES384', 'EC', 'P-384', 'ECDSA_SHA_384', 'ECC_NIST_P384', 'sha384', 96],
  ['ES512', 'EC', 'P-521', 'ECDSA_SHA_512', 'ECC_NIST_P521', 'sha512', 132],
  ['PS256', 'RSA', undefined, 'RSASSA_PSS_SHA_256', 'RSA_3072', 'sha256', 384],
  ['PS384', 'RSA', undefined, 'RSASSA_PSS_SHA_384', 'RSA_3072', 'sha384', 384],
  ['PS512', 'RSA', undefined, 'RSASSA_PSS_SHA_512', 'RSA_3072', 'sha512', 384],
])('%s', (alg, kty, crv, kmsSigningAlgorithm, kmsKeySpec, hash, signatureBytes) => {
  expect(isAlgorithm(alg)).toBe(true);
  const entry = ALGORITHMS[alg as Algorithm];
  expect(entry).toEqual({ alg, kty, crv, kmsSigningAlgorithm, kmsKeySpec, hash, signatureBytes });
});

test.each(['RS256', 'none', 'es256', '', 'toString', ['ES256'], undefined])('%j is no algorithm', (name) => {
  expect(isAlgorithm(name)).toBe(false);
});

describe.each(Object.keys(ALGORITHMS) as Algorithm[])('%s', (algorithm) => {
  const privateKey = generateKey(algorithm);

  test('only the members of RFC 7638, and jose’s thumbprint', async () => {
    const { jwk, thumbprint } = describePublicKey(privateKey, algorithm);
    expect(Object.keys(jwk).sort()).toEqual(jwk.kty === 'EC' ? ['crv', 'kty', 'x', 'y'] : ['e', 'kty', 'n']);
    expect(thumbprint).toBe(await calculateJwkThumbprint(jwk));
  });
});

test('the thumbprint of RFC 7638 3.1', () => {
  const n =
    '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw';
  expect(thumbprintOf({ kty: 'RSA', n, e: 'AQAB' })).toBe('NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs');
});

test.each<[Algorithm, Algorithm]>([
  ['ES256', 'ES384'],
  ['ES512', 'ES256'],
  ['ES256', 'PS256'],
  ['PS256', 'ES256'],
])('a key for %s can’t be read for %s', (made, wanted) => {
  const spki = createPublicKey(generateKey(made)).export({ format: 'der', type: 'spki' });
  const unfit = coded('key_not_usable', `can't sign ${wanted}: it takes`);
  expect(() => readPublicKey(spki, wanted)).toThrow(unfit);
  expect(() => describePublicKey(generateKey(made), wanted)).toThrow(unfit);
});

test('RSA below 2048 bits is refused', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  expect(() => describePublicKey(privateKey, 'PS256')).toThrow(/2048/);
});

test.each([
  ['SubjectPublicKeyInfo', () => readPublicKey(new Uint8Array([1, 2, 3]), 'ES256')],
  ['JWK', () => readPublicJwk({ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }, 'ES256')],
])('what is not a %s is refused', (what, read) => {
  expect(read).toThrow(coded('key_not_usable', `can't be read; it is a ${what}.`));
  expect(read).toThrow(expect.objectContaining({ cause: expect.any(Error) }));
});
