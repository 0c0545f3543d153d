import { createApiFetch } from '@helseid-zones/client/api-fetch';
import { machineTokens } from '@helseid-zones/client/machine-token';
import type { TokenClient } from '@helseid-zones/client/token-client';
import type { ApiConfig } from '@helseid-zones/protocol/config';
import { ZonesError } from '@helseid-zones/protocol/errors';
import type { DocumentEvent } from './event.ts';

/** What became of a document. */
export interface Submission {
  /** The API's status: 201 made, 200 was there already. */
  status: number;
}

/**
 * Submits a document to its API on behalf of the event's organisation. Safe to repeat: FHIR's conditional create
 * (`If-None-Exist`) makes the API keep one document an identifier. Throws `api_refused` with the API's status for any answer
 * but 200 and 201, and what the token client and the API call throw. Does not read the answer's body: it may name a person.
 */
export async function submitDocument(
  { client, api }: { client: TokenClient; api: ApiConfig },
  event: DocumentEvent,
  signal?: AbortSignal,
): Promise<Submission> {
  const tokens = machineTokens(client, {
    scopes: api.scopes,
    ...(api.resource ? { resource: api.resource } : {}),
    details: [{ type: 'helseid_authorization', child: event.organization }],
  });
  const { system, value } = event.identifier;
  const response = await createApiFetch(client, tokens)(`${api.baseUrl}/DocumentReference`, {
    method: 'POST',
    headers: {
      accept: 'application/fhir+json',
      'content-type': 'application/fhir+json',
      'if-none-exist': new URLSearchParams({ identifier: `${system}|${value}` }).toString(),
    },
    body: JSON.stringify(event.document),
    ...(signal ? { signal } : {}),
  });
  await response.body?.cancel();
  const { status } = response;
  if (status === 200 || status === 201) return { status };
  throw new ZonesError('api_refused', `The documents API answered ${status}; its operator can see why.`, {
    facts: { status },
  });
}
