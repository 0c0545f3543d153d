import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { ALGORITHMS, type Algorithm } from '@helseid-zones/protocol/algorithms';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';

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
export async function proveKey(
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

/** A private key that nobody has registered. */
export function makeUpKey(algorithm: Algorithm): { privateKey: KeyObject; algorithm: Algorithm } {
  const { crv, signatureBytes } = ALGORITHMS[algorithm];
  const { privateKey } = crv
    ? generateKeyPairSync('ec', { namedCurve: crv })
    : generateKeyPairSync('rsa', { modulusLength: signatureBytes * 8 });
  return { privateKey, algorithm };
}
