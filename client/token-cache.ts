import type { AccessToken } from './tokens.ts';

/** Tokens in memory. */
export interface TokenCache {
  /** The token under `key`, or the one that `request` gets; callers at the same time share one request. */
  get(key: string, request: () => Promise<AccessToken>): Promise<AccessToken>;
  /** Drops `token`, if it is still the one under `key`. */
  drop(key: string, token: AccessToken): void;
}

/** Seconds before its expiry from which a token is not used any more. Small: HelseID's may live for 60 seconds only. */
const LEEWAY = 5;

/** Tokens kept at most; a supplier may act for thousands of organisations. */
const MAX_TOKENS = 1000;

/**
 * Makes a {@link TokenCache}. A token without `expires_in` is handed to those who waited for it and never kept: nobody
 * knows how long it lives, and HelseID always says (FK3).
 */
export function createTokenCache(now: () => number): TokenCache {
  const kept = new Map<string, AccessToken>();
  const pending = new Map<string, Promise<AccessToken>>();

  const isFresh = (token: AccessToken): boolean =>
    token.expiresAt !== undefined && now() / 1000 < token.expiresAt - LEEWAY;

  function keep(key: string, token: AccessToken): void {
    if (!isFresh(token)) return;
    kept.set(key, token);
    if (kept.size <= MAX_TOKENS) return;
    for (const [other, old] of kept) if (!isFresh(old)) kept.delete(other);
    const oldest = kept.keys().next();
    if (kept.size > MAX_TOKENS && !oldest.done) kept.delete(oldest.value);
  }

  return {
    get(key, request) {
      const token = kept.get(key);
      if (token && isFresh(token)) return Promise.resolve(token);
      kept.delete(key);
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
    },
    drop(key, token) {
      if (kept.get(key) === token) kept.delete(key);
    },
  };
}
