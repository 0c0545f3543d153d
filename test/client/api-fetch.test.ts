import { inspect } from 'node:util';
import { createApiFetch } from '@helseid-zones/client/api-fetch';
import { getAccessToken, machineTokens } from '@helseid-zones/client/machine-token';
import fc from 'fast-check';
import { decodeJwt } from 'jose';
import { expect, test } from 'vitest';
import { full } from '../full.ts';
import { API, failure, makeWorld } from './make-client.ts';

async function makeApi() {
  const world = await makeWorld();
  const call = createApiFetch(world.client, machineTokens(world.client, { scopes: ['a'] }));
  return { ...world, call };
}

const stream = (text: string) => new Blob([text]).stream();

test('a call carries the token, a fresh proof and the caller’s own parts', async () => {
  const { api, call, signer } = await makeApi();
  const response = await call(`${API}/v1/x?patient=13116900216&a=b#fragment`, {
    method: 'post',
    headers: { 'content-type': 'application/fhir+json', authorization: 'Bearer mine', dpop: 'mine' },
    body: '{"a":1}',
  });
  expect(await response.json()).toEqual({ method: 'POST', url: `${API}/v1/x?patient=13116900216&a=b` });
  const [request] = api.requests;
  expect(request?.body).toBe('{"a":1}');
  expect(request?.headers.get('content-type')).toBe('application/fhir+json');
  await call(new URL(`${API}/v1/x`));
  expect(api.requests[1]?.headers.get('dpop')).not.toBe(request?.headers.get('dpop'));
  // Nothing of the query, and no token, enters the signing zone.
  const asked = JSON.stringify(signer.calls);
  expect(asked).not.toContain('13116900216');
  for (const { headers } of api.requests)
    expect(asked).not.toContain(headers.get('authorization')?.split(' ')[1]);
});

test('the proof is signed by the key the token is bound to, also after a rotation', async () => {
  const { call, signer, issuer, api } = await makeApi();
  await call(`${API}/x`);
  const next = signer.addKey('ES384');
  issuer.register(next);
  signer.switchTo(next.thumbprint);
  expect((await call(`${API}/x`)).status).toBe(200);
  expect(api.requests.length).toBe(2);
  expect(issuer.posts.length).toBe(2);
});

test('where that key is gone, one new token is fetched', async () => {
  const { call, signer, issuer, api, client } = await makeApi();
  await call(`${API}/x`);
  const old = (await getAccessToken(client, { scopes: ['a'] })).binding.kid;
  const next = signer.addKey();
  issuer.register(next);
  signer.switchTo(next.thumbprint);
  signer.retire(old);
  expect((await call(`${API}/x`)).status).toBe(200);
  expect(api.requests.length).toBe(2);
  signer.retire(next.thumbprint);
  await failure(call(`${API}/x`), 'key_not_usable');
  expect(api.requests.length).toBe(2);
});

test('where that key is gone, no refusal before counts: not one that was never accepted, not one in the same call', async () => {
  const { call, signer, issuer, api, client } = await makeApi();
  const { accessToken, binding } = await getAccessToken(client, { scopes: ['a'] });
  const lose = (kid: string) => {
    const next = signer.addKey();
    issuer.register(next);
    signer.switchTo(next.thumbprint);
    signer.retire(kid);
    return next.thumbprint;
  };
  let kid = binding.kid;
  api.behaviour.answer = () => new Response(null, { status: 401 });
  expect((await call(`${API}/x`)).status).toBe(401);
  kid = lose(kid);
  delete api.behaviour.answer;
  expect((await call(`${API}/x`)).status).toBe(200);
  // Refused with one token, while the key of the one that has taken its place is lost.
  const renewed = await getAccessToken(client, { scopes: ['a'] });
  expect(renewed.accessToken).not.toBe(accessToken);
  const { fetch, tokens } = client;
  api.behaviour.refused = new Set([renewed.accessToken]);
  const renew: typeof tokens.renew = async (...args) => {
    const token = await tokens.renew(...args);
    lose(kid);
    return token;
  };
  const other = { ...client, fetch, tokens: { ...tokens, renew } };
  const again = createApiFetch(other, machineTokens(other, { scopes: ['a'] }));
  expect((await again(`${API}/x`)).status).toBe(200);
});

