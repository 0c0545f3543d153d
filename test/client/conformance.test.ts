import { createPublicKey, KeyObject } from 'node:crypto';
import { type MakeSigner, type SignerSetup, signerCases } from '@helseid-zones/client/conformance';
import { SIGNED } from '@helseid-zones/client/conformance-cases';
import {
  createMemorySigner,
  createSigner,
  type HeldKey,
  type MemoryKey,
  type SignDigest,
} from '@helseid-zones/client/create-signer';
import { ALGORITHM_NAMES, ALGORITHMS, type Algorithm } from '@helseid-zones/protocol/algorithms';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { Signer } from '@helseid-zones/protocol/intents';
import { derToJose } from '@helseid-zones/protocol/signature';
import { CompactSign, calculateJwkThumbprint, exportJWK } from 'jose';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Kms } from '../../functions/signer/kms.ts';
import { createKeyReader } from '../../functions/signer/kms.ts';
import { createRecordReader } from '../../functions/signer/read-record.ts';
import { createSignRequest } from '../../functions/signer/sign-request.ts';
import { createFakeKms, generateKey } from '../fakes/kms.ts';
import { sampled } from '../full.ts';
import { GOLDEN_INTENTS, GOLDEN_SUBJECT } from '../golden/intents.ts';
import { failure } from './make-client.ts';

/** Two keys in a KMS, and what signs a digest there. */
function makeHsm(algorithm: Algorithm) {
  const kms = createFakeKms();
  const held = [kms.addKey(algorithm), kms.addKey(algorithm)] as const;
  const sign: SignDigest = async (digest, alg, { kid }) => {
    const { SignCommand } = await import('@aws-sdk/client-kms');
    const KeyId = held.find((key) => key.kid === kid)?.arn;
    const SigningAlgorithm = ALGORITHMS[alg].kmsSigningAlgorithm;
    const command = new SignCommand({ KeyId, MessageType: 'DIGEST', SigningAlgorithm, Message: digest });
    return { signature: (await kms.send(command)).Signature ?? new Uint8Array(), format: 'der' };
  };
  return { kms, held, keys: held as readonly [HeldKey, HeldKey], sign };
}

/** The signing function, whose KMS signs through the setup. */
function kmsSigner(algorithm: Algorithm): MakeSigner {
  const { kms, held, keys, sign } = makeHsm(algorithm);
  return (setup: SignerSetup) => {
    const through = setup.through(sign);
    const kid = (arn: unknown) => held.find((key) => key.arn === arn)?.kid ?? '';
    const port = {
      async send(command: { input: { KeyId?: string; Message?: Uint8Array } }) {
        const { KeyId, Message } = command.input;
        if (!Message) return kms.send(command as Parameters<Kms['send']>[0] as never);
        const context = { kid: kid(KeyId), signal: AbortSignal.timeout(5000) };
        return { $metadata: {}, Signature: (await through(Message, algorithm, context)).signature };
      },
    } as unknown as Kms;
    const states = ['current', 'registered'] as const;
    const { subject, now } = setup.for;
    const since = [{ registered: 1, current: 1 }, { registered: 2 }];
    const record = {
      version: 1,
      client: subject.client,
      clientId: subject.clientId,
      issuer: subject.issuer,
      keys: held.map(({ arn: keyArn, kid }, index) => ({
        kid,
        keyArn,
        algorithm,
        state: states[index],
        since: since[index],
      })),
    };
    let ids = 0;
    const signRequest = createSignRequest({
      grant: setup.for.grant,
      kms: port,
      readKey: createKeyReader(port),
      now,
      readRecord: createRecordReader(async () => JSON.stringify(record), subject, now),
      randomId: () => `id-of-at-least-twenty-${++ids}`,
      audit: () => ({ recordSigned: () => {}, recordRefused: () => {} }),
    });
    const signer: Signer = {
      async sign(intents) {
        const answer = await signRequest(JSON.parse(JSON.stringify({ intents })), 'r');
        if ('signatures' in answer) return answer.signatures;
        throw new ZonesError(answer.error.code as 'config_invalid', answer.error.message);
      },
    };
    return { signer, keys };
  };
}

function ownSigner(algorithm: Algorithm, format: 'der' | 'jose'): MakeSigner {
  const { keys, sign } = makeHsm(algorithm);
  const { kty, signatureBytes } = ALGORITHMS[algorithm];
  const signAs: SignDigest = async (...asked) => {
    const { signature } = await sign(...asked);
    const asJose = kty === 'EC' && format === 'jose';
    return { signature: asJose ? derToJose(signature, signatureBytes) : signature, format };
  };
  return (setup) => ({ signer: createSigner({ ...setup.for, keys, sign: setup.through(signAs) }), keys });
}

/** Its key is in memory, where nothing that holds it can fail. */
const IN_MEMORY = /^(?!.*(?:holds the key|one encoding|five seconds))/;

function memorySigner(algorithm: Algorithm): MakeSigner {
  const make = () => ({ privateKey: generateKey(algorithm), algorithm });
  const keys: [MemoryKey, MemoryKey] = [make(), make()];
  return (setup) => ({
    signer: createMemorySigner({ ...setup.for, keys }),
    keys: keys.map(({ privateKey }) => ({ publicKey: createPublicKey(privateKey), algorithm })),
  });
}

/** The whole kit of each way of signing, in another algorithm or encoding now and then. */
const SIGNERS: readonly [name: string, make: MakeSigner, which?: RegExp][] = [
  ['the signing function with KMS, ES256', kmsSigner('ES256')],
  ['the signing function with KMS, PS256', kmsSigner('PS256')],
  ['createSigner, ES512, DER', ownSigner('ES512', 'der')],
  ['createSigner, ES256, DER', ownSigner('ES256', 'der')],
  ['createMemorySigner, ES256', memorySigner('ES256'), IN_MEMORY],
  ['createSigner, ES384, JOSE', ownSigner('ES384', 'jose')],
];

