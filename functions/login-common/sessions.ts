import type {
  AccessToken,
  LogoutTokenClaims,
  RevocationRequest,
  UserTokens,
} from '@helseid-zones/client/tokens';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { type Dependencies, seconds } from './dependencies.ts';
import type { Organization, Person } from './person.ts';
import { createId, digest, itemKey, seal, unseal } from './secrets.ts';
import { TRANSACTION_SECONDS } from './transactions.ts';

/** Index items that lead to a session, each with the session's member there. */
export type SessionLinks = Readonly<Record<string, string>>;

/** An access token as a session keeps it. */
export interface KeptToken extends AccessToken {
  /** The API refused the one before it. Another one would fare no better, so this one stays until it expires. */
  afterRefusal?: true;
}

/** What a session knows; sealed in the table. Times are epoch seconds. */
export interface SessionData {
  person: Person;
  /** The issuer's session id, for back-channel logout. */
  sid?: string | undefined;
  securityLevel?: string | undefined;
  loggedInAt: number;
  /** The absolute end, whatever use is made of the session. */
  endsAt: number;
  /** `id_token_hint` at logout. */
  idToken: string;
  /** Of the login: a refreshed ID token may have no other. */
  nonce?: string | undefined;
  refreshToken?: string | undefined;
  refreshTokenExpiresAt?: number | undefined;
  /** One narrow access token an API, by the API's name. */
  tokens: Readonly<Record<string, KeptToken>>;
  organization?: Organization | undefined;
  links: SessionLinks;
}

/** A session that has been found. */
export interface OpenSession {
  /** The secret id in the cookie. */
  id: string;
  pk: string;
  version: number;
  /** When it ends for want of use, epoch seconds. Not bounded by the refresh token, whose next one may last longer. */
  idleAt: number;
  data: SessionData;
}

/** Touching a session sooner than this after the last time is not worth a write. */
const TOUCH_SECONDS = 60;

/** When a session ends at the latest: its absolute lifetime, or earlier with its refresh token (`rt_expires_in`). */
export function sessionEnd(data: SessionData): number {
  return Math.min(data.endsAt, data.refreshTokenExpiresAt ?? data.endsAt);
}

/**
 * Creates a session with a new id, for its cookie, and ends those that it replaces. The session comes first and the index after
 * it: until both are there, nobody has the id. Where any of it fails, nothing is left of the new one, and the last of the
 * replaced ones lives on, unless the table ended it and its answer got lost.
 *
 * @param begunAt when the login began, epoch seconds
 * @throws {ZonesError} session_invalid: the issuer has ended the login meanwhile
 * @throws {ZonesError} aws_*: the table can't be asked
 */
export async function createSession(
  deps: Dependencies,
  begunAt: number,
  value: Omit<SessionData, 'links'>,
  replaced: readonly { pk: string; links: SessionLinks }[],
): Promise<string> {
  const id = createId();
  const pk = itemKey('session', id);
  const links = linkSession(pk, value);
  const idleAt = Math.min(seconds(deps) + deps.settings.idleSeconds, value.endsAt);
  try {
    await deps.store.add(pk, seal(id, pk, { ...value, links } satisfies SessionData), idleAt);
    if (!(await enterSession(deps, begunAt, links)))
      throw new ZonesError(
        'session_invalid',
        'The issuer ended this login while it was under way; log in again.',
      );
    for (const other of replaced) await endSession(deps, other);
    return id;
  } catch (error) {
    // Where this fails too, it lapses: nobody has its id.
    await endSession(deps, { pk, links }).catch(() => undefined);
    throw error;
  }
}

/**
 * The session that a cookie's id opens.
 *
 * @throws {ZonesError} session_invalid: there is none, or it has ended
 */
