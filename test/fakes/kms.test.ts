import { GetPublicKeyCommand, SignCommand } from '@aws-sdk/client-kms';
import { expect, test } from 'vitest';
import { createFakeKms } from './kms.ts';

test('planned failures come once each, of their own operation, and every call is noted', async () => {
  const kms = createFakeKms();
  const { arn } = kms.addKey('ES256');
  const digest = {
    MessageType: 'DIGEST',
    SigningAlgorithm: 'ECDSA_SHA_256',
    Message: Buffer.alloc(32),
  } as const;
  const sign = new SignCommand({ KeyId: arn, ...digest });
  kms.failNext('Sign', 'ThrottlingException');
  await kms.send(new GetPublicKeyCommand({ KeyId: arn }));
  await expect(kms.send(sign)).rejects.toMatchObject({ name: 'ThrottlingException' });
  await kms.send(sign);
  expect(kms.calls.map(({ operation }) => operation)).toEqual(['GetPublicKey', 'Sign', 'Sign']);
});
