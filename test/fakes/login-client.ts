import { ZonesError } from '@helseid-zones/protocol/errors';
import type { LoginClient } from '../../functions/login-common/dependencies.ts';

/** An issuer and an API in this process that answer at once and well, but sign and verify nothing: for tests of what comes before them. */
export function createFakeLoginClient(now: () => number): LoginClient {
  const binding = { kid: 'k'.repeat(43), jkt: 'k'.repeat(43) };
  const tokens = () => ({
    accessToken: 'an-access-token',
    binding,
    expiresAt: Math.floor(now() / 1000) + 600,
    refreshToken: 'a-refresh-token',
    refreshTokenExpiresAt: Math.floor(now() / 1000) + 3600,
  });
  return {
    pushAuthorizationRequest: async () => ({
      authorizationUrl: 'https://sts.test/authorize?client_id=c&request_uri=r',
      requestUri: 'r',
      expiresIn: 60,
      binding,
    }),
    redeemCode: async ({ parameters }) => {
      if (parameters.get('code') !== 'the-code')
        throw new ZonesError('token_refused', 'No such code.', {
          facts: { error: 'invalid_grant', status: 400 },
        });
      const time = Math.floor(now() / 1000);
      return {
        ...tokens(),
        idToken: 'an-id-token',
        idTokenClaims: {
          iss: 'https://sts.test',
          sub: 'person-1',
          aud: 'c',
          iat: time,
          exp: time + 60,
          'helseid://claims/identity/security_level': '4',
        },
      };
    },
    refreshTokens: async () => tokens(),
    revokeToken: async () => undefined,
    validateLogoutToken: async () => {
      throw new ZonesError('token_invalid', 'No such token.');
    },
    createEndSessionUrl: async () => 'https://sts.test/endsession',
    createApiFetch: (source) => async () => {
      await source.get();
      return Response.json({ ok: true });
    },
  };
}
