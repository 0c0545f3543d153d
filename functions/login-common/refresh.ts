import type { AccessToken, RevocationRequest, UserTokens } from '@helseid-zones/client/tokens';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { STREAM_SECONDS } from '@helseid-zones/protocol/login-routes';
import { type Dependencies, seconds } from './dependencies.ts';
import { applyTokens } from './kept-tokens.ts';
import { type Organization, organizationDetails, readPerson } from './person.ts';
import { endSession } from './session-index.ts';
import { changeSession, findSession, type OpenSession, type SessionData } from './sessions.ts';
import type { TokenTarget } from './settings.ts';

/** A token that ends this soon is refreshed before it is used, seconds. */
export const REFRESH_LEEWAY = 5;

/**
 * Milliseconds that one request may be alone in refreshing a session: longer than any of these functions lives, so that nobody
 * spends the refresh token of one that still waits for the issuer.
 */
const LEASE = (STREAM_SECONDS + 5) * 1000;

/** How long and how often another looks whether it is done, milliseconds. */
const PATIENCE = 10_000;
const PAUSE = 100;

/** What a refresh is for. */
export interface RefreshWish {
  target: TokenTarget;
  /** A switch to another organisation: the tokens of all APIs are dropped, since they were for the one before. */
  organization?: Organization;
  /** A token that the API refused, to be replaced though it has not expired. */
  refused?: AccessToken;
}

/**
 * Gives the session with a usable access token for the wish's API, refreshed if needed (RFC 6749 6). Of several
 * requests one asks the issuer and the others wait for what it stores, since a refresh token that rotates may be used
 * once. A session that ended meanwhile stays ended, and the tokens got for it are revoked.
 *
 * Throws `session_invalid` when the session has ended or the issuer no longer honours its refresh token (the session is
 * then removed: a new login, no loop), `person_mismatch`, `token_refused` for a refused switch (the session stays as it
 * was), and what the token client throws when the issuer can't be asked. Does not check the access token itself.
 */
export async function refreshSession(
  deps: Dependencies,
  opened: OpenSession,
  wish: RefreshWish,
): Promise<OpenSession> {
  const until = deps.now() + PATIENCE;
  for (let session = opened; ; session = await findSession(deps.store, seconds(deps), session.id)) {
    if (isSatisfied(deps, session.data, wish)) return session;
    if (session.data.refreshToken === undefined)
      throw new ZonesError(
        'session_invalid',
        'The session has no refresh token for new access tokens; log in.',
      );
    const now = deps.now();
    if (await deps.store.lease(session.pk, session.version, now, now + LEASE))
      return refreshAlone(deps, session, wish, session.data.refreshToken);
    if (now >= until)
      throw new ZonesError(
        'issuer_unreachable',
        'Another request still waits for the issuer; try again soon.',
      );
    await deps.wait(PAUSE);
  }
}

function isSatisfied(deps: Dependencies, data: SessionData, wish: RefreshWish): boolean {
  const { organization } = wish;
  if (organization && !sameOrganization(organization, data.organization)) return false;
  const token = data.tokens[wish.target.name];
  return (
    token !== undefined &&
    // Of a token without `expires_in` (RFC 6749 5.1) only the API knows whether it is still good.
    (token.expiresAt === undefined || token.expiresAt - REFRESH_LEEWAY > seconds(deps)) &&
    token.accessToken !== wish.refused?.accessToken
  );
}

function sameOrganization(a: Organization, b: Organization | undefined): boolean {
  return a.parent === b?.parent && a.child === b?.child;
}

async function refreshAlone(
  deps: Dependencies,
  session: OpenSession,
  wish: RefreshWish,
  refreshToken: string,
): Promise<OpenSession> {
  const tokens = await askIssuer(deps, session, wish, refreshToken);
  let cause: unknown;
  const changed = await changeSession(
    deps.store,
    session,
    applyTokens(deps, session.data, wish, tokens),
  ).catch((error: unknown) => {
    cause = error;
  });
  return changed ?? settleLateAnswer(deps, session, wish, tokens.refreshToken ?? refreshToken, cause);
}

/**
 * The session ended; or the lease lapsed and another request was faster; or it was this one, and the table's answer got
 * lost; or the table failed (`cause`). What nobody holds must not stay valid; where another request was faster, the tokens are
 * left to lapse, since an issuer may end those of the session with them.
 */
