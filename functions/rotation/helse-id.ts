import { createApiFetch } from '@helseid-zones/client/api-fetch';
import { createMemorySigner, generateKey } from '@helseid-zones/client/create-signer';
import type { Fetch } from '@helseid-zones/client/http';
import { getAccessToken, machineTokens } from '@helseid-zones/client/machine-token';
import { createSelfService } from '@helseid-zones/client/self-service';
import { createTokenCache } from '@helseid-zones/client/token-cache';
import { createTokenClient, type TokenClient } from '@helseid-zones/client/token-client';
import type { Algorithm } from '@helseid-zones/protocol/algorithms';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { Intent, Signer } from '@helseid-zones/protocol/intents';
import type { AdminClient, AdminDependencies } from './settings.ts';

/** What the admin zone does as a client of HelseID. */
export type HelseId = ReturnType<typeof createHelseId>;

/** The client by its name, its registration, the self-service API where there is one, who signs, and the world. `now` is epoch milliseconds. */
interface HelseIdDeps extends Pick<AdminClient, 'client' | 'config'>, Pick<AdminDependencies, 'audit'> {
  selfService: AdminClient['selfService'] | undefined;
  signer: Signer;
  fetch?: Fetch | undefined;
  now?: () => number;
}

/**
 * The admin zone as a client of HelseID. Metadata and nonces are kept (FK2, docs/requirements.md), tokens never: a cached one would
 * prove nothing.
 */
export function createHelseId({ selfService, config, audit, ...deps }: HelseIdDeps) {
  const request = selfService ? { scopes: [selfService.scope] } : {};
  const base = createTokenClient({ ...config, ...deps });

  function freshClient(kid?: string): TokenClient {
    const signer = kid === undefined ? base.signer : pinKey(base.signer, kid);
    return { ...base, signer, tokens: createTokenCache(base.now) };
  }

  // An RSA key takes long to make, and the issuer knows none of them: one will do for all that a run proves.
  const madeUp = new Map<Algorithm, Signer>();
  function makeUpSigner(algorithm: Algorithm): Signer {
    const known = madeUp.get(algorithm);
    if (known) return known;
    const keys = [generateKey(algorithm)] as const;
    const signer = createMemorySigner({ client: deps.client, subject: config, keys, now: base.now });
    madeUp.set(algorithm, signer);
    return signer;
  }

  return {
    /**
     * Resolves when the issuer has authenticated the client by exactly this key, now: asked for a token, never a cached one.
     * What else it has against the client does not count. Throws what the token client throws, and `rotation_failed` where
     * no key can be proved.
     */
    proveKey: (kid: string, algorithm: Algorithm) =>
      proveByEither(
        () => getAccessToken(freshClient(kid), request),
        () => getAccessToken({ ...freshClient(), signer: makeUpSigner(algorithm) }, request),
      ),
    /**
     * The self-service API, called with a token of the current key (and after `invalid_client` of the newest registered
     * one), or of a pinned key.
     */
    selfService(kid?: string) {
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
  const pin = (intent: Intent): Intent => {
    if (intent.kid !== undefined) return intent;
    if (intent.kind !== 'client_assertion') return { ...intent, kid };
    const { key: _, ...rest } = intent;
    return { ...rest, kid };
  };
  return { sign: (intents) => signer.sign(intents.map(pin)) };
}

/**
 * What an authorization server says of a request after it has authenticated the client (RFC 6749 5.2, RFC 8707 2): the key
 * was right, and the registration lacks something else.
 */
const BEYOND_THE_KEY: readonly unknown[] = [
  'unauthorized_client',
  'invalid_scope',
  'invalid_target',
  'unsupported_grant_type',
];

/** Whether a token was refused for another reason than the key. Status 401 always means the key, whatever the words are. */
export function isBeyondTheKey(error: unknown): error is ZonesError {
  return (
    isZonesError(error, 'token_refused') &&
    error.facts['status'] !== 401 &&
    BEYOND_THE_KEY.includes(error.facts['error'])
  );
}

/** Whether a token was refused because the client could not be authenticated. */
export function isKeyRefused(error: unknown): error is ZonesError {
  return (
    isZonesError(error, 'token_refused') &&
    (error.facts['error'] === 'invalid_client' || error.facts['status'] === 401)
  );
}

/**
 * Resolves when the issuer has authenticated the client by the key that `ask` signs with: it gives a token, or refuses one for
 * `unauthorized_client`, which RFC 6749 5.2 says of the *authenticated* client. Another reason beyond the key counts only
 * if the same request by a made-up key, `askWithMadeUpKey`, is refused for that key: then the issuer looks at the key first.
 * @throws what `ask` throws; `rotation_failed` where the issuer refuses whatever key signs, and nothing can be said of ours
 */
async function proveByEither(ask: () => Promise<unknown>, askWithMadeUpKey: () => Promise<unknown>) {
  const refusal = await refusalOf(ask, isBeyondTheKey);
  if (!refusal || refusal.facts['error'] === 'unauthorized_client') return;
  const other = await refusalOf(askWithMadeUpKey, (error) => isBeyondTheKey(error) || isKeyRefused(error));
  if (isKeyRefused(other)) return;
  const message = `The issuer refuses a token (${refusal.facts['error']}) before it looks at the key, so that no key can be proved. Grant the client what it lacks.`;
  throw new ZonesError('rotation_failed', message, { cause: refusal, facts: refusal.facts });
}

/** What the issuer has against a request, if it is of this kind; throws anything else. */
async function refusalOf(ask: () => Promise<unknown>, isKind: (error: unknown) => boolean) {
  try {
    await ask();
  } catch (error) {
    if (isZonesError(error) && isKind(error)) return error;
    throw error;
  }
  return undefined;
}
