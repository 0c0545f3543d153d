import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { ALGORITHMS } from '@helseid-zones/protocol/algorithms';
import { derToJose } from '@helseid-zones/protocol/signature';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coded } from '../coded.ts';
import { full } from '../full.ts';

const EC = Object.values(ALGORITHMS).filter(({ kty }) => kty === 'EC');

/** The DER of two unsigned integers of `size` bytes, written independently of the code under test. */
function encodeDer(r: bigint, s: bigint): Uint8Array {
  const integer = (value: bigint) => {
    const digits = value.toString(16);
    const even = digits.length % 2 === 0 ? digits : `0${digits}`;
    const hex = Number.parseInt(even.slice(0, 2), 16) > 0x7f ? `00${even}` : even;
    const bytes = Buffer.from(hex, 'hex');
    return Buffer.concat([Buffer.from([0x02, bytes.length]), bytes]);
  };
  const body = Buffer.concat([integer(r), integer(s)]);
  const tag = body.length > 0x7f ? [0x30, 0x81, body.length] : [0x30, body.length];
  return Buffer.concat([Buffer.from(tag), body]);
}

function joinFixed(r: bigint, s: bigint, length: number): string {
  return [r, s].map((value) => value.toString(16).padStart(length, '0')).join('');
}

describe.each(EC)('$alg', ({ crv, hash, signatureBytes }) => {
  const half = signatureBytes / 2;
  const integers = fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** BigInt(crv === 'P-521' ? 521 : half * 8) - 1n }),
    fc.bigInt({ min: 0n, max: 65_536n }),
  );

  test('any two integers come out right-aligned', () => {
    fc.assert(
      fc.property(integers, integers, (r, s) => {
        const joined = derToJose(encodeDer(r, s), signatureBytes);
        expect(Buffer.from(joined).toString('hex')).toBe(joinFixed(r, s, signatureBytes));
      }),
    );
  });

  test('what node signs in DER verifies as r||s', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: crv ?? '' });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (message) => {
        const der = sign(hash, message, privateKey);
        const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
        expect(verify(hash, message, key, derToJose(der, signatureBytes))).toBe(true);
      }),
      { numRuns: full(40) },
    );
  });

  test('bytes that are changed, cut or added never pass as the same signature', () => {
    fc.assert(
      fc.property(integers, integers, fc.nat(300), fc.integer({ min: 1, max: 255 }), (r, s, at, flip) => {
        const der = Buffer.from(encodeDer(r, s));
        const index = at % der.length;
        der[index] = (der[index] ?? 0) ^ flip;
        let joined: string | undefined;
        try {
          joined = Buffer.from(derToJose(der, signatureBytes)).toString('hex');
        } catch (error) {
          expect(error).toMatchObject({ code: 'kms_refused' });
        }
        expect(joined).not.toBe(joinFixed(r, s, signatureBytes));
      }),
    );
  });
});

test.each([
  ['nothing', ''],
  ['another tag', '3106020101020101'],
  ['an integer with another tag', '3006030101020101'],
  ['a byte left over', '300602010102010100'],
  ['a byte left over inside', '30070201010201010f'],
  ['a cut off integer', '30060201010203'],
  ['an empty integer', '300502000201 01'.replace(' ', '')],
  ['a negative integer', '3006020181020101'],
  ['a padded integer', '30070202000102 0101'.replace(' ', '')],
  ['a long form that is not needed', '308106020101020101'],
  ['a length of length two', '30820006020101020101'],
  ['an indefinite length', '30800201010201010000'],
])('refused: %s', (_name, hex) => {
  expect(() => derToJose(Buffer.from(hex, 'hex'), 64)).toThrow(coded('kms_refused'));
});

test('lengths about the first that takes two bytes', () => {
  const ofBytes = (bytes: number) => 2n ** BigInt(8 * bytes - 1) - 1n;
  for (const [r, s] of [
    [62, 61],
    [62, 62],
    [63, 62],
  ].map((sizes) => sizes.map(ofBytes))) {
    const der = encodeDer(r ?? 0n, s ?? 0n);
    expect(Buffer.from(derToJose(der, 132)).toString('hex')).toBe(joinFixed(r ?? 0n, s ?? 0n, 132));
  }
  // 130 bytes, as if 0x82 were their number.
  const body = encodeDer(ofBytes(63), ofBytes(63)).slice(3);
  expect(() => derToJose(Buffer.concat([Buffer.from([0x30, 0x82]), body]), 132)).toThrow(
    coded('kms_refused'),
  );
});

test('refused: an integer too long for the curve', () => {
  expect(() => derToJose(encodeDer(2n ** 256n, 1n), 64)).toThrow(/too long/);
  expect(derToJose(encodeDer(2n ** 256n - 1n, 1n), 64)).toHaveLength(64);
});
