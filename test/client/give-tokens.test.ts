import { createHash } from 'node:crypto';
import { createFetch } from '@helseid-zones/client/api-fetch';
import type { AwsCaller } from '@helseid-zones/client/aws';
import { createTokenGiver } from '@helseid-zones/client/give-tokens';
import { remoteCalls } from '@helseid-zones/client/invoke';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import type { TokenHeaders } from '@helseid-zones/protocol/token-request';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { expect, test, vi } from 'vitest';
import { API, CLIENT_ID, failure, ISSUER, makeWorld } from './make-client.ts';

const CHILD = '974760673';
const tenancy = 'single-tenant' as const;
const REGISTRATION = { clientId: CLIENT_ID, issuer: ISSUER, tenancy, profile: helseIdProfile };
const REQUEST = { api: 'documents', method: 'GET', url: `${API}/v1/x` };

/** A tokens function of a zone that calls two APIs by one client, and a function that asks it. */
async function makeZone() {
  const world = await makeWorld();
  const { client, network } = world;
  const api = { baseUrl: `${API}/v1`, audience: API, clients: ['journal'] };
  const apis = {
    documents: { ...api, scopes: ['documents/write'], resource: 'urn:documents' },
    summaries: { ...api, baseUrl: `${API}/v2`, scopes: ['summaries/read'] },
    shared: { ...api, scopes: ['shared'], clients: ['journal', 'other'] },
  };
  const lines: object[] = [];
  const give = createTokenGiver({
    config: { zone: 'internal', apis, clients: { journal: REGISTRATION, other: REGISTRATION } },
    client: () => client,
    audit: (code, facts) => void lines.push({ code, ...facts }),
  });
  const asked: Record<string, unknown>[] = [];
  const aws: AwsCaller = {
    async call({ body = '' }) {
      asked.push(JSON.parse(body));
      return { headers: new Headers(), body: JSON.stringify(await give(JSON.parse(body))) };
    },
    json: async () => ({}),
  };
  const { nonces } = await makeWorld().then((other) => other.client);
  const call = createFetch(
    { fetch: network.fetch, timeout: 10_000, nonces },
    remoteCalls({ aws, functionArn: 'arn' }, { api: 'documents' }),
  );
  return { ...world, give, call, asked, lines };
}

const headersOf = (answer: unknown) => answer as TokenHeaders;
const codeOf = (answer: unknown) => (answer as { error?: { code: string } }).error?.code;

test('headers are ready to be sent: a token, and a proof of its own for method, URL, token and nonce', async () => {
  const { give, clock, issuer, signer } = await makeZone();
  const key = signer.addKey();
  signer.switchTo(key.thumbprint);
  issuer.register(key);
  const answer = headersOf(
    await give({ ...REQUEST, nonce: 'n-1', details: [{ type: 'helseid_authorization', child: CHILD }] }),
  );
  const [scheme, token = ''] = answer.authorization.split(' ');
  expect(scheme).toBe('DPoP');
  expect(answer.expires_in).toBeGreaterThan(0);
  const keys = createLocalJWKSet({ keys: [{ ...key.jwk, kid: key.thumbprint }] });
  const currentDate = new Date(clock.now);
  const { payload } = await jwtVerify(answer.dpop, keys, { typ: 'dpop+jwt', currentDate });
  expect(payload).toMatchObject({ htm: 'GET', htu: `${API}/v1/x`, nonce: 'n-1' });
  expect(payload['ath']).toBe(createHash('sha256').update(token).digest('base64url'));
  const second = headersOf(await give(REQUEST));
  expect(second.dpop).not.toBe(answer.dpop);
  expect(JSON.stringify(signer.calls)).not.toContain(token);
});

test('whatever is asked for, a token has the scopes and the resource of its API', async () => {
  const { give, issuer } = await makeZone();
  for (const api of ['documents', 'summaries']) await give({ ...REQUEST, api, url: '/x' });
  const forms = issuer.posts
    .filter(({ form }) => form['grant_type'])
    .map(({ form: { scope, resource } }) => ({ scope, resource }));
  // Twice each where the issuer wants a nonce first.
  expect([...new Map(forms.map((form) => [form.scope, form])).values()]).toEqual([
    { scope: 'documents/write', resource: 'urn:documents' },
    { scope: 'summaries/read', resource: undefined },
  ]);
});

