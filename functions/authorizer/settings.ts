import type { ZoneConfig } from '@helseid-zones/protocol/config';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { type AccessRules, DEFAULT_CLOCK_SKEW, DEFAULT_PROOF_AGE, PROOF_ALGORITHMS } from './rules.ts';

/** What the authorizer works by. */
export interface AuthorizerSettings {
  rules: AccessRules;
  /** External URL of the API's root, where the declaration or the environment names one; no trailing slash. */
  baseUrl?: string;
}

/**
 * Derives the settings from `config.json`, and the gateway's own URL where no `baseUrl` is declared. Throws
 * `config_invalid`. Leaves what `defineSystem` has checked unchecked.
 */
export function deriveSettings(config: ZoneConfig, gatewayUrl: string | undefined): AuthorizerSettings {
  const { authorizer } = config;
  const client = authorizer && config.clients[authorizer.client];
  if (!authorizer || !client) {
    throw new ZonesError(
      'config_invalid',
      'config.json names no authorizer, or a client that the zone has no grant for; declare gateway.authorizer in zones.ts.',
    );
  }
  const baseUrl = config.baseUrl ?? gatewayUrl?.replace(/\/+$/, '');
  const { audience, scopes, securityLevel } = authorizer;
  return {
    rules: {
      issuer: client.issuer,
      tokenAlgorithm: client.profile.accessTokenAlgorithm,
      audience,
      otherAudiences: authorizer.otherAudiences ?? false,
      scopes,
      ...(securityLevel ? { securityLevel } : {}),
      proofAlgorithms: PROOF_ALGORITHMS,
      proofAge: authorizer.proofAge ?? DEFAULT_PROOF_AGE,
      clockSkew: authorizer.clockSkew ?? DEFAULT_CLOCK_SKEW,
    },
    ...(baseUrl ? { baseUrl } : {}),
  };
}
