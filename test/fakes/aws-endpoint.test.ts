import { createHash, verify } from 'node:crypto';
import { GetPublicKeyCommand, KMSClient, SignCommand } from '@aws-sdk/client-kms';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { expect, test } from 'vitest';
import { serveAws } from './aws-endpoint.ts';
import { createFakeKms } from './kms.ts';

test('the SDK’s own clients get signatures, public keys, secrets and errors from it', async () => {
  const kms = createFakeKms();
  const { arn, publicKey } = kms.addKey('ES256');
  const aws = await serveAws(kms, (id) => `text of ${id}`);
  const settings = {
    region: 'eu-north-1',
    endpoint: aws.url,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'example' },
    maxAttempts: 1,
  };
  const client = new KMSClient(settings);
  const message = Buffer.from('header.claims');
  const sign = new SignCommand({
    KeyId: arn,
    MessageType: 'DIGEST',
    SigningAlgorithm: 'ECDSA_SHA_256',
    Message: createHash('sha256').update(message).digest(),
  });
  const { Signature } = await client.send(sign);
  expect(verify('sha256', message, publicKey, Signature ?? message)).toBe(true);
  const { PublicKey } = await client.send(new GetPublicKeyCommand({ KeyId: arn }));
  expect(Buffer.from(PublicKey ?? [])).toEqual(publicKey.export({ format: 'der', type: 'spki' }));
  const secrets = new SecretsManagerClient(settings);
  expect(await secrets.send(new GetSecretValueCommand({ SecretId: 'a' }))).toMatchObject({
    SecretString: 'text of a',
  });
  kms.setState(arn, 'Disabled');
  await expect(client.send(sign)).rejects.toMatchObject({ name: 'DisabledException' });
  await aws.close();
});
