import { SignCommand } from '@aws-sdk/client-kms';
import { createLog } from '@helseid-zones/client/log';
import { ALGORITHM_NAMES, ALGORITHMS, type Algorithm } from '@helseid-zones/protocol/algorithms';
import type { Grant } from '@helseid-zones/protocol/grant';
import type { SignResponse } from '@helseid-zones/protocol/intents';
import { describePublicKey } from '@helseid-zones/protocol/jwk';
import type { KeyEntry, KeyState } from '@helseid-zones/protocol/record';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { createAudit } from '../../../functions/signer/audit.ts';
import { createKeyReader, signInput } from '../../../functions/signer/kms.ts';
import { createRecordReader } from '../../../functions/signer/read-record.ts';
import { createSignRequest, readAhead } from '../../../functions/signer/sign-request.ts';
import { watch } from '../../canaries.ts';
import { coded } from '../../coded.ts';
import { awsError } from '../../fakes/in-process.ts';
import { createFakeKms, type FakeKey, generateKey } from '../../fakes/kms.ts';
import { testGrant } from './grant-fixture.ts';

const START = 1_795_518_000_000;
const issuer = 'https://helseid-sts.test.nhn.no';
const assertion = { kind: 'client_assertion', client: 'journal', issuer };
const tokenProof = { kind: 'dpop_proof', client: 'journal', method: 'POST', url: `${issuer}/connect/token` };
const url = 'https://summaries.example.no/v1/summaries/13116900216?x=1';
const apiProof = { kind: 'dpop_proof', client: 'journal', method: 'GET', url };

/** A signer with a KMS, a record, a clock and captured output of its own. */
function createWorld(changes: Partial<Grant> = {}, algorithm: Algorithm = 'ES256') {
  const grant = testGrant(changes);
  const kms = createFakeKms();
  const lines: Record<string, unknown>[] = [];
  const log = createLog({
    service: grant.system,
    zone: grant.zone,
    env: {},
    write: (line) => void lines.push(JSON.parse(watch(line, 'a line of the log'))),
  });

  const world = {
    grant,
    kms,
    lines,
    now: START,
    reads: 0,
    readFails: false,
    auditFails: undefined as Error | undefined,
    /** Milliseconds that reading the record takes. */
    readTakes: 0,
    keys: [] as KeyEntry[],
    addKey(state: KeyState, of: Algorithm = algorithm, more: Partial<KeyEntry> = {}): FakeKey {
      const key = kms.addKey(of);
      const { kid, arn: keyArn } = key;
      world.keys.push({ kid, keyArn, algorithm: of, state, since: { [state]: 0 }, ...more });
      return key;
    },
    recordText: () => {
      const { client, clientId } = grant;
      return JSON.stringify({ version: 1, client, clientId, issuer: grant.issuer, keys: world.keys });
    },
    signingTakes(milliseconds: number) {
      kms.beforeSign = () => {
        world.now += milliseconds;
      };
    },
    audited: () => lines.filter((line) => 'code' in line),
    emf: () => lines.filter((line) => '_aws' in line),
    readAhead: (patience = 1000) => readAhead({ readKey, readRecord }, patience),
    sign: (...intents: unknown[]): Promise<SignResponse> => signRequest({ intents }, 'request-1'),
    invoke: (event: unknown): Promise<SignResponse> => signRequest(event, 'request-1'),
  };
  const readSecret = async () => {
    world.reads += 1;
    world.now += world.readTakes;
    if (world.readFails) throw awsError('AccessDeniedException');
    return world.recordText();
  };
  let ids = 0;
  const readKey = createKeyReader(kms);
  const readRecord = createRecordReader(readSecret, grant, () => world.now);
  const signRequest = createSignRequest({
    grant,
    kms,
    readKey,
    readRecord,
    now: () => world.now,
    randomId: () => `id-${++ids}`,
    audit: (requestId) => {
      const audit = createAudit(log, grant, requestId);
      const recordSigned: typeof audit.recordSigned = (signed) => {
        if (world.auditFails) throw world.auditFails;
        audit.recordSigned(signed);
      };
      return { ...audit, recordSigned };
    },
  });
  return world;
}

