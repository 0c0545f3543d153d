import { inspect } from 'node:util';
import { createIssuerKeys, createKeySource } from '@helseid-zones/client/issuer';
import { parseZoneConfig } from '@helseid-zones/protocol/config';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import type { APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import { beforeEach, describe, expect, test } from 'vitest';
import { type AuthorizerDeps, authorizeRequest } from '../../../functions/authorizer/authorize.ts';
import { deriveSettings } from '../../../functions/authorizer/rules.ts';
import { coded } from '../../coded.ts';
import { makeKeys, makePorts, makeRequest, NOW, RULES, type Twist } from './make-request.ts';

const ARN = 'arn:aws:execute-api:eu-north-1:000000000000:abc/live/GET/v1/summaries/1';
const ORG = 'helseid://claims/client/claims/orgnr_';
const PID = 'helseid://claims/identity/pid';
const keys = await makeKeys();
let audit: [string, Record<string, unknown>][];
let counted: unknown[];
beforeEach(() => {
  audit = [];
  counted = [];
});

const makeDeps = (change: Partial<AuthorizerDeps> = {}): AuthorizerDeps => ({
  settings: { rules: RULES, baseUrl: undefined },
  ports: makePorts(keys.issuer.jwk),
  audit: (code, facts) => audit.push([code, facts]),
  count: (figures) => counted.push(figures),
  ...change,
});

/** The event that API Gateway makes of a request, by default to `https://api.example`, stage and all. */
async function makeEvent(twist: Twist = {}, change: Record<string, unknown> = {}) {
  const { method, headers } = await makeRequest(keys, twist);
  const names = [...new Set(headers.map(([name]) => name))];
  return {
    type: 'REQUEST',
    methodArn: ARN,
    resource: '/v1/summaries/{id}',
    path: '/summaries/1',
    httpMethod: method,
    headers: Object.fromEntries(headers),
    multiValueHeaders: Object.fromEntries(
      names.map((name) => [name, headers.filter(([key]) => key === name).map(([, value]) => value)]),
    ),
    requestContext: { requestId: 'r-1', domainName: 'api.example', path: '/v1/summaries/1' },
    ...change,
  } as unknown as APIGatewayRequestAuthorizerEvent;
}

describe('allowed', () => {
  test('for exactly this method, with what the function behind needs to know', async () => {
    const claims = {
      sub: 'pseudonym',
      [PID]: '13816234567',
      'helseid://claims/identity/pid_pseudonym': 'pseudonym',
      'helseid://claims/identity/security_level': '4',
      'helseid://claims/hpr/hpr_number': '565501872',
      'helseid://claims/client/client_tenancy': 'multi-tenant',
      'nhn:sfm:journal-id': 'j-1',
      'helseid://claims/client/client_name': 'Journal',
      name: 'Line Danser',
      [`${ORG}parent`]: '999999999',
      [`${ORG}child`]: '888888888',
      [`${ORG}supplier`]: '777777777',
      act: { client_id: 'front' },
    };
    const result = await authorizeRequest(makeDeps(), await makeEvent({ token: claims }));
    expect(result.principalId).toBe('caller');
    expect(result.policyDocument).toEqual({
      Version: '2012-10-17',
      Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: ARN }],
    });
    expect(result.context).toEqual({
      clientId: 'caller',
      scope: 'example:summaries/read example:other',
      jkt: keys.caller.jkt,
      tokenExpires: String(NOW + 60),
      subject: 'pseudonym',
      pidPseudonym: 'pseudonym',
      securityLevel: '4',
      hprNumber: '565501872',
      clientTenancy: 'multi-tenant',
      clientName: 'Journal',
      journalId: 'j-1',
      orgnrParent: '999999999',
      orgnrChild: '888888888',
      orgnrSupplier: '777777777',
      actor: '{"client_id":"front"}',
    });
    expect(audit).toEqual([['access.allowed', { request: 'r-1', client: 'caller', jkt: keys.caller.jkt }]]);
  });

  test.each<[string, Record<string, unknown>]>([
    ['single-value headers', { multiValueHeaders: null }],
    ['single-value headers beside none of the others', { multiValueHeaders: {} }],
    ['multi-value headers', { headers: null }],
  ])('where only %s are given', async (_, change) => {
    const event = await makeEvent({}, change);
    const headers = event.headers && { ...event.headers, dpop: undefined };
    await expect(authorizeRequest(makeDeps(), { ...event, headers })).resolves.toMatchObject({
      principalId: 'caller',
    });
  });

  test('and claims that are null, or not there, are not handed on', async () => {
    const event = await makeEvent({ token: { sub: null, act: null, 'nhn:sfm:journal-id': 7 } });
    const { context } = await authorizeRequest(makeDeps(), event);
    const handedOn = ['clientId', 'jkt', 'journalId', 'scope', 'tokenExpires'];
    expect(Object.keys(context ?? {}).sort()).toEqual(handedOn);
    expect(context?.['journalId']).toBe('7');
  });

  const files = { resource: '/files/{path+}', pathParameters: { path: 'a/b' } };
  const root = { resource: '/', pathParameters: {} };
  const fixed = { resource: '/summaries', pathParameters: null };
  test.each<[where: string, baseUrl: string, path: string, htu: string, more?: object]>([
    ['its stage', 'https://abc.example/live', '/live/summaries/1', '/summaries/1'],
    ['a domain', 'https://api.example', '/summaries/1', '/summaries/1'],
    ['a domain with a base path', 'https://api.example/v1', '/v1/summaries/1', '/summaries/1'],
    ['a CDN with a path of its own', 'https://www.example/journal', '/live/summaries/1', '/summaries/1'],
    ['a slash at the end', 'https://www.example/journal', '/live/summaries/1/', '/summaries/1/'],
    ['two slashes at the end', 'https://www.example/journal', '/live/summaries/1//', '/summaries/1//'],
    ['a greedy parameter', 'https://www.example/journal', '/live/files/a/b', '/files/a/b', files],
    ['the root', 'https://www.example/journal', '/live/', '/', root],
    ['no parameter', 'https://www.example/journal', '/live/summaries', '/summaries', fixed],
    ['a question mark in it', 'https://www.example/journal', '/live/summaries/1?2', '/summaries/1%3F2'],
  ])('behind %s', async (_, baseUrl, path, below, more) => {
    const place = { resource: '/summaries/{id}', pathParameters: { id: '1' }, path, ...more };
    const requestContext = { requestId: 'r', domainName: 'abc.execute-api.example', path };
    const event = (htu: string) => makeEvent({ proof: { htu } }, { ...place, requestContext });
    const deps = makeDeps({ settings: { rules: RULES, baseUrl } });
    await expect(authorizeRequest(deps, await event(baseUrl + below))).resolves.toBeTruthy();
    const whole = baseUrl + below;
    for (const other of [
      `https://abc.execute-api.example${below}`,
      `${baseUrl}/live${below}`,
      `${whole}x`,
      baseUrl,
    ])
      await expect(authorizeRequest(deps, await event(other))).rejects.toThrow('Unauthorized');
  });
});

