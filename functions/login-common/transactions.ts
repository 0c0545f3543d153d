import type { KeyBinding } from '@helseid-zones/client/tokens';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { Organization } from './organization.ts';
import type { Person } from './person.ts';
import { createId, itemKey, seal, unseal } from './secrets.ts';
import type { SessionLinks } from './session-index.ts';
import type { LoginStore } from './store.ts';

/** Seconds that a person has to log in. */
export const TRANSACTION_SECONDS = 900;

/** A login that has begun: what the callback needs, sealed, and readable by the browser that began it only. */
export interface Transaction {
  /** When it began, epoch seconds: ages and logouts are measured from here, not from the callback. */
  begunAt: number;
  state: string;
  nonce: string;
  codeVerifier: string;
  /** The key the code is bound to; the callback pins it, so a rotation in between harms nobody. */
  binding: KeyBinding;
  returnPath: string;
  maxAge?: number;
  /** The session it was begun in, which the new one replaces; its person must come back (SB5). */
  previous?: { pk: string; links: SessionLinks; person: Person };
  /** Where the request object carried one. */
  organization?: Organization;
  /** Whether an earlier login of this wish was too old. */
  again?: true;
}

/** Stores a transaction that begins `now` (epoch seconds); gives the id for its cookie. */
export async function saveTransaction(
  store: LoginStore,
  now: number,
  value: Omit<Transaction, 'begunAt'>,
): Promise<string> {
  const id = createId();
  const pk = itemKey('login', id);
  const transaction: Transaction = { ...value, begunAt: now };
  await store.add(pk, seal(id, pk, transaction), now + TRANSACTION_SECONDS);
  return id;
}

/** Takes a transaction, so that no second callback finds it. Throws `login_expired` when there is none (any more). */
export async function takeTransaction(store: LoginStore, now: number, id: string): Promise<Transaction> {
  const pk = itemKey('login', id);
  const item = await store.take(pk);
  if (!item || item.expires <= now)
    throw new ZonesError('login_expired', 'This login took too long or was used already; begin again.');
  return unseal(id, pk, item.data) as Transaction;
}
