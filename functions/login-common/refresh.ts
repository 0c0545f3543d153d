import type { AccessToken, UserTokens } from '@helseid-zones/client/tokens';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { STREAM_SECONDS } from '@helseid-zones/protocol/login-routes';
import { type Dependencies, seconds } from './dependencies.ts';
import { type Organization, organizationDetails, readPerson } from './person.ts';
import {
  changeSession,
  endSession,
  findSession,
  type KeptToken,
  keepRefreshToken,
  keepToken,
  type OpenSession,
  revokeQuietly,
  type SessionData,
} from './sessions.ts';
import type { TokenTarget } from './settings.ts';

/** A token that ends this soon is refreshed before it is used, seconds. */
export const REFRESH_LEEWAY = 5;

/** How long a token without `expires_in` counts for that came after a refusal, seconds. */
const UNKNOWN_LIFE = 60;

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
  refused?: AccessToken | undefined;
  /** A token whose key signs no more, to be replaced likewise; the one in its place may still be refused. */
  lost?: AccessToken | undefined;
}

/** A session that this request alone may refresh, and the token it does it with. */
interface Lease {
  session: OpenSession;
  wish: RefreshWish;
  refreshToken: string;
}

/**
 * Gives the session with a usable access token for the wish's API, refreshed if needed (RFC 6749 6). Of several
 * requests one asks the issuer and the others wait for what it stores, since a refresh token that rotates may be used
 * once. A session that ended meanwhile stays ended, and the tokens got for it are revoked. Does not check the access token
 * itself.
 *
 * @throws {ZonesError} session_invalid: the session has ended, or the issuer no longer honours its refresh token (then it is
 * removed: a new login, no loop)
 * @throws {ZonesError} person_mismatch, id_token_invalid: the issuer answered with another person or login; the session is removed
 * @throws {ZonesError} token_refused: the issuer refused a switch; the session stays as it was
 * @throws {ZonesError} issuer_unreachable: another request still waits for the issuer, or its answer could not be kept
 * @throws {ZonesError} aws_*, and what the token client throws: the table, the signer or the issuer can't be asked
 */
export async function refreshSession(deps: Dependencies, opened: OpenSession, wish: RefreshWish) {
  const until = deps.now() + PATIENCE;
  for (let session = opened; ; session = await findSession(deps, session.id)) {
    if (isSatisfied(deps, session.data, wish)) return session;
    const { refreshToken } = session.data;
    if (refreshToken === undefined)
      throw new ZonesError(
        'session_invalid',
        'The session has no refresh token for new access tokens; log in.',
      );
    const now = deps.now();
    if (await deps.store.lease(session.pk, session.version, now, now + LEASE))
      return refreshAlone(deps, { session, wish, refreshToken });
    if (now >= until) throw busyError('Another request still waits for the issuer');
    await deps.wait(PAUSE);
  }
}

function busyError(why: string, cause?: unknown): ZonesError {
  return new ZonesError('issuer_unreachable', `${why}; try again soon.`, { cause });
}

function isSatisfied(deps: Dependencies, data: SessionData, { target, ...wish }: RefreshWish): boolean {
  const { organization } = wish;
  const { parent, child } = data.organization ?? {};
  if (organization && (organization.parent !== parent || organization.child !== child)) return false;
  const token = data.tokens[target.name];
  return (
    token !== undefined &&
    // Of a token without `expires_in` (RFC 6749 5.1) only the API knows whether it is still good.
    (token.expiresAt === undefined || token.expiresAt - REFRESH_LEEWAY > seconds(deps)) &&
    token.accessToken !== wish.refused?.accessToken &&
    token.binding.kid !== wish.lost?.binding.kid
  );
}

/** Asks the issuer, and stores what it answers. */
async function refreshAlone(deps: Dependencies, lease: Lease): Promise<OpenSession> {
  const { session, wish } = lease;
  let tokens: UserTokens;
  try {
    tokens = await askIssuer(deps, lease);
    await requireSamePid(deps, session.data, tokens);
  } catch (error) {
    return settleFailure(deps, lease, error);
  }
  let cause: unknown;
  const data = applyTokens(deps, session.data, wish, tokens);
  const changed = await changeSession(deps, session, data).catch((error: unknown) => {
    cause = error;
  });
  return changed ?? settleLateAnswer(deps, lease, tokens.refreshToken ?? lease.refreshToken, cause);
}

