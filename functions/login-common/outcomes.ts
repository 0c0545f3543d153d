import type { ErrorCode } from '../../client/errors.ts';
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

/** Every code that a request can meet. Others are our own fault: see {@link FAULT}. */
export const OUTCOMES: Readonly<Partial<Record<ErrorCode, Outcome>>> = {
  event_invalid: BAD_REQUEST,
  request_malformed: BAD_REQUEST,
  request_too_large: { status: 413, page: 'badRequest' },
  return_path_invalid: BAD_REQUEST,
  body_not_replayable: BAD_REQUEST,
  csrf_refused: { status: 403, page: 'badRequest' },
  login_expired: { status: 400, page: 'expired' },
  login_refused: { status: 403, page: 'declined' },
  token_refused: { status: 403, page: 'declined' },
  grant_refused: { status: 403, page: 'badRequest' },
  details_invalid: BAD_REQUEST,
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

/** The answer to whatever has no outcome of its own. */
export const FAULT: Outcome = { status: 500, page: 'failed' };
