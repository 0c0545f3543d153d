import { createHash, createHmac } from 'node:crypto';

/** Keys of a role, as AWS gives them out. */
export interface AwsKeys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
}

/** A request to be signed. */
export interface SignableRequest {
  method: string;
  /** Path and query percent-encoded, as they are sent. */
  url: URL;
  /** Names in any case; all of them are signed. */
  headers?: Readonly<Record<string, string>> | undefined;
  body?: string | undefined;
}

/**
 * The headers with which a request is sent, signed by Signature Version 4: those that were given, date, payload hash, session
 * token and authorization; `host` is signed too, and left to whoever sends. For every service but S3, whose paths are encoded once.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function signAws(
  { method, url, headers = {}, body = '' }: SignableRequest,
  { accessKeyId, secretAccessKey, sessionToken }: AwsKeys,
  { service, region, now }: { service: string; region: string; now: number },
): Record<string, string> {
  const date = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const hash = sha256(body);
  const sent: Record<string, string> = {
    ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    'x-amz-date': date,
    'x-amz-content-sha256': hash,
    ...(sessionToken ? { 'x-amz-security-token': sessionToken } : {}),
  };
  const signed = Object.entries({ ...sent, host: url.host }).sort(([a], [b]) => compare(a, b));
  const names = signed.map(([name]) => name).join(';');
  const canonical = [
    method,
    url.pathname.split('/').map(encode).join('/'),
    [...url.searchParams]
      .map((pair) => pair.map(encode))
      .sort(([a = '', x = ''], [b = '', y = '']) => (a === b ? compare(x, y) : compare(a, b)))
      .map((pair) => pair.join('='))
      .join('&'),
    ...signed.map(([name, value]) => `${name}:${value.trim().replace(/\s+/g, ' ')}`),
    '',
    names,
    hash,
  ].join('\n');
  const scope = [date.slice(0, 8), region, service, 'aws4_request'];
  const key = scope.reduce((above: string | Buffer, part) => hmac(above, part), `AWS4${secretAccessKey}`);
  const signature = hmac(key, ['AWS4-HMAC-SHA256', date, scope.join('/'), sha256(canonical)].join('\n'));
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope.join('/')}, SignedHeaders=${names}, Signature=${signature.toString('hex')}`;
  return { ...sent, authorization };
}

/** RFC 3986's unreserved characters stay; a segment that is encoded already is encoded once more. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : 1);

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
