import { createApiFetch } from '@helseid-zones/client/api-fetch';
import type { Fetch } from '@helseid-zones/client/http';
import { getAccessToken, machineTokens } from '@helseid-zones/client/machine-token';
import { createMemorySigner } from '@helseid-zones/client/memory-signer';
import { createTokenCache } from '@helseid-zones/client/token-cache';
import { createTokenClient, type TokenClient } from '@helseid-zones/client/token-client';
import type { Algorithm } from '@helseid-zones/protocol/algorithms';
import type { ClientConfig } from '@helseid-zones/protocol/config';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { Intent, Signer } from '@helseid-zones/protocol/intents';
import type { Audit } from '../common/record-store.ts';
import type { HelseId } from './ports.ts';
import { makeUpKey, proveKey } from './prove-key.ts';
import { createSelfService } from './self-service.ts';

/** What {@link createHelseId} is made of. */
export interface HelseIdDeps {
  /** The client's name in the declaration. */
  client: string;
  config: ClientConfig;
  /** Absent where the issuer has no self-service API. */
  selfService?: { baseUrl: string; scope: string; body: 'object' | 'string' };
  signer: Signer;
  audit: Audit;
  fetch?: Fetch;
  /** Epoch milliseconds. */
  now?: () => number;
}

/**
 * The admin zone as a client of HelseID. Metadata and nonces are kept (FK2), tokens never: a cached one would prove nothing.
 */
export function createHelseId({ selfService, config, audit, ...deps }: HelseIdDeps): HelseId {
  const request = selfService ? { scopes: [selfService.scope] } : {};
  const base = createTokenClient({ ...config, ...deps });

  function freshClient(kid?: string): TokenClient {
    const signer = kid === undefined ? base.signer : pinKey(base.signer, kid);
    return { ...base, signer, tokens: createTokenCache(base.now) };
  }

  function makeUpSigner(algorithm: Algorithm): Signer {
    const { client } = deps;
    return createMemorySigner({ client, subject: config, keys: [makeUpKey(algorithm)], now: base.now });
  }

  return {
    proveKey: (kid, algorithm) =>
      proveKey(
        () => getAccessToken(freshClient(kid), request),
        () => getAccessToken({ ...freshClient(), signer: makeUpSigner(algorithm) }, request),
      ),
    selfService(kid) {
      if (!selfService)
        throw new ZonesError('config_invalid', 'The declaration names no self-service API for this client.', {
          facts: { client: deps.client },
        });
      const source = machineTokens(freshClient(kid), request);
      return createSelfService({ ...selfService, audit, fetch: createApiFetch(base, source) });
    },
  };
}

/** A signer that signs everything with one key but what pins another: also where the newest is asked for. */
export function pinKey(signer: Signer, kid: string): Signer {
  return { sign: (intents) => signer.sign(intents.map((intent) => pinIntent(intent, kid))) };
}

function pinIntent(intent: Intent, kid: string): Intent {
  if (intent.kid !== undefined) return intent;
  if (intent.kind !== 'client_assertion') return { ...intent, kid };
  const { key: _, ...rest } = intent;
  return { ...rest, kid };
}
