import { createAwsCaller, readAwsConfig } from '@helseid-zones/client/aws';
import { createApiCall } from '@helseid-zones/client/connect-zone';
import { getAccessToken } from '@helseid-zones/client/machine-token';
import type { TokenClient } from '@helseid-zones/client/token-client';
import type { AccessTokenRequest } from '@helseid-zones/client/tokens';
import type { Context, SQSEvent } from 'aws-lambda';
import fc from 'fast-check';
import { decodeJwt } from 'jose';
import { afterAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createDynamoTable } from '../../../functions/common/dynamo.ts';
import { TablePersistence } from '../../../functions/worker/persistence.ts';
import { createWorker } from '../../../functions/worker/process.ts';
import { API, makeWorld, type World } from '../../client/make-client.ts';
import { startDynamo } from '../../fakes/dynamo.ts';
import { AUDIT_LINE, collectLog } from '../../fakes/log.ts';
import { full } from '../../full.ts';
import { SAMPLE_TEXT } from './sample.ts';

const SAMPLE = JSON.parse(SAMPLE_TEXT);
const CONTEXT = { getRemainingTimeInMillis: () => 20_000 } as Context;
const api = { baseUrl: `${API}/fhir`, scopes: ['documents/write'] };

/** The documents API, as a zone calls it. */
const documentsOf = (client: TokenClient) => (child: string) =>
  createApiCall(client, api, [{ type: 'helseid_authorization', child }]);

const dynamo = await startDynamo();
afterAll(() => dynamo.close());

let tables = 0;
let table = '';
beforeEach(async () => {
  tables += 1;
  table = `idempotency-${tables}`;
  await dynamo.createTable(table);
});

/** A worker in a world with issuer and API, and what it audited. */
async function makeWorker(): Promise<
  World & { work: (...bodies: unknown[]) => Promise<string[]>; audited: Record<string, unknown>[] }
> {
  const world = await makeWorld();
  world.api.behaviour.answer = () => new Response(null, { status: 201 });
  const { audit, lines: audited } = collectLog();
  const work = createWorker({
    documents: documentsOf(world.client),
    persistence: new TablePersistence(createDynamoTable(dynamo.aws, table)),
    audit,
  });
  return {
    ...world,
    audited,
    work: async (...bodies) => {
      const { batchItemFailures } = await work(messages(bodies), CONTEXT);
      return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
    },
  };
}

function messages(bodies: unknown[]): SQSEvent {
  return {
    Records: bodies.map((body, index) => ({
      messageId: `m${index + 1}`,
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })),
  } as SQSEvent;
}

/** The sample with another identifier, or with other members in its document. */
function sample(value: string, more: object = {}) {
  const masterIdentifier = { system: 'urn:test', value };
  const document = { ...SAMPLE.detail.document, masterIdentifier, ...more };
  return { ...SAMPLE, detail: { ...SAMPLE.detail, document } };
}

describe('an event', () => {
  test('becomes one document at the API, on behalf of the organisation, with a token for its scope', async () => {
    const { work, api: documents, issuer, audited } = await makeWorker();
    expect(await work(SAMPLE)).toEqual([]);
    const [request] = documents.requests;
    expect(`${request?.method} ${request?.url}`).toMatch(/^POST .*\/fhir\/DocumentReference$/);
    expect(JSON.parse(request?.body ?? '')).toEqual(SAMPLE.detail.document);
    expect(request?.headers.get('content-type')).toBe('application/fhir+json');
    expect(new URLSearchParams(request?.headers.get('if-none-exist') ?? '').get('identifier')).toBe(
      'urn:ietf:rfc:3986|urn:uuid:0c3d7c1e-52a4-4f6e-9a53-7d1f0b6f2a10',
    );
    const asked = issuer.posts.at(-1)?.form;
    expect(asked?.['scope']).toBe('documents/write');
    const { assertion_details } = decodeJwt(asked?.['client_assertion'] ?? '');
    expect(JSON.stringify(assertion_details)).toContain('999977774');
    expect(audited).toEqual([
      {
        ...AUDIT_LINE,
        code: 'document.submitted',
        message: 'document.submitted',
        messageId: 'm1',
        eventId: SAMPLE.id,
        status: 201,
      },
    ]);
  });

  test('that comes again is not submitted again', async () => {
    const { work, api: documents } = await makeWorker();
    await work(SAMPLE);
    expect(await work({ ...SAMPLE, id: crypto.randomUUID() })).toEqual([]);
    expect(documents.requests).toHaveLength(1);
  });

  test.each(['cba', 'bca', 'acb'])(
    'that comes in another order (%s), late, or again among others, is submitted once under its own identifier',
    async (order) => {
      const { work, api: documents } = await makeWorker();
      const [first, ...later] = [...order].map((value) => sample(value));
      expect(await work(...later)).toEqual([]);
      expect(await work(first, later.at(-1))).toEqual([]);
      const identifiers = documents.requests.map(({ body }) => JSON.parse(body).masterIdentifier.value);
      expect(identifiers.toSorted()).toEqual(['a', 'b', 'c']);
    },
  );

  test('for another organisation is another document', async () => {
    const { work, api: documents } = await makeWorker();
    const other = { ...SAMPLE, detail: { ...SAMPLE.detail, organization: '974760673' } };
    expect(await work(SAMPLE, other)).toEqual([]);
    expect(documents.requests).toHaveLength(2);
  });

  test('with a known identifier and another document fails', async () => {
    const { work, api: documents, audited } = await makeWorker();
    await work(sample('d1'));
    expect(await work(sample('d1', { description: 'another' }))).toEqual(['m1']);
    expect(documents.requests).toHaveLength(1);
    expect(audited.at(-1)).toMatchObject({ code: 'document.failed', reason: 'IdempotencyValidationError' });
  });
});

