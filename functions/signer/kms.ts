import { createHash } from 'node:crypto';
import {
  GetPublicKeyCommand,
  type GetPublicKeyCommandOutput,
  type KMSClient,
  SignCommand,
  type SignCommandOutput,
} from '@aws-sdk/client-kms';
import { ALGORITHMS } from '@helseid-zones/protocol/algorithms';
import { type ErrorCode, isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { readPublicJwk, readPublicKey, type VerificationKey } from '@helseid-zones/protocol/jwk';
import type { KeyEntry } from '@helseid-zones/protocol/record';
import { finishSignature } from '@helseid-zones/protocol/signature';
import { describeAwsError } from '../common/aws-error.ts';

const ATTEMPTS = 3;

/**
 * How a signer's clients of AWS try. Three attempts of at most 1.4 s and their backoff end about when a signature would be too
 * old to return. Sockets may die while Lambda has the function frozen, and only using one tells: so fewer are kept idle
 * than there are attempts, and the last attempt is over a new one.
 */
export const AWS_BOUNDS = {
  maxAttempts: ATTEMPTS,
  requestHandler: {
    connectionTimeout: 700,
    requestTimeout: 1400,
    throwOnRequestTimeout: true,
    httpAgent: { keepAlive: true, maxFreeSockets: ATTEMPTS - 1 },
    httpsAgent: { keepAlive: true, maxFreeSockets: ATTEMPTS - 1 },
  },
};

/** Seconds after which KMS may have room again: its quotas are per second (docs/operating.md). */
const RETRY_AFTER = 1;

/**
 * A client that is not to ask again for what KMS throttled: its caller may, who knows how long is left, and while a signer waited
 * it would keep others from it.
 */
export function shedThrottled(kms: KMSClient): KMSClient {
  const { retryStrategy: given } = kms.config;
  const shedding = (async () => {
    const strategy = await given();
    if (!('refreshRetryTokenForRetry' in strategy)) return strategy;
    const refresh = strategy.refreshRetryTokenForRetry.bind(strategy);
    return Object.assign(strategy, {
      refreshRetryTokenForRetry: async (...[token, failure]: Parameters<typeof refresh>) => {
        if (failure.errorType === 'THROTTLING') throw failure.error;
        return refresh(token, failure);
      },
    });
  })();
  kms.config.retryStrategy = () => shedding;
  return kms;
}

/** The two calls a signer makes; `KMSClient` fits. */
export interface Kms {
  send(command: SignCommand): Promise<SignCommandOutput>;
  send(command: GetPublicKeyCommand): Promise<GetPublicKeyCommandOutput>;
}

/** What to do about each kind of failure. */
const ADVICE = {
  kms_throttled:
    "KMS throttles: try again after a random part of retry_after seconds; if it stays, compare the account's quota with the load.",
  kms_unavailable: "KMS can't be reached; retry, and check the signing zone's endpoint.",
  key_not_usable:
    'KMS says that the key is disabled, pending deletion or gone; npm run keys shows its state.',
  kms_refused:
    "KMS refused; compare the key's policy and spec with the declaration (npm run keys -- policy CLIENT).",
} as const satisfies Partial<Record<ErrorCode, string>>;

/** What KMS's errors mean to the caller. An unlisted one with a 4xx status is `kms_refused`, any other `kms_unavailable`. */
const MEANINGS: Readonly<Record<string, keyof typeof ADVICE>> = {
  ThrottlingException: 'kms_throttled',
  LimitExceededException: 'kms_throttled',
  RequestLimitExceeded: 'kms_throttled',
  TooManyRequestsException: 'kms_throttled',
  DisabledException: 'key_not_usable',
  KMSInvalidStateException: 'key_not_usable',
  NotFoundException: 'key_not_usable',
};

/** Reads the public half of a key. @throws {ZonesError} as {@link fetchPublicKey} */
export type ReadKey = (entry: KeyEntry) => Promise<VerificationKey>;

/**
 * Makes the reader of public keys. A KMS key's public half never changes, so each is fetched once; failures are not kept. What
 * the record brings is used at once, since its kid is its thumbprint and every signature is verified by it; KMS is asked all
 * the same, and once it has named another key, the record's is `record_invalid`.
 */
export function createKeyReader(kms: Kms): ReadKey {
  const held = new Map<string, Promise<VerificationKey>>();
  return (entry) => {
    const id = `${entry.keyArn} ${entry.algorithm} ${entry.kid}`;
    const known = held.get(id);
    if (known) return known;
    const brought = entry.publicKey && readPublicJwk(entry.publicKey, entry.algorithm);
    const fetched = fetchPublicKey(kms, entry);
    held.set(id, brought ? Promise.resolve(brought) : fetched);
    fetched.catch((error: unknown) => {
      if (brought && isZonesError(error, 'record_invalid')) held.set(id, fetched);
      else held.delete(id);
    });
    return held.get(id) ?? fetched;
  };
}

/** @throws {ZonesError} record_invalid: the key in KMS is not the one the record's kid names; and what {@link signInput} throws */
async function fetchPublicKey(kms: Kms, { keyArn, algorithm, kid }: KeyEntry): Promise<VerificationKey> {
  const answer = await kms.send(new GetPublicKeyCommand({ KeyId: keyArn })).catch(throwCoded);
  const key = readPublicKey(answer.PublicKey ?? new Uint8Array(), algorithm);
  if (key.thumbprint !== kid)
    throw new ZonesError('record_invalid', 'The key in KMS is not the one that the client record names.', {
      facts: { kid },
    });
  return key;
}

/**
 * Signs a JWS signing input with a KMS key. KMS gets the digest only (I5; a message is limited to 4,096 bytes). What it answers
 * must verify by `key`. `told` is handed what is known of the call, whatever comes of the signature: KMS's own id of it, which CloudTrail has
 * too, and how many attempts had no answer, each of which KMS may have signed for.
 * @throws {ZonesError} kms_throttled, kms_unavailable, kms_refused, key_not_usable: as {@link MEANINGS} has it
 */
export async function signInput(
  kms: Kms,
  { keyArn, algorithm }: KeyEntry,
  key: VerificationKey,
  input: string,
  told: (call: { id?: string | undefined; lost: number }) => void = () => {},
): Promise<string> {
  const { hash, kmsSigningAlgorithm } = ALGORITHMS[algorithm];
  const command = new SignCommand({
    KeyId: keyArn,
    MessageType: 'DIGEST',
    SigningAlgorithm: kmsSigningAlgorithm,
    Message: createHash(hash).update(input).digest(),
  });
  const answer = await kms.send(command).catch((error: unknown) => {
    const { attempts = 1, httpStatusCode } = (Object(error) as Partial<SignCommandOutput>).$metadata ?? {};
    told({ lost: httpStatusCode === undefined ? attempts : attempts - 1 });
    return throwCoded(error);
  });
  const { requestId: id, attempts = 1 } = answer.$metadata;
  told({ id, lost: attempts - 1 });
  const signature = answer.Signature;
  if (!signature?.length) throw new ZonesError('kms_refused', 'KMS answered without a signature.');
  return finishSignature(key, input, { signature, format: 'der' });
}

function throwCoded(cause: unknown): never {
  const facts = describeAwsError(cause);
  const { aws_error: name, status = 0 } = facts;
  const code = MEANINGS[name] ?? (status >= 400 && status < 500 ? 'kms_refused' : 'kms_unavailable');
  const retry_after = code === 'kms_throttled' ? RETRY_AFTER : undefined;
  throw new ZonesError(code, ADVICE[code], { cause, facts: { ...facts, retry_after } });
}
