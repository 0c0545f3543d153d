import { generateKeyPairSync } from 'node:crypto';
import { checkGrant } from '@helseid-zones/protocol/check-grant';
import { composeToken, type UnsignedToken } from '@helseid-zones/protocol/compose';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { Intent } from '@helseid-zones/protocol/intents';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import { parseSignRequest } from '@helseid-zones/protocol/parse';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { full } from '../../full.ts';
import { testGrant } from './grant-fixture.ts';

const grant = testGrant({ requestObjects: true, assertions: { details: 'any' } });
const key = describePublicKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey, 'ES256');
const fresh = { now: 1_790_000_000_000, jti: 'jti' };
const { issuer, clientId } = grant;

const details = [{ type: 'helseid_authorization', child: '974760673' }];
const BASES = [
  { kind: 'client_assertion', client: 'journal', issuer },
  { kind: 'dpop_proof', client: 'journal', method: 'POST', url: `${issuer}/connect/token` },
  { kind: 'request_object', client: 'journal', issuer, parameters: { response_type: 'code' } },
];
/** Values that are right somewhere, so that requests get past the first check. */
const RIGHT = [
  ...BASES.flatMap((base) => Object.values(base)),
  details,
  key.thumbprint,
  'newest',
  'a-nonce',
  { scope: 'openid', state: 's', max_age: '0' },
];
const NAMES = [
  'kind',
  'client',
  'issuer',
  'method',
  'url',
  'nonce',
  'ath',
  'kid',
  'key',
  'parameters',
  'assertionDetails',
  'authorizationDetails',
  'iss',
  'sub',
  'aud',
  'exp',
  'jti',
  'htm',
  'htu',
  'typ',
  'alg',
  'jwk',
  'header',
  'claims',
  '__proto__',
];
const times = { iat: 1_790_000_000, nbf: 1_789_999_995, exp: 1_790_000_008, jti: 'jti' };

/** What each kind of token may hold: the header and the claims that are always the same, and the claims that may be there. */
const COMPOSED: Record<Intent['kind'], { header: object; claims: object; more: readonly string[] }> = {
  client_assertion: {
    header: { alg: 'ES256', typ: 'client-authentication+jwt', kid: key.thumbprint },
    claims: { iss: clientId, sub: clientId, aud: issuer, ...times },
    more: ['assertion_details'],
  },
  dpop_proof: {
    header: { alg: 'ES256', typ: 'dpop+jwt', jwk: key.jwk },
    claims: { jti: 'jti', iat: times.iat },
    more: ['htm', 'htu', 'nonce', 'ath'],
  },
  request_object: {
    header: { alg: 'ES256', typ: 'oauth-authz-req+jwt', kid: key.thumbprint },
    claims: { iss: clientId, client_id: clientId, aud: issuer, ...times },
    more: ['response_type', 'scope', 'state', 'max_age', 'authorization_details'],
  },
};

/** What the signer would sign; nothing where it refuses. */
function compose(event: unknown): { intent: Intent; token: UnsignedToken } | undefined {
  try {
    const [intent] = parseSignRequest(event);
    if (!intent) return undefined;
    checkGrant(intent, grant);
    return { intent, token: composeToken(intent, grant, key, fresh) };
  } catch (error) {
    if (error instanceof ZonesError) return undefined;
    throw error;
  }
}

test('I3: whatever an intent holds, only what the signer composes is signed, and no kind passes for another', () => {
  const value = fc.oneof({ weight: 3, arbitrary: fc.constantFrom<unknown>(...RIGHT) }, fc.jsonValue());
  const changes = fc.dictionary(fc.constantFrom(...NAMES), value, { maxKeys: 3 });
  const signed = new Map<string, number>();
  fc.assert(
    fc.property(fc.constantFrom(...BASES), changes, (base, change) => {
      // As it comes over an invocation.
      const composed = compose(JSON.parse(JSON.stringify({ intents: [{ ...base, ...change }] })));
      if (!composed) return;
      const { kind } = composed.intent;
      const { header, claims } = composed.token;
      const wanted = COMPOSED[kind];
      signed.set(kind, (signed.get(kind) ?? 0) + 1);
      expect(header).toEqual(wanted.header);
      expect(claims).toMatchObject(wanted.claims);
      const allowed = [...Object.keys(wanted.claims), ...wanted.more];
      expect(Object.keys(claims).filter((name) => !allowed.includes(name))).toEqual([]);
    }),
    { numRuns: full(3000) },
  );
  // It is not all refused.
  for (const kind of Object.keys(COMPOSED)) expect(signed.get(kind)).toBeGreaterThan(full(30));
});
