import { createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { GetPublicKeyCommand, KMSServiceException, type SignCommand } from '@aws-sdk/client-kms';
import { ALGORITHMS, type Algorithm } from '@helseid-zones/protocol/algorithms';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import type { Kms } from '../../functions/signer/kms.ts';
import { beginCall, type Caller } from '../../local/aws/call.ts';
import { AwsError } from '../../local/aws/errors.ts';
import type { KeyStatus, StoredKey } from '../../local/aws/kms/keys.ts';
import { rootPolicy } from '../../local/aws/kms/policy.ts';
import { startKms } from '../../local/aws/kms/service.ts';
import { ACCOUNT, contextOf, dataKeyStore, REGION, ROLE } from '../local/aws/harness.ts';

/** A key in the fake, as tests refer to it. */
export interface FakeKey {
  arn: string;
  algorithm: Algorithm;
  kid: string;
  publicKey: KeyObject;
}

/** The local KMS in this process, as a signer calls it, with a list of the calls it got and failures that a test plans. */
export interface FakeKms extends Kms {
  calls: { operation: 'GetPublicKey' | 'Sign'; input: Record<string, unknown> }[];
  addKey(algorithm: Algorithm, privateKey?: KeyObject): FakeKey;
  setState(arn: string, state: KeyStatus): void;
  /** The next `times` calls of `operation` fail with this AWS error. */
  failNext(operation: 'GetPublicKey' | 'Sign', name: string, times?: number, httpStatusCode?: number): void;
  /** Called before each Sign is answered: lets a test move its clock, or hold the answer back. */
  beforeSign: (() => void | Promise<void>) | undefined;
}

/** An error as the SDK throws it. */
export function awsError(name: string, httpStatusCode = 400, message = name): KMSServiceException {
  return new KMSServiceException({ name, $fault: 'client', message, $metadata: { httpStatusCode } });
}

export function createFakeKms(): FakeKms {
  const keys = new Map<string, StoredKey>();
  const find = (arn: string): StoredKey => {
    const key = keys.get(arn);
    if (key === undefined) throw new AwsError('NotFoundException', `Key '${arn}' does not exist`);
    return key;
  };
  const context = contextOf({ keys: { ...dataKeyStore(), find } });
  const kms = startKms({ quota: 1_000_000 }, context);
  const caller: Caller = { ...ROLE, kind: 'role', session: 'test' };
  const failures: { operation: string; error: KMSServiceException }[] = [];

  /** An operation of the local KMS; its binary members are base64. */
  async function ask(operation: string, input: object): Promise<Record<string, string>> {
    const headers = { 'x-amz-target': `TrentService.${operation}` };
    const request = { method: 'POST', target: '/', headers, body: Buffer.from(JSON.stringify(input)) };
    const how = { region: REGION, now: context.now(), route: {} };
    try {
      const { body } = await kms.answer(request, beginCall(context.authorize, caller, 'id', how));
      return JSON.parse(String(body));
    } catch (cause) {
      throw cause instanceof AwsError ? awsError(cause.code, cause.status, cause.message) : cause;
    }
  }

  const fake: FakeKms = {
    calls: [],
    beforeSign: undefined,
    async send(command: SignCommand | GetPublicKeyCommand) {
      const { input } = command;
      const operation = command instanceof GetPublicKeyCommand ? 'GetPublicKey' : 'Sign';
      fake.calls.push({ operation, input: { ...input } });
      const planned = failures.findIndex((failure) => failure.operation === operation);
      const [failure] = planned < 0 ? [] : failures.splice(planned, 1);
      if (failure) throw failure.error;
      if (operation === 'Sign') await fake.beforeSign?.();
      const Message = 'Message' in input ? encode(input.Message) : undefined;
      const { PublicKey = '', Signature = '' } = await ask(operation, { ...input, Message });
      const $metadata = { httpStatusCode: 200 };
      return operation === 'Sign'
        ? { $metadata, Signature: Buffer.from(Signature, 'base64') }
        : { $metadata, PublicKey: Buffer.from(PublicKey, 'base64') };
    },
    addKey(algorithm, privateKey = generateKey(algorithm)) {
      const id = randomUUID();
      const arn = `arn:aws:kms:${REGION}:${ACCOUNT}:key/${id}`;
      const publicKey = createPublicKey(privateKey);
      keys.set(arn, {
        ...{ id, arn, usage: 'SIGN_VERIFY', status: 'Enabled', description: '', created: 0, tags: {} },
        spec: ALGORITHMS[algorithm].kmsKeySpec,
        policy: rootPolicy(ACCOUNT),
        privatePem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
        publicDer: encode(publicKey.export({ format: 'der', type: 'spki' })),
      });
      return { arn, algorithm, kid: describePublicKey(publicKey, algorithm).thumbprint, publicKey };
    },
    setState(arn, state) {
      find(arn).status = state;
    },
    failNext(operation, name, times = 1, httpStatusCode = 400) {
      for (let count = 0; count < times; count += 1)
        failures.push({ operation, error: awsError(name, httpStatusCode) });
    },
  };
  return fake;
}

function encode(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('base64');
}

/** A new private key for an algorithm; RSA keys are 2048 bits here, because making larger ones is slow. */
export function generateKey(algorithm: Algorithm): KeyObject {
  const { kty, crv } = ALGORITHMS[algorithm];
  return kty === 'EC' && crv
    ? generateKeyPairSync('ec', { namedCurve: crv }).privateKey
    : generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
}
