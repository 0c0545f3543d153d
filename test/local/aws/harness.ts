import { createPublicKey } from 'node:crypto';
import { createAwsCaller } from '@helseid-zones/client/aws';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import { expect, onTestFinished } from 'vitest';
import type { AccessRequest, Authorize, Route } from '../../../local/aws/call.ts';
import type { AwsContext } from '../../../local/aws/context.ts';
import { createCredentialTable } from '../../../local/aws/credentials.ts';
import { startListener } from '../../../local/aws/endpoints.ts';
import type { Faults } from '../../../local/aws/faults.ts';
import { type KeyStore, openKeyStore, rootPolicy, type StoredKey } from '../../../local/aws/kms/keys.ts';
import { createFunctionTable, createInvoke } from '../../../local/aws/lambda/service.ts';
import type { Emulator } from '../../../local/aws/operation.ts';
import type { FunctionPool, RunnableFunction } from '../../../local/aws/runtime/pool.ts';
import { openSecretStore, type SecretSettings, type StoredSecret } from '../../../local/aws/secrets/store.ts';
import { openQueues, type StoredMessage } from '../../../local/aws/sqs/queues.ts';
import { memoryDocument } from '../../../local/aws/state.ts';
import { createTrail } from '../../../local/aws/trail.ts';

export const ACCOUNT = '000000000000';
export const REGION = 'eu-north-1';
export const ROLE = { arn: `arn:aws:iam::${ACCOUNT}:role/tester`, account: ACCOUNT };

/** Id of a key of the template, with which a service encrypts. */
export const DATA_KEY = '11111111-1111-1111-1111-111111111111';

/** A key store with {@link DATA_KEY} in it, whose use is left to identity policies. */
export function dataKeyStore(): KeyStore {
  const key: StoredKey = {
    id: DATA_KEY,
    arn: `arn:aws:kms:${REGION}:${ACCOUNT}:key/${DATA_KEY}`,
    spec: 'SYMMETRIC_DEFAULT',
    usage: 'ENCRYPT_DECRYPT',
    status: 'Enabled',
    description: '',
    created: 0,
    policy: rootPolicy(ACCOUNT),
    tags: {},
    fromTemplate: true,
  };
  return openKeyStore(memoryDocument({ keys: [] as StoredKey[] }), { account: ACCOUNT, region: REGION }, [
    key,
  ]);
}

/** A secret as the template declares it, in a store of nothing else. */
export function secretStoreOf(
  declared: Pick<SecretSettings, 'arn' | 'name'> & Partial<SecretSettings>,
  now = Date.now,
) {
  const rest = { description: undefined, kmsKeyId: undefined, initialText: undefined, rotation: undefined };
  const secrets = memoryDocument({ secrets: [] as StoredSecret[] });
  return openSecretStore(secrets, [{ tags: {}, ...rest, ...declared }], now);
}

/** A clock that only moves when told. */
export function fakeClock(start = Date.UTC(2026, 0, 2, 3, 4, 5)) {
  let time = start;
  const now = () => time;
  return { now, advance: (ms: number) => (time += ms) };
}

/** A policy engine that refuses exactly what `deny` names, and remembers what it was asked. */
export function rulesOf(deny: (request: AccessRequest) => boolean = () => false) {
  const asked: AccessRequest[] = [];
  const authorize: Authorize = (request) => {
    asked.push(request);
    const message = `User: ${request.caller.session} is not authorized to perform: ${request.action}`;
    return deny(request) ? { allowed: false, message } : { allowed: true };
  };
  return { authorize, asked };
}

