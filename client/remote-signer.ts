import { type Facts, isZonesError, SIGNER_ERRORS, ZonesError } from '@helseid-zones/protocol/errors';
import {
  type Intent,
  type Signature,
  type Signer,
  type SignRequest,
  signature,
} from '@helseid-zones/protocol/intents';
import { isObject } from '@helseid-zones/protocol/required';
import * as v from 'valibot';
import type { AwsCaller } from './aws.ts';
import { untilAborted } from './http.ts';

/** What a {@link createRemoteSigner} is made of. */
export interface RemoteSignerOptions {
  aws: AwsCaller;
  functionArn: string;
  /** Milliseconds for which it asks again while signer or KMS are overloaded (default 5000); a call's `signal` ends it sooner. */
  patience?: number;
  /** Epoch milliseconds. */
  now?: () => number;
  /** Milliseconds. */
  wait?: (milliseconds: number) => Promise<void>;
  /** In [0, 1). */
  random?: () => number;
}

/**
 * A {@link Signer} that invokes a signer function and waits for its answer. Asking again does no harm (every signature
 * is made anew), so lost connections are retried by the caller of AWS, and here what signer or KMS have shed: after a random
 * part of a time that doubles, up to the `retry_after` they name (full jitter,
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 *
 * Does not verify signatures: the signer is trusted, and the authorization server verifies them. Its `sign` throws:
 *
 * @throws {ZonesError} the signer's own: it refused
 * @throws {ZonesError} kms_throttled, signer_unavailable with `retry_after`: still overloaded when `patience` was over
 * @throws {ZonesError} signer_unavailable: it crashed or may not be invoked
 * @throws {ZonesError} request_aborted: by the call's signal
 * @throws {ZonesError} signer_answer_invalid: the answer is not what a signer returns
 *
 * @example
 * ```ts
 * import { createAwsCaller, createRemoteSigner, readAwsConfig } from '@helseid-zones/client';
 *
 * const aws = createAwsCaller(readAwsConfig(process.env));
 * export const signer = createRemoteSigner({
 *   aws,
 *   functionArn: 'arn:aws:lambda:eu-north-1:111122223333:function:journal-signer-journal-public',
 * });
 * ```
 */
export function createRemoteSigner({
  aws,
  functionArn,
  patience = 5000,
  now = Date.now,
  wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random = Math.random,
}: RemoteSignerOptions): Signer {
  const path = `/2015-03-31/functions/${encodeURIComponent(functionArn)}/invocations`;

  async function ask(intents: readonly Intent[], signal: AbortSignal | undefined): Promise<Signature[]> {
    const request: SignRequest = { intents: [...intents] };
    const response = await aws
      .call({
        service: 'lambda',
        path,
        headers: { 'content-type': 'application/json', 'x-amz-invocation-type': 'RequestResponse' },
        body: JSON.stringify(request),
        repeatable: true,
        signal,
      })
      .catch((cause: unknown) => {
        if (isZonesError(cause, 'request_aborted')) throw cause;
        const facts: Facts = isZonesError(cause) ? cause.facts : {};
        const message = `The signer could not be invoked (${facts['error'] ?? facts['network'] ?? 'no answer'}); check its state, its concurrency and this zone's permission to invoke it.`;
        const shed = isZonesError(cause, 'aws_throttled') ? { retry_after: RETRY_AFTER } : {};
        throw new ZonesError('signer_unavailable', message, { cause, facts: { ...facts, ...shed } });
      });
    const error = response.headers.get('x-amz-function-error');
    const message = "The signer function failed; see the signing zone's log.";
    if (error !== null) throw new ZonesError('signer_unavailable', message, { facts: { error } });
    return readAnswer(response.body, intents);
  }

  return {
    async sign(intents, { signal } = {}) {
      const end = now() + patience;
      for (let tried = 0; ; tried += 1) {
        try {
          return await ask(intents, signal);
        } catch (error) {
          const after = retryAfter(error);
          const pause = random() * Math.min(1000 * (after ?? 0), FIRST_PAUSE * 2 ** tried);
          if (after === undefined || now() + pause > end) throw error;
          await untilAborted(wait(pause), signal);
        }
      }
    },
  };
}

/** Seconds after which what sheds may have room again, where it does not say: Lambda's and KMS's limits are per second. */
const RETRY_AFTER = 1;

/** Milliseconds that the first pause takes at most. */
const FIRST_PAUSE = 100;

/** Seconds, for what is shed by overload and for nothing else. A signer of the release before names none. */
function retryAfter(error: unknown): number | undefined {
  if (isZonesError(error, 'kms_throttled')) return error.facts.retry_after ?? RETRY_AFTER;
  return isZonesError(error, 'signer_unavailable') ? error.facts.retry_after : undefined;
}

function readAnswer(body: string, intents: readonly Intent[]): Signature[] {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch (cause) {
    throw invalidAnswer('is not JSON', cause);
  }
  if (!isObject(answer)) throw invalidAnswer('is not an object');
  if (answer['error'] !== undefined) throw readRefusal(answer['error']);
  const signatures = answer['signatures'];
  if (!Array.isArray(signatures) || signatures.length !== intents.length)
    throw invalidAnswer('does not hold one signature an intent');
  if (!signatures.every((each) => v.is(signature, each)))
    throw invalidAnswer('holds something else than signatures');
  return signatures;
}

function readRefusal(error: unknown): ZonesError {
  if (!isObject(error) || !isErrorCode(error['code']) || typeof error['message'] !== 'string')
    return invalidAnswer('holds an error without a known code');
  const facts = isObject(error['facts']) ? Object.entries(error['facts']).filter(isFact) : [];
  return new ZonesError(error['code'], error['message'], { facts: Object.fromEntries(facts) });
}

function invalidAnswer(what: string, cause?: unknown): ZonesError {
  const message = `The signer's answer ${what}; deploy signer and zone functions of one release, or of two that follow each other.`;
  return new ZonesError('signer_answer_invalid', message, { cause });
}

function isErrorCode(value: unknown): value is (typeof SIGNER_ERRORS)[number] {
  return SIGNER_ERRORS.some((code) => code === value);
}

function isFact(entry: [string, unknown]): entry is [string, string | number | boolean] {
  return ['string', 'number', 'boolean'].includes(typeof entry[1]);
}
