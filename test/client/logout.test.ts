import { validateLogoutToken } from '@helseid-zones/client/logout';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { takeRsaPair } from '../fakes/kms.ts';
import { CLIENT_ID, failure, ISSUER, makeWorld } from './make-client.ts';

const NOW = 1_790_000_000;
const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

function makeMemory() {
  const seen = new Map<string, number>();
  const remember = async (jti: string, until: number) => !seen.has(jti) && !!seen.set(jti, until);
  return { seen, remember };
}

test('a logout token is taken once', async () => {
  const { client, issuer } = await makeWorld();
  const { seen, remember } = makeMemory();
  const token = await issuer.signLogoutToken();
  const claims = await validateLogoutToken(client, token, remember);
  expect(claims).toMatchObject({ iss: ISSUER, sub: 'person-1', sid: 'sid-1' });
  expect([...seen]).toEqual([[claims.jti, NOW + 125]]);
  await failure(validateLogoutToken(client, token, remember), 'token_invalid');
});

test.each([
  ['sub alone', { sid: undefined }, {}],
  ['sid alone', { sub: undefined }, {}],
  ['aud as an array of one', { aud: [CLIENT_ID] }, {}],
  ['its full media type', {}, { typ: 'application/logout+jwt' }],
  ['its type in capitals', {}, { typ: 'LOGOUT+JWT' }],
  ['the type of any JWT', {}, { typ: 'JWT' }],
  ['the full media type of any JWT', {}, { typ: 'application/jwt' }],
  ['no type', {}, { typ: undefined }],
])('a logout token with %s is taken', async (_name, claims, header) => {
  const { client, issuer } = await makeWorld();
  const token = await issuer.signLogoutToken(claims, header);
  expect((await validateLogoutToken(client, token, makeMemory().remember)).iss).toBe(ISSUER);
});

test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
  ['the typ of an access token', {}, { typ: 'at+jwt' }],
  ['the typ of a proof', {}, { typ: 'dpop+jwt' }],
  ['the typ of a security event', {}, { typ: 'secevent+jwt' }],
  ['a typ that ends in its own', {}, { typ: 'not-logout+jwt' }],
  ['another media type', {}, { typ: 'text/jwt' }],
  ['an empty typ', {}, { typ: '' }],
  ['a typ that is a number', {}, { typ: 1 }],
  ['a typ that is null', {}, { typ: null }],
  ['the typ of any JWT, and a nonce', { nonce: 'x' }, { typ: 'JWT' }],
  ['the typ of any JWT, and no events', { events: undefined }, { typ: 'JWT' }],
  ['no typ, and a nonce', { nonce: 'x' }, { typ: undefined }],
  ['no typ, and no events', { events: undefined }, { typ: undefined }],
  ['another iss', { iss: 'https://evil.test' }, {}],
  ['another aud', { aud: 'other' }, {}],
  ['a second aud', { aud: [CLIENT_ID, 'other'] }, {}],
  ['no aud', { aud: undefined }, {}],
  ['no iat', { iat: undefined }, {}],
  ['an old iat', { iat: NOW - 126 }, {}],
  ['an iat in the future', { iat: NOW + 6 }, {}],
  ['no exp', { exp: undefined }, {}],
  ['a past exp', { exp: NOW - 6 }, {}],
  ['no jti', { jti: undefined }, {}],
  ['an empty jti', { jti: '' }, {}],
  ['a long jti', { jti: 'x'.repeat(257) }, {}],
  ['no events', { events: undefined }, {}],
  ['another event', { events: { 'https://x': {} } }, {}],
  ['an event that is no object', { events: { [EVENT]: true } }, {}],
  ['an event that is an array', { events: { [EVENT]: [] } }, {}],
  ['events that are text', { events: EVENT }, {}],
  ['a nonce', { nonce: 'x' }, {}],
  ['neither sub nor sid', { sub: undefined, sid: undefined }, {}],
  ['an empty sid', { sid: '' }, {}],
  ['a sub that is a number', { sub: 1 }, {}],
  ['an unknown kid', {}, { kid: 'other' }],
])('a logout token with %s is refused and not remembered', async (_name, claims, header) => {
  const { client, issuer } = await makeWorld();
  const { seen, remember } = makeMemory();
  const token = await issuer.signLogoutToken(claims, header);
  await failure(validateLogoutToken(client, token, remember), 'token_invalid');
  expect(seen.size).toBe(0);
});

