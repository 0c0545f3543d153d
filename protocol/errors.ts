/** By these a signer refuses a request before KMS is asked. */
export const REFUSALS = [
  'request_malformed',
  'request_too_large',
  'intent_malformed',
  'details_invalid',
  'grant_refused',
  'key_unknown',
  'key_not_usable',
] as const;

/**
 * Every code an error of this project can carry. Callers switch on the code, never on the message.
 * The union is closed: a new code is added here, with its meaning, before it is thrown.
 */
export const ERROR_CODES = [
  // the declaration (zones.ts)
  'declaration_invalid',
  // a function's environment or rendered config file
  'config_invalid',
  ...REFUSALS,
  // the signer could not sign
  'record_unavailable',
  'record_invalid',
  'kms_throttled',
  'kms_unavailable',
  'kms_refused',
  'signature_late',
  // an AWS API answered with an error, or not at all (client/aws.ts)
  'aws_refused',
  'aws_throttled',
  'aws_unavailable',
  // the signer could not be asked
  'signer_unavailable',
  'signer_answer_invalid',
  // the authorization server
  'metadata_invalid',
  'issuer_unreachable',
  'token_refused',
  'token_invalid',
  'nonce_loop',
  'binding_mismatch',
  // an API call
  'api_unreachable',
  'api_refused',
  'api_answer_unusable',
  'redirect_refused',
  'body_not_replayable',
  'request_aborted',
  // user login
  'login_refused',
  'login_expired',
  'login_too_old',
  'id_token_invalid',
  'security_level_too_low',
  'person_mismatch',
  'session_invalid',
  'csrf_refused',
  'return_path_invalid',
  // resource-server side
  'proof_invalid',
  'access_token_invalid',
  'scope_insufficient',
  // the life of a key
  'transition_refused',
  'rotation_failed',
  'self_service_refused',
  'self_service_unreachable',
  // an event that cannot be worked on
  'event_invalid',
  // the local system and the commands
  'local_failed',
  'assembly_invalid',
] as const;

/** See {@link ERROR_CODES}. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** What an error may carry beside its message. Nothing here is ever a token, an assertion, a proof or a person. */
export interface ErrorOptions {
  /** The error that led to this one. */
  cause?: unknown;
  /** Facts that help to mend it: a field name, an HTTP status, HelseID's `error` and `error_description`. */
  facts?: Readonly<Record<string, string | number | boolean>>;
}

/**
 * The one error class of this project. `message` says what was wrong and what to do; `code` is stable.
 * Does not carry secrets: whoever throws it keeps tokens, assertions, proofs and personal data out of
 * `message` and `facts`.
 */
export class ZonesError extends Error {
  override readonly name = 'ZonesError';
  readonly code: ErrorCode;
  readonly facts: Readonly<Record<string, string | number | boolean>>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.facts = options.facts ?? {};
  }
}

/** Whether `error` is a {@link ZonesError}, of `code` if one is given. */
export function isZonesError(error: unknown, code?: ErrorCode): error is ZonesError {
  return error instanceof ZonesError && (code === undefined || error.code === code);
}
