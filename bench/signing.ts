import { generateKeyPairSync } from 'node:crypto';
import { createMemorySigner } from '@helseid-zones/client/memory-signer';
import type { Algorithm } from '@helseid-zones/protocol/algorithms';
import { composeToken } from '@helseid-zones/protocol/compose';
import type { Intent } from '@helseid-zones/protocol/intents';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import { parseSignRequest } from '@helseid-zones/protocol/parse';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import type { BenchResult } from './result.ts';

const subject = {
  clientId: 'bench',
  issuer: 'https://issuer.example.no',
  tenancy: 'single-tenant',
  profile: helseIdProfile,
} as const;
const proof: Intent = {
  kind: 'dpop_proof',
  client: 'bench',
  method: 'GET',
  url: 'https://api.example.no/v1/summaries/17?expand=all',
};
const PAIRS: readonly [Algorithm, ReturnType<typeof generateKeyPairSync>][] = [
  ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['PS256', generateKeyPairSync('rsa', { modulusLength: 3072 })],
];

/** What a proof costs beside the signature, and what the signature costs in software: KMS takes its own time on top. */
export async function benchSigning(): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  for (const [algorithm, { privateKey }] of PAIRS) {
    const key = describePublicKey(privateKey, algorithm);
    const signer = createMemorySigner({ client: 'bench', subject, keys: [{ privateKey, algorithm }] });
    const reading = await perCall(2000, () => parseSignRequest({ intents: [proof] }));
    const composing = await perCall(2000, () =>
      composeToken(proof, subject, key, { now: 1_800_000_000_000, jti: 'bench' }),
    );
    const signing = await perCall(200, () => signer.sign([proof]));
    const [signature] = await signer.sign([proof]);
    results.push(
      { name: `${algorithm}: read and check a request`, value: reading, unit: 'µs' },
      { name: `${algorithm}: compose a proof`, value: composing, unit: 'µs' },
      { name: `${algorithm}: read, compose and sign in memory`, value: signing, unit: 'µs' },
      { name: `${algorithm}: length of a proof`, value: signature?.jws.length ?? 0, unit: 'bytes' },
    );
  }
  return results;
}

/** Microseconds a call, the fastest of five rounds. */
async function perCall(calls: number, run: () => unknown): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const start = performance.now();
    for (let call = 0; call < calls; call++) await run();
    best = Math.min(best, ((performance.now() - start) * 1000) / calls);
  }
  return best;
}
