import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { exportJWK, SignJWT } from 'jose';

/** A DPoP proof (RFC 9449 4.2) as somebody else's software makes it, by an EC P-256 key. */
export async function makeProof(
  key: KeyObject,
  htm: string,
  htu: string,
  accessToken: string,
): Promise<string> {
  const ath = createHash('sha256').update(accessToken).digest('base64url');
  return new SignJWT({ htm, htu, ath, jti: randomUUID() })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: await exportJWK(createPublicKey(key)) })
    .setIssuedAt()
    .sign(key);
}

/** A proof in which everything is right but the key: what somebody with a stolen token can make. */
export function makeThiefsProof(htm: string, htu: string, accessToken: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return makeProof(privateKey, htm, htu, accessToken);
}
