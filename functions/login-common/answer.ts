import type { APIGatewayProxyResult } from 'aws-lambda';

/** An answer to the browser, before the headers that all of them carry. */
export interface Answer {
  status: number;
  headers?: Readonly<Record<string, string>>;
  cookies?: readonly string[];
  body?: string | Buffer;
}

/**
 * What every answer says. Nothing of it is to be kept, framed, sniffed or shown to another origin, and the request's URL
 * (a code, a state) goes into no `Referer`. The policy lets nothing load; pages add their own styles by hash.
 */
const ALWAYS = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** Status and headers of an answer, as API Gateway's REST proxy takes them, streamed or whole. */
export function renderHead({
  status,
  headers,
  cookies,
}: Omit<Answer, 'body'>): Omit<APIGatewayProxyResult, 'body'> {
  return {
    statusCode: status,
    headers: { ...ALWAYS, ...headers },
    ...(cookies?.length ? { multiValueHeaders: { 'set-cookie': [...cookies] } } : {}),
  };
}

/** The answer in API Gateway's shape (REST proxy, payload 1.0). A body of bytes goes as base64; the stage must have binary media types for it to arrive as bytes. */
export function renderAnswer(answer: Answer): APIGatewayProxyResult {
  const binary = typeof answer.body !== 'string' && answer.body !== undefined;
  return {
    ...renderHead(answer),
    body: typeof answer.body === 'string' ? answer.body : (answer.body?.toString('base64') ?? ''),
    isBase64Encoded: binary,
  };
}

/** A redirect that makes the browser GET `location` (RFC 9110 15.4.4). Expects a URL that was checked. */
export function redirect(location: string, cookies: readonly string[] = []): Answer {
  return { status: 303, headers: { location }, cookies };
}

/** A JSON answer. */
export function json(status: number, value: unknown, cookies: readonly string[] = []): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    cookies,
    body: JSON.stringify(value),
  };
}
