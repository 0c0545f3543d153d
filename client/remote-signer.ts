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

/**
 * A {@link Signer} that invokes a signer function and waits for its answer. Asking again does no harm (every signature
 * is made anew), so lost connections and throttling are retried by the caller of AWS.
 *
 * Does not verify signatures: the signer is trusted, and the authorization server verifies them. Its `sign` throws:
 *
 * @throws {ZonesError} the signer's own: it refused
 * @throws {ZonesError} signer_unavailable: it was throttled, crashed or may not be invoked
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
export function createRemoteSigner(deps: { aws: AwsCaller; functionArn: string }): Signer {
  const path = `/2015-03-31/functions/${encodeURIComponent(deps.functionArn)}/invocations`;
  return {
    async sign(intents) {
      const request: SignRequest = { intents: [...intents] };
      const response = await deps.aws
        .call({
          service: 'lambda',
          path,
          headers: { 'content-type': 'application/json', 'x-amz-invocation-type': 'RequestResponse' },
          body: JSON.stringify(request),
          repeatable: true,
        })
        .catch((cause: unknown) => {
          const facts: Facts = isZonesError(cause) ? cause.facts : {};
          const message = `The signer could not be invoked (${facts['error'] ?? facts['network'] ?? 'no answer'}); check its state, its concurrency and this zone's permission to invoke it.`;
          throw new ZonesError('signer_unavailable', message, { cause, facts });
        });
      const error = response.headers.get('x-amz-function-error');
      const message = "The signer function failed; see the signing zone's log.";
      if (error !== null) throw new ZonesError('signer_unavailable', message, { facts: { error } });
      return readAnswer(response.body, intents);
    },
  };
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
