import { ALGORITHM_NAMES } from '@helseid-zones/protocol/algorithms';
import { type ErrorCode, ZonesError } from '@helseid-zones/protocol/errors';
import { errors } from 'jose';
import type { AccessRules } from './rules.ts';

/** The checks a request can fail, by the code of their error; among those of one code in the order they are made. */
const CHECKS_BY_CODE = [
  [
    'access_token_invalid',
    ['scheme', 'token', 'token typ', 'audience', 'client_id', 'scope claim', 'cnf.jkt'],
  ],
  ['proof_invalid', ['one proof', 'proof form', 'proof typ', 'proof alg', 'proof jwk', 'thumbprint']],
  ['proof_invalid', ['proof signature', 'ath', 'jti', 'htm', 'htu', 'iat', 'nbf', 'exp', 'replay']],
  ['scope_insufficient', ['scope']],
  ['security_level_too_low', ['person', 'security level']],
] as const satisfies readonly [ErrorCode, readonly string[]][];

/** Name of a check: `facts.check` of its error. */
export type Check = (typeof CHECKS_BY_CODE)[number][1][number];

/** The code of each check's error. */
export const CHECKS = Object.fromEntries(
  CHECKS_BY_CODE.flatMap(([code, checks]) => checks.map((check) => [check, code])),
) as Readonly<Record<Check, (typeof CHECKS_BY_CODE)[number][0]>>;

/**
 * The error of a failed check; `facts.check` names it, so that logs and tests need not read messages. A cause of `jose`'s
 * adds `facts.reason`, its code, and `facts.claim` where a claim is to blame; never what was in it: such an error holds all
 * claims, so it is not kept as the cause, which somebody might print.
 */
export function accessError(check: Check, message: string, cause?: unknown): ZonesError {
  const claim = cause instanceof errors.JWTClaimValidationFailed || cause instanceof errors.JWTExpired;
  const facts = {
    check,
    ...(cause instanceof errors.JOSEError ? { reason: cause.code } : {}),
    ...(claim ? { claim: cause.claim } : {}),
  };
  return new ZonesError(CHECKS[check], message, { facts, ...(claim ? {} : { cause }) });
}

/** What a proof may be signed with, of a challenge (RFC 9449 5.1). */
const ALGORITHMS = `algs="${ALGORITHM_NAMES.join(' ')}"`;

/** The challenge where only one can be given to everybody: API Gateway's answer to `Unauthorized`. */
export const GENERAL_CHALLENGE = `DPoP error="invalid_token", ${ALGORITHMS}`;

const ANSWERS: Partial<Record<ErrorCode, { status: 401 | 403; error: string }>> = {
  access_token_invalid: { status: 401, error: 'invalid_token' },
  proof_invalid: { status: 401, error: 'invalid_dpop_proof' },
  scope_insufficient: { status: 403, error: 'insufficient_scope' },
  security_level_too_low: { status: 401, error: 'insufficient_user_authentication' },
};

/**
 * The challenge for a refusal of `validateAccess` (RFC 9449 7.1, RFC 6750 3, RFC 9470 3), or undefined for an error
 * that is no refusal and must become a 5xx; `header` is the value of `WWW-Authenticate`. A request without a token gets no error code (RFC 6750 3.1).
 */
export function challengeFor(error: ZonesError, rules: Pick<AccessRules, 'scopes'>) {
  const answer = ANSWERS[error.code];
  if (!answer) return undefined;
  if (error.facts['check'] === 'scheme') return { status: 401, header: `DPoP ${ALGORITHMS}` };
  const parts = [
    `error="${answer.error}"`,
    `error_description="${error.message.replace(/[^\x20-\x7e]|["\\]/g, '')}"`,
    ...(answer.error === 'insufficient_scope' ? [`scope="${rules.scopes.join(' ')}"`] : []),
    ALGORITHMS,
  ];
  return { status: answer.status, header: `DPoP ${parts.join(', ')}` };
}
