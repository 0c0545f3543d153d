import type { KeyBinding } from '@helseid-zones/client/tokens';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { decodePercent } from '@helseid-zones/protocol/values';
import { type Dependencies, seconds } from './dependencies.ts';
import type { Organization, Person } from './person.ts';
import { createId, itemKey, seal, unseal } from './secrets.ts';
import type { SessionLinks } from './sessions.ts';

/** Seconds that a person has to log in. */
export const TRANSACTION_SECONDS = 900;

/** A login that has begun: what the callback needs, sealed, and readable by the browser that began it only. */
export interface Transaction extends Omit<LoginWish, 'prompt'> {
  /** When it began, epoch seconds: ages and logouts are measured from here, not from the callback. */
  begunAt: number;
  state: string;
  nonce: string;
  codeVerifier: string;
  /** The key the code is bound to; the callback pins it, so a rotation in between harms nobody. */
  binding: KeyBinding;
  /** The session it was begun in, which the new one replaces; its person must come back (SB5, docs/requirements.md). */
  previous?: { pk: string; links: SessionLinks; person: Person } | undefined;
}

/** Stores a transaction that begins now; gives the id for its cookie. */
export async function saveTransaction(deps: Dependencies, value: Omit<Transaction, 'begunAt'>) {
  const id = createId();
  const pk = itemKey('login', id);
  const begunAt = seconds(deps);
  const transaction: Transaction = { ...value, begunAt };
  await deps.store.add(pk, seal(id, pk, transaction), begunAt + TRANSACTION_SECONDS);
  return id;
}

/**
 * Takes a transaction, so that no second callback finds it.
 *
 * @throws {ZonesError} login_expired: there is none (any more)
 */
export async function takeTransaction(deps: Dependencies, id: string): Promise<Transaction> {
  const pk = itemKey('login', id);
  const item = await deps.store.take(pk);
  if (!item || item.expires <= seconds(deps))
    throw new ZonesError('login_expired', 'This login took too long or was used already; begin again.');
  return unseal(id, pk, item.data) as Transaction;
}

const ANYWHERE = 'https://gateway.invalid';

/** Where an address does something for whoever opens it. `/session` only shows what it knows. */
const ACTING = ['api', 'callback', 'login', 'logout'];

/**
 * Checks where a person is sent after login: a path on this gateway, with query and fragment perhaps, never another
 * origin. Gives the path as a browser would spell it. Browsers read `\` as `/`, drop tabs and newlines and resolve dot
 * segments, so none of those may occur, not even percent-encoded. Nor may it be a route of ours that acts: any site may send a
 * person to `/login`, which the issuer perhaps finishes unasked, and from there on the request counts as one of this site.
 *
 * @throws {ZonesError} return_path_invalid: it is none
 */
export function checkReturnPath(path: string): string {
  const [before = ''] = path.split(/[?#]/);
  const segments = before.split('/').slice(1);
  const first = segments.find((segment) => segment !== '') ?? '';
  if (
    path.length > 1000 ||
    !/^\/(?![/\\])[^\\\p{Cc}\s]*$/u.test(path) ||
    segments.some((segment) => /^(\.|%2e){1,2}$|%5c|%2f|%0[9ad]/i.test(segment)) ||
    // What a gateway may take it for.
    ACTING.includes((decodePercent(first) ?? first).toLowerCase())
  )
    throw new ZonesError(
      'return_path_invalid',
      'The return path must be a plain path of a page on this site, such as /journal.',
    );
  const { pathname, search, hash } = new URL(path, ANYWHERE);
  return pathname + search + hash;
}

/** What one login was to be, so that another can be the same. */
export interface LoginWish {
  returnPath: string;
  prompt?: string | undefined;
  /** Seconds. */
  maxAge?: number | undefined;
  /** In the request object. */
  organization?: Organization | undefined;
  /** Whether it is the one more that a login gets which turned out to be too old. */
  again?: boolean | undefined;
}

/** The path and query of `/login` for a wish, below the gateway's base path. Only what `/login` would not do by itself is in it. */
export function loginPath({ returnPath = '/', ...wish }: Partial<LoginWish> = {}): string {
  const parameters = {
    prompt: wish.prompt,
    max_age: wish.maxAge,
    ...wish.organization,
    again: wish.again ? 1 : undefined,
    return: returnPath === '/' ? undefined : returnPath,
  };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? '/login' : `/login?${query}`;
}
