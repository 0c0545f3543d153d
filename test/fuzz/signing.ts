import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { SignCommand } from '@aws-sdk/client-kms';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { type Grant, parseGrant } from '@helseid-zones/protocol/grant';
import type { SignResponse } from '@helseid-zones/protocol/intents';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import fc from 'fast-check';
import { createAudit } from '../../functions/signer/audit.ts';
import { createKeyReader, type Kms } from '../../functions/signer/kms.ts';
import { createRecordReader } from '../../functions/signer/read-record.ts';
import { createSignRequest } from '../../functions/signer/sign-request.ts';
import { CANARIES, plantKey } from '../canaries.ts';
import { createQuickSigner } from '../fakes/quick-ecdsa.ts';
import { testGrant } from '../functions/signer/grant-fixture.ts';
import { broken, kind, mutated, refuseLeak, written } from './hostile.ts';

const NOW = 1_790_000_000_000;
const SECONDS = NOW / 1000;
const CHILD = '974760673';

/** The keys of a record, in all states, with what they may sign: by these words the answers are judged. */
const KEYS = (
  [
    ['retired', 'created registered verified current retiring retired', undefined, ''],
    ['retiring', 'created registered verified current retiring', SECONDS - 10, 'assertion'],
    ['retiring', 'created registered verified current retiring', SECONDS + 600, 'assertion proof'],
    ['current', 'created registered verified current', undefined, 'assertion proof'],
    ['registered', 'created registered', undefined, 'assertion proof'],
  ] as const
).map(([state, reached, usableUntil, may], index) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  plantKey(`private key ${index}`, privateKey);
  const keyArn = `arn:aws:kms:eu-north-1:000000000000:key/${index}`;
  const { thumbprint: kid } = describePublicKey(publicKey, 'ES256');
  const since = Object.fromEntries(
    reached.split(' ').map((each, at) => [each, SECONDS - 2000 + 100 * index + at]),
  );
  const entry = { kid, keyArn, algorithm: 'ES256', state, since, ...(usableUntil ? { usableUntil } : {}) };
  return { kid, keyArn, publicKey, entry, sign: createQuickSigner(privateKey), may };
});

const kms: Kms = {
  send: (async (command: SignCommand) => {
    const key = KEYS.find(({ keyArn }) => keyArn === command.input.KeyId);
    const $metadata = { httpStatusCode: 400, requestId: 'kms' };
    if (key === undefined)
      throw Object.assign(new Error('no such key'), { name: 'NotFoundException', $metadata });
    if (!(command instanceof SignCommand))
      return { $metadata, PublicKey: key.publicKey.export({ format: 'der', type: 'spki' }) };
    return { $metadata, Signature: key.sign(command.input.Message ?? new Uint8Array()) };
  }) as Kms['send'],
};

const GRANTS: readonly Grant[] = [
  testGrant(),
  testGrant({
    requestObjects: true,
    assertions: { details: [{ type: 'helseid_authorization', child: CHILD }] },
  }),
  testGrant({ tenancy: 'multi-tenant', assertions: { details: 'any' } }),
];
const { clientId, issuer } = testGrant();
const RECORD = { version: 1, client: 'journal', clientId, issuer, keys: KEYS.map(({ entry }) => entry) };

/** A signer of a grant, whose record says `text`, and all that it writes. */
function signerOf(grant: Grant, text = JSON.stringify(RECORD)) {
  const lines: unknown[] = [];
  const note = (...line: unknown[]) => void lines.push(line);
  const sign = createSignRequest({
    grant,
    kms,
    readKey: createKeyReader(kms),
    now: () => NOW,
    randomId: () => crypto.randomUUID(),
    readRecord: createRecordReader(
      async () => text,
      grant,
      () => NOW,
    ),
    audit: (requestId) => createAudit({ audit: note, count: note }, grant, requestId),
  });
  return { sign, lines };
}

const decode = (part = '') => JSON.parse(Buffer.from(part, 'base64url').toString());
const API = 'https://summaries.example.no/v1/';