test.each([
  ['logout+jwt', true],
  ['application/logout+jwt', true],
  ['JWT', false],
  [undefined, false],
])('a profile that demands logout+jwt: %s is taken is %s', async (typ, taken) => {
  const { client, issuer } = await makeWorld({ profile: { logoutTokenTyp: 'logout+jwt' } });
  const { remember } = makeMemory();
  const validated = validateLogoutToken(client, await issuer.signLogoutToken({}, { typ }), remember);
  if (taken) expect((await validated).sid).toBe('sid-1');
  else expect((await failure(validated, 'token_invalid')).message).toContain('"typ"');
});

test.each(['', 'x', 'a.b.c', 'e30.e30.'])('%j is no logout token', async (token) => {
  const { client } = await makeWorld();
  await failure(validateLogoutToken(client, token, makeMemory().remember), 'token_invalid');
});

test.each([
  ['RS256', true],
  ['RS512', false],
  ['PS256', false],
  ['ES256', false],
])('a logout token by another of the issuer’s keys, signed %s: taken is %s', async (alg, taken) => {
  const { client, issuer } = await makeWorld();
  const { publicKey, privateKey } = alg === 'ES256' ? await generateKeyPair(alg) : takeRsaPair();
  issuer.otherKeys = [{ ...(await exportJWK(publicKey)), kid: 'second', alg }];
  const claims = decodeJwt(await issuer.signLogoutToken());
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg, kid: 'second', typ: 'logout+jwt' })
    .sign(privateKey);
  const validated = validateLogoutToken(client, token, makeMemory().remember);
  if (taken) expect((await validated).sid).toBe('sid-1');
  else await failure(validated, 'token_invalid');
});

test('a broken signature is refused', async () => {
  const { client, issuer } = await makeWorld();
  const { remember } = makeMemory();
  const [header, payload] = (await issuer.signLogoutToken()).split('.');
  const [, , signature] = (await issuer.signLogoutToken()).split('.');
  await failure(validateLogoutToken(client, `${header}.${payload}.${signature}`, remember), 'token_invalid');
});

test('a key that is new makes the issuer’s be read again, however lately they were, but not for everybody who asks', async () => {
  const { client, issuer, clock } = await makeWorld();
  const { remember } = makeMemory();
  await validateLogoutToken(client, await issuer.signLogoutToken(), remember);
  await issuer.rotateKey();
  clock.now += 1;
  await validateLogoutToken(client, await issuer.signLogoutToken(), remember);
  expect(issuer.keysRead).toBe(2);
  await issuer.rotateKey();
  clock.now += 29_999;
  await failure(validateLogoutToken(client, await issuer.signLogoutToken(), remember), 'token_invalid');
  expect(issuer.keysRead).toBe(2);
  clock.now += 1;
  await validateLogoutToken(client, await issuer.signLogoutToken(), remember);
  expect(issuer.keysRead).toBe(3);
});

test('while the issuer’s keys can’t be read, made-up tokens neither drop the ones read nor ask for them', async () => {
  const { client, issuer, clock, network } = await makeWorld();
  const { remember } = makeMemory();
  await validateLogoutToken(client, await issuer.signLogoutToken(), remember);
  clock.now += 31_000;
  network.mount('https://sts.test', async () => new Response(null, { status: 503 }));
  const sent = network.sent.length;
  for (let n = 0; n < 20; n += 1) {
    const madeUp = await issuer.signLogoutToken({}, { kid: `made-up-${n}` });
    const error = await failure(validateLogoutToken(client, madeUp, remember), 'issuer_unreachable');
    expect(error.facts).toEqual({ status: 503 });
    await validateLogoutToken(client, await issuer.signLogoutToken(), remember);
  }
  expect(network.sent.length).toBe(sent + 1);
});
