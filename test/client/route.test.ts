import { respond, serveRoutes } from '@helseid-zones/client/route';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { collectLog } from '../fakes/log.ts';

const ROUTES = [
  { method: 'GET', path: '/summaries/{id}', authorize: 'iam' },
  { method: 'POST', path: '/documents', authorize: 'helseid' },
] as const;
const USER = { identity: { userArn: 'arn:aws:sts::000000000000:assumed-role/caller/session' } };
const CLIENT = { authorizer: { principalId: 'c', clientId: 'c', jkt: 'k' } };

/** What a function behind the gateway answers to an event, and what it wrote. */
async function send(event: unknown) {
  const { audit, lines } = collectLog();
  const answered: unknown[] = [];
  const serve = serveRoutes(ROUTES, audit, async (given) => {
    answered.push(given);
    return respond(200, 'application/json', '{}');
  });
  const { statusCode, body } = await serve(event as APIGatewayProxyEvent);
  return { statusCode, body, lines, answered };
}

describe('a request is handed on', () => {
  test.each([
    ['of IAM with its principal', 'GET', '/summaries/{id}', USER],
    ['of a client of HelseID’s with what the authorizer found', 'POST', '/documents', CLIENT],
  ])('%s', async (_, httpMethod, resource, requestContext) => {
    const event = { httpMethod, resource, requestContext };
    expect(await send(event)).toMatchObject({ statusCode: 200, lines: [], answered: [event] });
  });
});

describe('a request is not handed on, and somebody learns why', () => {
  test.each<[string, string, string, unknown]>([
    ['of IAM without a principal', 'GET', '/summaries/{id}', { identity: { userArn: null } }],
    ['of IAM with an empty principal', 'GET', '/summaries/{id}', { identity: { userArn: '' } }],
    ['of IAM with an authorizer’s context instead', 'GET', '/summaries/{id}', CLIENT],
    ['with no context at all', 'GET', '/summaries/{id}', undefined],
    ['with null as context', 'GET', '/summaries/{id}', null],
    ['of HelseID without the authorizer’s context', 'POST', '/documents', { authorizer: null }],
    ['of HelseID with another context', 'POST', '/documents', { authorizer: { principalId: 'c' } }],
    ['of HelseID with a principal of IAM instead', 'POST', '/documents', USER],
    ['by a method that is not declared', 'DELETE', '/summaries/{id}', { ...USER, ...CLIENT }],
    ['by a resource that is not declared', 'GET', '/summaries/{proxy+}', { ...USER, ...CLIENT }],
  ])('%s', async (_, httpMethod, resource, requestContext) => {
    const { statusCode, body, lines, answered } = await send({ httpMethod, resource, requestContext });
    expect([statusCode, JSON.parse(body).code, answered]).toEqual([500, 'config_invalid', []]);
    expect(lines).toMatchObject([{ code: 'route.refused', message: expect.stringContaining('deploy') }]);
  });

  test('whatever an event without a caller holds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.object(), fc.constantFrom(...ROUTES), async (event, { method, path }) => {
        const { answered, statusCode } = await send({
          ...event,
          httpMethod: method,
          resource: path,
          requestContext: { requestId: 'r' },
        });
        expect([answered, statusCode]).toEqual([[], 500]);
      }),
    );
  });
});

test.each([
  ['kms_throttled', { retry_after: 1 }, 503, '1'],
  ['signer_unavailable', { retry_after: 2 }, 503, '2'],
  ['tokens_unavailable', {}, 503, undefined],
  ['kms_unavailable', {}, 503, undefined],
  ['signature_late', {}, 503, undefined],
  ['issuer_unreachable', {}, 503, undefined],
  ['record_unavailable', {}, 503, undefined],
  ['aws_unavailable', {}, 503, undefined],
  ['aws_throttled', {}, 503, undefined],
  ['aws_refused', {}, 502, undefined],
  ['kms_refused', {}, 502, undefined],
  ['grant_refused', {}, 502, undefined],
] as const)('%s %j is answered with %i, and when to come back: %s', async (code, facts, status, after) => {
  const serve = serveRoutes(ROUTES, collectLog().audit, () => {
    throw new ZonesError(code, 'No.', { facts });
  });
  const { method: httpMethod, path: resource } = ROUTES[0];
  const { statusCode, headers, body } = await serve({ httpMethod, resource, requestContext: USER });
  expect([statusCode, headers?.['retry-after'], JSON.parse(body).code]).toEqual([status, after, code]);
});

describe('an answer of an API', () => {
  const answered = async (body: string | Uint8Array<ArrayBuffer> | ReadableStream) => {
    const { audit, lines } = collectLog();
    const serve = serveRoutes(
      ROUTES,
      audit,
      () => new Response(body, { headers: { 'content-type': 'a/b' } }),
    );
    const { method: httpMethod, path: resource } = ROUTES[0];
    return { ...(await serve({ httpMethod, resource, requestContext: USER })), lines };
  };

  test('that is text in UTF-8 is passed on with every byte', async () => {
    const text = '\ufeffBlåbær €';
    const { statusCode, headers, body, lines } = await answered(text);
    expect([statusCode, headers?.['content-type'], body, lines]).toEqual([200, 'a/b', text, []]);
  });

  test.each([
    ['a PDF', Buffer.from('%PDF-1.7\n%\xe2\xe3\xcf\xd3', 'latin1')],
    ['ISO 8859-1', Buffer.from('Blåbær', 'latin1')],
  ])('that is %s is not passed on with a part lost', async (_, bytes) => {
    const { statusCode, body, lines } = await answered(bytes);
    expect([statusCode, JSON.parse(body).code]).toEqual([502, 'api_answer_unusable']);
    expect(lines).toMatchObject([{ code: 'route.failed', reason: 'api_answer_unusable', status: 200 }]);
  });

  test('that breaks off is a coded failure', async () => {
    const source = new ReadableStream({
      pull: (controller) => controller.error(new TypeError('terminated')),
    });
    const { statusCode, body } = await answered(source);
    expect([statusCode, JSON.parse(body).code]).toEqual([503, 'api_unreachable']);
  });
});