export async function findSession(deps: Dependencies, id: string | undefined): Promise<OpenSession> {
  const pk = id === undefined ? undefined : itemKey('session', id);
  const item = pk === undefined ? undefined : await deps.store.read(pk);
  if (id !== undefined && pk !== undefined && item && item.expires > seconds(deps)) {
    const data = unseal(id, pk, item.data) as SessionData;
    if (sessionEnd(data) > seconds(deps))
      return { id, pk, version: item.version, idleAt: item.expires, data };
  }
  throw new ZonesError('session_invalid', 'Nobody is logged in here (any more); log in.');
}

/** {@link findSession}, but nothing where there is none. */
export function findSessionIfAny(deps: Dependencies, id: string | undefined) {
  return findSession(deps, id).catch(unlessOver);
}

/** Nothing for the error of a session that is over; any other is thrown. */
export function unlessOver(error: unknown): undefined {
  if (!isZonesError(error, 'session_invalid')) throw error;
}

/**
 * Notes that a session is in use.
 *
 * @throws {ZonesError} session_invalid: it ended meanwhile
 */
export async function touchSession(deps: Dependencies, session: OpenSession): Promise<OpenSession> {
  const idleAt = Math.min(seconds(deps) + deps.settings.idleSeconds, session.data.endsAt);
  if (idleAt < session.idleAt + TOUCH_SECONDS) return session;
  if (await deps.store.extend(session.pk, idleAt, seconds(deps))) return { ...session, idleAt };
  throw new ZonesError('session_invalid', 'The session has just ended; log in.');
}

/** Puts new data in a session's place; nothing when it has ended or another request changed it first. */
export async function changeSession({ store }: Dependencies, session: OpenSession, data: SessionData) {
  const { id, pk, version } = session;
  const done = await store.replace(pk, version, seal(id, pk, data));
  return done ? { ...session, version: version + 1, data } : undefined;
}

/** Ends a session; gives its last state, which a refresh may have changed since it was found. */
export async function closeSession(deps: Dependencies, { id, pk, data }: OpenSession): Promise<SessionData> {
  const last = await endSession(deps, { pk, links: data.links });
  return last ? (unseal(id, pk, last.data) as SessionData) : data;
}

/** What of an access token is kept: enough to use it. */
export function keepToken({ accessToken, binding, expiresAt }: AccessToken): KeptToken {
  return { accessToken, binding, expiresAt };
}

/** What of a refresh token is kept: itself, and its own lifetime where it has one. Logs a lifetime that was not taken. */
export function keepRefreshToken({ log }: Dependencies, tokens: UserTokens) {
  const { refreshToken, refreshTokenExpiresAt, ignoredRefreshTokenLifetime: ignored } = tokens;
  if (ignored !== undefined) {
    const facts = { rt_expires_in: ignored, refresh_token: refreshToken !== undefined };
    log('warn', 'session.refresh_lifetime_ignored', facts);
  }
  return { refreshToken, refreshTokenExpiresAt };
}

/**
 * Revokes tokens that nobody will hold (RFC 7009): the refresh token, with which issuers end the access tokens too, or where
 * there is none each access token. As well as can be: a failure is logged, since what called for it is done anyhow.
 */
export async function revokeQuietly(
  deps: Dependencies,
  { refreshToken, tokens = {} }: Partial<Pick<SessionData, 'refreshToken' | 'tokens'>>,
): Promise<void> {
  const requests: RevocationRequest[] =
    refreshToken === undefined
      ? Object.values(tokens).map(({ accessToken }) => ({ token: accessToken, hint: 'access_token' }))
      : [{ token: refreshToken, hint: 'refresh_token' }];
  const revoked = requests.map((request) =>
    deps.client.revokeToken(request).catch((error: unknown) => {
      const facts = isZonesError(error) ? { ...error.facts, refusal: error.code } : { refusal: 'unexpected' };
      deps.log('warn', 'session.revocation_failed', facts);
    }),
  );
  await Promise.all(revoked);
}

