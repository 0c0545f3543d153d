import { createHash, timingSafeEqual } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Caller } from './authorize.ts';
import type { CredentialTable } from './credentials.ts';
import { AwsError } from './errors.ts';
import { Sha256 } from './sha256.ts';

/** A request as it came over the wire. */
export interface WireRequest {
  method: string;
  /** Path and query, percent-encoded as received. */
  target: string;
  /** Lower-case names; repeated headers joined by `, `. */
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
}

/** What a request must have been signed for, and against which table and clock (epoch milliseconds) it is checked. */
export interface Expected {
  service: string;
  region: string;
  credentials: CredentialTable;
  now: () => number;
}

const MAX_SKEW = 5 * 60_000;
const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';

/**
 * Verifies a request's Signature Version 4 in the Authorization header by computing it again, and says whose it is.
 * Covers what the header covers: every signed header, path, query and body. Compares in constant time; refuses a
 * clock difference over five minutes, an unsigned host and a payload hash that is not the body's.
 * Throws `AwsError` with AWS's codes. Does not accept presigned URLs or SigV4A, and does not remember requests:
 * AWS does not detect a replay within the five minutes either.
 */
export async function verifySignature(request: WireRequest, expected: Expected): Promise<Caller> {
  const authorization = request.headers['authorization'];
  if (authorization === undefined) {
    throw new AwsError('MissingAuthenticationTokenException', 'Missing Authentication Token', 403);
  }
  const parts = parseAuthorization(authorization, request.headers['x-amz-date']);
  checkScope(parts, expected);
  checkDate(parts, expected.now());
  const found = expected.credentials.find(parts.accessKeyId);
  if (
    found === undefined ||
    !equal(request.headers['x-amz-security-token'] ?? '', found.credentials.sessionToken ?? '')
  ) {
    throw new AwsError(
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
      403,
    );
  }
  checkPayloadHash(request);
  if (!equal(await computeSignature(request, parts, found.credentials, expected), parts.signature)) {
    throw new AwsError('InvalidSignatureException', MISMATCH, 403);
  }
  return found.caller;
}

interface Authorization {
  accessKeyId: string;
  day: string;
  region: string;
  service: string;
  signedHeaders: readonly string[];
  signature: string;
  date: Date;
  longDate: string;
}

function incomplete(message: string): AwsError {
  return new AwsError('IncompleteSignatureException', message, 400);
}

function parseAuthorization(header: string, longDate: string | undefined): Authorization {
  if (!header.startsWith('AWS4-HMAC-SHA256 ')) {
    throw incomplete("Authorization header requires 'AWS4-HMAC-SHA256' as its algorithm.");
  }
  const fields = new Map(
    header
      .slice(17)
      .split(',')
      .map((part) => {
        const [name = '', ...value] = part.trim().split('=');
        return [name, value.join('=')] as const;
      }),
  );
  const [credential, signed, signature] = ['Credential', 'SignedHeaders', 'Signature'].map((name) => {
    const value = fields.get(name);
    if (!value) throw incomplete(`Authorization header requires '${name}' parameter.`);
    return value;
  });
  const [accessKeyId, day, region, service, terminator, ...rest] = (credential ?? '').split('/');
  if (!accessKeyId || !day || !region || !service || terminator !== 'aws4_request' || rest.length > 0) {
    throw incomplete("Credential must have the form 'KEY/YYYYMMDD/region/service/aws4_request'.");
  }
  const signedHeaders = (signed ?? '').split(';');
  if (!signedHeaders.includes('host')) {
    throw incomplete("'Host' must be a 'SignedHeader' in the AWS Authorization.");
  }
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(longDate ?? '');
  if (longDate === undefined || match === null || !signedHeaders.includes('x-amz-date')) {
    throw incomplete("Authorization header requires a signed 'X-Amz-Date' header.");
  }
  const [, year, month, date, hour, minute, second] = match;
  const parsed = new Date(`${year}-${month}-${date}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(parsed.getTime()) || !longDate.startsWith(day)) {
    throw incomplete("Date in Credential scope does not match 'X-Amz-Date'.");
  }
  return {
    accessKeyId,
    day,
    region,
    service,
    signedHeaders,
    signature: signature ?? '',
    date: parsed,
    longDate,
  };
}

function checkScope(parts: Authorization, expected: Expected): void {
  const scope: [string, string, string][] = [
    ['region', parts.region, expected.region],
    ['service', parts.service, expected.service],
  ];
  for (const [what, got, want] of scope) {
    if (got !== want) {
      throw new AwsError(
        'InvalidSignatureException',
        `Credential should be scoped to correct ${what}: '${want}'. `,
        403,
      );
    }
  }
}

function checkDate(parts: Authorization, now: number): void {
  const difference = parts.date.getTime() - now;
  if (Math.abs(difference) <= MAX_SKEW) return;
  const clock = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
  throw new AwsError(
    'InvalidSignatureException',
    difference < 0
      ? `Signature expired: ${parts.longDate} is now earlier than five minutes before ${clock}`
      : `Signature not yet current: ${parts.longDate} is still later than five minutes after ${clock}`,
    403,
  );
}

/** A signer may name the body's hash in a header; then the library takes it from there, so it must be true. */
function checkPayloadHash({ headers, body }: WireRequest): void {
  const claimed = headers['x-amz-content-sha256'];
  if (claimed !== undefined && claimed !== createHash('sha256').update(body).digest('hex')) {
    throw new AwsError('InvalidSignatureException', MISMATCH, 403);
  }
}

async function computeSignature(
  request: WireRequest,
  parts: Authorization,
  { accessKeyId, secretAccessKey }: { accessKeyId: string; secretAccessKey: string },
  expected: Expected,
): Promise<string> {
  const [path = '/', search = ''] = splitOnce(request.target, '?');
  const query: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of new URLSearchParams(search.replaceAll('+', '%2B'))) {
    const before = query[name];
    query[name] = before === undefined ? value : [before, value].flat();
  }
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => parts.signedHeaders.includes(name)),
  );
  const signer = new SignatureV4({
    service: expected.service,
    region: expected.region,
    credentials: { accessKeyId, secretAccessKey },
    sha256: Sha256,
    applyChecksum: false,
  });
  const signed = await signer.sign(
    {
      method: request.method,
      protocol: 'http:',
      hostname: '',
      path,
      query: { ...query },
      headers,
      body: request.body,
    },
    { signingDate: parts.date, signableHeaders: new Set(parts.signedHeaders) },
  );
  return /Signature=([0-9a-f]+)$/.exec(signed.headers['authorization'] ?? '')?.[1] ?? '';
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** Compares by hash, so that neither length nor content shows in the time it takes. */
function equal(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => createHash('sha256').update(text).digest());
  return left !== undefined && right !== undefined && timingSafeEqual(left, right);
}
