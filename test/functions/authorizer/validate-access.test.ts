import { constants, createHash, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { verifyAccess } from '@helseid-zones/client/verify-access';
import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import {
  base64url,
  CompactSign,
  calculateJwkThumbprint,
  createLocalJWKSet,
  errors,
  exportJWK,
  UnsecuredJWT,
} from 'jose';
import { describe, expect, test } from 'vitest';
import {
  accessError,
  type Check,
  challengeFor,
  GENERAL_CHALLENGE,
} from '../../../functions/authorizer/challenge.ts';
import type { AccessRules } from '../../../functions/authorizer/rules.ts';
import { validateAccess } from '../../../functions/authorizer/validate-access.ts';
import { makeKey, makeKeys, makePorts, makeRequest, NOW, RULES, type Twist } from './make-request.ts';

const keys = await makeKeys();

async function validate(twist: Twist = {}, rules: AccessRules = RULES, ports = makePorts(keys.issuer.jwk)) {
  return validateAccess(await makeRequest(keys, twist), rules, ports);
}

/** What the verifier of the test zone's and the local system's APIs, which shares no line with the authorizer, says of the same request. */
async function judge(twist: Twist, seen = new Set<string>()) {
  const { method, baseUrl, path, headers } = await makeRequest(keys, twist);
  const { keys: ofIssuer } = makePorts(keys.issuer.jwk);
  return verifyAccess({ method, url: new URL(path, baseUrl), headers }, RULES, {
    keys: ofIssuer,
    seen,
    now: () => NOW * 1000,
  });
}

/** The failed check, or what else was thrown. */
async function failedCheck(run: Promise<unknown>) {
  try {
    await run;
  } catch (error) {
    if (isZonesError(error)) return { check: error.facts['check'], code: error.code };
    throw error;
  }
  return 'allowed';
}

const invalid = (check: Check) => ({ code: 'proof_invalid', check });

describe('a good request', () => {
  test('passes, and says who called', async () => {
    expect(await validate()).toMatchObject({
      clientId: 'caller',
      scopes: ['example:summaries/read', 'example:other'],
      jkt: keys.caller.jkt,
      expires: NOW + 60,
    });
  });

  const allowed: [string, Twist][] = [
    ['scheme in lower case', { scheme: 'dpop' }],
    ['spaces about the header', { scheme: ' DPoP', proofs: (proof) => [` ${proof} `] }],
    ['two spaces behind the scheme', { scheme: 'DPoP ' }],
    ['typ with application/', { token: { header: { typ: 'application/at+jwt' } } }],
    ['typ JWT', { token: { header: { typ: 'JWT' } } }],
    ['audience as a list of one', { token: { aud: [RULES.audience] } }],
    ['scope as a list', { token: { scope: ['example:other', 'example:summaries/read'] } }],
    ['expired within the leeway', { token: { exp: NOW - 4 } }],
    ['valid from a little later', { token: { nbf: NOW + 4 } }],
    ['no nbf, no sub, no jti', { token: { nbf: undefined } }],
    ['htu with a query', { proof: { htu: 'https://api.example/v1/summaries/1?b=2#c' } }],
    ['htu in another spelling', { proof: { htu: 'HTTPS://API.example:443/v1/%73ummaries/1' } }],
    ['oldest proof', { proof: { iat: NOW - 15 } }],
    ['proof from a clock ahead', { proof: { iat: NOW + 5 } }],
    ['proof from a clock ahead, with nbf and exp', { proof: { iat: NOW + 5, nbf: NOW + 5, exp: NOW + 5 } }],
    ['proof that expired within the leeway', { proof: { exp: NOW - 4 } }],
  ];
  /** The other verifier takes nothing that RFC 9449 4.2 does not have a proof hold: no query in htu, no nbf, no exp. */
  const stricter = allowed
    .filter(([name]) => /query|nbf and exp|proof that expired/.test(name))
    .map(([, twist]) => twist);
  test.each(allowed)('%s', async (_, twist) => {
    await expect(validate(twist)).resolves.toMatchObject({ clientId: 'caller' });
    expect(await judge(twist)).toMatchObject(
      stricter.includes(twist) ? { status: 401 } : { clientId: 'caller' },
    );
  });

  test('RSA proofs pass too', async () => {
    const rsa = await makeKey('PS256');
    await expect(validate({ token: { cnf: { jkt: rsa.jkt } }, proof: { key: rsa } })).resolves.toBeTruthy();
  });
});

describe('refused', () => {
  const denied: Partial<Record<Check, Record<string, Twist>>> = {
    scheme: {
      bearer: { scheme: 'Bearer' },
      'no authorization': { authorization: [] },
      'something before the scheme': { scheme: 'XDPoP' },
      'something behind the token': { authorization: ['DPoP a.b.c x'] },
      'no token behind the scheme': { authorization: ['DPoP'] },
      'two authorizations': { authorization: ['DPoP a.b.c', 'DPoP a.b.c'] },
    },
    token: {
      'not a token': { authorization: ['DPoP opaque'] },
      'unsigned token': { authorization: [`DPoP ${new UnsecuredJWT({ iss: RULES.issuer }).encode()}`] },
      'another issuer': { token: { iss: `${RULES.issuer}/` } },
      'signed by another key': { token: { key: keys.stranger } },
      'a kid the issuer does not have': { token: { header: { kid: 'other' } } },
      expired: { token: { exp: NOW - 6 } },
      'no exp': { token: { exp: undefined } },
      'not valid yet': { token: { nbf: NOW + 6 } },
    },
    'token typ': {
      'an ID token': { token: { header: { typ: undefined } } },
      'a logout token': { token: { header: { typ: 'logout+jwt' } } },
      'a list as typ of the token': { token: { header: { typ: ['at+jwt'] } } },
    },
    audience: {
      'no audience': { token: { aud: undefined } },
      'another audience': { token: { aud: 'example:other' } },
      'a second audience': { token: { aud: [RULES.audience, 'example:other'] } },
    },
    'one proof': {
      'no proof': { proofs: () => [] },
      'an empty proof': { proofs: () => [''] },
      'two proofs': { proofs: (proof) => [proof, proof] },
      'two proofs in one header': { proofs: (proof) => [`${proof}, ${proof}`] },
    },
    'cnf.jkt': {
      'an unbound token': { token: { cnf: undefined } },
      'a token bound to nothing': { token: { cnf: {} } },
      'a token bound to an empty name': { token: { cnf: { jkt: '' } } },
      'a token bound to a number': { token: { cnf: { jkt: 1 } } },
    },
    'proof form': {
      'not a proof': { proofs: () => ['nonsense'] },
      'a proof without its signature': { proofs: (proof) => [proof.split('.').slice(0, 2).join('.')] },
      'a proof with an extension that must be understood': {
        proofs: (proof) => {
          const [header = '', ...rest] = proof.split('.');
          const more = { ...JSON.parse(Buffer.from(header, 'base64url').toString()), crit: ['x'], x: 1 };
          return [[base64url.encode(JSON.stringify(more)), ...rest].join('.')];
        },
      },
    },
    'proof typ': { 'proof of another typ': { proof: { header: { typ: 'JWT' } } } },
    'proof alg': {
      'proof alg not on the list': { proof: { key: keys.issuer } },
      'unsigned proof': { proofs: () => [`${base64url.encode('{"alg":"none","typ":"dpop+jwt"}')}.e30.`] },
    },
    'proof jwk': {
      'proof without key': { proof: { header: { jwk: undefined } } },
      'a key that is text': { proof: { header: { jwk: 'x' } } },
      'private key in the proof': { proof: { header: { jwk: keys.caller.privateJwk } } },
      'symmetric key in the proof': { proof: { header: { jwk: { kty: 'oct', k: 'AAAA' } } } },
      'a broken key in the proof': { proof: { header: { jwk: { kty: 'EC', crv: 'P-256' } } } },
    },
    thumbprint: { 'proof by another key': { proof: { key: keys.stranger } } },
    'proof signature': {
      'another key claimed': { proof: { key: keys.stranger, header: { jwk: keys.caller.jwk } } },
    },
    ath: {
      'no ath': { proof: { ath: undefined } },
      'ath of another token': { proof: { ath: createHash('sha256').update('other').digest('base64url') } },
    },
    jti: {
      'no jti': { proof: { jti: undefined } },
      'jti that is no text': { proof: { jti: ['x'] } },
      'empty jti': { proof: { jti: '' } },
    },
    htm: { 'another method': { proof: { htm: 'POST' } }, 'method in other case': { proof: { htm: 'get' } } },
    htu: {
      'no htu': { proof: { htu: undefined } },
      'another path': { proof: { htu: 'https://api.example/v1/summaries/2' } },
      'path in other case': { proof: { htu: 'https://api.example/v1/Summaries/1' } },
      'another host': { proof: { htu: 'https://other.example/v1/summaries/1' } },
      'another scheme': { proof: { htu: 'http://api.example/v1/summaries/1' } },
      'another port': { proof: { htu: 'https://api.example:444/v1/summaries/1' } },
      'a slash more': { proof: { htu: 'https://api.example/v1/summaries/1/' } },
    },
    iat: {
      'iat that is no number': { proof: { iat: String(NOW) } },
      'no iat': { proof: { iat: undefined } },
      'too old': { proof: { iat: NOW - 16 } },
      'from the future': { proof: { iat: NOW + 6 } },
    },
    nbf: {
      'not valid yet by more than the leeway': { proof: { nbf: NOW + 6 } },
      'nbf before all time': { proof: { nbf: -1 } },
      'nbf that is no time': { proof: { nbf: String(NOW) } },
    },
    exp: {
      'expired by more than the leeway': { proof: { exp: NOW - 5 } },
      'exp that is no time': { proof: { exp: null } },
      'exp that is text': { proof: { exp: String(NOW + 60) } },
    },
    client_id: {
      'token without client_id': { token: { client_id: undefined } },
      'token with an empty client_id': { token: { client_id: '' } },
      'token with a list as client_id': { token: { client_id: ['caller'] } },
    },
    'scope claim': {
      'scope nested in a list of lists': { token: { scope: [['example:summaries/read']] } },
      'scope as an object': { token: { scope: { toString: 'example:summaries/read' } } },
    },
    scope: {
      'scope missing': { token: { scope: 'example:other' } },
      'scope only as a prefix': { token: { scope: 'example:summaries' } },
      'no scope at all': { token: { scope: undefined } },
    },
  };
  const aboutToken = ['scheme', 'token', 'token typ', 'audience', 'cnf.jkt', 'client_id', 'scope claim'];

  const cases = Object.entries(denied).flatMap(([check, twists]) =>
    Object.entries(twists).map(([name, twist]) => [name, check, twist] as const),
  );
  /** RFC 6750 3.1 and RFC 9449 7.1; a proof by another key may be said of either. */
  const errorOf = (check: string, code: string) => {
    if (check === 'scheme') return '';
    if (check === 'scope') return 'insufficient_scope';
    return code === 'access_token_invalid' || check === 'thumbprint' ? 'invalid_token' : 'invalid_dpop_proof';
  };
  test.each(cases)('%s', async (_, check, twist) => {
    const refused = check === 'scope' ? 'scope_insufficient' : 'proof_invalid';
    const code = aboutToken.includes(check) ? 'access_token_invalid' : refused;
    expect(await failedCheck(validate(twist))).toEqual({ code, check });
    const status = check === 'scope' ? 403 : 401;
    const seen = new Set<string>();
    expect(await judge(twist, seen)).toMatchObject({ status, error: errorOf(check, code) });
    // Nobody fills that memory without the key of a token that is good.
    expect(seen.size).toBe(check === 'scope' ? 1 : 0);
  });

  test.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'])(
    'the private member %s in the proof',
    async (member) => {
      const run = validate({ proof: { header: { jwk: { ...keys.caller.jwk, [member]: 'AAAA' } } } });
      await expect(run).rejects.toMatchObject({
        code: 'proof_invalid',
        facts: { check: 'proof jwk' },
        message: expect.stringContaining('private key'),
      });
    },
  );

  test('signed with another algorithm than the rules name, though the issuer has such a key', async () => {
    const other = await makeKey('ES256');
    const ports = { ...makePorts(keys.issuer.jwk), keys: createLocalJWKSet({ keys: [other.jwk] }) };
    const twist = { token: { key: other, header: { kid: undefined } } };
    const failed = { code: 'access_token_invalid', check: 'token' };
    expect(await failedCheck(validate(twist, RULES, ports))).toEqual(failed);
    await expect(validate(twist, { ...RULES, tokenAlgorithm: 'ES256' }, ports)).resolves.toBeTruthy();
  });

  const reasons: [string, Twist, Record<string, unknown>][] = [
    ['expired token', { token: { exp: NOW - 6 } }, { reason: 'ERR_JWT_EXPIRED', claim: 'exp' }],
    [
      'token of another issuer',
      { token: { iss: 'https://other.example' } },
      { reason: 'ERR_JWT_CLAIM_VALIDATION_FAILED', claim: 'iss' },
    ],
    [
      'token that is not valid yet',
      { token: { nbf: NOW + 6 } },
      { reason: 'ERR_JWT_CLAIM_VALIDATION_FAILED', claim: 'nbf' },
    ],
    ['unknown kid', { token: { header: { kid: 'other' } } }, { reason: 'ERR_JWKS_NO_MATCHING_KEY' }],
  ];
  test.each(reasons)('%s: the facts say why', async (_, twist, facts) => {
    await expect(validate(twist)).rejects.toMatchObject({ facts });
  });

  test('a proof whose payload is no object is not one with a wrong signature', async () => {
    const payloads = ['[]', 'null', '"x"', 'nonsense', '{"jti":"\xff"}'];
    for (const payload of payloads) {
      const header = { alg: 'ES256', typ: 'dpop+jwt', jwk: keys.caller.jwk };
      const proof = await new CompactSign(Buffer.from(payload, 'latin1'))
        .setProtectedHeader(header)
        .sign(keys.caller.privateKey);
      expect(await failedCheck(validate({ proofs: () => [proof] }))).toEqual(invalid('proof form'));
    }
  });

  test('a key that is too short to verify anything is no wrong signature', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const jwk = await exportJWK(publicKey);
    const header = base64url.encode(JSON.stringify({ alg: 'PS256', typ: 'dpop+jwt', jwk }));
    const input = `${header}.${base64url.encode('{}')}`;
    const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    const proof = `${input}.${signBytes('sha256', Buffer.from(input), { key: privateKey, ...padding }).toString('base64url')}`;
    const token = { cnf: { jkt: await calculateJwkThumbprint(jwk) } };
    expect(await failedCheck(validate({ token, proofs: () => [proof] }))).toEqual(invalid('proof jwk'));
  });

  test('no scopes are none, and two spaces part them as one does', async () => {
    const read = async (scope?: string) =>
      (await validate({ token: { scope } }, { ...RULES, scopes: [] })).scopes;
    expect(await read()).toEqual([]);
    expect(await read('a  b')).toEqual(['a', 'b']);
  });

  test('a second audience passes only where the rules say so', async () => {
    const twist = { token: { aud: [RULES.audience, 'example:other'] } };
    await expect(validate(twist, { ...RULES, otherAudiences: true })).resolves.toBeTruthy();
  });

  test('what the key source cannot do is no refusal', async () => {
    const unreachable = new ZonesError('issuer_unreachable', 'HelseID does not answer.');
    const ports = { ...makePorts(keys.issuer.jwk), keys: () => Promise.reject(unreachable) };
    await expect(validate({}, RULES, ports)).rejects.toBe(unreachable);
    expect(challengeFor(unreachable, RULES)).toBeUndefined();
  });
});

