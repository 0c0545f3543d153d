import type { AccessToken, RevocationRequest, UserTokens } from '@helseid-zones/client/tokens';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { type Dependencies, seconds } from './dependencies.ts';
import type { Organization, Person } from './person.ts';
import { createId, itemKey, seal, unseal } from './secrets.ts';
import { endSession, enterSession, linkSession, type SessionLinks } from './session-index.ts';

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
  const links = linkSession({ pk, endsAt: value.endsAt }, { ...value.person, sid: value.sid });
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
export async function findSession(
  deps: Pick<Dependencies, 'store' | 'now'>,
  id: string | undefined,
): Promise<OpenSession> {
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
export function findSessionIfAny(
  deps: Pick<Dependencies, 'store' | 'now'>,
  id: string | undefined,
): Promise<OpenSession | undefined> {
  return findSession(deps, id).catch((error: unknown) => {
    if (isZonesError(error, 'session_invalid')) return undefined;
    throw error;
  });
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
export async function changeSession(
  { store }: Pick<Dependencies, 'store'>,
  session: OpenSession,
  data: SessionData,
): Promise<OpenSession | undefined> {
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
export function keepRefreshToken(
  { log }: Pick<Dependencies, 'log'>,
  { refreshToken, refreshTokenExpiresAt, ignoredRefreshTokenLifetime: ignored }: UserTokens,
): Pick<SessionData, 'refreshToken' | 'refreshTokenExpiresAt'> {
  if (ignored !== undefined) {
    const facts = { rt_expires_in: ignored, refresh_token: refreshToken !== undefined };
    log({ level: 'warn', code: 'session.refresh_lifetime_ignored', facts });
  }
  return { refreshToken, refreshTokenExpiresAt };
}

/**
 * Revokes tokens that nobody will hold (RFC 7009): the refresh token, with which issuers end the access tokens too, or where
 * there is none each access token. As well as can be: a failure is logged, since what called for it is done anyhow.
 */
export async function revokeQuietly(
  deps: Pick<Dependencies, 'client' | 'log'>,
  { refreshToken, tokens = {} }: Partial<Pick<SessionData, 'refreshToken' | 'tokens'>>,
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