function askIssuer(deps: Dependencies, { session, wish, refreshToken }: Lease): Promise<UserTokens> {
  const { person, nonce, organization } = session.data;
  const { resource, scopes } = wish.target;
  const details = organizationDetails(wish.organization ?? organization);
  const expected = { iss: person.iss, sub: person.sub, nonce };
  return deps.client.refreshTokens({ refreshToken, expected, resource, scopes, details });
}

/** The token client compared `iss` and `sub`; a refreshed ID token may leave the `pid` out, but not change it. Nobody holds another's tokens. */
async function requireSamePid(deps: Dependencies, { person }: SessionData, tokens: UserTokens) {
  const { idTokenClaims, refreshToken } = tokens;
  const pid = idTokenClaims && readPerson(idTokenClaims).pid;
  if (pid === undefined || pid === person.pid) return;
  if (refreshToken !== undefined) await revokeQuietly(deps, { refreshToken });
  throw new ZonesError('person_mismatch', 'The issuer answered a refresh with somebody else; log in again.');
}

/** What a session knows after a refresh. A refused token's place is taken, other APIs keep theirs but after a switch of organisation. */
function applyTokens(deps: Dependencies, data: SessionData, wish: RefreshWish, tokens: UserTokens) {
  const { target, organization, refused } = wish;
  // A new refresh token has its own lifetime or none that is known: not that of the one before.
  const refresh = keepRefreshToken(deps, tokens);
  const kept: KeptToken = keepToken(tokens);
  if (refused) {
    kept.afterRefusal = true;
    // So that its end is not taken for a second refusal.
    kept.expiresAt ??= seconds(deps) + UNKNOWN_LIFE;
  }
  return {
    ...data,
    ...(refresh.refreshToken === undefined ? {} : refresh),
    tokens: { ...(organization ? {} : data.tokens), [target.name]: kept },
    idToken: tokens.idToken ?? data.idToken,
    organization: organization ?? data.organization,
  };
}

/** Ends the session where the issuer's answer means that it is over; otherwise only gives the lease back. */
async function settleFailure(deps: Dependencies, lease: Lease, error: unknown): Promise<never> {
  const { session, wish, refreshToken } = lease;
  const over = isZonesError(error, 'token_refused') && error.facts['error'] === 'invalid_grant';
  // Where this one's lease had lapsed and another request refreshed the session, only the token it held is spent.
  if (over && (await wasChanged(deps, session))) throw busyError('Another request was faster', error);
  // What came with an ID token that is not accepted was revoked, and a refresh token that it replaced is spent.
  const refused = isZonesError(error, 'person_mismatch') || isZonesError(error, 'id_token_invalid');
  if (refused) await revokeQuietly(deps, { refreshToken });
  if (refused || (over && !wish.organization))
    await endSession(deps, { pk: session.pk, links: session.data.links });
  // Where this fails, the lease lapses by itself.
  else await deps.store.release(session.pk, session.version).catch(() => undefined);
  if (over && !wish.organization)
    throw new ZonesError('session_invalid', 'The issuer has ended this login; log in again.', {
      cause: error,
    });
  throw error;
}

async function wasChanged({ store }: Dependencies, { pk, version }: OpenSession): Promise<boolean> {
  const item = await store.read(pk);
  return item !== undefined && item.version !== version;
}

/**
 * The session ended; or the lease lapsed and another request was faster; or it was this one, and the table's answer got
 * lost; or the table failed (`cause`). What nobody holds must not stay valid; where another request was faster, the tokens are
 * left to lapse, since an issuer may end those of the session with them.
 */
async function settleLateAnswer(deps: Dependencies, lease: Lease, refreshToken: string, cause?: unknown) {
  const { session, wish } = lease;
  const current = await findSession(deps, session.id).catch(async (error: unknown) => {
    if (isZonesError(error, 'session_invalid')) await revokeQuietly(deps, { refreshToken });
    throw error;
  });
  if (isSatisfied(deps, current.data, wish)) return current;
  const unkept = current.version === session.version && current.data.refreshToken !== refreshToken;
  if (unkept) await revokeQuietly(deps, { refreshToken });
  throw busyError('The issuer answered too late', cause);
}
