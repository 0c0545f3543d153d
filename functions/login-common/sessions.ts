import { isZonesError, ZonesError } from '../../client/errors.ts';
import type { AccessToken } from '../../client/tokens.ts';
import type { Organization } from './organization.ts';
import type { Person } from './person.ts';
import { createId, digest, itemKey, seal, unseal } from './secrets.ts';
import type { LoginStore } from './store.ts';

/** Index items that lead to a session, each with the session's member there. */
export type SessionLinks = Readonly<Record<string, string>>;

/** What a session knows; sealed in the table. Times are epoch seconds. */
export interface SessionData {
  person: Person;
  /** The issuer's session id, for back-channel logout. */
  sid?: string;
  securityLevel?: string;
  loggedInAt: number;
  /** The absolute end, whatever use is made of the session. */
  endsAt: number;
  /** `id_token_hint` at logout. */
  idToken: string;
  refreshToken?: string;
  refreshTokenExpiresAt?: number;
  /** One narrow access token an API, by the API's name. */
  tokens: Readonly<Record<string, AccessToken>>;
  organization?: Organization;
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

/** Key of the index item for the issuer's session id, or for a person's sessions. Hashed: a table read names nobody. */
export function indexKey(kind: 'sid' | 'sub', iss: string, value: string): string {
  return `${kind}#${digest(iss, value)}`;
}

/**
 * Creates a session with a new id, for its cookie. The index comes first, so that a back-channel logout never misses a
 * session that exists. Lapsed members are dropped from an index on the way.
 */
export async function createSession(
  store: LoginStore,
  times: { now: number; idleSeconds: number },
  value: Omit<SessionData, 'links'>,
): Promise<string> {
  const id = createId();
  const pk = itemKey('session', id);
  const { iss, sub } = value.person;
  const member = `${value.endsAt}:${pk}`;
  const keys = [
    indexKey('sub', iss, sub),
    ...(value.sid === undefined ? [] : [indexKey('sid', iss, value.sid)]),
  ];
  for (const key of keys) {
    const members = await store.link(key, member, value.endsAt);
    const lapsed = members.filter((other) => Number.parseInt(other, 10) < times.now);
    await store.unlink(key, lapsed);
  }
  const data: SessionData = { ...value, links: Object.fromEntries(keys.map((key) => [key, member])) };
  await store.add(pk, seal(id, pk, data), Math.min(times.now + times.idleSeconds, data.endsAt));
  return id;
}

/** Finds the session that a cookie's id opens. Throws `session_invalid` when there is none, or it has ended. */
export async function findSession(
  store: LoginStore,
  now: number,
  id: string | undefined,
): Promise<OpenSession> {
  const ended = () => new ZonesError('session_invalid', 'Nobody is logged in here (any more); log in.');
  if (id === undefined) throw ended();
  const pk = itemKey('session', id);
  const item = await store.read(pk);
  if (!item || item.expires <= now) throw ended();
  const data = unseal(id, pk, item.data) as SessionData;
  if (sessionEnd(data) <= now) throw ended();
  return { id, pk, version: item.version, idleAt: item.expires, data };
}

/** {@link findSession}, but nothing where there is none. */
export async function findSessionIfAny(
  store: LoginStore,
  now: number,
  id: string | undefined,
): Promise<OpenSession | undefined> {
  try {
    return await findSession(store, now, id);
  } catch (error) {
    if (isZonesError(error, 'session_invalid')) return undefined;
    throw error;
  }
}

/** What of an access token is kept: enough to use it. */
export function keepToken({ accessToken, binding, expiresAt }: AccessToken): AccessToken {
  return { accessToken, binding, ...(expiresAt === undefined ? {} : { expiresAt }) };
}

/** Notes that a session is in use. Throws `session_invalid` when it ended meanwhile. */
export async function touchSession(
  store: LoginStore,
  times: { now: number; idleSeconds: number },
  session: OpenSession,
): Promise<OpenSession> {
  const idleAt = Math.min(times.now + times.idleSeconds, session.data.endsAt);
  if (idleAt < session.idleAt + TOUCH_SECONDS) return session;
  if (await store.extend(session.pk, idleAt, times.now)) return { ...session, idleAt };
  throw new ZonesError('session_invalid', 'The session has just ended; log in.');
}

/** Puts new data in a session's place; nothing when it has ended or another request changed it first. */
export async function changeSession(
  store: LoginStore,
  session: OpenSession,
  data: SessionData,
): Promise<OpenSession | undefined> {
  const { id, pk, version } = session;
  const done = await store.replace(pk, version, seal(id, pk, data));
  return done ? { ...session, version: version + 1, data } : undefined;
}

/** Ends a session and takes it out of the indexes. Ending one that has ended does no harm. */
export async function endSession(
  store: LoginStore,
  session: { pk: string; links: SessionLinks },
): Promise<void> {
  await store.remove(session.pk);
  for (const [key, member] of Object.entries(session.links)) await store.unlink(key, [member]);
}

/**
 * Ends the sessions that a logout token names: with `sid` that one, with `sub` all of the person's, with both those
 * that are both. Gives how many. What the cookies' ids would decrypt goes unread.
 */
export async function endSessionsOf(
  store: LoginStore,
  named: { iss: string; sub?: string; sid?: string },
): Promise<number> {
  const keys = (['sid', 'sub'] as const).flatMap((kind) => {
    const value = named[kind];
    return value === undefined ? [] : [indexKey(kind, named.iss, value)];
  });
  const [first = new Set<string>(), ...others] = await Promise.all(
    keys.map(async (key) => new Set(await store.members(key))),
  );
  const members = [...first].filter((member) => others.every((set) => set.has(member)));
  for (const member of members) await store.remove(member.slice(member.indexOf(':') + 1));
  for (const key of keys) await store.unlink(key, members);
  return members.length;
}
