import { MAX_REQUEST_BYTES, parseSignRequest } from '@helseid-zones/protocol/parse';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coded } from '../coded.ts';
import { full } from '../full.ts';

const sha256 = 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg';
const issuer = 'https://helseid-sts.test.nhn.no';
const assertion = { kind: 'client_assertion', client: 'journal', issuer };
const proof = { kind: 'dpop_proof', client: 'journal', method: 'POST', url: `${issuer}/connect/token` };
const requestObject = {
  kind: 'request_object',
  client: 'journal',
  issuer,
  parameters: { response_type: 'code', redirect_uri: 'https://journal.example.no/callback' },
};
const parameters = (of: object) => ({ ...requestObject, parameters: of });
const details = (...of: unknown[]) => ({ ...assertion, assertionDetails: of });

const coding = { code: 'x', system: 'urn:oid:1' };
const unit = { id: 'x', system: 'urn:oid:1' };
/** Everything that may be there, down to the deepest value that is taken. */
const trustFramework = {
  type: 'nhn:tillitsrammeverk:parameters',
  practitioner: { authorization: coding, legal_entity: unit, point_of_care: unit, department: unit },
  care_relationship: {
    healthcare_service: coding,
    purpose_of_use: coding,
    purpose_of_use_details: coding,
    decision_ref: { id: 'x', user_selected: true },
  },
  patients: [{ point_of_care: unit, department: unit }],
};

const LONG = 'a'.repeat(64);
/** As Lambda hands it over: JSON, so that `__proto__` is a key like any other. */
const parse = (json: string) => parseSignRequest(JSON.parse(json));
const parseOne = (intent: unknown) => parseSignRequest({ intents: [intent] });

describe('taken', () => {
  test.each([
    ['an assertion', assertion],
    ['an assertion by the newest key', { ...assertion, key: 'newest' }],
    ['an assertion by the current key', { ...assertion, key: 'current' }],
    ['a pinned assertion', { ...assertion, kid: sha256 }],
    ['an assertion with details', details({ type: 'helseid_authorization', child: '974760673' })],
    ['an assertion for a journal', details({ type: 'nhn:sfm:journal-id', journalId: 'x' })],
    ['an assertion with a trust framework', details(trustFramework)],
    ['a proof', proof],
    ['a proof with the longest there are', { ...proof, method: 'M'.repeat(16), nonce: 'n'.repeat(1024) }],
    ['a proof for the longest URL', { ...proof, url: 'u'.repeat(4096) }],
    ['a proof with everything', { ...proof, nonce: 'a!~', ath: sha256, kid: sha256 }],
    ['a request object', requestObject],
    ['resources', parameters({ resource: ['https://a.example.no', 'urn:b'], max_age: '0' })],
  ])('%s', (_name, intent) => {
    expect(parseOne(intent)).toEqual([intent]);
  });

  test('eight intents in their order', () => {
    const intents = Array.from({ length: 8 }, (_, index) => ({ ...proof, nonce: `n${index}` }));
    expect(parseSignRequest({ intents })).toEqual(intents);
  });
});

