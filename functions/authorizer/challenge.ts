import type { ErrorCode, ZonesError } from '@helseid-zones/protocol/errors';
import { type AccessRules, PROOF_ALGORITHMS } from './rules.ts';

/** How a refused request is answered over HTTP. */
export interface Challenge {
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
  const { check } = error.facts;
  const algs = `algs="${rules.proofAlgorithms.join(' ')}"`;
  if (check === 'scheme') return { status: 401, header: `DPoP ${algs}` };
  const parts = [
    `error="${check === 'nonce' ? 'use_dpop_nonce' : answer.error}"`,
    `error_description="${error.message.replace(/[^\x20-\x7e]|["\\]/g, '')}"`,
    ...(answer.error === 'insufficient_scope' ? [`scope="${rules.scopes.join(' ')}"`] : []),
    algs,
  ];
  return { status: answer.status, header: `DPoP ${parts.join(', ')}` };
}
