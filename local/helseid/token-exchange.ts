import { type JWTVerifyGetKey, jwtVerify } from 'jose';
import { errors, type Provider } from 'oidc-provider';
import { grantAsMachine } from './oidc-provider-internals.ts';

/** The grant of RFC 8693. */
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/**
 * Token exchange (RFC 8693): for a good access token of this issuer, one of the client's own, bound to its key. HelseID's rules on
 * who may exchange what for what are not public, so there are none here; the person of the first token is not in the second.
 */
export function exchangeTokens(provider: Provider, keys: JWTVerifyGetKey): void {
  provider.registerGrantType(
    TOKEN_EXCHANGE,
    async (ctx) => {
      const { subject_token: token, subject_token_type: type } = ctx.oidc.params ?? {};
      if (type !== ACCESS_TOKEN)
        throw new errors.InvalidRequest('subject_token_type must be an access token');
      await jwtVerify(String(token), keys, { issuer: provider.issuer, typ: 'at+jwt' }).catch((error) => {
        throw new errors.InvalidGrant(`subject_token: ${error.message}`);
      });
      await grantAsMachine(provider, ctx);
      Object.assign(Object(ctx.body), { issued_token_type: ACCESS_TOKEN });
    },
    ['subject_token', 'subject_token_type', 'scope', 'resource'],
  );
}
