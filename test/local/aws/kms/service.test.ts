import { createHash, createPublicKey } from 'node:crypto';
import {
  CreateKeyCommand,
  type CreateKeyCommandInput,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  GetKeyPolicyCommand,
  GetPublicKeyCommand,
  KMSClient,
  ListKeysCommand,
  ListResourceTagsCommand,
  PutKeyPolicyCommand,
  ScheduleKeyDeletionCommand,
  SignCommand,
  type SigningAlgorithmSpec,
} from '@aws-sdk/client-kms';
import { ALGORITHMS, type AlgorithmEntry } from '@helseid-zones/protocol/algorithms';
import { compactVerify, exportJWK, importJWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { startKms } from '../../../../local/aws/kms/service.ts';
import { sampled } from '../../../full.ts';
import { ACCOUNT, named, REGION, rulesOf, startAws } from '../harness.ts';

async function start(options: Parameters<typeof startAws>[1] = {}) {
  const aws = await startAws((context) => startKms(context), options);
  const client = new KMSClient(aws.config);
  const create = async (input: Partial<CreateKeyCommandInput> = {}) => {
    const key = { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY', ...input } as const;
    return (await client.send(new CreateKeyCommand(key))).KeyMetadata?.Arn ?? '';
  };
  const sign = (KeyId: string, SigningAlgorithm: SigningAlgorithmSpec = 'ECDSA_SHA_256') =>
    client.send(new SignCommand({ KeyId, Message: Buffer.from('message'), SigningAlgorithm }));
  return { client, create, sign };
}

/** DER of an ECDSA signature as r||s: node verifies DER, jose wants this. */
function toJose(der: Buffer, bytes: number): Buffer {
  let offset = (der[1] ?? 0) & 0x80 ? 3 : 2;
  const part = () => {
    const length = der[offset + 1] ?? 0;
    const value = der.subarray(offset + 2, offset + 2 + length);
    offset += 2 + length;
    const trimmed = value.subarray(Math.max(0, value.length - bytes / 2));
    return Buffer.concat([Buffer.alloc(bytes / 2 - trimmed.length), trimmed]);
  };
  return Buffer.concat([part(), part()]);
}

describe('the local KMS', () => {
  it.each(sampled(Object.values(ALGORITHMS), 3))(
    'signs $alg so that jose verifies it, as digest and raw',
    async (entry) => {
      const { client, create } = await start();
      const keyId = await create({ KeySpec: entry.kmsKeySpec });
      const { PublicKey } = await client.send(new GetPublicKeyCommand({ KeyId: keyId }));
      const publicKey = createPublicKey({ key: Buffer.from(PublicKey ?? []), format: 'der', type: 'spki' });
      const jwk = await exportJWK(publicKey);
      const input = `${encode({ alg: entry.alg })}.${encode({ hello: 'world' })}`;

      for (const MessageType of ['DIGEST', 'RAW'] as const) {
        const Message =
          MessageType === 'RAW' ? Buffer.from(input) : createHash(entry.hash).update(input).digest();
        const signed = await client.send(
          new SignCommand({
            KeyId: keyId,
            Message,
            MessageType,
            SigningAlgorithm: entry.kmsSigningAlgorithm,
          }),
        );
        const jws = `${input}.${joseSignature(entry, signed.Signature).toString('base64url')}`;
        const key = await importJWK(jwk, entry.alg);
        await expect(compactVerify(jws, key)).resolves.toBeDefined();
        await expect(compactVerify(`${jws.slice(0, -6)}AAAAAA`, key)).rejects.toThrow(
          'signature verification failed',
        );
      }
    },
  );

  it('refuses a digest of the wrong length', async () => {
    const { client, create } = await start();
    const digest = {
      Message: Buffer.alloc(48),
      MessageType: 'DIGEST',
      SigningAlgorithm: 'ECDSA_SHA_256',
    } as const;
    const sign = client.send(new SignCommand({ KeyId: await create(), ...digest }));
    await expect(sign).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'Digest is invalid length for algorithm ECDSA_SHA_256.',
    });
  });

  it('refuses an algorithm of another key spec', async () => {
    const { create, sign } = await start();
    const signed = sign(await create(), 'RSASSA_PSS_SHA_256');
    await expect(signed).rejects.toThrow(named('InvalidKeyUsageException'));
  });

  it('answers for a key that does not exist', async () => {
    const { sign } = await start();
    await expect(sign('nobody')).rejects.toMatchObject({
      name: 'NotFoundException',
      message: `Key 'arn:aws:kms:${REGION}:${ACCOUNT}:key/nobody' does not exist`,
      $metadata: { httpStatusCode: 400 },
    });
  });

  it('signs with an enabled key only, and a disabled one can come back', async () => {
    const { client, create, sign } = await start();
    const KeyId = await create();
    await client.send(new DisableKeyCommand({ KeyId }));
    await expect(sign(KeyId)).rejects.toThrow(named('DisabledException'));
    await client.send(new EnableKeyCommand({ KeyId }));
    await expect(sign(KeyId)).resolves.toBeDefined();
  });

  it('does not sign while deletion is pending', async () => {
    const { client, create, sign } = await start();
    const KeyId = await create();
    await client.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }));
    const refused = { name: 'KMSInvalidStateException' };
    await expect(sign(KeyId)).rejects.toMatchObject(refused);
    await expect(client.send(new EnableKeyCommand({ KeyId }))).rejects.toMatchObject(refused);
    const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId }));
    expect(KeyMetadata).toMatchObject({ KeyState: 'PendingDeletion', Enabled: false });
  });

  it('keeps policy and tags of a key, and lists it', async () => {
    const { client, create } = await start();
    const Policy = policyFor(`arn:aws:iam::${ACCOUNT}:root`, 'kms:PutKeyPolicy');
    const Tags = [{ TagKey: 'a', TagValue: 'b' }];
    const KeyId = await create({ Policy, Tags });
    expect((await client.send(new GetKeyPolicyCommand({ KeyId }))).Policy).toBe(Policy);
    expect((await client.send(new ListResourceTagsCommand({ KeyId }))).Tags).toEqual(Tags);
    const { Keys } = await client.send(new ListKeysCommand({ Limit: 1000 }));
    expect(Keys?.map((key) => key.KeyArn)).toContain(KeyId);
  });

  it.each([
    ['nobody may put the policy', policyFor(`arn:aws:iam::${ACCOUNT}:root`, 'kms:DescribeKey')],
    ['only another account may', policyFor('arn:aws:iam::999999999999:root', 'kms:PutKeyPolicy')],
    ['no JSON', 'nonsense'],
  ])('refuses a key policy where %s', async (_, Policy) => {
    const { client, create } = await start();
    const put = client.send(new PutKeyPolicyCommand({ KeyId: await create(), Policy }));
    await expect(put).rejects.toThrow(named('MalformedPolicyDocumentException'));
    await expect(create({ Policy })).rejects.toThrow(named('MalformedPolicyDocumentException'));
  });

  it.each([
    ['what it does not implement', { CustomKeyStoreId: 'cks-1234' }, 'NotImplementedException'],
    ['a key spec that there is not', { KeySpec: 'ECC_X' }, 'ValidationException'],
    ['a key that signs nothing', { KeySpec: 'SYMMETRIC_DEFAULT' }, 'ValidationException'],
    ['one for another use', { KeyUsage: 'ENCRYPT_DECRYPT' }, 'ValidationException'],
    ['an empty description', { Description: '' }, 'ValidationException'],
  ])('refuses %s', async (_, input, name) => {
    const { create } = await start();
    await expect(create(input as object)).rejects.toMatchObject({ name });
  });
});

