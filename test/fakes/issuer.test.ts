import { createHash } from 'node:crypto';
import type { Intent, ProofIntent } from '@helseid-zones/protocol/intents';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import { SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { API, CLIENT_ID, ISSUER, makeWorld, type World } from '../client/make-client.ts';
import { generateKey } from './kms.ts';

const assertionIntent: Intent = { kind: 'client_assertion', client: 'journal', issuer: ISSUER };
const proofIntent: ProofIntent = {
  kind: 'dpop_proof',
  client: 'journal',
  method: 'POST',
  url: `${ISSUER}/token`,
};

async function sign(world: World, intent: Intent): Promise<string> {
  return (await world.signer.sign([intent]))[0]?.jws ?? '';
}

async function ask(world: World, change: { assertion?: string; proof?: string; grant?: string } = {}) {
  const assertion = change.assertion ?? (await sign(world, assertionIntent));
  const proof = change.proof ?? (await sign(world, proofIntent));
  const body = new URLSearchParams({
    grant_type: change.grant ?? 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  });
  const request = new Request(`${ISSUER}/token`, { method: 'POST', headers: { dpop: proof }, body });
  const response = await world.issuer.handle(request);
  return { status: response.status, body: (await response.json()) as Record<string, string> };
}

async function makePlainWorld(): Promise<World> {
  const world = await makeWorld();
  world.issuer.behaviour.nonceAt = [];
  return world;
}

test('an assertion and a proof that are right give a token, once', async () => {
  const world = await makePlainWorld();
  const assertion = await sign(world, assertionIntent);
  const proof = await sign(world, proofIntent);
  expect((await ask(world, { assertion, proof })).status).toBe(200);
  expect((await ask(world, { assertion })).body['error']).toBe('invalid_client');
  expect((await ask(world, { proof })).body['error']).toBe('invalid_dpop_proof');
  expect((await ask(world, { grant: 'password' })).body['error']).toBe('unsupported_grant_type');
});

test('the assertion is used up even where a nonce is demanded', async () => {
  const world = await makeWorld();
  const assertion = await sign(world, assertionIntent);
  expect((await ask(world, { assertion })).body['error']).toBe('use_dpop_nonce');
  expect((await ask(world, { assertion })).body['error']).toBe('invalid_client');
});

const NOW = 1_790_000_000;
test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
  ['typ JWT', {}, { typ: 'JWT' }],
  ['an unknown kid', {}, { kid: 'other' }],
  ['exp 11 s ahead', { exp: NOW + 11 }, {}],
  ['a past exp', { exp: NOW - 1 }, {}],
  ['the token endpoint as aud', { aud: `${ISSUER}/token` }, {}],
  ['aud as an array', { aud: [ISSUER] }, {}],
  ['another sub', { sub: 'other' }, {}],
  ['no jti', { jti: undefined }, {}],
  ['no nbf', { nbf: undefined }, {}],
])('an assertion with %s is refused', async (_name, claims, header) => {
  const world = await makePlainWorld();
  const key = generateKey('ES256');
  const described = describePublicKey(key, 'ES256');
  world.issuer.register(described);
  const right = {
    iss: CLIENT_ID,
    sub: CLIENT_ID,
    aud: ISSUER,
    jti: 'forged-1',
    iat: NOW,
    nbf: NOW,
    exp: NOW + 8,
  };
  const rightHeader = { alg: 'ES256', typ: 'client-authentication+jwt', kid: described.thumbprint };
  const forge = (claimed: Record<string, unknown>, headed: Record<string, unknown>) =>
    new SignJWT(JSON.parse(JSON.stringify({ ...right, ...claimed })))
      .setProtectedHeader({ ...rightHeader, ...headed })
      .sign(key);
  expect((await ask(world, { assertion: await forge(claims, header) })).body['error']).toBe('invalid_client');
  expect((await ask(world, { assertion: await forge({}, {}) })).status).toBe(200);
});

test('an assertion whose signature is another key’s is refused', async () => {
  const world = await makePlainWorld();
  const [header, payload] = (await sign(world, assertionIntent)).split('.');
  const [, , signature] = (await sign(world, assertionIntent)).split('.');
  const { body } = await ask(world, { assertion: `${header}.${payload}.${signature}` });
  expect(body['error']).toBe('invalid_client');
});

test('a nonce that was not given, or has expired, is not taken', async () => {
  const world = await makePlainWorld();
  const proof = await sign(world, { ...proofIntent, nonce: 'mine' });
  expect((await ask(world, { proof })).body['error']).toBe('use_dpop_nonce');
});

test('the API takes its token with a proof for exactly this call, once', async () => {
  const world = await makePlainWorld();
  const { body } = await ask(world);
  const token = body['access_token'] ?? '';
  const ath = createHash('sha256').update(token).digest('base64url');
  const kid = (await world.signer.sign([proofIntent]))[0]?.kid ?? '';
  const intent: ProofIntent = { ...proofIntent, method: 'GET', url: `${API}/x`, ath, kid };
  const call = async (proof: string, authorization = `DPoP ${token}`) => {
    const headers = { authorization, dpop: proof };
    return (await world.api.handle(new Request(`${API}/x?q=1`, { headers }))).status;
  };
  const proof = await sign(world, intent);
  expect(await call(proof)).toBe(200);
  expect(await call(proof)).toBe(401);
  expect(await call(await sign(world, intent), `Bearer ${token}`)).toBe(401);
  expect(await call(await sign(world, { ...intent, url: `${API}/y` }))).toBe(401);
  expect(await call(await sign(world, { ...intent, method: 'POST' }))).toBe(401);
  const { ath: _, ...without } = intent;
  expect(await call(await sign(world, without))).toBe(401);
  const other = world.signer.addKey();
  expect(await call(await sign(world, { ...intent, kid: other.thumbprint }))).toBe(401);
  expect(await call(await sign(world, intent))).toBe(200);
  world.clock.now += 600_000;
  expect(await call(await sign(world, intent))).toBe(401);
});
