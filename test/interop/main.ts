import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, jwtVerify } from 'jose';
import { localCertificate, trustHere } from '../../local/helseid/certificate.ts';
import { startHelseId } from '../../local/helseid/helseid.ts';
import { reportMissing } from '../missing.ts';
import { getTokenWithJava } from './java.ts';
import { tryKeycloak } from './keycloak.ts';
import { getTokenWithOpenidClient } from './openid-client.ts';

/** A key of a client, private and as it is registered. */
async function makeKey() {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(publicKey);
  const registered: JWK = { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: 'ES256', use: 'sig' };
  const privateJwk = { ...(await exportJWK(privateKey)), kid: registered.kid, alg: 'ES256' } as JWK;
  return { registered, privateJwk };
}

const SCOPE = 'example:a/read';
const directory = mkdtempSync(join(tmpdir(), 'interop-'));
const key = await makeKey();
const certificate = await localCertificate(join(directory, 'tls'));
trustHere(certificate);
const helseId = await startHelseId({
  certificate,
  apis: [{ audience: 'example:a', scopes: [SCOPE] }],
  clients: [
    {
      clientId: 'peer',
      tenancy: 'single-tenant',
      parent: '999977774',
      scopes: [SCOPE],
      jwks: { keys: [key.registered] },
    },
  ],
});

/** Gets a token and verifies it; says how that went. */
async function tryOut(name: string, get: () => Promise<string | { missing: string }>): Promise<boolean> {
  try {
    const token = await get();
    if (typeof token !== 'string') {
      reportMissing(name, token.missing);
      return true;
    }
    const expected = { issuer: helseId.issuer, audience: 'example:a' };
    const { payload } = await jwtVerify(token, helseId.keys, expected);
    if (!(payload['cnf'] as { jkt?: string } | undefined)?.jkt)
      throw new Error('the token is bound to no key');
    console.log(`ok       ${name}: a token for ${payload.aud}, bound to a key`);
    return true;
  } catch (error) {
    console.log(`FAILED   ${name}: ${error instanceof Error ? error.message : error}`);
    return false;
  }
}

const peer = { issuer: helseId.issuer, clientId: 'peer', scope: SCOPE, key: key.privateJwk };
const stock = await tryOut('openid-client', () => getTokenWithOpenidClient(peer));
// It sends the same assertion again after the nonce challenge.
helseId.behaviour.challengeConsumesAssertion = false;
const java = await tryOut("NHN's Java library", () => getTokenWithJava(peer, certificate.path, directory));
await helseId.close();
// And our client at another's issuer, by the plain FAPI 2.0 profile.
const keycloak = await tryKeycloak(certificate, directory).then(
  (answer) => {
    if (answer) reportMissing('Keycloak', answer.missing);
    else console.log('ok       Keycloak: machine token, login and refresh');
    return true;
  },
  (error) => {
    console.log(`FAILED   Keycloak: ${error instanceof Error ? error.message : error}`);
    return false;
  },
);
rmSync(directory, { recursive: true, force: true });
if (!(stock && java && keycloak)) process.exitCode = 1;
