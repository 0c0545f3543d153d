import type { AccessToken, UserTokens } from '@helseid-zones/client/tokens';
import { type Dependencies, seconds } from './dependencies.ts';
import type { RefreshWish } from './refresh.ts';
import type { SessionData } from './sessions.ts';

/** How long a token without `expires_in` counts for that came after a refusal, seconds. */
const UNKNOWN_LIFE = 60;

/** An access token as a session keeps it. */
export interface KeptToken extends AccessToken {
  /** The API refused the one before it. Another one would fare no better, so this one stays until it expires. */
  afterRefusal?: true;
}

/** What of an access token is kept: enough to use it. */
export function keepToken({ accessToken, binding, expiresAt }: AccessToken): AccessToken {
  return { accessToken, binding, ...(expiresAt === undefined ? {} : { expiresAt }) };
}

/** What of a refresh token is kept: itself, and its own lifetime where it has one. Logs a lifetime that was not taken. */
export function keepRefreshToken(
  deps: Pick<Dependencies, 'log'>,
  { refreshToken, refreshTokenExpiresAt, ignoredRefreshTokenLifetime: ignored }: UserTokens,
): Pick<SessionData, 'refreshToken' | 'refreshTokenExpiresAt'> {
  if (ignored !== undefined)
    deps.log({
      level: 'warn',
      code: 'session.refresh_lifetime_ignored',
      facts: { rt_expires_in: ignored, refresh_token: refreshToken !== undefined },
    });
  if (refreshToken === undefined) return {};
  return { refreshToken, ...(refreshTokenExpiresAt === undefined ? {} : { refreshTokenExpiresAt }) };
}

/** What a session knows after a refresh. A refused token's place is taken, other APIs keep theirs but after a switch of organisation. */
export function applyTokens(
  deps: Pick<Dependencies, 'log' | 'now'>,
  data: SessionData,
  wish: RefreshWish,
  tokens: UserTokens,
): SessionData {
  const organization = wish.organization ?? data.organization;
  const refreshToken = keepRefreshToken(deps, tokens);
  // A new refresh token has its own lifetime or none that is known: not that of the one before.
  const { refreshTokenExpiresAt: _, ...others } = data;
  return {
    ...(refreshToken.refreshToken === undefined ? data : others),
    ...refreshToken,
    tokens: { ...(wish.organization ? {} : data.tokens), [wish.target.name]: keepFor(deps, wish, tokens) },
    ...(tokens.idToken === undefined ? {} : { idToken: tokens.idToken }),
    ...(organization ? { organization } : {}),
  };
}

/** The token for the wish's API. One of unknown life that came after a refusal counts for a minute, so that its end is not taken for a second refusal. */
function keepFor(deps: Pick<Dependencies, 'now'>, { refused }: RefreshWish, tokens: UserTokens): KeptToken {
  const kept = keepToken(tokens);
  if (!refused) return kept;
  return { ...kept, afterRefusal: true, expiresAt: kept.expiresAt ?? seconds(deps) + UNKNOWN_LIFE };
}
