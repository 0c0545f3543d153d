import { type JWTVerifyGetKey, jwtVerify } from 'jose';
import type Provider from 'oidc-provider';
import { errors, type TokenEndpointGrantContext } from 'oidc-provider';
import type { Notes } from './assertions.ts';
import {
  buildTokenResponse,
  checkDpopReplay,
  resolveRequestedResources,
  validateDpop,
} from './oidc-provider-internals.ts';
import type { Registry } from './types.ts';

/** RFC 8693. */
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
/** What the new token says of itself; all other claims of the subject token are about the subject and carried over. */
const OWN_CLAIMS = ['iss', 'aud', 'exp', 'iat', 'nbf', 'jti', 'scope', 'client_id', 'cnf', 'act', 'sub'];

interface Parameters {
  subject_token?: string;
  subject_token_type?: string;
}

/**
 * Registers the token-exchange grant: an API that got a token made for it asks for one for the next API. The new token
 * is bound to the API's own key, keeps the subject, and names the API in `act`.
 */
export function registerTokenExchange(
  provider: Provider,
  registry: Registry,
  keys: JWTVerifyGetKey,
  notes: Notes,
) {
  provider.registerGrantType<Parameters>(
    TOKEN_EXCHANGE,
    async (ctx: TokenEndpointGrantContext<Parameters>) => {
      const { client, params } = ctx.oidc;
      const dpop = await validateDpop(provider, ctx);
      const audience = registry.client(client.clientId)?.exchangesTokensFor;
      if (!audience) throw new errors.UnauthorizedClient('the client may not exchange tokens');
      if (params.subject_token_type !== ACCESS_TOKEN)
        throw new errors.InvalidRequest('unknown subject_token_type');
      const subject = await readSubject(params.subject_token ?? '', provider.issuer, audience, keys);

      const [resource] = await resolveRequestedResources(provider, ctx);
      const scope = params.scope?.split(' ').filter((name) => resource?.scope.split(' ').includes(name));
      if (!resource || !scope?.length)
        throw new errors.InvalidScope('name scopes of an API', params.scope ?? '');
      const token = new provider.ClientCredentials({
        client,
        scope: scope.join(' '),
        resourceServer: resource,
      });
      if (dpop) {
        await checkDpopReplay(provider, ctx, dpop, client.clientId);
        token.setThumbprint('jkt', dpop.thumbprint);
      }
      notes.set(ctx, { ...notes.get(ctx), subject: { ...subject, act: actor(client.clientId, subject) } });
      ctx.oidc.entity('ClientCredentials', token);
      ctx.body = buildTokenResponse(provider, {
        accessToken: await token.save(),
        issuedTokenType: ACCESS_TOKEN,
        expiresIn: token.expiration,
        scope: token.scope ?? '',
        tokenType: token.tokenType,
      });
    },
    ['subject_token', 'subject_token_type', 'scope', 'resource'],
    ['resource'],
  );
}

async function readSubject(token: string, issuer: string, audience: string, keys: JWTVerifyGetKey) {
  const { payload } = await jwtVerify(token, keys, {
    issuer,
    audience,
    typ: 'at+jwt',
    requiredClaims: ['exp'],
  }).catch((cause: unknown) => {
    throw Object.assign(new errors.InvalidGrant('the subject token is not valid here'), { cause });
  });
  return payload;
}

function actor(clientId: string, subject: Record<string, unknown>) {
  return { sub: clientId, client_id: clientId, ...(subject['act'] ? { act: subject['act'] } : {}) };
}

/** The claims of an exchanged token that come from the subject token. */
export function carryOver(subject: Record<string, unknown>): Record<string, unknown> {
  const about = Object.entries(subject).filter(([name]) => !OWN_CLAIMS.includes(name));
  return { ...Object.fromEntries(about), act: subject['act'] };
}