/** What the SDK adds to an error. */
const META = (attempts: number, httpStatusCode?: number) => ({ $metadata: { attempts, httpStatusCode } });

/** A signer whose record has one key, which is current. */
function withKey(algorithm: Algorithm = 'ES256') {
  const world = createWorld({}, algorithm);
  world.addKey('current');
  return world;
}

function signaturesOf(response: SignResponse) {
  if (!('signatures' in response)) throw new Error(`refused: ${response.error.code}`);
  return response.signatures;
}

const signCalls = ({ kms }: { kms: ReturnType<typeof createFakeKms> }) =>
  kms.calls.filter(({ operation }) => operation === 'Sign');

test.each(ALGORITHM_NAMES)('KMS sees digests only, and one algorithm: %s', async (algorithm) => {
  const world = withKey(algorithm);
  await world.sign(assertion, tokenProof);
  expect(signCalls(world)).toHaveLength(2);
  const SigningAlgorithm = ALGORITHMS[algorithm].kmsSigningAlgorithm;
  for (const { input } of signCalls(world))
    expect(input).toMatchObject({ MessageType: 'DIGEST', SigningAlgorithm });
});

describe('keys', () => {
  test('GetPublicKey is asked once a key, the record once a while', async () => {
    const world = withKey();
    await world.sign(assertion, tokenProof);
    world.now += 29_999;
    await world.sign(assertion);
    expect(world.kms.calls.filter(({ operation }) => operation === 'GetPublicKey')).toHaveLength(1);
    expect(world.reads).toBe(1);
    world.now += 1;
    await world.sign(assertion);
    expect(world.reads).toBe(2);
  });

  test('an unknown kid makes the record be read again, once', async () => {
    const world = withKey();
    await world.sign(assertion);
    const { kid } = world.addKey('created');
    expect(signaturesOf(await world.sign({ ...assertion, kid }))[0]?.kid).toBe(kid);
    const refused = await world.sign({ ...assertion, kid: 'A'.repeat(43) });
    expect(refused).toMatchObject({ error: { code: 'key_unknown' } });
    expect(world.reads).toBe(3);
  });

  test('the newest key is never chosen from a cached record', async () => {
    const world = createWorld();
    world.addKey('current', 'ES256', { since: { registered: 1, current: 1 } });
    await world.sign(assertion);
    const { kid } = world.addKey('registered', 'ES256', { since: { registered: 2 } });
    expect(signaturesOf(await world.sign({ ...assertion, key: 'newest' }))[0]?.kid).toBe(kid);
  });

  test('a batch without pins is signed by one key, also across a rotation to another algorithm', async () => {
    const world = createWorld();
    world.addKey('retiring', 'ES256', { usableUntil: START / 1000 + 60 });
    const { kid } = world.addKey('current', 'PS256');
    const [first, second] = signaturesOf(await world.sign(assertion, tokenProof));
    expect([first?.kid, second?.jkt]).toEqual([kid, kid]);
    expect(decodeProtectedHeader(second?.jws ?? '').alg).toBe('PS256');
  });

  test('a record that names another key than KMS has signs nothing', async () => {
    const world = withKey();
    const [entry] = world.keys;
    const kid = 'A'.repeat(43);
    if (entry) entry.kid = kid;
    expect(await world.sign(assertion)).toMatchObject({ error: { code: 'record_invalid', facts: { kid } } });
    expect(signCalls(world)).toHaveLength(0);
  });

  test('I10: an unreadable record refuses, and an old one never takes its place', async () => {
    const world = withKey();
    await world.sign(assertion);
    world.readFails = true;
    world.now += 30_000;
    expect(await world.sign(assertion)).toMatchObject({
      error: { code: 'record_unavailable', facts: { aws_error: 'AccessDeniedException' } },
    });
    world.readFails = false;
    expect(signaturesOf(await world.sign(assertion))).toHaveLength(1);
  });
});

