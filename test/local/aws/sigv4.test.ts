import { createHash } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { describe, expect, it } from 'vitest';
import type { Caller } from '../../../local/aws/call.ts';
import { createCredentialTable } from '../../../local/aws/credentials.ts';
import { verifySignature, type WireRequest } from '../../../local/aws/sigv4.ts';
import { Sha256 } from '../../fakes/aws.ts';
import { ACCOUNT, fakeClock, REGION, ROLE } from './harness.ts';

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
    ['a query whose names begin alike', { target: '/x?a=1&a-b=1&a=0' }],
    ['a path with dots and empty parts', { target: '/a//b/./c/../d/' }],
    ['a signed operation', { headers: { 'x-amz-target': 'TrentService.Sign' } }],
    ['a header with spaces', { headers: { 'x-spaces': '  a   b ' } }],
    ['a clock four minutes behind', { at: clock.now() - 4 * 60_000 }],
  ])('accepts %s and says whose it is', async (_, overrides) => {
    expect(verifySignature(await signed(overrides), expected)).toMatchObject({ arn: ROLE.arn });
  });

  const other = createHash('sha256').update('other').digest('hex');
  const minutes = (count: number) => ({ at: clock.now() + count * 60_000 });
  const header = (name: string, value: string | undefined) => (request: WireRequest) => {
    const { [name]: _, ...headers } = request.headers;
    return { ...request, headers: value === undefined ? headers : { ...headers, [name]: value } };
  };
  const rewrite = (from: string | RegExp, to: string) => (request: WireRequest) =>
    header('authorization', (request.headers['authorization'] ?? '').replace(from, to))(request);

  it.each<[string, Parameters<typeof signed>[0], (request: WireRequest) => WireRequest]>([
    ['another body', {}, (request) => ({ ...request, body: Buffer.from('{"a":1}') })],
    ['another path', {}, (request) => ({ ...request, target: '/other' })],
    ['another query', { target: '/?a=1' }, (request) => ({ ...request, target: '/?a=2' })],
    ['another method', {}, (request) => ({ ...request, method: 'GET' })],
    ['a changed signed header', {}, header('content-type', 'text/plain')],
    ['a signature over another service', { service: 'secretsmanager' }, (request) => request],
    ['a signature over another region', { region: 'eu-west-1' }, (request) => request],
    ['a signature six minutes old', minutes(-6), (request) => request],
    ['a signature six minutes ahead', minutes(6), (request) => request],
    [
      'a payload hash of something else, and signed so',
      { headers: { 'x-amz-content-sha256': other } },
      (request) => request,
    ],
    ['a payload unsigned', { headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }, (request) => request],
  ])('refuses %s: InvalidSignatureException', async (_, overrides, change) => {
    const request = change(await signed(overrides));
    expect(() => verifySignature(request, expected)).toThrow(coded('InvalidSignatureException'));
  });

  it.each([
    ['no signature', 'MissingAuthenticationTokenException', header('authorization', undefined)],
    ['unknown key id', 'UnrecognizedClientException', rewrite(credentials.accessKeyId, 'ASIAXXXXXXXXXXXX')],
    ['another session token', 'UnrecognizedClientException', header('x-amz-security-token', 'other')],
    ['no session token', 'UnrecognizedClientException', header('x-amz-security-token', undefined)],
    [
      'an unsigned operation',
      'IncompleteSignatureException',
      header('x-amz-target', 'TrentService.ScheduleKeyDeletion'),
    ],
    ['an unsigned session token', 'IncompleteSignatureException', rewrite('x-amz-security-token', 'x-other')],
    ['an unsigned host', 'IncompleteSignatureException', rewrite('host;', '')],
    ['no date', 'IncompleteSignatureException', header('x-amz-date', undefined)],
    ['no signature field', 'IncompleteSignatureException', rewrite(/, Signature=.*/, '')],
    ['a scope of the wrong form', 'IncompleteSignatureException', rewrite('/aws4_request', '/aws5_request')],
    ['a scope of another day', 'IncompleteSignatureException', rewrite(/\/\d{8}\//, '/20200101/')],
    ['another scheme', 'IncompleteSignatureException', header('authorization', 'Bearer x')],
  ])('refuses %s: %s', async (_, code, change) => {
    const request = change(await signed());
    expect(() => verifySignature(request, expected)).toThrow(coded(code));
  });

  it("accepts get-vanilla of AWS's Signature Version 4 test suite", () => {
    const vanilla = {
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    };
    const caller: Caller = { kind: 'role', account: ACCOUNT, arn: ROLE.arn, session: 'vanilla' };
    const credentials = { ...table, find: () => ({ caller, credentials: vanilla }) };
    const now = () => Date.UTC(2015, 7, 30, 12, 36);
    const scope = { service: 'service', region: 'us-east-1', credentials, now };
    const authorization =
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31';
    const headers = { host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z', authorization };
    const request = { method: 'GET', target: '/', headers, body: Buffer.alloc(0) };
    expect(verifySignature(request, scope)).toBe(caller);
  });

  it('gives the same credentials for the same session and others for another', () => {
    expect(table.issue(ROLE, 'test')).toBe(credentials);
    expect(table.issue(ROLE, 'other').accessKeyId).not.toBe(credentials.accessKeyId);
  });
});

function coded(code: string) {
  return expect.objectContaining({ code });
}