async function settleLateAnswer(
  deps: Dependencies,
  session: OpenSession,
  wish: RefreshWish,
  refreshToken: string,
  cause: unknown,
): Promise<OpenSession> {
  const current = await findSession(deps.store, seconds(deps), session.id).catch(async (error: unknown) => {
    if (isZonesError(error, 'session_invalid')) await revokeQuietly(deps, { refreshToken });
    throw error;
  });
  if (isSatisfied(deps, current.data, wish)) return current;
  const unkept = current.version === session.version && current.data.refreshToken !== refreshToken;
  if (unkept) await revokeQuietly(deps, { refreshToken });
  throw new ZonesError('issuer_unreachable', 'The issuer answered too late; try again soon.', { cause });
}

/**
 * Revokes tokens that nobody will hold (RFC 7009): the refresh token, with which issuers end the access tokens too, or where
 * there is none each access token. As well as can be: a failure is logged, since what called for it is done anyhow.
 */
export async function revokeQuietly(
  deps: Dependencies,
  { refreshToken, tokens = {} }: { refreshToken?: string | undefined; tokens?: SessionData['tokens'] },
): Promise<void> {
  const requests: RevocationRequest[] =
    refreshToken === undefined
      ? Object.values(tokens).map(({ accessToken }) => ({ token: accessToken, hint: 'access_token' }))
      : [{ token: refreshToken, hint: 'refresh_token' }];
  const revoked = requests.map((request) =>
    deps.client.revokeToken(request).catch((error: unknown) => {
      const facts = isZonesError(error) ? { ...error.facts, refusal: error.code } : { refusal: 'unexpected' };
      deps.log({ level: 'warn', code: 'session.revocation_failed', facts });
    }),
  );
  await Promise.all(revoked);
}

async function askIssuer(
  deps: Dependencies,
  session: OpenSession,
  wish: RefreshWish,
  refreshToken: string,
): Promise<UserTokens> {
  const { data } = session;
  const { resource, scopes } = wish.target;
  const details = organizationDetails(wish.organization ?? data.organization);
  try {
    const tokens = await deps.client.refreshTokens({
      refreshToken,
      expected: {
        iss: data.person.iss,
        sub: data.person.sub,
        ...(data.nonce === undefined ? {} : { nonce: data.nonce }),
      },
      ...(resource === undefined ? {} : { resource }),
      ...(scopes === undefined ? {} : { scopes }),
      ...(details.length === 0 ? {} : { details }),
    });
    await requireSamePid(deps, data, tokens);
    return tokens;
  } catch (error) {
    throw await settleFailure(deps, session, wish, refreshToken, error);
  }
}

/** The token client compared `iss` and `sub`; a refreshed ID token may leave the `pid` out, but not change it. Nobody holds another's tokens. */
async function requireSamePid(
  deps: Dependencies,
  data: SessionData,
  { idTokenClaims, refreshToken }: UserTokens,
): Promise<void> {
  const pid = idTokenClaims && readPerson(idTokenClaims).pid;
  if (pid === undefined || pid === data.person.pid) return;
  if (refreshToken !== undefined) await revokeQuietly(deps, { refreshToken });
  throw new ZonesError('person_mismatch', 'The issuer answered a refresh with somebody else; log in again.');
}

/** Ends the session where the issuer's answer means that it is over; otherwise only gives the lease back. */
async function settleFailure(
  deps: Dependencies,
  session: OpenSession,
  wish: RefreshWish,
  refreshToken: string,
  error: unknown,
): Promise<unknown> {
  const over = isZonesError(error, 'token_refused') && error.facts['error'] === 'invalid_grant';
  if (over && (await wasChanged(deps, session)))
    return new ZonesError('issuer_unreachable', 'Another request was faster; try again soon.', {
      cause: error,
    });
  // What came with an ID token that is not accepted was revoked, and a refresh token that it replaced is spent.
  const refused = isZonesError(error, 'person_mismatch') || isZonesError(error, 'id_token_invalid');
  if (refused || (over && !wish.organization)) {
    if (!over) await revokeQuietly(deps, { refreshToken });
    await endSession(deps, { pk: session.pk, links: session.data.links });
    if (!over) return error;
    return new ZonesError('session_invalid', 'The issuer has ended this login; log in again.', {
      cause: error,
    });
  }
  // Where this fails too, the lease lapses by itself.
  await deps.store.release(session.pk, session.version).catch(() => undefined);
  return error;
}

/** Whether another request refreshed the session when this one's lease had lapsed: then only the token it held is spent. */
async function wasChanged(deps: Dependencies, { pk, version }: OpenSession): Promise<boolean> {
  const item = await deps.store.read(pk);
  return item !== undefined && item.version !== version;
}