describe('reading ahead', () => {
  const operations = ({ kms }: ReturnType<typeof createWorld>) => kms.calls.map(({ operation }) => operation);

  test('the first request then asks KMS for its signatures and nothing else', async () => {
    const world = withKey();
    world.addKey('retired');
    await world.readAhead();
    expect([world.reads, operations(world)]).toEqual([1, ['GetPublicKey']]);
    await world.sign(assertion, tokenProof);
    expect([world.reads, operations(world)]).toEqual([1, ['GetPublicKey', 'Sign', 'Sign']]);
  });

  test('what fails is read again by the first request', async () => {
    const world = withKey();
    world.readFails = true;
    await world.readAhead();
    world.readFails = false;
    world.kms.failNext('GetPublicKey', 'KMSInternalException', 1, 500);
    await world.readAhead();
    expect(signaturesOf(await world.sign(assertion))).toHaveLength(1);
    expect([world.reads, operations(world)]).toEqual([2, ['GetPublicKey', 'GetPublicKey', 'Sign']]);
  });

  test('what is old by the first request is read again, and a key that has come signs', async () => {
    const world = withKey();
    await world.readAhead();
    world.keys.length = 0;
    const { kid } = world.addKey('current');
    world.now += 30_000;
    expect(signaturesOf(await world.sign(assertion))[0]?.kid).toBe(kid);
    expect(world.reads).toBe(2);
  });

  test('nothing holds it up for longer than it has', async () => {
    const world = withKey();
    const { promise, resolve } = Promise.withResolvers<void>();
    const { send } = world.kms;
    world.kms.send = (async (command: never) => {
      await promise;
      return send(command);
    }) as typeof send;
    await world.readAhead(1);
    resolve();
    expect(signaturesOf(await world.sign(assertion))).toHaveLength(1);
  });
});

describe('a record that brings public keys', () => {
  /** A world whose current key is in the record with its public half, or with another's. */
  function bring(other = false) {
    const world = createWorld();
    const key = world.addKey('current');
    const [entry] = world.keys;
    const held = other ? world.kms.addKey('ES256') : key;
    const { jwk } = describePublicKey(held.publicKey, 'ES256');
    if (entry) Object.assign(entry, { kid: held.kid, publicKey: jwk });
    return { ...world, key };
  }

  test('a signature waits for no public key of KMS', async () => {
    const { kms, sign, key } = bring();
    const { send } = kms;
    const never = new Promise(() => {});
    kms.send = ((command: never) =>
      (command as object) instanceof SignCommand ? send(command) : never) as typeof send;
    const [signature] = signaturesOf(await sign(assertion));
    await jwtVerify(signature?.jws ?? '', key.publicKey, { currentDate: new Date(START) });
  });

  test('KMS is asked beside, and where it has another key nothing is signed: neither at once nor later', async () => {
    const { sign } = bring(true);
    expect(await sign(assertion)).toMatchObject({ error: { code: 'kms_refused' } });
    expect(await sign(assertion)).toMatchObject({ error: { code: 'record_invalid' } });
  });

  test('one that does not fit its algorithm signs nothing, and KMS is not asked', async () => {
    const { kms, keys, sign } = bring();
    Object.assign(keys[0] ?? {}, { algorithm: 'ES384' });
    expect(await sign(assertion)).toMatchObject({ error: { code: 'key_not_usable' } });
    expect(kms.calls).toEqual([]);
  });

  test('that KMS can’t be asked beside hinders nothing, and it is asked again', async () => {
    const { kms, sign } = bring();
    kms.failNext('GetPublicKey', 'KMSInternalException', 1, 500);
    for (let call = 0; call < 3; call += 1) expect(signaturesOf(await sign(assertion))).toHaveLength(1);
    expect(kms.calls.filter(({ operation }) => operation === 'GetPublicKey')).toHaveLength(2);
  });
});

