import { createApiFetch } from '@helseid-zones/client/api-fetch';
import type { Fetch } from '@helseid-zones/client/http';
import { getAccessToken, machineTokens } from '@helseid-zones/client/machine-token';
import { createMemorySigner } from '@helseid-zones/client/memory-signer';
import { createTokenCache } from '@helseid-zones/client/token-cache';
import { createTokenClient, type TokenClient } from '@helseid-zones/client/token-client';
import type { Algorithm } from '@helseid-zones/protocol/algorithms';
import type { ClientConfig, RotationConfig } from '@helseid-zones/protocol/config';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { Intent, Signer } from '@helseid-zones/protocol/intents';
import type { Audit } from '../common/record-store.ts';
import { makeUpKey, proveKey } from './acceptance.ts';
import { createSelfService, type SelfService } from './self-service.ts';

/** What the admin zone does as a client of HelseID. */
export interface HelseId {
  /**
   * Resolves when the issuer has authenticated the client by exactly this key, now: asked for a token, never a cached one.
   * What else it has against the client does not count. Throws what the token client throws, and `rotation_failed` where
   * no key can be proved.
   */
  proveKey(kid: string, algorithm: Algorithm): Promise<void>;
  /**
   * The self-service API, called with a token of the current key (and after `invalid_client` of the newest registered
   * one), or of a pinned key.
   */
  selfService(kid?: string): SelfService;
}

/** What {@link createHelseId} is made of. */
interface HelseIdDeps {
  /** The client's name in the declaration. */
  client: string;
  config: ClientConfig;
  /** Absent where the issuer has no self-service API. */
  selfService: RotationConfig['selfService'];
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
function pinKey(signer: Signer, kid: string): Signer {
  return { sign: (intents) => signer.sign(intents.map((intent) => pinIntent(intent, kid))) };
}

function pinIntent(intent: Intent, kid: string): Intent {
  if (intent.kid !== undefined) return intent;
  if (intent.kind !== 'client_assertion') return { ...intent, kid };
  const { key: _, ...rest } = intent;
  return { ...rest, kid };
}