describe('a failure', () => {
  test('fails its message only; the reason is audited by message id, without the document', async () => {
    const { work, audited } = await makeWorker();
    expect(await work(sample('d1'), 'not json', sample('d2'))).toEqual(['m2']);
    expect(audited).toContainEqual(
      expect.objectContaining({
        ...AUDIT_LINE,
        code: 'document.failed',
        messageId: 'm2',
        reason: 'event_invalid',
        message: 'The message is no JSON object; put events on the bus, not into the queue.',
      }),
    );
    expect(JSON.stringify(audited)).not.toContain('Line Danser');
  });

  test('of every message is still no failure of the function', async () => {
    const { work } = await makeWorker();
    expect(await work('one', 'two')).toEqual(['m1', 'm2']);
  });

  test.each([400, 409, 422, 500, 503])('answered with %i by the API can be tried again', async (status) => {
    const { work, api: documents, audited } = await makeWorker();
    documents.behaviour.answer = () => new Response('patient 13116900216', { status });
    expect(await work(SAMPLE)).toEqual(['m1']);
    expect(audited).toEqual([expect.objectContaining({ reason: 'api_refused', status })]);
    expect(JSON.stringify(audited)).not.toContain('13116900216');
    documents.behaviour.answer = () => new Response(null, { status: 200 });
    expect(await work(SAMPLE)).toEqual([]);
  });

  test('by a token that is refused names HelseID’s error', async () => {
    const { work, issuer, audited } = await makeWorker();
    issuer.behaviour.fail = () => Response.json({ error: 'invalid_scope' }, { status: 400 });
    expect(await work(SAMPLE)).toEqual(['m1']);
    expect(audited.at(-1)).toMatchObject({ reason: 'token_refused', error: 'invalid_scope' });
  });
});

test('the same document twice at one time is submitted once; the other delivery comes again', async () => {
  const { work, api: documents } = await makeWorker();
  const failed = await work(SAMPLE, SAMPLE);
  expect(failed).toHaveLength(1);
  expect(documents.requests).toHaveLength(1);
});

const answer500 = () => Response.json({ __type: 'InternalServerError' }, { status: 500 });

test.each<[string, (send: () => Promise<Response>) => Promise<Response>]>([
  ['never arrives', () => Promise.reject(new TypeError('fetch failed'))],
  ['is done, its answer lost', (send) => send().then(() => Promise.reject(new TypeError('fetch failed')))],
  ['meets a 500', async () => answer500()],
  ['is done and answered with a 500', (send) => send().then(answer500)],
])('a document whose first write %s is submitted at once, and once', async (_name, lose) => {
  const { api: documents, client } = await makeWorker();
  const audited: unknown[] = [];
  let calls = 0;
  const lossy = createAwsCaller(readAwsConfig(dynamo.env), {
    fetch: (...call) => {
      calls += 1;
      return calls === 1 ? lose(() => fetch(...call)) : fetch(...call);
    },
    wait: async () => {},
  });
  const work = createWorker({
    documents: documentsOf(client),
    persistence: new TablePersistence(createDynamoTable(lossy, table)),
    audit: (code) => audited.push(code),
  });
  for (let delivery = 0; delivery < 2; delivery += 1)
    expect((await work(messages([SAMPLE]), CONTEXT)).batchItemFailures).toEqual([]);
  expect(audited).toEqual(['document.submitted', 'document.submitted']);
  expect(documents.requests).toHaveLength(1);
});

test('an API that answers with a bare 401 has the document with the next token, in one delivery', async () => {
  const { work, api: documents, client } = await makeWorker();
  const details = [{ type: 'helseid_authorization', child: SAMPLE.detail.organization }];
  const tokens = { scopes: api.scopes, details };
  const { accessToken } = await getAccessToken(client, tokens as AccessTokenRequest);
  const statusOf = (token: string | null) => (token === `DPoP ${accessToken}` ? 401 : 201);
  documents.behaviour.answer = ({ headers }) =>
    new Response(null, { status: statusOf(headers.get('authorization')) });
  expect(await work(SAMPLE)).toEqual([]);
  expect(documents.requests).toHaveLength(2);
});

