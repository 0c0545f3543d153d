import { createIssuerKeys } from '@helseid-zones/client/issuer';
import { exportJWK, generateKeyPair } from 'jose';
import { expect, test } from 'vitest';
import { takeRsaPair } from '../fakes/kms.ts';
import { failure, makeWorld } from './make-client.ts';

const token = { payload: '', signature: '' };
/** A new key of an issuer's. */
const NEXT = await exportJWK(takeRsaPair().publicKey);
const unknown = { code: 'ERR_JWKS_NO_MATCHING_KEY' };

/** The keys of an issuer, as an authorizer finds them, and the issuer's own `kid`. */
async function makeKeys() {
  const world = await makeWorld();
  const find = createIssuerKeys(world.client.keys, { cooldown: 30_000 });
  const keyOf = (kid: string) => find({ alg: 'RS256', kid }, token);
  const ownKid = async () => {
    const [header = ''] = (await world.issuer.signLogoutToken()).split('.');
    return JSON.parse(Buffer.from(header, 'base64url').toString()).kid as string;
  };
  return { ...world, keyOf, ownKid };
}

test('keys are read again for a kid that is new, and not on every made-up one', async () => {
  const { keyOf, ownKid, issuer, clock } = await makeKeys();
  await keyOf(await ownKid());
  await issuer.rotateKey();
  const next = await ownKid();
  await expect(keyOf(next)).resolves.toBeTruthy();
  for (let n = 0; n < 20; n += 1) await expect(keyOf(`made-up-${n}`)).rejects.toMatchObject(unknown);
  expect(issuer.keysRead).toBe(2);
  await issuer.rotateKey();
  clock.now += 30_000;
  await expect(keyOf(await ownKid())).resolves.toBeTruthy();
  await expect(keyOf(next)).rejects.toMatchObject(unknown);
  expect(issuer.keysRead).toBe(3);
});

test('keys that were read stay while they can’t be read again, until their hour is over', async () => {
  const { keyOf, ownKid, issuer, clock, network } = await makeKeys();
  const kid = await ownKid();
  await keyOf(kid);
  await issuer.rotateKey();
  const next = await ownKid();
  clock.now += 31_000;
  network.mount('https://sts.test', async () => new Response(null, { status: 503 }));
  const sent = network.sent.length;
  for (let n = 0; n < 20; n += 1) {
    // Nobody knows whether that one is right: no refusal.
    const error = await failure(
      Promise.resolve(keyOf(n === 0 ? next : `made-up-${n}`)),
      'issuer_unreachable',
    );
    expect(error.facts).toEqual({ status: 503 });
    await expect(keyOf(kid)).resolves.toBeTruthy();
  }
  expect(network.sent.length).toBe(sent + 1);
  clock.now += 30_000;
  network.mount('https://sts.test', issuer.handle);
  await expect(keyOf(next)).resolves.toBeTruthy();

  network.mount('https://sts.test', async () => new Response(null, { status: 503 }));
  clock.now += 3600_000;
  await failure(Promise.resolve(keyOf(next)), 'issuer_unreachable');
});

test.each<[string, (right: Record<string, unknown>) => unknown]>([
  ['a key that is an array', () => ({ keys: [[]] })],
  ['no keys', () => ({ keys: [] })],
  ['the same kid twice', (right) => ({ keys: [right, right] })],
  ['its kid twice, once without an algorithm', (right) => ({ keys: [right, { ...right, alg: undefined }] })],
  ['keys for encryption only', (right) => ({ keys: [{ ...right, use: 'enc' }] })],
  ['keys that verify nothing', (right) => ({ keys: [{ ...right, key_ops: ['encrypt'] }] })],
  ['a key that lacks its modulus', (right) => ({ keys: [{ ...right, n: undefined }] })],
  ['a key that is too short', (right) => ({ keys: [{ ...right, n: 'AQAB' }] })],
  ['a kid that is no text', (right) => ({ keys: [{ ...right, kid: 1 }] })],
  ['keys that are no list', (right) => ({ keys: { 0: right, length: 1 } })],
  ['null', () => null],
])('a set with %s never replaces one that can be used', async (_name, change) => {
  const { keyOf, ownKid, issuer, clock, network } = await makeKeys();
  const kid = await ownKid();
  await keyOf(kid);
  const [right] = ((await (await network.fetch(`${issuer.issuer}/jwks`)).json()) as { keys: [object] }).keys;
  const served = { body: change({ ...right }) };
  network.mount('https://sts.test', async (request) =>
    request.url.endsWith('/jwks') ? Response.json(served.body) : issuer.handle(request),
  );
  clock.now += 30_000;
  const error = await failure(Promise.resolve(keyOf('made-up')), 'metadata_invalid');
  expect(error.facts).toEqual({ status: 200 });
  await expect(keyOf(kid)).resolves.toBeTruthy();
  // Soon after, the issuer has mended it, with a new key.
  served.body = { keys: [{ ...NEXT, kid: 'next' }] };
  clock.now += 30_000;
  await expect(keyOf('next')).resolves.toBeTruthy();
});

test('of a set those keys count that verify signatures; type and algorithm tell apart what a kid does not', async () => {
  const { keyOf, ownKid, issuer } = await makeKeys();
  const kid = await ownKid();
  const { publicKey: curve } = await generateKeyPair('ES256');
  const jwk = await exportJWK(takeRsaPair().publicKey);
  const unusable = [{ kty: 'unheard-of', kid }, { ...jwk, kid, alg: 'RSA-OAEP', use: 'enc' }, 'x', null];
  issuer.otherKeys = [
    ...(unusable as (typeof jwk)[]),
    { ...jwk, kid, alg: 'PS256', key_ops: ['verify', 'verify'] },
    { ...(await exportJWK(curve)), kid },
  ];
  await expect(keyOf(kid)).resolves.toBeTruthy();
});