describe('replay', () => {
  test('the same request passes once', async () => {
    const ports = makePorts(keys.issuer.jwk);
    const request = await makeRequest(keys);
    await expect(validateAccess(request, RULES, ports)).resolves.toBeTruthy();
    expect(await failedCheck(validateAccess(request, RULES, ports))).toEqual(invalid('replay'));
  });

  test('an invalid proof is not remembered, and one jti counts for each key apart', async () => {
    const ports = makePorts(keys.issuer.jwk);
    await failedCheck(validate({ proof: { jti: 'one', htm: 'POST' } }, RULES, ports));
    expect(ports.claimed).toEqual([]);
    await validate({ proof: { jti: 'one' } }, RULES, ports);
    const { stranger: key } = keys;
    await validate({ proof: { jti: 'one', key }, token: { cnf: { jkt: key.jkt } } }, RULES, ports);
    expect(ports.claimed).toHaveLength(2);
    for (const id of ports.claimed) expect(id).toMatch(/^[\w-]{43}$/);
  });

  test('a proof is remembered for as long as it could be used', async () => {
    const expiries: number[] = [];
    const ports = {
      ...makePorts(keys.issuer.jwk),
      replays: { claim: async (_: string, expires: number) => expiries.push(expires) > 0 },
    };
    await validate({}, RULES, ports);
    await validate({}, RULES, { ...ports, now: () => NOW + 0.5 });
    // It may come from a clock that is ahead, and is taken until it is too old by one that is behind.
    const longest = RULES.clockSkew + RULES.proofAge + RULES.clockSkew;
    expect(expiries).toEqual([NOW + longest + 1, NOW + longest + 2]);
  });

  test('a cache that fails lets nobody in', async () => {
    const replays = { claim: () => Promise.reject(new Error('down')) };
    const ports = { ...makePorts(keys.issuer.jwk), replays };
    await expect(validate({}, RULES, ports)).rejects.toThrow('down');
  });
});

