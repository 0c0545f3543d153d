import { createHash, createPublicKey } from 'node:crypto';
import {
  CancelKeyDeletionCommand,
  CreateKeyCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  GetKeyPolicyCommand,
  GetPublicKeyCommand,
  type KeySpec,
  KMSClient,
  ListKeysCommand,
  ListResourceTagsCommand,
  PutKeyPolicyCommand,
  ScheduleKeyDeletionCommand,
  SignCommand,
} from '@aws-sdk/client-kms';
import { ALGORITHMS, type AlgorithmEntry } from '@helseid-zones/protocol/algorithms';
import { CompactSign, compactVerify, exportJWK, importJWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryDocument } from '../../../local/app/state.ts';
import { openKeyStore, type StoredKey } from '../../../local/aws/kms/keys.ts';
import { createKms } from '../../../local/aws/kms/service.ts';
import { createRateLimit } from '../../../local/aws/rate-limit.ts';
import { jsonService } from '../../../local/aws/service.ts';
import { ACCOUNT, fakeClock, REGION, rulesOf, startAws } from './harness.ts';

const place = { account: ACCOUNT, region: REGION, now: Date.now };

async function startKms(options: Parameters<typeof startAws>[1] = {}, quota = 1000, now = Date.now) {
  const keys = openKeyStore(memoryDocument({ keys: [] as StoredKey[] }), place);
  const kms = createKms(keys, place, createRateLimit(quota, now));
  const aws = await startAws([jsonService(kms)], options);
  return { ...aws, client: new KMSClient(aws.config) };
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
  let kms: Awaited<ReturnType<typeof startKms>>;
  beforeAll(async () => {
    kms = await startKms();
  });
  afterAll(() => kms.close());

  const createKey = async (spec: KeySpec = 'ECC_NIST_P256') => {
    const made = await kms.client.send(new CreateKeyCommand({ KeySpec: spec, KeyUsage: 'SIGN_VERIFY' }));
    return made.KeyMetadata?.Arn ?? '';
  };

  it.each(Object.values(ALGORITHMS))(
    'signs $alg so that jose verifies it, as digest and raw',
    async (entry) => {
      const keyId = await createKey(entry.kmsKeySpec);
      const { PublicKey } = await kms.client.send(new GetPublicKeyCommand({ KeyId: keyId }));
      const publicKey = createPublicKey({ key: Buffer.from(PublicKey ?? []), format: 'der', type: 'spki' });
      const jwk = await exportJWK(publicKey);
      const input = `${encode({ alg: entry.alg })}.${encode({ hello: 'world' })}`;

      for (const MessageType of ['DIGEST', 'RAW'] as const) {
        const Message =
          MessageType === 'RAW' ? Buffer.from(input) : createHash(entry.hash).update(input).digest();
        const signed = await kms.client.send(
          new SignCommand({
            KeyId: keyId,
            Message,
            MessageType,
            SigningAlgorithm: entry.kmsSigningAlgorithm,
          }),
        );
        const jws = `${input}.${joseSignature(entry, signed.Signature).toString('base64url')}`;
        await expect(compactVerify(jws, await importJWK(jwk, entry.alg))).resolves.toBeDefined();
      }
    },
  );

  it('refuses a digest of the wrong length', async () => {
    const keyId = await createKey();
    const sign = kms.client.send(
      new SignCommand({
        KeyId: keyId,
        Message: Buffer.alloc(48),
        MessageType: 'DIGEST',
        SigningAlgorithm: 'ECDSA_SHA_256',
      }),
    );
    await expect(sign).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'Digest is invalid length for algorithm ECDSA_SHA_256.',
    });
  });

  it('refuses an algorithm of another key spec', async () => {
    const sign = signWith(kms.client, await createKey(), 'RSASSA_PSS_SHA_256');
    await expect(sign).rejects.toMatchObject({ name: 'InvalidKeyUsageException' });
  });

  it('answers for a key that does not exist', async () => {
    await expect(signWith(kms.client, 'nobody')).rejects.toMatchObject({
      name: 'NotFoundException',
      message: `Key 'arn:aws:kms:${REGION}:${ACCOUNT}:key/nobody' does not exist`,
      $metadata: { httpStatusCode: 400 },
    });
  });

  it('signs with an enabled key only, and a disabled one can come back', async () => {
    const KeyId = await createKey();
    await kms.client.send(new DisableKeyCommand({ KeyId }));
    await expect(signWith(kms.client, KeyId)).rejects.toMatchObject({ name: 'DisabledException' });
    await kms.client.send(new EnableKeyCommand({ KeyId }));
    await expect(signWith(kms.client, KeyId)).resolves.toBeDefined();
  });

  it('does not sign while deletion is pending, and again once that is cancelled', async () => {
    const KeyId = await createKey();
    await kms.client.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }));
    await expect(signWith(kms.client, KeyId)).rejects.toMatchObject({ name: 'KMSInvalidStateException' });
    await expect(kms.client.send(new EnableKeyCommand({ KeyId }))).rejects.toMatchObject({
      name: 'KMSInvalidStateException',
    });
    await kms.client.send(new CancelKeyDeletionCommand({ KeyId }));
    const { KeyMetadata } = await kms.client.send(new DescribeKeyCommand({ KeyId }));
    expect(KeyMetadata).toMatchObject({ KeyState: 'Disabled', Enabled: false });
  });

  it('keeps policy and tags of a key, and lists it', async () => {
    const Policy = policyFor(`arn:aws:iam::${ACCOUNT}:root`, 'kms:PutKeyPolicy');
    const made = await kms.client.send(
      new CreateKeyCommand({
        KeySpec: 'ECC_NIST_P256',
        KeyUsage: 'SIGN_VERIFY',
        Policy,
        Tags: [{ TagKey: 'a', TagValue: 'b' }],
      }),
    );
    const KeyId = made.KeyMetadata?.KeyId ?? '';
    expect((await kms.client.send(new GetKeyPolicyCommand({ KeyId }))).Policy).toBe(Policy);
    expect((await kms.client.send(new ListResourceTagsCommand({ KeyId }))).Tags).toEqual([
      { TagKey: 'a', TagValue: 'b' },
    ]);
    const { Keys } = await kms.client.send(new ListKeysCommand({ Limit: 1000 }));
    expect(Keys?.map((key) => key.KeyId)).toContain(KeyId);
  });

  it.each([
    ['nobody may put the policy', policyFor(`arn:aws:iam::${ACCOUNT}:root`, 'kms:DescribeKey')],
    ['only another account may', policyFor('arn:aws:iam::999999999999:root', 'kms:PutKeyPolicy')],
    ['no JSON', 'nonsense'],
  ])('refuses a key policy where %s', async (_, Policy) => {
    const KeyId = await createKey();
    const put = kms.client.send(new PutKeyPolicyCommand({ KeyId, Policy }));
    await expect(put).rejects.toMatchObject({ name: 'MalformedPolicyDocumentException' });
    const create = kms.client.send(
      new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY', Policy }),
    );
    await expect(create).rejects.toMatchObject({ name: 'MalformedPolicyDocumentException' });
  });

  it('says what it does not implement', async () => {
    const create = kms.client.send(
      new CreateKeyCommand({
        KeySpec: 'ECC_NIST_P256',
        KeyUsage: 'SIGN_VERIFY',
        CustomKeyStoreId: 'cks-1234',
      }),
    );
    await expect(create).rejects.toMatchObject({ name: 'NotImplementedException' });
  });
});

