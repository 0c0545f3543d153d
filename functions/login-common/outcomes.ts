import type { ErrorCode, ZonesError } from '@helseid-zones/protocol/errors';
import type { PageName } from './texts.ts';

/** How an error is answered: the HTTP status and the page a person gets. */
export interface Outcome {
  status: number;
  page: PageName;
  /** Whether logging in again must ask for the person again: the issuer still knows the one who did not suffice. */
  anew?: boolean;
}

const BAD_REQUEST: Outcome = { status: 400, page: 'badRequest' };
const BUSY: Outcome = { status: 503, page: 'busy' };
const UPSTREAM: Outcome = { status: 502, page: 'failed' };
const DECLINED: Outcome = { status: 403, page: 'declined' };

/** The answer to whatever has no outcome of its own: our own fault. */
export const FAULT: Outcome = { status: 500, page: 'failed' };

/**
 * What an issuer's `error` says about who is at fault (RFC 6749 4.1.2.1 and 5.2, RFC 8707 2, RFC 9101 6). One that is not here
 * is our fault where we asked the issuer ourselves, and the person's choice where the browser brought it.
 */
const REFUSALS: ReadonlyMap<string, Outcome> = new Map([
  ['access_denied', DECLINED],
  // The code, or the pushed request, was not used in time.
  ['invalid_grant', { status: 400, page: 'expired' }],
  ['invalid_request_uri', { status: 400, page: 'expired' }],
  ['invalid_request', FAULT],
  ['invalid_request_object', FAULT],
  ['invalid_scope', FAULT],
  ['invalid_target', FAULT],
  ['request_not_supported', FAULT],
  ['unauthorized_client', FAULT],
  ['unsupported_response_type', FAULT],
  ['server_error', UPSTREAM],
  ['temporarily_unavailable', BUSY],
]);

/** Every code that a request can meet, but for what an issuer's `error` or the browser's choice decides. */
export const OUTCOMES: Readonly<Partial<Record<ErrorCode, Outcome>>> = {
  event_invalid: BAD_REQUEST,
  request_malformed: BAD_REQUEST,
  request_too_large: { status: 413, page: 'badRequest' },
  return_path_invalid: BAD_REQUEST,
  body_not_replayable: BAD_REQUEST,
  csrf_refused: { status: 403, page: 'badRequest' },
  login_expired: { status: 400, page: 'expired' },
  login_too_old: { status: 502, page: 'tooOld', anew: true },
  login_refused: DECLINED,
  security_level_too_low: { status: 403, page: 'level', anew: true },
  person_mismatch: { status: 403, page: 'person', anew: true },
  session_invalid: { status: 401, page: 'notLoggedIn' },
  id_token_invalid: UPSTREAM,
  token_invalid: UPSTREAM,
  metadata_invalid: UPSTREAM,
  binding_mismatch: UPSTREAM,
  nonce_loop: UPSTREAM,
  api_unreachable: UPSTREAM,
  api_answer_unusable: UPSTREAM,
  redirect_refused: UPSTREAM,
  request_aborted: { status: 504, page: 'busy' },
  issuer_unreachable: BUSY,
  signer_unavailable: BUSY,
  aws_throttled: BUSY,
  aws_unavailable: BUSY,
  kms_throttled: BUSY,
  kms_unavailable: BUSY,
  signature_late: BUSY,
};

/** What the browser is at fault for where it chose an organisation: the zone's grant or the issuer does not allow that one. */
const CHOSEN: Readonly<Partial<Record<ErrorCode, Outcome>>> = {
  details_invalid: BAD_REQUEST,
  grant_refused: { status: 403, page: 'badRequest' },
  token_refused: DECLINED,
  login_refused: DECLINED,
};

/** One outcome for whoever is at fault. `chosen` tells that the browser named an organisation. */
export function chooseOutcome({ code, facts }: ZonesError, chosen: boolean): Outcome {
  const refusal = code === 'token_refused' || code === 'login_refused' ? String(facts['error']) : '';
  const outcome = REFUSALS.get(refusal) ?? OUTCOMES[code] ?? FAULT;
  // Nothing that a browser chooses makes our key unknown, or the issuer fail.
  const its = chosen && refusal !== 'invalid_client' && outcome !== UPSTREAM && outcome !== BUSY;
  return (its ? CHOSEN[code] : undefined) ?? outcome;
}
