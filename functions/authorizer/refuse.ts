import { type ErrorCode, ZonesError } from '@helseid-zones/protocol/errors';
import { errors } from 'jose';

/** The checks a request can fail, in the order they are made. */
export type Check =
  | 'scheme'
  | 'token'
  | 'token typ'
  | 'audience'
  | 'client_id'
  | 'scope claim'
  | 'one proof'
  | 'cnf.jkt'
  | 'proof form'
  | 'proof typ'
  | 'proof alg'
  | 'proof jwk'
  | 'thumbprint'
  | 'proof signature'
  | 'ath'
  | 'jti'
  | 'htm'
  | 'htu'
  | 'iat'
  | 'nbf'
  | 'exp'
  | 'nonce'
  | 'replay'
  | 'scope'
  | 'person'
  | 'security level';

/**
 * An error for a failed check; `facts.check` names it, so that logs and tests need not read messages. A cause of `jose`'s
 * adds `facts.reason`, its code, and `facts.claim` where a claim is to blame; never what was in it: such an error holds all
 * claims, so it is not kept as the cause, which somebody might print.
 */
export function refuse(code: ErrorCode, check: Check, message: string, cause?: unknown): ZonesError {
  const claim = cause instanceof errors.JWTClaimValidationFailed || cause instanceof errors.JWTExpired;
  const facts = {
    check,
    ...(cause instanceof errors.JOSEError ? { reason: cause.code } : {}),
    ...(claim ? { claim: cause.claim } : {}),
  };
  return new ZonesError(code, message, { facts, ...(claim ? {} : { cause }) });
}