describe('freshness', () => {
  test('iat is the time just before signing, jti is new every time', async () => {
    const world = withKey();
    const [first, second] = signaturesOf(await world.sign(assertion, assertion));
    world.now += 2000;
    world.readTakes = 30_000;
    world.now += 30_000;
    const [third] = signaturesOf(await world.sign(assertion));
    const claims = [first, second, third].map((signature) => decodeJwt(signature?.jws ?? ''));
    expect(new Set(claims.map(({ jti }) => jti)).size).toBe(3);
    expect(claims.map(({ iat }) => iat)).toEqual([START / 1000, START / 1000, START / 1000 + 62]);
  });

  test.each([
    [5000, 'signatures'],
    [5001, 'error'],
  ])('a signature that took %i ms: %s', async (took, outcome) => {
    const world = withKey();
    world.signingTakes(took);
    const response = await world.sign(assertion);
    expect(response).toHaveProperty(outcome);
    if ('error' in response) expect(response.error.code).toBe('signature_late');
  });

  test('the oldest signature of a batch decides', async () => {
    const world = withKey();
    world.signingTakes(2501);
    expect(await world.sign(assertion, tokenProof)).toMatchObject({ error: { code: 'signature_late' } });
  });

  test('the intents of a batch are signed at the same time', async () => {
    const world = withKey();
    const { promise: allAsked, resolve } = Promise.withResolvers<void>();
    let waiting = 0;
    world.kms.beforeSign = () => {
      waiting += 1;
      if (waiting === 8) resolve();
      return allAsked;
    };
    expect(signaturesOf(await world.sign(...Array.from({ length: 8 }, () => tokenProof)))).toHaveLength(8);
  });
});