describe('the local KMS asks before it acts', () => {
  it('gives the policy engine what KMS knows of a Sign, and answers AccessDenied', async () => {
    const { authorize, asked } = rulesOf(({ action }) => action === 'kms:Sign');
    const { create, sign } = await start({ authorize, route: { vpce: 'vpce-1', vpc: 'vpc-1' } });
    await expect(sign(await create())).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: `User: arn:aws:sts::${ACCOUNT}:assumed-role/tester/test is not authorized to perform: kms:Sign`,
    });
    const { context, resourcePolicy } = asked.at(-1) ?? { context: {} };
    expect(context).toMatchObject({
      'aws:SourceVpce': 'vpce-1',
      'aws:SourceVpc': 'vpc-1',
      'kms:KeySpec': 'ECC_NIST_P256',
      'kms:MessageType': 'RAW',
      'kms:SigningAlgorithm': 'ECDSA_SHA_256',
    });
    expect(resourcePolicy).toHaveProperty('Statement');
  });

  it('gives it what binds CreateKey, and asks for TagResource too', async () => {
    const { authorize, asked } = rulesOf();
    const { create } = await start({ authorize });
    await create({ Tags: [{ TagKey: 'a', TagValue: 'b' }] });
    expect(asked.map(({ action }) => action)).toEqual(['kms:CreateKey', 'kms:TagResource']);
    for (const { context } of asked) {
      expect(context).toMatchObject({
        'kms:KeySpec': 'ECC_NIST_P256',
        'kms:KeyUsage': 'SIGN_VERIFY',
        'kms:MultiRegion': 'false',
        'kms:BypassPolicyLockoutSafetyCheck': 'false',
        'aws:RequestTag/a': 'b',
        'aws:TagKeys': ['a'],
      });
      expect(context).not.toHaveProperty('aws:SourceVpce');
    }
  });
});

function joseSignature(entry: AlgorithmEntry, signature: Uint8Array | undefined): Buffer {
  const bytes = Buffer.from(signature ?? []);
  return entry.kty === 'EC' ? toJose(bytes, entry.signatureBytes) : bytes;
}

function policyFor(AWS: string, Action: string): string {
  const Statement = [{ Effect: 'Allow', Principal: { AWS }, Action, Resource: '*' }];
  return JSON.stringify({ Version: '2012-10-17', Statement });
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