test.each<[string, unknown, string, string?]>([
  ['an API without a grant', { ...REQUEST, api: 'billing' }, 'grant_refused', 'api'],
  ['a name that objects have', { ...REQUEST, api: 'constructor' }, 'grant_refused', 'api'],
  ['a client without a grant for it', { ...REQUEST, client: 'other' }, 'grant_refused', 'client'],
  ['no client where there are several', { ...REQUEST, api: 'shared' }, 'request_malformed', 'client'],
  ['a scope', { ...REQUEST, scope: 'all' }, 'request_malformed', 'scope'],
  ['another host', { ...REQUEST, url: 'https://elsewhere.test/v1/x' }, 'request_malformed', 'url'],
  [
    'a host that only begins so',
    { ...REQUEST, url: `${API}.elsewhere.test/v1/x` },
    'request_malformed',
    'url',
  ],
  ['user information', { ...REQUEST, url: `${API}@elsewhere.test/v1/x` }, 'request_malformed', 'url'],
  ['another path', { ...REQUEST, url: `${API}/v10/x` }, 'request_malformed', 'url'],
  ['a path that leaves it', { ...REQUEST, url: '/../v2/x' }, 'request_malformed', 'url'],
  ['a method that is none', { ...REQUEST, method: 'get' }, 'request_malformed', 'method'],
  ['a nonce that would end a header', { ...REQUEST, nonce: 'a\r\nb' }, 'request_malformed', 'nonce'],
  ['a refused header of another scheme', { ...REQUEST, refused: 'Bearer x' }, 'request_malformed', 'refused'],
  ['nothing', null, 'request_malformed'],
  ['no request', [], 'request_malformed'],
  ['nine requests', Array.from({ length: 9 }, () => REQUEST), 'request_malformed'],
])('%s is refused before anything is fetched', async (_name, request, code, field) => {
  const { give, issuer, lines } = await makeZone();
  const answer = await give(request);
  expect(answer).toMatchObject({ error: { code, ...(field ? { facts: { field } } : {}) } });
  expect(issuer.posts).toEqual([]);
  expect(lines).toMatchObject([{ code: 'token.not_given', reason: code }]);
});

test('nine requests are told how many there may be', async () => {
  const { give } = await makeZone();
  const answer = await give(Array.from({ length: 9 }, () => REQUEST));
  expect(answer).toMatchObject({ error: { message: expect.stringContaining('a list of 1 to 8') } });
});

test.each([
  ['a token', 'DPoP eyJhbGciOiJFUzI1NiJ9.secret.token'],
  ['a megabyte', 'secret'.repeat(170_000)],
  ['lines of its own', 'secret\u001b[2J\nforged'],
  ['what objects have', 'hasOwnProperty'],
])('the name of an unknown field, %s, is repeated in neither answer nor log', async (_name, field) => {
  const { give, lines } = await makeZone();
  for (const [request, at] of [
    [{ ...REQUEST, [field]: 1 }, ''],
    [{ ...REQUEST, details: [{ type: 'helseid_authorization', child: CHILD, [field]: 1 }] }, 'details.0'],
  ] as const)
    expect(await give(request)).toMatchObject({ error: { code: 'request_malformed', facts: { field: at } } });
  const said = JSON.stringify([await give({ ...REQUEST, [field]: 1 }), lines]);
  expect(said).not.toMatch(/secret|forged|hasOwn/);
  expect(said.length).toBeLessThan(2000);
});

test('eight are answered in their order, each by itself, with one token for all of one API', async () => {
  const { give, issuer } = await makeZone();
  const requests = Array.from({ length: 7 }, (_, at) => ({ ...REQUEST, url: `/${at}` }));
  const answers = (await give([...requests, { ...REQUEST, api: 'billing' }])) as unknown[];
  expect(answers.map(codeOf)).toEqual([...requests.map(() => undefined), 'grant_refused']);
  const claims = answers
    .slice(0, 7)
    .map((answer) =>
      JSON.parse(Buffer.from(headersOf(answer).dpop.split('.')[1] ?? '', 'base64url').toString()),
    );
  expect(claims.map(({ htu }) => htu)).toEqual(requests.map(({ url }) => `${API}/v1${url}`));
  expect(new Set(claims.map(({ jti }) => jti)).size).toBe(7);
  expect(issuer.tokens.size).toBe(1);
});

test('a token that was refused is replaced, what is not that token is not, and no line has one', async () => {
  const { give, issuer, lines, network } = await makeZone();
  const { authorization: first } = headersOf(await give(REQUEST));
  expect(headersOf(await give({ ...REQUEST, refused: 'DPoP somebody-elses' })).authorization).toBe(first);
  const { authorization: second } = headersOf(await give({ ...REQUEST, refused: first }));
  expect(second).not.toBe(first);
  expect(headersOf(await give({ ...REQUEST, refused: first })).authorization).toBe(second);
  const sent = network.sent.length;
  expect(codeOf(await give({ ...REQUEST, refused: second }))).toBe('renewal_limited');
  expect(network.sent.length).toBe(sent);
  expect(headersOf(await give(REQUEST)).authorization).toBe(second);
  for (const token of issuer.tokens.keys()) expect(JSON.stringify(lines)).not.toContain(token);
});