describe('security level', () => {
  const LEVEL = 'helseid://claims/identity/security_level';
  const PID = 'helseid://claims/identity/pid';
  const rules: AccessRules = { ...RULES, securityLevel: '3' };

  test.each([
    ['3', PID],
    ['4', `${PID}_pseudonym`],
  ])('%s is enough for 3, of a person by %s', async (level, claim) => {
    await expect(validate({ token: { [LEVEL]: level, [claim]: '1' } }, rules)).resolves.toBeTruthy();
  });

  test.each([
    ['level 2', { [LEVEL]: '2', [PID]: '1' }, 'security level'],
    ['no level', { [PID]: '1' }, 'security level'],
    ['a level that is a number', { [LEVEL]: 4, [PID]: '1' }, 'security level'],
    ['a level that sorts high', { [LEVEL]: 'x4', [PID]: '1' }, 'security level'],
    ['a level with something behind', { [LEVEL]: '4x', [PID]: '1' }, 'security level'],
    ['a level that there is not', { [LEVEL]: '5', [PID]: '1' }, 'security level'],
    ['acr instead', { acr: '4', [PID]: '1' }, 'security level'],
    ['no person', { [LEVEL]: '4' }, 'person'],
  ])('%s is refused', async (_, token, check) => {
    expect(await failedCheck(validate({ token }, rules))).toEqual({ code: 'security_level_too_low', check });
  });
});

