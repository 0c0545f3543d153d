import { randomUUID } from 'node:crypto';
import { createNonces } from './nonces.ts';
import { createSeenProofs, protect } from './protect.ts';
import { type Answer, answerCalls, type Call, serve } from './serve.ts';
import type { HealthApiOptions, HealthApiServer, StoredDocument } from './types.ts';
import type { Access } from './verify-access.ts';

const ORGANIZATION = 'helseid://claims/client/claims/orgnr_';

/**
 * Starts a health API that takes nothing on trust: every call passes `verifyAccess`. It has two resources, `POST <path>/DocumentReference` and `GET <path>/v1/summaries/{id}`; which of
 * them a caller reaches is decided by the audience and scopes it is started with.
 * Throws `local_failed` when the port is taken.
 */
export async function startHealthApi(options: HealthApiOptions): Promise<HealthApiServer> {
  const {
    ca,
    port = 0,
    issuer,
    keys,
    audience,
    scopes,
    path = '',
    nonceLifetime,
    onEvent = () => {},
  } = options;
  const { securityLevel, proofAge } = options;
  const rules = { issuer, audience, scopes, securityLevel, proofAge };
  const ports = { keys, now: Date.now, seen: createSeenProofs(Date.now) };
  const nonces = nonceLifetime === undefined ? undefined : createNonces(() => nonceLifetime);
  const documents: StoredDocument[] = [];
  const server = await serve(ca, port, (origin) =>
    answerCalls(origin, async (call) => {
      const answer = await protect(call, rules, ports, nonces, async (access) =>
        answerCaller(call, path, access, documents),
      );
      const check = (answer?.body as { check?: string } | undefined)?.check;
      const detail = `${call.method} ${call.url.pathname} ${answer?.status}${check ? ` (${check})` : ''}`;
      onEvent({ at: Date.now(), kind: 'api', detail });
      if (answer) options.alter?.(answer);
      return answer;
    }),
  );
  return { ...server, url: `${server.url}${path}`, documents };
}

function answerCaller(call: Call, path: string, access: Access, documents: StoredDocument[]): Answer {
  const { pathname } = call.url;
  const summary = pathname.startsWith(`${path}/v1/summaries/`) ? pathname.slice(path.length + 14) : '';
  if (call.method === 'GET' && /^[\w.-]{1,64}$/.test(summary)) return readSummary(summary, access);
  if (call.method === 'POST' && pathname === `${path}/DocumentReference`)
    return storeDocument(call, access, documents);
  return outcome(404, 'not-found', 'There is no such resource.');
}

function readSummary(id: string, access: Access): Answer {
  return {
    status: 200,
    body: { id, patient: { name: 'Synthetic Person' }, summary: 'No findings.', readBy: access.clientId },
  };
}

function storeDocument(call: Call, access: Access, documents: StoredDocument[]): Answer {
  const resource = readResource(call.body);
  const fault = resource ? findFault(resource) : 'The body is not a JSON object.';
  if (!resource || fault) return outcome(422, 'invalid', fault ?? '');
  const identifier = JSON.stringify(resource['masterIdentifier'] ?? resource['identifier']);
  const known = documents.find(
    (document) =>
      identifier === JSON.stringify(document.resource['masterIdentifier'] ?? document.resource['identifier']),
  );
  // A sender that is not sure whether it got through may send again: one identifier, one document.
  const document = known ?? describeDocument(resource, access);
  document.received += 1;
  if (!known) documents.push(document);
  const headers = {
    location: `${call.url.origin}${call.url.pathname}/${document.id}`,
    'content-type': 'application/fhir+json',
  };
  return { status: known ? 200 : 201, headers, body: { ...document.resource, id: document.id } };
}

function describeDocument(resource: Record<string, unknown>, access: Access): StoredDocument {
  const [parent, child] = ['parent', 'child'].map((unit) => {
    const claim = access.claims[`${ORGANIZATION}${unit}`];
    return typeof claim === 'string' ? claim : undefined;
  });
  return {
    id: randomUUID(),
    resource,
    clientId: access.clientId,
    parent,
    child,
    received: 0,
  };
}

function readResource(body: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

const STATUSES = ['current', 'superseded', 'entered-in-error'];

/** What a FHIR R4 DocumentReference must have (hl7.org/fhir/R4/documentreference.html), and an identifier, by which it is stored once. */
function findFault(resource: Record<string, unknown>): string | undefined {
  const { resourceType, status, content, identifier, masterIdentifier } = resource;
  if (resourceType !== 'DocumentReference') return 'resourceType must be DocumentReference.';
  if (!STATUSES.includes(String(status))) return `status must be one of ${STATUSES.join(', ')}.`;
  if (!masterIdentifier && !(Array.isArray(identifier) && identifier.length > 0))
    return 'An identifier is needed.';
  const attached =
    Array.isArray(content) && content.length > 0 && content.every((part) => isObject(part?.attachment));
  return attached ? undefined : 'content must hold at least one attachment.';
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/** FHIR's OperationOutcome. */
function outcome(status: number, code: string, diagnostics: string): Answer {
  return {
    status,
    headers: { 'content-type': 'application/fhir+json' },
    body: { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code, diagnostics }] },
  };
}
