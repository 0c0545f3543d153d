import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { SignCommand } from '@aws-sdk/client-kms';
import type { AwsCaller } from '@helseid-zones/client/aws';
import { createRemoteSigner } from '@helseid-zones/client/remote-signer';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { Signer } from '@helseid-zones/protocol/intents';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import { createKeyReader, type Kms } from '../functions/signer/kms.ts';
import { createSignRequest } from '../functions/signer/sign-request.ts';
import { createQuickSigner } from '../test/fakes/quick-ecdsa.ts';
import { testGrant } from '../test/functions/signer/grant-fixture.ts';

/** Time as what is measured sees it, milliseconds. */
export interface Clock {
  now(): number;
  wait(milliseconds: number): Promise<void>;
}

/** Time by the clock. */
export const realTime: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** Time that passes in tenths of a millisecond, and only when nothing is left to do: what it measures depends on no machine. */
export function createVirtualTime(): Clock & { run(milliseconds: number): Promise<void> } {
  const due = new Map<number, (() => void)[]>();
  const start = Date.now();
  let tick = 0;
  return {
    now: () => start + tick / 10,
    wait: (ms) =>
      new Promise((resolve) => {
        const at = tick + Math.max(1, Math.round(ms * 10));
        const others = due.get(at);
        if (others) others.push(resolve);
        else due.set(at, [resolve]);
      }),
    async run(ms) {
      for (const end = tick + ms * 10; tick < end; tick++)
        if (due.has(tick)) {
          for (const resolve of due.get(tick) ?? []) resolve();
          due.delete(tick);
          await new Promise(setImmediate);
        }
    },
  };
}

/** Random numbers in [0, 1) that are the same in each run. */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A KMS that really signs, within `latency` milliseconds and no more than `quota` times a second. */
export function simulateKms(clock: Clock, latency: () => number, quota = Number.POSITIVE_INFINITY) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const sign = createQuickSigner(privateKey);
  const burst = quota / 10;
  let room = burst;
  let filledAt = clock.now();
  const send = async (command: object) => {
    const $metadata = {};
    if (!(command instanceof SignCommand))
      return { $metadata, PublicKey: publicKey.export({ format: 'der', type: 'spki' }) };
    room = Math.min(burst, room + ((clock.now() - filledAt) * quota) / 1000);
    filledAt = clock.now();
    if (room < 1) {
      await clock.wait(1);
      throw Object.assign(new Error('Rate exceeded'), {
        name: 'ThrottlingException',
        $metadata: { httpStatusCode: 400 },
      });
    }
    if (quota !== Number.POSITIVE_INFINITY) room -= 1;
    await clock.wait(latency());
    return { $metadata, Signature: sign(command.input.Message ?? new Uint8Array()) };
  };
  return { kms: { send } as Kms, publicKey };
}

/** Milliseconds of Lambda's own in an invocation. */
const OVERHEAD = 1;

/** A zone's signer behind an invocation of `hop` milliseconds, at most so many at a time: this project's code, but for AWS's. */
export function simulateSigner(
  clock: Clock,
  { kms, publicKey }: ReturnType<typeof simulateKms>,
  { hop, concurrency = Number.POSITIVE_INFINITY }: { hop: number; concurrency?: number },
): Signer {
  const grant = testGrant();
  const { thumbprint: kid } = describePublicKey(publicKey, 'ES256');
  const keyArn = 'arn:aws:kms:eu-north-1:000000000000:key/bench';
  const { client, clientId, issuer } = grant;
  const key = { kid, keyArn, algorithm: 'ES256', state: 'current', since: { current: 0 } } as const;
  const record = { version: 1, client, clientId, issuer, keys: [key] } as const;
  const signRequest = createSignRequest({
    ...{ grant, kms, now: clock.now, readKey: createKeyReader(kms), randomId: randomUUID },
    readRecord: async () => ({ record: { ...record, keys: [key] }, cached: true }),
    audit: () => ({ recordSigned() {}, recordRefused() {} }),
  });
  let running = 0;
  const aws = {
    async call({ body = '' }) {
      // As createAwsCaller does, of which only the signatures of requests are left out.
      for (let tried = 1; ; tried += 1) {
        await clock.wait(hop / 2);
        if (running < concurrency) break;
        if (tried === 3) throw new ZonesError('aws_throttled', 'Rate exceeded', { facts: { status: 429 } });
        await clock.wait(Math.random() * 50 * 2 ** tried);
      }
      running += 1;
      try {
        if (clock !== realTime) await clock.wait(OVERHEAD);
        const answer = await signRequest(JSON.parse(body), 'bench');
        return { headers: new Headers(), body: JSON.stringify(answer) };
      } finally {
        running -= 1;
        await clock.wait(hop / 2);
      }
    },
  };
  return createRemoteSigner({
    ...{ aws: aws as unknown as AwsCaller, functionArn: 'bench' },
    ...{ now: clock.now, wait: clock.wait },
  });
}
