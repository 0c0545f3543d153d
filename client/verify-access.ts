import { createHash } from 'node:crypto';
import * as jose from 'jose';

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
  keys: jose.JWTVerifyGetKey;
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
  claims: jose.JWTPayload;
}

/** A call that may not: the error code of RFC 6750 3.1 or RFC 9449 7.1, and which check failed. */
export interface Refused {
  status: 401 | 403;
  /** Empty where no token was shown (RFC 6750 3.1). */
  error: string;
  check: string;
  description: string;
}

/** Seconds that clocks may differ, each way. */
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
  const bound = (claims['cnf'] as { jkt?: unknown } | undefined)?.jkt;
  const proof = await readProof(call, token, bound, ports);
  if (proof === OTHER_KEY)
    return refuse(401, 'invalid_token', 'cnf.jkt', 'the token is bound to another key');
  if (typeof proof === 'string') {
    const error = proof === NONCE_DEMANDED ? 'use_dpop_nonce' : 'invalid_dpop_proof';
    return refuse(401, error, proof === NONCE_DEMANDED ? 'nonce' : 'proof', proof);
  }
  const scopes = [claims['scope'] ?? []].flat().join(' ').split(' ');
  if (!rules.scopes.every((scope) => scopes.includes(scope)))
    return refuse(403, 'insufficient_scope', 'scope', `the scope ${rules.scopes.join(' ')} is needed`);
  return { clientId: String(claims['client_id']), claims };
}

async function readToken(token: string, rules: AccessRules, { keys, now }: AccessPorts) {
  const { issuer, audience, algorithm = 'RS256' } = rules;
  try {
    const { payload, protectedHeader } = await jose.jwtVerify(token, keys, {
      issuer,
      ...(audience === undefined ? {} : { audience }),
      algorithms: [algorithm],
      requiredClaims: ['exp'],
      clockTolerance: CLOCK_SKEW,
      currentDate: new Date(now()),
    });
    const { client_id: client, scope = [] } = payload;
    const { typ } = protectedHeader;
    if (typeof typ !== 'string' || !/^(application\/)?(at\+)?jwt$/i.test(typ)) return { fault: 'typ' };
    if (typeof client !== 'string' || client === '') return { fault: 'client_id' };
    if (![scope].flat().every((one) => typeof one === 'string')) return { fault: 'scope' };
    if (audience !== undefined && [payload.aud].flat().length !== 1) return { fault: 'aud' };
    return { claims: payload };
  } catch (error) {
    return { fault: error instanceof jose.errors.JWTClaimValidationFailed ? error.claim : 'signature' };
  }
}

async function readProof(
  { method, url, ...call }: AccessCall,
  token: string,
  bound: unknown,
  ports: AccessPorts,
) {
  const { now, seen, accepts } = ports;
  const [header = null, ...others] = valuesOf(call, 'dpop');
  return verifyProof({
    header: others.length > 0 ? null : header,
    method,
    url: url.href,
    now: now(),
    seen,
    token,
    bound: { jkt: bound },
    age: PROOF_AGE,
    accepts,
  }).catch((error: Error) => error.message);
}

const valuesOf = ({ headers }: Pick<AccessCall, 'headers'>, name: string): string[] =>
  headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value.trim());

function refuse(status: 401 | 403, error: string, check: string, description: string): Refused {
  return { status, error, check, description };
}

/** Remembers the proofs that were accepted, by `jti`. */
export interface SeenProofs {
  has(jti: string): boolean;
  add(jti: string): unknown;
}

