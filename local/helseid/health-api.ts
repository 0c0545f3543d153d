import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { createNonces } from './nonces.ts';
import { createSeenProofs, protect } from './protect.ts';
import { type Answer, answerCalls, type Call, serve } from './serve.ts';
import type { HealthApiOptions, HealthApiServer, StoredDocument } from './types.ts';
import type { Access } from './verify-access.ts';

const ORGANIZATION = 'helseid://claims/client/claims/orgnr_';

/**
 * Starts a health API that takes nothing on trust: every call passes `verifyAccess`. It has two resources, `POST <path>/DocumentReference` and `GET <path>/v1/summaries/{id}`; which of
 * them a caller reaches is decided by the audience and scopes it is started with.
 * @throws {ZonesError} local_failed: the port is taken
 */
export async function startHealthApi(options: HealthApiOptions): Promise<HealthApiServer> {
  const { ca, port = 0, path = '', issuer, audience, scopes, nonceLifetime, onEvent = () => {} } = options;
  const rules = { issuer, audience, scopes };
  const ports = { keys: options.keys, now: Date.now, seen: createSeenProofs(Date.now) };
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
      return answer;
    }),
  );
  return { ...server, url: `${server.url}${path}`, documents };
}

function answerCaller(call: Call, path: string, access: Access, documents: StoredDocument[]): Answer {
  const { pathname } = call.url;
  const [, id] = /^\/v1\/summaries\/([\w.-]{1,64})$/.exec(pathname.slice(path.length)) ?? [];
  if (call.method === 'GET' && pathname.startsWith(path) && id !== undefined) {
    const summary = { patient: { name: 'Synthetic Person' }, summary: 'No findings.' };
    return { status: 200, body: { id, ...summary, readBy: access.clientId } };
  }
  if (call.method === 'POST' && pathname === `${path}/DocumentReference`)
    return storeDocument(call, access, documents);
  return outcome(404, 'not-found', 'There is no such resource.');
}

function storeDocument(call: Call, access: Access, documents: StoredDocument[]): Answer {
  const { success, output: resource, issues } = v.safeParse(documentReference, call.body);
  if (!success) return outcome(422, 'invalid', v.summarize(issues));
  const identifier = identifierOf(resource);
  const known = documents.find((document) => identifierOf(document.resource) === identifier);
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

function describeDocument(resource: Record<string, unknown>, { clientId, claims }: Access): StoredDocument {
  const [parent, child] = ['parent', 'child'].map((unit) => {
    const claim = claims[`${ORGANIZATION}${unit}`];
    return typeof claim === 'string' ? claim : undefined;
  });
  return { id: randomUUID(), resource, clientId, parent, child, received: 0 };
}

function identifierOf({ masterIdentifier, identifier }: Record<string, unknown>): string {
  return JSON.stringify(masterIdentifier ?? identifier);
}

/** What a FHIR R4 DocumentReference must have (hl7.org/fhir/R4/documentreference.html), and an identifier, by which it is stored once. */
const documentReference = v.pipe(
  v.string(),
  v.parseJson(),
  v.looseObject({
    resourceType: v.literal('DocumentReference'),
    status: v.picklist(['current', 'superseded', 'entered-in-error']),
    content: v.pipe(v.array(v.looseObject({ attachment: v.looseObject({}) })), v.minLength(1)),
  }),
  v.check(
    ({ masterIdentifier, identifier }) =>
      Boolean(masterIdentifier) || (Array.isArray(identifier) && identifier.length > 0),
    'An identifier is needed.',
  ),
);

/** FHIR's OperationOutcome. */
function outcome(status: number, code: string, diagnostics: string): Answer {
  return {
    status,
    headers: { 'content-type': 'application/fhir+json' },
    body: { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code, diagnostics }] },
  };
}