/** Key of an index item. Hashed: a table read names nobody. */
function indexKey(kind: 'sid' | 'sub' | 'sid-sub' | 'sub-only', ...values: string[]): string {
  return `${kind}#${digest(...values)}`;
}

/**
 * The index items that a session belongs in: one for each way in which a logout token can name it. Sessions are sealed,
 * so those whose ID token had no `sid` have an item of their own.
 */
function linkSession(pk: string, value: Omit<SessionData, 'links'>): SessionLinks {
  const {
    endsAt,
    sid,
    person: { iss, sub },
  } = value;
  const keys =
    sid === undefined
      ? [indexKey('sub', iss, sub), indexKey('sub-only', iss, sub)]
      : [indexKey('sub', iss, sub), indexKey('sid', iss, sid), indexKey('sid-sub', iss, sid, sub)];
  return Object.fromEntries(keys.map((key) => [key, `${endsAt}:${pk}`]));
}

/** The index items with the sessions that a logout token names (OpenID Connect Back-Channel Logout 1.0, 2.4 and 2.7). */
function namedKeys({ iss, sub, sid }: LogoutTokenClaims): string[] {
  if (sid === undefined) return sub === undefined ? [] : [indexKey('sub', iss, sub)];
  return sub === undefined
    ? [indexKey('sid', iss, sid)]
    : [indexKey('sid-sub', iss, sid, sub), indexKey('sub-only', iss, sub)];
}

/** When an index item may go: not before a session in it, nor before a login that a logout must still refuse, has ended. */
function indexEnd(deps: Dependencies): number {
  return seconds(deps) + Math.max(deps.settings.absoluteSeconds, 2 * TRANSACTION_SECONDS);
}

/**
 * Enters a session that is in the table, and whose id nobody has yet, in its index items. False when a logout token that
 * names it was issued after its login began: the same write asks that and enters, so there is no moment in between. Drops
 * lapsed members on the way. `begunAt` is epoch seconds.
 */
async function enterSession(deps: Dependencies, begunAt: number, links: SessionLinks): Promise<boolean> {
  const entered = await Promise.all(
    Object.entries(links).map(async ([key, member]) => {
      const members = await deps.store.link(key, member, begunAt, indexEnd(deps));
      const lapsed = members?.filter((other) => Number.parseInt(other, 10) < seconds(deps)) ?? [];
      await deps.store.unlink(key, lapsed);
      return members !== undefined;
    }),
  );
  return entered.every(Boolean);
}

/**
 * Ends a session and takes it out of the indexes; gives its last state, if the table's answer brought it. Ending one that has
 * ended does no harm. What is left in an index where the table fails then is logged: it names nothing, and lapses.
 *
 * @throws {ZonesError} aws_*: the session may not have ended
 */
export async function endSession(deps: Dependencies, { pk, links }: { pk: string; links: SessionLinks }) {
  const { store, log } = deps;
  const last = await store.take(pk);
  const left = await Promise.allSettled(
    Object.entries(links).map(([key, member]) => store.unlink(key, [member])),
  );
  if (left.some(({ status }) => status === 'rejected')) log('warn', 'session.index_left', {});
  return last;
}

/**
 * Ends the sessions that a logout token names: with `sub` alone all of the subject's; with `sid` alone those with it; with
 * both those that have both and the subject's without any `sid`, never one with another. Logins that began before the
 * token's `iat` and would be named by it are refused when they finish. Gives how many sessions were removed, which may
 * be fewer after a lost answer. What the cookies' ids would decrypt goes unread.
 */
export async function endSessionsOf(deps: Dependencies, named: LogoutTokenClaims): Promise<number> {
  const { store } = deps;
  let removed = 0;
  for (const key of namedKeys(named)) {
    const members = await store.close(key, named.iat, indexEnd(deps));
    for (const member of members) if (await store.take(member.slice(member.indexOf(':') + 1))) removed += 1;
    await store.unlink(key, members);
  }
  return removed;
}
