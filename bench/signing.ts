import { generateKeyPairSync } from 'node:crypto';
import { createMemorySigner } from '@helseid-zones/client/memory-signer';
import type { Algorithm } from '@helseid-zones/protocol/algorithms';
import { composeToken } from '@helseid-zones/protocol/compose';
import type { Intent } from '@helseid-zones/protocol/intents';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import { parseSignRequest } from '@helseid-zones/protocol/parse';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { type BenchResult, fastest } from './result.ts';

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
    const reading = await fastest(5, () => parseSignRequest({ intents: [proof] }), 2000);
    const fresh = { now: 1_800_000_000_000, jti: 'bench' };
    const composing = await fastest(5, () => composeToken(proof, subject, key, fresh), 2000);
    const signing = await fastest(5, () => signer.sign([proof]), 200);
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