test('a table that does not answer fails the message and submits nothing', async () => {
  const { api: documents, client } = await makeWorker();
  const { audit, lines: audited } = collectLog();
  const work = createWorker({
    documents: documentsOf(client),
    persistence: new TablePersistence(createDynamoTable(dynamo.aws, 'missing')),
    audit,
  });
  const { batchItemFailures } = await work(messages([SAMPLE]), CONTEXT);
  expect(batchItemFailures).toHaveLength(1);
  expect(audited).toEqual([
    expect.objectContaining({ reason: 'aws_refused', status: 400, error: 'ResourceNotFoundException' }),
  ]);
  expect(documents.requests).toEqual([]);
});

/** What the deliveries of one time meet. */
const MEETS = [
  'nothing',
  'API 500',
  'API 503 once done',
  'lost connections',
  'issuer 503',
  'signer',
  'table 500',
  'table lost',
];

test('nothing is lost: whatever five deliveries meet, an event is submitted, each time by its one identifier, or is given up with a reason for each', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const { api: documents, issuer, signer, network, client } = await makeWorker();
  let meets = 'nothing';
  let calls = 0;
  const lossy = createAwsCaller(readAwsConfig(dynamo.env), {
    fetch: async (...call) => {
      calls += 1;
      if (meets === 'table 500') return answer500();
      const answer = await fetch(...call);
      // One answer in three, so that what is sent again comes through.
      if (meets === 'table lost' && calls % 3 === 0) throw new TypeError('fetch failed');
      return answer;
    },
    wait: async () => {},
  });
  const { audit, lines: audited } = collectLog();
  const persistence = () => new TablePersistence(createDynamoTable(lossy, table));
  let runs = 0;
  const accepted: string[] = [];
  const begin = (what: string) => {
    meets = what;
    network.breakNext(what === 'lost connections' ? 2 : 0);
    signer.refuseNext(what === 'signer' ? 'kms_throttled' : undefined);
    if (what === 'issuer 503') issuer.behaviour.fail = () => new Response(null, { status: 503 });
    else delete issuer.behaviour.fail;
    const status = { 'API 500': 500, 'API 503 once done': 503 }[what] ?? 201;
    documents.behaviour.answer = ({ headers }) => {
      if (status === 201) accepted.push(headers.get('if-none-exist') ?? '');
      return new Response(null, { status });
    };
  };
  const property = fc.asyncProperty(
    fc.array(fc.constantFrom(...MEETS), { minLength: 5, maxLength: 5 }),
    async (rounds) => {
      runs += 1;
      // Cold environments: what they remember is in the table.
      const work = createWorker({ documents: documentsOf(client), persistence: persistence(), audit });
      const [from, since] = [documents.requests.length, audited.length];
      const events = new Map<string, unknown>([
        ['m1', sample(`one-${runs}`)],
        ['m2', sample(`two-${runs}`)],
        ['m3', { ...SAMPLE, detail: {} }],
      ]);
      const left = new Map(events);
      let failures = 0;
      for (const what of rounds) {
        begin(what);
        vi.setSystemTime(Date.now() + 180_000);
        const Records = [...left]
          .reverse()
          .map(([messageId, body]) => ({ messageId, body: JSON.stringify(body) }));
        const { batchItemFailures } = await work({ Records } as SQSEvent, CONTEXT);
        const failed = batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
        failures += failed.length;
        for (const id of left.keys()) if (!failed.includes(id)) left.delete(id);
        if (what === 'nothing') expect([...left.keys()]).toEqual(['m3']);
      }
      const asked = documents.requests.slice(from).map(({ headers }) => headers.get('if-none-exist') ?? '');
      const submitted = (name: string) => asked.filter((each) => each.includes(`${name}-${runs}`));
      for (const [id, name] of [
        ['m1', 'one'],
        ['m2', 'two'],
      ] as const) {
        const identifiers = new Set(submitted(name));
        expect(identifiers.size, id).toBeLessThan(2);
        if (!left.has(id))
          expect(accepted, id).toEqual(
            expect.arrayContaining([...identifiers, expect.stringContaining(`${name}-${runs}`)]),
          );
      }
      expect(asked.length).toBe(submitted('one').length + submitted('two').length);
      const reasons = audited.slice(since).filter(({ code }) => code === 'document.failed');
      expect(reasons).toHaveLength(failures);
      for (const { reason } of reasons) expect(reason).toMatch(/./);
      expect(reasons.filter(({ messageId }) => messageId === 'm3')).toHaveLength(5);
      expect(JSON.stringify(audited.slice(since))).not.toContain('Epikrise');
    },
  );
  await fc.assert(property, { numRuns: full(200) });
});
