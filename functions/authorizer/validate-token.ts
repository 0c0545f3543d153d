import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { refuse } from './refuse.ts';
import type { Access, AccessRules } from './rules.ts';

const TYPES = ['at+jwt', 'application/at+jwt', 'jwt'];

/** What a valid token says; `expires` in epoch seconds. */
export type ValidToken = Pick<Access, 'clientId' | 'scopes' | 'expires'> & { claims: JWTPayload };

/**
 * The claims of a HelseID access token: signature by the issuer's key with the one expected algorithm, `typ`, `iss`, `exp`,
 * `nbf`, `aud`, `client_id` and the form of `scope`. `sub` and `jti` are not demanded, because tokens of machines may lack
 * them. Does not check which scopes it has, security level or the binding to a key.
 * Throws `access_token_invalid`; what the key source throws beside `jose`'s errors passes through.
 */
export async function validateToken(
  token: string,
  rules: AccessRules,
  keys: JWTVerifyGetKey,
  now: number,
): Promise<ValidToken> {
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    issuer: rules.issuer,
    algorithms: [rules.tokenAlgorithm],
    clockTolerance: rules.clockSkew,
    requiredClaims: ['exp'],
    currentDate: new Date(now * 1000),
  }).catch((cause: unknown) => {
    // What is not about the token (the issuer can't be reached, its key is unusable) is a fault, not a refusal.
    if (!(cause instanceof errors.JOSEError)) throw cause;
    throw refuse(
      'access_token_invalid',
      'token',
      `The access token is not valid (${cause.code}): get a new one.`,
      cause,
    );
  });
  const { typ } = protectedHeader;
  if (typeof typ !== 'string' || !TYPES.includes(typ.toLowerCase())) {
    throw refuse('access_token_invalid', 'token typ', 'The typ of an access token must be at+jwt or JWT.');
  }
  const audiences = [payload.aud ?? []].flat();
  if (!audiences.includes(rules.audience) || (audiences.length > 1 && !rules.otherAudiences)) {
    throw refuse(
      'access_token_invalid',
      'audience',
      `The access token must be for ${rules.audience}${rules.otherAudiences ? '' : ' alone'}: ask for its scopes and no others.`,
    );
  }
  const clientId = payload['client_id'];
  if (typeof clientId !== 'string' || clientId === '') {
    throw refuse('access_token_invalid', 'client_id', 'The access token names no client (client_id).');
  }
  return { claims: payload, clientId, scopes: readScopes(payload['scope'] ?? []), expires: payload.exp ?? 0 };
}

/** HelseID writes `scope` as one string or as a list; a list in a list is neither. */
function readScopes(scope: unknown): string[] {
  const listed = Array.isArray(scope) ? scope : [scope];
  if (!listed.every((item) => typeof item === 'string')) {
    throw refuse(
      'access_token_invalid',
      'scope claim',
      'The scope of an access token must be a string or a list of strings.',
    );
  }
  return listed.flatMap((item) => item.split(' ').filter(Boolean));
}