test.each([
  ['one challenge', 'DPoP {params}'],
  ['another case', 'dpop {params}'],
  ['two challenges, ours last', 'Bearer realm="x", DPoP {params}'],
  ['two challenges, ours first', 'DPoP {params}, algs="ES256", Bearer'],
])('an API’s nonce is answered once: %s', async (_name, challenge) => {
  const { api, call, issuer } = await makeApi();
  api.behaviour.nonce = 'required';
  api.behaviour.challenge = challenge;
  expect((await call(`${API}/x`, { method: 'POST', body: 'b' })).status).toBe(200);
  expect(api.requests.map(({ body }) => body)).toEqual(['b', 'b']);
  expect((await call(`${API}/x`)).status).toBe(200);
  expect(api.requests.length).toBe(3);
  expect(issuer.posts.length).toBe(2);
});

test.each([
  [false, 6],
  // The answer brings the next one.
  [true, 4],
])(
  'an API that wants another nonce at every call (given with answers: %s) costs %i requests for three, and no token',
  async (nonceOnSuccess, requests) => {
    const { api, call, issuer } = await makeApi();
    Object.assign(api.behaviour, { nonce: 'once', nonceOnSuccess });
    for (const path of ['x', 'y', 'z']) expect((await call(`${API}/${path}`)).status).toBe(200);
    expect(api.requests).toHaveLength(requests);
    expect(issuer.tokens.size).toBe(1);
  },
);

test.each([
  [200, 'use_dpop_nonce'],
  [201, 'use_dpop_nonce'],
  [403, 'use_dpop_nonce'],
  [500, 'use_dpop_nonce'],
  [403, 'invalid_token'],
  [500, 'invalid_token'],
])(
  'an answer of %i is the caller’s, whatever it says: %s is no reason to send again',
  async (status, error) => {
    const { api, call } = await makeApi();
    const headers = { 'www-authenticate': `DPoP error="${error}"`, 'dpop-nonce': 'n' };
    api.behaviour.answer = () => new Response('done', { status, headers });
    const response = await call(`${API}/x`, { method: 'POST', body: 'b' });
    expect([response.status, await response.text()]).toEqual([status, 'done']);
    expect(api.requests.length).toBe(1);
  },
);

test('a nonce from a success is used for the next call', async () => {
  const { api, call, signer } = await makeApi();
  api.behaviour.nonceOnSuccess = true;
  await call(`${API}/x`);
  api.behaviour.nonce = 'required';
  await call(`${API}/x`);
  expect(api.requests.length).toBe(2);
  expect(signer.calls.at(-1)?.[0]).toHaveProperty('nonce');
});

test.each([
  ['as long as a signer takes', ['n'.repeat(1024)], 'n'.repeat(1024)],
  ['sent twice', ['one', 'one'], 'one'],
])('a nonce %s goes into the proof', async (_name, values, expected) => {
  const { api, call } = await makeApi();
  const headers = new Headers({ 'www-authenticate': 'DPoP error="use_dpop_nonce"' });
  for (const value of values) headers.append('dpop-nonce', value);
  api.behaviour.answer = (request) =>
    decodeJwt(request.headers.get('dpop') ?? '')['nonce'] === expected
      ? new Response('yes')
      : new Response(null, { status: 401, headers });
  expect((await call(`${API}/x`)).status).toBe(200);
  expect(api.requests.length).toBe(2);
});

test('nonces of the issuer and of an API on its origin are kept apart', async () => {
  const world = await makeWorld({ issuer: `${API}/sts` });
  const { api, issuer, client, network } = world;
  network.mount(API, (request) =>
    request.url.startsWith(`${API}/sts/`) ? issuer.handle(request) : api.handle(request),
  );
  api.behaviour.nonce = 'required';
  const call = createApiFetch(client, machineTokens(client));
  expect((await call(`${API}/x`)).status).toBe(200);
  await getAccessToken(client, { scopes: ['other'] });
  expect((await call(`${API}/x`)).status).toBe(200);
  expect([issuer.posts.length, api.requests.length]).toEqual([3, 3]);
});