describe('KMS says no', () => {
  test.each([undefined, new Uint8Array()])(
    'an answer without a signature (%j) is kms_refused',
    async (Signature) => {
      const kms = { send: async () => ({ Signature, $metadata: {} }) };
      const key = describePublicKey(generateKey('ES256'), 'ES256');
      const { thumbprint: kid } = key;
      const entry = { algorithm: 'ES256', keyArn: 'arn', kid, state: 'current', since: {} } as const;
      await expect(signInput(kms, entry, key, 'x')).rejects.toThrow(
        coded('kms_refused', 'without a signature'),
      );
    },
  );

  test.each([
    ['ThrottlingException', 400, 'kms_throttled'],
    ['LimitExceededException', 400, 'kms_throttled'],
    ['DisabledException', 409, 'key_not_usable'],
    ['KMSInvalidStateException', 409, 'key_not_usable'],
    ['NotFoundException', 400, 'key_not_usable'],
    ['AccessDeniedException', 400, 'kms_refused'],
    ['InvalidKeyUsageException', 400, 'kms_refused'],
    ['RequestLimitExceeded', 400, 'kms_throttled'],
    ['TooManyRequestsException', 429, 'kms_throttled'],
    ['SomethingNew', 399, 'kms_unavailable'],
    ['SomethingNew', 499, 'kms_refused'],
    ['SomethingNew', 500, 'kms_unavailable'],
    ['KMSInternalException', 500, 'kms_unavailable'],
    ['TimeoutError', 0, 'kms_unavailable'],
  ])('%s is %s', async (name, status, code) => {
    const world = withKey();
    world.kms.failNext('Sign', name, 1, status);
    const response = await world.sign(assertion, tokenProof);
    expect(response).toMatchObject({ error: { code, facts: { aws_error: name } } });
    expect(JSON.stringify(response).includes('"retry_after":1')).toBe(code === 'kms_throttled');
    expect(JSON.stringify(response)).not.toContain('arn:');
    expect(signaturesOf(await world.sign(assertion))).toHaveLength(1);
  });

  test('an answer without a signature is no signature', async () => {
    const world = withKey();
    const { send } = world.kms;
    world.kms.send = (async (command: never) => ({
      ...(await send(command)),
      Signature: new Uint8Array(),
    })) as typeof send;
    expect(await world.sign(assertion)).toMatchObject({ error: { code: 'kms_refused' } });
  });

  test('the audit names KMS’s calls, also those whose signatures nobody got, and counts the answers that were lost', async () => {
    const world = withKey();
    const { send } = world.kms;
    let calls = 0;
    world.kms.send = (async (command: never) => {
      if (!((command as object) instanceof SignCommand)) return send(command);
      const attempts = ++calls;
      world.now += 10;
      if (attempts === 3) throw Object.assign(awsError('DisabledException', 409), META(attempts, 409));
      if (attempts === 4) throw Object.assign(new Error('socket hang up'), META(attempts));
      return { ...(await send(command)), $metadata: { requestId: `kms-${attempts}`, attempts } };
    }) as typeof send;
    await world.sign(assertion);
    await world.sign(assertion, tokenProof);
    await world.sign(assertion);
    await world.sign({ ...tokenProof, url: 'https://elsewhere.example.no/' });
    const kid = world.keys[0]?.kid;
    const named = world
      .audited()
      .map(({ code, kid, kids, kms_request, kms_requests, kms_ms, kms_lost }) => [
        code,
        kid ?? kids,
        kms_request ?? kms_requests,
        kms_ms,
        kms_lost,
      ]);
    expect(named).toEqual([
      ['signed', kid, 'kms-1', 10, undefined],
      // Of the second call, and of the third, which KMS refused at last.
      ['failed', [kid], ['kms-2'], 20, 1 + 2],
      // Of the fourth, which had no answer at all.
      ['failed', [kid], undefined, 10, 4],
      ['refused', undefined, undefined, undefined, undefined],
    ]);
  });

  test('what is not a coded error is thrown, for it is a bug', async () => {
    const grant = testGrant();
    const signRequest = createSignRequest({
      grant,
      kms: createFakeKms(),
      readKey: createKeyReader(createFakeKms()),
      readRecord: () => Promise.reject(new TypeError('bug')),
      now: () => START,
      randomId: () => 'x',
      audit: () => ({ recordSigned: () => {}, recordRefused: () => {} }),
    });
    await expect(signRequest({ intents: [assertion] }, 'r')).rejects.toThrow(TypeError);
  });
});

const DETAILS = [{ type: 'helseid_authorization', child: '974760673' }];

describe('refusals leave KMS and the record alone', () => {
  let world: ReturnType<typeof createWorld>;
  beforeEach(() => {
    world = createWorld();
    world.addKey('current');
  });

  test.each<[string, unknown, string]>([
    ['malformed', 'x', 'request_malformed'],
    ['details without a grant', { ...assertion, assertionDetails: DETAILS }, 'grant_refused'],
    ['one bad of eight', [...Array(7).fill(tokenProof), { ...tokenProof, method: 'GET' }], 'grant_refused'],
  ])('%s', async (_name, given, code) => {
    expect(await world.invoke(given === 'x' ? given : { intents: [given].flat() })).toMatchObject({
      error: { code },
    });
    expect(world.kms.calls).toHaveLength(0);
    expect(world.reads).toBe(0);
    expect(world.audited()).toMatchObject([
      { code: 'refused', reason: code, zone: 'public', request_id: 'request-1' },
    ]);
  });

  test('what is nested too deep is refused before a schema looks at it', async () => {
    const nested = (levels: number): unknown => (levels === 0 ? 'x' : { a: nested(levels - 1) });
    const ask = (levels: number) => world.sign({ ...assertion, assertionDetails: nested(levels) });
    const tooDeep = { code: 'intent_malformed', message: expect.stringContaining('nested too deep') };
    expect(await ask(8)).toMatchObject({ error: tooDeep });
    expect(await ask(5)).not.toMatchObject({ error: tooDeep });
  });

  test('an unknown kid costs a read, but no call to KMS', async () => {
    expect(await world.sign(tokenProof, { ...tokenProof, kid: 'A'.repeat(43) })).toMatchObject({
      error: { code: 'key_unknown' },
    });
    expect(world.reads).toBe(1);
    expect(world.kms.calls).toHaveLength(0);
    expect(world.audited()).toMatchObject([{ code: 'refused', reason: 'key_unknown' }]);
  });
});

