import type { Call, Input, JsonService } from './call.ts';
import { AwsError } from './errors.ts';

/** An answer, ready for the wire. */
export interface WireResponse {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string | Uint8Array;
}

/** Runs one call of a service with AWS's JSON protocol: looks the operation up, checks every permission it needs, runs it. Throws `AwsError`. */
export async function runJsonCall(
  service: JsonService,
  target: string,
  body: Uint8Array,
  call: Call,
): Promise<WireResponse> {
  const name = operationName(service, target);
  const operation = service.operations[name];
  if (!Object.hasOwn(service.operations, name) || operation === undefined) {
    throw new AwsError(
      'UnknownOperationException',
      `The local AWS does not implement ${service.name}:${name}`,
    );
  }
  const input = parseInput(body);
  for (const need of operation.needs(input, call)) call.require(need);
  const output = (await operation.run(input, call)) ?? {};
  return writeJson(service.version, 200, output, call.requestId);
}

/** The operation that an `X-Amz-Target` names. Throws `UnknownOperationException` for another service's. */
export function operationName(service: JsonService, target: string): string {
  const [prefix = '', name = ''] = target.split('.');
  if (prefix !== service.target) throw new AwsError('UnknownOperationException', '');
  return name;
}

/** Writes an error as AWS's JSON protocols do: the code in `__type`, the text in `message`, or `Message` where access is denied. */
export function writeJsonError(version: '1.0' | '1.1', error: AwsError, requestId: string): WireResponse {
  const text = error.code === 'AccessDeniedException' ? 'Message' : 'message';
  const { deniedAction: _, ...members } = error.members;
  const status = error.status === 403 ? 400 : error.status;
  return writeJson(version, status, { __type: error.code, [text]: error.message, ...members }, requestId);
}

function writeJson(version: string, status: number, output: unknown, requestId: string): WireResponse {
  return {
    status,
    headers: { 'content-type': `application/x-amz-json-${version}`, 'x-amzn-requestid': requestId },
    body: JSON.stringify(output),
  };
}

function parseInput(body: Uint8Array): Input {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8') || '{}');
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Input;
  } catch {
    // answered below, as AWS does for anything that is no JSON object
  }
  throw new AwsError('SerializationException', 'The request body is not a JSON object');
}
