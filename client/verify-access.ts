import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { NONCE_DEMANDED, type SeenProofs, verifyProof } from './verify-proof.ts';

/** What an API demands. */
export interface AccessRules {
  issuer: string;
  /** The one audience of the token; without it any will do. */
  audience?: string | undefined;
  /** All of these. */
  scopes: readonly string[];
  /** What tokens are signed with (default RS256, HelseID's). */
  algorithm?: string;
}

/** What is needed to decide. */
export interface AccessPorts {
  /** The issuer's keys. */
  keys: JWTVerifyGetKey;
  seen: SeenProofs;
  /** Epoch milliseconds. */
  now: () => number;
  /** Whether a nonce is good; without it none is demanded. */
  accepts?: ((nonce: string) => boolean) | undefined;
}

/** A call, as its caller sent it. */
interface AccessCall {
  method: string;
  url: URL;
  headers: readonly (readonly [name: string, value: string])[];
}

/** A call that may pass, with the claims of its token. */
export interface Access {
  clientId: string;
  claims: JWTPayload;
}

/** A call that may not: the error code of RFC 6750 3.1 or RFC 9449 7.1, and which check failed. */
export interface Refused {
  status: 401 | 403;
  /** Empty where no token was shown (RFC 6750 3.1). */
  error: string;
  check: string;
  description: string;
}

const CLOCK_SKEW = 5;
/** Seconds that a proof may be old, beyond what clocks may differ. */
const PROOF_AGE = 10;

/**
 * Decides whether a call may pass: one DPoP-bound access token of the issuer's for this API (RFC 9068 4 as far as HelseID's
 * tokens follow it), one proof of possession (RFC 9449 7), and scopes. A second implementation beside the
 * shipped authorizer's, on purpose: what composes requests and what validates them here share nothing but their standards.
 */
export async function verifyAccess(
  call: AccessCall,
  rules: AccessRules,
  ports: AccessPorts,
): Promise<Access | Refused> {
  const [authorization, ...others] = valuesOf(call, 'authorization');
  const [, token] = /^DPoP +([\w.~+/=-]+)$/i.exec(authorization ?? '') ?? [];
  if (!token || others.length > 0) return refuse(401, '', 'scheme', 'send one access token, as DPoP');
  const { claims, fault } = await readToken(token, rules, ports);
  if (!claims) return refuse(401, 'invalid_token', fault, 'the access token is not valid');
  const proof = await readProof(call, token, ports);
  if (typeof proof === 'string') {
    const error = proof === NONCE_DEMANDED ? 'use_dpop_nonce' : 'invalid_dpop_proof';
    return refuse(401, error, proof === NONCE_DEMANDED ? 'nonce' : 'proof', proof);
  }
  const bound = (claims['cnf'] as { jkt?: unknown } | undefined)?.jkt;
  if (bound !== proof.jkt)
    return refuse(401, 'invalid_token', 'cnf.jkt', 'the token is bound to another key');
  const scopes = [claims['scope'] ?? []].flat().join(' ').split(' ');
  if (!rules.scopes.every((scope) => scopes.includes(scope)))
    return refuse(403, 'insufficient_scope', 'scope', `the scope ${rules.scopes.join(' ')} is needed`);
  return { clientId: String(claims['client_id']), claims };
}

async function readToken(
  token: string,
  { issuer, audience, algorithm = 'RS256' }: AccessRules,
  { keys, now }: AccessPorts,
): Promise<{ claims: JWTPayload; fault?: never } | { claims?: never; fault: string }> {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      issuer,
      ...(audience === undefined ? {} : { audience }),
      algorithms: [algorithm],
      requiredClaims: ['exp', 'client_id'],
      clockTolerance: CLOCK_SKEW,
      currentDate: new Date(now()),
    });
    if (!/^(application\/)?(at\+)?jwt$/i.test(String(protectedHeader.typ))) return { fault: 'typ' };
    if (audience !== undefined && [payload.aud].flat().length !== 1) return { fault: 'aud' };
    return { claims: payload };
  } catch (error) {
    return { fault: error instanceof errors.JWTClaimValidationFailed ? error.claim : 'signature' };
  }
}

async function readProof(call: AccessCall, token: string, ports: AccessPorts) {
  const proofs = valuesOf(call, 'dpop');
  try {
    return await verifyProof({
      header: proofs.length === 1 ? (proofs[0] ?? null) : null,
      method: call.method,
      url: call.url.href,
      now: ports.now(),
      seen: ports.seen,
      token,
      age: PROOF_AGE,
      accepts: ports.accepts,
    });
  } catch (error) {
    return (error as Error).message;
  }
}

function valuesOf({ headers }: AccessCall, name: string): string[] {
  return headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value.trim());
}

function refuse(status: 401 | 403, error: string, check: string, description: string): Refused {
  return { status, error, check, description };
}
