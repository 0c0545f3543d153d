import { checkGrant, matchesPath } from '@helseid-zones/protocol/check-grant';
import type { AllowedDetail, Grant } from '@helseid-zones/protocol/grant';
import type { AssertionDetail, Intent, ProofIntent } from '@helseid-zones/protocol/intents';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyUrl } from '../any-text.ts';
import { coded } from '../coded.ts';
import { FULL, full } from '../full.ts';
import { testGrant } from '../functions/signer/grant-fixture.ts';

const grant = testGrant();
const assertion: Intent = { kind: 'client_assertion', client: 'journal', issuer: grant.issuer };
const requestObject: Intent = { ...assertion, kind: 'request_object', parameters: { response_type: 'code' } };
const proof = (method: string, url: string): Intent => ({
  kind: 'dpop_proof',
  client: 'journal',
  method,
  url,
});
const SUMMARIES = 'https://summaries.example.no';

describe('proofs', () => {
  test.each([
    ['POST', 'https://helseid-sts.test.nhn.no/connect/token', 'POST https://helseid-sts.test.nhn.no/*'],
    ['POST', 'https://helseid-sts.test.nhn.no/', 'POST https://helseid-sts.test.nhn.no/*'],
    ['GET', `${SUMMARIES}/v1/summaries/42?x=1`, `GET ${SUMMARIES}/v1/summaries/*`],
    ['GET', `${SUMMARIES}/v1/status`, `GET ${SUMMARIES}/v1/status`],
  ])('%s %s is granted, and audited as its pattern', (method, url, target) => {
    expect(checkGrant(proof(method, url), grant)).toBe(target);
  });

  test.each([
    ['GET', 'https://helseid-sts.test.nhn.no/connect/token'],
    ['POST', 'https://summaries.example.no/v1/summaries/42'],
    ['HEAD', 'https://summaries.example.no/v1/summaries/42'],
    ['GET', 'https://summaries.example.no/v1/summaries'],
    ['GET', 'https://summaries.example.no/v1/summaries-of-others/1'],
    ['GET', 'https://summaries.example.no/v1/status/x'],
    ['GET', 'https://summaries.example.no/V1/summaries/42'],
    ['GET', 'https://summaries.example.no:444/v1/summaries/42'],
    ['GET', 'https://summaries.example.no.evil.example/v1/summaries/42'],
    ['GET', 'https://evil.example/v1/summaries/42'],
    ['GET', 'https://evil.example/?https://summaries.example.no/v1/summaries/42'],
    ['GET', 'https://summaries.example.no./v1/summaries/42'],
  ])('%s %s is refused', (method, url) => {
    expect(() => checkGrant(proof(method, url), grant)).toThrow(
      coded('grant_refused', undefined, { field: 'url' }),
    );
  });

  test.each([
    'http://summaries.example.no/v1/summaries/42',
    'https://summaries.example.no/v1/summaries/../admin',
  ])('%s is malformed', (url) => {
    expect(() => checkGrant(proof('GET', url), grant)).toThrow(coded('intent_malformed'));
  });

  // An API may lie at its issuer's origin, all of which the issuer's target covers.
  describe('at the issuer’s origin', () => {
    const accounts = { origin: grant.issuer, methods: ['GET'], paths: ['/accounts'], ath: true };
    const zone = testGrant({ proofs: [...grant.proofs, accounts] });
    const withToken = (method: string, path: string): Intent => ({
      ...(proof(method, `${grant.issuer}${path}`) as ProofIntent),
      ath: 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg',
      kid: 'one',
    });

    test.each([
      ['POST', '/transfers'],
      ['POST', '/accounts'],
      ['POST', '/connect/token'],
    ])('a proof with ath is refused for %s %s, and allowed without', (method, path) => {
      expect(() => checkGrant(withToken(method, path), zone)).toThrow(
        coded('grant_refused', undefined, { field: 'ath' }),
      );
      expect(checkGrant(proof(method, `${grant.issuer}${path}`), zone)).toBe(`POST ${grant.issuer}/*`);
    });

    test('a proof with ath is allowed for the call that the grant names, and for no other method', () => {
      expect(checkGrant(withToken('GET', '/accounts'), zone)).toBe(`GET ${grant.issuer}/accounts`);
      expect(() => checkGrant(withToken('GET', '/transfers'), zone)).toThrow(
        coded('grant_refused', undefined, { field: 'url' }),
      );
    });
  });

  test('only a URL of a granted origin, method and pattern ever passes', () => {
    const part = fc.constantFrom('v1', 'summaries', 'status', '42', 'x', '..', '%2e', '?a', '');
    const host = fc.constantFrom('summaries.example.no', 'helseid-sts.test.nhn.no', 'evil.example');
    const urls = fc
      .tuple(host, fc.array(part, { maxLength: 4 }))
      .map(([name, parts]) => `https://${name}/${parts.join('/')}`);
    let passed = 0;
    fc.assert(
      fc.property(fc.constantFrom('GET', 'POST'), fc.oneof(urls, anyUrl), (method, url) => {
        let target: string | undefined;
        try {
          target = checkGrant(proof(method, url), grant);
        } catch {
          return;
        }
        passed += 1;
        const [, pattern = ''] = target.split(' ');
        expect(target.startsWith(`${method} `)).toBe(true);
        const [called = ''] = url.split('?');
        if (pattern.endsWith('/*')) expect(called.startsWith(pattern.slice(0, -1))).toBe(true);
        else expect(called).toBe(pattern);
      }),
      { numRuns: full(1000), examples: [['GET', 'https://summaries.example.no/v1/summaries/42']] },
    );
    // A property that nothing passes would show nothing: the example does, and of a thousand many.
    expect(passed).toBeGreaterThan(FULL ? 20 : 0);
  });
});

