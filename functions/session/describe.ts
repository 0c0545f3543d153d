import { type Answer, json } from '../login-common/answer.ts';
import { readIdCookie, SESSION_COOKIE } from '../login-common/cookies.ts';
import type { Dependencies } from '../login-common/dependencies.ts';
import { refreshSession } from '../login-common/refresh.ts';
import type { GatewayRequest } from '../login-common/request.ts';
import { requireSameOrigin } from '../login-common/request.ts';
import { findSession, type OpenSession, sessionEnd } from '../login-common/sessions.ts';

/**
 * `GET /session`: who is logged in. When the last answer of the issuer has lapsed it is asked again by a refresh, so that
 * a login it has ended is not shown as one. Does not count as use: a page may ask as often as it likes without keeping
 * the session alive.
 *
 * @throws {ZonesError} csrf_refused: another site may have caused the request
 * @throws {ZonesError} session_invalid, and what {@link refreshSession} throws
 */
export async function describeSession(deps: Dependencies, request: GatewayRequest): Promise<Answer> {
  requireSameOrigin(request, deps.settings.origin);
  const found = await findSession(deps, readIdCookie(request, SESSION_COOKIE));
  const session =
    found.data.refreshToken === undefined
      ? found
      : await refreshSession(deps, found, { target: deps.settings.first });
  return json(200, renderSession(session));
}

/** What a browser may know of its session: no token, no national identity number, no subject. Times are epoch seconds. */
export function renderSession({ data, idleAt }: OpenSession): object {
  const { name, hprNumber } = data.person;
  return {
    name,
    hpr_number: hprNumber,
    security_level: data.securityLevel,
    organization: data.organization,
    logged_in_at: data.loggedInAt,
    idle_at: Math.min(idleAt, sessionEnd(data)),
    ends_at: sessionEnd(data),
  };
}
