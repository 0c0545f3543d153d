import { verify } from 'node:crypto';
import { decodeJwt } from 'jose';
import { signerConcurrency } from '../infra/declaration/concurrency.ts';
import type { SystemDeclaration } from '../infra/declaration/schema.ts';
import { createRandom, createVirtualTime, simulateKms, simulateSigner } from '../test/fakes/simulated.ts';
import { testGrant } from '../test/functions/signer/grant-fixture.ts';
import { type Figure, quantile, type Scale } from './figures.ts';

/** Signatures a second: KMS's, each zone's share, and what the zone asks for that keeps to it. */
const [QUOTA, SHARE, QUIET] = [1000, 500, 250];

const { client, issuer } = testGrant();
const intent = { kind: 'dpop_proof', client, method: 'POST', url: `${issuer}/connect/token` } as const;
const zones = { bench: { grants: [{ client, signaturesPerSecond: SHARE }] } };
const system = { reservedConcurrency: 'declared', zones } as unknown as SystemDeclaration;
const RESERVED = signerConcurrency(system, { zone: 'bench', client });

/**
 * Two zones for some seconds: signatures a second that came back in time, milliseconds of 99 of 100 calls of the zone that keeps to
 * its share, and how many were wrong or stale.
 */
async function run(flood: number, concurrency: number | undefined, seconds: number, seed: number) {
  const time = createVirtualTime();
  const random = createRandom(seed);
  const kms = simulateKms(time, () => 6 + 4 * random(), QUOTA);
  // The first second counts for nothing.
  const begin = time.now() + 1000;
  const end = begin + seconds * 1000;
  const waits: number[] = [];
  const got: { jws: string; at: number }[] = [];
  const load = async (rate: number, quiet: boolean) => {
    const signer = simulateSigner(time, kms, 5, concurrency);
    const call = async (asked: number) => {
      const [signature] = await signer.sign([intent]).catch(() => []);
      const at = time.now();
      if (at < begin || at >= end) return;
      if (signature) got.push({ jws: signature.jws, at });
      if (quiet) waits.push(signature ? at - asked : Number.POSITIVE_INFINITY);
    };
    while (rate > 0 && time.now() < end) {
      await time.wait((-Math.log(1 - random()) * 1000) / rate);
      void call(time.now());
    }
  };
  void load(QUIET, true);
  void load(flood, false);
  await time.run((1 + seconds) * 1000);
  // One in five, since a signature takes a tenth of the time that looking at it does.
  const key = { key: kms.publicKey, dsaEncoding: 'ieee-p1363' } as const;
  const bad = got.filter(({ jws, at }, index) => {
    if (index % 5 > 0) return false;
    const [, input = '', signature = ''] = /^(.*)\.(.*)$/.exec(jws) ?? [];
    const right = verify('sha256', Buffer.from(input), key, Buffer.from(signature, 'base64url'));
    const { iat = 0, htu } = decodeJwt(jws);
    return !right || htu !== intent.url || at / 1000 - iat > 6;
  });
  return { goodput: got.length / seconds, quiet: quantile(waits, 0.99), bad: bad.length };
}

/** What comes through, and how long the zone that keeps to its share waits, while the other asks for up to ten times KMS's quota. */
export async function benchOverload({ rounds, share }: Scale): Promise<Figure[]> {
  // Hundreds of thousands are refused, and nobody looks where.
  Error.stackTraceLimit = 0;
  const figures: Figure[] = [];
  let bad = 0;
  let calm: number[] = [];
  const reserved = [0, 0.5, 1, 2, 10].map((times) => ({ times, concurrency: RESERVED }));
  for (const { times, concurrency } of [...reserved, { times: 2, concurrency: undefined }]) {
    const flood = Math.max(0, times * QUOTA - QUIET);
    const outcomes: Awaited<ReturnType<typeof run>>[] = [];
    for (let seed = 1; seed <= Math.min(rounds, 3); seed++)
      outcomes.push(await run(flood, concurrency, Math.ceil(2 * share), seed));
    bad += outcomes.reduce((sum, outcome) => sum + outcome.bad, 0);
    const at = `${times} times the quota asked for${concurrency ? '' : ', nothing reserved'}`;
    const quiet = outcomes.map((outcome) => outcome.quiet);
    if (times === 0) calm = quiet;
    else
      figures.push(
        {
          what: `${at}: signatures that come through`,
          unit: '1/s',
          here: outcomes.map(({ goodput }) => goodput),
          peer: ['shares', outcomes.map(() => QUIET + Math.min(flood, SHARE))],
          target: concurrency ? ['ratio', 'least', 0.95] : undefined,
        },
        {
          what: `${at}: p99 of the zone that keeps to its share`,
          unit: 'ms',
          here: quiet,
          peer: ['alone', calm],
          target: concurrency ? ['ratio', 'most', 1.2] : undefined,
        },
      );
  }
  return [...figures, { what: 'wrong or stale', unit: '', here: [bad], target: ['value', 'most', 0] }];
}

/** How old a proof is when the API gets it, from when it was composed: 50 ms in KMS, 100 ms on the way to the API. */
export async function benchAge({ rounds, share }: Scale): Promise<Figure[]> {
  const ages: number[] = [];
  const random = createRandom(rounds);
  const time = createVirtualTime();
  const varied = (ms: number) => ms * (0.7 - 0.3 * Math.log(1 - random()));
  const kms = simulateKms(time, () => varied(50));
  const signer = simulateSigner(time, kms, 5, 30);
  const call = async () => {
    await time.wait(random() * 2000);
    const [signature] = await signer.sign([intent]);
    await time.wait(varied(100));
    ages.push(time.now() - Number.parseFloat(decodeJwt(signature?.jws ?? '').jti ?? ''));
  };
  for (let calls = 0; calls < 1000 * share; calls++) void call();
  await time.run(10_000);
  const young = (100 * ages.filter((age) => age < 1000).length) / ages.length;
  return [
    { what: 'proofs younger than a second', unit: '%', here: [young], target: ['value', 'least', 95] },
    { what: 'age of a proof', unit: 'ms', here: ages, peer: ['KMS and way alone', ages.map(() => 150)] },
  ];
}
