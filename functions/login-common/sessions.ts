import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { Dependencies } from './dependencies.ts';
import type { KeptToken } from './kept-tokens.ts';
import type { Organization, Person } from './person.ts';
import { createId, itemKey, seal, unseal } from './secrets.ts';
import { endSession, enterSession, linkSession, type SessionLinks } from './session-index.ts';
import type { LoginStore } from './store.ts';

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
  /** Of the login: a refreshed ID token may have no other. */
  nonce?: string;
  refreshToken?: string;
  refreshTokenExpiresAt?: number;
  /** One narrow access token an API, by the API's name. */
  tokens: Readonly<Record<string, KeptToken>>;
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

/**
 * Creates a session with a new id, for its cookie, and ends those that it replaces. The session comes first and the index after
 * it: until both are there, nobody has the id. Where any of it fails, nothing is left of the new one, and the last of the
 * replaced ones lives on, unless the table ended it and its answer got lost.
 *
 * @throws {ZonesError} session_invalid: the issuer has ended the login meanwhile
 * @throws {ZonesError} aws_*: the table can't be asked
 */
export async function createSession(
  deps: Pick<Dependencies, 'store' | 'log'>,
  times: { now: number; begunAt: number; idleSeconds: number },
  value: Omit<SessionData, 'links'>,
  replaced: readonly { pk: string; links: SessionLinks }[],
): Promise<string> {
  const { store } = deps;
  const id = createId();
  const pk = itemKey('session', id);
  const { now, begunAt } = times;
  const { endsAt, sid } = value;
  const links = linkSession({ pk, endsAt }, { ...value.person, sid });
  const data: SessionData = { ...value, links };
  try {
    await store.add(pk, seal(id, pk, data), Math.min(now + times.idleSeconds, endsAt));
    if (!(await enterSession(store, { now, begunAt, absoluteSeconds: endsAt - now }, links)))
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

/** Ends a session; gives its last state, which a refresh may have changed since it was found. */
export async function finishSession(
  deps: Pick<Dependencies, 'store' | 'log'>,
  { id, pk, data }: OpenSession,
): Promise<SessionData> {
  const last = await endSession(deps, { pk, links: data.links });
  return last ? (unseal(id, pk, last.data) as SessionData) : data;
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
