import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign as signData } from 'node:crypto';
import { ALGORITHMS, type Algorithm } from '@helseid-zones/protocol/algorithms';
import { checkGrant } from '@helseid-zones/protocol/check-grant';
import { composeToken, type TokenSubject } from '@helseid-zones/protocol/compose';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import type { Grant } from '@helseid-zones/protocol/grant';
import type { Intent, Signature, Signer } from '@helseid-zones/protocol/intents';
import { describePublicKey, type VerificationKey } from '@helseid-zones/protocol/jwk';
import { parseSignRequest } from '@helseid-zones/protocol/parse';
import {
  derToJose,
  finishSignature,
  type RawSignature,
  signatureEncoding,
} from '@helseid-zones/protocol/signature';
import { untilAborted, withDeadline } from './http.ts';

/** For whom a signer signs, with which keys, and what it may. */
export interface SignerSubject<Key> {
  /** The client's name, as intents give it. */
  client: string;
  subject: TokenSubject;
  /** The first is the current key, the last the newest; all answer to their kid. */
  keys: readonly [Key, ...Key[]];
  /** What may be signed; without it, whatever the client may have. */
  grant?: Pick<Grant, 'assertions' | 'proofs' | 'requestObjects'> | undefined;
  /** Epoch milliseconds (default: the clock). */
  now?: (() => number) | undefined;
  /** Default: 128 random bits. */
  randomId?: (() => string) | undefined;
}

/** The public half of a key that is held elsewhere. */
export interface HeldKey {
  publicKey: KeyObject;
  algorithm: Algorithm;
}

/**
 * Signs a digest of the algorithm's hash where the key is held: an HSM, another cloud's KMS, a PKCS#11 token. `kid` (RFC 7638
 * thumbprint) tells which key is to sign, `signal` when nobody waits any more.
 */
export type SignDigest = (
  digest: Uint8Array,
  algorithm: Algorithm,
  context: { kid: string; signal: AbortSignal },
) => Promise<RawSignature>;

/** What {@link createSigner} makes a signer of. */
export interface SignerOptions extends SignerSubject<HeldKey> {
  sign: SignDigest;
}

/** A signature older than this is not returned, milliseconds: the server would judge it stale. */
const MAX_AGE = 5000;

/** What may be wrong where the key is held, and is wrong for the moment. */
const THROTTLED = /throttl|toomanyrequests|limitexceeded|slowdown/i;

/**
 * A {@link Signer} of one's own: reads intents and composes tokens with the code of the signing function, and has digests of
 * them signed by `sign`. Every signature is verified before it is returned, all of a call are returned or none. It has no key
 * states and no audit. `signerCases` (`@helseid-zones/client/conformance`) tells whether it is right.
 *
 * Its `sign` throws:
 *
 * @throws {ZonesError} request_malformed, request_too_large, intent_malformed, details_invalid, grant_refused (another client or
 * issuer, or what the grant lacks), key_unknown
 * @throws {ZonesError} kms_throttled, kms_unavailable: `sign` threw, `cause` says what; its own coded errors pass as they are
 * @throws {ZonesError} kms_refused: what it gave is no signature by the key
 * @throws {ZonesError} signature_late: it took more than 5 seconds
 *
 * @example
 * ```ts
 * import { createPublicKey } from 'node:crypto';
 * import { createSigner, helseIdProfile } from '@helseid-zones/client';
 *
 * declare const hsm: { publicKeyPem: string; sign(digest: Uint8Array): Promise<Uint8Array> };
 *
 * export const signer = createSigner({
 *   client: 'journal',
 *   subject: {
 *     clientId: '8a2d4c5e-6a0b-4c53-9f0e-1f1f6f0c2b11',
 *     issuer: 'https://helseid-sts.test.nhn.no',
 *     tenancy: 'single-tenant',
 *     profile: helseIdProfile,
 *   },
 *   keys: [{ publicKey: createPublicKey(hsm.publicKeyPem), algorithm: 'ES256' }],
 *   sign: async (digest) => ({ signature: await hsm.sign(digest), format: 'der' }),
 * });
 * ```
 */
export function createSigner({ sign, ...subject }: SignerOptions): Signer {
  const now = subject.now ?? Date.now;
  return assembleSigner(
    subject,
    ({ publicKey }) => publicKey,
    async (_, key, input) => {
      const digest = createHash(ALGORITHMS[key.algorithm].hash).update(input).digest();
      const startedAt = now();
      const raw = await withDeadline(MAX_AGE, undefined, async (signal) => {
        try {
          const signing = async () => sign(digest, key.algorithm, { kid: key.thumbprint, signal });
          return await untilAborted(signing(), signal);
        } catch (cause) {
          throw signal.aborted ? late(cause) : codedError(cause);
        }
      });
      if (now() - startedAt > MAX_AGE) throw late();
      return finishSignature(key, input, raw);
    },
  );
}