test('a key that was retired early costs one new token, and an issuer out of reach empties nothing', async () => {
  const { give, issuer, signer } = await makeZone();
  const first = headersOf(await give(REQUEST));
  const next = signer.addKey();
  issuer.register(next);
  issuer.behaviour.fail = () => new Response('', { status: 503 });
  expect(codeOf(await give({ ...REQUEST, refused: first.authorization }))).toBe('issuer_unreachable');
  expect(headersOf(await give(REQUEST)).authorization).toBe(first.authorization);
  delete issuer.behaviour.fail;
  const [old] = [...issuer.tokens.values()];
  signer.switchTo(next.thumbprint);
  signer.retire(old?.jkt ?? '');
  const second = headersOf(await give(REQUEST));
  expect(issuer.tokens.get(second.authorization.slice(5))?.jkt).toBe(next.thumbprint);
});

test('a key that was retired early is none of what is counted as refused: headers come the moment after', async () => {
  const { give, issuer, signer } = await makeZone();
  const { authorization: refused } = headersOf(await give(REQUEST));
  await give({ ...REQUEST, refused });
  const [old] = [...issuer.tokens.values()];
  const next = signer.addKey();
  issuer.register(next);
  signer.switchTo(next.thumbprint);
  signer.retire(old?.jkt ?? '');
  const { authorization } = headersOf(await give(REQUEST));
  expect(issuer.tokens.get(authorization.slice(5))?.jkt).toBe(next.thumbprint);
  // None to be had: the signer's own word.
  signer.retire(next.thumbprint);
  expect(codeOf(await give(REQUEST))).toBe('key_not_usable');
});

test('a function calls its API by them; a nonce, a refused token and a second refusal go as with a signer', async () => {
  const { call, api, asked, issuer } = await makeZone();
  api.behaviour.nonce = 'required';
  expect((await call(`${API}/v1/x?patient=1`, { method: 'POST', body: 'b' })).status).toBe(200);
  expect(asked).toMatchObject([{ method: 'POST', url: `${API}/v1/x` }, { nonce: /./ }]);
  // The nonce is known now.
  expect((await call(`${API}/v1/x`)).status).toBe(200);
  expect(asked).toHaveLength(3);
  api.behaviour.refused = new Set(issuer.tokens.keys());
  expect((await call(`${API}/v1/x`)).status).toBe(200);
  expect(issuer.tokens.size).toBe(2);
  api.behaviour.refused = 'all';
  const { status } = await call(`${API}/v1/x`);
  expect([status, issuer.tokens.size]).toEqual([401, 2]);
  expect(JSON.stringify(asked)).not.toContain('patient');
});

test('what the function answers instead comes with its code, and nothing is sent', async () => {
  const { call, api, signer } = await makeZone();
  signer.refuseNext('kms_refused');
  await failure(call(`${API}/v1/x`), 'kms_refused');
  expect(api.requests).toEqual([]);
});

test.each<[string, unknown]>([
  ['headers of another scheme', { authorization: 'Bearer x', dpop: 'x', expires_in: 1 }],
  ['an authorization that would end a header', { authorization: 'DPoP x\r\ny: z', dpop: 'x', expires_in: 1 }],
  ['no proof', { authorization: 'DPoP x', expires_in: 1 }],
  ['an error without a code', { error: { message: 'x' } }],
  ['a list', []],
])('an answer with %s is invalid', async (_name, answer) => {
  const { client } = await makeWorld();
  const aws: AwsCaller = {
    call: async () => ({ headers: new Headers(), body: JSON.stringify(answer) }),
    json: async () => ({}),
  };
  const call = createFetch(client, remoteCalls({ aws, functionArn: 'arn' }, { api: 'documents' }));
  await failure(call(`${ISSUER}/x`), 'tokens_answer_invalid');
});

test.each([
  [[{ type: 'helseid_authorization', child: '974760674' }]],
  [[{ type: 'helseid_authorization', parent: CHILD }]],
  [[{ type: 'nhn:sfm:journal-id', journalId: 'x' }]],
])('details that no signer signs are refused before any token is looked for: %j', async (details) => {
  const { give, signer, client } = await makeZone();
  const looked = vi.spyOn(client.tokens, 'get');
  expect(codeOf(await give({ ...REQUEST, details }))).toBe('details_invalid');
  expect([looked.mock.calls, signer.calls]).toEqual([[], []]);
});
