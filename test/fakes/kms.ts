import { createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { GetPublicKeyCommand, type SignCommand } from '@aws-sdk/client-kms';
import { ALGORITHMS, type Algorithm } from '@helseid-zones/protocol/algorithms';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import type { KmsPort } from '../../functions/common/key-ports.ts';
import type { Kms } from '../../functions/signer/kms.ts';
import { AwsError } from '../../local/aws/errors.ts';
import type { KeyStatus, KeyStore, StoredKey } from '../../local/aws/kms/keys.ts';
import { rootPolicy } from '../../local/aws/kms/keys.ts';
import { startKms } from '../../local/aws/kms/service.ts';
import { plantKey } from '../canaries.ts';
import { ACCOUNT, contextOf, REGION, rulesOf } from '../local/aws/harness.ts';
import { type Ask, askInProcess, awsError, portOf } from './in-process.ts';
import { createQuickSigner } from './quick-ecdsa.ts';

/** A key in the fake, as tests refer to it. */
export interface FakeKey {
  arn: string;
  algorithm: Algorithm;
  kid: string;
  publicKey: KeyObject;
}

/** A call that may be made to fail: a signer's by its operation, the admin zone's by its port. */
type Failing = 'GetPublicKey' | 'Sign' | keyof KmsPort;

/** The local KMS in this process, as signers and the admin zone call it, with faults that a test plans. */
export interface FakeKms extends Kms, KmsPort {
  /** What signers asked. */
  calls: { operation: 'GetPublicKey' | 'Sign'; input: Record<string, unknown> }[];
  /** Every key by ARN. */
  keys: Map<string, StoredKey>;
  addKey(algorithm: Algorithm, privateKey?: KeyObject): FakeKey;
  setState(arn: string, state: KeyStatus): void;
  /** The next `times` calls fail with this AWS error. */
  failNext(operation: Failing, name: string, times?: number, httpStatusCode?: number): void;
  clearFailures(): void;
  /** Called before each Sign is answered: lets a test move its clock, or hold the answer back. */
  beforeSign: (() => void | Promise<void>) | undefined;
  /** What becomes of a policy on its way into a key. */
  bendPolicy: ((policy: string) => string) | undefined;
  /** ARNs of keys whose tags may not be read. */
  foreign: Set<string>;
  /** Seconds for which a new key is listed and not known otherwise: KMS is eventually consistent. */
  settling: number;
}

const ADMIN = [
  'CreateKey',
  'DescribeKey',
  'DisableKey',
  'EnableKey',
  'GetKeyPolicy',
  'GetPublicKey',
  'ListGrants',
  'ListKeys',
  'ListResourceTags',
];

/** A KMS without keys. `now` is epoch seconds. */
export function createFakeKms(now: () => number = () => 0): FakeKms {
  const failures: { operation: string; error: Error }[] = [];
  const keys = new Map<string, StoredKey>();
  const store: KeyStore = {
    find(arn) {
      const key = keys.get(arn);
      if (key && now() >= key.created + fake.settling) return key;
      throw new AwsError('NotFoundException', `Key '${arn}' does not exist`);
    },
    list: () => [...keys.values()],
    create: async ({ policy, ...key }) =>
      add({ ...key, ...takeKey(key.spec, keys.size), policy: fake.bendPolicy?.(policy) ?? policy }),
    save() {},
  };
  const { authorize } = rulesOf(
    ({ action, resource }) => action === 'kms:ListResourceTags' && fake.foreign.has(resource),
  );
  const context = contextOf({ keys: store, authorize, now: () => now() * 1000 });
  const ask = askInProcess(startKms(context), 'TrentService', context);

  function add(key: Omit<StoredKey, 'id' | 'arn' | 'status'>): StoredKey {
    const id = randomUUID();
    const arn = `arn:aws:kms:${REGION}:${ACCOUNT}:key/${id}`;
    const added: StoredKey = { ...key, id, arn, status: 'Enabled' };
    keys.set(arn, added);
    return added;
  }

  function failIfPlanned(operation: Failing): void {
    const planned = failures.findIndex((failure) => failure.operation === operation);
    const [failure] = planned < 0 ? [] : failures.splice(planned, 1);
    if (failure) throw failure.error;
  }

  const asAdmin: Ask = async (operation, input) => {
    failIfPlanned(`${operation.charAt(0).toLowerCase()}${operation.slice(1)}` as Failing);
    // Pages of two, so that paging is always exercised.
    return ask(operation, operation === 'ListKeys' ? { ...input, Limit: 2 } : input);
  };

  const fake: FakeKms = {
    ...portOf<KmsPort>(asAdmin, ADMIN),
    keys,
    calls: [],
    foreign: new Set(),
    settling: 0,
    beforeSign: undefined,
    bendPolicy: undefined,
    async send(command: SignCommand | GetPublicKeyCommand) {
      const operation = command instanceof GetPublicKeyCommand ? 'GetPublicKey' : 'Sign';
      fake.calls.push({ operation, input: { ...command.input } });
      failIfPlanned(operation);
      if (operation === 'Sign') await fake.beforeSign?.();
      const { KeyId = '', ...input } = command.input;
      const quick = quickly.get(keys.get(KeyId)?.privatePem ?? '');
      const $metadata = { httpStatusCode: 200 };
      if (quick === undefined || !('Message' in input))
        return { $metadata, ...(await ask<object>(operation, command.input)) };
      // Its state is still KMS's to judge.
      await ask('GetPublicKey', { KeyId });
      return { $metadata, Signature: quick(input.Message ?? new Uint8Array()) };
    },
    addKey(algorithm, privateKey = generateKey(algorithm)) {
      const spec = ALGORITHMS[algorithm].kmsKeySpec;
      const publicKey = createPublicKey(privateKey);
      const { arn } = add({
        spec,
        usage: 'SIGN_VERIFY',
        description: '',
        created: now(),
        tags: {},
        policy: rootPolicy(ACCOUNT),
        ...exportKey(privateKey),
      });
      return { arn, algorithm, kid: describePublicKey(publicKey, algorithm).thumbprint, publicKey };
    },
    setState(arn, state) {
      store.find(arn).status = state;
    },
    failNext(operation, name, times = 1, httpStatusCode = 400) {
      for (let count = 0; count < times; count += 1)
        failures.push({ operation, error: awsError(name, httpStatusCode) });
    },
    clearFailures: () => void failures.splice(0),
  };
  return fake;
}

function exportKey(key: KeyObject) {
  return {
    privatePem: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    publicDer: createPublicKey(key).export({ format: 'der', type: 'spki' }).toString('base64'),
  };
}

/** Making keys takes longer than many a test, so those that are made through KMS are shared; within one KMS all differ. */
const pool = new Map<string, ReturnType<typeof exportKey>>();

/** By private key: signers of those of them that sign with ES256, for tests with very many signatures. */
const quickly = new Map<string, ReturnType<typeof createQuickSigner>>();

function takeKey(spec: string, index: number) {
  const name = `${spec} ${index}`;
  const known = pool.get(name);
  if (known) return known;
  const { alg = 'ES256' } = Object.values(ALGORITHMS).find(({ kmsKeySpec }) => kmsKeySpec === spec) ?? {};
  const privateKey = generateKey(alg);
  const key = exportKey(privateKey);
  pool.set(name, key);
  if (alg === 'ES256') quickly.set(key.privatePem, createQuickSigner(privateKey));
  return key;
}

const rsaPairs: ReturnType<typeof makeRsaPair>[] = [];
let rsaGiven = 0;
const makeRsaPair = () => generateKeyPairSync('rsa', { modulusLength: 2048 });

/** An RSA key pair of 2048 bits. Making one takes longer than many a test: a process makes four, and gives them in turn. */
export function takeRsaPair(): ReturnType<typeof makeRsaPair> {
  const index = rsaGiven++ % 4;
  const pair = rsaPairs[index] ?? makeRsaPair();
  rsaPairs[index] = pair;
  return pair;
}

/** A private key for an algorithm: a new one on a curve, or one of {@link takeRsaPair}. */
export function generateKey(algorithm: Algorithm): KeyObject {
  const { kty, crv } = ALGORITHMS[algorithm];
  const { privateKey } = kty === 'EC' && crv ? generateKeyPairSync('ec', { namedCurve: crv }) : takeRsaPair();
  return plantKey('private key', privateKey);
}
