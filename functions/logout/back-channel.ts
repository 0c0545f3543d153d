import { isZonesError, ZonesError } from '../../client/errors.ts';
import { type Answer, json } from '../login-common/answer.ts';
import type { Dependencies } from '../login-common/dependencies.ts';
import { type GatewayRequest, readHeader } from '../login-common/request.ts';
import { digest } from '../login-common/secrets.ts';
import { endSessionsOf } from '../login-common/sessions.ts';

/** Bytes; a logout token is a small JWT. */
const MAX_BODY = 16_384;

/** Errors that say nothing about the token: the issuer may try again. */
const UNDECIDED = /^(aws_.*|issuer_unreachable|metadata_invalid)$/;

/**
 * `POST /logout/backchannel` (OpenID Connect Back-Channel Logout 1.0): the issuer ends sessions, found by `sid`, `sub`
 * or both. The token client validates the token in full; here its `jti` counts once. Refused with status 400 as 2.8
 * says, whatever is wrong with it. When the sessions could not be ended the `jti` is given back, so that the issuer's second
 * try works. Throws `aws_*`, `issuer_unreachable` and `metadata_invalid`.
 */
export async function endByIssuer(deps: Dependencies, request: GatewayRequest): Promise<Answer> {
  let counted: string | undefined;
  try {
    const claims = await deps.client.validateLogoutToken(readToken(request), (jti, until) => {
      counted = `jti#${digest(deps.settings.issuer, jti)}`;
      return deps.store.add(counted, '-', until);
    });
    const ended = await endSessionsOf(deps.store, claims);
    deps.log({ level: 'info', code: 'session.ended_by_issuer', request: request.id, facts: { ended } });
    return { status: 200 };
  } catch (error) {
    if (isZonesError(error) && !UNDECIDED.test(error.code)) return refuse(deps, request, error);
    if (counted !== undefined) await deps.store.remove(counted);
    throw error;
  }
}

function readToken(request: GatewayRequest): string {
  const malformed = () =>
    new ZonesError('request_malformed', 'Send one logout_token as application/x-www-form-urlencoded.');
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(readHeader(request, 'content-type') ?? ''))
    throw malformed();
  if (!request.body || request.body.length > MAX_BODY) throw malformed();
  const [token, second] = new URLSearchParams(request.body.toString('utf8')).getAll('logout_token');
  if (!token || second !== undefined) throw malformed();
  return token;
}

function refuse(deps: Dependencies, request: GatewayRequest, error: ZonesError): Answer {
  deps.log({
    level: 'warn',
    code: 'session.logout_token_refused',
    request: request.id,
    facts: { ...error.facts, refusal: error.code },
  });
  return json(400, { error: 'invalid_request', error_description: error.message });
}