/** Where a proof may be for, said anew: the issuer's origin by POST and without a token's hash, or one of the API's addresses. */
function isGranted({ htm, htu, ath }: Record<string, string>): boolean {
  const url = new URL(htu ?? '');
  if (url.href !== htu || url.search + url.hash + url.username !== '' || /\/\.|%2f|%5c|\\/i.test(htu))
    return false;
  if (url.origin === issuer) return htm === 'POST' && ath === undefined;
  return htm === 'GET' && (htu === `${API}status` || htu.startsWith(`${API}summaries/`));
}

const TYPES: Record<string, string> = {
  client_assertion: 'client-authentication+jwt',
  dpop_proof: 'dpop+jwt',
  request_object: 'oauth-authz-req+jwt',
};
const DETAIL = (value: string, system: string) => ({
  type: 'helseid_authorization',
  practitioner_role: { organization: { identifier: { system, type: 'ENH', value } } },
});

/** What a signer answered, held against the grant by rules of its own and verified by node:crypto, which did not sign. Gives the outcome. */
function judge(
  grant: Grant,
  event: unknown,
  answer: SignResponse,
  kids: readonly string[] = KEYS.map(({ kid }) => kid),
): string {
  if ('error' in answer) {
    refuseLeak(answer, 'the refusal');
    return answer.error.code;
  }
  const asked = (event as { intents: Record<string, unknown>[] }).intents;
  if (asked.length !== answer.signatures.length) broken('not one signature an intent');
  for (const [index, { jws, kid }] of answer.signatures.entries()) {
    const intent = asked[index] ?? {};
    const [head = '', body = '', signature = ''] = jws.split('.');
    const [header, claims] = [decode(head), decode(body)];
    const key = KEYS.find((each) => each.kid === kid) ?? broken('an unknown kid');
    const signed = Buffer.from(`${head}.${body}`);
    const how = { key: key.publicKey, dsaEncoding: 'ieee-p1363' as const };
    if (!verify('sha256', signed, how, Buffer.from(signature, 'base64url'))) broken('the signature is wrong');
    if (!kids.includes(kid)) broken('a key that the record has not');
    if (typeof intent['kid'] === 'string' && intent['kid'] !== kid) broken('another key than the pinned one');
    if (intent['client'] !== grant.client) broken('for another client');
    if (header.typ !== TYPES[String(intent['kind'])]) broken('another type than what was asked for');
    if (header.alg !== 'ES256') broken('another algorithm');
    const proof = intent['kind'] === 'dpop_proof';
    if (!key.may.includes(proof ? 'proof' : 'assertion')) broken(`a ${key.entry.state} key`);
    const { d, ...jwk } = proof ? header.jwk : {};
    if (d !== undefined) broken('a private key');
    if (proof) {
      if (!createPublicKey({ key: jwk, format: 'jwk' }).equals(key.publicKey)) broken('another public key');
      if (!isGranted(claims)) broken(`a proof for ${claims.htm} ${claims.htu}`);
      only(claims, 'jti htm htu iat nonce ath');
      continue;
    }
    if (claims.aud !== issuer || claims.iss !== clientId || claims.exp - claims.iat > 10)
      broken('aud, iss or exp');
    if (intent['kind'] === 'client_assertion') {
      if (claims.sub !== clientId) broken('another sub');
      only(claims, 'iss sub aud jti iat nbf exp assertion_details');
    } else if (!grant.requestObjects || 'sub' in claims || claims.client_id !== clientId)
      broken('a request object');
    const details = claims.assertion_details ?? claims.authorization_details;
    const { assertions } = grant;
    if (details === undefined) continue;
    if (assertions.details === 'none') broken('details');
    const child = DETAIL(CHILD, 'urn:oid:2.16.578.1.12.4.1.4.101');
    if (typeof assertions.details === 'object' && !isDeepStrictEqual(details, child))
      broken('another detail');
  }
  return 'signed';
}

function only(claims: object, names: string): void {
  const more = Object.keys(claims).filter((name) => !names.split(' ').includes(name));
  if (more.length > 0) broken(`claims beside: ${more}`);
}

