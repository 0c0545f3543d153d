import { isZonesError } from '@helseid-zones/protocol/errors';

/** An answer, ready for the wire. */
export interface WireResponse {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string | Uint8Array;
}

/**
 * An error as AWS puts it on the wire. It is an answer of the local AWS, not an error of this project: nothing but the
 * writers below and the gateway ever looks at it.
 */
export class AwsError extends Error {
  override readonly name = 'AwsError';
  /** AWS's error code, e.g. `NotFoundException`. */
  readonly code: string;
  /** HTTP status. */
  readonly status: number;
  /** Further members of the error body. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, status = 400, members: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.members = members;
  }
}

/** What a failure is on the wire. Of what the local AWS could not do, such as keep what it was given, whoever asks is told. */
export function toAwsError(cause: unknown): AwsError {
  if (cause instanceof AwsError) return cause;
  if (cause instanceof RangeError) return new AwsError('RequestEntityTooLargeException', cause.message, 413);
  const why = isZonesError(cause, 'local_failed') ? cause.message : 'logs/trail.log says how';
  return new AwsError('InternalFailure', `The local AWS failed: ${why}`, 500);
}

/** What the local AWS answers where AWS could do more than this project needs: AWS's shape, and a message that says whose limit it is. */
export function notImplemented(what: string): AwsError {
  return new AwsError(
    'NotImplementedException',
    `${what} is not implemented by the local AWS; it covers the calls that helseid-zones makes`,
    501,
  );
}

/** An answer of AWS's JSON protocols. */
export function writeJson(version: string, status: number, output: unknown, requestId: string): WireResponse {
  return {
    status,
    headers: { 'content-type': `application/x-amz-json-${version}`, 'x-amzn-requestid': requestId },
    body: JSON.stringify(output),
  };
}

/** An error of the JSON protocols: the code in `__type`, no status 403, the text in `message`, or `Message` where access is denied. */
export function writeJsonError(version: '1.0' | '1.1', error: AwsError, requestId: string): WireResponse {
  const status = error.status === 403 ? 400 : error.status;
  return writeJson(version, status, { __type: error.code, ...membersOf(error) }, requestId);
}

/** An error of Lambda's REST-JSON protocol: the code in a header, and 403 where access is denied. */
export function writeRestError(error: AwsError, requestId: string): WireResponse {
  return {
    status: error.code === 'AccessDeniedException' ? 403 : error.status,
    headers: {
      'content-type': 'application/json',
      'x-amzn-requestid': requestId,
      'x-amzn-errortype': error.code,
    },
    body: JSON.stringify(membersOf(error)),
  };
}

function membersOf({ code, message, members }: AwsError): Record<string, unknown> {
  return { [code === 'AccessDeniedException' ? 'Message' : 'message']: message, ...members };
}
