import { ZonesError } from '@helseid-zones/protocol/errors';
import { parseUrl } from '@helseid-zones/protocol/url';
import { isObject, parseJson } from '@helseid-zones/protocol/values';
import { type Environment, readVariable } from './environment.ts';
import { describeNetworkFailure } from './errors.ts';
import { type Fetch, withDeadline } from './http.ts';
import { type AwsKeys, signAws } from './sigv4.ts';

/** The services whose endpoint the environment may name, by `AWS_ENDPOINT_URL_<SERVICE>`; as signing names without `_`, in small letters. */
const SERVICES = ['LAMBDA', 'DYNAMODB', 'SECRETS_MANAGER', 'KMS', 'SQS'];

/** Keys, or who gives them: asked at each attempt, so it keeps them itself while they are good, as the AWS SDK's providers do. */
export type AwsCredentials = AwsKeys | (() => Promise<AwsKeys>);

/** Where and as whom to call. */
export interface AwsConfig {
  region: string;
  credentials: AwsCredentials;
  /** Replaces `https://<service>.<region>.amazonaws.com`. */
  endpoints: Readonly<Record<string, string>>;
  /** X-Ray's header for the invocation that is going on; of who is called it makes a part of that trace. */
  trace?: () => string | undefined;
}

/** One call. */
export interface AwsRequest {
  service: string;
  /** Default `POST`. */
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Percent-encoded already; default `/`. */
  path?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** Whether doing it twice does no harm: only then is it sent again after a 5xx or a lost connection. */
  repeatable: boolean;
  signal?: AbortSignal | undefined;
}

/** An answer with a 2xx status. */
export interface AwsResponse {
  headers: Headers;
  body: string;
}

/**
 * Calls AWS.
 * @throws {ZonesError} aws_refused, aws_throttled, aws_unavailable: `facts.error` is AWS's own error code
 * @throws {ZonesError} request_aborted: by the request's signal
 */
export interface AwsCaller {
  call(request: AwsRequest): Promise<AwsResponse>;
  /** AWS JSON 1.0/1.1: `target` goes into `X-Amz-Target`. Resolves to the parsed answer. */
  json(
    request: Pick<AwsRequest, 'service' | 'repeatable' | 'signal'> & {
      target: string;
      version?: '1.0' | '1.1';
      input: unknown;
    },
  ): Promise<unknown>;
}

/** What can be replaced in tests, and the bounds. */
export interface AwsCallerOptions {
  fetch?: Fetch;
  now?: () => number;
  /** Milliseconds; how long a retry waits. */
  wait?: (milliseconds: number) => Promise<void>;
  /** In [0, 1). */
  random?: () => number;
  /** Milliseconds an attempt may take (default 5000). */
  timeout?: number;
  /** Attempts in all (default 3). */
  attempts?: number;
}

const THROTTLED =
  /^(Throttling|ThrottlingException|ThrottledException|TooManyRequestsException|RequestLimitExceeded|ProvisionedThroughputExceededException|RequestThrottled|LimitExceededException|SlowDown)$/;

/**
 * Reads region, endpoints and, where none are given, credentials from the environment that Lambda gives a function.
 * @throws {ZonesError} config_invalid: a variable is missing; the message names it
 */
export function readAwsConfig(env: Environment, credentials?: AwsCredentials): AwsConfig {
  const endpoints = SERVICES.flatMap((service) => {
    const url = env[`AWS_ENDPOINT_URL_${service}`];
    return url ? [[service.replace('_', '').toLowerCase(), url]] : [];
  });
  return {
    region: readVariable(env, 'AWS_REGION'),
    credentials: credentials ?? {
      accessKeyId: readVariable(env, 'AWS_ACCESS_KEY_ID'),
      secretAccessKey: readVariable(env, 'AWS_SECRET_ACCESS_KEY'),
      sessionToken: env['AWS_SESSION_TOKEN'] || undefined,
    },
    endpoints: Object.fromEntries(endpoints),
    trace: () => env['_X_AMZN_TRACE_ID'] || undefined,
  };
}

/**
 * Makes an {@link AwsCaller}: Signature Version 4, a deadline an attempt, and retries with full jitter. A throttled
 * call is always sent again, since it was not carried out; others only where `repeatable`. The AWS SDK would do more
 * (credential chains, clock correction, endpoint rules) at many times the size; a Lambda function needs none of it.
 *
 * @example
 * ```ts
 * import { createAwsCaller, readAwsConfig } from '@helseid-zones/client';
 *
 * const aws = createAwsCaller(readAwsConfig(process.env));
 *
 * export const isKnown = async (id: string): Promise<boolean> => {
 *   const input = { TableName: 'journal-seen', Key: { pk: { S: id } } };
 *   const target = 'DynamoDB_20120810.GetItem';
 *   return 'Item' in Object(await aws.json({ service: 'dynamodb', target, version: '1.0', input, repeatable: true }));
 * };
 * ```
 */