const details = [{ type: 'helseid_authorization', child: CHILD }];
const assertion = { kind: 'client_assertion', client: 'journal', issuer };
const token = { kind: 'dpop_proof', client: 'journal', method: 'POST', url: `${issuer}/connect/token` };
const ath = 'A'.repeat(43);
const INTENTS: readonly object[] = [
  assertion,
  { ...assertion, key: 'newest' },
  { ...assertion, assertionDetails: details },
  token,
  { ...token, nonce: CANARIES.code },
  ...KEYS.flatMap(({ kid }) => [
    { ...assertion, kid },
    { ...token, method: 'GET', url: `${API}summaries/17`, ath, kid },
  ]),
  {
    kind: 'request_object',
    client: 'journal',
    issuer,
    parameters: { response_type: 'code', scope: 'openid', state: 's' },
  },
];
const URLS = [
  'status',
  'summaries/1?pid=2',
  'summaries/../status',
  'summaries/%2e%2e/x',
  'summaries/a%2Fb',
  'summaries/..;x',
  'other',
  'summaries//1',
];
const MIX = [
  ...URLS.map((path) => API + path),
  'POST',
  'GET',
  'journal',
  issuer,
  `${issuer}.evil.test`,
  `${issuer}:443/`,
  `${issuer}@evil.test/`,
  ath,
  'newest',
  details,
  { ...details[0], child: '999977774', parent: '994598759' },
  { sub: clientId, redirect_uri: 'https://a.test/', aud: issuer },
  ...KEYS.map(({ kid }) => kid),
  ...INTENTS,
];
const requests = fc
  .array(fc.constantFrom(...INTENTS), { minLength: 1, maxLength: 3 })
  .map((intents) => ({ intents }));

const intents = kind({
  name: 'intents',
  share: 6,
  cases: fc.tuple(fc.constantFrom(...GRANTS), mutated(requests, 3, MIX)),
  async run([grant, event]) {
    const { sign, lines } = signerOf(grant);
    const answer = await sign(event, 'request');
    refuseLeak(lines, 'the audit');
    return judge(grant, event, answer);
  },
  reached: [
    'signed',
    'grant_refused',
    'intent_malformed',
    'details_invalid',
    'key_not_usable',
    'request_too_large',
  ],
});

const record = kind({
  name: 'records',
  share: 2,
  cases: fc.tuple(
    written(
      mutated(fc.constantFrom<unknown>(...Array(9).fill(RECORD), { ...RECORD, version: 2 }), 3, [
        'current',
        'retiring',
        'retired',
        SECONDS,
        ...KEYS.map(({ entry }) => entry),
      ]),
    ),
    fc.constantFrom(...INTENTS),
  ),
  async run([text, intent]) {
    const grant = GRANTS[1] ?? testGrant();
    const { sign, lines } = signerOf(grant, text);
    const event = { intents: [intent] };
    const answer = await sign(event, 'request');
    refuseLeak(lines, 'the audit');
    if ('error' in answer) return judge(grant, event, answer);
    // The states are the text's own here, so only what is true whatever they say.
    const keys: { kid: string; state: string }[] = JSON.parse(text).keys;
    const usable = keys.filter(({ state }) => state !== 'retired').map(({ kid }) => kid);
    const may = KEYS.map((key) => key.may);
    for (const key of KEYS) Object.assign(key, { may: 'assertion proof' });
    try {
      return judge(grant, event, answer, usable);
    } finally {
      for (const [index, key] of KEYS.entries()) Object.assign(key, { may: may[index] });
    }
  },
  reached: ['signed', 'record_invalid', 'version_unknown', 'key_not_usable'],
});

const grants = kind({
  name: 'grants',
  share: 1,
  cases: written(mutated(fc.constantFrom<unknown>(...GRANTS), 2, ['any', 'none', 'POST', '/*', issuer])),
  run(text) {
    const grant = parseGrant(text);
    if (!isDeepStrictEqual(grant, JSON.parse(text)))
      throw new ZonesError('config_invalid', 'read as another');
    return 'read';
  },
  reached: ['read', 'config_invalid'],
});

/** What a signer is given. */
export const SIGNING = [intents, record, grants];