describe('refused with the word that API Gateway makes a 401 of', () => {
  test.each<[string, Twist, string, Record<string, unknown>?]>([
    ['no token', { authorization: [] }, 'scheme'],
    ['bearer', { scheme: 'Bearer' }, 'scheme'],
    ['an expired token', { token: { exp: 1 } }, 'token'],
    ['two proofs, one in the single-value form', { proofs: (proof) => [proof, proof] }, 'one proof'],
    ['a proof without the stage', { proof: { htu: 'https://api.example/summaries/1' } }, 'htu'],
  ])('%s', async (_, twist, check) => {
    const run = authorizeRequest(makeDeps(), await makeEvent(twist));
    await expect(run).rejects.toThrow(/^Unauthorized$/);
    await expect(run).rejects.toHaveProperty('cause.facts.check', check);
    expect(audit).toEqual([['access.refused', expect.objectContaining({ check, request: 'r-1' })]]);
    expect(JSON.stringify(audit)).not.toMatch(/ey[JK]/);
  });

  test.each<[string, Twist]>([
    ['expired', { token: { exp: NOW - 6, [PID]: '13816234567' } }],
    ['of another issuer', { token: { iss: 'https://o.example', [PID]: '13816234567' } }],
    ['too early', { token: { nbf: NOW + 6, [PID]: '13816234567' } }],
  ])('a token that is %s is in no cause of the error, which a runtime may print', async (_, twist) => {
    const run = authorizeRequest(makeDeps(), await makeEvent(twist));
    const error = await run.catch((thrown: unknown) => thrown);
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('13816234567');
  });

  test('the audit says which claim of the token was wrong', async () => {
    const run = authorizeRequest(makeDeps(), await makeEvent({ token: { iss: 'https://other.example' } }));
    await expect(run).rejects.toThrow(/^Unauthorized$/);
    const facts = { check: 'token', reason: 'ERR_JWT_CLAIM_VALIDATION_FAILED', claim: 'iss' };
    expect(audit).toEqual([['access.refused', { ...facts, request: 'r-1', error: 'access_token_invalid' }]]);
  });

  test('two DPoP headers in different case', async () => {
    const event = await makeEvent();
    const { DPoP: proof } = event.multiValueHeaders as Record<string, string[]>;
    const multiValueHeaders = { ...event.multiValueHeaders, dpop: proof };
    const run = authorizeRequest(makeDeps(), { ...event, multiValueHeaders });
    await expect(run).rejects.toThrow('Unauthorized');
    expect(audit[0]?.[1]).toMatchObject({ check: 'one proof' });
    expect(counted).toEqual([]);
  });

  test('the same request twice', async () => {
    const deps = makeDeps();
    const event = await makeEvent();
    await authorizeRequest(deps, event);
    await expect(authorizeRequest(deps, event)).rejects.toThrow('Unauthorized');
    expect(audit.at(-1)?.[1]).toMatchObject({ check: 'replay' });
    expect(counted).toEqual([{ Replays: 1 }]);
  });
});

