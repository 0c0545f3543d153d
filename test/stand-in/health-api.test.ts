import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startHealthApi } from '../../local/stand-in/health-api.ts';
import { startHelseId } from '../../local/stand-in/helseid.ts';
import type { HealthApiServer, HelseIdServer, StandInEvent } from '../../local/stand-in/types.ts';
import { type ClientKey, hash, makeCa, makeClientKey, makeProof, makeWire, read } from './wire.ts';

const events: StandInEvent[] = [];
let files: Awaited<ReturnType<typeof makeCa>>;
let key: ClientKey;
let helseId: HelseIdServer;
let documents: HealthApiServer;
let summaries: HealthApiServer;
let tokens: Record<'documents' | 'summaries', string>;

beforeAll(async () => {
  [files, key] = await Promise.all([makeCa(), makeClientKey()]);
  const { ca } = files;
  const scopes = { documents: 'example:documents/write', summaries: 'example:summaries/read' };
  helseId = await startHelseId({
    ca,
    apis: Object.entries(scopes).map(([name, scope]) => ({ audience: `example:${name}`, scopes: [scope] })),
    clients: [
      {
        clientId: 'c',
        scopes: Object.values(scopes),
        tenancy: 'single-tenant',
        parent: '999999999',
        jwks: { keys: [key.jwk] },
      },
    ],
  });
  const { issuer, keys } = helseId;
  const onEvent = (event: StandInEvent) => void events.push(event);
  documents = await startHealthApi({
    ca,
    issuer,
    keys,
    path: '/fhir',
    audience: 'example:documents',
    scopes: [scopes.documents],
    onEvent,
  });
  summaries = await startHealthApi({
    ca,
    issuer,
    keys,
    audience: 'example:summaries',
    scopes: [scopes.summaries],
    nonceLifetime: 60,
  });
  const wire = makeWire(issuer, 'c', key);
  const child = {
    type: 'helseid_authorization',
    practitioner_role: {
      organization: {
        identifier: { system: 'urn:oid:2.16.578.1.12.4.1.4.101', type: 'ENH', value: '888888888' },
      },
    },
  };
  const fetchToken = async (scope: string) => {
    const form = { grant_type: 'client_credentials', scope };
    return String((await wire.token({ form, assertion: { assertion_details: child } })).body['access_token']);
  };
  tokens = { documents: await fetchToken(scopes.documents), summaries: await fetchToken(scopes.summaries) };
});
afterAll(async () => {
  await Promise.all([documents.close(), summaries.close(), helseId.close()]);
  await files.remove();
});

async function call(
  method: string,
  url: string,
  token: string,
  options: { body?: unknown; nonce?: string } = {},
) {
  const proof = await makeProof(method, url.split('?')[0] ?? url, key, {
    ath: hash(token),
    nonce: options.nonce,
  });
  const body = options.body === undefined ? {} : { body: JSON.stringify(options.body) };
  return fetch(url, { method, headers: { authorization: `DPoP ${token}`, dpop: proof }, ...body }).then(read);
}

const makeDocument = (value: string) => ({
  resourceType: 'DocumentReference',
  status: 'current',
  identifier: [{ system: 'urn:example', value }],
  content: [{ attachment: { contentType: 'text/plain', data: 'aGVsbG8=' } }],
});

describe('documents', () => {
  test('are stored once, with whom they are from', async () => {
    const url = `${documents.url}/DocumentReference`;
    const created = await call('POST', url, tokens.documents, { body: makeDocument('1') });
    expect(created).toMatchObject({
      status: 201,
      body: { resourceType: 'DocumentReference', id: expect.any(String) },
    });
    expect(created.headers.get('location')).toBe(`${url}/${created.body['id']}`);
    const again = await call('POST', url, tokens.documents, { body: makeDocument('1') });
    expect(again).toMatchObject({ status: 200, body: { id: created.body['id'] } });
    expect(documents.documents).toEqual([
      {
        id: created.body['id'],
        resource: makeDocument('1'),
        clientId: 'c',
        parent: '999999999',
        child: '888888888',
        received: 2,
      },
    ]);
    expect(events.at(-1)?.detail).toBe('POST /fhir/DocumentReference 200');
  });

  test.each<[string, unknown]>([
    ['not an object', [1]],
    ['another resource', { ...makeDocument('2'), resourceType: 'Patient' }],
    ['unknown status', { ...makeDocument('2'), status: 'new' }],
    ['no identifier', { ...makeDocument('2'), identifier: [] }],
    ['no content', { ...makeDocument('2'), content: [] }],
    ['content without attachment', { ...makeDocument('2'), content: [null] }],
  ])('%s is refused', async (_, body) => {
    const answer = await call('POST', `${documents.url}/DocumentReference`, tokens.documents, { body });
    expect(answer).toMatchObject({ status: 422, body: { resourceType: 'OperationOutcome' } });
    expect(documents.documents).toHaveLength(1);
  });

  test('take no token of another API', async () => {
    const answer = await call('POST', `${documents.url}/DocumentReference`, tokens.summaries, { body: {} });
    expect(answer).toMatchObject({ status: 401, body: { check: 'audience' } });
    expect(answer.headers.get('www-authenticate')).toContain('invalid_token');
  });

  test('are nowhere else', async () => {
    expect((await call('POST', `${documents.url}/Patient`, tokens.documents, { body: {} })).status).toBe(404);
    expect((await call('GET', `${documents.url}/DocumentReference`, tokens.documents)).status).toBe(404);
  });
});

describe('summaries', () => {
  test('take a nonce of their own, and give a new one each time', async () => {
    const url = `${summaries.url}/v1/summaries/42?lang=nb`;
    const first = await call('GET', url, tokens.summaries);
    expect(first.status).toBe(401);
    expect(first.headers.get('www-authenticate')).toContain('use_dpop_nonce');
    const nonce = first.headers.get('dpop-nonce') ?? '';
    const second = await call('GET', url, tokens.summaries, { nonce });
    expect(second).toMatchObject({ status: 200, body: { id: '42', readBy: 'c' } });
    expect(second.headers.get('dpop-nonce')).toBeTruthy();
  });

  test('an odd id is not found', async () => {
    const nonce = (await call('GET', `${summaries.url}/v1/summaries/1`, tokens.summaries)).headers.get(
      'dpop-nonce',
    );
    const answer = await call('GET', `${summaries.url}/v1/summaries/a%20b`, tokens.summaries, {
      nonce: nonce ?? '',
    });
    expect(answer.status).toBe(404);
  });
});
