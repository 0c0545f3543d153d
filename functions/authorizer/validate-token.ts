import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { isZonesError } from '../../client/errors.ts';
import { refuse } from './refuse.ts';
import type { AccessRules } from './rules.ts';

const TYPES = ['at+jwt', 'application/at+jwt', 'jwt'];

/**
 * The claims of a HelseID access token (helseid.md 8): signature by the issuer's key with the one expected algorithm,
 * `typ`, `iss`, `exp`, `nbf` and `aud`. `sub` and `jti` are not demanded, because tokens of machines may lack them.
 * Does not check scope, security level or the binding to a key.
 * Throws `access_token_invalid`; what the key source throws as a `ZonesError` passes through.
 */
export async function validateToken(
  token: string,
  rules: AccessRules,
  keys: JWTVerifyGetKey,
  now: number,
): Promise<JWTPayload & { exp: number }> {
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    issuer: rules.issuer,
    algorithms: [rules.tokenAlgorithm],
    clockTolerance: rules.clockSkew,
    requiredClaims: ['exp'],
    currentDate: new Date(now * 1000),
  }).catch((cause: unknown) => {
    if (isZonesError(cause)) throw cause;
    const reason = cause instanceof errors.JOSEError ? cause.code : 'not a token';
    throw refuse(
      'access_token_invalid',
      'token',
      `The access token is not valid (${reason}): get a new one.`,
      cause,
    );
  });
  if (!TYPES.includes(String(protectedHeader.typ).toLowerCase())) {
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
  return { ...payload, exp: payload.exp ?? 0 };
}
