import type { Intent } from '@helseid-zones/protocol/intents';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { SEED_RECORD } from '@helseid-zones/protocol/record';
import { expect, test } from 'vitest';
import type { AdminClient } from '../../../functions/rotation/settings.ts';
import { openRotation } from '../../../functions/rotation/settings.ts';
import { createFakeKms } from '../../fakes/kms.ts';
import { createFakeSecrets, FAKE_SECRET_ARN } from '../../fakes/secrets.ts';

const CLIENT: AdminClient = {
  system: 'journal',
  zone: 'admin',
  client: 'journal',
  config: {
    clientId: 'id',
    issuer: 'https://issuer.test',
    tenancy: 'single-tenant',
    profile: helseIdProfile,
  },
  algorithm: 'ES256',
  everyDays: 60,
  longestTokenLifetime: 600,
  propagation: 20,
  secretArn: FAKE_SECRET_ARN,
  signerArn: 'arn:signer',
  policy: {},
  policyValues: { account: '111122223333', signingVpc: 'vpc-1' },
};

/** A rotation as the deployed functions open it, with `seconds` until its deadline, and a key that KMS knows in 10 s. */
async function open(seconds: number) {
  let time = 1000;
  const clock = {
    now: () => time,
    wait: async (duration: number) => {
      time += duration;
    },
  };
  const kms = createFakeKms(clock.now);
  const secrets = createFakeSecrets(SEED_RECORD, clock.now);
  kms.settling = 10;
  const signer = () => ({
    sign: async (asked: readonly Intent[]) => asked.map(() => ({ jws: 'a.b.c', kid: 'k', jkt: 'k' })),
  });
  const asked: string[] = [];
  const fetch = async (url: string) => {
    asked.push(url);
    return Response.json(
      url.endsWith('/openid-configuration')
        ? { issuer: CLIENT.config.issuer, token_endpoint: `${CLIENT.config.issuer}/token` }
        : { access_token: 't', token_type: 'DPoP', expires_in: 60 },
    );
  };
  const world = { kms, secrets, clock, signer, fetch, audit: () => {} };
  const rotation = openRotation(CLIENT, world, time + seconds);
  const { KeyMetadata } = await rotation.kms.createKey({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
  return { rotation, secrets, clock, asked, KeyId: KeyMetadata?.Arn };
}

test.each(['describeKey', 'getPublicKey', 'disableKey', 'enableKey', 'listResourceTags'] as const)(
  'rotation waits for %s of a key that KMS does not know yet; key-watch, which has no time, does not',
  async (call) => {
    const patient = await open(240);
    await patient.rotation.kms[call]({ KeyId: patient.KeyId });
    const hasty = await open(0);
    await expect(hasty.rotation.kms[call]({ KeyId: hasty.KeyId })).rejects.toThrow(
      expect.objectContaining({ name: 'NotFoundException' }),
    );
    expect(hasty.clock.now()).toBe(1000);
  },
);

test('another error of KMS is not waited for', async () => {
  const { rotation, clock } = await open(240);
  await expect(rotation.kms.createKey({ KeyUsage: 'SIGN_VERIFY' })).rejects.toThrow(
    expect.objectContaining({ name: 'ValidationException' }),
  );
  expect(clock.now()).toBe(1000);
});

test('the store waits for its own changes', async () => {
  const { rotation, secrets } = await open(240);
  secrets.settling = 5;
  const keyArn = 'arn:aws:kms:eu-north-1:111122223333:key/1';
  const key = { kid: 'k'.repeat(43), keyArn, algorithm: 'ES256' } as const;
  await rotation.store.change((record) => ({
    ...record,
    keys: [{ ...key, state: 'created', since: { created: 1 } }],
  }));
  expect((await rotation.store.read()).keys).toHaveLength(1);
});

test("the issuer's metadata is kept for a day of the clock, and then read again", async () => {
  const { rotation, clock, asked } = await open(240);
  const readings = async () => {
    await rotation.helseId.proveKey('k', 'ES256');
    return asked.filter((url) => url.endsWith('/openid-configuration')).length;
  };
  expect(await readings()).toBe(1);
  await clock.wait(23 * 3600);
  expect(await readings()).toBe(1);
  await clock.wait(2 * 3600);
  expect(await readings()).toBe(2);
});
