import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Algorithm } from '@helseid-zones/protocol/algorithms';
import { exportJWK, type JWTPayload, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { generateKey } from './kms.ts';
import { verifyQuickly, verifyWithJose } from './verify-jws.ts';

const NOW = 1_790_000_000;
const CLAIMS: JWTPayload = { iss: 'me', nbf: NOW - 5, exp: NOW + 5 };

describe.each([
  ['jose', verifyWithJose],
  ['node:crypto', verifyQuickly],
])('%s', (_, verify) => {
  describe.each<Algorithm>(['ES256', 'ES512', 'PS256'])('%s', async (alg) => {
    const privateKey = generateKey(alg);
    const publicJwk = (key: KeyObject) => exportJWK(createPublicKey(key));
    const jwk = { ...(await publicJwk(privateKey)), alg };
    const sign = (claims = CLAIMS, typ = 'a+jwt') =>
      new SignJWT(claims).setProtectedHeader({ alg, typ }).sign(privateKey);
    const expected = { typ: 'a+jwt', now: NOW, claims: { iss: 'me' } };

    test('accepts what is right', async () => {
      expect(await verify(await sign(), jwk, expected)).toEqual(CLAIMS);
    });

    test('refuses what is not', async () => {
      const jwt = await sign();
      const [header, , signature] = jwt.split('.');
      const forged = `${header}.${Buffer.from('{"iss":"me"}').toString('base64url')}.${signature}`;
      await expect(verify(jwt, { ...(await publicJwk(generateKey(alg))), alg }, expected)).rejects.toThrow(
        /signature/,
      );
      await expect(verify(forged, jwk, expected)).rejects.toThrow(/signature/);
      await expect(verify(jwt, { ...jwk, alg: 'ES384' }, expected)).rejects.toThrow(/alg/);
      await expect(verify(await sign(CLAIMS, 'b+jwt'), jwk, expected)).rejects.toThrow(/typ/);
      await expect(verify(await sign({ ...CLAIMS, iss: 'you' }), jwk, expected)).rejects.toThrow(/iss/);
      await expect(verify(jwt, jwk, { ...expected, now: NOW + 6 })).rejects.toThrow(/exp/);
      await expect(verify(jwt, jwk, { ...expected, now: NOW - 6 })).rejects.toThrow(/nbf|not yet/);
    });
  });
});
