import { sign as signBytes } from 'node:crypto';
import { ALGORITHMS, type Algorithm } from '@helseid-zones/protocol/algorithms';
import type { Grant } from '@helseid-zones/protocol/grant';
import type { Intent } from '@helseid-zones/protocol/intents';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import type { RawSignature } from '@helseid-zones/protocol/signature';
import refused from './conformance-refused.json' with { type: 'json' };
import { generateKey } from './create-signer.ts';

/**
 * What the conformance of a signer is tested with: what is asked for, what is refused, what may go wrong where the key is held.
 * @module
 */

/** Epoch milliseconds at which each case begins. */
export const START = 1_795_518_000_000;
/** The issuer of the cases' client. */
const ISSUER = 'https://helseid-sts.test.nhn.no';
/** The origin of the API that its grant covers. */
export const API = 'https://summaries.example.no';
/** The organisation that its grant allows. */
const CHILD = '974760673';

/** What the signer under test may sign. */
export const GRANT: Grant = {
  version: 1,
  system: 'journal',
  zone: 'public',
  client: 'journal',
  clientId: 'conformance-client',
  issuer: ISSUER,
  tenancy: 'single-tenant',
  profile: helseIdProfile,
  requestObjects: true,
  assertions: { details: [{ type: 'helseid_authorization', child: CHILD }] },
  proofs: [
    { origin: ISSUER, methods: ['POST'], paths: ['/*'], ath: false },
    { origin: API, methods: ['GET'], paths: ['/v1/summaries/*'], ath: true },
  ],
};

/** The plainest intents, one a kind. */
export const assertion = { kind: 'client_assertion', client: 'journal', issuer: ISSUER } as const;
const proof = { kind: 'dpop_proof', client: 'journal' } as const;
/** For the token endpoint. */
export const tokenProof = { ...proof, method: 'POST', url: `${ISSUER}/connect/token` } as const;
/** For the API, with a query, which no proof has. */
export const apiProof = { ...proof, method: 'GET', url: `${API}/v1/summaries/1?x=2` } as const;
const parameters = { response_type: 'code', scope: 'openid', state: 'af0ifjsldkj' };

/** One intent for each thing that is ever signed. */
const KINDS = {
  assertion,
  assertionForAChild: { ...assertion, assertionDetails: [{ type: 'helseid_authorization', child: CHILD }] },
  tokenProof,
  apiProof,
  requestObject: { kind: 'request_object', client: 'journal', issuer: ISSUER, parameters },
} as const satisfies Record<string, Intent>;

const iat = START / 1000;
const { assertionBackdate, assertionLifetime } = helseIdProfile;
const times = { iat, nbf: iat - assertionBackdate, exp: iat + assertionLifetime };
const own = { iss: GRANT.clientId, aud: ISSUER, ...times };
const identifier = { system: 'urn:oid:2.16.578.1.12.4.1.4.101', type: 'ENH', value: CHILD };
const organization = { type: 'helseid_authorization', practitioner_role: { organization: { identifier } } };
const CLAIMS: Readonly<Record<keyof typeof KINDS, object>> = {
  assertion: { ...own, sub: own.iss },
  assertionForAChild: { ...own, sub: own.iss, assertion_details: organization },
  tokenProof: { htm: 'POST', htu: tokenProof.url, iat },
  apiProof: { htm: 'GET', htu: `${API}/v1/summaries/1`, iat },
  requestObject: { ...own, client_id: own.iss, ...parameters },
};

/** What is signed, with every claim that it has beside `jti`. */
export const SIGNED = Object.entries(KINDS).map(
  ([name, intent]) => [name, intent, CLAIMS[name as keyof typeof KINDS]] as const,
);

/** A hash of some access token (RFC 9449 4.2). */
export const ATH = 'fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo';

/** What is refused before anything is signed, and with which code: `conformance-refused.json`, and what JSON has no words for. */
export const REFUSED: Readonly<Record<string, readonly [intent: unknown, code: string]>> = {
  ...Object.fromEntries(
    refused.map(({ name, intent, with: change, code }) => [
      ...[name, [{ ...KINDS[intent as keyof typeof KINDS], ...change }, code]],
    ]),
  ),
  'a prototype': [JSON.parse(`{"kind":"dpop_proof","__proto__":{}}`), 'intent_malformed'],
  'what is too large': [{ ...assertion, issuer: 'a'.repeat(17_000) }, 'request_too_large'],
  nothing: [undefined, 'request_malformed'],
};

/** A fault of what holds the key: the error that comes, or what becomes of a signature. */
export type Fault = (signed: RawSignature, algorithm: Algorithm) => RawSignature;

const throws =
  (name: string, status?: number): Fault =>
  () => {
    throw Object.assign(new Error('the key store says no'), { name, $metadata: { httpStatusCode: status } });
  };
const bend =
  (change: (bytes: Uint8Array) => Uint8Array): Fault =>
  ({ signature, format }) => ({ signature: change(Uint8Array.from(signature)), format });

/** What is no DER of two positive integers (X.690 8.3, 10.1), in hex. */
const NOT_DER = {
  'a negative integer': '30060201ff020101',
  'a padded integer': '300702020001020101',
  'an integer too long for its curve': `30480243${'01'.repeat(67)}020101`,
  'an empty integer': '30050200020101',
  'three integers': '3009020101020101020101',
  'one integer': '3003020101',
  zeros: '3006020100020100',
  'a length in a long form': '30820006020101020101',
  'an indefinite length': '30800201010201010000',
  'another tag': '3106020101020101',
};

/** By what happens where the key is held: the fault, and the codes that may come of it. */
export const FAULTS: Readonly<Record<string, readonly [fault: Fault, ...codes: string[]]>> = {
  'is throttled': [throws('ThrottlingException', 400), 'kms_throttled'],
  'has a limit': [throws('LimitExceededException', 400), 'kms_throttled'],
  'times out': [throws('TimeoutError'), 'kms_unavailable'],
  'is down': [throws('InternalException', 500), 'kms_unavailable'],
  'gives nothing': [bend(() => new Uint8Array()), 'kms_refused'],
  'gives one byte': [bend(() => Uint8Array.of(0x30)), 'kms_refused'],
  'gives a signature with a byte too many': [bend((bytes) => Uint8Array.of(...bytes, 0)), 'kms_refused'],
  'gives a signature with a byte too few': [bend((bytes) => bytes.slice(0, -1)), 'kms_refused'],
  'gives a signature with a changed bit': [
    bend((bytes) => bytes.with(-1, (bytes.at(-1) ?? 0) ^ 1)),
    'kms_refused',
  ],
  'signs with another key': [
    (signed, algorithm) => ({ ...signed, signature: strangers(algorithm) }),
    'kms_refused',
  ],
  ...Object.fromEntries(
    Object.entries(NOT_DER).map(([name, hex]) => [
      ...[`gives ${name}`, [bend(() => Buffer.from(hex, 'hex')), 'kms_refused'] as const],
    ]),
  ),
};

/** A good signature of something else by a key of nobody's. */
const strangers = (algorithm: Algorithm): Uint8Array =>
  signBytes(ALGORITHMS[algorithm].hash, Buffer.from('x'), generateKey(algorithm).privateKey);