describe('formats of a newer release', () => {
  const request = { intents: [assertion, tokenProof] };

  test('a request in format 1 is signed, whether it says so or not', async () => {
    const world = withKey();
    for (const event of [request, { version: 1, ...request }])
      expect(signaturesOf(await world.invoke(event))).toHaveLength(2);
  });

  test.each([
    ['and is good otherwise', request],
    ['and holds what is not known here', { intents: [{ kind: 'novel', html5: true }], batch: {} }],
    ['and is larger than any is today', { intents: 'x'.repeat(17_000) }],
  ])(
    'a request in format 2 %s: nothing is signed or read, and the answer says what to deploy',
    async (_name, of) => {
      const world = withKey();
      expect(await world.invoke({ version: 2, ...of })).toMatchObject({
        error: {
          code: 'version_unknown',
          message: expect.stringContaining('deploy the signing stack'),
          facts: { version: 2 },
        },
      });
      expect([world.kms.calls.length, world.reads]).toEqual([0, 0]);
      expect(world.audited()).toMatchObject([{ code: 'failed', reason: 'version_unknown' }]);
    },
  );

  test.each([0, 1.5, -2, '1', '2', null, [2], { version: 2 }])('%j is no format', async (version) => {
    const world = createWorld();
    const answer = await world.invoke({ version, ...request });
    expect(answer).toMatchObject({ error: { code: 'request_malformed' } });
  });

  test('a record in format 2: nothing is signed', async () => {
    const world = withKey();
    const { recordText } = world;
    world.recordText = () => JSON.stringify({ ...JSON.parse(recordText()), version: 2, novel: {} });
    expect(await world.invoke(request)).toMatchObject({ error: { code: 'version_unknown' } });
    expect(signCalls(world)).toHaveLength(0);
    expect(world.audited()).toMatchObject([{ code: 'failed', reason: 'version_unknown' }]);
  });
});

