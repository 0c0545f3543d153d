import { readFileSync } from 'node:fs';
import type { Algorithm } from '@helseid-zones/protocol/algorithms';
import { composeToken } from '@helseid-zones/protocol/compose';
import type { Intent } from '@helseid-zones/protocol/intents';
import { type PublicJwk, thumbprintOf, type VerificationKey } from '@helseid-zones/protocol/jwk';
import { fapi2Profile } from '@helseid-zones/protocol/profile';
import { compactVerify, decodeJwt, decodeProtectedHeader, importJWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { GOLDEN_INTENTS, GOLDEN_JTI, GOLDEN_NOW, GOLDEN_SUBJECT } from '../golden/intents.ts';

type Golden = Record<Algorithm, { jwk: PublicJwk; tokens: Record<keyof typeof GOLDEN_INTENTS, string> }>;

const golden: Golden = JSON.parse(readFileSync(new URL('../golden/tokens.json', import.meta.url), 'utf8'));
const fresh = { now: GOLDEN_NOW, jti: GOLDEN_JTI };
const names = Object.keys(GOLDEN_INTENTS) as (keyof typeof GOLDEN_INTENTS)[];

function keyOf(algorithm: Algorithm): VerificationKey {
  const { jwk } = golden[algorithm];
  return { algorithm, jwk, thumbprint: thumbprintOf(jwk) };
}

describe.each(Object.keys(golden) as Algorithm[])('golden tokens, %s', (algorithm) => {
  test.each(names)('%s: the same bytes are signed, and the signature verifies', async (name) => {
    const { jwk, tokens } = golden[algorithm];
    const { signingInput } = composeToken(GOLDEN_INTENTS[name], GOLDEN_SUBJECT, keyOf(algorithm), fresh);
    expect(signingInput).toBe(tokens[name].split('.').slice(0, 2).join('.'));
    await compactVerify(tokens[name], await importJWK(jwk, algorithm), { algorithms: [algorithm] });
  });
});

const compose = (intent: Intent) => composeToken(intent, GOLDEN_SUBJECT, keyOf('ES256'), fresh);
const { iat, kid } = { iat: 1_795_518_000, kid: keyOf('ES256').thumbprint };

test('an assertion, member by member', () => {
  const { header, claims } = compose(GOLDEN_INTENTS.assertion);
  expect(header).toEqual({ alg: 'ES256', typ: 'client-authentication+jwt', kid });
  expect(claims).toEqual({
    iss: GOLDEN_SUBJECT.clientId,
    sub: GOLDEN_SUBJECT.clientId,
    aud: 'https://helseid-sts.test.nhn.no',
    jti: GOLDEN_JTI,
    iat,
    nbf: iat - 5,
    exp: iat + 8,
  });
});

test('at a plain FAPI 2.0 issuer assertion and request object are as OpenID Connect has them', () => {
  const subject = { ...GOLDEN_SUBJECT, profile: fapi2Profile };
  const composed = (name: keyof typeof GOLDEN_INTENTS) =>
    composeToken(GOLDEN_INTENTS[name], subject, keyOf('ES256'), fresh);
  expect(composed('assertion')).toMatchObject({
    header: { alg: 'ES256', typ: 'JWT', kid },
    claims: { iat, nbf: iat - 5, exp: iat + 60 },
  });
  expect(composed('requestObject').header.typ).toBe('oauth-authz-req+jwt');
  expect(fapi2Profile).toMatchObject({
    idTokenAlgorithm: 'PS256',
    accessTokenAlgorithm: 'PS256',
    proofAtPar: false,
  });
});

test('a proof, member by member: no query, no exp, the key’s public members only', () => {
  const { header, claims } = compose(GOLDEN_INTENTS.apiProof);
  expect(header).toEqual({ alg: 'ES256', typ: 'dpop+jwt', jwk: golden.ES256.jwk });
  expect(claims).toEqual({
    jti: GOLDEN_JTI,
    htm: 'GET',
    htu: 'https://summaries.example.no/v1/summaries/42',
    iat,
  });
});

test('a proof carries nonce and ath where they are given', () => {
  const ath = 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg';
  const { claims } = compose({ ...GOLDEN_INTENTS.tokenProof, ath, kid });
  expect(claims).toMatchObject({ nonce: GOLDEN_INTENTS.tokenProof.nonce, ath });
});

test('a request object, member by member: its own typ, never sub, max_age a number', () => {
  const { header, claims } = compose(GOLDEN_INTENTS.requestObject);
  expect(header).toEqual({ alg: 'ES256', typ: 'oauth-authz-req+jwt', kid });
  expect(claims).toEqual({
    ...GOLDEN_INTENTS.requestObject.parameters,
    max_age: 300,
    iss: GOLDEN_SUBJECT.clientId,
    client_id: GOLDEN_SUBJECT.clientId,
    aud: GOLDEN_SUBJECT.issuer,
    jti: GOLDEN_JTI,
    iat,
    nbf: iat - 5,
    exp: iat + 8,
  });
});

test('details go by the name each token has for them', () => {
  const details = GOLDEN_INTENTS.assertionWithChild.assertionDetails;
  const { claims } = compose({ ...GOLDEN_INTENTS.requestObject, authorizationDetails: details });
  const assertion = compose(GOLDEN_INTENTS.assertionWithChild);
  expect(claims['authorization_details']).toEqual(assertion.claims['assertion_details']);
  expect(claims).not.toHaveProperty('assertion_details');
});

test('parameters can’t take the place of what the signer sets', () => {
  const parameters = { iss: 'x', aud: 'x', exp: '1' };
  const { claims } = compose({ ...GOLDEN_INTENTS.requestObject, parameters });
  expect(claims).toMatchObject({ iss: GOLDEN_SUBJECT.clientId, aud: GOLDEN_SUBJECT.issuer, exp: iat + 8 });
});

test('another issuer’s profile shapes the token as data', () => {
  const profile = {
    ...GOLDEN_SUBJECT.profile,
    assertionTyp: 'JWT',
    assertionLifetime: 60,
    assertionBackdate: 0,
  };
  const subject = { ...GOLDEN_SUBJECT, issuer: 'https://as.example.org/realms/x/', profile };
  const { signingInput } = composeToken(GOLDEN_INTENTS.assertion, subject, keyOf('PS256'), fresh);
  const token = `${signingInput}.`;
  expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'PS256', typ: 'JWT' });
  expect(decodeJwt(token)).toMatchObject({ aud: subject.issuer, nbf: iat, exp: iat + 60 });
});