test.each([
  ['/a/*', '/a/b', true],
  ['/a/*', '/a/', true],
  ['/a/*', '/a', false],
  ['/a/*', '/ab/c', false],
  ['/*', '/', true],
  ['/a', '/a', true],
  ['/a', '/a/', false],
  ['/a*', '/ab', false],
])('%s covers %s: %s', (pattern, path, expected) => {
  expect(matchesPath(pattern, path)).toBe(expected);
});

test.each<[string, Intent, field: string]>([
  ['another client', { ...assertion, client: 'other' }, 'client'],
  ['an issuer with a slash more', { ...assertion, issuer: `${grant.issuer}/` }, 'issuer'],
  ['another issuer', { ...assertion, issuer: 'https://helseid-sts.nhn.no' }, 'issuer'],
  ['a request object', requestObject, 'kind'],
  ['a request object for another', { ...requestObject, issuer: 'https://helseid-sts.nhn.no' }, 'issuer'],
  ['a proof for another', { ...proof('POST', `${grant.issuer}/connect/token`), client: 'other' }, 'client'],
])('refused: %s', (_name, intent, field) => {
  expect(() => checkGrant(intent, grant)).toThrow(coded('grant_refused', undefined, { field }));
});

test('allowed: an assertion; a request object where they are granted', () => {
  expect(checkGrant(assertion, grant)).toBe(grant.issuer);
  expect(checkGrant(requestObject, { ...grant, requestObjects: true })).toBe(grant.issuer);
});

