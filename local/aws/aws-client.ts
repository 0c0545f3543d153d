import { signAws } from '@helseid-zones/client/sigv4';
import { objectOf, parseJson } from '../../infra/proof/assembly/json.ts';
import type { Credentials } from './credentials.ts';

/** As whom, and by which way, the local AWS is called. */
export interface AwsAccess {
  /** Of a VPC endpoint's listener, or the public one's. */
  url: string;
  region: string;
  credentials: Credentials;
}

/** An answer of AWS: an error has its `code`. */
export interface AwsAnswer {
  status: number;
  headers: Headers;
  body: unknown;
  /** AWS's error code and message, where it is an error. */
  error?: { code: string; message: string };
}

/** Calls an operation of a service with AWS's JSON protocol, and hands back what AWS answered, errors too. */
export function callJson(access: AwsAccess, service: string, target: string, input: object) {
  const version = ['sqs', 'dynamodb'].includes(service) ? '1.0' : '1.1';
  const headers = { 'content-type': `application/x-amz-json-${version}`, 'x-amz-target': target };
  return sendSigned(access, service, { path: '/', body: JSON.stringify(input), headers });
}

/** Invokes a function and hands back what Lambda answered, errors too. */
export function callLambda(access: AwsAccess, functionName: string, event: object): Promise<AwsAnswer> {
  const path = `/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`;
  return sendSigned(access, 'lambda', { path, body: JSON.stringify(event) });
}

/** Calls a route of a gateway as IAM wants it signed; by default it is read. */
export function callGateway(access: AwsAccess, path: string, options: Omit<Sent, 'path'> = {}) {
  return sendSigned(access, 'execute-api', { path, ...options });
}

/** What is sent: JSON where there is a body and no other type is named, which is then posted by default. */
interface Sent {
  path: string;
  method?: string;
  body?: string | undefined;
  headers?: Readonly<Record<string, string>>;
}

async function sendSigned(
  { url, region, credentials }: AwsAccess,
  service: string,
  { path, body, method = body === undefined ? 'GET' : 'POST', ...given }: Sent,
): Promise<AwsAnswer> {
  const target = new URL(`${url}${path}`);
  const headers = { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...given.headers };
  const scope = { service, region, now: Date.now() };
  const sent = signAws({ method, url: target, headers, body }, credentials, scope);
  const response = await fetch(target, { method, headers: sent, body: body ?? null });
  const text = await response.text();
  const { status, headers: answered } = response;
  const answer = { status, headers: answered, body: parseJson(text) ?? text };
  if (response.ok) return answer;
  const { __type = answered.get('x-amzn-errortype') ?? 'Unknown', ...members } = objectOf(answer.body);
  const message = members['message'] ?? members['Message'] ?? members['title'] ?? text;
  return { ...answer, error: { code: String(__type), message: String(message) } };
}