/** A signer whose signatures `signInput` makes: the signature part of a JWS for a signing input. */
export function assembleSigner<Key extends { algorithm: Algorithm }>(
  { client, subject, grant, now = Date.now, randomId = randomJti, ...options }: SignerSubject<Key>,
  publicHalf: (key: Key) => KeyObject,
  signInput: (key: Key, verification: VerificationKey, input: string) => Promise<string> | string,
): Signer {
  const keys = options.keys.map((key) => ({
    key,
    verification: describePublicKey(publicHalf(key), key.algorithm),
  }));

  const choose = (intent: Intent) => {
    const newest = intent.kind === 'client_assertion' && intent.key === 'newest';
    const pinned = (key: (typeof keys)[number]) => key.verification.thumbprint === intent.kid;
    const chosen = intent.kid === undefined ? keys.at(newest ? -1 : 0) : keys.find(pinned);
    if (!chosen) throw new ZonesError('key_unknown', 'The signer has no key with this kid.');
    return { intent, ...chosen };
  };

  const check = (intent: Intent): void => {
    const own = `This signer signs for the client ${client} and its issuer only.`;
    if (intent.client !== client || ('issuer' in intent && intent.issuer !== subject.issuer))
      throw new ZonesError('grant_refused', own);
    if (grant) checkGrant(intent, { ...grant, ...subject, client });
  };

  return {
    async sign(intents) {
      // Through JSON, as an invocation would carry them: members that are undefined vanish.
      const parsed = parseSignRequest(JSON.parse(JSON.stringify({ intents })));
      parsed.forEach(check);
      // Everything that can be refused is, before anything is signed.
      const composed = parsed.map(choose).map(({ intent, key, verification }) => {
        const fresh = { now: now(), jti: randomId() };
        return { key, verification, ...composeToken(intent, subject, verification, fresh) };
      });
      return Promise.all(
        composed.map(async ({ key, verification, signingInput }): Promise<Signature> => {
          const { thumbprint } = verification;
          const signature = await signInput(key, verification, signingInput);
          return { jws: `${signingInput}.${signature}`, kid: thumbprint, jkt: thumbprint };
        }),
      );
    },
  };
}

const randomJti = (): string => randomBytes(16).toString('base64url');

function late(cause?: unknown): ZonesError {
  const message = 'Signing took so long that the signature would be stale; ask again.';
  return new ZonesError('signature_late', message, { cause });
}

function codedError(cause: unknown): ZonesError {
  if (isZonesError(cause)) return cause;
  if (THROTTLED.test(String(Object(cause).name)))
    return new ZonesError('kms_throttled', 'What holds the key throttles; retry with backoff.', { cause });
  const message = 'What holds the key gave no signature; its error is the cause.';
  return new ZonesError('kms_unavailable', message, { cause });
}

/** A private key in this process's memory. */
export interface MemoryKey {
  privateKey: KeyObject;
  algorithm: Algorithm;
}

/** What a memory signer is made of. */
export interface MemorySignerOptions extends SignerSubject<MemoryKey> {}

/**
 * A {@link Signer} with keys in memory, for tests and for systems within one network. It reads and composes with the same
 * code as the signing function, so its tokens are the same and what is refused gets the same errors. It has no key states and no
 * audit, and a grant where one is given; the key is only as safe as the process.
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
  return assembleSigner(
    options,
    ({ privateKey }) => privateKey,
    ({ privateKey: key, algorithm }, _, input) => {
      const { hash, kty, signatureBytes } = ALGORITHMS[algorithm];
      const data = Buffer.from(input);
      // Node takes twice as long where it is to write the encoding of JWS itself.
      const signature =
        kty === 'EC'
          ? Buffer.from(derToJose(signData(hash, data, key), signatureBytes))
          : signData(hash, data, { key, ...signatureEncoding(algorithm) });
      return signature.toString('base64url');
    },
  );
}

/** A new key for an algorithm, of the size that its signatures have. It can be exported. */
export function generateKey(algorithm: Algorithm): MemoryKey {
  const { crv, signatureBytes } = ALGORITHMS[algorithm];
  const { privateKey } = crv
    ? generateKeyPairSync('ec', { namedCurve: crv })
    : generateKeyPairSync('rsa', { modulusLength: signatureBytes * 8 });
  return { privateKey, algorithm };
}
