import { createHash } from 'node:crypto';
import {
  calculateJwkThumbprint,
  decodeProtectedHeader,
  importJWK,
  type JWK,
  type JWTPayload,
  jwtVerify,
  type ProtectedHeaderParameters,
} from 'jose';
import { normalizeUrl } from './compare-url.ts';
import { type Check, refuse } from './refuse.ts';
import type { AccessRequest, AccessRules, NonceSource } from './rules.ts';

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

/** What a proof is held against. */
export interface ProofExpectations {
  request: Pick<AccessRequest, 'method' | 'url'>;
  /** The access token it accompanies. */
  token: string;
  /** `cnf.jkt` of that token. */
  jkt: string;
  /** Epoch seconds. */
  now: number;
  rules: Pick<AccessRules, 'proofAlgorithms' | 'proofAge' | 'clockSkew'>;
  nonces?: NonceSource | undefined;
}

/**
 * A DPoP proof against its request and token (RFC 9449 4.3, helseid.md 8), in the order HelseID's samples use.
 * Returns the `jti`; whoever calls claims it in the replay cache last of all, so that invalid proofs don't fill it.
 * Throws `proof_invalid` with the failed check in `facts.check`.
 */
export async function validateProof(proof: string, expected: ProofExpectations): Promise<string> {
  const { rules, request, now } = expected;
  const { alg, jwk } = readHeader(proof, rules.proofAlgorithms);
  const thumbprint = await calculateJwkThumbprint(jwk).catch(
    fail('proof jwk', 'The jwk of the proof is not a key.'),
  );
  if (thumbprint !== expected.jkt)
    throw proofError('thumbprint', 'The access token is bound to another key.');
  const claims = await verifySignature(proof, jwk, alg, now);

  const checks: [Check, boolean, string][] = [
    ['ath', claims['ath'] === hash(expected.token), 'ath must be the hash of the access token sent with it'],
    ['jti', typeof claims.jti === 'string' && claims.jti.length > 0, 'jti is missing'],
    ['htm', claims['htm'] === request.method, 'htm must be the method of the request'],
    ['htu', sameUrl(claims['htu'], request.url), 'htu must be the URL of the request without query'],
    ['iat', isRecent(claims.iat, now, rules), 'iat is not recent: make a proof for every request'],
    ['nonce', nonceHolds(claims['nonce'], expected.nonces), 'a nonce is demanded: use the one in DPoP-Nonce'],
  ];
  const failed = checks.find(([, holds]) => !holds);
  if (failed) throw proofError(failed[0], `The DPoP proof is not valid: ${failed[2]}.`);
  return String(claims.jti);
}

function readHeader(proof: string, algorithms: readonly string[]): { alg: string; jwk: JWK } {
  let header: ProtectedHeaderParameters;
  try {
    header = decodeProtectedHeader(proof);
  } catch (cause) {
    throw proofError('proof form', 'The DPoP header is not a JWS.', cause);
  }
  const { typ, alg, jwk } = header;
  if (typ !== 'dpop+jwt') throw proofError('proof typ', 'The typ of a DPoP proof must be dpop+jwt.');
  if (!alg || !algorithms.includes(alg)) {
    throw proofError('proof alg', `A DPoP proof must be signed with one of ${algorithms.join(', ')}.`);
  }
  if (!jwk || typeof jwk !== 'object') throw proofError('proof jwk', 'The DPoP proof has no jwk.');
  if (PRIVATE_MEMBERS.some((member) => member in jwk)) {
    throw proofError(
      'proof jwk',
      'The jwk of the proof holds a private key: it must be considered compromised.',
    );
  }
  return { alg, jwk };
}

async function verifySignature(proof: string, jwk: JWK, alg: string, now: number): Promise<JWTPayload> {
  const key = await importJWK(jwk, alg).catch(
    fail('proof jwk', 'The jwk of the proof is not a key for its alg.'),
  );
  const { payload } = await jwtVerify(proof, key, {
    algorithms: [alg],
    currentDate: new Date(now * 1000),
  }).catch(fail('proof signature', 'The signature of the DPoP proof is wrong.'));
  return payload;
}

function isRecent(iat: unknown, now: number, rules: ProofExpectations['rules']): boolean {
  return (
    typeof iat === 'number' && iat >= now - rules.proofAge - rules.clockSkew && iat <= now + rules.clockSkew
  );
}

function sameUrl(htu: unknown, url: string): boolean {
  if (typeof htu !== 'string') return false;
  const normalized = normalizeUrl(htu);
  return normalized !== undefined && normalized === normalizeUrl(url);
}

function nonceHolds(nonce: unknown, nonces: NonceSource | undefined): boolean {
  return !nonces || (typeof nonce === 'string' && nonces.accepts(nonce));
}

function hash(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

function proofError(check: Check, message: string, cause?: unknown) {
  return refuse('proof_invalid', check, message, cause);
}

function fail(check: Check, message: string) {
  return (cause: unknown): never => {
    throw proofError(check, message, cause);
  };
}
