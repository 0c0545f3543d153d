import { createHash } from 'node:crypto';
import type { JWTPayload } from 'jose';
import { refuse } from './refuse.ts';
import type { Access, AccessPorts, AccessRequest, AccessRules } from './rules.ts';
import { validateProof } from './validate-proof.ts';
import { validateToken } from './validate-token.ts';

const LEVEL = 'helseid://claims/identity/security_level';
const PERSON = ['helseid://claims/identity/pid', 'helseid://claims/identity/pid_pseudonym'];

/**
 * Decides whether a request may pass: a DPoP-bound access token of HelseID's with a proof of possession, checked in
 * the order of HelseID's own samples, the replay cache after everything that could make a proof worthless, scope and security
 * level at the end.
 * Throws `access_token_invalid` (also when there is none), `proof_invalid`, `scope_insufficient` or
 * `security_level_too_low`; what the ports throw passes through. Fails closed.
 * Does not check what the caller may do with the resource: that is the API's own business.
 */
export async function validateAccess(
  request: AccessRequest,
  rules: AccessRules,
  ports: AccessPorts,
): Promise<Access> {
  const now = ports.now();
  const token = readToken(request);
  const { claims, ...valid } = await validateToken(token, rules, ports.keys, now);
  const proof = readProof(request);
  const jkt = readThumbprint(claims);
  const { nonces } = ports;
  const jti = await validateProof(proof, { request, token, jkt, now, rules, nonces });
  await claimProof(jti, jkt, now, rules, ports);
  demandScopes(valid.scopes, rules);
  demandSecurityLevel(claims, rules);
  return { ...valid, jkt, claims };
}

function readToken(request: AccessRequest): string {
  const values = valuesOf(request, 'authorization');
  const match = /^DPoP +([\w.~+/=-]+)$/i.exec(values[0] ?? '');
  if (values.length !== 1 || !match?.[1]) {
    throw refuse(
      'access_token_invalid',
      'scheme',
      'Send one Authorization header with the scheme DPoP and an access token.',
    );
  }
  return match[1];
}

function readProof(request: AccessRequest): string {
  const values = valuesOf(request, 'dpop');
  // A proxy may join repeated headers with commas; a proof holds none.
  if (values.length !== 1 || !values[0] || values[0].includes(',')) {
    throw refuse('proof_invalid', 'one proof', 'Send exactly one DPoP header.');
  }
  return values[0];
}

function valuesOf(request: AccessRequest, name: string): string[] {
  return request.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value.trim());
}

function readThumbprint(claims: JWTPayload): string {
  const jkt = (claims['cnf'] as { jkt?: unknown } | undefined)?.jkt;
  if (typeof jkt !== 'string' || !jkt) {
    throw refuse(
      'access_token_invalid',
      'cnf.jkt',
      'The access token is not bound to a key (cnf.jkt is missing).',
    );
  }
  return jkt;
}

/** One `jti` counts for one key; the hash bounds what a caller can make the cache hold. */
async function claimProof(jti: string, jkt: string, now: number, rules: AccessRules, ports: AccessPorts) {
  const id = createHash('sha256').update(`${jkt} ${jti}`).digest('base64url');
  const expires = Math.ceil(now) + rules.proofAge + 2 * rules.clockSkew + 1;
  if (!(await ports.replays.claim(id, expires))) {
    throw refuse(
      'proof_invalid',
      'replay',
      'The DPoP proof has been used before: make one for every request.',
    );
  }
}

function demandScopes(scopes: readonly string[], rules: AccessRules) {
  if (!rules.scopes.every((scope) => scopes.includes(scope))) {
    throw refuse(
      'scope_insufficient',
      'scope',
      `The access token needs the scope ${rules.scopes.join(' ')}.`,
    );
  }
}

function demandSecurityLevel(claims: JWTPayload, rules: AccessRules) {
  if (!rules.securityLevel) return;
  if (!PERSON.some((claim) => typeof claims[claim] === 'string')) {
    throw refuse('security_level_too_low', 'person', 'The access token names no person: a user must log in.');
  }
  const level = claims[LEVEL];
  if (typeof level !== 'string' || !/^[234]$/.test(level) || level < rules.securityLevel) {
    throw refuse(
      'security_level_too_low',
      'security level',
      `Log in at security level ${rules.securityLevel}.`,
    );
  }
}
