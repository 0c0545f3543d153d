import { ZonesError } from '@helseid-zones/protocol/errors';
import * as v from 'valibot';
import { type Answer, json } from '../login-common/answer.ts';
import { readIdCookie, SESSION_COOKIE } from '../login-common/cookies.ts';
import type { Dependencies } from '../login-common/dependencies.ts';
import { readOrganization } from '../login-common/person.ts';
import { refreshSession } from '../login-common/refresh.ts';
import { type GatewayRequest, readHeader, requireSameOrigin } from '../login-common/request.ts';
import { answerError } from '../login-common/serve.ts';
import { findSession, type OpenSession, sessionEnd, touchSession } from '../login-common/sessions.ts';

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
function renderSession({ data, idleAt }: OpenSession): object {
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

/** Bytes; an organisation needs far less. */
const MAX_BODY = 1024;
const BODY = v.pipe(v.string(), v.parseJson(), v.strictObject({ organization: v.unknown() }));

/**
 * `POST /session` with `{"organization": {"child": "…"}}`: works on behalf of another organisation from now on, by
 * `assertion_details` on a refresh, without a new login. A refused switch leaves the session as it was.
 *
 * @throws {ZonesError} csrf_refused: another site may have caused the request
 * @throws {ZonesError} request_malformed: the body names no organisation as it must
 * @throws {ZonesError} session_invalid: nobody is logged in
 */
export async function switchOrganization(deps: Dependencies, request: GatewayRequest): Promise<Answer> {
  requireSameOrigin(request, deps.settings.origin);
  const organization = readOrganization(readBody(request), deps.settings.tenancy);
  const found = await findSession(deps, readIdCookie(request, SESSION_COOKIE));
  let session: OpenSession;
  try {
    session = await refreshSession(deps, found, { target: deps.settings.first, organization });
  } catch (error) {
    return answerError(deps, error, request, undefined, true);
  }
  const touched = await touchSession(deps, session);
  deps.log('info', 'session.switched', { request: request.id });
  return json(200, renderSession(touched));
}

/** What is named as the organisation, unread. */
function readBody(request: GatewayRequest): unknown {
  if (!/^application\/json\s*(;|$)/i.test(readHeader(request, 'content-type') ?? ''))
    throw bodyError('must be application/json');
  const { body } = request;
  if (!body || body.length > MAX_BODY) throw bodyError(`must be there, of at most ${MAX_BODY} bytes`);
  const read = v.safeParse(BODY, body.toString('utf8'));
  if (!read.success) throw bodyError('must be a JSON object with the one member "organization"');
  return read.output.organization;
}

function bodyError(why: string): ZonesError {
  return new ZonesError('request_malformed', `The body ${why}.`);
}
