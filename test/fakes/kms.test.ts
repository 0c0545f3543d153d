import { createHash, verify } from 'node:crypto';
import { GetPublicKeyCommand, SignCommand } from '@aws-sdk/client-kms';
import { ALGORITHMS, type Algorithm } from '@helseid-zones/protocol/algorithms';
import { readPublicKey } from '@helseid-zones/protocol/jwk';
import { expect, test } from 'vitest';
import { createFakeKms } from './kms.ts';

const message = Buffer.from('header.claims');

const signCommand = (KeyId: string, algorithm: Algorithm, changes = {}) =>
  new SignCommand({
    KeyId,
    MessageType: 'DIGEST',
    SigningAlgorithm: ALGORITHMS[algorithm].kmsSigningAlgorithm,
    Message: createHash(ALGORITHMS[algorithm].hash).update(message).digest(),
    ...changes,
  });

test.each(Object.keys(ALGORITHMS) as Algorithm[])(
  '%s: a signature of a digest that node verifies',
  async (algorithm) => {
    const kms = createFakeKms();
    const { arn, publicKey } = kms.addKey(algorithm);
    const { Signature } = await kms.send(signCommand(arn, algorithm));
    const padding = ALGORITHMS[algorithm].kty === 'RSA' ? { padding: 6, saltLength: -1 } : {};
    expect(
      verify(ALGORITHMS[algorithm].hash, message, { key: publicKey, ...padding }, Signature ?? message),
    ).toBe(true);
    expect(
      verify(
        ALGORITHMS[algorithm].hash,
        Buffer.from('x'),
        { key: publicKey, ...padding },
        Signature ?? message,
      ),
    ).toBe(false);
  },
);

test('GetPublicKey answers the SubjectPublicKeyInfo of the key', async () => {
  const kms = createFakeKms();
  const { arn, kid } = kms.addKey('ES384');
  const { PublicKey } = await kms.send(new GetPublicKeyCommand({ KeyId: arn }));
  expect(readPublicKey(PublicKey ?? new Uint8Array(), 'ES384').thumbprint).toBe(kid);
});

test.each([
  ['Disabled', 'DisabledException'],
  ['PendingDeletion', 'KMSInvalidStateException'],
] as const)('a key that is %s answers %s', async (state, name) => {
  const kms = createFakeKms();
  const { arn } = kms.addKey('ES256');
  kms.setState(arn, state);
  await expect(kms.send(signCommand(arn, 'ES256'))).rejects.toMatchObject({ name });
  await expect(kms.send(new GetPublicKeyCommand({ KeyId: arn }))).rejects.toMatchObject({ name });
  kms.setState(arn, 'Enabled');
  await expect(kms.send(signCommand(arn, 'ES256'))).resolves.toBeDefined();
});

test.each([
  ['an unknown key', { KeyId: 'arn:aws:kms:eu-north-1:111122223333:key/none' }, 'NotFoundException'],
  ['a whole message', { MessageType: 'RAW' as const }, 'ValidationException'],
  ['a digest of another length', { Message: Buffer.alloc(20) }, 'ValidationException'],
  [
    'an algorithm of another curve',
    { SigningAlgorithm: 'ECDSA_SHA_384' as const, Message: Buffer.alloc(48) },
    'InvalidKeyUsageException',
  ],
])('refused as AWS does: %s', async (_name, changes, name) => {
  const kms = createFakeKms();
  const { arn } = kms.addKey('ES256');
  await expect(kms.send(signCommand(arn, 'ES256', changes))).rejects.toMatchObject({ name });
});

test('planned failures come once each, of their own operation, and every call is noted', async () => {
  const kms = createFakeKms();
  const { arn } = kms.addKey('ES256');
  kms.failNext('Sign', 'ThrottlingException');
  await kms.send(new GetPublicKeyCommand({ KeyId: arn }));
  await expect(kms.send(signCommand(arn, 'ES256'))).rejects.toMatchObject({ name: 'ThrottlingException' });
  await kms.send(signCommand(arn, 'ES256'));
  expect(kms.calls.map(({ operation }) => operation)).toEqual(['GetPublicKey', 'Sign', 'Sign']);
});