test('a token without the scope is denied, with the challenge for the answer', async () => {
  const result = await authorizeRequest(makeDeps(), await makeEvent({ token: { scope: 'other' } }));
  expect(result.policyDocument.Statement[0]).toMatchObject({ Effect: 'Deny', Resource: ARN });
  expect(result.principalId).toBe('refused');
  expect(result.context).toEqual({
    error: 'scope_insufficient',
    challenge: expect.stringContaining('error="insufficient_scope"'),
  });
});

describe('unchecked is a fault, and nobody gets in', () => {
  test.each<[string, Error]>([
    ['the issuer', new ZonesError('issuer_unreachable', 'No answer.', { facts: { network: 'certificate' } })],
    ['the table', new ZonesError('aws_unavailable', 'dynamodb answered 500.')],
    ['a bug', new TypeError('eyJ should not be logged')],
    ['the issuer', new TypeError('eyJ should not be logged')],
  ])('%s', async (what, error) => {
    const ports = makePorts(keys.issuer.jwk);
    const failing =
      what === 'the issuer'
        ? { ...ports, keys: () => Promise.reject(error) }
        : { ...ports, replays: { claim: () => Promise.reject(error) } };
    await expect(authorizeRequest(makeDeps({ ports: failing }), await makeEvent())).rejects.toBe(error);
    const facts =
      error instanceof ZonesError ? { ...error.facts, error: error.code } : { error: 'TypeError' };
    expect(audit).toEqual([['access.unchecked', { ...facts, request: 'r-1' }]]);
  });
});

test('a greedy parameter that is not there is a fault: no path is guessed', async () => {
  const path = '/live/files/a/b';
  const requestContext = { requestId: 'r-1', domainName: 'abc.execute-api.example', path };
  const event = await makeEvent({}, { resource: '/files/{path+}', pathParameters: null, requestContext });
  const deps = makeDeps({ settings: { rules: RULES, baseUrl: 'https://www.example' } });
  await expect(authorizeRequest(deps, event)).rejects.toThrow('The greedy path parameter is missing.');
  expect(audit).toEqual([['access.unchecked', { request: 'r-1', error: 'TypeError' }]]);
});