describe('I7: audit', () => {
  test('one line a signature, before the response, with zone, kind, target, kid, jti and request id', async () => {
    const world = createWorld();
    const { kid } = world.addKey('current');
    const response = world
      .sign(assertion, apiProof)
      .then((answer) => ({ answer, before: world.audited().length }));
    const { answer, before } = await response;
    expect(before).toBe(2);
    const jtis = signaturesOf(answer).map(({ jws }) => decodeJwt(jws).jti);
    expect(world.audited()).toMatchObject([
      {
        level: 'FATAL',
        code: 'signed',
        system: 'journal',
        zone: 'public',
        client: 'journal',
        kid,
        kind: 'client_assertion',
        target: issuer,
        jti: jtis[0],
        request_id: 'request-1',
      },
      {
        code: 'signed',
        kind: 'dpop_proof',
        kid,
        jti: jtis[1],
        target: 'GET https://summaries.example.no/v1/summaries/*',
      },
    ]);
  });

  test('no line holds a token, a nonce, an ath, a detail or a path', async () => {
    const world = createWorld({ assertions: { details: 'any' } });
    const { kid } = world.addKey('current');
    const ath = 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg';
    const response = await world.sign(
      { ...assertion, assertionDetails: DETAILS },
      { ...apiProof, nonce: 'server-nonce', ath, kid },
    );
    const [detail] = DETAILS;
    await world.sign({ ...assertion, assertionDetails: [{ ...detail, child: '13116900216' }] });
    await world.sign({ ...apiProof, url: 'https://evil.example/13116900216' });
    const written = JSON.stringify(world.lines);
    const signatures = signaturesOf(response).map(({ jws }) => jws.slice(-20));
    for (const secret of ['974760673', '13116900216', 'server-nonce', ath, ...signatures])
      expect(written).not.toContain(secret);
    expect(world.audited()).toHaveLength(4);
  });

  test('without an audit nothing is released', async () => {
    const world = withKey();
    world.auditFails = new Error('the disk is full');
    await expect(world.sign(assertion)).rejects.toThrow('the disk is full');
  });

  test('nothing is audited as signed when nothing is released', async () => {
    const world = withKey();
    world.kms.failNext('Sign', 'ThrottlingException');
    await world.sign(assertion, tokenProof);
    expect(world.audited()).toMatchObject([
      {
        code: 'failed',
        reason: 'kms_throttled',
        aws_error: 'ThrottlingException',
        kinds: ['client_assertion', 'dpop_proof'],
      },
    ]);
  });

  test('a current key that is disabled is a failure of the system, no refusal of the request', async () => {
    const world = withKey();
    world.kms.failNext('Sign', 'DisabledException', 1, 409);
    await world.sign(assertion);
    expect(world.audited()).toMatchObject([
      { code: 'failed', reason: 'key_not_usable', aws_error: 'DisabledException' },
    ]);
    expect(world.emf()).toMatchObject([{ Failed: 1 }]);
  });

  test('a client that has no key yet is a failure of the system: before the first registration nobody probes', async () => {
    const world = createWorld();
    await world.sign(assertion);
    expect(world.audited()).toMatchObject([{ code: 'failed', reason: 'key_not_usable' }]);
    expect(world.emf()).toMatchObject([{ Failed: 1 }]);
  });

  test('a line is small: an invoker can read the last 4 KB back', async () => {
    const world = withKey();
    await world.sign(...Array.from({ length: 8 }, () => tokenProof));
    for (const line of world.lines) expect(JSON.stringify(line).length).toBeLessThan(700);
  });
});

describe('metrics', () => {
  test('signed and KMS latency by zone and kind', async () => {
    const world = withKey();
    world.signingTakes(7);
    await world.sign(assertion, tokenProof);
    expect(world.emf()).toMatchObject([
      {
        zone: 'public',
        client: 'journal',
        kind: 'client_assertion',
        service: 'journal',
        Signed: 1,
        // The clock goes on at each call, and both are signed at the same time.
        KmsLatency: [14],
      },
      { kind: 'dpop_proof', Signed: 1, KmsLatency: [7] },
    ]);
    expect(world.emf()[0]).toMatchObject({
      _aws: {
        CloudWatchMetrics: [
          {
            Namespace: 'helseid-zones',
            Dimensions: [['service', 'zone', 'client', 'kind']],
            Metrics: [{ Name: 'Signed' }, { Name: 'KmsLatency' }],
          },
        ],
      },
    });
  });

  test('refused, failed and throttled', async () => {
    const world = withKey();
    await world.sign({ ...assertion, client: 'other' }, { ...assertion, client: 'other' });
    await world.invoke(null);
    world.kms.failNext('Sign', 'ThrottlingException');
    await world.sign(assertion);
    expect(world.emf()).toMatchObject([{ Refused: 1 }, { Refused: 1 }, { Failed: 1, Throttled: 1 }]);
    // An alarm is on all dimensions of a metric or on none of it.
    for (const line of world.emf())
      expect(line).toMatchObject({
        _aws: { CloudWatchMetrics: [{ Dimensions: [['service', 'zone', 'client']] }] },
      });
    expect(
      world.emf().map((line) => ['Refused', 'Failed', 'Throttled'].filter((name) => name in line)),
    ).toEqual([['Refused'], ['Refused'], ['Failed', 'Throttled']]);
  });
});
