import { createHash } from 'node:crypto';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { JWK } from 'jose';
import { openState } from './storage.ts';
import type { StandInClient } from './types.ts';

/** Where a key of a client was registered. */
type KeyOrigin = 'Gui' | 'Api';

/** A key as the registry holds it. Times are epoch seconds. */
interface RegisteredKey {
  kid: string;
  jwkThumbprint: string;
  origin: KeyOrigin;
  jwk: JWK;
  /** From when the token endpoint accepts it. */
  honouredFrom: number;
  /** null: never expires (portal keys). */
  expires: number | null;
}

/** The registrations: what the stand-in's token endpoint and the self-service API share. */
export type Registry = ReturnType<typeof createRegistry>;

/** What a registry is made of. */
interface RegistryOptions {
  clients: readonly StandInClient[];
  stateDir?: string | undefined;
  /** Seconds until a new key is honoured. */
  propagation: () => number;
  /** Epoch seconds. */
  now?: () => number;
}

/**
 * The registrations at HelseID. Keys of `clients` count as registered in the portal and honoured from the start; those
 * registered while it runs are written to `stateDir` and survive a restart.
 * @throws {ZonesError} local_failed, by `register`: the client is not registered, or the key could not be one
 */
export function createRegistry(options: RegistryOptions) {
  const { now = () => Math.floor(Date.now() / 1000) } = options;
  const none: { keys: Record<string, RegisteredKey[]> } = { keys: {} };
  const state = openState(options.stateDir, 'registrations.json', none);
  const saved = state.value;
  const clients = new Map(options.clients.map((client) => [client.clientId, client]));
  /** All keys of a client, also those not honoured yet or expired. */
  const keys = (clientId: string): RegisteredKey[] => [
    ...(clients.get(clientId)?.jwks?.keys ?? []).map(
      (jwk) => ({ ...describeKey(jwk), origin: 'Gui', honouredFrom: 0, expires: null }) as const,
    ),
    ...(saved.keys[clientId] ?? []),
  ];

  return {
    client: (clientId: string): StandInClient | undefined => clients.get(clientId),
    keys,
    /** The keys that the token endpoint accepts at this instant. */
    honouredKeys: (clientId: string): JWK[] =>
      keys(clientId)
        .filter((key) => key.honouredFrom <= now() && (key.expires === null || key.expires > now()))
        .map(({ jwk }) => jwk),
    /** `expires` is in epoch seconds; null for never. */
    register(clientId: string, jwk: JWK, origin: KeyOrigin, expires: number | null = null): void {
      if (!clients.has(clientId))
        throw new ZonesError('local_failed', `No client ${clientId} is registered at the stand-in.`);
      const key = { ...describeKey(jwk), origin, honouredFrom: now() + options.propagation(), expires };
      const known = keys(clientId).find(({ kid }) => kid === key.kid);
      if (known) key.honouredFrom = Math.min(key.honouredFrom, known.honouredFrom);
      saved.keys[clientId] = [...(saved.keys[clientId] ?? []).filter(({ kid }) => kid !== key.kid), key];
      state.save();
    },
    remove(clientId: string, kid: string): void {
      saved.keys[clientId] = (saved.keys[clientId] ?? []).filter((key) => key.kid !== kid);
      state.save();
    },
  };
}

function describeKey(jwk: JWK): Pick<RegisteredKey, 'kid' | 'jwkThumbprint' | 'jwk'> {
  const { kty, kid, alg, n, e, crv, x, y } = jwk;
  const required = kty === 'RSA' ? { e, kty, n } : { crv, kty, x, y };
  if (!kid || !alg || 'd' in jwk || !Object.values(required).every((member) => typeof member === 'string'))
    throw new ZonesError('local_failed', 'A key to register is a public JWK with kty, kid and alg.');
  // RFC 7638 3: required members in lexicographic order, without white space.
  const jwkThumbprint = createHash('sha256').update(JSON.stringify(required)).digest('base64url');
  return { kid, jwkThumbprint, jwk: { ...required, kid, alg, use: 'sig' } as JWK };
}
