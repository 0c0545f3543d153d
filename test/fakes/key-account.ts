import { createPublicKey, type KeyObject, randomUUID } from 'node:crypto';
import {
  GetPublicKeyCommand,
  type GetPublicKeyCommandOutput,
  type SignCommand,
  type SignCommandOutput,
  type Tag,
} from '@aws-sdk/client-kms';
import { ALGORITHMS, type Algorithm } from '@helseid-zones/protocol/algorithms';
import type { KmsPort } from '../../functions/common/key-ports.ts';
import type { Kms } from '../../functions/signer/kms.ts';
import { SIGNING_ALGORITHMS, signDigest } from '../../local/aws/kms/cryptography.ts';
import { awsError, generateKey } from './kms.ts';
import { createQuickSigner } from './quick-ecdsa.ts';

type KeyState = 'Enabled' | 'Disabled' | 'PendingDeletion';

/** A key of the account. */
interface AccountKey {
  spec: string;
  policy: string;
  tags: readonly Tag[];
  state: KeyState;
  /** Epoch seconds. */
  made: number;
}

/** A KMS that makes, describes and disables keys, and signs with them: fast, for tests with very many signatures. */
export interface FakeKeyAccount extends KmsPort {
  /** What signers get. */
  signing: Kms;
  /** Every key by ARN. */
  keys: Map<string, AccountKey>;
  /** The next call of `operation` fails with this AWS error; signers' GetPublicKey is not counted. */
  failNext(operation: keyof KmsPort | 'sign', name: string): void;
  clearFailures(): void;
  /** What becomes of a policy on its way into a key. */
  bendPolicy: ((policy: string) => string) | undefined;
  /** ARNs of keys whose tags may not be read. */
  foreign: Set<string>;
  /** Seconds for which a new key is listed and not known otherwise: KMS is eventually consistent. */
  settling: number;
}

interface Material {
  publicDer: Uint8Array;
  sign: (algorithm: string, digest: Uint8Array) => Uint8Array;
}

