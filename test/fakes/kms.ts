import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
} from 'node:crypto';
import {
  DisabledException,
  GetPublicKeyCommand,
  type GetPublicKeyCommandOutput,
  InvalidKeyUsageException,
  KMSInvalidStateException,
  KMSServiceException,
  NotFoundException,
  type SignCommand,
  type SignCommandOutput,
} from '@aws-sdk/client-kms';
import { ALGORITHMS, type Algorithm } from '@helseid-zones/protocol/algorithms';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import type { Kms } from '../../functions/signer/kms.ts';
import { SIGNING_ALGORITHMS, signDigest } from '../../local/aws/kms/cryptography.ts';

/** A key in the fake, as tests refer to it. */
export interface FakeKey {
  arn: string;
  algorithm: Algorithm;
  kid: string;
  publicKey: KeyObject;
}

/** A KMS in this process: GetPublicKey and Sign with real keys, AWS's error names, and a list of the calls it got. */
export interface FakeKms extends Kms {
  calls: { operation: 'GetPublicKey' | 'Sign'; input: Record<string, unknown> }[];
  addKey(algorithm: Algorithm, privateKey?: KeyObject): FakeKey;
  setState(arn: string, state: 'Enabled' | 'Disabled' | 'PendingDeletion'): void;
  /** The next `times` calls of `operation` fail with this AWS error. */
  failNext(operation: 'GetPublicKey' | 'Sign', name: string, times?: number, httpStatusCode?: number): void;
  /** Called before each Sign is answered: lets a test move its clock, or hold the answer back. */
  beforeSign: (() => void | Promise<void>) | undefined;
}

interface StoredKey extends FakeKey {
  pem: string;
  state: 'Enabled' | 'Disabled' | 'PendingDeletion';
}

/** An error as the SDK throws it. */
export function awsError(name: string, httpStatusCode = 400): KMSServiceException {
  return new KMSServiceException({ name, $fault: 'client', message: name, $metadata: { httpStatusCode } });
}

export function createFakeKms(): FakeKms {
  const keys = new Map<string, StoredKey>();
  const failures: { operation: string; error: KMSServiceException }[] = [];

  const find = (arn: string | undefined): StoredKey => {
    const key = keys.get(arn ?? '');
    const error = { message: `Key '${arn}'`, $metadata: { httpStatusCode: 400 } };
    if (!key) throw new NotFoundException(error);
    if (key.state === 'Disabled') throw new DisabledException(error);
    if (key.state === 'PendingDeletion') throw new KMSInvalidStateException(error);
    return key;
  };

  const getPublicKey = (input: GetPublicKeyCommand['input']): GetPublicKeyCommandOutput => ({
    $metadata: { httpStatusCode: 200 },
    PublicKey: find(input.KeyId).publicKey.export({ format: 'der', type: 'spki' }),
  });

  const sign = async (input: SignCommand['input']): Promise<SignCommandOutput> => {
    await fake.beforeSign?.();
    const { pem, algorithm } = find(input.KeyId);
    const named = SIGNING_ALGORITHMS.get(input.SigningAlgorithm ?? '');
    const digest = input.Message ?? new Uint8Array();
    if (input.MessageType !== 'DIGEST' || digest.length !== named?.digestBytes)
      throw awsError('ValidationException');
    if (
      ALGORITHMS[algorithm].kty === 'EC' &&
      ALGORITHMS[algorithm].kmsSigningAlgorithm !== input.SigningAlgorithm
    )
      throw new InvalidKeyUsageException({ message: 'incompatible', $metadata: { httpStatusCode: 400 } });
    return { $metadata: { httpStatusCode: 200 }, Signature: signDigest(named, digest, pem) };
  };

  async function send(command: SignCommand): Promise<SignCommandOutput>;
  async function send(command: GetPublicKeyCommand): Promise<GetPublicKeyCommandOutput>;
  async function send(
    command: SignCommand | GetPublicKeyCommand,
  ): Promise<SignCommandOutput | GetPublicKeyCommandOutput> {
    const operation = command instanceof GetPublicKeyCommand ? 'GetPublicKey' : 'Sign';
    fake.calls.push({ operation, input: { ...command.input } });
    const planned = failures.findIndex((failure) => failure.operation === operation);
    const [failure] = planned < 0 ? [] : failures.splice(planned, 1);
    if (failure) throw failure.error;
    return command instanceof GetPublicKeyCommand ? getPublicKey(command.input) : sign(command.input);
  }

  const fake: FakeKms = {
    calls: [],
    beforeSign: undefined,
    send,
    addKey(algorithm, privateKey = generateKey(algorithm)) {
      const arn = `arn:aws:kms:eu-north-1:111122223333:key/${randomUUID()}`;
      const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
      const publicKey = createPublicKey(createPrivateKey(pem));
      const key = { arn, algorithm, kid: describePublicKey(publicKey, algorithm).thumbprint, publicKey };
      keys.set(arn, { ...key, pem, state: 'Enabled' });
      return key;
    },
    setState(arn, state) {
      const key = keys.get(arn);
      if (key) key.state = state;
    },
    failNext(operation, name, times = 1, httpStatusCode = 400) {
      for (let count = 0; count < times; count += 1)
        failures.push({ operation, error: awsError(name, httpStatusCode) });
    },
  };
  return fake;
}

/** A new private key for an algorithm; RSA keys are 2048 bits here, because making larger ones is slow. */
export function generateKey(algorithm: Algorithm): KeyObject {
  const { kty, crv } = ALGORITHMS[algorithm];
  return kty === 'EC' && crv
    ? generateKeyPairSync('ec', { namedCurve: crv }).privateKey
    : generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
}
