import {
  type ErrorCode,
  type Facts,
  isZonesError,
  SIGNER_ERRORS,
  ZonesError,
} from '@helseid-zones/protocol/errors';
import { type Signer, signature } from '@helseid-zones/protocol/intents';
import { type TokenHeaders, type TokenRequest, tokenHeaders } from '@helseid-zones/protocol/token-request';
import { isObject, parseJson } from '@helseid-zones/protocol/values';
import * as v from 'valibot';
import type { AwsCaller } from './aws.ts';
import type { BeginCall } from './call-headers.ts';
import { untilAborted } from './http.ts';

/** A function of ours that answers with what it was asked for, or with a coded error. */
interface OwnFunction<T> {
  aws: AwsCaller;
  /** Unqualified. */
  functionArn: string;
  /** Names it in messages. */
  what: string;
  /** What it gives where it refuses nothing. */
  answer: v.GenericSchema<T>;
  /** The code of one that can't be asked. */
  unavailable: 'signer_unavailable' | 'tokens_unavailable';
  /** The code of one that answers with something else. */
  invalid: 'signer_answer_invalid' | 'tokens_answer_invalid';
  /** Whether an error that it answers has a code of ours. */
  knows: (code: unknown) => code is ErrorCode;
  patience?: Patience;
}

/** How long what is overloaded is asked again, and what can be replaced in tests. */
interface Patience {
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
 * Invokes a function of ours and waits for its answer, as its `answer` has it. What it is asked must be harmless to repeat: lost connections
 * are retried by the caller of AWS, and here what is shed: after a random part of a time that doubles, up to the `retry_after` that
 * is named.
 *
 * @throws {ZonesError} the function's own: it refused
 * @throws {ZonesError} `unavailable`: it was throttled, crashed or may not be invoked; `invalid`: it answers something else
 * @throws {ZonesError} request_aborted: by `signal`
 */
async function invokeOwn<T>(of: OwnFunction<T>, payload: object, signal?: AbortSignal): Promise<T> {
  const {
    patience = 5000,
    now = Date.now,
    wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
    random = Math.random,
  } = of.patience ?? {};
  const end = now() + patience;
  for (let tried = 0; ; tried += 1) {
    try {
      return await ask(of, payload, signal);
    } catch (error) {
      const after = retryAfter(error);
      const pause = random() * Math.min(1000 * (after ?? 0), FIRST_PAUSE * 2 ** tried);
      if (after === undefined || now() + pause > end) throw error;
      await untilAborted(wait(pause), signal);
    }
  }
}

/** Seconds after which what sheds may have room again, where it does not say: Lambda's and KMS's limits are per second. */
const RETRY_AFTER = 1;

/** Milliseconds that the first pause takes at most. */
const FIRST_PAUSE = 100;

/** Seconds, for what is shed by overload and for nothing else. */
function retryAfter(error: unknown): number | undefined {
  if (isZonesError(error, 'kms_throttled')) return error.facts.retry_after;
  const shed = isZonesError(error, 'tokens_unavailable') || isZonesError(error, 'signer_unavailable');
  return shed ? error.facts.retry_after : undefined;
}

async function ask<T>(of: OwnFunction<T>, payload: object, signal: AbortSignal | undefined): Promise<T> {
  const { aws, functionArn, what, unavailable } = of;
  const response = await aws
    .call({
      service: 'lambda',
      path: `/2015-03-31/functions/${encodeURIComponent(functionArn)}/invocations`,
      headers: { 'content-type': 'application/json', 'x-amz-invocation-type': 'RequestResponse' },
      body: JSON.stringify(payload),
      repeatable: true,
      signal,
    })
    .catch((cause: unknown) => {
      if (isZonesError(cause, 'request_aborted')) throw cause;
      const facts: Facts = isZonesError(cause) ? cause.facts : {};
      const message = `The ${what} could not be invoked (${facts['error'] ?? facts['network'] ?? 'no answer'}); check its state, its concurrency and this zone's permission to invoke it.`;
      const shed = isZonesError(cause, 'aws_throttled') ? { retry_after: RETRY_AFTER } : {};
      throw new ZonesError(unavailable, message, { cause, facts: { ...facts, ...shed } });
    });
  const error = response.headers.get('x-amz-function-error');
  if (error !== null)
    throw new ZonesError(unavailable, `The ${what} failed; see its log.`, { facts: { error } });
  const answer = parseJson(response.body);
  if (!isObject(answer)) throw invalidAnswer(of, 'is no JSON object');
  if (answer['error'] !== undefined) throw readRefusal(of, answer['error']);
  if (v.is(of.answer, answer)) return answer;
  throw invalidAnswer(of, 'holds neither what was asked for nor an error');
}

function readRefusal(of: OwnFunction<unknown>, error: unknown): ZonesError {
  if (!isObject(error) || !of.knows(error['code']) || typeof error['message'] !== 'string')
    return invalidAnswer(of, 'holds an error without a known code');
  const facts = isObject(error['facts']) ? Object.entries(error['facts']).filter(isFact) : [];
  return new ZonesError(error['code'], error['message'], { facts: Object.fromEntries(facts) });
}

/** The error of an answer that is none. */
function invalidAnswer({ what, invalid }: OwnFunction<unknown>, why: string): ZonesError {
  const message = `The answer of the ${what} ${why}; deploy it and the zone's functions of one release, or of two that follow each other.`;
  return new ZonesError(invalid, message);
}

const isFact = (entry: [string, unknown]): entry is [string, string | number | boolean] =>
  ['string', 'number', 'boolean'].includes(typeof entry[1]);

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
  const signer: OwnFunction<v.InferInput<typeof signedAnswer>> = {
    aws,
    functionArn,
    patience,
    what: 'signer',
    answer: signedAnswer,
    knows: isSignerError,
    unavailable: 'signer_unavailable',
    invalid: 'signer_answer_invalid',
  };
  return {
    async sign(intents, { signal } = {}) {
      const { signatures } = await invokeOwn(signer, { intents }, signal);
      if (signatures.length === intents.length) return signatures;
      throw invalidAnswer(signer, 'does not hold one signature an intent');
    },
  };
}