test('the issuer’s keys down after a good read: good requests get in, made-up ones are unchecked and no requests there', async () => {
  const clock = { now: NOW * 1000, down: false, asked: 0 };
  const now = () => clock.now;
  const answer = async () => {
    clock.asked += 1;
    const jwk = { ...keys.issuer.jwk, kid: 'issuer-1', alg: 'RS256', use: 'sig' };
    return clock.down ? new Response(null, { status: 503 }) : Response.json({ keys: [jwk] });
  };
  const metadata = async () => ({ issuer: RULES.issuer, jwks_uri: `${RULES.issuer}/jwks` });
  const source = createKeySource(metadata, { fetch: answer, now, timeout: 1000 });
  const ports = { ...makePorts(keys.issuer.jwk), keys: createIssuerKeys(source, { cooldown: 30_000 }) };
  const deps = makeDeps({ ports });
  await authorizeRequest(deps, await makeEvent());
  clock.now += 31_000;
  clock.down = true;
  for (let n = 0; n < 20; n += 1) {
    const madeUp = await makeEvent({ token: { header: { kid: `made-up-${n}` } } });
    await expect(authorizeRequest(deps, madeUp)).rejects.toMatchObject({
      code: 'issuer_unreachable',
      facts: { status: 503 },
    });
    const { policyDocument } = await authorizeRequest(deps, await makeEvent());
    expect(policyDocument.Statement[0]).toMatchObject({ Effect: 'Allow' });
  }
  expect(clock.asked).toBe(2);
  expect(audit.at(-2)?.[1]).toEqual({ request: 'r-1', error: 'issuer_unreachable', status: 503 });
});

test('an event that is none is a fault, and audited as one', async () => {
  const event = await makeEvent({}, { requestContext: undefined });
  await expect(authorizeRequest(makeDeps(), event)).rejects.toThrow(TypeError);
  expect(audit).toEqual([['access.unchecked', { request: '-', error: 'TypeError' }]]);
  const thrown = { ...makePorts(keys.issuer.jwk), replays: { claim: () => Promise.reject('eyJ') } };
  await expect(authorizeRequest(makeDeps({ ports: thrown }), await makeEvent())).rejects.toBe('eyJ');
  expect(audit[1]).toEqual(['access.unchecked', { request: 'r-1', error: 'string' }]);
});

describe('settings', () => {
  const authorizer = { client: 'journal', audience: 'a', scopes: ['a/read'] };
  const config = (change: object = {}) => {
    const file = {
      version: 1,
      system: 'journal',
      zone: 'public',
      clients: {
        journal: { clientId: 'c', issuer: RULES.issuer, tenancy: 'single-tenant', profile: helseIdProfile },
      },
      apis: {},
      routes: [],
      authorizer,
      ...change,
    };
    return parseZoneConfig(JSON.stringify(file));
  };

  test('come from the client’s issuer and profile, with defaults', () => {
    expect(deriveSettings(config(), undefined)).toEqual({
      rules: {
        issuer: RULES.issuer,
        tokenAlgorithm: 'RS256',
        audience: 'a',
        otherAudiences: false,
        scopes: ['a/read'],
        proofAge: 10,
        clockSkew: 5,
      },
    });
  });

  test('take the declared URL before the gateway’s', () => {
    const url = 'https://abc.execute-api.eu-north-1.amazonaws.com/live';
    expect(deriveSettings(config(), url).baseUrl).toBe(url);
    expect(deriveSettings(config(), `${url}//`).baseUrl).toBe(url);
    const baseUrl = 'https://www.example/journal';
    const own = config({ baseUrl, authorizer: { ...authorizer, securityLevel: '4', proofAge: 1 } });
    expect(deriveSettings(own, url)).toMatchObject({ baseUrl, rules: { securityLevel: '4', proofAge: 1 } });
  });

  test('take the algorithm of access tokens, which need not be that of ID tokens', () => {
    const profile = { ...helseIdProfile, idTokenAlgorithm: 'RS256', accessTokenAlgorithm: 'PS256' } as const;
    const client = { clientId: 'c', issuer: RULES.issuer, tenancy: 'single-tenant', profile } as const;
    expect(deriveSettings(config({ clients: { journal: client } }), undefined).rules.tokenAlgorithm).toBe(
      'PS256',
    );
  });

  test('say what is missing', () => {
    const { authorizer: _, ...without } = config();
    expect(() => deriveSettings(without, undefined)).toThrow(coded('config_invalid', 'gateway.authorizer'));
    expect(() =>
      deriveSettings(config({ authorizer: { ...authorizer, client: 'other' } }), undefined),
    ).toThrow(coded('config_invalid', 'grant'));
  });
});
