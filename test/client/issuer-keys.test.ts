import { createIssuerKeys } from '@helseid-zones/client/issuer-keys';
import { expect, test } from 'vitest';
import { failure, makeWorld } from './make-client.ts';

const token = { payload: '', signature: '' };
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
