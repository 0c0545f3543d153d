import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import {
  type Access,
  type AccessRules,
  type Refused,
  type SeenProofs,
  verifyAccess,
} from '@helseid-zones/client/verify-access';
import type { JWTVerifyGetKey } from 'jose';
import type { Answer, Call } from './serve.ts';

/** DPoP nonces (RFC 9449 8) that need no storage: the time they were made, and a MAC of it. */
export type Nonces = ReturnType<typeof createNonces>;

/** Nonces that hold for `lifetime()` seconds; with 0 none is ever accepted, which keeps a client asking. */
export function createNonces(lifetime: () => number, now: () => number = Date.now) {
  const secret = randomBytes(32);
  const mac = (time: string) => createHmac('sha256', secret).update(time).digest('base64url');
  return {
    /** A new nonce. */
    next() {
      const time = now().toString(36);
      return `${time}.${mac(time)}`;
    },
    /** Whether it is one of ours and young enough. */
    accepts(nonce: string) {
      const [time = '', sent = ''] = nonce.split('.');
      const [expected, given] = [Buffer.from(mac(time)), Buffer.from(sent)];
      if (expected.length !== given.length || !timingSafeEqual(expected, given)) return false;
      return now() - Number.parseInt(time, 36) < lifetime() * 1000;
    },
  };
}

/** Longer than any proof is accepted. Milliseconds. */
const REMEMBERED = 60_000;

/** The proofs that one process has accepted. `now` is in epoch milliseconds. */
export function createSeenProofs(now: () => number): SeenProofs {
  const seen = new Map<string, number>();
  return {
    has: (jti) => (seen.get(jti) ?? 0) > now(),
    add(jti) {
      for (const [known, until] of seen) {
        // They are in the order of their expiry, so the first that holds ends the sweep.
        if (until > now()) break;
        seen.delete(known);
      }
      seen.set(jti, now() + REMEMBERED);
    },
  };
}

/**
 * What runs `answer` for a call that may pass, and answers any other as RFC 9449 7.1 says, with `check` in the body naming what
 * was wrong. With `nonces` every answer carries a new one.
 */
export function createProtection(rules: AccessRules, keys: JWTVerifyGetKey, nonces?: Nonces) {
  const ports = { keys, now: Date.now, seen: createSeenProofs(Date.now), accepts: nonces?.accepts };
  return async (call: Call, answer: (access: Access) => Promise<Answer>): Promise<Answer> => {
    const access = await verifyAccess(call, rules, ports);
    const result = 'error' in access ? refusal(access, rules) : await answer(access);
    if (!nonces) return result;
    return { ...result, headers: { ...result.headers, 'dpop-nonce': nonces.next() } };
  };
}

function refusal({ status, error, check, description }: Refused, { scopes }: AccessRules): Answer {
  const parameters = [
    ...(error
      ? [`error="${error}"`, `error_description="${description.replaceAll(/[^ -~]|["\\]/g, '')}"`]
      : []),
    ...(error === 'insufficient_scope' ? [`scope="${scopes.join(' ')}"`] : []),
    'algs="ES256 ES384 ES512 PS256 PS384 PS512"',
  ];
  const headers = { 'www-authenticate': `DPoP ${parameters.join(', ')}` };
  return { status, headers, body: { error: error || 'invalid_request', check, message: description } };
}
