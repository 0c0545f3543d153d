import { createHash } from 'node:crypto';
import { ALGORITHM_NAMES, type Algorithm, isAlgorithm } from '@helseid-zones/protocol/algorithms';
import { isObject } from '@helseid-zones/protocol/values';
import {
  calculateJwkThumbprint,
  compactVerify,
  decodeProtectedHeader,
  errors,
  importJWK,
  type JWK,
  type JWTPayload,
  type ProtectedHeaderParameters,
} from 'jose';
import { accessError, type Check } from './challenge.ts';
import { isHtuOf } from './compare-url.ts';
import type { AccessRequest, AccessRules } from './rules.ts';

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

/** What a proof is held against. */
interface ProofExpectations {
  request: Pick<AccessRequest, 'method' | 'baseUrl' | 'path'>;
  /** The access token it accompanies. */
  token: string;
  /** `cnf.jkt` of that token. */
  jkt: string;
  /** Epoch seconds. */
  now: number;
  rules: Pick<AccessRules, 'proofAge' | 'clockSkew'>;
}

/**
 * A DPoP proof against its request and token (RFC 9449 4.3), in the order HelseID's samples use, with the configured skew
 * for every time it holds. Returns the `jti`; whoever calls claims it in the replay cache last of all, so that invalid proofs don't fill it.
 * @throws {ZonesError} proof_invalid: with the failed check in `facts.check`
 */
export async function validateProof(proof: string, expected: ProofExpectations): Promise<string> {
  const { rules, request, now } = expected;
  const { alg, jwk } = readHeader(proof);
  const thumbprint = await calculateJwkThumbprint(jwk).catch(
    fail('proof jwk', 'The jwk of the proof is not a key.'),
  );
  if (thumbprint !== expected.jkt)
    throw accessError('thumbprint', 'The access token is bound to another key.');
  const claims = readClaims(await verifySignature(proof, jwk, alg));
  const ath = createHash('sha256').update(expected.token).digest('base64url');
  const { clockSkew, proofAge } = rules;
  const checks: [Check, boolean, string][] = [
    ['ath', claims['ath'] === ath, 'ath must be the hash of the access token sent with it'],
    ['jti', typeof claims.jti === 'string' && claims.jti.length > 0, 'jti is missing'],
    ['htm', claims['htm'] === request.method, 'htm must be the method of the request'],
    [
      'htu',
      isHtuOf(claims['htu'], request.baseUrl, request.path),
      'htu must be the URL of the request without query',
    ],
    [
      'iat',
      isBetween(claims.iat, now - proofAge - clockSkew, now + clockSkew),
      'iat is not recent: make a proof for every request',
    ],
    ['nbf', claims.nbf === undefined || isBetween(claims.nbf, 0, now + clockSkew), 'nbf lies in the future'],
    ['exp', claims.exp === undefined || isAfter(claims.exp, now - clockSkew), 'exp has passed'],
  ];
  const failed = checks.find(([, holds]) => !holds);
  if (failed) throw accessError(failed[0], `The DPoP proof is not valid: ${failed[2]}.`);
  return String(claims.jti);
}

function readHeader(proof: string): { alg: Algorithm; jwk: JWK } {
  let header: ProtectedHeaderParameters;
  try {
    header = decodeProtectedHeader(proof);
  } catch (cause) {
    throw accessError('proof form', 'The DPoP header is not a JWS.', cause);
  }
  const { typ, alg, jwk } = header;
  if (typ !== 'dpop+jwt') throw accessError('proof typ', 'The typ of a DPoP proof must be dpop+jwt.');
  if (!isAlgorithm(alg))
    throw accessError('proof alg', `A DPoP proof must be signed with one of ${ALGORITHM_NAMES.join(', ')}.`);
  if (!isObject(jwk)) throw accessError('proof jwk', 'The DPoP proof has no jwk.');
  if (PRIVATE_MEMBERS.some((member) => member in jwk))
    throw accessError('proof jwk', 'The jwk of the proof holds a private key, which is compromised now.');
  return { alg, jwk };
}

/** The payload, once its signature is verified; a key that can't verify and a form that is no JWS are told apart. */
async function verifySignature(proof: string, jwk: JWK, alg: string): Promise<Uint8Array> {
  const key = await importJWK(jwk, alg).catch(
    fail('proof jwk', 'The jwk of the proof is not a key for its alg.'),
  );
  // Its header is the one that was read: no other algorithm than `alg` can be in it.
  const { payload } = await compactVerify(proof, key).catch((cause: unknown) => {
    if (cause instanceof errors.JWSSignatureVerificationFailed)
      throw accessError('proof signature', 'The signature of the DPoP proof is wrong.', cause);
    if (cause instanceof errors.JOSEError)
      throw accessError('proof form', 'The DPoP header is not a JWS that can be verified.', cause);
    throw accessError('proof jwk', 'The jwk of the proof can not verify it: it is too short.', cause);
  });
  return payload;
}

function readClaims(payload: Uint8Array): JWTPayload {
  try {
    const claims: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
    if (isObject(claims)) return claims;
  } catch {
    // The message of JSON.parse repeats what was parsed, so it is no cause.
  }
  throw accessError('proof form', 'The payload of the DPoP proof is not a JSON object.');
}

function isBetween(time: unknown, from: number, to: number): boolean {
  return typeof time === 'number' && time >= from && time <= to;
}

/** At `exp` itself a JWT is no longer good (RFC 7519 4.1.4). */
function isAfter(time: unknown, limit: number): boolean {
  return typeof time === 'number' && time > limit;
}

function fail(check: Check, message: string) {
  return (cause: unknown): never => {
    throw accessError(check, message, cause);
  };
}
