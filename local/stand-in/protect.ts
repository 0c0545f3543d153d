import { isZonesError } from '../../client/errors.ts';
import { challengeFor } from '../../functions/authorizer/challenge.ts';
import {
  type Access,
  type AccessPorts,
  type AccessRules,
  DEFAULT_CLOCK_SKEW,
  DEFAULT_PROOF_AGE,
  PROOF_ALGORITHMS,
  type ReplayCache,
} from '../../functions/authorizer/rules.ts';
import { validateAccess } from '../../functions/authorizer/validate-access.ts';
import type { Nonces } from './nonces.ts';
import type { Answer, Call } from './serve.ts';

/** Rules for an API that takes HelseID's tokens, with the defaults of the shipped authorizer. */
export function accessRules(
  rules: Pick<AccessRules, 'issuer' | 'audience' | 'scopes'> &
    Partial<Pick<AccessRules, 'securityLevel' | 'proofAge' | 'clockSkew'>>,
): AccessRules {
  return {
    tokenAlgorithm: 'RS256',
    proofAlgorithms: PROOF_ALGORITHMS,
    proofAge: DEFAULT_PROOF_AGE,
    clockSkew: DEFAULT_CLOCK_SKEW,
    ...rules,
  };
}

/** A replay cache for one process. */
export function createReplayCache(now: () => number): ReplayCache {
  const claimed = new Map<string, number>();
  return {
    async claim(id, expires) {
      for (const [known, until] of claimed) {
        // Entries come in the order of their expiry, so the first that holds ends the sweep.
        if (until > now()) break;
        claimed.delete(known);
      }
      if (claimed.has(id)) return false;
      claimed.set(id, expires);
      return true;
    },
  };
}

/**
 * Runs `answer` for a call that passes the authorizer's own validation, and answers any other as RFC 9449 7.1 says.
 * With `nonces` every answer carries a new one.
 */
export async function protect(
  call: Call,
  rules: AccessRules,
  ports: Omit<AccessPorts, 'nonces'>,
  nonces: Nonces | undefined,
  answer: (access: Access) => Promise<Answer | undefined>,
): Promise<Answer | undefined> {
  const nonce: Record<string, string> = nonces ? { 'dpop-nonce': nonces.next() } : {};
  let access: Access;
  try {
    const request = { method: call.method, url: call.url.href, headers: call.headers };
    access = await validateAccess(request, rules, { ...ports, ...(nonces ? { nonces } : {}) });
  } catch (error) {
    const challenge = isZonesError(error) ? challengeFor(error, rules) : undefined;
    if (!isZonesError(error) || !challenge) throw error;
    const headers = { 'www-authenticate': challenge.header, ...nonce };
    const body = { code: error.code, check: error.facts['check'], message: error.message };
    return { status: challenge.status, headers, body };
  }
  const result = await answer(access);
  return result && { ...result, headers: { ...result.headers, ...nonce } };
}
