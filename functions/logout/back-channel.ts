import { isZonesError, ZonesError } from '../../client/errors.ts';
import type { LogoutTokenClaims } from '../../client/tokens.ts';
import type { Answer } from '../login-common/answer.ts';
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
  let claims: LogoutTokenClaims;
  try {
    claims = await deps.client.validateLogoutToken(readToken(request), (jti, until) =>
      deps.store.add(jtiKey(deps, jti), '-', until),
    );
  } catch (error) {
    if (!isZonesError(error) || UNDECIDED.test(error.code)) throw error;
    deps.log({
      level: 'warn',
      code: 'session.logout_token_refused',
      request: request.id,
      facts: { ...error.facts, refusal: error.code },
    });
    return refuse(error);
  }
  try {
    const ended = await endSessionsOf(deps.store, claims);
    deps.log({ level: 'info', code: 'session.ended_by_issuer', request: request.id, facts: { ended } });
  } catch (error) {
    await deps.store.remove(jtiKey(deps, claims.jti));
    throw error;
  }
  return { status: 200 };
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

function jtiKey(deps: Dependencies, jti: string): string {
  return `jti#${digest(deps.settings.issuer, jti)}`;
}

function refuse(error: ZonesError): Answer {
  const body = { error: 'invalid_request', error_description: error.message };
  return { status: 400, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
