import type {} from '@helseid-zones/client/errors';

declare module '@helseid-zones/protocol/errors' {
  /** Of the functions. */
  interface ErrorFacts {
    /** User login. */
    login_expired: object;
    security_level_too_low: { demanded?: string; securityLevel?: string };
    session_invalid: object;
    csrf_refused: object;
    return_path_invalid: object;
    /** The authorizer. */
    proof_invalid: { check?: string };
    access_token_invalid: { check?: string };
    scope_insufficient: { check?: string };
    /** The life of a key. */
    rotation_failed: { kid?: string; client?: string };
    /** An event that can't be worked on. */
    event_invalid: { field?: string; secret?: string };
  }
}
