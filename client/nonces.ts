import { NONCE_PATTERN } from '@helseid-zones/protocol/intents';

/** Servers by role: an authorization server and an API keep their nonces apart, even on one origin (RFC 9449 8, 9). */
export type ServerRole = 'authorization-server' | 'api';

/** The latest DPoP nonce of each server. */
export type NonceStore = ReturnType<typeof createNonceStore>;

/** Servers remembered at most; the oldest gives way. */
const MAX_SERVERS = 100;

/** Makes a {@link NonceStore} in memory. A lost nonce costs one round trip, so nothing is persisted. */
export function createNonceStore() {
  const latest = new Map<string, string | undefined>();
  const keyOf = (role: ServerRole, url: string): string => `${role} ${new URL(url).origin}`;
  return {
    get: (role: ServerRole, url: string): string | undefined => latest.get(keyOf(role, url)),
    /** Whether the server has answered before: then it is known whether it wants a nonce. */
    knows: (role: ServerRole, url: string): boolean => latest.has(keyOf(role, url)),
    /**
     * Takes the nonce of a response, if it has one; to be called with every response. Returns it. Of several, by a gateway
     * that adds its own or repeats another's, the last counts; what is no nonce is not worth a refused signature.
     */
    keep(role: ServerRole, url: string, response: Response): string | undefined {
      const key = keyOf(role, url);
      // `fetch` joins them with a comma and a space, and a nonce has no space.
      const offered = response.headers.get('dpop-nonce')?.split(', ') ?? [];
      const nonce = offered.findLast((text) => NONCE_PATTERN.test(text));
      const kept = nonce ?? latest.get(key);
      latest.delete(key);
      latest.set(key, kept);
      const oldest = latest.keys().next();
      if (latest.size > MAX_SERVERS && !oldest.done) latest.delete(oldest.value);
      return nonce;
    },
  };
}
