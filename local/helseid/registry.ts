import { createHash } from 'node:crypto';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { JWK } from 'jose';
import { openState } from './storage.ts';
import type { RegisteredKey, Registry, StandInClient } from './types.ts';

interface Saved {
  keys: Record<string, RegisteredKey[]>;
  /** Clients that were added while it ran (client drafts). */
  added: StandInClient[];
}

/** What a registry is made of. */
export interface RegistryOptions {
  clients: readonly StandInClient[];
  stateDir?: string | undefined;
  /** Seconds until a new key is honoured, where `register` isn't told. */
  propagation: () => number;
  /** Epoch seconds. */
  now?: () => number;
}

/**
 * The registrations at HelseID. Keys of `clients` count as registered in the portal and honoured from the start; those
 * registered while it runs are written to `stateDir` and survive a restart.
 * Throws `local_failed` for a client that isn't registered and for a key that could not be one.
 */
export function createRegistry(options: RegistryOptions): Registry {
  const { now = () => Math.floor(Date.now() / 1000) } = options;
  const state = openState<Saved>(options.stateDir, 'registrations.json', { keys: {}, added: [] });
  const saved = state.value;
  const clients = new Map([...saved.added, ...options.clients].map((client) => [client.clientId, client]));
  const find = (clientId: string) => {
    const client = clients.get(clientId);
    if (!client) throw new ZonesError('local_failed', `No client ${clientId} is registered at the stand-in.`);
    return client;
  };
  const allKeys = (clientId: string) => [
    ...(clients.get(clientId)?.jwks?.keys ?? []).map(portalKey),
    ...(saved.keys[clientId] ?? []),
  ];

  return {
    client: (clientId) => clients.get(clientId),
    clients: () => [...clients.values()],
    addClient(client) {
      clients.set(client.clientId, client);
      saved.added.push(client);
      state.save();
    },
    keys: allKeys,
    honouredKeys: (clientId) =>
      allKeys(clientId)
        .filter((key) => key.honouredFrom <= now() && (key.expires === null || key.expires > now()))
        .map(({ jwk }) => jwk),
    register(clientId, jwk, origin, { expires = null, propagation = options.propagation() } = {}) {
      find(clientId);
      const key: RegisteredKey = {
        ...describeKey(jwk),
        origin,
        registeredAt: now(),
        honouredFrom: Math.min(now() + propagation, Number.MAX_SAFE_INTEGER),
        expires,
      };
      const known = allKeys(clientId).find(({ kid }) => kid === key.kid);
      if (known) key.honouredFrom = Math.min(key.honouredFrom, known.honouredFrom);
      saved.keys[clientId] = [...(saved.keys[clientId] ?? []).filter(({ kid }) => kid !== key.kid), key];
      state.save();
    },
    remove(clientId, kid) {
      saved.keys[clientId] = (saved.keys[clientId] ?? []).filter((key) => key.kid !== kid);
      state.save();
    },
  };
}

function portalKey(jwk: JWK): RegisteredKey {
  return { ...describeKey(jwk), origin: 'Gui', registeredAt: 0, honouredFrom: 0, expires: null };
}

function describeKey(jwk: JWK): Pick<RegisteredKey, 'kid' | 'jwkThumbprint' | 'jwk'> {
  const { kty, kid, alg, n, e, crv, x, y } = jwk;
  const required = kty === 'RSA' ? { e, kty, n } : { crv, kty, x, y };
  if (!kid || !alg || 'd' in jwk || !Object.values(required).every((member) => typeof member === 'string')) {
    throw new ZonesError('local_failed', 'A key to register is a public JWK with kty, kid and alg.');
  }
  // RFC 7638 3: required members in lexicographic order, without white space.
  const jwkThumbprint = createHash('sha256').update(JSON.stringify(required)).digest('base64url');
  return { kid, jwkThumbprint, jwk: { ...required, kid, alg, use: 'sig' } as JWK };
}