test.each([
  ['loop', 2],
  ['without-header', 1],
] as const)('an API whose nonces never satisfy it (%s) is left after %i requests', async (nonce, count) => {
  const { api, call } = await makeApi();
  api.behaviour.nonce = nonce;
  await failure(call(`${API}/x`), 'nonce_loop');
  expect(api.requests.length).toBe(count);
});

test('a token that the API does not take is replaced once, and then its answer stands', async () => {
  const { api, call, client, issuer } = await makeApi();
  const { accessToken } = await getAccessToken(client, { scopes: ['a'] });
  api.behaviour.refused = new Set([accessToken]);
  expect((await call(`${API}/x`, { method: 'PUT', body: new Uint8Array([65]) })).status).toBe(200);
  expect(api.requests.map(({ body }) => body)).toEqual(['A', 'A']);
  expect(issuer.posts.length).toBe(3);

  api.behaviour.refused = 'all';
  const response = await call(`${API}/x`);
  expect(response.status).toBe(401);
  expect(await response.text()).toBe('refused');
  expect(api.requests.length).toBe(4);
  expect(issuer.posts.length).toBe(4);
});

test('calls refused at the same time share one new token', async () => {
  const { api, call, client, issuer } = await makeApi();
  const { accessToken } = await getAccessToken(client, { scopes: ['a'] });
  api.behaviour.refused = new Set([accessToken]);
  const answers = await Promise.all([1, 2, 3].map(() => call(`${API}/x`)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(issuer.posts.length).toBe(3);
});

test('a nonce and a refused token in one call: three requests at most', async () => {
  const { api, call, client } = await makeApi();
  const { accessToken } = await getAccessToken(client, { scopes: ['a'] });
  api.behaviour.nonce = 'required';
  api.behaviour.refused = new Set([accessToken]);
  expect((await call(`${API}/x`)).status).toBe(200);
  expect(api.requests.length).toBe(3);
});

test('a source without another token leaves the API’s answer to the caller', async () => {
  const { api, client } = await makeApi();
  api.behaviour.refused = 'all';
  const token = await getAccessToken(client);
  const call = createApiFetch(client, { get: async () => token, renew: async () => undefined });
  expect((await call(`${API}/x`)).status).toBe(401);
  expect(api.requests.length).toBe(1);
});

test('a source that throws at once leaves a streamed call its answer too', async () => {
  const { api, call: before, client } = await makeApi();
  await before(`${API}/nonce`);
  api.behaviour.refused = 'all';
  const token = await getAccessToken(client);
  const renew = () => {
    throw new TypeError('not now');
  };
  const call = createApiFetch(client, { get: async () => token, renew });

  expect((await call(`${API}/x`, { method: 'POST', body: stream('x') })).status).toBe(401);
});

const refusals: [string, Record<string, string>][] = [
  ['without a challenge', {}],
  ['for scope', { 'www-authenticate': 'DPoP error="insufficient_scope"' }],
  ['with a challenge nobody can read', { 'www-authenticate': '=,"' }],
  ['with a challenge for another scheme', { 'www-authenticate': 'Bearer realm="x"' }],
  ['as a gateway renames it', { 'x-amzn-remapped-www-authenticate': 'DPoP error="invalid_token"' }],
];

test.each(refusals)(
  'a 401 %s: one new token a token, and none while that one is refused',
  async (_name, headers) => {
    const { api, call, client, issuer } = await makeApi();
    const { accessToken } = await getAccessToken(client, { scopes: ['a'] });
    const posts = issuer.posts.length;
    const refuse = (request: Request) => request.headers.get('authorization') === `DPoP ${accessToken}`;
    const no = () => new Response('no', { status: 401, headers });
    api.behaviour.answer = (request) => (refuse(request) ? no() : new Response('yes'));
    expect(await (await call(`${API}/x`, { method: 'POST', body: 'b' })).text()).toBe('yes');
    expect(api.requests.map(({ body }) => body)).toEqual(['b', 'b']);
    expect(issuer.posts.length).toBe(posts + 1);

    // The new one was accepted: it has one renewal too, and what comes of that is refused for good.
    api.behaviour.answer = no;
    for (let n = 0; n < 5; n += 1) expect((await call(`${API}/x`)).status).toBe(401);
    expect(issuer.posts.length).toBe(posts + 2);
    expect(api.requests.length).toBe(2 + 2 + 4);

    api.behaviour.answer = () => new Response('yes');
    await call(`${API}/x`);
    api.behaviour.answer = no;
    expect(await (await call(`${API}/x`)).text()).toBe('no');
    expect(issuer.posts.length).toBe(posts + 3);
  },
);

test('whatever a 401 says, it ends after three requests', async () => {
  const { client } = await makeApi();
  const words = 'DPoP Bearer error = , " use_dpop_nonce invalid_token \\'.split(' ');
  const word = fc.constantFrom(' ', ...words);
  const text = fc.array(fc.oneof(word, fc.string({ unit: 'binary-ascii', maxLength: 8 })), { maxLength: 12 });
  const header = text.map((parts) => parts.join('').replace(/[^\x20-\x7e]/g, ''));
  await fc.assert(
    fc.asyncProperty(header, fc.option(fc.constantFrom('n1', 'n1, n2', '"')), async (challenge, nonce) => {
      let sent = 0;
      const fetch: typeof client.fetch = async (input, init) => {
        if (!input.startsWith(API)) return client.fetch(input, init);
        sent += 1;
        const headers = { 'www-authenticate': challenge, ...(nonce === null ? {} : { 'dpop-nonce': nonce }) };
        return new Response(null, { status: 401, headers });
      };
      const call = createApiFetch({ ...client, fetch }, machineTokens(client));
      const outcome = await call(`${API}/x`, { method: 'POST', body: 'b' }).catch((error: unknown) => error);
      if (outcome instanceof Response) expect(outcome.status).toBe(401);
      else expect(outcome).toMatchObject({ code: 'nonce_loop' });
      expect(sent).toBeLessThanOrEqual(3);
    }),
    { numRuns: full(60) },
  );
});

test('calls refused one after the other with one token share one new token', async () => {
  const { api, client, issuer } = await makeApi();
  const { accessToken } = await getAccessToken(client, { scopes: ['a'] });
  const posts = issuer.posts.length;
  api.behaviour.answer = () => new Response(null, { status: 401 });
  for (let delivery = 0; delivery < 5; delivery += 1) {
    // As a worker does: a source of its own for each message.
    const call = createApiFetch(client, machineTokens(client, { scopes: ['a'] }));
    expect((await call(`${API}/x`, { method: 'POST', body: 'b' })).status).toBe(401);
  }
  expect(issuer.posts.length).toBe(posts + 1);
  expect(api.requests.length).toBe(6);
  expect(api.requests.at(-1)?.headers.get('authorization')).not.toBe(`DPoP ${accessToken}`);
});

test('an issuer that is down after a good read: a refused token stays until there is another', async () => {
  const { api, call, client, issuer } = await makeApi();
  const token = await getAccessToken(client, { scopes: ['a'] });
  issuer.behaviour.fail = () => new Response(null, { status: 503 });
  api.behaviour.answer = () => new Response(null, { status: 401 });
  const error = await failure(call(`${API}/x`), 'issuer_unreachable');
  expect(error.facts).toEqual({ status: 503 });
  api.behaviour.answer = () => new Response('yes');
  expect((await call(`${API}/x`)).status).toBe(200);
  expect(await getAccessToken(client, { scopes: ['a'] })).toBe(token);
});

test('a 401 with a new nonce and no word is answered with the nonce first', async () => {
  const { api, call, issuer } = await makeApi();
  api.behaviour.nonce = 'required';
  api.behaviour.challenge = 'Bearer';
  expect((await call(`${API}/x`, { method: 'POST', body: 'b' })).status).toBe(200);
  expect(api.requests.length).toBe(2);
  expect(issuer.posts.length).toBe(2);
  api.behaviour.nonce = 'loop';
  expect((await call(`${API}/x`)).status).toBe(401);
  expect(api.requests.length).toBe(2 + 3);
});

test('a stream is not sent again after a bare 401, and the next call has a new token', async () => {
  const { api, call, client } = await makeApi();
  await call(`${API}/x`);
  const { accessToken } = await getAccessToken(client, { scopes: ['a'] });
  api.behaviour.answer = () => new Response('no', { status: 401 });
  const response = await call(`${API}/x`, { method: 'POST', body: stream('s') });
  expect(await response.text()).toBe('no');
  expect(api.requests.length).toBe(2);
  expect((await getAccessToken(client, { scopes: ['a'] })).accessToken).not.toBe(accessToken);
});

test('a stream has its 401 even where no new token can be had', async () => {
  const { api, call, issuer } = await makeApi();
  await call(`${API}/x`);
  api.behaviour.answer = () => new Response('no', { status: 401 });
  issuer.behaviour.fail = () => new Response(null, { status: 503 });
  const response = await call(`${API}/x`, { method: 'POST', body: stream('s') });
  expect(await response.text()).toBe('no');
});

test('a redirect within the origin is handed over, one to another origin refused', async () => {
  const { api, call, network } = await makeApi();
  let location = '/elsewhere';
  api.behaviour.answer = () => new Response(null, { status: 307, headers: { location } });
  expect((await call(`${API}/x`)).headers.get('location')).toBe('/elsewhere');
  const away = ['https://evil.test/x', '//evil.test', 'http://api.test/x', 'https://api.test:444/', 'data:x'];
  for (location of away) {
    const error = await failure(call(`${API}/x`), 'redirect_refused');
    expect(error.facts['status']).toBe(307);
  }
  expect(network.sent.filter((line) => !line.includes('sts.test') && !line.includes(API))).toEqual([]);
});

test('what gives its parts as it is asked goes out as a stream does', async () => {
  const { call, api } = await makeApi();
  await call(`${API}/x`);
  const parts = (async function* () {
    yield Buffer.from('in ');
    yield Buffer.from('parts');
  })();
  expect((await call(`${API}/x`, { method: 'POST', body: parts })).status).toBe(200);
  expect(api.requests.at(-1)?.body).toBe('in parts');
});

test('a stream goes out once, to an API known to take it: not again for a nonce, not for a token', async () => {
  const { api, call } = await makeApi();
  const init = () => ({ method: 'POST', body: stream('s') });
  const kept = init();
  await failure(call(`${API}/x`, kept), 'body_not_replayable');
  expect(api.requests.length).toBe(0);
  expect(await new Response(kept.body).text()).toBe('s');
  await call(`${API}/x`);
  api.behaviour.nonce = 'required';
  await failure(call(`${API}/x`, init()), 'body_not_replayable');
  expect(api.requests.length).toBe(2);
  expect((await call(`${API}/x`, init())).status).toBe(200);
  expect(api.requests.at(-1)?.body).toBe('s');
  api.behaviour.refused = 'all';
  expect((await call(`${API}/x`, init())).status).toBe(401);
  expect(api.requests.length).toBe(4);
});

test.each([
  ['bytes', new Uint8Array([97, 98])],
  ['a buffer', new Uint8Array([97, 98]).buffer],
  ['a blob', new Blob(['ab'])],
  ['a form', new URLSearchParams('ab')],
])('%s can be sent again', async (_name, body) => {
  const { api, call } = await makeApi();
  api.behaviour.nonce = 'required';
  await call(`${API}/x`, { method: 'POST', body });
  expect(api.requests.map((request) => request.body.replace('=', ''))).toEqual(['ab', 'ab']);
});

test('the caller’s abort stops a call: before, during, and while the body is read', async () => {
  const { api, call, network } = await makeApi();
  await failure(call(`${API}/x`, { signal: AbortSignal.abort() }), 'request_aborted');
  expect(network.sent).toEqual([]);

  const during = new AbortController();
  api.behaviour.answer = () => {
    during.abort();
    return new Promise(() => {});
  };
  await failure(call(`${API}/x`, { signal: during.signal }), 'request_aborted');

  const reading = new AbortController();
  api.behaviour.answer = () =>
    new Response(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array([1])) }));
  const response = await call(`${API}/x`, { signal: reading.signal });
  const read = response.text();
  reading.abort();
  await expect(read).rejects.toMatchObject({ name: 'AbortError' });
  expect(api.requests.length).toBe(2);
});

