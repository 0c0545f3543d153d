import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createMemorySigner } from '@helseid-zones/client/create-signer';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { SignJWT } from 'jose';
import { type Figure, inTurns, type Scale } from './figures.ts';

const URL_CALLED = 'https://api.example.no/v1/summaries/17';

/** Reading an intent, composing a proof and signing it in memory, beside libraries that compose one, and beside node:crypto alone. */
export async function benchSigning({ rounds, share }: Scale): Promise<Figure[]> {
  const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = 'https://issuer.example.no';
  const subject = { clientId: 'bench', issuer, tenancy: 'single-tenant', profile: helseIdProfile } as const;
  const keys = [{ privateKey: key, algorithm: 'ES256' }] as const;
  const signer = createMemorySigner({ client: 'bench', subject, keys: [keys[0]] });
  const intent = { kind: 'dpop_proof', client: 'bench', method: 'GET', url: URL_CALLED } as const;
  const header = { alg: 'ES256', typ: 'dpop+jwt', jwk: describePublicKey(key, 'ES256').jwk };
  const claimed = { htm: 'GET', htu: URL_CALLED };
  const claims = () => ({ jti: randomUUID(), ...claimed, iat: Math.floor(Date.now() / 1000) });
  // Named at run time: it is there only for who measures (npm --prefix bench ci).
  const dpop = await import(['dpop'].join('')).catch(() => undefined);
  const pair = await dpop?.generateKeyPair('ES256');
  const runs: Record<string, () => unknown> = {
    here: () => signer.sign([intent]),
    'node:crypto': () => {
      const input = [header, claims()]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.');
      const signature = sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
      return `${input}.${signature.toString('base64url')}`;
    },
    jose: () => new SignJWT(claims()).setProtectedHeader(header).sign(key),
    'dpop, npm --prefix bench ci': () => dpop?.generateProof(pair, URL_CALLED, 'GET'),
  };
  const measure = (run: () => unknown) => async () => {
    const start = process.cpuUsage();
    for (let call = 0; call < 2000 * share; call++) await run();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / (2000 * share);
  };
  const [here = [], ...others] = await inTurns(rounds * 3, Object.values(runs).map(measure));
  const [, ...names] = Object.keys(runs);
  return names.map((name, index) => {
    const missing = index === 2 && !dpop;
    return {
      what: 'a proof in memory, processor time',
      unit: 'µs',
      here,
      peer: missing ? [`${name}: missing`, []] : [name, others[index] ?? []],
      target: index === 0 ? ['ratio', 'most', 1.4] : undefined,
    };
  });
}
