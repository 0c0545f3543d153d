import { isZonesError } from '@helseid-zones/protocol/errors';
import fc from 'fast-check';
import { base64url } from 'jose';
import { expect, test } from 'vitest';
import { challengeFor } from '../../../functions/authorizer/challenge.ts';
import { validateAccess } from '../../../functions/authorizer/validate-access.ts';
import { full } from '../../full.ts';
import { makeKeys, makePorts, makeRequest, RULES } from './make-request.ts';

const keys = await makeKeys();

const headerText = fc.string({ unit: 'binary-ascii', maxLength: 60 });
const jws = fc
  .tuple(fc.json({ maxDepth: 2 }), fc.json({ maxDepth: 2 }), fc.string({ maxLength: 20 }))
  .map(([header, payload, signature]) =>
    [header, payload, signature].map((part) => base64url.encode(part)).join('.'),
  );
const proofHeader = fc
  .record({
    typ: fc.constantFrom('dpop+jwt', 'JWT', null, 1),
    alg: fc.constantFrom('ES256', 'PS256', 'none', 'HS256', null, 1),
    jwk: fc.oneof(
      fc.jsonValue({ maxDepth: 1 }),
      fc.record({
        kty: fc.constantFrom('EC', 'RSA', 'oct', 'OKP'),
        crv: fc.string(),
        x: fc.string(),
        n: fc.string(),
      }),
    ),
    crit: fc.constantFrom(undefined, ['exp'], 'x'),
  })
  .map((header) => `${base64url.encode(JSON.stringify(header))}.e30.AAAA`);

test('whatever is sent as token or proof is refused with a code and a challenge, and nothing is remembered', async () => {
  const ports = makePorts(keys.issuer.jwk);
  const good = await makeRequest(keys);
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(headerText, jws, proofHeader),
      fc.constantFrom('authorization', 'dpop'),
      async (value, where) => {
        const sent = where === 'authorization' ? `DPoP ${value}` : value;
        const headers = good.headers.map(
          ([name, old]) => [name, name.toLowerCase() === where ? sent : old] as const,
        );
        const error = await validateAccess({ ...good, headers }, RULES, ports).catch(
          (thrown: unknown) => thrown,
        );
        expect(isZonesError(error) && challengeFor(error, RULES)?.status).toBe(401);
      },
    ),
    { numRuns: full(500) },
  );
  expect(ports.claimed).toEqual([]);
});
