import { createHash, randomUUID } from 'node:crypto';
import {
  calculateJwkThumbprint,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  type JWK,
  SignJWT,
} from 'jose';
import type { AccessPorts, AccessRequest, AccessRules } from '../../../functions/authorizer/rules.ts';
import { takeRsaPair } from '../../fakes/kms.ts';

/** A fixed instant, epoch seconds. */
export const NOW = 1_800_000_000;

export const RULES: AccessRules = {
  issuer: 'https://helseid.example',
  tokenAlgorithm: 'RS256',
  audience: 'example:summaries',
  scopes: ['example:summaries/read'],
  otherAudiences: false,
  proofAge: 10,
  clockSkew: 5,
};

type Key = Awaited<ReturnType<typeof makeKey>>;

/** A key pair with its public JWK and thumbprint. */
export async function makeKey(alg: string) {
  const rsa = !alg.startsWith('ES') && takeRsaPair();
  const { privateKey, publicKey } = rsa || (await generateKeyPair(alg, { extractable: true }));
  const jwk = await exportJWK(publicKey);
  const privateJwk = await exportJWK(privateKey);
  return { alg, privateKey, jwk, privateJwk, jkt: await calculateJwkThumbprint(jwk) };
}

/** The issuer's key, the caller's key, and somebody else's; made once a file. */
export async function makeKeys() {
  const [issuer, caller, stranger] = await Promise.all([
    makeKey('RS256'),
    makeKey('ES256'),
    makeKey('ES256'),
  ]);
  return { issuer, caller, stranger };
}

/** How a request differs from a good one. */
export interface Twist {
  token?: Record<string, unknown> & { header?: Record<string, unknown>; key?: Key };
  proof?: Record<string, unknown> & { header?: Record<string, unknown>; key?: Key };
  scheme?: string;
  /** Replaces the whole DPoP header list. */
  proofs?: (proof: string) => string[];
  authorization?: string[];
  method?: string;
  path?: string;
}

/** A signed request that is good but for its twist. */
export async function makeRequest(
  keys: Awaited<ReturnType<typeof makeKeys>>,
  twist: Twist = {},
): Promise<AccessRequest> {
  const { header: tokenHeader, key: tokenKey = keys.issuer, ...tokenClaims } = twist.token ?? {};
  const token = await sign(
    {
      iss: RULES.issuer,
      aud: RULES.audience,
      exp: NOW + 60,
      nbf: NOW - 1,
      client_id: 'caller',
      scope: 'example:summaries/read example:other',
      cnf: { jkt: keys.caller.jkt },
      ...tokenClaims,
    },
    { alg: tokenKey.alg, typ: 'at+jwt', kid: 'issuer-1', ...tokenHeader },
    tokenKey,
  );
  const { header: proofHeader, key: proofKey = keys.caller, ...proofClaims } = twist.proof ?? {};
  const proof = await sign(
    {
      htm: 'GET',
      htu: 'https://api.example/v1/summaries/1',
      iat: NOW,
      jti: randomUUID(),
      ath: createHash('sha256').update(token).digest('base64url'),
      ...proofClaims,
    },
    { alg: proofKey.alg, typ: 'dpop+jwt', jwk: proofKey.jwk, ...proofHeader },
    proofKey,
  );
  const authorization = twist.authorization ?? [`${twist.scheme ?? 'DPoP'} ${token}`];
  return {
    method: twist.method ?? 'GET',
    baseUrl: 'https://api.example',
    path: twist.path ?? '/v1/summaries/1',
    headers: [
      ...authorization.map((value) => ['Authorization', value] as const),
      ...(twist.proofs?.(proof) ?? [proof]).map((value) => ['DPoP', value] as const),
    ],
  };
}

/** Ports with a replay cache in memory and a fixed clock. */
export function makePorts(
  issuerJwk: JWK,
  now: () => number = () => NOW,
): AccessPorts & { claimed: string[] } {
  const claimed: string[] = [];
  return {
    claimed,
    keys: createLocalJWKSet({ keys: [{ ...issuerJwk, kid: 'issuer-1', alg: 'RS256', use: 'sig' }] }),
    replays: { claim: async (id) => !claimed.includes(id) && claimed.push(id) > 0 },
    now,
  };
}

async function sign(claims: object, header: Record<string, unknown>, key: Key): Promise<string> {
  const defined = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
  const { alg = key.alg, ...rest } = Object.fromEntries(
    Object.entries(header).filter(([, value]) => value !== undefined),
  );
  return new SignJWT(defined).setProtectedHeader({ alg: String(alg), ...rest }).sign(key.privateKey);
}
