import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { createMemorySigner } from '@helseid-zones/client/memory-signer';
import type { Algorithm } from '@helseid-zones/protocol/algorithms';
import type { Intent } from '@helseid-zones/protocol/intents';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { signatureEncoding } from '@helseid-zones/protocol/signature';
import { SignJWT } from 'jose';
import { beside, cpuTime, inTurns, type Part, type Scale } from './figures.ts';

const subject = {
  clientId: 'bench',
  issuer: 'https://issuer.example.no',
  tenancy: 'single-tenant',
  profile: helseIdProfile,
} as const;
const URL_CALLED = 'https://api.example.no/v1/summaries/17';
const proof: Intent = { kind: 'dpop_proof', client: 'bench', method: 'GET', url: `${URL_CALLED}?expand=all` };

/** Reading an intent, composing a proof and signing it in memory, beside libraries that compose one, and beside nothing but node:crypto. */
export async function benchSigning({ rounds, share }: Scale): Promise<Part> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { jwk } = describePublicKey(privateKey, 'ES256');
  const signer = createMemorySigner({
    ...{ client: 'bench', subject, keys: [{ privateKey, algorithm: 'ES256' as Algorithm }] },
  });
  const claims = () => ({
    jti: randomUUID(),
    htm: 'GET',
    htu: URL_CALLED,
    iat: Math.floor(Date.now() / 1000),
  });
  const header = { alg: 'ES256', typ: 'dpop+jwt', jwk };
  // A literal would have to be there for the types, and it is not for whoever does not measure.
  const dpop = await import(['dpop'].join('')).catch(() => undefined);
  const pair = dpop && (await dpop.generateKeyPair('ES256'));
  const runs = {
    ours: () => signer.sign([proof]),
    'node:crypto': () => signBare(privateKey, header, claims()),
    jose: () => new SignJWT(claims()).setProtectedHeader(header).sign(privateKey),
    ...(dpop ? { dpop: () => dpop.generateProof(pair, URL_CALLED, 'GET') } : {}),
  };
  const calls = Math.ceil(2000 * share);
  for (const run of Object.values(runs)) await cpuTime(1000, run);
  const { ours = [], ...peers } = await inTurns(
    rounds * 3,
    Object.fromEntries(Object.entries(runs).map(([name, run]) => [name, () => cpuTime(calls, run)])),
  );
  return {
    figures: Object.entries(peers).map((peer) =>
      beside(
        'a proof in memory, processor time',
        'µs',
        ours,
        peer,
        peer[0] === 'node:crypto' ? { most: 1.4 } : undefined,
      ),
    ),
    notes: dpop ? [] : ['`dpop` is not installed: npm --prefix bench ci'],
  };
}

/** What anybody would write who trusts what is to be signed. */
function signBare(key: KeyObject, header: object, claims: object): string {
  const input = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = sign('sha256', Buffer.from(input), { key, ...signatureEncoding('ES256') });
  return `${input}.${signature.toString('base64url')}`;
}
