import { createAwsCaller } from '@helseid-zones/client/aws';
import { createRemoteSigner } from '@helseid-zones/client/invoke';
import type { SignRequest } from '@helseid-zones/protocol/intents';
import { helseIdProfile } from '@helseid-zones/protocol/profile';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { expect, onTestFinished, test } from 'vitest';
import { CREDENTIALS, createFakeAws } from '../fakes/aws.ts';
import { createFakeNetwork } from '../fakes/network.ts';
import { createFakeSigner } from '../fakes/signer.ts';
import { failure } from './make-client.ts';

const ARN = 'arn:aws:lambda:eu-north-1:111122223333:function:journal-signer-journal-public';
const ISSUER = 'https://sts.test';
const NOW = 1_790_000_000_000;

async function makeSigner() {
  const network = await createFakeNetwork();
  onTestFinished(() => network.close());
  const lambda = createFakeAws('lambda', 'eu-north-1');
  network.mount('https://lambda.eu-north-1.amazonaws.com', lambda.handle);
  const config = { region: 'eu-north-1', credentials: CREDENTIALS, endpoints: {} };
  const aws = createAwsCaller(config, { fetch: network.fetch, wait: async () => {} });
  const clock = { now: NOW, pauses: [] as number[] };
  const signer = createRemoteSigner({
    aws,
    functionArn: ARN,
    now: () => clock.now,
    random: () => 0.5,
    wait: async (ms) => {
      clock.pauses.push(ms);
      clock.now += ms;
    },
  });
  return { lambda, network, signer, clock };
}

const intent = { kind: 'client_assertion', client: 'journal', issuer: ISSUER } as const;
const proof = { kind: 'dpop_proof', client: 'journal', method: 'POST', url: `${ISSUER}/token` } as const;

test('intents go to the function, signatures come back', async () => {
  const { lambda, signer } = await makeSigner();
  const tenancy = 'single-tenant' as const;
  const subject = { clientId: 'c', issuer: ISSUER, tenancy, profile: helseIdProfile } as const;
  const behind = createFakeSigner(subject, () => NOW);
  const key = behind.addKey();
  lambda.answers = [
    async () => {
      const { intents } = JSON.parse(lambda.requests[0]?.body ?? '') as SignRequest;
      return Response.json({ signatures: await behind.sign(intents) });
    },
  ];
  const [assertion, second] = await signer.sign([intent, proof]);
  const keys = createLocalJWKSet({ keys: [{ ...key.jwk, kid: key.thumbprint }] });
  const options = { audience: ISSUER, currentDate: new Date(NOW), typ: 'client-authentication+jwt' };
  expect((await jwtVerify(assertion?.jws ?? '', keys, options)).payload.sub).toBe('c');
  expect(second?.jkt).toBe(key.thumbprint);
  expect(lambda.requests).toHaveLength(1);
  const [request] = lambda.requests;
  expect(request?.url).toContain(`/2015-03-31/functions/${encodeURIComponent(ARN)}/invocations`);
  expect(request?.headers.get('x-amz-invocation-type')).toBe('RequestResponse');
});

test('what the signer refused comes with its code, message and facts', async () => {
  const { lambda, signer } = await makeSigner();
  const refusal = { code: 'grant_refused', message: 'Not granted.', facts: { field: 'url', odd: {} } };
  lambda.answers = [() => Response.json({ error: refusal })];
  const error = await failure(signer.sign([intent]), 'grant_refused');
  expect(error.message).toBe('Not granted.');
  expect(error.facts).toEqual({ field: 'url' });
  expect(lambda.requests.length).toBe(1);
});

test('what a newer signer adds to its answer is no hindrance, and its refusal of a newer zone comes through', async () => {
  const { lambda, signer } = await makeSigner();
  const signature = { jws: 'a.b.c', kid: 'k'.repeat(43), jkt: 'k'.repeat(43) };
  const refusal = { code: 'version_unknown', message: 'Deploy.', facts: { version: 2 } };
  lambda.answers = [
    () => Response.json({ version: 2, signatures: [{ ...signature, novel: {} }], novel: {} }),
    () => Response.json({ error: refusal, novel: {} }),
  ];
  expect(await signer.sign([intent])).toMatchObject([signature]);
  expect((await failure(signer.sign([intent]), 'version_unknown')).facts).toEqual({ version: 2 });
  // A signer of the release before knows no version: what asks for nothing new says none.
  expect(Object.keys(JSON.parse(lambda.requests[0]?.body ?? ''))).toEqual(['intents']);
});

