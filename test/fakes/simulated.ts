import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { SignCommand } from '@aws-sdk/client-kms';
import type { AwsCaller } from '@helseid-zones/client/aws';
import { createRemoteSigner } from '@helseid-zones/client/invoke';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { Signer } from '@helseid-zones/protocol/intents';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import { createKeyReader, type Kms } from '../../functions/signer/kms.ts';
import { createSignRequest } from '../../functions/signer/sign-request.ts';
import { testGrant } from '../functions/signer/grant-fixture.ts';
import { createQuickSigner } from './quick-ecdsa.ts';

/** Time as what is measured sees it, milliseconds. */
export interface Time {
  now(): number;
  wait(milliseconds: number): Promise<void>;
}

/** Time by the clock. */
export const realTime: Time = {
  now: () => performance.timeOrigin + performance.now(),
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** Time that passes in tenths of a millisecond, and only when nothing is left to do: what it measures depends on no machine. */
export function createVirtualTime(): Time & { run(milliseconds: number): Promise<void> } {
  const due = new Map<number, (() => void)[]>();
  const start = 1_790_000_000_000;
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
      for (const end = tick + ms * 10; tick < end; tick++) {
        const now = due.get(tick);
        if (now === undefined) continue;
        due.delete(tick);
        for (const resolve of now) resolve();
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

/** A KMS with one key that really signs, within `latency` milliseconds and no more than `quota` times a second. */
export function simulateKms(time: Time, latency: () => number, quota = Number.POSITIVE_INFINITY) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const sign = createQuickSigner(privateKey);
  const $metadata = {};
  let room = quota / 10;
  let filledAt = time.now();
  const send = async (command: object) => {
    if (!(command instanceof SignCommand))
      return { $metadata, PublicKey: publicKey.export({ format: 'der', type: 'spki' }) };
    room = Math.min(quota / 10, room + ((time.now() - filledAt) * quota) / 1000);
    filledAt = time.now();
    if (room < 1) {
      await time.wait(1);
      const thrown = { name: 'ThrottlingException', $metadata: { httpStatusCode: 400 } };
      throw Object.assign(new Error('Rate exceeded'), thrown);
    }
    if (quota !== Number.POSITIVE_INFINITY) room -= 1;
    await time.wait(latency());
    return { $metadata, Signature: sign(command.input.Message ?? new Uint8Array()) };
  };
  return { send: send as Kms['send'], publicKey };
}

/**
 * A zone's signer behind an invocation of `hop` milliseconds, at most so many at a time: the project's code, but for AWS's and for
 * what signs requests. In virtual time an invocation takes a millisecond of Lambda's own.
 */
export function simulateSigner(
  time: Time,
  kms: ReturnType<typeof simulateKms>,
  hop: number,
  concurrency = Number.POSITIVE_INFINITY,
): Signer {
  const grant = testGrant();
  const { client, clientId, issuer } = grant;
  const { thumbprint: kid } = describePublicKey(kms.publicKey, 'ES256');
  const keyArn = 'arn:aws:kms:eu-north-1:000000000000:key/simulated';
  const key = { kid, keyArn, algorithm: 'ES256', state: 'current', since: { current: 0 } } as const;
  const record = { version: 1 as const, client, clientId, issuer, keys: [key] };
  const signRequest = createSignRequest({
    // A jti tells when its token was composed.
    grant,
    kms,
    now: time.now,
    readKey: createKeyReader(kms),
    randomId: () => `${time.now()} ${randomUUID()}`,
    readRecord: async () => ({ record, cached: true }),
    audit: () => ({ recordSigned() {}, recordRefused() {} }),
  });
  let running = 0;
  const call = async ({ body = '' }: { body?: string }) => {
    // As createAwsCaller tries.
    for (let tried = 1; ; tried += 1) {
      await time.wait(hop / 2);
      if (running < concurrency) break;
      if (tried === 3) throw new ZonesError('aws_throttled', 'Rate exceeded', { facts: { status: 429 } });
      await time.wait(Math.random() * 50 * 2 ** tried);
    }
    running += 1;
    try {
      if (time !== realTime) await time.wait(1);
      const answer = await signRequest(JSON.parse(body), 'simulated');
      return { headers: new Headers(), body: JSON.stringify(answer) };
    } finally {
      running -= 1;
      await time.wait(hop / 2);
    }
  };
  const aws = { call } as unknown as AwsCaller;
  return createRemoteSigner({ aws, functionArn: 'simulated', now: time.now, wait: time.wait });
}
