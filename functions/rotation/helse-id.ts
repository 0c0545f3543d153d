import { createApiFetch } from '@helseid-zones/client/api-fetch';
import { createMemorySigner, generateKey } from '@helseid-zones/client/create-signer';
import type { Fetch } from '@helseid-zones/client/http';
import { getAccessToken, machineTokens } from '@helseid-zones/client/machine-token';
import { createSelfService, type SelfService } from '@helseid-zones/client/self-service';
import { createTokenCache } from '@helseid-zones/client/token-cache';
import { createTokenClient, type TokenClient } from '@helseid-zones/client/token-client';
import type { Algorithm } from '@helseid-zones/protocol/algorithms';
import { type ErrorCode, isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { Intent, Signer } from '@helseid-zones/protocol/intents';
import { type Patience, retryUntilDeadline } from '../common/retry.ts';
import type { AdminClient, AdminDependencies } from './settings.ts';

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
export function createHelseId({ selfService, config, audit, ...deps }: HelseIdDeps): HelseId {
  const request = selfService ? { scopes: [selfService.scope] } : {};
  const base = createTokenClient({ ...config, ...deps });

  function freshClient(kid?: string): TokenClient {
    const signer = kid === undefined ? base.signer : pinKey(base.signer, kid);
    return { ...base, signer, tokens: createTokenCache(base.now) };
  }

  function makeUpSigner(algorithm: Algorithm): Signer {
    const { client } = deps;
    return createMemorySigner({ client, subject: config, keys: [generateKey(algorithm)], now: base.now });
  }

  return {
    proveKey: (kid, algorithm) =>
      proveByEither(
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
async function proveByEither(
  ask: () => Promise<unknown>,
  askWithMadeUpKey: () => Promise<unknown>,
): Promise<void> {
  const refusal = await refusalOf(ask, isBeyondTheKey);
  if (!refusal || refusal.facts['error'] === 'unauthorized_client') return;
  const other = await refusalOf(askWithMadeUpKey, (error) => isBeyondTheKey(error) || isKeyRefused(error));
  if (isKeyRefused(other)) return;
  throw new ZonesError(
    'rotation_failed',
    `The issuer refuses a token (${refusal.facts['error']}) before it looks at the key, so that no key can be proved. Grant the client what it lacks.`,
    { cause: refusal, facts: refusal.facts },
  );
}

/** What the issuer has against a request, if it is of this kind; throws anything else. */
async function refusalOf(
  ask: () => Promise<unknown>,
  isKind: (error: unknown) => boolean,
): Promise<ZonesError | undefined> {
  try {
    await ask();
  } catch (error) {
    if (isZonesError(error) && isKind(error)) return error;
    throw error;
  }
  return undefined;
}

/** Seconds that anything but HelseID's own refusal is waited for: a signer that wakes up, KMS that has not heard of a new key. */
const HICCUP = 120;

/** Seconds after which the log says what is waited for: HelseID honours a new key sooner as a rule. */
const SILENCE = 60;

/** What waiting can't mend, or what Secrets Manager's own retries are for. */
const HOPELESS: readonly ErrorCode[] = [
  'config_invalid',
  'details_invalid',
  'grant_refused',
  'intent_malformed',
  'record_invalid',
  'request_malformed',
  'rotation_failed',
  'self_service_refused',
  'self_service_unreachable',
  'version_unknown',
];

/**
 * Does something that needs HelseID to accept a key, again and again until it does or the function's time is nearly over.
 * HelseID needs 20 seconds and more to honour a new key; a signer that has long been idle may fail once. What `run` does
 * must be harmless to do twice.
 * @throws {ZonesError} rotation_failed: it does not, with the last refusal as cause; the next run goes on from here. What waiting can't
 * mend is thrown as it is
 */
export async function tryPatiently<T>(
  { clock, deadline, client, audit }: Patience & Pick<AdminClient & AdminDependencies, 'client' | 'audit'>,
  kid: string,
  run: () => Promise<T>,
): Promise<T> {
  const hiccup = Math.min(clock.now() + HICCUP, deadline);
  let silent = clock.now() + SILENCE;
  const deadlineOf = (error: unknown) => {
    if (isHopeless(error)) return undefined;
    if (clock.now() > silent) {
      silent = Number.POSITIVE_INFINITY;
      audit('ROTATION_WAITS_FOR_ACCEPTANCE', { client, kid, reason: (error as ZonesError).code });
    }
    return isZonesError(error, 'token_refused') ? deadline : hiccup;
  };
  try {
    return await retryUntilDeadline(clock, run, deadlineOf);
  } catch (error) {
    throw isHopeless(error) ? error : notAcceptedError(error as ZonesError, kid);
  }
}

function isHopeless(error: unknown): boolean {
  return !isZonesError(error) || HOPELESS.includes(error.code) || isBeyondTheKey(error);
}

/**
 * Waits until `time` (epoch seconds).
 * @throws {ZonesError} rotation_failed: the function's time would be over by then; the next run goes on from here
 */
export async function waitUntil({ clock, deadline }: Patience, time: number, kid: string): Promise<void> {
  if (time > deadline)
    throw new ZonesError(
      'rotation_failed',
      'The new key needs more time than this run has left; run it again.',
      {
        facts: { kid },
      },
    );
  await clock.wait(time - clock.now());
}

function notAcceptedError(cause: ZonesError, kid: string): ZonesError {
  return new ZonesError(
    'rotation_failed',
    `The issuer does not accept the new key yet (${cause.code}); the current key stays and the next run tries again.`,
    { cause, facts: { ...cause.facts, kid, reason: cause.code } },
  );
}
