import { createHash } from 'node:crypto';
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { accessError } from './challenge.ts';
import type { AccessPorts, AccessRequest, AccessRules } from './rules.ts';
import { validateProof } from './validate-proof.ts';

const LEVEL = 'helseid://claims/identity/security_level';
const PERSON = ['helseid://claims/identity/pid', 'helseid://claims/identity/pid_pseudonym'];
const TYPES = ['at+jwt', 'application/at+jwt', 'jwt'];

/** What a valid request may rely on. */
export interface Access {
  clientId: string;
  scopes: readonly string[];
  /** Thumbprint of the caller's key. */
  jkt: string;
  /** Epoch seconds. */
  expires: number;
  /** All claims of the token. */
  claims: Readonly<Record<string, unknown>>;
}

/**
 * Decides whether a request may pass: a DPoP-bound access token of HelseID's with a proof of possession, checked in
 * the order of HelseID's own samples, the replay cache after everything that could make a proof worthless, scope and security
 * level at the end. Fails closed. Does not check what the caller may do with the resource: that is the API's own business.
 * @throws {ZonesError} of `accessError` with the failed check; what the ports throw passes through
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
  const jti = await validateProof(proof, { request, token, jkt, now, rules });
  await claimProof(jti, jkt, now, rules, ports);
  if (!rules.scopes.every((scope) => valid.scopes.includes(scope)))
    throw accessError('scope', `The access token needs the scope ${rules.scopes.join(' ')}.`);
  demandSecurityLevel(claims, rules);
  return { ...valid, jkt, claims };
}

function readToken(request: AccessRequest): string {
  const values = valuesOf(request, 'authorization');
  const token = /^DPoP +([\w.~+/=-]+)$/i.exec(values[0] ?? '')?.[1];
  if (values.length === 1 && token) return token;
  throw accessError('scheme', 'Send one Authorization header with the scheme DPoP and an access token.');
}

function readProof(request: AccessRequest): string {
  const [proof, ...others] = valuesOf(request, 'dpop');
  // A proxy may join repeated headers with commas; a proof holds none.
  if (proof && others.length === 0 && !proof.includes(',')) return proof;
  throw accessError('one proof', 'Send exactly one DPoP header.');
}

function valuesOf(request: AccessRequest, name: string): string[] {
  return request.headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value.trim());
}

/**
 * What a HelseID access token says: signature by the issuer's key with the one expected algorithm, `typ`, `iss`, `exp`,
 * `nbf`, `aud`, `client_id` and the form of `scope`. `sub` and `jti` are not demanded, because tokens of machines may lack
 * them. Does not check which scopes it has, security level or the binding to a key.
 */
async function validateToken(token: string, rules: AccessRules, keys: JWTVerifyGetKey, now: number) {
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    issuer: rules.issuer,
    algorithms: [rules.tokenAlgorithm],
    clockTolerance: rules.clockSkew,
    requiredClaims: ['exp'],
    currentDate: new Date(now * 1000),
  }).catch((cause: unknown) => {
    // What is not about the token (the issuer can't be reached, its key is unusable) is a fault, not a refusal.
    if (!(cause instanceof errors.JOSEError)) throw cause;
    throw accessError('token', `The access token is not valid (${cause.code}): get a new one.`, cause);
  });
  const { typ } = protectedHeader;
  if (typeof typ !== 'string' || !TYPES.includes(typ.toLowerCase()))
    throw accessError('token typ', 'The typ of an access token must be at+jwt or JWT.');
  const audiences = [payload.aud].flat();
  if (!audiences.includes(rules.audience) || (audiences.length > 1 && !rules.otherAudiences)) {
    const alone = rules.otherAudiences ? '' : ' alone';
    throw accessError(
      'audience',
      `The access token must be for ${rules.audience}${alone}: ask for its scopes and no others.`,
    );
  }
  const clientId = payload['client_id'];
  if (typeof clientId !== 'string' || clientId === '')
    throw accessError('client_id', 'The access token names no client (client_id).');
  return { claims: payload, clientId, scopes: readScopes(payload['scope'] ?? []), expires: payload.exp ?? 0 };
}

/** HelseID writes `scope` as one string or as a list; a list in a list is neither. */
function readScopes(scope: unknown): string[] {
  const listed = Array.isArray(scope) ? scope : [scope];
  if (!listed.every((item) => typeof item === 'string'))
    throw accessError('scope claim', 'The scope of an access token must be a string or a list of strings.');
  return listed.flatMap((item) => item.split(' ').filter(Boolean));
}

function readThumbprint(claims: JWTPayload): string {
  const jkt = (claims['cnf'] as { jkt?: unknown } | undefined)?.jkt;
  if (typeof jkt === 'string' && jkt) return jkt;
  throw accessError('cnf.jkt', 'The access token is not bound to a key (cnf.jkt is missing).');
}

/** One `jti` counts for one key; the hash bounds what a caller can make the cache hold. */
async function claimProof(jti: string, jkt: string, now: number, rules: AccessRules, ports: AccessPorts) {
  const id = createHash('sha256').update(`${jkt} ${jti}`).digest('base64url');
  const expires = Math.ceil(now) + rules.proofAge + 2 * rules.clockSkew + 1;
  if (!(await ports.replays.claim(id, expires)))
    throw accessError('replay', 'The DPoP proof has been used before: make one for every request.');
}

function demandSecurityLevel(claims: JWTPayload, rules: AccessRules) {
  if (!rules.securityLevel) return;
  if (!PERSON.some((claim) => typeof claims[claim] === 'string'))
    throw accessError('person', 'The access token names no person: a user must log in.');
  const level = claims[LEVEL];
  if (typeof level !== 'string' || !/^[234]$/.test(level) || level < rules.securityLevel)
    throw accessError('security level', `Log in at security level ${rules.securityLevel}.`);
}