/** What a proof must match. */
interface ExpectedProof {
  /** The `DPoP` header, as received. */
  header: string | null;
  method: string;
  /** Query and fragment are left out of the comparison. */
  url: string;
  /** Epoch milliseconds. */
  now: number;
  /** Spent `jti`s; the proof's is added once all else is right. */
  seen: SeenProofs;
  /** The access token it must name, where there is one. */
  token?: string | undefined;
  /** The thumbprint of the key that it must be of (a token's `cnf.jkt`); without it any key will do. */
  bound?: { jkt: unknown } | undefined;
  /** Seconds that a proof may be old, beyond the five that clocks may differ (default 0). */
  age?: number | undefined;
  /** Whether a nonce is good (RFC 9449 9); without it none is demanded. */
  accepts?: ((nonce: string) => boolean) | undefined;
}

/** Such a proof is not spent: whoever has no more than a token could fill that memory. */
const OTHER_KEY = 'the proof is of another key';

/** The proof is good but for its nonce: the caller is told to use a fresh one. */
export const NONCE_DEMANDED = 'a nonce is demanded';

/**
 * Verifies a DPoP proof strictly (RFC 9449 4.3), without a line of the code that composes proofs or of the shipped
 * authorizer, so that neither is its own judge. Throws plain errors that say what is wrong.
 */
export async function verifyProof(
  expected: ExpectedProof,
): Promise<{ jkt: string; nonce: string | undefined }> {
  const { header, now, age = 0 } = expected;
  if (header === null || header.includes(',')) throw new Error('exactly one DPoP header is required');
  const { payload, protectedHeader } = await jose.jwtVerify(header, jose.EmbeddedJWK, {
    typ: 'dpop+jwt',
    algorithms: ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'],
    requiredClaims: ['jti', 'iat', 'htm', 'htu'],
    currentDate: new Date(now),
  });
  const { jti, iat = 0, htm, htu, ath, nonce, exp, nbf } = payload;
  if (exp !== undefined || nbf !== undefined) throw new Error('a proof has no exp and no nbf');
  if (htm !== expected.method) throw new Error(`htm is ${String(htm)}`);
  if (!isFor(htu, expected.url)) throw new Error(`htu is ${String(htu)}`);
  if (iat < now / 1000 - age - CLOCK_SKEW || iat > now / 1000 + CLOCK_SKEW)
    throw new Error('iat is outside the window');
  const hash = expected.token && createHash('sha256').update(expected.token).digest('base64url');
  if (ath !== (hash || undefined)) throw new Error('ath is wrong');
  if (expected.accepts && !(typeof nonce === 'string' && expected.accepts(nonce)))
    throw new Error(NONCE_DEMANDED);
  if (typeof jti !== 'string' || jti === '') throw new Error('jti is not a string');
  if (!protectedHeader.jwk) throw new Error('the proof has no jwk');
  const jkt = await jose.calculateJwkThumbprint(protectedHeader.jwk);
  if (expected.bound && expected.bound.jkt !== jkt) throw new Error(OTHER_KEY);
  if (expected.seen.has(jti)) throw new Error('the proof was used before');
  expected.seen.add(jti);
  return { jkt, nonce: typeof nonce === 'string' ? nonce : undefined };
}

/** `htu` has neither query nor fragment (RFC 9449 4.2); the URL of the request may have both. */
const isFor = (htu: unknown, url: string): boolean =>
  typeof htu === 'string' && HTU.test(htu) && normalize(htu) === normalize(url);

/** An http(s) URI of a host and a path, in the characters of RFC 3986: a URL parser would mend others and forget a user. */
const HTU = /^https?:\/\/[\w.~%:[\]-]+(?:\/[\w.~%!$&'()*+,;=:@/-]*)?$/i;

/** As RFC 3986 6.2.2 and 6.2.3 say, and no further: a decoded slash is no slash, letters keep their case. */
function normalize(text: string): string {
  const url = new URL(text);
  const path = url.pathname.replaceAll(/%[0-9a-f]{2}/gi, (escaped) => {
    const letter = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return /[A-Za-z0-9._~-]/.test(letter) ? letter : escaped.toUpperCase();
  });
  return `${url.protocol}//${url.username}@${url.host}${path}`;
}
