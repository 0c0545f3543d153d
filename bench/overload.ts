import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { Intent } from '@helseid-zones/protocol/intents';
import { signatureEncoding } from '@helseid-zones/protocol/signature';
import { signerConcurrency } from '../infra/declaration/concurrency.ts';
import type { SystemDeclaration } from '../infra/declaration/schema.ts';
import { testGrant } from '../test/functions/signer/grant-fixture.ts';
import { alone, beside, type Figure, type Part, quantile, type Scale } from './figures.ts';
import { createRandom, createVirtualTime, simulateKms, simulateSigner } from './world.ts';

const QUOTA = 1000;
const SHARE = 500;
/** What the zone asks for that keeps to its share, signatures a second. */
const QUIET = 250;
/** Seconds before anything counts. */
const SETTLING = 1;

const { client, issuer } = testGrant();
const intent: Intent = { kind: 'dpop_proof', client, method: 'POST', url: `${issuer}/connect/token` };

/** What is reserved for a zone with that share. */
const reserved = signerConcurrency(
  {
    reservedConcurrency: 'declared',
    zones: { bench: { grants: [{ client, signaturesPerSecond: SHARE }] } },
  } as unknown as SystemDeclaration,
  { zone: 'bench', client },
);

interface Outcome {
  /** Signatures a second that came back, right and fresh. */
  goodput: number;
  /** Milliseconds, 99 of 100 calls of the zone that keeps to its share. */
  quiet: number;
  bad: number;
}

/** Two zones of the same share for some seconds: one keeps to it, the other asks for `flood` a second. */
async function run(
  flood: number,
  concurrency: number | undefined,
  seconds: number,
  seed: number,
): Promise<Outcome> {
  const clock = createVirtualTime();
  const random = createRandom(seed);
  const kms = simulateKms(clock, () => 6 + 4 * random(), QUOTA);
  const begin = clock.now() + SETTLING * 1000;
  const end = begin + seconds * 1000;
  const waits: number[] = [];
  const got: { jws: string; at: number }[] = [];
  const load = async (rate: number, quiet: boolean) => {
    const signer = simulateSigner(clock, kms, { hop: 5, ...(concurrency ? { concurrency } : {}) });
    const call = async () => {
      const asked = clock.now();
      const [signature] = await signer.sign([intent]).catch(() => []);
      const at = clock.now();
      if (at < begin || at >= end) return;
      if (signature) got.push({ jws: signature.jws, at });
      if (quiet) waits.push(signature ? at - asked : Number.POSITIVE_INFINITY);
    };
    while (rate > 0 && clock.now() < end) {
      await clock.wait((-Math.log(1 - random()) * 1000) / rate);
      void call();
    }
  };
  void load(QUIET, true);
  void load(flood, false);
  await clock.run((SETTLING + seconds) * 1000);
  // One in five, since a signature takes a tenth of the time that looking at it does.
  const bad = got.filter(({ jws, at }, index) => index % 5 === 0 && !isGood(jws, at, kms.publicKey)).length;
  return { goodput: (got.length - bad) / seconds, quiet: quantile(waits, 0.99), bad };
}

/** Whether a proof verifies, says what was asked for, and is younger than a server lets it be. */
function isGood(jws: string, at: number, key: KeyObject): boolean {
  const [header = '', payload = '', signature = ''] = jws.split('.');
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
  const { iat, htu } = read(payload);
  const input = Buffer.from(`${header}.${payload}`);
  const brought = createPublicKey({ key: read(header).jwk, format: 'jwk' });
  const right = verify(
    'sha256',
    input,
    { key, ...signatureEncoding('ES256') },
    Buffer.from(signature, 'base64url'),
  );
  return right && brought.equals(key) && htu === (intent as { url: string }).url && at / 1000 - iat < 6;
}

/** What comes through, and how long the zone that keeps to its share waits, while the other asks for up to ten times KMS's quota. */
export async function benchOverload({ rounds, share }: Scale): Promise<Part> {
  const seconds = Math.ceil(2 * share);
  // Hundreds of thousands are refused, and nobody looks where.
  Error.stackTraceLimit = 0;
  const figures: Figure[] = [];
  const several = async (flood: number, concurrency: number | undefined) => {
    const outcomes: Outcome[] = [];
    for (let seed = 1; seed <= rounds; seed++) outcomes.push(await run(flood, concurrency, seconds, seed));
    return outcomes;
  };
  const calm = (await several(0, reserved)).map(({ quiet }) => quiet);
  let bad = 0;
  for (const times of [0.5, 1, 2, 10]) {
    const flood = times * QUOTA - QUIET;
    const outcomes = await several(flood, reserved);
    const due = outcomes.map(() => QUIET + Math.min(flood, SHARE));
    const at = `asked for ${times} times the quota`;
    const goodput = outcomes.map((outcome) => outcome.goodput);
    figures.push(
      beside(`signatures that come through, ${at}`, '1/s', goodput, ['shares', due], { least: 0.95 }),
    );
    const quiet = outcomes.map((outcome) => outcome.quiet);
    figures.push(
      beside(`p99 of the zone that keeps to its share, ${at}`, 'ms', quiet, ['alone', calm], { most: 1.2 }),
    );
    bad += outcomes.reduce((sum, outcome) => sum + outcome.bad, 0);
  }
  const open = await several(2 * QUOTA - QUIET, undefined);
  const unlimited = 'nothing reserved, asked for 2 times the quota';
  figures.push(
    alone(
      `signatures that come through, ${unlimited}`,
      '1/s',
      open.map(({ goodput }) => goodput),
    ),
    beside(
      `p99 of the zone that keeps to its share, ${unlimited}`,
      'ms',
      open.map(({ quiet }) => quiet),
      ['alone', calm],
    ),
    alone('signatures that are wrong or stale', '', [bad], { most: 0 }),
  );
  return { figures };
}

/** How old a proof is when the API gets it: composed in the signer, 50 ms in KMS, 100 ms on the way to the API. */
export async function benchAge({ rounds, share }: Scale): Promise<Part> {
  const ages: number[] = [];
  for (let seed = 1; seed <= rounds; seed++) {
    const clock = createVirtualTime();
    const random = createRandom(seed);
    const kms = simulateKms(clock, () => 50 * (0.7 - 0.3 * Math.log(1 - random())));
    const signer = simulateSigner(clock, kms, { hop: 5, concurrency: 30 });
    const call = async () => {
      await clock.wait(random() * 1000 * share);
      const [signature] = await signer.sign([intent]);
      await clock.wait(100 * (0.7 - 0.3 * Math.log(1 - random())));
      const { iat } = JSON.parse(Buffer.from(signature?.jws.split('.')[1] ?? '', 'base64url').toString());
      // As servers reckon: whole seconds of theirs, less the proof's.
      ages.push(Math.floor(clock.now() / 1000) - iat);
    };
    for (let calls = 0; calls < 300 * share; calls++) void call();
    await clock.run(10_000);
  }
  const young = (100 * ages.filter((age) => age <= 1).length) / ages.length;
  return { figures: [alone('proofs that are at most a second old', '%', [young], { least: 95 })] };
}