describe.each(sampled(SIGNERS, 2))('%s', (_name, make, which = /^/) => {
  const cases = signerCases(make).filter(({ name }) => which.test(name));
  expect(cases.length).toBeGreaterThanOrEqual(40);
  test.each(cases)('$name', ({ run }) => run());
});

describe.each(ALGORITHM_NAMES)('%s', (algorithm) => {
  const cases = [kmsSigner, memorySigner].flatMap((of) => signerCases(of(algorithm)));
  test.each(cases.filter(({ name }) => name.startsWith('signs: ')))('$name', ({ run }) => run());
});

describe('the kit finds a signer that', () => {
  type Part = Record<string, unknown>;
  /** May return what signs instead. */
  type Tamper = (part: { claims: Part; header: Part }) => unknown;

  /** A signer that is right, but for what it signs in the end. */
  function tampering(tamper: Tamper): MakeSigner {
    const keys = [generateKey('ES256'), generateKey('ES256')].map((privateKey) => ({
      privateKey,
      publicKey: createPublicKey(privateKey),
      algorithm: 'ES256' as const,
    }));
    const [current, newest] = keys as [(typeof keys)[number], (typeof keys)[number]];
    const sign = async (signer: Signer, intents: Parameters<Signer['sign']>[0]) => {
      const kids = await Promise.all(
        keys.map(async ({ publicKey }) => calculateJwkThumbprint(await exportJWK(publicKey))),
      );
      const changed = (await signer.sign(intents)).map(async (signature) => {
        const [header, claims] = signature.jws
          .split('.', 2)
          .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));
        const other = tamper({ claims, header });
        const right = keys[kids.indexOf(signature.kid)]?.privateKey ?? current.privateKey;
        const key = other instanceof KeyObject ? other : right;
        const payload = Buffer.from(JSON.stringify(claims));
        return { ...signature, jws: await new CompactSign(payload).setProtectedHeader(header).sign(key) };
      });
      return Promise.all(changed);
    };
    return (setup) => {
      const signer = createMemorySigner({ ...setup.for, keys: [current, newest] });
      return { signer: { sign: (intents) => sign(signer, intents) }, keys };
    };
  }

  const signs = (name: string, tamper: Tamper) =>
    signerCases(tampering(tamper)).find((each) => each.name === `signs: ${name}`) ?? expect.fail(name);

  /** Another value of the same type. */
  function another(value: unknown): unknown {
    if (typeof value === 'string') return `${value}x`;
    if (typeof value === 'number') return value + 1;
    return Array.isArray(value) ? [...value, 'x'] : { ...Object(value), x: 1 };
  }

  test.each(SIGNED.map(([name]) => name))('changes nothing to be right: %s', async (name) => {
    await signs(name, () => {}).run();
  });

  const claims = SIGNED.flatMap(([name, , expected]) => Object.keys(expected).map((claim) => [name, claim]));
  test.each(claims as [string, string][])('changes or omits, for %s, the claim %s', async (name, claim) => {
    const change = signs(name, (part) => {
      part.claims[claim] = another(part.claims[claim]);
    });
    await expect(change.run()).rejects.toMatchObject({ name: 'AssertionError' });
    const omit = signs(name, (part) => {
      delete part.claims[claim];
    });
    await expect(omit.run()).rejects.toMatchObject({ name: 'AssertionError' });
  });

  test.each<[string, Tamper, string?]>([
    ['has a claim more', ({ claims: of }) => Object.assign(of, { scope: 'all' })],
    ['has no jti', ({ claims: of }) => delete of['jti']],
    ['has a jti that can be guessed', ({ claims: of }) => Object.assign(of, { jti: '17' })],
    ['has another typ', ({ header }) => Object.assign(header, { typ: 'JWT' })],
    ['has a member more in its header', ({ header }) => Object.assign(header, { x5t: 'x' })],
    ['is signed by another key', () => generateKey('ES256'), 'JWSSignatureVerificationFailed'],
  ])('%s, of every kind', async (_, tamper, name = 'AssertionError') => {
    for (const [of] of SIGNED) await expect(signs(of, tamper).run(), of).rejects.toMatchObject({ name });
  });
});

describe('createSigner', () => {
  const { keys } = makeHsm('ES256');
  const setup = { client: 'journal', subject: GOLDEN_SUBJECT, keys };

  test('gives up after five seconds on what never answers', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const signals: AbortSignal[] = [];
    const signer = createSigner({
      ...setup,
      sign: (_digest, _algorithm, { signal }) => {
        signals.push(signal);
        return new Promise(() => {});
      },
    });
    const failed = failure(signer.sign([GOLDEN_INTENTS.assertion]), 'signature_late');
    await vi.advanceTimersByTimeAsync(5000);
    await failed;
    expect(signals[0]?.aborted).toBe(true);
  });

  test('keeps what was thrown as the cause, and a coded error as it is', async () => {
    const thrown = new Error('session closed');
    const signer = (error: Error) => createSigner({ ...setup, sign: () => Promise.reject(error) });
    const error = await failure(signer(thrown).sign([GOLDEN_INTENTS.assertion]), 'kms_unavailable');
    expect(error.cause).toBe(thrown);
    const coded = new ZonesError('key_not_usable', 'The slot is empty.');
    await failure(signer(coded).sign([GOLDEN_INTENTS.assertion]), 'key_not_usable');
  });
});
