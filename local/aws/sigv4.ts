import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { Caller } from './call.ts';
import type { CredentialTable } from './credentials.ts';
import { AwsError } from './errors.ts';

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
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/(\d{8})\/([^/,]+)\/([^/,]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([^,]+)$/;
const LONG_DATE = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';

/**
 * Verifies a request's Signature Version 4 in the Authorization header by computing it again, and says whose it is.
 * Covers what the header covers: every signed header, path, query and body. Compares in constant time; refuses a
 * clock difference over five minutes, an unsigned host or `x-amz-` header, and a payload hash that is not the body's.
 * Does not accept presigned URLs or SigV4A, and does not remember requests: AWS does not detect a replay within the five
 * minutes either.
 * @throws {AwsError} with AWS's codes
 */
export function verifySignature(request: WireRequest, expected: Expected): Caller {
  const authorization = request.headers['authorization'];
  if (authorization === undefined)
    throw new AwsError('MissingAuthenticationTokenException', 'Missing Authentication Token', 403);
  const parts = parseAuthorization(authorization, request.headers);
  const wrong = (['region', 'service'] as const).find((what) => parts[what] !== expected[what]);
  if (wrong !== undefined)
    throw mismatch(`Credential should be scoped to correct ${wrong}: '${expected[wrong]}'. `);
  checkDate(parts, expected.now());
  const found = expected.credentials.find(parts.accessKeyId);
  const token = request.headers['x-amz-security-token'] ?? '';
  const invalid = 'The security token included in the request is invalid.';
  if (found === undefined || !equal(token, found.credentials.sessionToken ?? ''))
    throw new AwsError('UnrecognizedClientException', invalid, 403);
  const signature = computeSignature(request, parts, found.credentials.secretAccessKey);
  // A signer may name the body's hash in a header; it must be true.
  const bodyHash = hash('sha256', request.body);
  const { 'x-amz-content-sha256': claimed = bodyHash } = request.headers;
  if (claimed !== bodyHash || !equal(signature, parts.signature)) throw mismatch();
  return found.caller;
}

type Authorization = ReturnType<typeof parseAuthorization>;

function incomplete(message: string): AwsError {
  return new AwsError('IncompleteSignatureException', message, 400);
}

/** In the order in which SDKs and curl write the parts. */
function parseAuthorization(header: string, sent: WireRequest['headers']) {
  const [match, accessKeyId = '', day = '', region = '', service = '', headers = '', signature = ''] =
    AUTHORIZATION.exec(header) ?? [];
  if (match === undefined)
    throw incomplete(
      "Authorization header must be 'AWS4-HMAC-SHA256 Credential=KEY/YYYYMMDD/region/service/aws4_request, SignedHeaders=…, Signature=…'.",
    );
  const signedHeaders = headers.split(';');
  // What AWS reads of a request, the operation in `x-amz-target` too, is the signer's word or nobody's.
  const demanded = ['host', 'x-amz-date', ...Object.keys(sent).filter((name) => name.startsWith('x-amz-'))];
  const unsigned = demanded.find((name) => !signedHeaders.includes(name));
  if (unsigned !== undefined)
    throw incomplete(`'${unsigned}' must be a 'SignedHeader' in the AWS Authorization.`);
  const longDate = sent['x-amz-date'];
  const at = Date.parse((longDate ?? '').replace(LONG_DATE, '$1-$2-$3T$4:$5:$6Z'));
  if (longDate === undefined || Number.isNaN(at) || !longDate.startsWith(`${day}T`))
    throw incomplete("Date in Credential scope does not match 'X-Amz-Date'.");
  // The time in epoch milliseconds, and as it is signed.
  return { accessKeyId, day, region, service, signedHeaders, signature, at, longDate };
}

function checkDate({ at, longDate }: Authorization, now: number): void {
  if (Math.abs(at - now) <= MAX_SKEW) return;
  const clock = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
  throw mismatch(
    at < now
      ? `Signature expired: ${longDate} is now earlier than five minutes before ${clock}`
      : `Signature not yet current: ${longDate} is still later than five minutes after ${clock}`,
  );
}

function mismatch(message = MISMATCH): AwsError {
  return new AwsError('InvalidSignatureException', message, 403);
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html, with none of the code that signs. */
function computeSignature(request: WireRequest, parts: Authorization, secretAccessKey: string): string {
  const { day, region, service, longDate } = parts;
  const scope = [day, region, service, 'aws4_request'];
  const key = scope.reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${secretAccessKey}`);
  const signed = hash('sha256', canonicalRequest(request, parts.signedHeaders));
  return hmac(key, ['AWS4-HMAC-SHA256', longDate, scope.join('/'), signed].join('\n')).toString('hex');
}

function canonicalRequest({ method, target, headers, body }: WireRequest, signed: readonly string[]): string {
  const [path = '/', search = ''] = target.split(/\?(.*)/s);
  const query = [...new URLSearchParams(search.replaceAll('+', '%2B'))]
    .map((pair) => pair.map(encode))
    .sort(([a = '', x = ''], [b = '', y = '']) => (a === b ? compare(x, y) : compare(a, b)))
    .map((pair) => pair.join('='));
  return [
    method,
    canonicalPath(path),
    query.join('&'),
    ...signed.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/\s+/g, ' ')}`),
    '',
    signed.join(';'),
    hash('sha256', body),
  ].join('\n');
}

/** Without empty segments and dots, and encoded once more than on the wire: every service but S3. */
function canonicalPath(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(encode(segment));
  }
  return `/${segments.join('/')}${segments.length > 0 && path.endsWith('/') ? '/' : ''}`;
}

function encode(raw: string): string {
  return encodeURIComponent(raw).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** Compares by hash, so that neither length nor content shows in the time it takes. */
function equal(a: string, b: string): boolean {
  return timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'));
}
