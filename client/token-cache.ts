import { ageAt } from '@helseid-zones/protocol/values';
import type { AccessToken } from './tokens.ts';

/** Tokens in memory. */
export type TokenCache = ReturnType<typeof createTokenCache>;

/** Gets a new token. */
type RequestToken = () => Promise<AccessToken>;

/** Seconds before its expiry from which a token is not used any more. Small: HelseID's may live for 60 seconds only. */
const LEEWAY = 5;

/** Milliseconds between two tokens in the place of lost ones where a new one is bound to the lost key again: signers that disagree for a while. */
const REPLACEMENT_INTERVAL = 10_000;

/** Tokens kept at most; a supplier may act for thousands of organisations. */
const MAX_TOKENS = 1000;

/** Whether a token may still be used at `now` (epoch milliseconds); one without `expires_in` is never kept, so not. */
export const isFresh = ({ expiresAt }: AccessToken, now: number): boolean =>
  expiresAt !== undefined && now / 1000 < expiresAt - LEEWAY;

/**
 * Makes a {@link TokenCache}. A token without `expires_in` is handed to those who waited for it and never kept: nobody
 * knows how long it lives, and HelseID always says (FK3, docs/requirements.md).
 */
export function createTokenCache(now: () => number) {
  const kept = new Map<string, AccessToken>();
  const pending = new Map<string, Promise<AccessToken>>();
  /** Tokens that took the place of a refused one, until somebody accepts them. */
  const unproven = new WeakSet<AccessToken>();
  /** When tokens came that took the place of a lost one and are bound to its key again, epoch milliseconds. */
  const inVain = new WeakMap<AccessToken, number>();

  function keep(key: string, token: AccessToken): void {
    if (!isFresh(token, now())) return;
    kept.set(key, token);
    if (kept.size <= MAX_TOKENS) return;
    for (const [other, old] of kept) if (!isFresh(old, now())) kept.delete(other);
    const oldest = kept.keys().next();
    if (kept.size > MAX_TOKENS && !oldest.done) kept.delete(oldest.value);
  }

  function share(key: string, request: RequestToken): Promise<AccessToken> {
    const running = pending.get(key);
    if (running) return running;
    const started = request()
      .then((fetched) => {
        keep(key, fetched);
        return fetched;
      })
      .finally(() => pending.delete(key));
    pending.set(key, started);
    return started;
  }

  return {
    /** The token under `key`, or the one that `request` gets; callers at the same time share one request. */
    async get(key: string, request: RequestToken): Promise<AccessToken> {
      const token = kept.get(key);
      return token && isFresh(token, now()) ? token : share(key, request);
    },
    /**
     * A token to use instead of `refused`: the one that has taken its place under `key`, or the one that `request` gets;
     * `refused` stays until then. Nothing where `refused` was itself got so and nobody has accepted it yet: what refuses one
     * after the other is not about the token.
     */
    async renew(key: string, refused: AccessToken, request: RequestToken): Promise<AccessToken | undefined> {
      if (unproven.has(refused)) return undefined;
      const current = kept.get(key);
      if (current && current.accessToken !== refused.accessToken && isFresh(current, now())) return current;
      const fetched = await share(key, request);
      unproven.add(fetched);
      return fetched;
    },
    /**
     * A token to use instead of `lost`, whose key signs no more, as the signer says and no API or caller: the one under `key` that
     * is bound to another key, or the one that `request` gets, whatever was refused before. Nothing where `lost` was itself got so
     * seconds ago.
     */
    async replace(key: string, lost: AccessToken, request: RequestToken): Promise<AccessToken | undefined> {
      const { kid } = lost.binding;
      const current = kept.get(key);
      if (current && current.binding.kid !== kid && isFresh(current, now())) return current;
      const since = ageAt(now(), inVain.get(lost) ?? Number.NEGATIVE_INFINITY);
      if (since < REPLACEMENT_INTERVAL) return undefined;
      const fetched = await share(key, request);
      if (fetched.binding.kid === kid) inVain.set(fetched, now());
      return fetched;
    },
    /** Notes that an API has accepted `token`. */
    accept(token: AccessToken): void {
      unproven.delete(token);
    },
  };
}