test('a signer that crashed is unavailable, and what it printed stays out', async () => {
  const { lambda, signer } = await makeSigner();
  lambda.answers = [
    () =>
      Response.json(
        { errorType: 'Error', errorMessage: 'secret' },
        { headers: { 'x-amz-function-error': 'Unhandled' } },
      ),
  ];
  const error = await failure(signer.sign([intent]), 'signer_unavailable');
  expect(JSON.stringify([error, error.message, error.facts])).not.toContain('secret');
  expect(lambda.requests.length).toBe(1);
});

const shed = { code: 'kms_throttled', message: 'Later.', facts: { retry_after: 1 } };
const throttled = () => Response.json({ error: shed });

test('what KMS throttles is asked for again, after a random part of a time that doubles up to retry_after', async () => {
  const { lambda, signer, clock } = await makeSigner();
  lambda.answers = [
    ...Array.from({ length: 6 }, () => throttled),
    () => Response.json({ signatures: [good] }),
  ];
  expect(await signer.sign([intent])).toEqual([good]);
  expect(clock.pauses).toEqual([50, 100, 200, 400, 500, 500]);
});

test.each<[string, () => Response, string]>([
  ['KMS', throttled, 'kms_throttled'],
  [
    'the signer’s own concurrency',
    () => new Response('{}', { status: 429, headers: { 'x-amzn-errortype': 'TooManyRequestsException' } }),
    'signer_unavailable',
  ],
])('overload of %s ends the asking after five seconds at the latest', async (_name, answer, code) => {
  const { lambda, signer, clock } = await makeSigner();
  lambda.answers = [answer];
  const error = await signer.sign([intent]).catch((thrown) => thrown);
  expect(error).toMatchObject({ code });
  expect(clock.now - NOW).toBeLessThanOrEqual(5000);
  expect(clock.pauses.length).toBeGreaterThan(5);
});

test('its caller’s signal ends the asking, in a pause and before one', async () => {
  const { lambda, signer, clock } = await makeSigner();
  lambda.answers = [throttled];
  const caller = new AbortController();
  clock.pauses.push = () => {
    caller.abort();
    return 0;
  };
  await failure(signer.sign([intent], { signal: caller.signal }), 'request_aborted');
  await failure(signer.sign([intent], { signal: caller.signal }), 'request_aborted');
  expect(lambda.requests).toHaveLength(1);
});

test.each([
  ['ServiceException', 500, 3],
  ['AccessDeniedException', 403, 1],
  ['ResourceNotFoundException', 404, 1],
])('%s: unavailable after %i, asked %i times', async (type, status, count) => {
  const { lambda, signer } = await makeSigner();
  lambda.answers = [() => new Response('{}', { status, headers: { 'x-amzn-errortype': type } })];
  const error = await failure(signer.sign([intent]), 'signer_unavailable');
  expect(error.facts['error']).toBe(type);
  expect(lambda.requests.length).toBe(count);
});

const good = { jws: 'a.b.c', kid: 'k'.repeat(43), jkt: 'k'.repeat(43) };
test.each<[string, unknown]>([
  ['no object', null],
  ['an array', []],
  ['neither signatures nor error', {}],
  ['too few signatures', { signatures: [] }],
  ['too many', { signatures: [good, good] }],
  ['no JWS', { signatures: [{ ...good, jws: 'a.b' }] }],
  ['a JWS that would end a header', { signatures: [{ ...good, jws: 'a.b.c\r\nx: y' }] }],
  ['no thumbprint', { signatures: [{ ...good, kid: 'short' }] }],
  ['no jkt', { signatures: [{ ...good, jkt: undefined }] }],
  ['a signature that is none', { signatures: [null] }],
  ['an error without a known code', { error: { code: 'novel', message: 'x' } }],
  ['an error that is text', { error: 'x' }],
])('an answer with %s is invalid', async (_name, body) => {
  const { lambda, signer } = await makeSigner();
  lambda.answers = [() => Response.json(body)];
  await failure(signer.sign([intent]), 'signer_answer_invalid');
});

test('an answer that is no JSON is invalid', async () => {
  const { lambda, signer } = await makeSigner();
  lambda.answers = [() => new Response('oops')];
  await failure(signer.sign([intent]), 'signer_answer_invalid');
});