export function createAwsCaller(config: AwsConfig, options: AwsCallerOptions = {}): AwsCaller {
  const {
    now = Date.now,
    random = Math.random,
    wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
    timeout = 5000,
    attempts = 3,
  } = options;
  const send: Fetch = options.fetch ?? ((input, init) => fetch(input, init));

  async function attempt(request: AwsRequest): Promise<AwsResponse> {
    const credentials = await readKeys(config, request);
    const { service, method = 'POST', path = '/', body: content } = request;
    const endpoint = config.endpoints[service] ?? `https://${service}.${config.region}.amazonaws.com`;
    const url = parseUrl(path, endpoint);
    if (!url)
      throw new ZonesError(
        'config_invalid',
        `The endpoint of ${service} is no URL; correct AWS_ENDPOINT_URL.`,
      );
    const where = { service, region: config.region, now: now() };
    const signed = signAws({ method, url, headers: request.headers, body: content }, credentials, where);
    const trace = config.trace?.();
    // Beside the signature, as in AWS's SDKs: what lies between may change it.
    const sent = trace === undefined ? signed : { ...signed, 'x-amzn-trace-id': trace };
    const init = { method, headers: sent, ...(content === undefined ? {} : { body: content }) };
    const { status, headers, body } = await withDeadline(timeout, request.signal, async (signal) => {
      const response = await send(url.href, { ...init, redirect: 'manual', signal });
      return { status: response.status, headers: response.headers, body: await response.text() };
    }).catch((cause: unknown) => {
      if (request.signal?.aborted)
        throw new ZonesError('request_aborted', 'The call was aborted.', { cause });
      const message = `No answer from ${service}; check the zone's endpoint and security groups.`;
      const facts = { service, ...describeNetworkFailure(cause) };
      throw new ZonesError('aws_unavailable', message, { cause, facts });
    });
    if (status >= 200 && status < 300) return { headers, body };
    throw parseError(service, status, headers, body);
  }

  async function call(request: AwsRequest): Promise<AwsResponse> {
    for (let tried = 1; ; tried += 1) {
      try {
        return await attempt(request);
      } catch (error) {
        const code = error instanceof ZonesError ? error.code : undefined;
        const again = code === 'aws_throttled' || (code === 'aws_unavailable' && request.repeatable);
        if (!again || tried >= attempts || request.signal?.aborted) throw error;
        await wait(random() * 50 * 2 ** tried);
      }
    }
  }

  return {
    call,
    async json({ service, target, version = '1.0', input, repeatable, signal }) {
      const headers = { 'content-type': `application/x-amz-json-${version}`, 'x-amz-target': target };
      const { body } = await call({ service, headers, body: JSON.stringify(input), repeatable, signal });
      return parseJson(body) ?? {};
    },
  };
}

async function readKeys({ credentials }: AwsConfig, { service }: AwsRequest): Promise<AwsKeys> {
  if (typeof credentials === 'object') return credentials;
  try {
    return await credentials();
  } catch (cause) {
    const message =
      'The credential provider gave no credentials; check the role of this process and what the provider reads.';
    throw new ZonesError('aws_unavailable', message, {
      cause,
      facts: { service, ...describeNetworkFailure(cause) },
    });
  }
}

/** AWS names its error in `x-amzn-errortype` (REST), `__type` (JSON), with a prefix or suffix to cut off, or `<Code>` (query). */
function parseError(service: string, status: number, headers: Headers, body: string): ZonesError {
  const parsed = parseJson(body);
  const fields = isObject(parsed) ? parsed : {};
  const inXml = /<Code>([\w.]+)<\/Code>/.exec(body)?.[1];
  const named = headers.get('x-amzn-errortype') ?? fields['__type'] ?? fields['code'] ?? inXml;
  const error = typeof named === 'string' ? (named.split('#').pop()?.split(':')[0] ?? '') : '';
  const facts = { service, status, error: error || 'Unknown' };
  const message = `${service} answered ${status} ${facts.error}.`;
  if (status === 429 || THROTTLED.test(error)) return new ZonesError('aws_throttled', message, { facts });
  return new ZonesError(status >= 500 ? 'aws_unavailable' : 'aws_refused', message, { facts });
}
