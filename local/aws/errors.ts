/**
 * An error as AWS puts it on the wire. It is an answer of the local AWS, not an error of this project: nothing but a
 * protocol writer (json-protocol.ts, rest-protocol.ts, gateway) ever looks at it.
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

/** AWS's `ValidationException`. */
export function validationError(message: string): AwsError {
  return new AwsError('ValidationException', message);
}

/** What the local AWS answers where AWS could do more than this project needs: AWS's shape, and a message that says whose limit it is. */
export function notImplemented(what: string): AwsError {
  return new AwsError(
    'NotImplementedException',
    `${what} is not implemented by the local AWS; it covers the calls that helseid-zones makes`,
    501,
  );
}
