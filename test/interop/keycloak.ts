import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  createTokenClient,
  createTransaction,
  fapi2Profile,
  getAccessToken,
  pushAuthorizationRequest,
  redeemCode,
  refreshTokens,
} from '@helseid-zones/client';
import { addKey, type CustodyOptions, openCustody } from '@helseid-zones/client/custody';
import { decodeJwt } from 'jose';
import { openBrowser } from '../../local/app/steps/browser.ts';
import type { LocalCertificate } from '../../local/helseid/certificate.ts';
import { freePorts } from '../ports.ts';

const VERSION = '26.5.6';
/** FAPI 2.0 has no loopback redirects; nobody is there, the browser below stops at it. */
const REDIRECT = 'https://journal.example.no/callback';
/** Seconds that it may take to start. */
const PATIENCE = 600;

/**
 * A client with a key of its own at Keycloak, whose FAPI 2.0 DPoP profile is on for all clients: machine token, login and refresh.
 * Resolves to what is missing here where it can't be run: Java, Maven or the distribution.
 */
export async function tryKeycloak(
  certificate: LocalCertificate,
  folder: string,
): Promise<{ missing: string } | undefined> {
  const home = unpack(folder);
  if (typeof home === 'object') return home;
  const { gateway: port, standIn: plainPort } = await freePorts();
  const issuer = `https://localhost:${port}/realms/journal`;
  const options: CustodyOptions = {
    uri: `file://${join(folder, 'keycloak.pem')}`,
    zone: 'interop',
    client: 'journal',
    algorithm: 'ES256',
    subject: { clientId: 'journal', issuer, tenancy: 'single-tenant', profile: fapi2Profile },
    passphrase: () => 'made-for-this-run-and-gone-with-it',
  };
  const custody = await openCustody(options);
  await custody.change((ring) => addKey(ring, 'ES256'));
  const [key] = await custody.publicKeys();
  const jwks = { keys: [{ ...key?.jwk, kid: key?.thumbprint, alg: 'ES256', use: 'sig' }] };
  mkdirSync(join(home, 'data/import'), { recursive: true });
  writeFileSync(join(home, 'data/import/journal.json'), JSON.stringify(realmOf(jwks)));
  writeFileSync(join(folder, 'keycloak.key'), certificate.key, { mode: 0o600 });
  const server = spawn(
    join(home, 'bin/kc.sh'),
    [
      'start-dev',
      '--import-realm',
      `--https-port=${port}`,
      `--hostname=https://localhost:${port}`,
      `--https-certificate-file=${certificate.path}`,
      `--https-certificate-key-file=${join(folder, 'keycloak.key')}`,
      '--http-host=127.0.0.1',
      `--http-port=${plainPort}`,
    ],
    { stdio: process.env['KEYCLOAK_LOG'] ? 'inherit' : 'ignore', detached: true },
  );
  try {
    await untilUp(`${issuer}/.well-known/openid-configuration`);
    const { signer } = custody;
    const client = createTokenClient({
      client: 'journal',
      clientId: 'journal',
      issuer,
      profile: fapi2Profile,
      signer,
      timeout: 60_000,
    });
    const machine = await getAccessToken(client);
    const { state, nonce, codeVerifier, codeChallenge } = await createTransaction();
    const sent = { redirectUri: REDIRECT, state, nonce };
    const pushed = await pushAuthorizationRequest(client, { ...sent, scope: 'openid', codeChallenge });
    const browser = openBrowser(async (url, init) =>
      url.startsWith(REDIRECT) ? new Response() : fetch(url, init),
    );
    const page = await browser.open(pushed.authorizationUrl);
    const end = await browser.submit(page, { username: 'line', password: 'danser' });
    const tokens = await redeemCode(client, {
      ...sent,
      parameters: end.url.searchParams,
      codeVerifier,
      binding: pushed.binding,
    });
    const { refreshToken = '', idTokenClaims: expected } = tokens;
    const refreshed = await refreshTokens(client, { refreshToken, expected, binding: tokens.binding });
    for (const { accessToken, binding } of [machine, tokens, refreshed])
      if (Object(decodeJwt(accessToken)['cnf']).jkt !== binding.jkt)
        throw new Error('a token is bound to no key');
    return undefined;
  } finally {
    if (server.pid) process.kill(-server.pid);
  }
}

/** The distribution as Maven has it, below `folder`. */
function unpack(folder: string): string | { missing: string } {
  const name = `keycloak-quarkus-dist-${VERSION}.zip`;
  const artifact = `org.keycloak:keycloak-quarkus-dist:${VERSION}:zip`;
  const kept = join(homedir(), '.m2/repository/org/keycloak/keycloak-quarkus-dist', VERSION, name);
  try {
    execFileSync('java', ['-version'], { stdio: 'ignore' });
    if (!existsSync(kept))
      execFileSync('mvn', ['-q', '-B', 'dependency:get', `-Dartifact=${artifact}`], {
        stdio: 'ignore',
        timeout: 600_000,
      });
    execFileSync('unzip', ['-q', kept, '-d', folder], { stdio: 'ignore' });
  } catch {
    return { missing: `Java 17, Maven, unzip, or Keycloak ${VERSION} from the Maven repository` };
  }
  return join(folder, `keycloak-${VERSION}`);
}

function realmOf(jwks: object) {
  const condition = { condition: 'any-client', configuration: {} };
  return {
    realm: 'journal',
    enabled: true,
    clientPolicies: {
      policies: [
        { name: 'fapi', enabled: true, conditions: [condition], profiles: ['fapi-2-dpop-security-profile'] },
      ],
    },
    clients: [
      {
        clientId: 'journal',
        enabled: true,
        publicClient: false,
        clientAuthenticatorType: 'client-jwt',
        serviceAccountsEnabled: true,
        standardFlowEnabled: true,
        redirectUris: [REDIRECT],
        attributes: {
          'use.jwks.string': 'true',
          'jwks.string': JSON.stringify(jwks),
          'token.endpoint.auth.signing.alg': 'ES256',
          'dpop.bound.access.tokens': 'true',
          'require.pushed.authorization.requests': 'true',
          'pkce.code.challenge.method': 'S256',
          'id.token.signed.response.alg': 'PS256',
          'access.token.signed.response.alg': 'PS256',
        },
      },
    ],
    users: [
      {
        username: 'line',
        enabled: true,
        email: 'line@example.no',
        emailVerified: true,
        firstName: 'Line',
        lastName: 'Danser',
        credentials: [{ type: 'password', value: 'danser', temporary: false }],
      },
    ],
  };
}

async function untilUp(url: string): Promise<void> {
  for (let waited = 0; waited < PATIENCE; waited += 2) {
    const up = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
    if (up) return;
    await setTimeout(2000);
  }
  throw new Error(`Keycloak did not start within ${PATIENCE} s`);
}