describe('refused', () => {
  test.each([
    ['undefined', undefined],
    ['null', null],
    ['a string', 'x'],
    ['an array', []],
    ['nothing in it', {}],
    ['no intents', { intents: [] }],
    ['nine intents', { intents: Array.from({ length: 9 }, () => proof) }],
    ['an object of intents', { intents: { 0: proof } }],
    ['an extra field', { intents: [proof], client: 'journal' }],
    ['a header for the signer to sign', { intents: [proof], header: { alg: 'none' } }],
  ])('%s: request_malformed', (_name, event) => {
    expect(() => parseSignRequest(event)).toThrow(coded('request_malformed'));
  });

  test('more than eight intents are told how many there may be', () => {
    const of = (length: number) => ({ intents: Array.from({ length }, () => proof) });
    expect(() => parseSignRequest(of(9))).toThrow(coded('request_malformed', /intents takes 1 to 8 intents/));
    expect(parseSignRequest(of(8))).toHaveLength(8);
  });

  test.each([
    ['null', null],
    ['a string', 'dpop_proof'],
    ['an unknown kind', { ...proof, kind: 'jws' }],
    ['no kind', { client: 'journal', issuer }],
    ['a kind that every object inherits', { ...proof, kind: 'constructor' }],
    ['a field of another kind', { ...assertion, url: proof.url }],
    ['an extra field', { ...assertion, sub: 'somebody' }],
    ['claims', { ...proof, claims: { sub: 'x' } }],
    ['a missing field', { kind: 'dpop_proof', client: 'journal', url: proof.url }],
    ['a field of the wrong type', { ...proof, url: { href: proof.url } }],
    ['a number for text', { ...assertion, issuer: 1 }],
    ['null for an optional field', { ...proof, nonce: null }],
    ['an empty string', { ...assertion, issuer: '' }],
    ['a client that is no name', { ...assertion, client: 'Journal' }],
    ['a method in lower case', { ...proof, method: 'post' }],
    ['a method with a space', { ...proof, method: 'POST ' }],
    ['a method behind something', { ...proof, method: 'xPOST' }],
    ['no method', { ...proof, method: '' }],
    ['a method of 17 letters', { ...proof, method: 'M'.repeat(17) }],
    ['no URL', { ...proof, url: '' }],
    ['a URL of 4,097 characters', { ...proof, url: 'u'.repeat(4097) }],
    ['a nonce behind something', { ...proof, nonce: ' a' }],
    ['an empty nonce', { ...proof, nonce: '' }],
    ['a nonce with a quote', { ...proof, nonce: 'a"b' }],
    ['a nonce with a space', { ...proof, nonce: 'a b' }],
    ['a nonce of 1,025 characters', { ...proof, nonce: 'a'.repeat(1025) }],
    ['an ath that is too short', { ...proof, ath: sha256.slice(1), kid: sha256 }],
    ['an ath with something behind', { ...proof, ath: `${sha256}x`, kid: sha256 }],
    ['an ath behind something', { ...proof, ath: `x${sha256}`, kid: sha256 }],
    ['a kid with something behind', { ...proof, kid: `${sha256}x` }],
    ['a kid behind something', { ...assertion, kid: `x${sha256}` }],
    ['an ath that is not canonical base64url', { ...proof, ath: `${sha256.slice(0, 42)}h`, kid: sha256 }],
    ['an ath without a kid', { ...proof, ath: sha256 }],
    ['a kid that is no thumbprint', { ...proof, kid: 'arn:aws:kms:x' }],
    ['a kid and a choice', { ...assertion, kid: sha256, key: 'newest' }],
    ['an unknown choice of key', { ...assertion, key: 'oldest' }],
    ['no details in the list', details()],
    ['details that are no list', { ...assertion, assertionDetails: { type: 'helseid_authorization' } }],
    ['an unknown type of detail', details({ type: 'x' })],
    ['an unknown field in a detail', details({ type: 'helseid_authorization', orgnr: '1' })],
    ['a control character', { ...assertion, issuer: `${issuer}\n` }],
    ['a line separator', { ...assertion, issuer: `${issuer}\u2028` }],
    ['a bidirectional override', { ...assertion, issuer: `${issuer}\u202e` }],
    ['half a surrogate pair', { ...assertion, issuer: `${issuer}\ud800` }],
    ['text that is too long', { ...assertion, issuer: 'a'.repeat(5000) }],
    ['nesting that is too deep', { ...assertion, assertionDetails: [[[[[[[[[[1]]]]]]]]]] }],
  ])('%s: intent_malformed', (_name, intent) => {
    expect(() => parseOne(intent)).toThrow(coded('intent_malformed'));
  });

  test.each([
    ['a proof without kid', { ...proof, ath: sha256 }, 'kid', /pin the key/],
    ['a kid and a choice', { ...assertion, kid: sha256, key: 'newest' }, 'key', /pinned/],
    ['a parameter', parameters({ state: 'æ' }), 'parameters.state', /signed/],
    ['no method', { ...proof, method: '' }, 'method', /right form/],
    ['a control character', { ...proof, nonce: '\u0085' }, 'nonce', /control/],
    ['a long text', { ...proof, nonce: 'n'.repeat(4097) }, 'nonce', /too long/],
    [
      'nesting',
      { ...proof, nonce: { a: { b: { c: { d: { e: { f: 1 } } } } } } },
      'nonce.a.b.c.d.e.f',
      /too deep/,
    ],
    ['a field name with a digit', parameters({ a1: 'x' }), 'parameters', /not allowed/],
    ['a field name behind a digit', parameters({ '1a': 'x' }), 'parameters', /not allowed/],
    ['a long field name', parameters({ ['a'.repeat(65)]: 'x' }), 'parameters', /not allowed/],
    ['an inherited name', parameters({ valueOf: 'x' }), 'parameters', /not allowed/],
    ['a field name that is just short enough', parameters({ [LONG]: 'x' }), `parameters.${LONG}`, /signed/],
  ])('%s is told by its field', (_name, intent, field, message) => {
    expect(() => parseSignRequest({ intents: [proof, intent] })).toThrow(
      expect.objectContaining({
        code: 'intent_malformed',
        facts: { field: `intents.1.${field}` },
        message: expect.stringMatching(message),
      }),
    );
  });

  test('what is wrong with the whole request has no field', () => {
    expect(() => parseSignRequest('x')).toThrow(
      expect.objectContaining({ facts: { field: '' }, message: expect.stringMatching(/^The request is/) }),
    );
    const cyclic: { intents: unknown[] } = { intents: [] };
    cyclic.intents.push(cyclic);
    expect(() => parseSignRequest(cyclic)).toThrow(coded('request_too_large'));
  });

  test.each([
    ['__proto__ in the request', `{"intents":[${JSON.stringify(proof)}],"__proto__":{"x":1}}`],
    ['__proto__ in an intent', `{"intents":[{"kind":"dpop_proof","__proto__":{"kid":"x"}}]}`],
    [
      '__proto__ in parameters',
      `{"intents":[{"kind":"request_object","client":"journal","issuer":"${issuer}","parameters":{"__proto__":"x"}}]}`,
    ],
    ['constructor in an intent', `{"intents":[{"kind":"dpop_proof","constructor":{"prototype":{}}}]}`],
    ['toString in an intent', `{"intents":[{"kind":"dpop_proof","toString":"x"}]}`],
    ['a key with a control character', `{"intents":[{"kind":"dpop_proof","a\\nb":"x"}]}`],
  ])('%s', (_name, json) => {
    expect(() => parse(json)).toThrow(/not allowed/);
    expect(Object.hasOwn(Object.prototype, 'x')).toBe(false);
  });

  test.each([
    ['sub', { sub: 'somebody' }],
    ['iss', { iss: 'somebody' }],
    ['aud', { aud: 'x' }],
    ['exp', { exp: '1' }],
    ['client_id', { client_id: 'another' }],
    ['request_uri', { request_uri: 'urn:x' }],
    ['client_assertion', { client_assertion: 'x' }],
    ['authorization_details as text', { authorization_details: '[]' }],
    ['the implicit flow', { response_type: 'token' }],
    ['plain PKCE', { code_challenge_method: 'plain' }],
    ['an http redirect', { redirect_uri: 'http://journal.example.no/callback' }],
    ['a redirect with a fragment', { redirect_uri: 'https://journal.example.no/#x' }],
    ['a max_age that is no number', { max_age: '1e3' }],
    ['a scope with two spaces', { scope: 'openid  profile' }],
    ['a list for one value', { scope: ['openid'] }],
    ['an empty list', { resource: [] }],
    ['a fragment response', { response_mode: 'fragment' }],
  ])('a request object with %s', (_name, parameters) => {
    expect(() => parseOne({ ...requestObject, parameters })).toThrow(coded('intent_malformed'));
  });

  test('over 16 KiB, before anything else is looked at', () => {
    const padding = (length: number) => ({ intents: [], padding: 'æ'.repeat(length) });
    const overhead = JSON.stringify(padding(0)).length;
    const most = (MAX_REQUEST_BYTES - overhead) / 2;
    expect(() => parseSignRequest(padding(most + 1))).toThrow(coded('request_too_large'));
    expect(() => parseSignRequest(padding(Math.floor(most)))).toThrow(coded('request_malformed'));
  });

  test('nesting that only JSON.parse bears', () => {
    const depth = 200_000;
    expect(() => parse(`{"intents":${'['.repeat(depth)}${']'.repeat(depth)}}`)).toThrow(
      coded('request_too_large'),
    );
  });

  test('anything at all, with a coded error that does not repeat it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.string({ minLength: 12 }), (value, secret) => {
        for (const event of [
          value,
          { intents: value },
          { intents: [value] },
          { intents: [{ ...proof, nonce: `"${secret}` }] },
        ]) {
          try {
            parseSignRequest(event);
          } catch (error) {
            expect(error).toMatchObject({
              name: 'ZonesError',
              code: expect.stringMatching(/malformed|too_large/),
            });
            expect(String(error)).not.toContain(secret);
            continue;
          }
          expect.unreachable();
        }
      }),
      { numRuns: full(300) },
    );
  });
});
