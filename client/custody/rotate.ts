import { isZonesError } from '@helseid-zones/protocol/errors';
import { RETIREMENT_LEEWAY } from '@helseid-zones/protocol/record-states';
import { required } from '@helseid-zones/protocol/values';
import { createApiFetch } from '../api-fetch.ts';
import { createMemorySigner } from '../create-signer.ts';
import { getAccessToken, machineTokens } from '../machine-token.ts';
import { createSelfService, registerKey } from '../self-service.ts';
import { createTokenCache } from '../token-cache.ts';
import type { TokenClient } from '../token-client.ts';
import type { Custody, CustodyOptions } from './open.ts';
import type { RingKey } from './ring.ts';
import { addKey, switchKey } from './ring-signer.ts';

/** How a key is replaced. Times are seconds. */
export interface KeyRotation {
  /** HelseID's self-service API: https, without a trailing slash. */
  selfService: { baseUrl: string; scope: string; body: 'object' | 'string' };
  /** Longest life of the client's access tokens and codes (default 3600): so long the old key signs proofs for them. */
  longestTokenLifetime?: number | undefined;
  /** What the issuer may take until all of it honours a new key (default 20, HelseID's). */
  propagation?: number | undefined;
  /** Default: `setTimeout`. */
  wait?: Wait;
}

type Wait = (seconds: number) => Promise<void>;

/** How often a new key is tried before it is left for the next run: the pauses, in seconds. */
const PAUSES = [0, 2, 5, 10, 20, 30];

/** Does what `rotateKey` says with a custody that is open; `waits` is told that a person has to register the current key. */
export async function rotateOpened(
  custody: Pick<Custody, 'publicKeys' | 'change'>,
  options: Omit<CustodyOptions, 'uri' | 'zone'>,
  client: TokenClient,
  rotation: KeyRotation,
  waits: () => Promise<void> = async () => {},
): Promise<string> {
  const { selfService, longestTokenLifetime = 3600, propagation = 20 } = rotation;
  const wait = rotation.wait ?? ((seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000)));
  const request = { scopes: [selfService.scope] };
  const known = fresh(client);
  const [replaced, ...others] = (await custody.publicKeys()).map(({ thumbprint }) => thumbprint);
  // One that nobody has registered is not replaced. Whoever made it may have died before it was told of.
  if (replaced !== undefined)
    await getAccessToken(known, request).catch(async (error) => {
      const unknown = isZonesError(error, 'token_refused') && error.facts.error === 'invalid_client';
      if (unknown || others.length === 0) await waits();
      throw error;
    });
  // Another who has come through since has replaced it already: nobody rotates twice because two began at once.
  const { keys } = await custody.change((ring) =>
    currentKid(ring.keys) === replaced ? addKey(ring, options.algorithm) : ring,
  );
  const next = keys.find(({ state }) => state === 'next');
  if (!next) {
    // It is the first key, which is current at once: nobody but a person can register it.
    if (replaced === undefined) await waits();
    return required(currentKid(keys), 'The current key');
  }

  const api = createSelfService({
    ...selfService,
    fetch: createApiFetch(client, machineTokens(known, request)),
    audit: () => {},
  });
  const key = (await custody.publicKeys()).find(({ thumbprint }) => thumbprint === next.kid);
  if (key)
    await registerKey(api, { ...key.jwk, kid: next.kid, alg: next.algorithm, use: 'sig' }, async () => {});

  const { client: name, subject, now: clock } = options;
  const signer = createMemorySigner({ client: name, subject, keys: [next], now: clock });
  const prove = () => getAccessToken(fresh(client, signer), request);
  await retry(prove, wait);
  await wait(propagation);
  await retry(prove, wait);
  const now = Math.floor(client.now() / 1000);
  await custody.change((before) =>
    switchKey(before, next.kid, now, now + longestTokenLifetime + RETIREMENT_LEEWAY),
  );
  return next.kid;
}

const currentKid = (keys: readonly RingKey[]): string | undefined =>
  keys.find(({ state }) => state === 'current')?.kid;

/** Without its tokens, since a cached one would prove nothing. */
function fresh(client: TokenClient, signer = client.signer): TokenClient {
  return { ...client, signer, tokens: createTokenCache(client.now) };
}

async function retry(run: () => Promise<unknown>, wait: Wait, [pause = 0, ...more] = PAUSES): Promise<void> {
  await wait(pause);
  await run().catch((error: unknown) => {
    if (!isZonesError(error, 'token_refused') || more.length === 0) throw error;
    return retry(run, wait, more);
  });
}
