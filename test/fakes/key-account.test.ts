import { createHash, createPublicKey, verify } from 'node:crypto';
import { GetPublicKeyCommand, SignCommand } from '@aws-sdk/client-kms';
import { expect, test } from 'vitest';
import { createFakeKeyAccount, type FakeKeyAccount } from './key-account.ts';

const refusal = (name: string) => expect.objectContaining({ name });
const message = Buffer.from('message');
const digest = createHash('sha256').update(message).digest();

async function makeKey(account: FakeKeyAccount, KeySpec: 'ECC_NIST_P256' | 'RSA_3072' = 'ECC_NIST_P256') {
  const { KeyMetadata } = await account.createKey({
    KeySpec,
    KeyUsage: 'SIGN_VERIFY',
    Policy: '{}',
    Tags: [{ TagKey: 'a', TagValue: 'b' }],
  });
  return KeyMetadata?.Arn ?? '';
}

test.each([
  ['ECC_NIST_P256', 'ECDSA_SHA_256', {}],
  ['RSA_3072', 'RSASSA_PSS_SHA_256', { padding: 6, saltLength: 32 }],
] as const)('%s really signs, differently for each message', async (spec, SigningAlgorithm, options) => {
  const account = createFakeKeyAccount();
  const KeyId = await makeKey(account, spec);
  const { PublicKey = new Uint8Array() } = await account.signing.send(new GetPublicKeyCommand({ KeyId }));
  const key = createPublicKey({ key: Buffer.from(PublicKey), format: 'der', type: 'spki' });
  for (const text of ['message', 'another', 'third']) {
    const Message = createHash('sha256').update(text).digest();
    const { Signature = new Uint8Array() } = await account.signing.send(
      new SignCommand({ KeyId, Message, MessageType: 'DIGEST', SigningAlgorithm }),
    );
    expect(verify('sha256', Buffer.from(text), { key, ...options }, Signature)).toBe(true);
    expect(verify('sha256', Buffer.from('x'), { key, ...options }, Signature)).toBe(false);
  }
});

test('a disabled key comes back, one that is being deleted does not', async () => {
  const account = createFakeKeyAccount();
  const KeyId = await makeKey(account);
  const sign = () =>
    account.signing.send(
      new SignCommand({ KeyId, Message: digest, MessageType: 'DIGEST', SigningAlgorithm: 'ECDSA_SHA_256' }),
    );
  await account.disableKey({ KeyId });
  await expect(sign()).rejects.toThrow(refusal('DisabledException'));
  await account.enableKey({ KeyId });
  await expect(sign()).resolves.toBeDefined();
  const key = account.keys.get(KeyId);
  if (key) key.state = 'PendingDeletion';
  await expect(account.enableKey({ KeyId })).rejects.toThrow(refusal('KMSInvalidStateException'));
  await expect(sign()).rejects.toThrow(refusal('KMSInvalidStateException'));
});

test('keys are listed in pages, with their tags, unless these may not be read', async () => {
  const account = createFakeKeyAccount();
  const arns = [await makeKey(account), await makeKey(account), await makeKey(account)];
  const first = await account.listKeys({});
  const second = await account.listKeys({ Marker: first.NextMarker });
  expect([...(first.Keys ?? []), ...(second.Keys ?? [])].map(({ KeyArn }) => KeyArn)).toEqual(arns);
  const [KeyId = ''] = arns;
  expect((await account.listResourceTags({ KeyId })).Tags).toEqual([{ TagKey: 'a', TagValue: 'b' }]);
  account.foreign.add(KeyId);
  await expect(account.listResourceTags({ KeyId })).rejects.toThrow(refusal('AccessDeniedException'));
});

test('a planned failure happens once', async () => {
  const account = createFakeKeyAccount();
  account.failNext('createKey', 'ThrottlingException');
  await expect(makeKey(account)).rejects.toThrow(refusal('ThrottlingException'));
  await expect(makeKey(account)).resolves.toContain('arn:');
});