/** Makes an account without keys. `now` is epoch seconds. */
export function createFakeKeyAccount(now: () => number = () => 0): FakeKeyAccount {
  const keys = new Map<string, AccountKey & Material>();
  const failures: { operation: string; name: string }[] = [];

  function begin(operation: string): void {
    const planned = failures.findIndex((failure) => failure.operation === operation);
    if (planned >= 0) throw awsError(failures.splice(planned, 1)[0]?.name ?? '');
  }

  function find(arn: string | undefined) {
    const key = keys.get(arn ?? '');
    if (key && now() >= key.made + fake.settling) return key;
    throw awsError('NotFoundException');
  }

  /** A key that may be used. */
  function use(arn: string | undefined) {
    const key = find(arn);
    if (key.state === 'Disabled') throw awsError('DisabledException');
    if (key.state !== 'Enabled') throw awsError('KMSInvalidStateException');
    return key;
  }

  function readPublicKey(arn: string | undefined): Uint8Array {
    return use(arn).publicDer;
  }

  function change(arn: string | undefined, state: KeyState): void {
    const key = find(arn);
    if (key.state === 'PendingDeletion') throw awsError('KMSInvalidStateException');
    key.state = state;
  }

  async function send(command: SignCommand): Promise<SignCommandOutput>;
  async function send(command: GetPublicKeyCommand): Promise<GetPublicKeyCommandOutput>;
  async function send(command: SignCommand | GetPublicKeyCommand) {
    const $metadata = { httpStatusCode: 200 };
    if (command instanceof GetPublicKeyCommand)
      return { $metadata, PublicKey: readPublicKey(command.input.KeyId) };
    begin('sign');
    const { KeyId, MessageType, SigningAlgorithm = '', Message = new Uint8Array() } = command.input;
    if (MessageType !== 'DIGEST') throw awsError('ValidationException');
    return { $metadata, Signature: use(KeyId).sign(SigningAlgorithm, Message) };
  }

  const fake: FakeKeyAccount = {
    signing: { send },
    keys,
    foreign: new Set(),
    settling: 0,
    bendPolicy: undefined,
    failNext: (operation, name) => void failures.push({ operation, name }),
    clearFailures: () => void failures.splice(0),
    async createKey({ KeySpec = '', KeyUsage, Policy, Tags = [] }) {
      begin('createKey');
      const entry = Object.values(ALGORITHMS).find(({ kmsKeySpec }) => kmsKeySpec === KeySpec);
      if (!entry || KeyUsage !== 'SIGN_VERIFY' || !Policy) throw awsError('ValidationException');
      const Arn = `arn:aws:kms:eu-north-1:111122223333:key/${randomUUID()}`;
      const policy = fake.bendPolicy?.(Policy) ?? Policy;
      keys.set(Arn, {
        spec: KeySpec,
        policy,
        tags: Tags,
        state: 'Enabled',
        made: now(),
        ...makeMaterial(entry.alg, keys.size),
      });
      return { KeyMetadata: { KeyId: Arn.split('/').at(-1), Arn } };
    },
    async describeKey({ KeyId }) {
      begin('describeKey');
      const { spec, state, made } = find(KeyId);
      const KeySpec = spec as 'ECC_NIST_P256';
      const CreationDate = new Date(made * 1000);
      return { KeyMetadata: { KeyId, Arn: KeyId, KeyState: state, KeySpec, CreationDate } };
    },
    async disableKey({ KeyId }) {
      begin('disableKey');
      change(KeyId, 'Disabled');
      return {};
    },
    async enableKey({ KeyId }) {
      begin('enableKey');
      change(KeyId, 'Enabled');
      return {};
    },
    async getKeyPolicy({ KeyId }) {
      begin('getKeyPolicy');
      return { Policy: find(KeyId).policy, PolicyName: 'default' };
    },
    async getPublicKey({ KeyId }) {
      begin('getPublicKey');
      return { PublicKey: readPublicKey(KeyId) };
    },
    async listKeys({ Marker }) {
      begin('listKeys');
      // Pages of two, so that paging is always exercised.
      const from = Number(Marker ?? 0);
      const arns = [...keys.keys()];
      const Truncated = from + 2 < arns.length;
      return {
        Keys: arns.slice(from, from + 2).map((KeyArn) => ({ KeyArn })),
        Truncated,
        ...(Truncated ? { NextMarker: String(from + 2) } : {}),
      };
    },
    async listResourceTags({ KeyId }) {
      begin('listResourceTags');
      if (fake.foreign.has(KeyId ?? '')) throw awsError('AccessDeniedException');
      return { Tags: [...find(KeyId).tags] };
    },
  };
  return fake;
}

/** Making keys takes longer than many a test, so accounts share them; within one account all differ. */
const pool = new Map<string, KeyObject>();

function takeKey(algorithm: Algorithm, index: number): KeyObject {
  const name = `${ALGORITHMS[algorithm].kmsKeySpec} ${index}`;
  const key = pool.get(name) ?? generateKey(algorithm);
  pool.set(name, key);
  return key;
}

function makeMaterial(algorithm: Algorithm, index: number): Material {
  const { kty, kmsSigningAlgorithm } = ALGORITHMS[algorithm];
  const privateKey = takeKey(algorithm, index);
  const publicDer = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  let signer: ((algorithm: string, digest: Uint8Array) => Uint8Array) | undefined;
  return {
    publicDer,
    sign(name, digest) {
      const entry = SIGNING_ALGORITHMS.get(name);
      if (!entry || digest.length !== entry.digestBytes) throw awsError('ValidationException');
      if (kty === 'EC' && name !== kmsSigningAlgorithm) throw awsError('InvalidKeyUsageException');
      signer ??= createSigner(algorithm, privateKey);
      return signer(name, digest);
    },
  };
}

/** Made when first needed: most keys of most tests sign nothing. */
function createSigner(
  algorithm: Algorithm,
  key: KeyObject,
): (name: string, digest: Uint8Array) => Uint8Array {
  if (algorithm === 'ES256') {
    const sign = createQuickSigner(key);
    return (_, digest) => sign(digest);
  }
  const pem = key.export({ format: 'pem', type: 'pkcs8' }).toString();
  return (name, digest) => {
    const entry = SIGNING_ALGORITHMS.get(name);
    if (!entry) throw awsError('ValidationException');
    return signDigest(entry, digest, pem);
  };
}
