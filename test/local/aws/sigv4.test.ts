import { createHash } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { describe, expect, it } from 'vitest';
import { createCredentialTable } from '../../../local/aws/credentials.ts';
import { Sha256 } from '../../../local/aws/sha256.ts';
import { verifySignature, type WireRequest } from '../../../local/aws/sigv4.ts';
import { fakeClock, REGION, ROLE } from './harness.ts';

const clock = fakeClock();
const table = createCredentialTable();
const credentials = table.issue(ROLE, 'test');
const expected = { service: 'kms', region: REGION, credentials: table, now: clock.now };

async function signed(
  overrides: Partial<WireRequest> & { service?: string; region?: string; at?: number } = {},
) {
  const {
    service = 'kms',
    region = REGION,
    at = clock.now(),
    target = '/',
    body = Buffer.from('{}'),
  } = overrides;
  const signer = new SignatureV4({ service, region, credentials, sha256: Sha256 });
  const url = new URL(target, 'http://127.0.0.1:4000');
  const query: Record<string, string[]> = {};
  for (const name of url.searchParams.keys()) query[name] = url.searchParams.getAll(name);
  const request = await signer.sign(
    {
      method: overrides.method ?? 'POST',
      protocol: 'http:',
      hostname: url.hostname,
      path: url.pathname,
      query,
      headers: { host: url.host, 'content-type': 'application/x-amz-json-1.1', ...overrides.headers },
      body,
    },
    { signingDate: new Date(at) },
  );
  return { method: request.method, target, headers: request.headers, body } satisfies WireRequest;
}

describe('SigV4', () => {
  it.each([
    ['a plain call', {}],
    ['an encoded path', { method: 'GET', target: '/a%20b/c%2Fd/arn%3Aaws', body: Buffer.alloc(0) }],
    ['a query in any order, with repeats', { target: '/x?b=2&a=1&b=1&c=%C3%B8%20%2B' }],
    ['a clock four minutes behind', { at: clock.now() - 4 * 60_000 }],
  ])('accepts %s and says whose it is', async (_, overrides) => {
    await expect(verifySignature(await signed(overrides), expected)).resolves.toMatchObject({
      arn: ROLE.arn,
    });
  });

  const refused: [string, string, () => Promise<WireRequest>][] = [
    [
      'no signature',
      'MissingAuthenticationTokenException',
      async () => without(await signed(), 'authorization'),
    ],
    [
      'another body',
      'InvalidSignatureException',
      async () => ({ ...(await signed()), body: Buffer.from('{"a":1}') }),
    ],
    ['another path', 'InvalidSignatureException', async () => ({ ...(await signed()), target: '/other' })],
    [
      'another query',
      'InvalidSignatureException',
      async () => ({ ...(await signed({ target: '/?a=1' })), target: '/?a=2' }),
    ],
    ['another method', 'InvalidSignatureException', async () => ({ ...(await signed()), method: 'GET' })],
    [
      'a changed signed header',
      'InvalidSignatureException',
      async () => withHeader(await signed(), 'content-type', 'text/plain'),
    ],
    [
      'a signature over another service',
      'InvalidSignatureException',
      () => signed({ service: 'secretsmanager' }),
    ],
    ['a signature over another region', 'InvalidSignatureException', () => signed({ region: 'eu-west-1' })],
    [
      'a signature six minutes old',
      'InvalidSignatureException',
      () => signed({ at: clock.now() - 6 * 60_000 }),
    ],
    [
      'a signature six minutes ahead',
      'InvalidSignatureException',
      () => signed({ at: clock.now() + 6 * 60_000 }),
    ],
    [
      'a payload hash of something else, and signed so',
      'InvalidSignatureException',
      () =>
        signed({ headers: { 'x-amz-content-sha256': createHash('sha256').update('other').digest('hex') } }),
    ],
    [
      'an unsigned payload',
      'InvalidSignatureException',
      () => signed({ headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }),
    ],
    [
      'an unknown key id',
      'UnrecognizedClientException',
      async () => rewrite(await signed(), credentials.accessKeyId, 'ASIAXXXXXXXXXXXXXXXX'),
    ],
    [
      'another session token',
      'UnrecognizedClientException',
      async () => withHeader(await signed(), 'x-amz-security-token', 'other'),
    ],
    [
      'no session token',
      'UnrecognizedClientException',
      async () => without(await signed(), 'x-amz-security-token'),
    ],
    ['an unsigned host', 'IncompleteSignatureException', async () => rewrite(await signed(), 'host;', '')],
    ['no date', 'IncompleteSignatureException', async () => without(await signed(), 'x-amz-date')],
    [
      'no signature field',
      'IncompleteSignatureException',
      async () => rewrite(await signed(), /, Signature=.*/, ''),
    ],
    [
      'a scope of the wrong form',
      'IncompleteSignatureException',
      async () => rewrite(await signed(), '/aws4_request', '/aws5_request'),
    ],
    [
      'a scope of another day',
      'IncompleteSignatureException',
      async () => rewrite(await signed(), /\/\d{8}\//, '/20200101/'),
    ],
    [
      'another scheme',
      'IncompleteSignatureException',
      async () => withHeader(await signed(), 'authorization', 'Bearer x'),
    ],
  ];
  it.each(refused)('refuses %s', async (_, code, request) => {
    await expect(verifySignature(await request(), expected)).rejects.toMatchObject({ code });
  });

  it('gives the same credentials for the same session and others for another', () => {
    expect(table.issue(ROLE, 'test')).toBe(credentials);
    expect(table.issue(ROLE, 'other').accessKeyId).not.toBe(credentials.accessKeyId);
  });
});

function without(request: WireRequest, name: string): WireRequest {
  const { [name]: _, ...headers } = request.headers;
  return { ...request, headers };
}

function withHeader(request: WireRequest, name: string, value: string): WireRequest {
  return { ...request, headers: { ...request.headers, [name]: value } };
}

function rewrite(request: WireRequest, from: string | RegExp, to: string): WireRequest {
  return withHeader(request, 'authorization', (request.headers['authorization'] ?? '').replace(from, to));
}
