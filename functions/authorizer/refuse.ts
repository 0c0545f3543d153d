import { type ErrorCode, ZonesError } from '../../client/errors.ts';

/** The checks a request can fail, in the order they are made. */
export type Check =
  | 'scheme'
  | 'token'
  | 'token typ'
  | 'audience'
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
  | 'nonce'
  | 'replay'
  | 'scope'
  | 'person'
  | 'security level';

/** An error for a failed check; `facts.check` names it, so that logs and tests need not read messages. */
export function refuse(code: ErrorCode, check: Check, message: string, cause?: unknown): ZonesError {
  return new ZonesError(code, message, { facts: { check }, cause });
}
