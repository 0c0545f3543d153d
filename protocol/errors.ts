/** A fact of an error: for a log, a page, a decision. Never a token, an assertion, a proof or a person. */
export type Fact = string | number | boolean;

/** Facts by name; one that is not known is left out. */
export type Facts = Readonly<Record<string, Fact | undefined>>;

/**
 * The codes of errors, each with its facts. Callers switch on the code, never on the message. Here are those of what is asked
 * for and signed; each room above declares its own beside its code (`declare module`), so a program knows the codes of what it
 * imports and of nothing else. A new code is declared, with its meaning, before it is thrown.
 */
export interface ErrorFacts {
  /** A rendered file or a function's environment is not as it was made. */
  config_invalid: { client?: string };
  /** Not a request: neither a signer's nor an API call. `field` is its path. */
  request_malformed: { field?: string };
  request_too_large: object;
  intent_malformed: { field: string };
  details_invalid: { field: string };
  /** The zone's grant does not allow it. */
  grant_refused: { field?: string };
  key_unknown: { kid?: string; client?: string };
  /** Its state or its spec forbids it. */
  key_not_usable: { kid?: string; aws_error?: string };
  /** The client record could not be read. */
  record_unavailable: { client?: string; aws_error?: string };
  record_invalid: { kid?: string };
  /** A newer release has written it, in a format that this one does not know. */
  version_unknown: { version: number };
  /** Shed, not tried again: the caller may, after a random part of `retry_after` seconds. */
  kms_throttled: { aws_error?: string; retry_after?: number };
  kms_unavailable: { aws_error?: string };
  kms_refused: { aws_error?: string };
  /** KMS answered when the token had become too old. */
  signature_late: object;
  /** A key that can be read out would be used in a second zone, by a second client or for a second issuer. */
  custody_shared: { custody?: string };
  /** What keeps the key is not safe, or not what it is said to be; it is not used. */
  custody_refused: { custody?: string };
  /** What keeps the key can't be reached now, or has none. */
  custody_unavailable: { custody?: string };
  /** A key can't take that step. */
  transition_refused: { kid?: string; from?: string; to?: string };
}

/** See {@link ErrorFacts}. */
export type ErrorCode = keyof ErrorFacts;

/** By these a signer refuses a request before KMS is asked. */
export const REFUSALS = [
  'request_malformed',
  'request_too_large',
  'intent_malformed',
  'details_invalid',
  'grant_refused',
  'key_unknown',
  'key_not_usable',
] as const satisfies ErrorCode[];

/** What a signer may answer with instead of signatures. */
export const SIGNER_ERRORS = [
  ...REFUSALS,
  'config_invalid',
  'record_unavailable',
  'record_invalid',
  'version_unknown',
  'kms_throttled',
  'kms_unavailable',
  'kms_refused',
  'signature_late',
] as const satisfies ErrorCode[];

/** What an error may carry beside its message. */
export interface ErrorOptions<Code extends ErrorCode = ErrorCode> {
  /** The error that led to this one. */
  cause?: unknown;
  /** Facts that help to mend it: a field name, an HTTP status, HelseID's `error` and `error_description`. */
  facts?: Facts & Partial<ErrorFacts[Code]>;
}

/**
 * The one error class of this project. `message` says what was wrong and what to do; `code` is stable.
 * Does not carry secrets: whoever throws it keeps tokens, assertions, proofs and personal data out of
 * `message` and `facts`.
 */
export class ZonesError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'ZonesError';
  readonly code: Code;
  readonly facts: Readonly<Record<string, Fact>> & ErrorFacts[Code];

  constructor(
    code: Code,
    message: string,
    ...[options = {}]: object extends ErrorFacts[Code]
      ? [options?: ErrorOptions<Code>]
      : [options: ErrorOptions<Code> & { facts: ErrorFacts[Code] }]
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.facts = Object.fromEntries(
      Object.entries(options.facts ?? {}).filter(([, fact]) => fact !== undefined),
    ) as Readonly<Record<string, Fact>> & ErrorFacts[Code];
  }
}

/** An error whose facts follow from its code: `switch (error.code)` narrows them. */
export type AnyZonesError = { [Code in ErrorCode]: ZonesError<Code> }[ErrorCode];

/**
 * Whether `error` is a {@link ZonesError}, of `code` if one is given.
 *
 * @example
 * ```ts
 * import { getAccessToken, isZonesError, type TokenClient } from '@helseid-zones/client';
 *
 * export async function status(client: TokenClient): Promise<number> {
 *   try {
 *     await getAccessToken(client);
 *     return 200;
 *   } catch (error) {
 *     if (!isZonesError(error)) throw error;
 *     switch (error.code) {
 *       case 'token_refused':
 *         return error.facts.error === 'invalid_scope' ? 500 : error.facts.status;
 *       case 'issuer_unreachable':
 *         return 503;
 *       default:
 *         throw error;
 *     }
 *   }
 * }
 * ```
 */
export function isZonesError(error: unknown): error is AnyZonesError;
export function isZonesError<Code extends ErrorCode>(error: unknown, code: Code): error is ZonesError<Code>;
export function isZonesError(error: unknown, code?: ErrorCode): boolean {
  return error instanceof ZonesError && (code === undefined || error.code === code);
}