describe('the local KMS asks before it acts', () => {
  it('gives the policy engine what KMS knows of a Sign, and answers AccessDenied', async () => {
    const { authorize, asked } = rulesOf(({ action }) => action === 'kms:Sign');
    const kms = await startKms({ authorize, route: { vpce: 'vpce-1', vpc: 'vpc-1' } });
    const made = await kms.client.send(
      new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }),
    );
    const KeyId = made.KeyMetadata?.Arn ?? '';
    await expect(signWith(kms.client, KeyId)).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: `User: arn:aws:sts::${ACCOUNT}:assumed-role/tester/test is not authorized to perform: kms:Sign`,
    });
    const { context, resourcePolicy } = asked.at(-1) ?? { context: {} };
    expect(context).toMatchObject({
      'aws:PrincipalArn': `arn:aws:iam::${ACCOUNT}:role/tester`,
      'aws:SourceVpce': 'vpce-1',
      'aws:SourceVpc': 'vpc-1',
      'kms:CallerAccount': ACCOUNT,
      'kms:KeySpec': 'ECC_NIST_P256',
      'kms:MessageType': 'RAW',
      'kms:SigningAlgorithm': 'ECDSA_SHA_256',
    });
    expect(resourcePolicy).toHaveProperty('Statement');
    await kms.close();
  });

  it('gives it what binds CreateKey, and asks for TagResource too', async () => {
    const { authorize, asked } = rulesOf();
    const kms = await startKms({ authorize });
    await kms.client.send(
      new CreateKeyCommand({
        KeySpec: 'ECC_NIST_P256',
        KeyUsage: 'SIGN_VERIFY',
        Tags: [{ TagKey: 'a', TagValue: 'b' }],
      }),
    );
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
    await kms.close();
  });

  it('throttles above its quota, and not a second later', async () => {
    const clock = fakeClock(Date.now());
    const kms = await startKms({}, 2, clock.now);
    const made = await kms.client.send(
      new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }),
    );
    const KeyId = made.KeyMetadata?.Arn ?? '';
    await signWith(kms.client, KeyId);
    await signWith(kms.client, KeyId);
    await expect(signWith(kms.client, KeyId)).rejects.toMatchObject({ name: 'ThrottlingException' });
    clock.advance(1000);
    await expect(signWith(kms.client, KeyId)).resolves.toBeDefined();
    await kms.close();
  });
});

it('the check of this test can fail: jose refuses a tampered signature', async () => {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(
    { name: 'ECDSA', namedCurve: 'P-256' },
    true,
    ['sign', 'verify'],
  );
  const jws = await new CompactSign(Buffer.from('x')).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
  await expect(compactVerify(`${jws.slice(0, -6)}AAAAAA`, publicKey)).rejects.toThrow();
});

function signWith(
  client: KMSClient,
  KeyId: string,
  SigningAlgorithm: 'ECDSA_SHA_256' | 'RSASSA_PSS_SHA_256' = 'ECDSA_SHA_256',
) {
  return client.send(new SignCommand({ KeyId, Message: Buffer.from('message'), SigningAlgorithm }));
}

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
