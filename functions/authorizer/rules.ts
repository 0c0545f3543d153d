import type { ZoneConfig } from '@helseid-zones/protocol/config';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { JWTVerifyGetKey } from 'jose';

/** What a resource server demands of a request: HelseID's checks (UP-ATV) as data, beside what is declared. */
export type AccessRules = AuthorizerSettings['rules'];

/** A request as the caller sent it. */
export interface AccessRequest {
  method: string;
  /** External scheme, host and prefix that the caller used, not those behind a proxy; no trailing slash. */
  baseUrl: string;
  /** The path below it as the gateway saw it, decoded or not, without the query; empty, or begins with `/`. */
  path: string;
  /** Every header with every value, in any case of the names. */
  headers: readonly (readonly [name: string, value: string])[];
}

/** Remembers proofs. Must be shared by every instance of the API. */
export interface ReplayCache {
  /** True the first time an `id` is claimed, false until `expires` (epoch seconds) has passed. Throws when it can't be asked. */
  claim(id: string, expires: number): Promise<boolean>;
}

/** What validation needs from outside. */
export interface AccessPorts {
  /** The issuer's keys by `kid`. */
  keys: JWTVerifyGetKey;
  replays: ReplayCache;
  /** Epoch seconds. */
  now: () => number;
}

/** What the authorizer works by. */
export type AuthorizerSettings = ReturnType<typeof deriveSettings>;

/**
 * Derives the settings from `config.json`, and the gateway's own URL where no `baseUrl` is declared. Leaves what `defineSystem`
 * has checked unchecked.
 * @throws {ZonesError} config_invalid: where no authorizer is declared, or no grant for its client
 */
export function deriveSettings(config: ZoneConfig, gatewayUrl: string | undefined) {
  const client = config.authorizer && config.clients[config.authorizer.client];
  if (!config.authorizer || !client)
    throw new ZonesError(
      'config_invalid',
      'config.json names no authorizer, or a client that the zone has no grant for; declare gateway.authorizer in zones.ts.',
    );
  const { client: _, ...demands } = config.authorizer;
  const { issuer, profile } = client;
  const baseUrl = config.baseUrl ?? gatewayUrl?.replace(/\/+$/, '');
  return {
    /** `tokenAlgorithm` is the one that the issuer signs with; HelseID: RS256. */
    rules: { ...demands, issuer, tokenAlgorithm: profile.accessTokenAlgorithm },
    /** External URL of the API's root, where the declaration or the environment names one; no trailing slash. */
    baseUrl: baseUrl || undefined,
  };
}
