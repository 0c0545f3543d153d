import type { LogoutTokenClaims } from '@helseid-zones/client/tokens';
import { type Dependencies, seconds } from './dependencies.ts';
import { digest } from './secrets.ts';
import type { StoredItem } from './store.ts';
import { TRANSACTION_SECONDS } from './transactions.ts';

/** Index items that lead to a session, each with the session's member there. */
export type SessionLinks = Readonly<Record<string, string>>;

/** Key of an index item. Hashed: a table read names nobody. */
function indexKey(kind: 'sid' | 'sub' | 'sid-sub' | 'sub-only', ...values: string[]): string {
  return `${kind}#${digest(...values)}`;
}

/**
 * The index items that a session belongs in: one for each way in which a logout token can name it. Sessions are sealed,
 * so those whose ID token had no `sid` have an item of their own.
 */
export function linkSession(
  session: { pk: string; endsAt: number },
  { iss, sub, sid }: { iss: string; sub: string; sid?: string | undefined },
): SessionLinks {
  const keys =
    sid === undefined
      ? [indexKey('sub', iss, sub), indexKey('sub-only', iss, sub)]
      : [indexKey('sub', iss, sub), indexKey('sid', iss, sid), indexKey('sid-sub', iss, sid, sub)];
  return Object.fromEntries(keys.map((key) => [key, `${session.endsAt}:${session.pk}`]));
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
export async function enterSession(
  deps: Dependencies,
  begunAt: number,
  links: SessionLinks,
): Promise<boolean> {
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
export async function endSession(
  { store, log }: Pick<Dependencies, 'store' | 'log'>,
  { pk, links }: { pk: string; links: SessionLinks },
): Promise<StoredItem | undefined> {
  const last = await store.take(pk);
  const left = await Promise.allSettled(
    Object.entries(links).map(([key, member]) => store.unlink(key, [member])),
  );
  if (left.some(({ status }) => status === 'rejected')) log({ level: 'warn', code: 'session.index_left' });
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
    for (const member of members) if (await store.remove(member.slice(member.indexOf(':') + 1))) removed += 1;
    await store.unlink(key, members);
  }
  return removed;
}
