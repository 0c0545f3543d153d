import { ZonesError } from '@helseid-zones/protocol/errors';
import { type Answer, json } from '../login-common/answer.ts';
import { readIdCookie, SESSION_COOKIE } from '../login-common/cookies.ts';
import type { Dependencies } from '../login-common/dependencies.ts';
import { readOrganization } from '../login-common/person.ts';
import { refreshSession } from '../login-common/refresh.ts';
import { type GatewayRequest, readHeader, requireSameOrigin } from '../login-common/request.ts';
import { answerError } from '../login-common/serve.ts';
import { findSession, type OpenSession, touchSession } from '../login-common/sessions.ts';
import { renderSession } from './describe.ts';

/** Bytes; an organisation needs far less. */
const MAX_BODY = 1024;

/**
 * `POST /session` with `{"organization": {"child": "…"}}`: works on behalf of another organisation from now on, by
 * `assertion_details` on a refresh, without a new login. A refused switch leaves the session as it was.
 * Throws `csrf_refused`, `request_malformed`, `session_invalid`, and `token_refused` or `grant_refused` where HelseID or
 * the zone's grant does not allow the organisation.
 */
export async function switchOrganization(deps: Dependencies, request: GatewayRequest): Promise<Answer> {
  requireSameOrigin(request, deps.settings.origin);
  const organization = readOrganization(readBody(request)['organization'], deps.settings.tenancy);
  const found = await findSession(deps, readIdCookie(request, SESSION_COOKIE));
  let session: OpenSession;
  try {
    session = await refreshSession(deps, found, { target: deps.settings.first, organization });
  } catch (error) {
    return answerError(deps, error, request, undefined, true);
  }
  const touched = await touchSession(deps, session);
  deps.log({ level: 'info', code: 'session.switched', request: request.id });
  return json(200, renderSession(touched));
}

function readBody(request: GatewayRequest): Readonly<Record<string, unknown>> {
  const malformed = (why: string, cause?: unknown) =>
    new ZonesError('request_malformed', `The body ${why}.`, { cause });
  if (!/^application\/json\s*(;|$)/i.test(readHeader(request, 'content-type') ?? ''))
    throw malformed('must be application/json');
  const { body } = request;
  if (!body || body.length > MAX_BODY) throw malformed(`must be there, of at most ${MAX_BODY} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw malformed('is not JSON');
  }
  if (typeof value !== 'object' || value === null || Object.keys(value).join() !== 'organization')
    throw malformed('must be an object with the one member "organization"');
  return { organization: 'organization' in value ? value.organization : undefined };
}
