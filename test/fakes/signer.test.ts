import type { Algorithm } from '@helseid-zones/protocol/algorithms';
import { createLocalJWKSet, EmbeddedJWK, jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import { failure, ISSUER, makeWorld } from '../client/make-client.ts';

const assertion = { kind: 'client_assertion', client: 'journal', issuer: ISSUER } as const;
const proof = { kind: 'dpop_proof', client: 'journal', method: 'GET', url: 'https://api.test/x' } as const;

test.each<Algorithm>(['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'])(
  'it really signs %s',
  async (algorithm) => {
    const { signer, clock } = await makeWorld();
    const key = signer.addKey(algorithm);
    signer.switchTo(key.thumbprint);
    const [first, second] = await signer.sign([assertion, proof]);
    const options = { currentDate: new Date(clock.now), algorithms: [algorithm] };
    const keys = createLocalJWKSet({ keys: [{ ...key.jwk, kid: key.thumbprint }] });
    expect((await jwtVerify(first?.jws ?? '', keys, options)).payload.aud).toBe(ISSUER);
    expect((await jwtVerify(second?.jws ?? '', EmbeddedJWK, options)).payload['htm']).toBe('GET');
    expect(first).toMatchObject({ kid: key.thumbprint, jkt: key.thumbprint });
  },
);

test('it chooses keys as the real one does, and refuses what is malformed', async () => {
  const { signer } = await makeWorld();
  const current = (await signer.sign([assertion]))[0]?.kid ?? '';
  const newest = signer.addKey().thumbprint;
  const kids = (
    await signer.sign([{ ...assertion, key: 'newest' }, assertion, { ...proof, kid: newest }])
  ).map(({ kid }) => kid);
  expect(kids).toEqual([newest, current, newest]);
  signer.retire(newest);
  await failure(signer.sign([{ ...proof, kid: newest }]), 'key_not_usable');
  await failure(signer.sign([{ ...proof, kid: 'A'.repeat(43) }]), 'key_unknown');
  await failure(signer.sign([{ ...proof, ath: 'A'.repeat(43) }]), 'intent_malformed');
  signer.refuseNext('kms_throttled');
  await failure(signer.sign([proof]), 'kms_throttled');
  expect(await signer.sign([proof])).toHaveLength(1);
});