/** A function that no test runs as a process. */
export function functionOf(name: string, more: Partial<RunnableFunction> = {}): RunnableFunction {
  const arn = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`;
  const roleArn = `arn:aws:iam::${ACCOUNT}:role/${name}`;
  return { name, arn, roleArn, codeDirectory: '', environment: {}, timeout: 1000, memory: 128, ...more };
}

/** A pool whose functions do `work`: what it returns is the answer, an `Error` that it returns is the function's own. */
export function poolOf(work: (event: never, of: RunnableFunction) => unknown): FunctionPool {
  return {
    async invoke(of, payload) {
      const result = await work(JSON.parse(payload.toString()) as never, of);
      const failed = result instanceof Error;
      const answer = failed ? { errorType: result.name, errorMessage: result.message } : result;
      return {
        payload: Buffer.from(typeof answer === 'string' ? answer : (JSON.stringify(answer) ?? 'null')),
        functionError: failed ? 'Unhandled' : undefined,
        requestId: 'id',
        logTail: 'the log',
      };
    },
    running: () => [],
    idle: async () => {},
    recycle: async () => {},
    close: async () => {},
  };
}

/** An error of the SDK by its name. */
export const named = (name: string): unknown => expect.objectContaining({ name });

/** What the product's own caller throws where AWS answers with an error. */
export const answered = (error: string): unknown =>
  expect.objectContaining({ facts: expect.objectContaining({ error }) });

/** What emulators work with, all in memory: no resources but {@link DATA_KEY}, and everything is allowed. */
export function contextOf(given: Partial<AwsContext> = {}): AwsContext {
  const { now = Date.now, pool = poolOf(() => null), functions = createFunctionTable([]) } = given;
  return {
    account: ACCOUNT,
    region: REGION,
    now,
    pool,
    functions,
    authorize: rulesOf().authorize,
    credentials: createCredentialTable(),
    trail: createTrail(now),
    keys: dataKeyStore(),
    secrets: openSecretStore(memoryDocument({ secrets: [] as StoredSecret[] }), [], now),
    queues: openQueues(memoryDocument({ queues: {} as Record<string, StoredMessage[]> }), [], now),
    invoke: createInvoke(functions, pool),
    ...given,
  };
}

type Start = (context: AwsContext) => Emulator | Promise<Emulator> | Emulator[];
type Given = Partial<AwsContext> & { route?: Route; only?: string; faults?: Faults };

/** Emulators behind a listener, and the ways to call them with a role's session. */
export async function serveAws(start: Start, { route = {}, only, faults, ...given }: Given = {}) {
  const context = contextOf(given);
  const services = [await start(context)].flat();
  const listener = await startListener({ ...context, services, faults }, route, only);
  const { url } = listener;
  const credentials = context.credentials.issue(ROLE, 'test');
  const endpoints = Object.fromEntries(services.map(({ name }) => [name, url]));
  const { call, json } = createAwsCaller({ region: REGION, credentials, endpoints }, { attempts: 1 });
  return {
    url,
    context,
    call,
    async close() {
      await listener.close();
      await Promise.all(services.map((service) => service.close?.()));
    },
    /** For `callJson` and its like. */
    access: { url, region: REGION, credentials },
    /** For the SDK's clients. */
    config: { region: REGION, endpoint: url, credentials, maxAttempts: 1 },
    /** A service by its signing name, also one that the product's own caller does not know. */
    json: (service: string, target: string, input: object, version: '1.0' | '1.1' = '1.0') =>
      json({ service, target, input, version, repeatable: false }),
  };
}

/** {@link serveAws} until the test ends. */
export async function startAws(start: Start, given: Given = {}) {
  const aws = await serveAws(start, given);
  onTestFinished(aws.close);
  return aws;
}

/** A new ES256 key of the local KMS, as a record names it. */
export async function createSigningKey({ keys }: AwsContext) {
  const { arn: keyArn, publicDer = '' } = await keys.create({
    spec: 'ECC_NIST_P256',
    usage: 'SIGN_VERIFY',
    description: '',
    created: 0,
    tags: {},
    policy: rootPolicy(ACCOUNT),
  });
  const key = createPublicKey({ key: Buffer.from(publicDer, 'base64'), format: 'der', type: 'spki' });
  const { thumbprint: kid, jwk } = describePublicKey(key, 'ES256');
  return {
    entry: { kid, keyArn, algorithm: 'ES256', state: 'current', since: { current: 1 } } as const,
    jwk,
  };
}