test('an API that does not answer in time, or is not there, is unreachable', async () => {
  const { api, client } = await makeWorld({ timeout: 500 });
  const call = createApiFetch(client, machineTokens(client));
  await getAccessToken(client);
  api.behaviour.answer = () => new Promise(() => {});
  const late = await failure(call(`${API}/x`), 'api_unreachable');
  expect(late.facts).toEqual({ network: 'timeout' });
  expect(late.message).toMatch('what it did is not known');
  const error = await failure(call('https://nowhere.test/x'), 'api_unreachable');
  expect(error.facts).toEqual({ network: 'name', network_code: 'ENOTFOUND' });
  expect(error.message).toMatch('nothing was sent');
  expect(inspect(error, { depth: 9 })).not.toMatch(/eyJ/);
});

test.each(['http://api.test/x', '/x', 'https://u:p@api.test/x', 'ftp://api.test', ''])(
  'the URL %j is refused',
  async (url) => {
    const { call, network } = await makeApi();
    await failure(call(url), 'request_malformed');
    expect(network.sent).toEqual([]);
  },
);

test.each<[string, RequestInit]>([
  ['a method that is none', { method: 'GE T' }],
  ['a method that fetch never sends', { method: 'TRACE' }],
  ['a body for GET', { body: 'b' }],
  ['a header of two lines', { headers: { 'x-secret': 'sec\r\nret' } }],
  ['a header name that is none', { headers: { 'x y': 'z' } }],
])('%s is refused before anything is signed or sent', async (_name, init) => {
  const { call, network, signer } = await makeApi();
  const error = await failure(call(`${API}/x`, init), 'request_malformed');
  expect(inspect(error, { depth: 9 })).not.toMatch('sec');
  expect([network.sent, signer.calls]).toEqual([[], []]);
});

