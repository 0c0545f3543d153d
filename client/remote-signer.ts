import { type ErrorCode, SIGNER_ERRORS } from '@helseid-zones/protocol/errors';
import { type Signer, type SignRequest, signature } from '@helseid-zones/protocol/intents';
import * as v from 'valibot';
import type { AwsCaller } from './aws.ts';
import { invalidAnswer, invokeOwn, type OwnFunction, type Patience } from './invoke.ts';

/** What a {@link createRemoteSigner} is made of. */
export interface RemoteSignerOptions extends Patience {
  aws: AwsCaller;
  functionArn: string;
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
export function createRemoteSigner({ aws, functionArn, ...patience }: RemoteSignerOptions): Signer {
  const signer: OwnFunction = {
    ...{ aws, functionArn, patience, what: 'signer', knows: isSignerError },
    ...{ unavailable: 'signer_unavailable', invalid: 'signer_answer_invalid' },
  };
  return {
    async sign(intents, { signal } = {}) {
      const request: SignRequest = { intents: [...intents] };
      const { signatures } = await invokeOwn(signer, request, signal);
      if (!Array.isArray(signatures) || signatures.length !== intents.length)
        throw invalidAnswer(signer, 'does not hold one signature an intent');
      if (!signatures.every((each) => v.is(signature, each)))
        throw invalidAnswer(signer, 'holds something else than signatures');
      return signatures;
    },
  };
}

function isSignerError(code: unknown): code is ErrorCode {
  return SIGNER_ERRORS.some((known) => known === code);
}
