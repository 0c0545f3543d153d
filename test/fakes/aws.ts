import { createHash, createHmac } from 'node:crypto';
import type { Handler } from './network.ts';

/** An AWS endpoint that checks Signature Version 4 and then answers as told. */
export interface FakeAws {
  handle: Handler;
  /** Requests whose signature was right. */
  requests: { method: string; url: string; headers: Headers; body: string }[];
  /** Answers in turn; the last one stays. */
  answers: (() => Response | Promise<Response>)[];
}

/** The credentials it knows. */
export const CREDENTIALS = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI',
  sessionToken: 'T/=',
};

export function createFakeAws(service: string, region: string): FakeAws {
  const fake: FakeAws = {
    requests: [],
    answers: [() => Response.json({})],
    async handle(request) {
      const body = await request.text();
      if (!request.headers.has('authorization'))
        return Response.json({ __type: 'MissingAuthenticationTokenException' }, { status: 403 });
      const expected = signatureOf(request, body, service, region, CREDENTIALS.secretAccessKey);
      const given = /Signature=(\w+)$/.exec(request.headers.get('authorization') ?? '')?.[1];
      const known = request.headers.get('x-amz-security-token') === CREDENTIALS.sessionToken;
      if (given !== expected || !known)
        return Response.json({ __type: 'InvalidSignatureException' }, { status: 403 });
      fake.requests.push({ method: request.method, url: request.url, headers: request.headers, body });
      const answer = fake.answers.length > 1 ? fake.answers.shift() : fake.answers[0];
      return (await answer?.()) ?? new Response(null, { status: 500 });
    },
  };
  return fake;
}

/** Signature Version 4 of a request as it was received, by AWS's description and none of our client's code. */
export function signatureOf(
  request: Request,
  body: string,
  service: string,
  region: string,
  secret: string,
): string {
  const { pathname, searchParams, host } = new URL(request.url);
  const signed = /SignedHeaders=([^,]+)/.exec(request.headers.get('authorization') ?? '')?.[1] ?? '';
  const headerOf = (name: string) => (name === 'host' ? host : (request.headers.get(name) ?? '').trim());
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const canonical = [
    request.method,
    pathname.split('/').map(encode).join('/'),
    [...searchParams]
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .sort()
      .join('&'),
    ...signed.split(';').map((name) => `${name}:${headerOf(name)}`),
    '',
    signed,
    sha256(body),
  ].join('\n');
  const date = request.headers.get('x-amz-date') ?? '';
  const scope = [date.slice(0, 8), region, service, 'aws4_request'];
  const key = scope.reduce<string | Buffer>((last, part) => hmac(last, part), `AWS4${secret}`);
  const text = ['AWS4-HMAC-SHA256', date, scope.join('/'), sha256(canonical)].join('\n');
  return hmac(key, text).toString('hex');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