test.each(['a\r\nx-evil: 1', 'a b', 'æ', 'a=b', '"a"', 'a,b', ''])(
  'an access token %j is refused as soon as it is read, and before anything is sent with it',
  async (accessToken) => {
    const { api, call, client, issuer, signer } = await makeApi();
    issuer.behaviour.response = { access_token: accessToken };
    const error = await failure(call(`${API}/x`), 'token_invalid');
    expect(inspect(error, { depth: 9 })).not.toMatch(/evil|æ/);
    // Whatever gave it out.
    const { binding } = await getAccessToken((await makeApi()).client);
    const source = { get: async () => ({ accessToken, binding }), renew: async () => undefined };
    const calls = signer.calls.length;
    await failure(createApiFetch(client, source)(`${API}/x`), 'token_invalid');
    expect(signer.calls.length).toBe(calls);
    expect(api.requests).toEqual([]);
  },
);

test.each(['a', 'AZ09-._~+/', 'YQ=='])('an access token %j is taken', async (accessToken) => {
  const { client, issuer } = await makeApi();
  issuer.behaviour.response = { access_token: accessToken };
  expect((await getAccessToken(client)).accessToken).toBe(accessToken);
});

test('a signer that answers with another key is caught before anything is sent', async () => {
  const { client, signer, api } = await makeApi();
  const token = await getAccessToken(client);
  const other = { ...token, binding: { kid: token.binding.kid, jkt: signer.addKey().thumbprint } };
  const call = createApiFetch(client, { get: async () => other, renew: async () => undefined });
  await failure(call(`${API}/x`), 'binding_mismatch');
  expect(api.requests.length).toBe(0);
});