const signedAnswer = v.object({ signatures: v.array(signature) });

const isSignerError = (code: unknown): code is ErrorCode => SIGNER_ERRORS.some((known) => known === code);

/** Milliseconds for which one invocation is waited for, longer than a fetch takes; a connection that was forgotten costs as much. */
export const TOKENS_TIMEOUT = 10_000;

/**
 * Headers of API calls from the zone's tokens function (docs/tokens.md), for calls of one API. Nothing is kept here: token, key and
 * renewal are that function's affair. The query of a URL stays in this function.
 *
 * @throws {ZonesError} tokens_unavailable: it was throttled, crashed or may not be invoked; tokens_answer_invalid; and what it
 * answers itself: what the signer, the issuer or the grant refuses
 */
export function remoteCalls(
  deps: { aws: AwsCaller; functionArn: string },
  request: Pick<TokenRequest, 'api' | 'client' | 'details'>,
): BeginCall {
  const tokens: OwnFunction<TokenHeaders> = {
    ...deps,
    what: 'tokens function',
    answer: tokenHeaders,
    knows: isCode,
    unavailable: 'tokens_unavailable',
    invalid: 'tokens_answer_invalid',
  };
  return async ({ method, url, signal }) => {
    let last: string | undefined;
    let refused: string | undefined;
    let next: TokenHeaders | undefined;
    const ask = (nonce: string | undefined): Promise<TokenHeaders> => {
      const asked = { ...request, method, url: `${url.origin}${url.pathname}`, nonce, refused };
      return invokeOwn(tokens, asked, signal);
    };
    return {
      async headers(nonce) {
        const { authorization, dpop } = next ?? (await ask(nonce));
        next = undefined;
        last = authorization;
        return { accessToken: authorization.slice('DPoP '.length), proof: dpop };
      },
      async renew(nonce) {
        if (last === undefined) return false;
        refused = last;
        next = await ask(nonce).catch((error: unknown) => {
          if (isZonesError(error, 'renewal_limited')) return undefined;
          throw error;
        });
        return next !== undefined;
      },
    };
  };
}

/** A tokens function answers with what the token client throws, which is more than one list. */
const isCode = (code: unknown): code is ErrorCode =>
  typeof code === 'string' && /^[a-z]+(?:_[a-z]+)*$/.test(code);
