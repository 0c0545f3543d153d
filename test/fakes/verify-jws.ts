import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { ALGORITHMS, isAlgorithm } from '@helseid-zones/protocol/algorithms';
import { type CryptoKey, decodeProtectedHeader, importJWK, type JWK, type JWTPayload, jwtVerify } from 'jose';

/** What a JWT must be. */
interface ExpectedJwt {
  typ: string;
  /** Epoch seconds. */
  now: number;
  /** Claims that must have exactly these values. */
  claims?: Readonly<Record<string, string>>;
}

/** Verifies signature, `typ`, `alg`, times and claims of a JWT with a public JWK, whose `alg` (if any) must be the header's. */
export type VerifyJwt = (jwt: string, jwk: JWK, expected: ExpectedJwt) => Promise<JWTPayload>;

const keys = new Map<string, Promise<CryptoKey | Uint8Array>>();
const keyObjects = new Map<string, KeyObject>();

/** By `jose`. */
export const verifyWithJose: VerifyJwt = async (jwt, jwk, { typ, now, claims = {} }) => {
  const alg = readAlgorithm(jwt, jwk);
  const key = keep(keys, JSON.stringify([jwk, alg]), () => importJWK(jwk, alg));
  const currentDate = new Date(now * 1000);
  const { payload } = await jwtVerify(jwt, await key, { typ, algorithms: [alg], currentDate });
  checkClaims(payload, claims);
  return payload;
};

/** By node:crypto, without a detour through its thread pool: for tests with a hundred thousand signatures. */
export const verifyQuickly: VerifyJwt = async (jwt, jwk, { typ, now, claims = {} }) => {
  const alg = readAlgorithm(jwt, jwk);
  const [header = '', body = '', signature = ''] = jwt.split('.');
  const key = keep(keyObjects, JSON.stringify(jwk), () =>
    createPublicKey({ key: { ...jwk }, format: 'jwk' }),
  );
  const options =
    ALGORITHMS[alg].kty === 'EC'
      ? { key, dsaEncoding: 'ieee-p1363' as const }
      : { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  const signed = Buffer.from(`${header}.${body}`);
  if (!verify(ALGORITHMS[alg].hash, signed, options, Buffer.from(signature, 'base64url')))
    throw new Error('the signature is wrong');
  const payload = JSON.parse(Buffer.from(body, 'base64url').toString()) as JWTPayload;
  if (decodeProtectedHeader(jwt).typ !== typ) throw new Error('typ is wrong');
  if (payload.exp !== undefined && payload.exp <= now) throw new Error('expired');
  if (payload.nbf !== undefined && payload.nbf > now) throw new Error('not yet valid');
  checkClaims(payload, claims);
  return payload;
};

function readAlgorithm(jwt: string, jwk: JWK) {
  const { alg } = decodeProtectedHeader(jwt);
  if (!isAlgorithm(alg) || (jwk.alg !== undefined && jwk.alg !== alg)) throw new Error('alg is wrong');
  return alg;
}

function checkClaims(payload: JWTPayload, claims: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(claims))
    if (payload[name] !== value) throw new Error(`${name} is wrong`);
}

/** Reading a key costs more than verifying with it. */
function keep<T>(map: Map<string, T>, name: string, make: () => T): T {
  const known = map.get(name) ?? make();
  map.set(name, known);
  return known;
}
