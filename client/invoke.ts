import { type ErrorCode, type Facts, isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { isObject, parseJson } from '@helseid-zones/protocol/required';
import type { AwsCaller } from './aws.ts';
import { untilAborted } from './http.ts';

/** A function of ours that answers with what it was asked for, or with a coded error. */
export interface OwnFunction {
  aws: AwsCaller;
  /** Unqualified. */
  functionArn: string;
  /** Names it in messages. */
  what: string;
  /** The code of one that can't be asked. */
  unavailable: 'signer_unavailable' | 'tokens_unavailable';
  /** The code of one that answers with something else. */
  invalid: 'signer_answer_invalid' | 'tokens_answer_invalid';
  /** Whether an error that it answers has a code of ours. */
  knows: (code: unknown) => code is ErrorCode;
  patience?: Patience;
}

/** How long what is overloaded is asked again, and what can be replaced in tests. */
export interface Patience {
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
 * Invokes a function of ours and waits for its answer, an object. What it is asked must be harmless to repeat: lost connections
 * are retried by the caller of AWS, and here what is shed: after a random part of a time that doubles, up to the `retry_after` that
 * is named.
 *
 * @throws {ZonesError} the function's own: it refused
 * @throws {ZonesError} `unavailable`: it was throttled, crashed or may not be invoked; `invalid`: it answers no object
 * @throws {ZonesError} request_aborted: by `signal`
 */
export async function invokeOwn(
  of: OwnFunction,
  payload: object,
  signal?: AbortSignal,
): Promise<Record<string, unknown>> {
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

/** Seconds, for what is shed by overload and for nothing else. A signer of the release before names none. */
function retryAfter(error: unknown): number | undefined {
  if (isZonesError(error, 'kms_throttled')) return error.facts.retry_after ?? RETRY_AFTER;
  if (isZonesError(error, 'tokens_unavailable')) return error.facts.retry_after;
  return isZonesError(error, 'signer_unavailable') ? error.facts.retry_after : undefined;
}

async function ask(of: OwnFunction, payload: object, signal: AbortSignal | undefined) {
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
  return answer;
}

function readRefusal(of: OwnFunction, error: unknown): ZonesError {
  if (!isObject(error) || !of.knows(error['code']) || typeof error['message'] !== 'string')
    return invalidAnswer(of, 'holds an error without a known code');
  const facts = isObject(error['facts']) ? Object.entries(error['facts']).filter(isFact) : [];
  return new ZonesError(error['code'], error['message'], { facts: Object.fromEntries(facts) });
}

/** The error of an answer that is none. */
export function invalidAnswer({ what, invalid }: OwnFunction, why: string): ZonesError {
  const message = `The answer of the ${what} ${why}; deploy it and the zone's functions of one release, or of two that follow each other.`;
  return new ZonesError(invalid, message);
}

function isFact(entry: [string, unknown]): entry is [string, string | number | boolean] {
  return ['string', 'number', 'boolean'].includes(typeof entry[1]);
}
