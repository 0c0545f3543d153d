import { isZonesError, ZonesError } from '@helseid-zones/protocol/errors';
import { type Answer, json } from '../login-common/answer.ts';
import type { Dependencies } from '../login-common/dependencies.ts';
import { type GatewayRequest, readHeader } from '../login-common/request.ts';
import { digest } from '../login-common/secrets.ts';
import { endSessionsOf } from '../login-common/sessions.ts';
import type { LoginStore } from '../login-common/store.ts';

/** Bytes; a logout token is a small JWT. */
const MAX_BODY = 16_384;

/** Errors that say nothing about the token: the issuer may try again. */
const UNDECIDED = /^(aws_.*|issuer_unreachable|metadata_invalid)$/;

/**
 * `POST /logout/backchannel` (OpenID Connect Back-Channel Logout 1.0): the issuer ends sessions, found by `sid`, `sub`
 * or both. The token client validates the token in full. Its `jti` counts once, from when the sessions are ended: what fails
 * before that leaves the issuer a second try, and the same token twice at once ends nothing more. Refused with status 400
 * as 2.8 says, whatever is wrong with it.
 *
 * @throws {ZonesError} aws_*, issuer_unreachable, metadata_invalid: nothing is decided about the token, and it may come again
 */
export async function endByIssuer(deps: Dependencies, request: GatewayRequest): Promise<Answer> {
  const { settings, store } = deps;
  const seen = { pk: '', until: 0 };
  try {
    const claims = await deps.client.validateLogoutToken(readToken(request), async (jti, until) => {
      Object.assign(seen, { pk: `jti#${digest(settings.issuer, jti)}`, until });
      return (await store.read(seen.pk)) === undefined;
    });
    const ended = await endSessionsOf(deps, claims);
    await count(store, seen);
    deps.log({ level: 'info', code: 'session.ended_by_issuer', request: request.id, facts: { ended } });
    return { status: 200 };
  } catch (error) {
    if (isZonesError(error) && !UNDECIDED.test(error.code)) return refuse(deps, request, error);
    throw error;
  }
}

/** Counts a token; or not at all, where the table's answer says that it may not be counted: the issuer will send it again. */
async function count(store: LoginStore, { pk, until }: { pk: string; until: number }): Promise<void> {
  try {
    await store.add(pk, '-', until);
  } catch (error) {
    await store.take(pk);
    throw error;
  }
}

function readToken(request: GatewayRequest): string {
  const type = readHeader(request, 'content-type') ?? '';
  if (/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type) && (request.body?.length ?? 0) <= MAX_BODY) {
    const [token, second] = new URLSearchParams(request.body?.toString('utf8')).getAll('logout_token');
    if (token && second === undefined) return token;
  }
  throw new ZonesError('request_malformed', 'Send one logout_token as application/x-www-form-urlencoded.');
}

function refuse(deps: Dependencies, request: GatewayRequest, error: ZonesError): Answer {
  deps.log({
    level: 'warn',
    code: 'session.logout_token_refused',
    request: request.id,
    facts: { reason: error.message, ...error.facts, refusal: error.code },
  });
  return json(400, { error: 'invalid_request', error_description: error.message });
}