describe('challenges', () => {
  test('say why, without what a header can not hold', () => {
    const error = new ZonesError('proof_invalid', 'Not "this"\\, é.', { facts: { check: 'htm' } });
    expect(challengeFor(error, RULES)).toEqual({
      status: 401,
      header:
        'DPoP error="invalid_dpop_proof", error_description="Not this, .", algs="ES256 ES384 ES512 PS256 PS384 PS512"',
    });
  });

  test.each<[string, Twist, number, string, '3'?]>([
    ['no token', { authorization: [] }, 401, 'DPoP algs="ES256 ES384 ES512 PS256 PS384 PS512"'],
    ['a bad token', { token: { exp: 1 } }, 401, 'DPoP error="invalid_token", error_description='],
    ['a bad proof', { proof: { htm: 'PUT' } }, 401, 'DPoP error="invalid_dpop_proof", error_description='],
    ['a missing scope', { token: { scope: '' } }, 403, 'scope="example:summaries/read"'],
    ['no person', {}, 401, 'DPoP error="insufficient_user_authentication", error_description=', '3'],
  ])('%s', async (_, twist, status, part, securityLevel) => {
    const rules = { ...RULES, ...(securityLevel ? { securityLevel } : {}) };
    const error = await validate(twist, rules).catch((thrown: unknown) => thrown);
    const challenge = isZonesError(error) ? challengeFor(error, RULES) : undefined;
    expect(challenge?.status).toBe(status);
    expect(challenge?.header).toContain(part);
    expect(challenge?.header).toMatch(/^[\x20-\x7e]+$/);
  });

  test('name all scopes, parted by spaces', () => {
    const error = new ZonesError('scope_insufficient', 'No.', { facts: { check: 'scope' } });
    expect(challengeFor(error, { scopes: ['a', 'b'] })?.header).toBe(
      'DPoP error="insufficient_scope", error_description="No.", scope="a b", algs="ES256 ES384 ES512 PS256 PS384 PS512"',
    );
  });

  test('to everybody name the algorithms that a proof may have', () => {
    expect(GENERAL_CHALLENGE).toBe('DPoP error="invalid_token", algs="ES256 ES384 ES512 PS256 PS384 PS512"');
  });
});

test.each<[Error | undefined, object, boolean]>([
  [new errors.JWTExpired('no', {}, 'exp'), { reason: 'ERR_JWT_EXPIRED', claim: 'exp' }, false],
  [
    new errors.JWTClaimValidationFailed('no', {}, 'iss'),
    { reason: 'ERR_JWT_CLAIM_VALIDATION_FAILED', claim: 'iss' },
    false,
  ],
  [new errors.JWKSNoMatchingKey(), { reason: 'ERR_JWKS_NO_MATCHING_KEY' }, true],
  [new TypeError('no'), {}, true],
  [undefined, {}, false],
])('%s: what is said of it, and whether it is kept as the cause', (cause, facts, kept) => {
  const error = accessError('token', 'no', cause);
  expect(error.facts).toStrictEqual({ check: 'token', ...facts });
  expect(error.cause).toBe(kept ? cause : undefined);
});