describe('organisation details', () => {
  const child = '974760673';
  const parent = '983658776';
  const type = 'helseid_authorization';
  const org = (numbers: { parent?: string; child?: string }): AssertionDetail => ({ type, ...numbers });
  const sfm = (journalId: string): AssertionDetail => ({ type: 'nhn:sfm:journal-id', journalId });
  const uuid = '30f4ab40-dbc2-41a7-8ac4-181ad3fdc25b';
  const single = (details: Grant['assertions']['details']) => testGrant({ assertions: { details } });
  const multi = (details: Grant['assertions']['details']) =>
    testGrant({ tenancy: 'multi-tenant', assertions: { details } });
  const unit = { id: parent, system: 'urn:oid:2.16.578.1.12.4.1.4.101' };
  const trust: AssertionDetail = {
    type: 'nhn:tillitsrammeverk:parameters',
    practitioner: {
      authorization: { code: 'LE', system: 'urn:oid:2.16.578.1.12.4.1.1.9060' },
      legal_entity: unit,
      point_of_care: unit,
    },
    care_relationship: {
      healthcare_service: { code: 'S03', system: 'urn:oid:2.16.578.1.12.4.1.1.8655' },
      purpose_of_use: { code: 'TREAT', system: 'urn:oid:2.16.840.1.113883.1.11.20448' },
    },
    patients: [],
  };
  const list = (...allowed: AllowedDetail[]) => allowed;
  const FRAMEWORK = single(list({ type: trust.type }));
  const ANY_CHILD = multi(list({ type, parent, child: '*' }));
  const wrong = { ...trust, patients: [{ point_of_care: { ...unit, id: '1' } }] };
  /** The same details in a request object. */
  const inObject = (authorizationDetails: AssertionDetail[], allowing: Grant) =>
    checkGrant({ ...requestObject, authorizationDetails }, { ...allowing, requestObjects: true });

  test.each<[string, Grant, AssertionDetail[]]>([
    ['any', single('any'), [org({ child })]],
    ['any, multi-tenant', multi('any'), [org({ parent, child }), sfm(uuid)]],
    ['a listed child', single(list({ type, child })), [org({ child })]],
    ['a star', single(list({ type, child: '*' })), [org({ child })]],
    ['a listed parent alone', multi(list({ type, parent })), [org({ parent })]],
    ['a listed parent and any child', multi(list({ type, parent, child: '*' })), [org({ parent, child })]],
    ['one of several', multi(list({ type, parent: child }, { type, parent })), [org({ parent })]],
    ['a listed journal', multi(list({ type: 'nhn:sfm:journal-id', journalId: uuid })), [sfm(uuid)]],
    ['a trust framework that is listed', FRAMEWORK, [trust]],
    ['a trust framework, though any', single('any'), [trust]],
    ['any journal', multi(list({ type: 'nhn:sfm:journal-id', journalId: '*' })), [sfm(uuid)]],
  ])('allowed: %s', (_name, allowing, assertionDetails) => {
    expect(checkGrant({ ...assertion, assertionDetails }, allowing)).toBe(grant.issuer);
    expect(inObject(assertionDetails, allowing)).toBe(grant.issuer);
  });

  test.each<[string, Grant, AssertionDetail[], string?]>([
    ['none', single('none'), [org({ child })]],
    ['another child', single(list({ type, child })), [org({ child: parent })]],
    ['an empty list', single([]), [org({ child })]],
    ['a child where none is listed', multi(list({ type, parent })), [org({ parent, child })]],
    ['no child where a star wants one', ANY_CHILD, [org({ parent })]],
    ['another parent', ANY_CHILD, [org({ parent: child, child })]],
    ['a type that is not listed', multi(list({ type, parent })), [sfm(uuid)]],
    ['one of two', multi(list({ type, parent })), [org({ parent }), sfm(uuid)]],
    ['another journal', multi(list({ type: 'nhn:sfm:journal-id', journalId: child })), [sfm(uuid)]],
    ['a trust framework that is not listed', single(list({ type, child })), [trust]],
    ['a trust framework where none is', single('none'), [trust]],
    ['an organisation where a trust framework is listed', FRAMEWORK, [org({ child })]],
    ['a journal where a trust framework is listed', multi(list({ type: trust.type })), [sfm(uuid)]],
    ['a wrong trust framework, though listed', FRAMEWORK, [wrong], 'details_invalid'],
    ['another type than one without numbers', multi(list({ type })), [trust]],
    ['a wrong number, though any', single('any'), [org({ child: '123' })], 'details_invalid'],
    [
      'a wrong one, though a star',
      single(list({ type, child: '*' })),
      [org({ child: '123' })],
      'details_invalid',
    ],
  ])('refused: %s', (_name, allowing, assertionDetails, code = 'grant_refused') => {
    const refused = code === 'grant_refused' ? { code, facts: { field: 'assertionDetails' } } : { code };
    expect(() => checkGrant({ ...assertion, assertionDetails }, allowing)).toThrow(
      expect.objectContaining(refused),
    );
    expect(() => inObject(assertionDetails, allowing)).toThrow(coded(code));
  });
});
