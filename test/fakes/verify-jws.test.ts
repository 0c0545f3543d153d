import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { verifyQuickly, verifyWithJose } from './verify-jws.ts';

const NOW = 1_790_000_000;
const CLAIMS: JWTPayload = { iss: 'me', nbf: NOW - 5, exp: NOW + 5 };

describe.each([
  ['jose', verifyWithJose],
  ['node:crypto', verifyQuickly],
])('%s', (_, verify) => {
  describe.each(['ES256', 'ES512', 'PS256'])('%s', async (alg) => {
    const { privateKey, publicKey } = await generateKeyPair(alg, { modulusLength: 2048 });
    const jwk = { ...(await exportJWK(publicKey)), alg };
    const sign = (claims = CLAIMS, typ = 'a+jwt') =>
      new SignJWT(claims).setProtectedHeader({ alg, typ }).sign(privateKey);
    const expected = { typ: 'a+jwt', now: NOW, claims: { iss: 'me' } };

    test('accepts what is right', async () => {
      expect(await verify(await sign(), jwk, expected)).toEqual(CLAIMS);
    });

    test('refuses what is not', async () => {
      const { publicKey: other } = await generateKeyPair(alg, { modulusLength: 2048 });
      const jwt = await sign();
      const [header, , signature] = jwt.split('.');
      const forged = `${header}.${Buffer.from('{"iss":"me"}').toString('base64url')}.${signature}`;
      await expect(verify(jwt, { ...(await exportJWK(other)), alg }, expected)).rejects.toThrow(/signature/);
      await expect(verify(forged, jwk, expected)).rejects.toThrow(/signature/);
      await expect(verify(jwt, { ...jwk, alg: 'ES384' }, expected)).rejects.toThrow(/alg/);
      await expect(verify(await sign(CLAIMS, 'b+jwt'), jwk, expected)).rejects.toThrow(/typ/);
      await expect(verify(await sign({ ...CLAIMS, iss: 'you' }), jwk, expected)).rejects.toThrow(/iss/);
      await expect(verify(jwt, jwk, { ...expected, now: NOW + 6 })).rejects.toThrow(/exp/);
      await expect(verify(jwt, jwk, { ...expected, now: NOW - 6 })).rejects.toThrow(/nbf|not yet/);
    });
  });
});
