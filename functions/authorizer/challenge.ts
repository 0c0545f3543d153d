import { type ErrorCode, ZonesError } from '@helseid-zones/protocol/errors';
import { errors } from 'jose';
import { type AccessRules, PROOF_ALGORITHMS } from './rules.ts';

/** The checks a request can fail, in the order they are made, and the code of each one's error. */
export const CHECKS = {
  scheme: 'access_token_invalid',
  token: 'access_token_invalid',
  'token typ': 'access_token_invalid',
  audience: 'access_token_invalid',
  client_id: 'access_token_invalid',
  'scope claim': 'access_token_invalid',
  'one proof': 'proof_invalid',
  'cnf.jkt': 'access_token_invalid',
  'proof form': 'proof_invalid',
  'proof typ': 'proof_invalid',
  'proof alg': 'proof_invalid',
  'proof jwk': 'proof_invalid',
  thumbprint: 'proof_invalid',
  'proof signature': 'proof_invalid',
  ath: 'proof_invalid',
  jti: 'proof_invalid',
  htm: 'proof_invalid',
  htu: 'proof_invalid',
  iat: 'proof_invalid',
  nbf: 'proof_invalid',
  exp: 'proof_invalid',
  replay: 'proof_invalid',
  scope: 'scope_insufficient',
  person: 'security_level_too_low',
  'security level': 'security_level_too_low',
} as const satisfies Record<string, ErrorCode>;

/** Name of a check: `facts.check` of its error. */
export type Check = keyof typeof CHECKS;

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

/** How a refused request is answered over HTTP. */
interface Challenge {
  status: 401 | 403;
  /** Value of `WWW-Authenticate`. */
  header: string;
}

/** The challenge where only one can be given to everybody: API Gateway's answer to `Unauthorized`. */
export const GENERAL_CHALLENGE = `DPoP error="invalid_token", algs="${PROOF_ALGORITHMS.join(' ')}"`;

const ANSWERS: Partial<Record<ErrorCode, { status: 401 | 403; error: string }>> = {
  access_token_invalid: { status: 401, error: 'invalid_token' },
  proof_invalid: { status: 401, error: 'invalid_dpop_proof' },
  scope_insufficient: { status: 403, error: 'insufficient_scope' },
  security_level_too_low: { status: 401, error: 'insufficient_user_authentication' },
};

/**
 * The challenge for a refusal of `validateAccess` (RFC 9449 7.1, RFC 6750 3, RFC 9470 3), or undefined for an error
 * that is no refusal and must become a 5xx. A request without a token gets no error code (RFC 6750 3.1).
 */
export function challengeFor(
  error: ZonesError,
  rules: Pick<AccessRules, 'scopes' | 'proofAlgorithms'>,
): Challenge | undefined {
  const answer = ANSWERS[error.code];
  if (!answer) return undefined;
  const algs = `algs="${rules.proofAlgorithms.join(' ')}"`;
  if (error.facts['check'] === 'scheme') return { status: 401, header: `DPoP ${algs}` };
  const parts = [
    `error="${answer.error}"`,
    `error_description="${error.message.replace(/[^\x20-\x7e]|["\\]/g, '')}"`,
    ...(answer.error === 'insufficient_scope' ? [`scope="${rules.scopes.join(' ')}"`] : []),
    algs,
  ];
  return { status: answer.status, header: `DPoP ${parts.join(', ')}` };
}
