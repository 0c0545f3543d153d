import { constants, type KeyObject, randomBytes, sign } from 'node:crypto';
import { ALGORITHMS, type Algorithm } from '@helseid-zones/protocol/algorithms';
import { composeToken, type TokenSubject } from '@helseid-zones/protocol/compose';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { Intent, Signature, Signer } from '@helseid-zones/protocol/intents';
import { describePublicKey, type VerificationKey } from '@helseid-zones/protocol/jwk';
import { parseSignRequest } from '@helseid-zones/protocol/parse';

/** A private key in this process's memory. */
export interface MemoryKey {
  privateKey: KeyObject;
  algorithm: Algorithm;
}

/** What a memory signer is made of. */
export interface MemorySignerOptions {
  /** The client's name, as intents give it. */
  client: string;
  subject: TokenSubject;
  /** The first is the current key, the last the newest; all answer to their kid. */
  keys: readonly [MemoryKey, ...MemoryKey[]];
  /** Epoch milliseconds (default: the clock). */
  now?: () => number;
  /** Default: 128 random bits. */
  randomId?: () => string;
}

/**
 * A {@link Signer} with keys in memory, for tests and for systems within one network. It reads and composes with the same
 * code as the signing function, so its tokens are the same and malformed intents get the same errors: `request_malformed`,
 * `intent_malformed`, `details_invalid`, `grant_refused` for another client or issuer, `key_unknown`.
 * It has no grant, no key states and no audit; the key is only as safe as the process.
 *
 * @example
 * ```ts
 * import { generateKeyPairSync } from 'node:crypto';
 * import { createMemorySigner, helseIdProfile } from '@helseid-zones/client';
 *
 * const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
 * export const signer = createMemorySigner({
 *   client: 'journal',
 *   subject: {
 *     clientId: '8a2d4c5e-6a0b-4c53-9f0e-1f1f6f0c2b11',
 *     issuer: 'https://helseid-sts.test.nhn.no',
 *     tenancy: 'single-tenant',
 *     profile: helseIdProfile,
 *   },
 *   keys: [{ privateKey, algorithm: 'ES256' }],
 * });
 * ```
 */
export function createMemorySigner(options: MemorySignerOptions): Signer {
  const {
    client,
    subject,
    now = () => Date.now(),
    randomId = () => randomBytes(16).toString('base64url'),
  } = options;
  const keys = options.keys.map(({ privateKey, algorithm }) => ({
    privateKey,
    verification: describePublicKey(privateKey, algorithm),
  }));

  const choose = (intent: Intent) => {
    const newest = intent.kind === 'client_assertion' && intent.key === 'newest';
    const key =
      intent.kid === undefined
        ? keys.at(newest ? -1 : 0)
        : keys.find((each) => each.verification.thumbprint === intent.kid);
    if (!key) throw new ZonesError('key_unknown', 'The signer has no key with this kid.');
    return key;
  };

  const signIntent = (intent: Intent): Signature => {
    const { privateKey, verification } = choose(intent);
    const { signingInput } = composeToken(intent, subject, verification, { now: now(), jti: randomId() });
    const { thumbprint } = verification;
    return {
      jws: `${signingInput}.${signInput(privateKey, verification, signingInput)}`,
      kid: thumbprint,
      jkt: thumbprint,
    };
  };

  return {
    async sign(intents) {
      // Through JSON, as an invocation would carry them: members that are undefined vanish.
      const parsed = parseSignRequest(JSON.parse(JSON.stringify({ intents })));
      for (const intent of parsed)
        if (intent.client !== client || ('issuer' in intent && intent.issuer !== subject.issuer))
          throw new ZonesError(
            'grant_refused',
            `This signer signs for the client ${client} and its issuer only.`,
          );
      return parsed.map(signIntent);
    },
  };
}

/** The signature part of a JWS (RFC 7518 3.4 and 3.5), base64url. */
function signInput(key: KeyObject, { algorithm }: VerificationKey, input: string): string {
  const { hash, kty } = ALGORITHMS[algorithm];
  const encoding =
    kty === 'EC'
      ? ({ dsaEncoding: 'ieee-p1363' } as const)
      : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  return sign(hash, Buffer.from(input), { key, ...encoding }).toString('base64url');
}
